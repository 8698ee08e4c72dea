"""Disks that become full at ten different moments of a whole run: `make test-long`.

Each time the disk is made larger and the same command given again. About ten minutes on two cores;
skipped where no file system can be mounted.
"""

import random
import re
from collections import Counter
from pathlib import Path

from small_disk import small_disk
from test_end_to_end import TINY
from test_faults import CLASSES, results_of
from tiny import make_set, merged, snakemake

MOMENTS = 10


def test_full_at_many_moments(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", CLASSES, clips=8, truth=True)
    overlay = merged(TINY, {"dataset": str(made.folder)})
    code, text = snakemake(tmp_path / "reference", "all", overlay=overlay)
    assert code == 0, text
    wanted = results_of(tmp_path / "reference")
    taken = sum(len(content) for content in wanted.values()) // 1024
    failed: Counter[str] = Counter()
    rng = random.Random(2018)
    for moment in range(MOMENTS):
        # From almost nothing to almost all.
        share = (moment + rng.random()) / MOMENTS
        with small_disk(tmp_path / f"disk{moment}", max(200, int(share * taken))) as disk:
            code, text = snakemake(disk.path, "all", overlay=overlay)
            assert code != 0, f"{share:.0%} of {taken} kB was enough"
            rules = re.findall(r"Error in rule (\w+)", text)
            told = re.findall(r"The output \S+ cannot be written", text)
            failed.update(rules or ["Snakemake itself"])
            print(f"{share:.0%} of {taken} kB: {rules or 'Snakemake itself'}, {len(told)} told")
            assert told or not rules, text
            for name, content in results_of(disk.path).items():
                unfinished = name.endswith((".lock", ".holder", ".pt", ".wanted"))
                assert unfinished or content == wanted[name], name
            disk.grow(40 * taken)
            code, text = snakemake(disk.path, "all", overlay=overlay)
            assert code == 0, text
            assert results_of(disk.path) == wanted
    print(f"{MOMENTS} full disks, all results identical afterwards; failed: {dict(failed)}")
