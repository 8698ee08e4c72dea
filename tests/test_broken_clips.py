"""The whole workflow on clips that are broken in every way. `make test-long` does it at 3 %."""

from collections import Counter
from pathlib import Path

from bad_audio import PLANTED, plant
from test_end_to_end import TINY
from tiny import make_set, merged, read_rows, snakemake


def test_every_planted_kind_ends_in_a_submission(tmp_path: Path) -> None:
    classes = ["Bark", "Cello", "Flute", "Gong"]
    made = make_set(tmp_path / "set", classes, clips=12, test_clips=len(PLANTED) // 4)
    free = [fname for fname, _, verified in made.train if not verified][: len(PLANTED)]
    planted = plant([made.audio_train / fname for fname in free])
    planted |= plant([made.audio_test / fname for fname in made.test])
    assert len(planted) == 2 * len(PLANTED)
    limits = {"longest_seconds": 10.0, "most_skipped_percent": 5.0}
    overlay = merged(TINY, {"dataset": str(made.folder), "clips": limits})
    code, text = snakemake(tmp_path / "run", "submission.csv", overlay=overlay)
    assert code != 0
    assert "train clips cannot be learned from (" in text

    overlay["clips"]["most_skipped_percent"] = 40.0
    code, text = snakemake(tmp_path / "run", "submission.csv", overlay=overlay)
    assert code == 0, text
    rows = read_rows(tmp_path / "run/submission.csv")
    assert [row["fname"] for row in rows] == made.test
    assert all(len(set(row["label"].split()) & set(classes)) == 3 for row in rows)
    manifest = {row["fname"]: row for row in read_rows(tmp_path / "run/results/set/manifest.csv")}
    assert {name: manifest[name]["status"] for name in planted} == planted
    log = (tmp_path / "run/logs/set/make_manifest.log").read_text(encoding="utf-8")
    for (split, status), number in Counter(
        (row["split"], row["status"]) for row in manifest.values()
    ).items():
        assert f"{split}: {number} {status.replace('_', ' ')} (" in log
