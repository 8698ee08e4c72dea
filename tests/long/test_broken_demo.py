"""The demo with 3 % of its clips broken in every way: it ends, and nothing is lost or silent.

About ten minutes on two cores.
"""

import random
import shutil
from collections import Counter
from pathlib import Path

from bad_audio import PLANTED, plant
from test_broken_clips import assert_reported
from tiny import read_rows, snakemake

SHARE = 0.03
# Of the clips planted, the longest is 12 s.
OVERLAY = {"clips": {"longest_seconds": 10.0}}


def test_the_demo_with_broken_clips(tmp_path: Path) -> None:
    made = tmp_path / "made"
    code, text = snakemake(made, "results/demo/dataset/train.csv")
    assert code == 0, text
    broken = tmp_path / "broken_demo"
    shutil.move(made / "results/demo/dataset", broken)
    listed = [row["fname"] for row in read_rows(broken / "sample_submission.csv")]
    labels = {row["fname"]: row for row in read_rows(broken / "train.csv")}
    rng = random.Random(5)
    # Not the verified ones: a class may have but one of them.
    free = sorted(name for name, row in labels.items() if row["manually_verified"] == "0")
    count = round(SHARE * (len(listed) + len(labels)))
    assert count >= len(PLANTED)
    half = count // 2
    files = [broken / "audio_train" / name for name in rng.sample(free, half)]
    files += [broken / "audio_test" / name for name in rng.sample(listed, count - half)]
    rng.shuffle(files)
    planted = plant(files)

    run = tmp_path / "run"
    overlay = {**OVERLAY, "dataset": str(broken)}
    code, text = snakemake(run, "submission.csv", "scores", overlay=overlay, seconds=3600)
    assert code == 0, text
    rows = read_rows(run / "submission.csv")
    assert [row["fname"] for row in rows] == listed
    classes = {row["label"] for row in labels.values()}
    for row in rows:
        guesses = row["label"].split()
        assert len(set(guesses)) == 3
        assert set(guesses) <= classes

    results = run / "results/broken_demo"
    assert_reported(results, run / "logs/broken_demo", planted)
    print(f"\n{count} clips planted: {dict(sorted(Counter(planted.values()).items()))}")
    print((results / "scores.csv").read_text(encoding="utf-8"))
