"""The page of a run and that of tags, in a real browser, as a desktop and as a phone shows them."""

from collections.abc import Iterator
from pathlib import Path

import browser
import numpy as np
import pandas as pd
import pytest
import soundfile
import write_page
from browser import Browser
from tiny import RATE, tone

from earmark.evaluation.tags import Tags
from earmark.reporting import tags_page, web_page

pytestmark = browser.needed

DESKTOP, PHONE = 1280, 390
SIZES = pytest.mark.parametrize("width", [DESKTOP, PHONE])
# Each would set window.hit if it were taken for anything but text.
HIT = "window.hit=1"
HOSTILE = (
    f"<script>{HIT}</script>",
    f"</script><script>{HIT}</script>",
    f"\"'><img src=x onerror={HIT}>",
    f"' onmouseover='{HIT}' x='",
    f"]]>--><svg onload={HIT}>",
    "\u202egnp.\u202d {{ 7*7 }} {% raise %} \\u003cb\\u003e &lt;b&gt;",
    "very_long_" * 12,
)
CLASSES = [*HOSTILE, "Bark", "Cello", "Flute"]
CLIPS = [f"{number:02}{name.replace('/', '|')}.wav" for number, name in enumerate(HOSTILE)]


def write_evaluation(folder: Path, clips: list[str]) -> list[str]:
    """The tables of an evaluation, made up: clip n has the label n and is taken for the next."""
    names = CLASSES[: len(clips)]
    others = [*names[1:], names[0]]
    ranges = {
        f"{name}{end}": value
        for name in ("accuracy", "map3", "macro_f1", "precision", "recall", "f1")
        for end, value in (("", 0.5), ("_low", 0.25), ("_high", 0.75))
    }
    entry = {"system": HOSTILE[0], "seed": 1}
    measures = {"nll": 1.5, "ece": 0.1, "nll_before": 2.0, "ece_before": 0.2, "temperature": None}
    common = {**entry, **ranges, **measures, "clips": 9, "recordings": 9}
    matrix = pd.DataFrame({**entry, "label": names, "guess": others, "clips": 3, "share": 0.75})
    same = matrix.assign(guess=names, clips=1, share=0.25)
    numbers = np.linspace(0.9, 0.5, len(clips))
    errors = {"clip": clips, "file": clips, "start": "", "end": "", "fold": range(len(clips))}
    errors |= {"label": names, "guess_1": others, "guess_2": "Bark", "guess_3": "Cello"}
    errors |= {f"probability_{n}": numbers / n for n in (1, 2, 3)} | {"label_probability": 0.01}
    bins = {"bin": range(10), "clips": 3, "confidence": np.linspace(0.05, 1, 10), "accuracy": 0.5}
    made = {
        "scores": pd.DataFrame([{**common, "split": split} for split in ("all", "fold 0")]),
        "classes": pd.DataFrame([{**common, "label": name} for name in names]),
        "confusion": pd.concat([same, matrix]),
        "reliability": pd.DataFrame({**entry, **bins, "low": 0.4, "high": 0.6}),
        "errors": pd.DataFrame(errors),
        "remarks": pd.DataFrame({"remark": [HOSTILE[1]]}),
    }
    folder.mkdir(parents=True)
    for name, table in made.items():
        table.to_csv(folder / f"{name}.csv", index=False)
    return [str(folder / f"{name}.csv") for name in made]


def write_sounds(folder: Path, clips: list[str]) -> None:
    folder.mkdir()
    for number, clip in enumerate(clips):
        soundfile.write(folder / clip, tone(300 + 200 * number, 8.0, RATE), RATE, format="WAV")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    base = tmp_path_factory.mktemp("page")
    write_sounds(base / "audio", CLIPS)
    clips = [*CLIPS, "gone.wav"]
    write_page.main(
        evaluations=write_evaluation(base / "validation", clips),
        tables=[],
        figures=[],
        audio=[],
        page=str(base / "page.html"),
        cfg={
            "title": HOSTILE[0],
            "systems": [{"system": name, "network": name} for name in HOSTILE],
            "remarks": [HOSTILE[2]],
            "longest_seconds": 300.0,
        },
        threads=1,
        folders={"train": str(base / "audio")},
    )
    return base / "page.html"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with browser.started() as started:
        yield started


