"""Pages as they are written, read back with an HTML parser; see test_page.py for a browser."""

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
from PIL import Image
from tiny import tone

from earmark.dataset.clips import Place
from earmark.reporting import media, web_page

DASH = "\N{EN DASH}"
ODD = (
    "<script>alert(1)</script>.wav",
    "a|b",
    "&amp;",
    "\"onmouseover='x'",
    "</td></table><h1>",
    "--><img src=x onerror=alert(1)>",
)


class Reader(HTMLParser):
    """Headings, paragraphs, tables as rows of texts, links and metadata of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.page = page
        self.texts: dict[str, list[str]] = {"h2": [], "p": [], "title": []}
        self.tables: list[list[list[str]]] = []
        self.links: list[dict[str, str | None]] = []
        self.meta: dict[str | None, str | None] = {}
        self.open: list[str] = []
        self.feed(page)
        assert self.open == [], "a tag was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            self.meta[dict(attrs).get("name")] = dict(attrs).get("content")
        if tag in ("meta", "img", "input"):
            return
        self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append("")
        elif tag in self.texts:
            self.texts[tag].append("")
        elif tag == "a":
            self.links.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        for tag in self.open:
            if tag in ("th", "td"):
                self.tables[-1][-1][-1] += data
            elif tag in self.texts:
                self.texts[tag][-1] += data


def written(folder: Path, frame: pd.DataFrame, title: str = "One", digits: int = 3) -> Reader:
    table = pd.DataFrame({"fname": ["a.wav"], "label": ["Glögg"]})
    csv, page = folder / "new" / "table.csv", folder / "new" / "table.html"
    web_page.write_table(table, frame, title, digits, ["Why."], csv, page)
    assert csv.read_bytes() == "fname,label\na.wav,Glögg\n".encode()
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    return Reader(text)


def test_a_page_by_hand(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "group": ["music", "all"],
            "clips": pd.array([12, None], dtype="Int64"),
            "percent_after": [63.268, None],
        }
    )
    page = written(tmp_path, frame, digits=1)
    assert page.texts["title"] == page.texts["h2"] == ["One"]
    assert page.texts["p"][0] == "Why."
    heading = ["group", "clips", "percent after"]
    assert page.tables == [[heading, ["music", "12", "63.3"], ["all", DASH, DASH]]]
    # As wide as the screen of a phone, not as a desktop's.
    assert page.meta["viewport"] == "width=device-width, initial-scale=1"


def test_what_rounds_to_zero_has_no_sign(tmp_path: Path) -> None:
    page = written(tmp_path, pd.DataFrame({"a": [-0.0001, -0.0006]}))
    assert page.tables == [[["a"], ["0.000"], ["-0.001"]]]


def test_a_value_and_its_interval_are_one_cell() -> None:
    frame = pd.DataFrame({"f1": [0.25, None], "f1_low": [0.125, None], "f1_high": [0.5, None]})
    table = web_page.table(frame, digits=2)
    assert table.content["headings"] == ["F1"]
    ((cell,), (missing,)) = table.content["rows"]
    # From 0 on the left to 1 on the right.
    assert cell == web_page.Interval("0.25", "0.12 to 0.50", 25.0, 12.5, 50.0, False)
    assert missing == DASH


def test_the_interval_of_a_difference_lies_around_zero_in_the_middle() -> None:
    frame = pd.DataFrame({"gain": [0.1], "gain_low": [-0.1], "gain_high": [0.2]})
    ((cell,),) = web_page.table(frame).content["rows"]
    assert cell == web_page.Interval("0.100", "-0.100 to 0.200", 75.0, 25.0, 100.0, True)


def test_the_link_holds_all_of_the_file(tmp_path: Path) -> None:
    (link,) = written(tmp_path, pd.DataFrame({"a": [1]})).links
    assert link["download"] == "table.csv"
    head, data = str(link["href"]).split(",", 1)
    assert head == "data:text/csv;base64"
    assert base64.b64decode(data) == (tmp_path / "new" / "table.csv").read_bytes()


@pytest.mark.parametrize("odd", ODD)
def test_text_is_text_whatever_it_looks_like(tmp_path: Path, odd: str) -> None:
    page = written(tmp_path, pd.DataFrame({odd: [odd]}), odd)
    assert page.texts["title"] == page.texts["h2"] == [odd]
    assert page.tables == [[[odd.replace("_", " ")], [odd]]]


def test_a_table_without_rows_has_a_heading(tmp_path: Path) -> None:
    assert written(tmp_path, pd.DataFrame({"a": []}, dtype=object)).tables == [[["a"]]]


RATE = 16000


def place(path: Path, samples: np.ndarray, rate: int = RATE) -> Place:
    soundfile.write(path, samples, rate)
    return Place(str(path))


def picture(found: media.Media) -> np.ndarray:
    """The brightness (height, width) of a clip's picture."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(found.picture))).convert("L"))


