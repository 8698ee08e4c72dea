"""The report's figures against themselves and the official list, and the tables with ours."""

import math
from pathlib import Path
from typing import Any

import pytest
import tabulate_spreading
import tabulate_systems
from test_web_page import Reader
from tiny import read_rows, write_rows

from earmark.evaluation import scoring
from earmark.labels import class_groups
from earmark.report2018 import reported_values
from earmark.runtime.errors import EarmarkError

# ------------------------------------------------------------------------ the report's own figures


@pytest.mark.parametrize("scheme", reported_values.GROUP_TABLES)
def test_reported_group_tables_add_up(scheme: str) -> None:
    rows = reported_values.GROUP_TABLES[scheme]
    assert {row.group for row in rows} - {"together"} == set(class_groups.SCHEMES[scheme])
    for row in rows:
        assert row.percent == pytest.approx(100 * row.verified_after / row.clips, abs=0.0051)
    parts = [row for row in rows if row.group != "together"]
    assert sum(row.clips for row in parts) == 9473
    if scheme != "one":
        assert rows[-1].group == "together"
        assert sum(row.verified_after for row in parts) == rows[-1].verified_after
        assert rows[-1].clips == 9473


def test_reported_counts_are_the_official_lists_but_for_two_slips(official: Path) -> None:
    rows = read_rows(official / "train.csv")
    slips = set()
    for scheme, reported in reported_values.GROUP_TABLES.items():
        for row in reported:
            classes = class_groups.SCHEMES[scheme].get(row.group)
            mine = [r for r in rows if not classes or r["label"] in classes]
            assert row.clips == len(mine)
            verified = sum(r["manually_verified"] == "1" for r in mine)
            if row.verified not in (verified, None):
                slips.add((row.group, row.verified, verified))
    assert slips == {("music", 2069, 2068), ("percussion", 644, 643)}


def test_setting_b_counts_without_the_validation_clips() -> None:
    base = reported_values.SELFTRAINING["A"][0].clips
    first = reported_values.SELFTRAINING["B"][0].clips
    assert base is not None
    assert first is not None
    assert first - 3137 == base - int(0.1 * base)


# -------------------------------------------------------------------------------- systems

SCORES = {
    # system: {(seed, clip): average precision}
    "one": {(1, "a"): 0.5, (1, "b"): 0.0, (1, "c"): 1.0, (1, "d"): 0.5},
    "two": {
        (1, "a"): 1.0, (1, "b"): 0.5, (1, "c"): 1.0, (1, "d"): 1.0,
        (2, "a"): 1.0, (2, "b"): 0.0, (2, "c"): 1.0, (2, "d"): 0.5,
    },
}  # fmt: skip
USAGE = {"a": "public", "b": "private", "c": "private", "d": ""}
ROWS = [
    {"title": "First", "entry": "one", "reported": [0.669]},
    {"title": "Second", "entry": "two", "reported": [0.835, 0.843]},
    {"title": "Ours", "entry": "one", "reported": []},
]


def write_scores(
    path: Path, systems: dict[str, dict[tuple[int, str], float]], usage: dict[str, str]
) -> str:
    write_rows(
        path,
        ("system", "seed", "clip", "usage", "average_precision"),
        [
            (system, seed, clip, usage[clip], value)
            for system, values in systems.items()
            for (seed, clip), value in values.items()
        ],
    )
    return str(path)


def tabulated(
    folder: Path, path: str, rows: list[dict[str, Any]] = ROWS
) -> tuple[list[dict[str, str]], Reader]:
    tabulate_systems.main(
        clip_scores=path,
        csv=str(folder / "systems.csv"),
        page=str(folder / "systems.html"),
        cfg={"title": "Systems", "rows": rows},
        seed=1,
    )
    page = Reader((folder / "systems.html").read_text(encoding="utf-8"))
    return read_rows(folder / "systems.csv"), page


def test_systems_by_hand(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "scores.csv", SCORES, USAGE)
    (first, second, third), page = tabulated(tmp_path, path)
    assert [first[name] for name in ("title", "system", "reported")] == ["First", "one", "0.669"]
    assert (first["map3"], first["clips"], first["seeds"]) == ("0.5", "4", "1")
    # Deviations 0, -1/2, 1/2, 0.
    assert float(first["standard_error"]) == pytest.approx(math.sqrt(0.5 / 3 / 4), abs=5e-5)
    empty = ("seed_deviation", "difference", "difference_low", "difference_high", "paired_clips")
    assert [first[name] for name in empty] == [""] * 5
    assert (first["public"], first["private"]) == ("0.5", "0.5")
    # Of the second, seed 1 has .875 and seed 2 .625; clips 1, .25, 1, .75.
    assert second["reported"] == "0.835, 0.843"
    assert (second["map3"], second["clips"], second["seeds"]) == ("0.75", "4", "2")
    assert float(second["seed_deviation"]) == pytest.approx(0.25 / math.sqrt(2), abs=5e-5)
    squares = 0.25**2 + 0.5**2 + 0.25**2
    assert float(second["standard_error"]) == pytest.approx(math.sqrt(squares / 3 / 4), abs=5e-5)
    assert (second["public"], second["private"]) == ("1.0", "0.625")
    # Differences .5, .25, 0, .25.
    assert (second["difference"], second["paired_clips"]) == ("0.25", "4")
    assert 0 < float(second["difference_low"]) < 0.25 < float(second["difference_high"]) < 0.5
    assert (third["difference"], third["reported"]) == ("-0.25", "")
    assert tabulated(tmp_path, path)[0] == [first, second, third]
    heading, *lines = page.tables[0]
    shown = [dict(zip(heading, line, strict=True)) for line in lines]
    assert [line["row"] for line in shown] == ["First", "Second", "Ours"]
    assert [line["MAP@3"] for line in shown] == ["0.500", "0.750", "0.500"]
    assert [line["reported"] for line in shown] == ["0.669", "0.835, 0.843", "\N{EN DASH}"]
    assert shown[1]["difference to the line above"] == "0.250"
    assert not any("verified train clips" in text for text in page.texts["p"])