def names(chromium: Browser) -> list[str]:
    """The names of the clips that are shown, from the top."""
    script = (
        "return [...document.querySelectorAll('.sound:not([hidden]) h3')].map(h => h.innerText)"
    )
    return [str(name) for name in chromium.run(script)]


def choose(chromium: Browser, selector: str, value: object) -> None:
    script = """const control = document.querySelector(a[0]);
    if (typeof a[1] === "boolean") control.checked = a[1]; else control.value = a[1];
    control.dispatchEvent(new Event("input", {bubbles: true}));"""
    chromium.run(script, selector, value)


def assert_nothing_is_wrong(chromium: Browser) -> None:
    """No script of a name ran, nothing was fetched or refused, and nothing is too wide."""
    assert chromium.log() == []
    found = chromium.run(
        """const wide = [...document.querySelectorAll("body *")].filter(one =>
          !one.closest(".scroll") && one.getBoundingClientRect().right > innerWidth + 12);
        return [window.hit ?? null, document.documentElement.scrollWidth <= innerWidth,
          wide.map(one => one.outerHTML.slice(0, 99)), document.images.length,
          [...document.images].filter(one => !one.complete || !one.naturalWidth).length,
          performance.getEntriesByType("resource").map(one => one.name)
            .filter(name => !name.startsWith("data:"))]"""
    )
    hit, fits, wide, images, broken, fetched = found
    assert (hit, fits, wide, broken, fetched) == (None, True, [], 0, [])
    assert images > 0


@SIZES
@pytest.mark.parametrize("dark", [False, True])
def test_names_are_text_and_nothing_overflows_or_is_fetched(
    page: Path, chromium: Browser, width: int, dark: bool
) -> None:
    chromium.open(page, width, dark=dark)
    chromium.run(
        "for (const image of document.images) { image.loading = 'eager'; await image.decode() }"
    )
    assert_nothing_is_wrong(chromium)
    assert chromium.run("return document.title") == HOSTILE[0]
    text = "return [...document.querySelectorAll('.facts h3')].map(h => h.textContent)"
    assert chromium.run(text) == [*CLIPS, "gone.wav"]
    text = "return [...document.querySelectorAll('.matrix tbody th')].map(h => h.textContent)"
    assert chromium.run(text) == CLASSES[:8]
    ground = chromium.run("return getComputedStyle(document.body).backgroundColor")
    assert (max(map(int, ground[4:-1].split(","))) < 60) == dark


@SIZES
def test_players_play_one_at_a_time(page: Path, chromium: Browser, width: int) -> None:
    chromium.open(page, width)
    for place, other in ((0, 1), (1, 0)):
        chromium.click(".play", place)
        found = chromium.run(
            """const start = performance.now();
            while (player.currentTime < 0.3 && performance.now() - start < 5000)
              await new Promise(done => setTimeout(done, 20));
            await new Promise(requestAnimationFrame);
            const at = [...document.querySelectorAll("input[type=range]")].map(one => +one.value);
            return [player.error, player.paused, player.currentTime, player.duration, at[a[0]],
              [...document.querySelectorAll(".play")].map(one => one.classList.contains("on"))]""",
            place,
        )
        error, paused, now, seconds, at, on = found
        assert (error, paused) == (None, False)
        assert now >= 0.3
        assert seconds == pytest.approx(6, abs=0.2)
        assert at == pytest.approx(now / seconds, abs=0.05)
        assert (on[place], on[other]) == (True, False)
    chromium.click(".play", 1)
    assert chromium.run("return player.paused")
    # A click on the picture is a step to that time.
    chromium.click("input[type=range]", 1, 0.75)
    now = chromium.run("return player.currentTime / player.duration")
    assert now == pytest.approx(0.75, abs=0.01)
    # What cannot be decoded has no player, but a reason.
    last = "return [...document.querySelectorAll('.sound')].at(-1).innerText"
    assert "nothing to hear" in chromium.run(last)


@SIZES
def test_clips_are_searched_filtered_and_sorted(page: Path, chromium: Browser, width: int) -> None:
    chromium.open(page, width)
    listed = names(chromium)
    assert len(listed) == 8
    choose(chromium, "#search", "GONE wav")
    assert names(chromium) == ["gone.wav"]
    assert chromium.run("return document.getElementById('count').value") == "1 of 8 clips"
    choose(chromium, "#search", "")
    choose(chromium, "[data-filter='given label']", HOSTILE[2])
    assert names(chromium) == listed[2:3]
    choose(chromium, "[data-filter='first guess']", "Bark")
    assert names(chromium) == []
    choose(chromium, "[data-filter='given label']", "")
    # The seventh class is followed by Bark.
    assert names(chromium) == listed[6:7]
    choose(chromium, "[data-filter='first guess']", "")
    choose(chromium, "#order", "probability of the guess")
    assert names(chromium) == listed[::-1]
    choose(chromium, "#reverse", True)
    assert names(chromium) == listed
    choose(chromium, "#order", "fold")
    assert names(chromium) == listed[::-1]


