"""Sound files with mutated headers, decoded as the product does, in processes that may die.

``python tests/fuzz.py FIRST LAST FOLDER`` decodes the files of the seeds FIRST to LAST - 1 and
writes what came of them to FOLDER/report.json; ``run`` starts such processes, one after the other,
and goes on after the seed that one of them died at.
"""

import json
import os
import random
import resource
import struct
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

REPO = Path(__file__).parents[1]
# A process decodes so many files before the next one takes over.
BLOCK = 1000
MEGABYTES, CPU_SECONDS = 2000, 120
LONGEST_SECONDS = 5.0
HEADER_BYTES = (16, 64, 64, 256, 1024)
SIZES = (0, 1, 2, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)


@dataclass
class Outcome:
    """What became of the files: how many got each status, and all that should not have been.

    ``faults`` are broken promises, with the seed; ``deaths`` seeds at which a process crashed, ran
    out of memory or out of time.
    """

    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    deaths: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    megabytes: float = 0.0

    @property
    def files(self) -> int:
        return self.statuses.total()


def run(first: int, last: int, folder: Path) -> Outcome:
    """Decode the files of the seeds ``first`` to ``last`` - 1."""
    outcome = Outcome()
    while first < last:
        end = min(first + BLOCK, last)
        command = [sys.executable, __file__, str(first), str(end), str(folder)]
        ended = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        if ended.returncode != 0:
            seed = int((folder / "seed").read_text())
            told = ended.stderr.decode(errors="replace")[-500:]
            outcome.deaths.append(f"seed {seed}: ended with {ended.returncode} {told}")
            first = seed + 1
            continue
        report = json.loads((folder / "report.json").read_text())
        outcome.statuses.update(report["statuses"])
        outcome.faults += report["faults"]
        outcome.slowest_seconds = max(outcome.slowest_seconds, report["slowest_seconds"])
        outcome.megabytes = max(outcome.megabytes, report["megabytes"])
        first = end
    return outcome


def mutated(content: bytes, rng: random.Random) -> bytes:
    """Change, repeat or remove a few bytes near the beginning."""
    changed = bytearray(content)
    reach = rng.choice(HEADER_BYTES)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        at = rng.randrange(min(reach, len(changed)))
        way = rng.randrange(6)
        if way == 0:
            changed[at] = rng.randrange(256)
        elif way == 1:
            changed[at] ^= 1 << rng.randrange(8)
        elif way == 2:
            code, size = rng.choice((("<H", 2), (">H", 2), ("<I", 4), (">I", 4)))
            value = rng.choice((*SIZES, rng.getrandbits(32))) & (1 << 8 * size) - 1
            changed[at : at + size] = struct.pack(code, value)
        elif way == 3:
            del changed[at : at + rng.choice((1, 2, 4, 100))]
        elif way == 4:
            changed[at:at] = changed[at : at + rng.choice((1, 4, 50))]
        else:
            changed[at:at] = rng.randbytes(rng.choice((1, 4, 50)))
        if not changed:
            break
    return bytes(changed)


def originals() -> dict[str, bytes]:
    """Good files of every kind that can be written here, also of those that are not taken."""
    import soundfile
    from bad_audio import encoded
    from tiny import tone

    found = {}
    mono, stereo = tone(440.0, 0.4, 8000), np.stack([tone(440.0, 0.4, 8000)] * 2, axis=1)
    # SD2 keeps its header in a second file, RAW has none.
    for container in sorted(set(soundfile.available_formats()) - {"SD2", "RAW"}):
        for subtype in sorted(soundfile.available_subtypes(container)):
            for channels, samples in (("mono", mono), ("stereo", stereo)):
                try:
                    content = encoded(samples, 8000, container, subtype)
                except (soundfile.SoundFileError, ValueError, TypeError):
                    continue  # not every format has every rate, or two channels
                if content:
                    found[f"{container} {subtype} {channels}"] = content
    return found


def decode(path: Path) -> tuple[str, str]:
    """Status of the file, and what is wrong with the answers, if anything is."""
    from earmark.dataset import audio

    facts = audio.inspect(path, 0.05, LONGEST_SECONDS)
    if facts.status not in audio.STATUSES or facts.status == "absent":
        return facts.status, "no such status"
    # What a header says and what a part is may be wrong, but nothing may fail.
    if (audio.header(path).status == "not_audio") != (facts.status == "not_audio"):
        return facts.status, "another status by the header"
    part = audio.inspect(path, 0.05, LONGEST_SECONDS, 0.1, 0.2)
    if not 0 <= part.seconds <= 0.1 + 1e-3:
        return facts.status, f"{part.seconds} s of 0.1 s"
    if part.status in audio.STATUSES_WITH_SOUND:
        audio.load(path, 44100, LONGEST_SECONDS, part.status == "truncated", 0.1, 0.2)
    if not 0 <= facts.seconds <= LONGEST_SECONDS + 0.01:
        return facts.status, f"{facts.seconds} s"
    # Silence up to a damaged place is silent, with a problem; the product does not load it.
    is_cut = facts.status == "truncated" or (facts.status == "silent" and facts.problem != "")
    try:
        samples = audio.load(path, 44100, LONGEST_SECONDS, cut=is_cut)
    except audio.UnreadableClipError as problem:
        bad = facts.status in ("unreadable", "not_audio") and str(problem)
        return facts.status, "" if bad else f"cannot be loaded: {problem}"
    if facts.status in ("unreadable", "not_audio"):
        return facts.status, f"was loaded, {len(samples)} samples"
    if len(samples) > 44100 * (LONGEST_SECONDS + 0.01):
        return facts.status, f"{len(samples)} samples"
    if facts.status in audio.STATUSES_WITH_SOUND and not (
        samples.size and np.isfinite(samples).all()
    ):
        return facts.status, "nothing, or no numbers"
    return facts.status, ""


def main(first: int, last: int, folder: Path) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEGABYTES << 20, MEGABYTES << 20))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    files = originals()
    names = sorted(files)
    report: dict[str, Any] = {"statuses": Counter(), "faults": [], "slowest_seconds": 0.0}
    path, note = folder / "clip", folder / "seed"
    for seed in range(first, last):
        rng = random.Random(seed)
        name = rng.choice(names)
        path.write_bytes(mutated(files[name], rng))
        note.write_text(str(seed))
        begin = time.perf_counter()
        status, fault = decode(path)
        report["slowest_seconds"] = max(report["slowest_seconds"], time.perf_counter() - begin)
        report["statuses"][status] += 1
        if fault:
            report["faults"].append(f"seed {seed}, {name}, {status}: {fault}")
    report["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    (folder / "report.json").write_text(json.dumps(report))


if __name__ == "__main__":
    sys.path.insert(0, os.fspath(REPO / "workflow_scripts"))
    # The decoders of this process alone, which is limited; not ffmpeg in processes of its own.
    os.environ["PATH"] = ""
    # What libsndfile and its decoders print of bad files is not of interest.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