def test_lines_are_compared_on_the_clips_that_both_have(tmp_path: Path) -> None:
    usage = dict.fromkeys("abcdef", scoring.VALIDATION)
    scores = {
        "one": {(1, "a"): 0.0, (1, "b"): 0.5, (1, "c"): 0.5},
        "two": {(1, "b"): 1.0, (1, "c"): 1.0, (1, "d"): 0.0},
        "far": {(1, "e"): 1.0, (1, "f"): 1.0},
    }
    path = write_scores(tmp_path / "scores.csv", scores, usage)
    rows = [{"title": name, "entry": name, "reported": []} for name in scores]
    (_, two, far), page = tabulated(tmp_path, path, rows)
    assert (two["clips"], two["paired_clips"], two["difference"]) == ("3", "2", "0.5")
    assert (two["difference_low"], two["difference_high"]) == ("0.5", "0.5")
    assert (far["paired_clips"], far["difference"]) == ("0", "")
    assert (two["public"], two["private"]) == ("", "")
    assert any("verified train clips" in text for text in page.texts["p"])
    # Columns without a value are left out.
    assert {"reported", "public MAP@3", "deviation between seeds"}.isdisjoint(page.tables[0][0])


def test_an_entry_without_scores_gets_a_sentence(tmp_path: Path) -> None:
    path = write_scores(tmp_path / "scores.csv", SCORES, USAGE)
    with pytest.raises(EarmarkError, match=r"no clip scores of 'three'.*scores of: one, two\."):
        tabulated(tmp_path, path, [{"title": "x", "entry": "three", "reported": []}])


def test_seeds_that_were_scored_on_other_clips_get_a_sentence(tmp_path: Path) -> None:
    scores = {"one": {(1, "a"): 1.0, (2, "b"): 1.0}}
    path = write_scores(tmp_path / "scores.csv", scores, USAGE)
    with pytest.raises(EarmarkError, match=r"'one' was not scored on.*seeds 1, 2"):
        tabulated(tmp_path, path, ROWS[:1])


# -------------------------------------------------------------------------------- spreading

SUMMARY_COLUMNS = (
    "spreading", "group", "classes", "clips", "verified", "promoted", "verified_after",
    "percent_after", "rejected", "undecided",
)  # fmt: skip
SUMMARY = [
    ("latent", "music", 19, 40, 20, 6, 26, 65.0, 14, 1),
    ("latent", "non_music", 22, 60, 20, 10, 30, 50.0, 30, 2),
    ("latent", "together", 41, 100, 40, 16, 56, 56.0, 44, 3),
    ("whole", "all", 41, 100, 40, 20, 60, 60.0, 40, 0),
    ("whole", "together", 41, 100, 40, 20, 60, 60.0, 40, 0),
]


def spread_table(folder: Path, spreading: str, scheme: str) -> tuple[list[dict[str, str]], Reader]:
    write_rows(folder / "spreading.csv", SUMMARY_COLUMNS, SUMMARY)
    tabulate_spreading.main(
        summary=str(folder / "spreading.csv"),
        csv=str(folder / "table.csv"),
        page=str(folder / "table.html"),
        cfg={"spreading": spreading, "scheme": scheme},
    )
    page = Reader((folder / "table.html").read_text(encoding="utf-8"))
    return read_rows(folder / "table.csv"), page


def test_spreading_stands_beside_the_report(tmp_path: Path) -> None:
    rows, page = spread_table(tmp_path, "latent", "two")
    assert list(rows[0]) == [
        "spreading", "scheme", "group", "clips", "verified", "verified_after", "percent",
        "reported_clips", "reported_verified", "reported_verified_after", "reported_percent",
        "undecided",
    ]  # fmt: skip
    assert [",".join(row.values()) for row in rows] == [
        "latent,two,music,40,20,26,65.0,4827,2069,3054,63.27,1",
        "latent,two,non_music,60,20,30,50.0,4646,1642,2395,51.55,2",
        "latent,two,together,100,40,56,56.0,9473,,5449,57.52,3",
    ]
    assert page.texts["h2"] == ["Label spreading, scheme two: latent"]
    dash = "\N{EN DASH}"
    last = ["together", "100", "40", "56", "56.00", "9473", dash, "5449", "57.52", "3"]
    assert page.tables[0][-1] == last


def test_one_group_is_not_listed_again_as_the_sum(tmp_path: Path) -> None:
    (row,), _ = spread_table(tmp_path, "whole", "one")
    assert (row["group"], row["verified_after"]) == ("all", "60")
    assert row["reported_verified_after"] == "5174"


def test_groups_that_one_side_lacks_are_there(tmp_path: Path) -> None:
    rows, _ = spread_table(tmp_path, "latent", "three")
    shown = [(row["group"], row["clips"], row["reported_clips"]) for row in rows]
    assert shown == [
        ("music", "40", "4827"),
        ("creature", "", "2464"),
        ("non_human", "", "2182"),
        ("non_music", "60", ""),
        ("together", "100", "9473"),
    ]
