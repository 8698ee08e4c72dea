"""Validation folds: even in every stratum, nothing heard in training, something trusted left."""

from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import draw_folds
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny import LISTED_HEADER, make_set, read_rows, write_listed, write_rows

from earmark.dataset import folds, index
from earmark.dataset import listed as listed_files
from earmark.dataset.clip_lists import Clip
from earmark.runtime.errors import EarmarkError

# (label, verified) of clips that are recordings of their own.
CLIPS = st.lists(
    st.tuples(st.sampled_from(["Bark", "Cello", "Bus", "Gong"]), st.integers(0, 1)), max_size=80
)
# (label, verified, recording, content), with few recordings and contents, so that many are joined.
TANGLED = st.lists(
    st.tuples(
        st.sampled_from(["Bark", "Cello", "Bus"]),
        st.integers(0, 1),
        st.integers(0, 25),
        st.sampled_from(["", "", *"abcdefghij"]),
    ),
    max_size=30,
)
FOLDS, SEEDS = st.integers(2, 7), st.integers(0, 2**32 - 1)


def listed(rows: list[tuple[str, int]] | list[tuple[str, int, int, str]]) -> pd.DataFrame:
    table = pd.DataFrame(
        [
            (f"{number}.wav", label, verified, *(rest or (number, "")))
            for number, (label, verified, *rest) in enumerate(rows)
        ],
        columns=["clip", "label", "verified", "recording", "content"],
    )
    return table.assign(recording="r" + table["recording"].astype(str))


def fold_of(table: pd.DataFrame, fold_count: int, seed: int = 1) -> dict[str, int]:
    found = folds.draw(table, fold_count, seed)
    assert tuple(found.columns) == folds.COLUMNS
    assert found["clip"].tolist() == table["clip"].tolist()
    assert found["recording"].tolist() == table["recording"].tolist()
    return dict(zip(found["clip"], found["fold"], strict=True))


@given(rows=CLIPS, fold_count=FOLDS, seed=SEEDS)
def test_folds_are_even_in_every_stratum(
    rows: list[tuple[str, int]], fold_count: int, seed: int
) -> None:
    drawn = list(fold_of(listed(rows), fold_count, seed).values())
    sizes = Counter(rows)
    counts: dict[tuple[str, int], Counter[int]] = {key: Counter() for key in sizes}
    for key, fold in zip(rows, drawn, strict=True):
        counts[key][fold] += 1
    for key, found in counts.items():
        if key[1] == 1 and sizes[key] == 1:
            assert found == {-1: 1}
        else:
            assert set(found) <= set(range(fold_count))
            dealt = [found[fold] for fold in range(fold_count)]
            assert max(dealt) - min(dealt) <= 1


@given(rows=TANGLED, fold_count=FOLDS, seed=SEEDS)
def test_no_fold_takes_the_last_verified_clip_of_a_class(
    rows: list[tuple[str, int, int, str]], fold_count: int, seed: int
) -> None:
    table = listed(rows)
    drawn = table.assign(fold=table["clip"].map(fold_of(table, fold_count, seed)))
    verified = drawn[drawn["verified"] == 1]
    for fold in range(fold_count):
        assert set(verified.loc[verified["fold"] != fold, "label"]) == set(verified["label"])


@given(rows=TANGLED, fold_count=FOLDS, seed=SEEDS)
def test_clips_of_one_recording_or_content_are_never_parted(
    rows: list[tuple[str, int, int, str]], fold_count: int, seed: int
) -> None:
    table = listed(rows)
    drawn = table.assign(fold=table["clip"].map(fold_of(table, fold_count, seed)))
    assert (drawn.groupby("recording")["fold"].nunique() <= 1).all()
    known = drawn[drawn["content"] != ""]
    assert (known.groupby("content")["fold"].nunique() <= 1).all()


