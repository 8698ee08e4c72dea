"""Disks that are too small, and writers that are killed, again and again: `make test-long`.

Everything that the workflow makes (of a tiny set: `all`, with every kind of output) is made on a
tmpfs. In each run it becomes full after some jobs, drawn from a seed; then it gets room and the
same command is given again, until all is made. EARMARK_DISKS says how many such disks there are
(3), and how many runs whose writers are killed.
"""

import os
import random
import re
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import pytest
from small_disk import mount, resize, unmount
from test_faults import outcome
from tiny import make_set, merged, snakemake, start_snakemake
from tiny_run import CLASSES, TINY

DISKS = int(os.environ.get("EARMARK_DISKS", "3"))


def used(folder: Path) -> int:
    """Kilobytes that are taken on this disk."""
    facts = os.statvfs(folder)
    return (facts.f_blocks - facts.f_bfree) * facts.f_frsize // 1024


class Reference:
    def __init__(self, base: Path) -> None:
        made = make_set(base / "four", CLASSES, clips=8, truth=True, empty_test_clips=1)
        self.overlay = merged(TINY, {"dataset": str(made.folder)})
        code, text = snakemake(base / "reference", "all", overlay=self.overlay, seconds=1800)
        assert code == 0, text
        self.bytes = outcome(base / "reference")


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    return Reference(tmp_path_factory.mktemp("disks"))


def run_until_full(
    directory: Path, reference: Reference, jobs: int, kilobytes: int, printed: Path
) -> tuple[int, str]:
    """Run ``all``; once so many jobs are done, no more than ``kilobytes`` are left on the disk."""
    resize(directory, 100_000)
    with printed.open("w") as sink:
        run = start_snakemake(directory, "all", overlay=reference.overlay, output=sink)
        waiting = True
        while run.poll() is None:
            if waiting and printed.read_text().count("Finished jobid") >= jobs:
                waiting = False
                resize(directory, used(directory) + kilobytes)
            time.sleep(0.01)
    return run.returncode, printed.read_text()


@pytest.mark.parametrize("number", range(DISKS))
def test_a_disk_that_is_full_again_and_again(
    reference: Reference, tmp_path: Path, number: int
) -> None:
    rng = random.Random(f"disk {number}")
    directory = tmp_path / "run"
    if not mount(directory, "size=100m"):
        pytest.skip("no file system may be mounted here")
    rules: Counter[str] = Counter()
    outputs: Counter[str] = Counter()
    code = 1
    try:
        while code != 0:
            jobs, kilobytes = rng.randint(0, 4), rng.choice([0, 4, 16, 64, 256])
            code, text = run_until_full(
                directory, reference, jobs, kilobytes, tmp_path / "printed.txt"
            )
            if code == 0:
                break
            found = re.findall(r"Error in rule (\w+):", text) or ["(Snakemake itself)"]
            named = re.findall(r"The output (\S+) cannot be written \(No space left", text)
            rules.update(found)
            outputs.update(Path(name).suffix or name for name in named)
            print(f"  {kilobytes} kB left: {', '.join(found)}; named: {', '.join(named) or 'none'}")
            assert "No space left on device" in text, text
            # No traceback of ours, whatever Snakemake says of its own notes.
            assert "earmark/" not in "".join(re.findall(r'File ".*', text)), text
            assert not list((directory / "results").rglob(".*.tmp")), text
            assert rules.total() < 200
        print(
            f"\ndisk {number + 1}: {rules.total()} faults, {dict(rules)}, outputs {dict(outputs)}"
        )
        assert rules
        made = outcome(directory)
        assert made.keys() == reference.bytes.keys()
        assert [path for path, content in reference.bytes.items() if made[path] != content] == []
    finally:
        unmount(directory)


def kill_one_writer(results: Path, hit: set[str]) -> bool:
    """Kill the process that is writing an output which has not been hit yet, if one is."""
    for path in results.rglob(".*.tmp"):
        name, pid = path.name[1:].removesuffix(".tmp").split(f".{socket.gethostname()}.")
        output = str(path.with_name(name).relative_to(results))
        if output not in hit:
            hit.add(output)
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                continue
            return True
    return False


@pytest.mark.parametrize("number", range(DISKS))
def test_killed_writers_of_every_job(reference: Reference, tmp_path: Path, number: int) -> None:
    rng = random.Random(f"writers {number}")
    directory = tmp_path / "run"
    hit: set[str] = set()
    killed = 0
    while True:
        printed = tmp_path / "printed.txt"
        with printed.open("w") as sink:
            run = start_snakemake(directory, "all", overlay=reference.overlay, output=sink)
            wanted = True
            while run.poll() is None:
                # One a run, and not always the first that comes.
                if wanted and rng.random() < 0.7 and kill_one_writer(directory / "results", hit):
                    wanted, killed = False, killed + 1
                time.sleep(0.001)
        if run.returncode == 0:
            break
        assert killed < 100, printed.read_text()
        assert not wanted, printed.read_text()
    suffixes = Counter(Path(name).suffix for name in hit)
    print(f"\nrun {number + 1}: {killed} writers killed: {dict(suffixes)}")
    assert killed > 5
    made = outcome(directory)
    assert made.keys() == reference.bytes.keys()
    assert [path for path, content in reference.bytes.items() if made[path] != content] == []
