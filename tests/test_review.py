"""The pages to review labels, in a real browser, and what becomes of the decisions."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pandas as pd
import pytest
import read_labels
import write_review
from browser import Browser
from test_page import (
    DESKTOP,
    HOSTILE,
    PHONE,
    SIZES,
    assert_nothing_is_wrong,
    choose,
    names,
    write_sounds,
)
from tiny import read_rows, write_listed, write_rows

from earmark.dataset import clips as clips_table
from earmark.evaluation import review_rounds
from earmark.labels import corrections, suspect_table
from earmark.runtime.errors import EarmarkError
from earmark.tagging import command_line

CLASSES = sorted([HOSTILE[0], HOSTILE[2], "Bark, loud", "Cello"])
CLIPS = [f"{number}{name.replace('/', '|')}.wav" for number, name in enumerate(HOSTILE[:5])]


def write_pages(base: Path, name: str = "set", unsure: int = -1) -> Path:
    """Pages of four suspects and a checked clip; clip n has the label n, and is like the next.

    The clip ``unsure`` has no label any more.
    """
    labels = [*CLASSES, CLASSES[0]]
    others = [*CLASSES[1:], CLASSES[0], CLASSES[1]]
    number = np.arange(5)
    table = pd.DataFrame({"rank": number + 1, "clip": CLIPS, "label": labels, "verified": 0})
    table["wrong"] = [0.9, 0.7, 0.5, 0.3, 0.0]
    table["suggestion"], table["guess_1"], table["guess_2"] = others, others, labels
    table["guess_3"] = [CLASSES[3], CLASSES[3], CLASSES[0], CLASSES[1], CLASSES[3]]
    table = table.assign(probability_1=0.75, probability_2=0.2, probability_3=0.05)
    table["reason"], table["like_label"] = HOSTILE[4], CLIPS[4]
    table["like_suggestion"] = ""
    table = table.drop(index=[unsure], errors="ignore")
    table[list(suspect_table.COLUMNS)].to_csv(base / "suspects.csv", index=False)
    counts = [["all", "", 5, 1, 2.4, 1, 4], ["class", CLASSES[0], 2, 1, 0.9, 0, 1]]
    pd.DataFrame(counts, columns=suspect_table.COUNTS).to_csv(base / "counts.csv", index=False)
    write_sounds(base / "audio", CLIPS)
    clips = pd.DataFrame(dict.fromkeys(clips_table.COLUMNS, 1), index=number)
    clips = clips.assign(clip=CLIPS, file=CLIPS, start="", end="", problem="")
    clips_table.write(clips, base / "clips.csv")
    write_review.main(
        found=str(base / "suspects.csv"),
        counts=str(base / "counts.csv"),
        clips_table=str(base / "clips.csv"),
        audio=[],
        pages=str(base / "pages"),
        cfg={"name": name, "review": 4, "longest_seconds": 300.0},
        threads=1,
        folders={"train": str(base / "audio")},
    )
    return base / "pages" / "page_1.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.started() as started:
        yield started


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pages(tmp_path_factory.mktemp("review"))


def decisions(chromium: Browser) -> list[str]:
    script = "return [...document.querySelectorAll('.decision output')].map(one => one.value)"
    return [str(one) for one in chromium.run(script)]


def progress(chromium: Browser) -> str:
    return str(chromium.run("return document.getElementById('progress').value"))


def save(chromium: Browser, folder: Path) -> Path:
    """The file that the button saves."""
    folder.mkdir()
    chromium.devtools("Page.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    chromium.click("#save", 0)
    for _ in range(100):
        chromium.run("await new Promise(done => setTimeout(done, 50))")
        found = [path for path in folder.iterdir() if path.suffix == ".csv"]
        if found:
            return found[0]
    raise AssertionError("nothing was saved")


@browser.needed
@SIZES
def test_names_are_text_and_clips_to_compare_play(
    page: Path, chromium: Browser, width: int
) -> None:
    chromium.open(page, width)
    chromium.run(
        "for (const image of document.images) { image.loading = 'eager'; await image.decode() }"
    )
    assert_nothing_is_wrong(chromium)
    assert names(chromium) == CLIPS[:4]
    # Of the clip to compare with, the page has one copy.
    assert page.read_text().count(f'data-name="{CLIPS[4][0]}') == 1
    chromium.run("document.querySelector('.sound').focus()")
    chromium.press("a")
    chromium.run("while (!player.currentTime) await new Promise(done => setTimeout(done, 20))")
    on = "return document.querySelector('.sound').querySelectorAll('.play')[1].className"
    assert "on" in chromium.run(on).split()


@browser.needed
def test_decisions_by_keys_are_kept_saved_and_learned_from(
    page: Path, chromium: Browser, tmp_path: Path
) -> None:
    chromium.open(page, DESKTOP)
    chromium.press("j")
    chromium.press("r")
    chromium.press("1")
    chromium.press("u")
    assert decisions(chromium) == ["right", f"wrong: {CLASSES[2]}", "unsure", ""]
    chromium.press("z")
    assert decisions(chromium) == ["right", f"wrong: {CLASSES[2]}", "", ""]
    # The clip that was undone is the one at hand again; its own label is a guess, too.
    chromium.press("2")
    assert decisions(chromium)[2] == "right"
    chromium.press("z")
    chromium.press("u")
    chromium.press("w")
    for letter in "Cello":
        chromium.press(letter)
    # The next clip is not decided yet while its class is typed.
    assert decisions(chromium)[3] == ""
    chromium.press("Escape")
    chromium.open(page, DESKTOP)
    assert progress(chromium).startswith("1 right, 1 wrong, 1 unsure; 3 not saved.")
    left = "return [...document.querySelectorAll('[data-filter] option')].map(one => one.text)"
    assert f"{CLASSES[0]} (0 left)" in chromium.run(left)
    choose(chromium, "#left", True)
    assert names(chromium) == CLIPS[3:4]
    file = save(chromium, tmp_path / "saved")
    assert file.name == "set_corrections.csv"
    assert progress(chromium).endswith("0 not saved.")
    expected = [
        (CLIPS[0], CLASSES[0], "right"),
        (CLIPS[1], CLASSES[2], "wrong"),
        (CLIPS[2], CLASSES[2], "unsure"),
    ]
    rows = read_rows(file)
    assert sorted((row["clip"], row["label"], row["decision"]) for row in rows) == expected
    results = tmp_path / "results/set"
    listed = [*zip(CLIPS, [*CLASSES, CLASSES[0]], (0, 0, 0, 0, 1), strict=True)]
    more = [(f"more {name}", name, 1) for name in CLASSES]
    (results / "index").mkdir(parents=True)
    write_listed(results / "index/listed.csv", [*listed, *more])
    told = review_rounds.add(results, file, tmp_path / "corrections/set.csv")
    assert "3 decisions" in told[0]
    read_labels.main(
        listed_table=str(results / "index/listed.csv"),
        corrections=[str(tmp_path / "corrections/set.csv")],
        table=str(tmp_path / "labels.csv"),
    )
    learned = {
        row["clip"]: (row["label"], row["verified"]) for row in read_rows(tmp_path / "labels.csv")
    }
    assert learned[CLIPS[0]] == (CLASSES[0], "1")
    assert learned[CLIPS[1]] == (CLASSES[2], "1")
    assert CLIPS[2] not in learned
    assert learned[CLIPS[3]] == (CLASSES[3], "0")


@browser.needed
def test_decisions_by_clicks_on_a_phone(tmp_path: Path, chromium: Browser) -> None:
    chromium.open(write_pages(tmp_path, "phone"), PHONE)
    chromium.click("[data-decision=unsure]", 1)
    chromium.click(".guesses button", 0)
    choose(chromium, ".sound:nth-child(3) .label", "no such class")
    chromium.run("document.querySelectorAll('.label')[2].focus()")
    chromium.press("Enter")
    assert decisions(chromium)[:2] == [f"wrong: {CLASSES[1]}", "unsure"]
    assert "no class" in decisions(chromium)[2]
    assert progress(chromium).startswith("0 right, 1 wrong, 1 unsure")
    chromium.click("#undo", 0)
    assert decisions(chromium)[0] == ""
    # Decisions are there on later pages, too.
    (tmp_path / "later").mkdir()
    chromium.open(write_pages(tmp_path / "later", "phone", unsure=1), PHONE)
    assert decisions(chromium) == ["", "", ""]
    assert progress(chromium).endswith("1 not saved.")
    # Another data set has decisions of its own.
    (tmp_path / "other").mkdir()
    chromium.open(write_pages(tmp_path / "other", "other"), PHONE)
    assert progress(chromium).startswith("0 right, 0 wrong, 0 unsure")


def reopen_empty(page: Path, chromium: Browser) -> None:
    chromium.open(page, DESKTOP)
    chromium.run("localStorage.clear()")
    chromium.open(page, DESKTOP)
    chromium.press("j")


@browser.needed
def test_a_key_that_is_held_down_decides_once(page: Path, chromium: Browser) -> None:
    reopen_empty(page, chromium)
    for again in (False, True, True):
        held = {"type": "keyDown", "key": "r", "text": "r", "autoRepeat": again}
        chromium.devtools("Input.dispatchKeyEvent", **held)
    assert decisions(chromium) == ["right", "", "", ""]


@browser.needed
def test_what_undo_brings_back_is_saved_anew(page: Path, chromium: Browser, tmp_path: Path) -> None:
    reopen_empty(page, chromium)
    for key in "rku":
        chromium.press(key)
    first = read_rows(save(chromium, tmp_path / "first"))
    chromium.click("#undo", 0)
    assert decisions(chromium)[0] == "right"
    assert progress(chromium).endswith("1 not saved.")
    second = read_rows(save(chromium, tmp_path / "second"))
    assert [row["decision"] for row in (*first, *second)] == ["unsure", "right"]
    assert first[0]["time"] < second[0]["time"]


@browser.needed
def test_decisions_stay_on_the_page_when_the_browser_has_no_more_room(
    page: Path, chromium: Browser
) -> None:
    reopen_empty(page, chromium)
    chromium.press("r")
    chromium.run("Storage.prototype.setItem = () => { throw new Error('QuotaExceeded') }")
    chromium.press("u")
    chromium.press("1")
    assert [one.split(":")[0] for one in decisions(chromium)] == ["right", "unsure", "wrong", ""]
    assert "save before you leave" in progress(chromium)


@browser.needed
def test_what_is_decided_leaves_the_undecided_and_the_next_is_at_hand(
    page: Path, chromium: Browser
) -> None:
    reopen_empty(page, chromium)
    choose(chromium, "#left", True)
    at_hand = "return document.activeElement.dataset.name || ''"
    chromium.press("j")
    chromium.press("j")
    assert chromium.run(at_hand) == CLIPS[1]
    chromium.press("r")
    assert names(chromium) == [CLIPS[0], *CLIPS[2:4]]
    assert chromium.run(at_hand) == CLIPS[2]
    for key in "rrr":
        chromium.press(key)
    assert names(chromium) == []
    # The last one, of no clip at hand.
    chromium.press("z")
    assert names(chromium) == [CLIPS[0]]


def listed_results(base: Path) -> Path:
    results = base / "results/set"
    (results / "index").mkdir(parents=True)
    rows = [(f"{n}.wav", ("Bark", "Cello")[n % 2], int(n < 2)) for n in range(8)]
    write_listed(results / "index/listed.csv", rows)
    return results


def write_scores(results: Path, accuracy: float) -> None:
    folder = results / "evaluation/cross_validation"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("cnn", "all", 8, accuracy, accuracy), ("vgg", "all", 8, 0.1, 0.1)]
    write_rows(folder / "scores.csv", ("system", "split", "clips", "accuracy", "map3"), rows)
    write_rows(folder / "confusion.csv", ("system",), [("cnn",)])


def write_decisions(path: Path, *rows: tuple[str, str, str, str, str]) -> Path:
    write_rows(path, corrections.COLUMNS, rows)
    return path


EARLY, LATE = "2026-11-27T14:05:00", "2026-11-28T09:00:00"


def test_added_decisions_join_those_that_are_there(tmp_path: Path) -> None:
    results, kept = listed_results(tmp_path), tmp_path / "corrections/set.csv"
    first = write_decisions(tmp_path / "1.csv", ("2.wav", "Cello", "wrong", "Bark", EARLY))
    second = write_decisions(
        tmp_path / "2.csv",
        ("2.wav", "Cello", "wrong", "Bark", EARLY),
        ("2.wav", "", "right", "Bark", LATE),
        ("3.wav", "", "unsure", "Cello", LATE),
    )
    review_rounds.add(results, first, kept)
    told = " ".join(review_rounds.add(results, second, kept))
    assert "Added 2 decisions" in told
    assert "1 were there already" in told
    assert "1 clips were decided more than once" in told
    rows = [tuple(row.values()) for row in read_rows(kept)]
    assert rows == [
        ("2.wav", "Cello", "wrong", "Bark", EARLY),
        ("2.wav", "", "right", "Bark", LATE),
        ("3.wav", "", "unsure", "Cello", LATE),
    ]


def test_what_a_person_wrote_by_hand_stays(tmp_path: Path) -> None:
    results, kept = listed_results(tmp_path), tmp_path / "corrections/set.csv"
    kept.parent.mkdir()
    kept.write_text(
        "clip;label;decision;previous_label;time;by\n5.wav;;right;Cello;2026-11-01T10:00:00;Ann\n"
    )
    new = write_decisions(tmp_path / "new.csv", ("2.wav", "Cello", "wrong", "Bark", EARLY))
    review_rounds.add(results, new, kept)
    rows = read_rows(kept)
    assert rows[0]["by"] == "Ann"
    assert rows[0]["time"] == "2026-11-01T10:00:00"
    assert (rows[1]["clip"], rows[1]["by"]) == ("2.wav", "")


def test_decisions_stay_though_they_leave_a_class_without_verified_clips(tmp_path: Path) -> None:
    results, kept = listed_results(tmp_path), tmp_path / "corrections/set.csv"
    new = write_decisions(tmp_path / "new.csv", ("1.wav", "Bark", "wrong", "Cello", EARLY))
    told = " ".join(review_rounds.add(results, new, kept))
    assert "Added 1 decisions" in told
    assert "'Cello' has no usable verified clip" in told
    # As where no label of a class was verified in the list.
    more = write_decisions(tmp_path / "more.csv", ("3.wav", "", "right", "Cello", EARLY))
    assert "verified" not in " ".join(review_rounds.add(results, more, kept))
    write_listed(results / "index/listed.csv", [("0.wav", "Bark", 1), ("3.wav", "Cello", 0)])
    assert "verified" not in " ".join(review_rounds.add(results, more, kept))
    assert [row["clip"] for row in read_rows(kept)] == ["1.wav", "3.wav"]


def test_a_file_of_decisions_may_be_a_link_and_its_run_the_folder_at_hand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    results, real = listed_results(tmp_path), tmp_path / "shared.csv"
    new = write_decisions(tmp_path / "new.csv", ("2.wav", "", "right", "Bark", EARLY))
    real.write_bytes(new.read_bytes())
    (results / "corrections").mkdir()
    (results / "corrections/set.csv").symlink_to(real)
    more = write_decisions(tmp_path / "more.csv", ("4.wav", "", "right", "Bark", EARLY))
    monkeypatch.chdir(results)
    command_line.main(["review", ".", "--add", str(more)])
    assert "Added 1 decisions to corrections/set.csv" in capsys.readouterr().out
    assert [row["clip"] for row in read_rows(real)] == ["2.wav", "4.wav"]


def test_decisions_are_not_kept_where_results_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    results = listed_results(tmp_path)
    new = write_decisions(tmp_path / "new.csv", ("2.wav", "Cello", "wrong", "Bark", EARLY))
    with pytest.raises(EarmarkError, match="below results/"):
        review_rounds.add(results, new, Path("results/set/kept.csv"))
    assert not Path("results/set/kept.csv").exists()


def test_a_file_with_mistakes_adds_nothing(tmp_path: Path) -> None:
    results, kept = listed_results(tmp_path), tmp_path / "corrections/set.csv"
    new = write_decisions(
        tmp_path / "new.csv",
        ("2.wav", "Moo", "wrong", "Bark", EARLY),
        ("3.wav", "", "perhaps", "Cello", EARLY),
    )
    with pytest.raises(EarmarkError, match=r"(?s)Moo.*perhaps"):
        review_rounds.add(results, new, kept)
    assert not kept.exists()


def test_rounds_have_the_scores_before_and_after(tmp_path: Path) -> None:
    results, kept = listed_results(tmp_path), tmp_path / "corrections/set.csv"
    with pytest.raises(EarmarkError, match="snakemake review"):
        review_rounds.table(results, kept)

    def add(clip: str, decision: str = "right") -> None:
        number = int(clip[0])
        label = ("Bark", "Cello")[number % 2]
        other = ("Cello", "Bark")[number % 2] if decision == "wrong" else ""
        file = write_decisions(tmp_path / f"{clip}.csv", (clip, other, decision, label, EARLY))
        review_rounds.add(results, file, kept)

    def rounds() -> list[tuple[Any, ...]]:
        table = review_rounds.table(results, kept)
        columns = ["checked", "wrong", "unsure", "accuracy_before", "accuracy_after"]
        return [tuple(row) for row in table[columns].to_numpy()]

    write_scores(results, 0.5)
    add("2.wav")
    # Nothing was learned in between: the same round.
    add("3.wav", "wrong")
    assert rounds() == [("2", "1", "0", "0.5", "")]
    write_scores(results, 0.6)
    # Old decisions begin no round.
    add("2.wav")
    assert rounds() == [("2", "1", "0", "0.5", "0.6")]
    add("4.wav", "unsure")
    assert rounds() == [("2", "1", "0", "0.5", "0.6"), ("1", "0", "1", "0.6", "")]
    shutil.rmtree(results / "evaluation")
    add("5.wav")
    assert [row[0] for row in rounds()] == ["2", "1", "1"]