def test_a_chain_of_recordings_and_contents_is_one() -> None:
    # a and b have a recording in common, b and c a content, c and d a recording; and so on.
    chain = [
        ("Bark", number % 2, (number + 1) // 2, "x" * (number // 2 + 1)) for number in range(40)
    ]
    others = [("Bark", 1, 100 + number, "") for number in range(10)]
    drawn = fold_of(listed([*chain, *others]), 5)
    assert len({drawn[f"{number}.wav"] for number in range(40)}) == 1
    assert len(set(drawn.values())) == 5


def test_a_content_that_is_not_known_joins_nothing() -> None:
    drawn = fold_of(listed([("Bark", 0, number, "") for number in range(10)]), 5)
    assert Counter(drawn.values()) == dict.fromkeys(range(5), 2)


@given(rows=TANGLED, fold_count=FOLDS, seed=SEEDS, order=st.randoms(use_true_random=False))
def test_the_order_of_the_list_does_not_matter(
    rows: list[tuple[str, int, int, str]], fold_count: int, seed: int, order: object
) -> None:
    table = listed(rows)
    places = list(range(len(table)))
    order.shuffle(places)  # type: ignore[attr-defined]
    assert fold_of(table.iloc[places], fold_count, seed) == fold_of(table, fold_count, seed)


@given(rows=CLIPS, fold_count=FOLDS, seed=SEEDS, label=st.sampled_from(["Bark", "Oboe"]))
def test_another_clip_moves_only_clips_of_its_own_stratum(
    rows: list[tuple[str, int]], fold_count: int, seed: int, label: str
) -> None:
    before = fold_of(listed(rows), fold_count, seed)
    after = fold_of(listed([*rows, (label, 1)]), fold_count, seed)
    moved = {clip for clip, fold in before.items() if after[clip] != fold}
    own = {f"{number}.wav" for number, row in enumerate(rows) if row == (label, 1)}
    assert moved <= own


def test_another_clip_moves_half_of_its_stratum_at_most_on_average() -> None:
    # Dealt anew, four of five would move. In the order of a hash, those behind it do: one in two.
    rows = [("Bark", 1)] * 100
    moved = []
    for seed in range(50):
        before, after = fold_of(listed(rows), 5, seed), fold_of(listed([*rows, rows[0]]), 5, seed)
        moved.append(sum(after[clip] != fold for clip, fold in before.items()))
    assert 35 < sum(moved) / 50 < 65


def test_seeds_differ_and_each_stratum_begins_elsewhere() -> None:
    rows = [(label, flag) for label in ("Bark", "Cello", "Gong") for flag in (0, 1)] * 20
    table = listed(rows)
    drawn = [tuple(fold_of(table, 5, seed).values()) for seed in range(20)]
    assert len(set(drawn)) == 20
    assert fold_of(table, 5, 3) == fold_of(table, 5, 3)
    # Of lone clips, one a stratum, no fold gets all.
    lone = listed([(f"class{number}", 0) for number in range(200)])
    counts = Counter(fold_of(lone, 5).values())
    assert min(counts[fold] for fold in range(5)) > 20


def test_more_folds_than_clips_leave_some_folds_empty() -> None:
    drawn = fold_of(listed([("Bark", 1), ("Bark", 1), ("Cello", 1), ("Cello", 0)]), 50)
    assert drawn["2.wav"] == -1
    assert drawn["0.wav"] != drawn["1.wav"]
    assert min(drawn["0.wav"], drawn["1.wav"], drawn["3.wav"]) >= 0


def test_clips_that_are_the_only_ones_of_their_class_are_never_held_out() -> None:
    drawn = fold_of(listed([("Bark", 1), ("Cello", 1), ("Gong", 1)]), 5)
    assert set(drawn.values()) == {-1}


def test_the_only_verified_recording_of_a_class_has_many_clips() -> None:
    rows = [("Bark", 1, 0, ""), ("Bark", 1, 0, ""), ("Bark", 0, 0, ""), ("Bark", 0, 1, "")]
    drawn = fold_of(listed(rows), 5)
    assert [drawn[f"{number}.wav"] for number in range(3)] == [-1, -1, -1]
    assert drawn["3.wav"] >= 0


def test_the_script_draws_folds_from_the_list_and_the_index(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], clips=12)
    index, table = tmp_path / "index.csv", tmp_path / "folds.csv"
    # Every third clip has the same content as the one before it; the last is in no file.
    names = [fname for fname, _, _ in made.train]
    content = [str(number - (number % 3 == 2)) for number in range(len(names) - 1)] + [""]
    rows_of_index = [(*row, "", "") for row in zip(names, content, strict=True)]
    write_rows(index, ("clip", "hash", "start", "end"), rows_of_index)
    write_listed(tmp_path / "listed.csv", made.train)
    arguments = {
        "listed_table": str(tmp_path / "listed.csv"),
        "index_table": str(index),
        "seed": 1,
    }
    draw_folds.main(**arguments, table=str(table), cfg={"folds": 3})
    rows = read_rows(table)
    assert [row["clip"] for row in rows] == [row["recording"] for row in rows] == names
    found: dict[str, set[str]] = defaultdict(set)
    for row, own in zip(rows, content, strict=True):
        found[own].add(row["fold"])
    assert all(len(own) == 1 for own in found.values())
    assert folds.read(table)["fold"].tolist() == [int(row["fold"]) for row in rows]
    assert {int(row["fold"]) for row in rows} == {0, 1, 2}


