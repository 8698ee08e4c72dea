"""Validation folds: even in every stratum, nothing heard in training, something trusted left."""

from collections import Counter, defaultdict
from pathlib import Path

import draw_folds
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from tiny import make_set, read_rows, write_rows

from earmark.dataset import folds

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
        columns=["clip", "label", "verified", "recording", "hash"],
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
    known = drawn[drawn["hash"] != ""]
    assert (known.groupby("hash")["fold"].nunique() <= 1).all()


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
    write_rows(index, ("clip", "hash"), list(zip(names, content, strict=True)))
    arguments = {"train_list": str(made.train_list), "index_table": str(index), "seed": 1}
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
    assert "2.wav, 4.wav" in caplog.text
