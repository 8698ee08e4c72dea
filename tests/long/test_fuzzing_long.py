"""Very many mutated headers: about six minutes for 100,000."""

from pathlib import Path

import fuzz

FILES = 100_000


def test_mutated_headers(tmp_path: Path) -> None:
    outcome = fuzz.run(1000, 1000 + FILES, tmp_path)
    print(f"\n{outcome}")
    assert outcome.deaths == []
    assert outcome.faults == []
    assert outcome.files == FILES
    assert outcome.slowest_seconds < 30
    assert outcome.megabytes < 500
