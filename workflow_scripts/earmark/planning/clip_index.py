"""The index of a user's folder, which the main process writes while a run is planned.

No rule makes it, and it is written only if its bytes change: touched clips, files that no list
names and a moved or copied folder change nothing. Hashes of clips are cached in Snakemake's folder,
so that clips are not read at each start; the cache can be deleted at any time. Where a feature says
`sample_rate: auto`, a small file beside the index has the rate of the train clips, so that jobs see
the same settings.
"""

import contextlib
import json
import logging
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from earmark.dataset import index, sample_rates
from earmark.dataset.index import Listed
from earmark.dataset.layout import Layout
from earmark.planning.data_source import Source
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import atomic_file

log = logging.getLogger("earmark")

CACHE = Path(".snakemake/earmark")
# A file may change again within the resolution of its time stamp: younger ones are not cached.
CACHED_FROM_SECONDS = 2.0
RATE_FILE = "index/sample_rate.txt"


def update(
    layout: Layout,
    results: Path,
    cache: Path = CACHE,
    clips: Listed | None = None,
    with_sample_rate: bool = False,
    owner: Path | None = None,
) -> None:
    """Write the tables of ``results``/index for the clips in ``layout``, where they changed.

    ``clips`` is what its lists say, if they were read. ``cache`` is the folder for hashes of clips.
    ``with_sample_rate``: the usual rate of the train clips is written too. Raises EarmarkError when
    ``results`` were computed from different clips or labels of another ``owner`` (the data set's
    folder or list).
    """
    hashes = HashCache(cache / f"{results.name}.json")
    clips = clips or index.read_lists(layout)
    built = index.build(layout, clips, hashes.hash_all)
    texts = built.texts()
    paths = {name: results / "index" / f"{name}.csv" for name in texts}
    changed = {name for name, path in paths.items() if _text(path) != texts[name]}
    if changed:
        before = _owner(cache / f"{results.name}.folder")
        # A folder that is no longer there was moved, and may have been edited since.
        owner = owner or layout.folder.resolve()
        if before is not None and before != owner and before.exists() and results.exists():
            raise EarmarkError(
                f"The results in {results} were computed from the clips in {before}, but {owner} "
                f"contains different clips or labels. Write `name: another_name` in the "
                f"config (or add name=another_name after --config) to keep both, or delete "
                f"{results}."
            )
    index.warn_of_copies(built)
    index.warn_of_shared_recordings(clips)
    if changed & {*index.PARTS}:
        index.warn_of_unlisted(layout, built)
    if "listed" in changed and layout.train.part and layout.train.table:
        columns = ", ".join(f"{role}: {name}" for role, name in layout.train.columns.items())
        log.warning(f"Clips are as {layout.train.table} says, by its columns {columns}.")
    for name in sorted(changed):
        with atomic_file(paths[name]) as temporary:
            temporary.write_text(texts[name], encoding="utf-8")
    if "test" not in texts:
        (results / "index" / "test.csv").unlink(missing_ok=True)
    if with_sample_rate:
        rates = hashes.sample_rates(layout.folder, [row.file for row in built.train])
        text = f"{sample_rates.usual_rate(rates)}\n"
        if _text(results / RATE_FILE) != text:
            with atomic_file(results / RATE_FILE) as temporary:
                temporary.write_text(text, encoding="utf-8")
    hashes.save()


def sample_rate_of(source: Source, results: Path) -> int:
    """The usual rate of the train clips (Hz), as the main process wrote it.

    Where a rule makes the clips, there is none yet: these have the highest rate.
    """
    if not source.clips_exist:
        return sample_rates.HIGHEST_RATE
    if not (results / RATE_FILE).exists():
        # This job's machine shares no disk with the main process.
        update(source.layout, results, with_sample_rate=True)
    return int((results / RATE_FILE).read_text(encoding="utf-8"))


def note_owner(owner: Path, results: Path, cache: Path = CACHE) -> None:
    """Note, when a run begins, which folder or list results are of; a dry run changes nothing."""
    with atomic_file(cache / f"{results.name}.folder") as temporary:
        temporary.write_text(str(owner), encoding="utf-8")


def _owner(note: Path) -> Path | None:
    text = _text(note)
    return Path(text) if text else None


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


class HashCache:
    """Content hashes and sample rates of files whose size and times are as they were."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # File -> its stamp, hash and, where it was asked for, sample rate.
        self._files: dict[str, Any] = {}
        self._changed = False
        # It may be missing or damaged.
        with contextlib.suppress(OSError, ValueError, TypeError, LookupError, AttributeError):
            files = json.loads(path.read_text(encoding="utf-8"))
            if all(isinstance(one, list) and len(one) in (2, 3) for one in files.values()):
                self._files = files

    def hash_all(self, folder: Path, files: Sequence[str]) -> list[tuple[int, str]]:
        """As ``index.hash_all``, but a file that is in the cache is not read again."""
        begin, prefix = time.time_ns(), f"{folder}/"
        facts: dict[str, tuple[int, str]] = {}
        stamps: dict[str, list[int]] = {}  # of files to be read
        for file in dict.fromkeys(files):
            stamp = _stamp(file if file.startswith("/") else prefix + file)
            if stamp and file in self._files and self._files[file][0] == stamp:
                facts[file] = (stamp[0], self._files[file][1])
                continue
            self._files.pop(file, None)  # out of date
            if stamp:
                stamps[file] = stamp
        hashed = index.hash_all(folder, list(stamps))
        for (file, stamp), fact in zip(stamps.items(), hashed, strict=True):
            facts[file] = fact
            if fact[1] and max(stamp[1:3]) < begin - CACHED_FROM_SECONDS * 1e9:
                self._files[file] = [stamp, fact[1]]
                self._changed = True
        return [facts.get(file, (-1, "")) for file in files]

    def sample_rates(self, folder: Path, files: Sequence[str]) -> list[int]:
        """The rate in the header of each file (Hz), 0 for one that cannot be read.

        Of a file that ``hash_all`` found in the cache, or put there, the rate is read once.
        """
        unread = [file for file in dict.fromkeys(files) if len(self._files.get(file, ())) < 3]
        rates = sample_rates.read_all(folder, unread) if unread else []
        read = dict(zip(unread, rates, strict=True))
        for file, rate in read.items():
            if file in self._files:
                self._files[file] = [*self._files[file], rate]
                self._changed = True
        return [read[file] if file in read else self._files[file][2] for file in files]

    def save(self) -> None:
        """Write the cache if it changed."""
        if self._changed:
            with atomic_file(self.path) as temporary:
                temporary.write_text(json.dumps(self._files), encoding="utf-8")


def _stamp(path: str) -> list[int] | None:
    """Size, times, device and inode of a file, to notice changes; None if it is missing."""
    try:
        facts = os.stat(path)
    except OSError:
        return None
    if not stat.S_ISREG(facts.st_mode):  # reading a pipe would block
        return None
    # Programs cannot set ctime. Device and inode distinguish files of different folders.
    times = [facts.st_mtime_ns, facts.st_ctime_ns]
    return [facts.st_size, *times, facts.st_dev, facts.st_ino]
