"""tags.csv and the tagger: what the scripts write, by hand and beside the test clips' mean."""

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import test_ensemble
import write_tagger
import write_tags
from tiny import read_rows

from earmark.dataset import clips, tables
from earmark.evaluation import calibration, out_of_fold, predictions, tags
from earmark.evaluation.predictions import Predictions
from earmark.tagging import bundle

CLASSES = ["Bark", "Bus, red", "Cello", "Gong"]


def clips_table(rows: list[tuple[str, float, str, str]]) -> pd.DataFrame:
    """Rows of (clip, seconds, status, problem)."""
    facts = {
        **dict.fromkeys(clips.COLUMNS, ""),
        **{"sample_rate": 8000, "channels": 1, "peak": 0.5, "use": 1},
    }
    return pd.DataFrame(
        [
            {**facts, "clip": clip, "seconds": seconds, "status": status, "problem": problem}
            for clip, seconds, status, problem in rows
        ]
    )


def tagged(folder: Path, table: pd.DataFrame, predicted: Predictions) -> list[dict[str, str]]:
    """The rows of tags.csv by one system and one fold."""
    clips.write(table, folder / "clips.csv")
    values = predicted.probabilities[None]
    predictions.write(folder / "a.h5", replace(predicted, probabilities=values))
    calibration.write(folder / "a.json", calibration.Calibration(0, 1.0, None))
    settings = {"kind": "arithmetic", "exponent": 1.0, "members": ["a"]}
    write_tags.main(
        members=[str(folder / "a.h5")], calibrations=[str(folder / "a.json")], choice=[],
        clips_table=str(folder / "clips.csv"), tags=str(folder / "tags.csv"),
        top=str(folder / "top.csv"), page=str(folder / "tags.html"), threads=1,
        cfg={"candidates": {"a": settings}, "systems": ["a"], "longest_seconds": 300.0},
        folders={"sounds": str(folder)},
    )  # fmt: skip
    return read_rows(folder / "tags.csv")


def test_tags_by_hand(tmp_path: Path) -> None:
    table = clips_table(
        [
            ("b.wav", 1.5, "ok", ""),
            ("long.wav", 9.0, "too_long", "longer than 4 s"),
            ("a.wav", 0.0, "not_audio", "a text file"),
            ("empty.wav", 0.0, "empty", ""),
            ("odd.wav", 2.0, "ok", "channels cancel"),
        ]
    )
    values = np.array(
        [
            [0.1, 0.2, 0.3, 0.4],
            [0.5, 0.25, 0.25, 0.0],
            [0.9, 0.1, 0.0, 0.0],
            [0.9, 0.1, 0.0, 0.0],
            [0.0, 0.0, 1.0, 0.0],
        ]
    )
    # Predictions come in another order than the clips.
    names = table["clip"].tolist()
    found = tagged(tmp_path, table, Predictions(names[::-1], CLASSES, values[::-1]))
    assert tuple(found[0]) == tags.COLUMNS
    rows = [tuple(row.values()) for row in found]
    too_long = "too_long: longer than 4 s"
    assert rows == [
        ("b.wav", "", "", "Gong", "0.4", "1", ""),
        ("b.wav", "", "", "Cello", "0.3", "2", ""),
        ("b.wav", "", "", "Bus, red", "0.2", "3", ""),
        ("long.wav", "", "", "Bark", "0.5", "1", too_long),
        ("long.wav", "", "", "Bus, red", "0.25", "2", too_long),
        ("long.wav", "", "", "Cello", "0.25", "3", too_long),
        ("a.wav", "", "", "", "", "", "not_audio: a text file"),
        ("empty.wav", "", "", "", "", "", "empty: no samples"),
        ("odd.wav", "", "", "Cello", "1.0", "1", "channels cancel"),
        ("odd.wav", "", "", "Bark", "0.0", "2", "channels cancel"),
        ("odd.wav", "", "", "Bus, red", "0.0", "3", "channels cancel"),
    ]


@pytest.mark.parametrize("status", ["ok", "silent"])
def test_all_heard_or_none_and_two_classes(tmp_path: Path, status: str) -> None:
    names = ["a.wav", "b.wav"]
    table = clips_table([(name, 1.0, status, "") for name in names])
    values = np.array([[1.0, 0.0], [0.0, 1.0]])
    found = tagged(tmp_path, table, Predictions(names, ["x", "y"], values))
    ranks = ["1", "2"] if status == "ok" else [""]
    assert [(row["clip"], row["rank"]) for row in found] == [
        (name, rank) for name in names for rank in ranks
    ]


def test_a_weighted_ensemble_tags_sounds_by_the_mean_of_test_clips(tmp_path: Path) -> None:
    held_out = {"one": [0.2, 0.5, 0.3, 0.0], "two": [0.9, 0.1, 0.0, 0.0]}
    mean, _ = test_ensemble.combined(tmp_path, "weighted", ["one", "two"], held_out)
    rows = [(name, 1.0, "ok", "") for name in test_ensemble.NAMES]
    clips.write(clips_table(rows), tmp_path / "clips.csv")
    write_tags.main(
        members=[str(tmp_path / f"{name}.h5") for name in held_out],
        calibrations=[str(tmp_path / f"{name}_calibration.json") for name in held_out],
        choice=[],
        clips_table=str(tmp_path / "clips.csv"),
        tags=str(tmp_path / "tags.csv"),
        top=str(tmp_path / "top.csv"),
        page=str(tmp_path / "tags.html"),
        cfg={
            "candidates": {
                "mean": {"kind": "weighted", "exponent": 0.25, "members": list(held_out)}
            },
            "systems": list(held_out),
            "longest_seconds": 300.0,
        },
        threads=1,
        folders={"sounds": str(tmp_path)},
    )
    assert (tmp_path / "top.csv").read_bytes() == (tmp_path / "tags.csv").read_bytes()
    found = read_rows(tmp_path / "tags.csv")
    assert [row["label"] for row in found[:3]] == ["Bus", "Gong", "Bark"]  # as worked out there
    for row in found:
        place = test_ensemble.NAMES.index(row["clip"])
        of_label = mean[place][test_ensemble.CLASSES.index(row["label"])]
        assert float(row["probability"]) == pytest.approx(of_label, abs=1e-6)