def test_what_is_played_lies_around_the_loudest_second(tmp_path: Path) -> None:
    samples = 0.01 * np.random.default_rng(0).standard_normal(23 * RATE)
    # A tone from 15.0 to 15.4 s.
    samples[15 * RATE : 15 * RATE + 6400] += tone(1000, 0.4, RATE)
    found = media.of_clip(place(tmp_path / "a.wav", samples), 300)
    first = float(re.fullmatch(r"6 s of 23\.0 s, from (\d+\.\d) s", found.remark).group(1))
    # The whole second may begin up to 0.6 s before the tone.
    assert 14.9 - 3 <= first <= 15.5 - 3 + 0.1
    mp3 = base64.b64decode(found.audio)
    assert 20_000 < len(mp3) < 25_500  # 32 kbit/s
    played, rate = soundfile.read(io.BytesIO(mp3))
    assert played.ndim == 1
    assert len(played) / rate == pytest.approx(6, abs=0.2)
    loud = np.abs(played[: 6 * rate]).reshape(-1, rate // 10).max(axis=1).argmax() / 10
    assert loud + first == pytest.approx(15.2, abs=0.35)
    # The axes: the brightest place of the picture is that of 15.0 to 15.4 s and of 1 kHz.
    shown = picture(found)
    row, column = np.unravel_index(shown.astype(int).argmax(), shown.shape)
    ticks = dict(found.frequencies)
    assert 100 * (1 - (row + 0.5) / len(shown)) == pytest.approx(ticks["1 kHz"], abs=1.5)
    times = {float(text.split()[0]): percent for text, percent in found.times}
    assert times[15] - 1 <= 100 * column / shown.shape[1] <= times[15] + 0.4 / 6 * 100 + 1


def test_a_short_clip_is_played_whole(tmp_path: Path) -> None:
    found = media.of_clip(place(tmp_path / "a.wav", tone(440, 0.5, 8000), 8000), 300)
    assert found.remark == "0.5 s"
    assert [text for text, _ in found.times] == [f"{n / 10:g} s" for n in range(6)]
    assert soundfile.info(io.BytesIO(base64.b64decode(found.audio))).samplerate == 8000


@pytest.mark.parametrize("rate", [4000, 22050, 96000])
def test_any_rate_and_length_have_a_picture_and_a_sound(tmp_path: Path, rate: int) -> None:
    for count in (1, 37, 7 * rate):
        samples = np.random.default_rng(1).uniform(-1, 1, count)
        found = media.of_clip(place(tmp_path / f"{count}.wav", samples, rate), 300)
        # Noise is the hardest to compress. 200 such clips make 10 MB.
        assert len(base64.b64decode(found.picture)) <= 12_000
        assert len(base64.b64decode(found.audio)) <= 6.3 * 4_100
        assert picture(found).shape == (128, 480)


def test_what_cannot_be_heard_has_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    places = [
        Place(str(tmp_path / "text.wav")),
        Place(str(tmp_path / "gone.wav")),
        place(tmp_path / "silent.wav", np.zeros(RATE)),
        place(tmp_path / "empty.wav", np.zeros(0)),
    ]
    for found in media.of_clips(places, 300, 2):
        assert (found.audio, found.picture) == ("", "")
        assert found.remark.startswith("There is nothing to hear")
