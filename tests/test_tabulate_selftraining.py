"""The table of self-training rounds beside the report's, by hand."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import tabulate_selftraining
from tiny import write_rows

from earmark.report2018 import report_tables
from earmark.runtime.errors import EarmarkError

HISTORY = ("epoch", "train_accuracy", "validation_loss", "validation_accuracy")
BASE = [(1, 0.2, 3.0, 0.1), (2, 0.4, 2.0, 0.5), (3, 0.6, 2.5, 0.5), (4, 0.7, 2.0, 0.5)]
ROUNDS = [
    [(1, 0.75, 1.0, 0.6), (2, 0.8, 1.1, 0.6)],
    [(1, 0.85, 0.9, 0.55), (2, 0.9, 0.8, 0.58), (3, 0.95, 0.8, 0.57)],
]
PSEUDO = [3, 2]
LABELS = ("clip", "label", "verified", "source", "weight")


def selftrained(
    folder: Path, setting: str | None, base: bool = True, clips: tuple[int, ...] = (103, 102)
) -> tuple[list[list[str]], str]:
    write_rows(folder / "base.csv", HISTORY, BASE)
    histories, pseudo = [str(folder / "base.csv")] if base else [], []
    for number, (rows, count) in enumerate(zip(ROUNDS, PSEUDO, strict=True), start=1):
        history = [(number, clips[number - 1], *row) for row in rows]
        write_rows(folder / f"{number}.csv", ("round", "clips", *HISTORY), history)
        added = [(f"{clip}.wav", "Bus", 0, "pseudo_label", 1.0) for clip in range(count)]
        write_rows(folder / f"p{number}.csv", LABELS, added)
        histories.append(str(folder / f"{number}.csv"))
        pseudo.append(str(folder / f"p{number}.csv"))
    tabulate_selftraining.main(
        histories=histories,
        pseudo=pseudo,
        csv=str(folder / "table.csv"),
        markdown=str(folder / "table.md"),
        page=str(folder / "table.html"),
        cfg={"title": "Setting", "setting": setting},
    )
    with open(folder / "table.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file)), (folder / "table.md").read_text(encoding="utf-8")


# round, best epoch, epochs, clips, pseudo-labels, train and validation accuracy: of equal
# accuracies the lower loss counts, of equal losses the earlier epoch.
EXPECTED = [
    ["0", "2", "4", "100", "0", "0.4", "0.5"],
    ["1", "1", "2", "103", "3", "0.75", "0.6"],
    ["2", "2", "3", "102", "2", "0.9", "0.58"],
    ["best (1)", "1", "2", "103", "3", "0.75", "0.6"],
]


def test_rounds_by_hand(tmp_path: Path) -> None:
    (heading, *rows), text = selftrained(tmp_path, None)
    assert heading == [
        "round", "best_epoch", "epochs", "clips", "pseudo_labels", "train_accuracy",
        "validation_accuracy",
    ]  # fmt: skip
    assert rows == EXPECTED
    assert text.startswith("## Setting\n")
    assert "reported" not in text


def test_setting_a_counts_the_base_as_its_first_iteration(tmp_path: Path) -> None:
    (heading, *rows), text = selftrained(tmp_path, "A")
    assert heading[7:] == [
        "reported_clips", "reported_train_accuracy", "reported_validation_accuracy",
    ]  # fmt: skip
    assert [row[:7] for row in rows] == EXPECTED
    assert [row[7:] for row in rows] == [
        ["5449", "0.5687", "0.0368"],
        ["6118", "0.8635", "0.761"],
        ["6109", "0.8801", "0.8346"],
        ["", "0.9012", "0.8474"],
    ]
    assert "FSDKaggle2018" in text


def test_setting_b_shows_reported_rounds_that_were_not_run(tmp_path: Path) -> None:
    (_, *rows), _ = selftrained(tmp_path, "B")
    assert [(row[0], row[3], row[7], row[9]) for row in rows] == [
        ("0", "100", "", ""),
        ("1", "103", "8042", ""),
        ("2", "102", "", ""),
        ("30", "", "5022", ""),
        ("best (1)", "103", "", "0.8787"),
    ]


def test_rounds_without_a_base_count_from_one(tmp_path: Path) -> None:
    (_, *rows), _ = selftrained(tmp_path, None, base=False)
    assert rows == EXPECTED[1:]


def test_a_base_alone_has_one_row_and_unknown_clips() -> None:
    base = pd.DataFrame(BASE, columns=list(HISTORY))
    table = report_tables.selftraining([base], [], None)
    assert table["round"].tolist() == ["0", "best (0)"]
    assert table["clips"].isna().all()


def test_without_validation_the_last_epoch_and_round_count() -> None:
    blind = pd.DataFrame({"epoch": [1, 2], "train_accuracy": [0.9, 0.8]})
    table = report_tables.selftraining([blind, blind.assign(clips=12)], [2], None)
    assert table["best_epoch"].tolist() == [2, 2, 2]
    assert table["round"].tolist() == ["0", "1", "best (1)"]
    assert table["validation_accuracy"].isna().all()
    assert table["clips"].tolist() == [10, 12, 12]


def test_parts_that_do_not_belong_together_get_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(EarmarkError, match="not of one self-training"):
        selftrained(tmp_path, None, clips=(103, 103))
    base = pd.DataFrame(BASE, columns=list(HISTORY))
    with pytest.raises(EarmarkError, match="1 histories for 2 rounds"):
        report_tables.selftraining([base], [1, 2], None)
    with pytest.raises(EarmarkError, match="0 histories"):
        report_tables.selftraining([], [], None)
    with pytest.raises(EarmarkError, match=r"no self-training setting 'C'\. Write one of: A, B"):
        report_tables.selftraining([base], [], "C")


def test_the_best_epoch_is_the_one_whose_weights_training_keeps() -> None:
    from earmark.training import classifier

    rng = np.random.default_rng(0)
    for _ in range(50):
        # Few values, so that many epochs are equal.
        history = pd.DataFrame(
            {
                "epoch": range(1, 9),
                "validation_accuracy": rng.choice([0.5, 0.6], 8),
                "validation_loss": rng.choice([1.0, 2.0], 8),
            }
        )
        kept, score = 0, None
        for figures in history.to_dict("records"):
            reached = classifier._accuracy_then_loss(figures)
            if score is None or reached > score:
                kept, score = figures["epoch"], reached
        assert report_tables.best_epoch(history)["epoch"] == kept