@pytest.mark.parametrize(
    "name", ["a\rb", "a\nb", "a\r\nb", "\r", ' "x", ', "\udcff\r", "wren\u2028"]
)
def test_every_name_is_read_back(tmp_path: Path, name: str) -> None:
    rows = [(name, 0.5, None, "Bark", 0.25, 1, name), ("b", None, None, None, None, None, "")]
    (tmp_path / "tags.csv").write_bytes(tags.header() + tags.encoded(rows))
    path = tmp_path / "tags.csv"
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        found = [tuple(row.values()) for row in csv.DictReader(file)]
    assert found == [(name, "0.5", "", "Bark", "0.25", "1", name), ("b", "", "", "", "", "", "")]
    lines = tags.encoded(rows, "jsonl").splitlines()
    assert [json.loads(line)["clip"] for line in lines] == [name, "b"]


def written_tagger(
    folder: Path, weights: dict[str, str], **others: Any
) -> tuple[bundle.Bundle, str]:
    """The bundle and card of networks whose weights (name -> system) have the name as content."""
    files: dict[str, list[str]] = {"weights": [], "metadata": []}
    for place, (name, system) in enumerate(weights.items()):
        model = {
            "network": "cnn_logmel",
            "network_options": {"width": 2},
            "recipe": {"batch_clips": 4, "learning_rate": 0.01, "epochs": place},
            "feature": {"kind": "stft" if system == "two" else "log_mel", "sample_rate": 8000},
            "classes": CLASSES,
            "clips": {"train": 30 + place},
            "kept_epoch": 7,
            "versions": {"torch": "9.9"},
        }
        (folder / f"{name}.source").write_text(name)
        (folder / f"{name}.json").write_text(json.dumps(model))
        files["weights"].append(str(folder / f"{name}.source"))
        files["metadata"].append(str(folder / f"{name}.json"))
    clips.write(clips_table([("a.wav", 1.5, "ok", "")]), folder / "clips.csv")
    values = {"one": [0.2, 0.5, 0.3, 0.0], "two": [0.9, 0.1, 0.0, 0.0]}
    members = list(dict.fromkeys(weights.values()))
    mean = {"kind": "weighted", "exponent": 0.25, "members": members}
    cfg = {
        **{"results": "mine", "candidates": {"mean": mean}, "seed": 3},
        **{"weights": weights, "every_clip": True},
        **{"limits": {"shortest_seconds": 0.1, "longest_seconds": 9.0}},
        **{"features": {"one": "mel", "two": "picture"}, **others},
    }
    scored = [("mean", 3, "a.wav", 0, "Bark", 1, "Gong", "Bark", "Bus, red", 0.5, 0.3)]
    scored += [("mean", 4, *scored[0][2:]), ("one", 3, *scored[0][2:])]
    tables.write_table(pd.DataFrame(scored, columns=out_of_fold.COLUMNS), folder / "scores.csv")
    write_tagger.main(
        **files,
        calibrations=test_ensemble.calibrations(folder, values),
        choice=[],
        clips_table=str(folder / "clips.csv"),
        labels_table=str(folder / "labels.csv"),
        clip_scores=[str(folder / "scores.csv")],
        folder=str(folder / "tagger"),
        cfg=cfg,
    )
    return bundle.read(folder / "tagger"), (folder / "tagger/README.md").read_text()


def test_a_tagger_has_its_systems_their_features_and_a_weighted_means_scores(
    tmp_path: Path,
) -> None:
    found, card = written_tagger(tmp_path, {"one.safetensors": "one", "two.safetensors": "two"})
    assert (found.name, found.classes, found.versions) == ("mine", CLASSES, {"torch": "9.9"})
    assert (found.shortest_seconds, found.longest_seconds) == (0.1, 9.0)
    # Bark is the third guess of one and the first of two.
    assert found.combination.scores == pytest.approx([1 / 3, 1])
    assert found.features == {
        "mel": {"kind": "log_mel", "sample_rate": 8000},
        "picture": {"kind": "stft", "sample_rate": 8000},
    }
    assert {name: system.feature for name, system in found.systems.items()} == {
        "one": "mel", "two": "picture",
    }  # fmt: skip
    assert {system.temperature for system in found.systems.values()} == {1.0}
    assert (tmp_path / "tagger/two.safetensors").read_text() == "two.safetensors"
    # Of the ensemble and the first seed; Bark was the second guess.
    assert card.count("0.500") == 1
    assert "CalibratedClassifierCV" in card
    assert "| Bark | 1 | 1 |" in card


def test_a_tagger_of_the_folds_takes_the_place_of_another(tmp_path: Path) -> None:
    written_tagger(tmp_path, {"one.safetensors": "one"})
    (tmp_path / "tagger/tagger.json").unlink()  # as Snakemake does
    names = {f"one_fold{fold}.safetensors": "one" for fold in (0, 2)}
    found, card = written_tagger(tmp_path, names, every_clip=False)
    assert found.systems["one"].weights == list(names)
    files = sorted(path.name for path in (tmp_path / "tagger").iterdir())
    assert files == ["README.md", *names, "tagger.json"]
    assert "CalibratedClassifierCV" not in card