def test_identical_content_with_two_labels_is_logged(caplog, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(folds.log, "propagate", True)
    rows = [("Bark", 1, 0, "x"), ("Bark", 0, 1, "x"), ("Cello", 0, 2, "y"), ("Cello", 0, 3, "")]
    folds.warn_of_contradictions(listed(rows))
    assert caplog.text == ""
    folds.warn_of_contradictions(listed([*rows, ("Bark", 0, 4, "y"), ("Bus", 0, 5, "")]))
    assert "2 train clips have identical content" in caplog.text
    assert "2.wav and 4.wav" in caplog.text


class Official:
    """Draws folds for rows (clip, label, verified, recording, fold); content by clip."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def folds(
        self, rows: list[tuple[Any, ...]], content: dict[str, tuple[str, ...]] | None = None
    ) -> dict[str, int]:
        listed_table, index, table = (self.folder / f"{name}.csv" for name in ("l", "i", "f"))
        write_rows(listed_table, LISTED_HEADER, rows)
        none = {row[0]: (row[0], "", "") for row in rows}
        parts = [(clip, *cells) for clip, cells in {**none, **(content or {})}.items()]
        write_rows(index, ("clip", "hash", "start", "end"), parts)
        draw_folds.main(
            listed_table=str(listed_table),
            index_table=str(index),
            table=str(table),
            cfg={"folds": 5},
            seed=1,
        )
        found = folds.read(table)
        assert found["recording"].tolist() == [row[3] for row in rows]
        return dict(zip(found["clip"], found["fold"], strict=True))


@pytest.fixture
def official_folds(tmp_path: Path) -> Official:
    return Official(tmp_path)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(folds.log, "propagate", True)
    return caplog


def test_official_folds_are_used_as_they_are(official_folds: Official, told: Any) -> None:
    # Seven folds, not from 0 on, and not the five that would be drawn.
    rows = [(f"{n}.wav", "AB"[n % 2], n % 5 // 2, f"r{n % 7}", n % 7 + 3) for n in range(70)]
    assert official_folds.folds(rows) == {row[0]: row[4] for row in rows}
    assert told.text == ""


def test_the_folds_of_a_real_list_are_that_lists(official_folds: Official, esc50: Path) -> None:
    listed_rows = read_rows(esc50 / "esc50.csv")
    found = official_folds.folds(
        [(row["filename"], row["category"], 1, row["src_file"], row["fold"]) for row in listed_rows]
    )
    assert found == {row["filename"]: int(row["fold"]) for row in listed_rows}


def test_drawn_folds_without_clips_are_told(official_folds: Official, told: Any) -> None:
    rows = [(f"{n}.wav", ("Bark", "Bus")[n % 2], 1, f"r{n // 6}", -1) for n in range(24)]
    official_folds.folds(rows)
    assert "Only 4 of 5 folds have clips" in told.text
    assert "`folds: 4`" in told.text
    told.clear()
    official_folds.folds([*rows, ("24.wav", "Bus", 1, "r4", -1)])
    assert told.text == ""


def test_a_clip_without_a_fold_is_never_held_out_and_told(
    official_folds: Official, told: Any
) -> None:
    rows = [(f"{n}.wav", "AB"[n % 2], 1, f"{n}.wav", "" if n > 10 else n % 2) for n in range(16)]
    found = official_folds.folds(rows)
    assert [found[f"{n}.wav"] for n in range(16)] == [n % 2 for n in range(11)] + [-1] * 5
    assert "5 of 16 train clips have no fold" in told.text
    assert "11.wav, 12.wav, 13.wav, ...)" in told.text


def test_leaks_between_official_folds_are_told(official_folds: Official, told: Any) -> None:
    rows = [
        ("a.wav", "A", 1, "one", 0),
        ("b.wav", "A", 1, "one", 1),
        ("c.wav", "B", 1, "two", 1),
        ("d.wav", "B", 1, "three", 0),
        ("e.wav", "B", 1, "three", ""),  # every model learns from it
        ("f.wav", "A", 1, "four", 0),
    ]
    # c and f have one content, in two folds and under two labels; two parts of one file do not.
    content = {
        "c.wav": ("same", "0", "2"),
        "f.wav": ("same", "0", "2"),
        "a.wav": ("same", "2", "4"),
    }
    assert official_folds.folds(rows, content)["c.wav"] == 1
    assert "2 recordings have clips in different official folds (such as one, three)" in told.text
    lines = [line for line in told.text.splitlines() if "identical content" in line]
    assert len(lines) == 2
    assert all("2 train clips" in line and "(such as c.wav and f.wav)" in line for line in lines)


def test_a_fold_with_all_verified_clips_of_a_class_is_told(
    official_folds: Official, told: Any
) -> None:
    rows = [
        ("a.wav", "A", 1, "a", 0),
        ("b.wav", "A", 1, "b", 1),
        ("c.wav", "B", 1, "c", 1),
        ("d.wav", "B", 0, "d", 0),
        ("e.wav", "C", 1, "e", 0),
        ("f.wav", "C", 1, "f", ""),
        ("g.wav", "D", 1, "g", ""),
    ]
    official_folds.folds(rows)
    assert "1 classes have all their verified clips in one official fold (such as B)" in told.text


def test_parts_of_one_file_share_a_drawn_fold_by_their_recording_alone(
    official_folds: Official,
) -> None:
    # Parts of one file that the list gives to other recordings are no copies of each other.
    rows = [(f"f#{n}-{n + 1}", "AB"[n % 2], 0, f"r{n // 2}", "") for n in range(40)]
    content = {row[0]: ("file", str(n), str(n + 1)) for n, row in enumerate(rows)}
    found = official_folds.folds(rows, content)
    assert all(found[f"f#{n}-{n + 1}"] == found[f"f#{n + 1}-{n + 2}"] for n in range(0, 40, 2))
    assert set(found.values()) == set(range(5))


@pytest.mark.parametrize(
    "rows", [[("a.wav", "A", "x", "a", "")], [("a.wav", "A", 1, "a", "first")]]
)
def test_a_damaged_table_of_train_clips_is_told(official_folds: Official, rows: Any) -> None:
    with pytest.raises(EarmarkError, match=r"table of train clips .* is damaged .*Delete it"):
        official_folds.folds(rows)


def test_listed_clips_come_back(tmp_path: Path) -> None:
    clips = [
        Clip("a.wav", "a.wav", "", "", 'Chink, "clink"', 1, "a.wav", ""),
        Clip("b#0.000-1.500", "b", "0", "1.5", "犬", 0, "b", "0"),
        Clip("c", "c", "", "", "Double bass", 1, "c", "12"),
    ]
    path = tmp_path / "listed.csv"
    path.write_text(index.Index([], [], clips).texts()["listed"], encoding="utf-8", newline="")
    assert listed_files.read(path).to_numpy().tolist() == [
        ["a.wav", 'Chink, "clink"', 1, "a.wav", -1],
        ["b#0.000-1.500", "犬", 0, "b", 0],
        ["c", "Double bass", 1, "c", 12],
    ]
    assert [row["fold"] for row in read_rows(path)] == ["", "0", "12"]
    assert tuple(read_rows(path)[0]) == LISTED_HEADER


def test_one_clip_a_class_and_very_uneven_ones(official_folds: Official) -> None:
    rows = [(f"{n}.wav", f"class {n}", 1, f"{n}.wav", "") for n in range(500)]
    assert set(official_folds.folds(rows).values()) == {-1}
    rows = [(f"{n}.wav", "Rare" if n == 0 else "Common", 1, f"{n}.wav", "") for n in range(1001)]
    found = official_folds.folds(rows)
    assert Counter(found.values()) == {-1: 1, **dict.fromkeys(range(5), 200)}


@pytest.mark.parametrize("recordings", [2, 3, 4, 5, 9])
@pytest.mark.parametrize("fold_count", [2, 3, 5])
def test_few_recordings_with_many_labels_leave_no_fold_empty(
    recordings: int, fold_count: int
) -> None:
    for seed in range(20):
        # Every label is in every recording; that of the first clip by name differs.
        rows = [
            (f"label {(place + number) % 8}", 1, number, "")
            for place in range(8)
            for number in range(recordings)
        ]
        used = {*fold_of(listed(rows), fold_count, seed).values()}
        assert len(used) == min(fold_count, recordings)
        assert used <= {*range(fold_count)}
