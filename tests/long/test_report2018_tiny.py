"""A tiny run of the whole 2018 report: every kind of table and figure, and the page of them."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from test_report2018 import PRESET
from tiny import make_set, read_rows, report_page, snakemake
from tiny_run import CLASSES, TINY


def tiny_report() -> dict[str, Any]:
    """The preset's list, cut down to what a test has time for; other tests run the default."""
    features = TINY["features"]
    short = TINY["recipes"]["vgg"]
    spectrogram = {**features["stft"], "bins": 32, "frames": 28}
    cut = {
        "extends": "report2018-small",
        "folds": 2,
        "hardware": TINY["hardware"],
        "features": {
            "spectrogram": spectrogram,
            "cepstra": {**features["log_mel"], "kind": "mfcc", "coefficients": 16},
        },
        "recipes": {
            **{name: short for name in PRESET["recipes"]},
            "report_cepstra": {**short, "crop_frames": 16},
        },
        "selftraining": {
            "report_a": {"rounds": 1},
            "report_b": {"rounds": 2, "start": "untrained", "lower_first": 0.0, "upper": 1.0},
        },
        "ensembles": {"power": {"members": ["fewer_latent", "semi_b"]}},
        "scores": ["power"],
        "report": {
            "spreading": dict.fromkeys(("one", "three", "five"), "report_two"),
            "structures_of": ["fewer_latent"],
        },
    }
    lines = {
        "methods": ["mfcc_2d"],
        "advancement": ["fewer_latent", "semi_b"],
        "ensembles": ["power"],
    }
    cut["report"]["systems"] = {
        table: [{"title": entry, "entry": entry, "reported": [0.7]} for entry in entries]
        for table, entries in lines.items()
    }
    return cut


def test_a_tiny_report_of_a_folder_without_truth(tmp_path: Path) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=8)
    overlay = {**tiny_report(), "dataset": str(made.folder)}
    code, text = snakemake(tmp_path / "run", "report2018", overlay=overlay)
    assert code == 0, text
    folder = tmp_path / "run/results/four/report"
    expected = {"clips_per_class.csv", "methods.html", "spreading_five.csv"}
    assert expected <= {path.name for path in folder.iterdir()}
    for path in folder.iterdir():
        assert path.stat().st_size > 60, path
    # Held-out verified clips stand in for the test clips, whose truth is not known.
    rows = read_rows(folder / "methods.csv")
    assert [row["system"] for row in rows] == ["mfcc_2d"]
    clips = [
        row
        for row in read_rows(folder.parent / "out_of_fold.csv")
        if row["system"] == "mfcc_2d" and row["verified"] == "1"
    ]
    ranks = [
        [row[f"guess_{rank}"] for rank in (1, 2, 3)].index(row["label"]) + 1
        if row["label"] in (row["guess_1"], row["guess_2"], row["guess_3"])
        else 0
        for row in clips
    ]
    mean = sum(1 / rank for rank in ranks if rank) / len(clips)
    assert float(rows[0]["map3"]) == pytest.approx(mean, abs=1e-4)
    assert int(rows[0]["clips"]) == len(clips) == 8
    # From nothing: an untrained network labels the whole pool in the first round of setting B.
    pool = folder.parent / "selftraining/semi_b/seed1/fold0/round1/pseudo_labels.csv"
    selection = read_rows(folder.parent / "selections/promoted_in_latents.csv")
    base = {row["clip"] for row in selection if float(row["weight"]) > 0}
    held_out = {row["clip"] for row in read_rows(folder.parent / "folds.csv") if row["fold"] == "0"}
    everything = {fname for fname, _, _ in made.train}
    assert {row["clip"] for row in read_rows(pool)} == everything - base - held_out
    # The base model had no part in that: neither a line of the table nor a job.
    assert read_rows(folder / "selftraining_semi_b.csv")[0]["round"] == "1"
    assert not (folder.parent / "models/fewer_coarse").exists()
    metadata = json.loads((folder.parent / "models/mfcc_2d/seed1/fold0/model.json").read_text())
    assert metadata["network"] == "cnn2d_mfcc"
    # One page shows each figure and table once, in the order of the report's sections.
    page = report_page(tmp_path / "run", "report2018", overlay=overlay)
    shown = Counter(Path(path).stem for path in page.data("results") if "/report/" in path)
    assert shown == dict.fromkeys({path.stem for path in folder.iterdir()}, 1)
    places = {Path(path).stem: place for path, place in page.sections().items()}
    for name, section in {
        "examples_spectrogram": "Section 2: spectrograms",
        "structure_autoencoder": "Section 3: the autoencoder",
        "spreading_five": "Section 4: label spreading",
        "structure_fewer_latent": "Section 5: networks",
        "threshold_schedule": "Section 6: self-training",
        "selftraining_semi_b": "Section 6: self-training",
        "methods": "Section 8: scores",
    }.items():
        assert places[name] == ("5 The 2018 report", section)
