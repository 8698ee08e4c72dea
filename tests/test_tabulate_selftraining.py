"""The table of self-training rounds beside the report's, by hand."""

import json
from pathlib import Path
from typing import Any

import tabulate_selftraining
from tiny import read_rows, write_rows

from earmark.report2018 import report_tables

LABELS = ("clip", "label", "verified", "source", "weight")
# Round -> kept epoch, clips, pseudo-labels, train accuracy, validation loss and accuracy.
ROUNDS = {
    0: (2, 100, 0, 0.4, 2.0, 0.5),
    1: (1, 103, 3, 0.75, 1.0, 0.6),
    2: (2, 102, 2, 0.9, 0.8, 0.58),
}


def facts_of(number: int, watch: str = "accuracy") -> dict[str, Any]:
    """What model.json says of a round, as far as the table goes by it."""
    epoch, clips, _, train, loss, validation = ROUNDS[number]
    figures = {"train_accuracy": train, "validation_loss": loss, "validation_accuracy": validation}
    return {
        "kept_epoch": epoch,
        "kept_metrics": {"epoch": float(epoch), **figures},
        "clips": {"train": clips, "validation": 8},
        "recipe": {"watch": watch},
    }


def selftrained(
    folder: Path, setting: str | None, rounds: tuple[int, ...] = (0, 1, 2), watch: str = "accuracy"
) -> list[list[str]]:
    for number in rounds:
        (folder / f"{number}.json").write_text(json.dumps(facts_of(number, watch)))
        added = [
            (f"{clip}.wav", "Bus", 0, "pseudo_label", 1.0) for clip in range(ROUNDS[number][2])
        ]
        write_rows(folder / f"{number}.csv", LABELS, added)
    tabulate_selftraining.main(
        metadata=[str(folder / f"{number}.json") for number in rounds],
        pseudo=[str(folder / f"{number}.csv") for number in rounds if number],
        csv=str(folder / "table.csv"),
        page=str(folder / "table.html"),
        cfg={"title": "Setting", "setting": setting, "rounds": list(rounds)},
    )
    rows = read_rows(folder / "table.csv")
    assert "<h2>Setting</h2>" in (folder / "table.html").read_text(encoding="utf-8")
    return [list(rows[0]), *(list(row.values()) for row in rows)]


# round, kept epoch, clips, pseudo-labels, train and validation accuracy
EXPECTED = [
    ["0", "2", "100", "0", "0.4", "0.5"],
    ["1", "1", "103", "3", "0.75", "0.6"],
    ["2", "2", "102", "2", "0.9", "0.58"],
]


def test_rounds_by_hand(tmp_path: Path) -> None:
    heading, *rows = selftrained(tmp_path, None)
    assert heading == [
        "round", "kept_epoch", "clips", "pseudo_labels", "train_accuracy", "validation_accuracy",
    ]  # fmt: skip
    assert rows == [*EXPECTED, ["best (1)", *EXPECTED[1][1:]]]


def test_the_best_round_is_the_one_with_the_lowest_loss_where_that_is_watched(
    tmp_path: Path,
) -> None:
    _, *rows = selftrained(tmp_path, None, watch="loss")
    assert rows == [*EXPECTED, ["best (2)", *EXPECTED[2][1:]]]


def test_setting_a_counts_the_base_as_its_first_iteration(tmp_path: Path) -> None:
    heading, *rows = selftrained(tmp_path, "A")
    assert heading[6:] == [
        "reported_clips", "reported_train_accuracy", "reported_validation_accuracy",
    ]  # fmt: skip
    assert [row[:6] for row in rows[:3]] == EXPECTED
    assert [row[6:] for row in rows] == [
        ["5449", "0.5687", "0.0368"],
        ["6118", "0.8635", "0.761"],
        ["6109", "0.8801", "0.8346"],
        ["", "0.9012", "0.8474"],
    ]


def test_setting_b_shows_reported_rounds_that_were_not_run(tmp_path: Path) -> None:
    _, *rows = selftrained(tmp_path, "B")
    assert [(row[0], row[2], row[6], row[8]) for row in rows] == [
        ("0", "100", "", ""),
        ("1", "103", "8042", ""),
        ("2", "102", "", ""),
        ("30", "", "5022", ""),
        ("best (1)", "103", "", "0.8787"),
    ]


def test_rounds_without_a_base_count_from_one(tmp_path: Path) -> None:
    _, *rows = selftrained(tmp_path, None, rounds=(1, 2))
    assert rows[:2] == EXPECTED[1:]


def test_without_validation_the_last_round_is_the_best() -> None:
    rounds = {number: facts_of(number) for number in ROUNDS}
    for facts in rounds.values():
        facts["kept_metrics"] = {"train_accuracy": 0.5}
    table = report_tables.selftraining(rounds, {1: 3, 2: 2}, None)
    assert table["round"].tolist() == ["0", "1", "2", "best (2)"]
    assert table["validation_accuracy"].isna().all()


def test_equal_rounds_the_first_is_the_best() -> None:
    table = report_tables.selftraining({0: facts_of(1), 1: facts_of(1)}, {1: 3}, None)
    assert table["round"].tolist()[-1] == "best (0)"