def test_keys_move_play_and_search(page: Path, chromium: Browser) -> None:
    chromium.open(page, DESKTOP)
    focus = "return [...document.querySelectorAll('.sound')].indexOf(document.activeElement)"
    for key, place in (("j", 0), ("j", 1), ("j", 2), ("k", 1)):
        chromium.press(key)
        assert chromium.run(focus) == place
    chromium.press(" ")
    chromium.run("while (!player.currentTime) await new Promise(done => setTimeout(done, 20))")
    assert chromium.run("return document.querySelectorAll('.play')[1].classList.contains('on')")
    chromium.press(" ")
    assert chromium.run("return player.paused")
    chromium.press("/")
    assert chromium.run("return document.activeElement.id") == "search"
    # In a field, letters are text.
    chromium.press("j")
    assert chromium.run("return document.activeElement.value") == "j"


@SIZES
def test_a_click_on_a_heading_sorts_its_table(page: Path, chromium: Browser, width: int) -> None:
    chromium.open(page, width)
    script = """return [...document.querySelectorAll(".heading")].map(button => {
      const heading = button.closest("th"), rows = [...heading.closest("table").tBodies[0].rows];
      return [heading.className, rows.map(row => row.cells[heading.cellIndex].textContent.trim())]
    })"""
    headings = chromium.run(script)
    assert {kind for kind, _ in headings} == {"", "number"}
    for place, (kind, before) in enumerate(headings):
        orders, none = [], ("", "\u2013")
        for _ in range(2):
            chromium.click(".heading", place)
            orders.append([text for text in chromium.run(script)[place][1] if text not in none])
        filled = [text for text in before if text not in none]
        if kind:
            up = sorted(float(text.split()[0]) for text in filled)
            found = [[float(text.split()[0]) for text in order] for order in orders]
            assert found == [up, up[::-1]]
        else:  # in the browser's own alphabet
            assert sorted(orders[0]) == sorted(filled)
            assert orders[1] == orders[0][::-1]


def test_every_control_has_a_name(page: Path, chromium: Browser) -> None:
    chromium.open(page, DESKTOP)
    nodes = chromium.devtools("Accessibility.getFullAXTree")["nodes"]
    roles = ("button", "slider", "searchbox", "combobox", "checkbox", "image", "link", "region")
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node.get("ignored") and node["role"]["value"] in roles
    ]
    assert {"button", "slider", "searchbox", "combobox", "checkbox", "image"} <= dict(found).keys()
    assert [role for role, name in found if not name.strip()] == []


@SIZES
def test_tags_have_a_page_of_at_most_200_sounds(
    tmp_path: Path, chromium: Browser, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(web_page, "MOST_SOUNDS", 3)
    write_sounds(tmp_path / "audio", CLIPS[:3])
    clips = pd.DataFrame({"clip": [*CLIPS[:3], "z"], "file": [*CLIPS[:3], "z"]})
    clips = clips.assign(start="", end="")
    values = np.array([[0.75, 0.25], [0.75, 0.25], [np.nan, np.nan], [0, 1]])
    tags = Tags([HOSTILE[3], "Cello"], values, ["", "", HOSTILE[4], ""])
    path = tmp_path / "tags.html"
    tags_page.write(path, "Tags", tags, clips, tmp_path / "audio", 300.0, 1)
    chromium.open(path, width)
    assert_nothing_is_wrong(chromium)
    assert names(chromium) == CLIPS[:3]
    assert "The first 3 of 4 sounds" in chromium.run("return document.body.innerText")
    first, _, third = chromium.run(
        "return [...document.querySelectorAll('.facts')].map(one => one.textContent)"
    )
    assert first.index(HOSTILE[3]) < first.index("0.750") < first.index("Cello")
    assert HOSTILE[4] in third
    choose(chromium, "[data-filter=label]", HOSTILE[3])
    assert names(chromium) == CLIPS[:2]
