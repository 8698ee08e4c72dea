"""Tables as web pages, read back with an HTML parser."""

import base64
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import write_submission

from earmark.dataset import index, tables
from earmark.evaluation import predictions
from earmark.reporting import webpage
from earmark.reporting.markdown import Section


class Reader(HTMLParser):
    """Headings, paragraphs, tables as rows of (tag, class, text), and links of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.texts: dict[str, list[str]] = {"h1": [], "p": [], "title": []}
        self.tables: list[list[list[tuple[str, str | None, str]]]] = []
        self.links: list[dict[str, str | None]] = []
        self.open: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == [], "a tag was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "meta":
            self.open.append((tag, dict(attrs)))
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append([])
        elif tag in ("th", "td"):
            self.tables[-1][-1].append((tag, dict(attrs).get("class"), ""))
        elif tag in self.texts:
            self.texts[tag].append("")
        elif tag == "a":
            self.links.append(dict(attrs))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag = self.open[-1][0] if self.open else ""
        if tag in ("th", "td"):
            name, kind, text = self.tables[-1][-1][-1]
            self.tables[-1][-1][-1] = (name, kind, text + data)
        elif tag in self.texts:
            self.texts[tag][-1] += data


def written(folder: Path, *sections: Section, content: bytes = b"a\n1\n") -> Reader:
    (folder / "table.csv").write_bytes(content)
    webpage.write(sections, folder / "new" / "table.html", folder / "table.csv")
    page = (folder / "new" / "table.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    return Reader(page)


def test_a_page_by_hand(tmp_path: Path) -> None:
    frame = pd.DataFrame({"group": ["music", "all"], "percent_after": [63.268, None]})
    page = written(tmp_path, Section("One", frame, 1, ["Why."]), Section("Two", frame[:1]))
    assert page.texts["title"] == ["One"]
    assert page.texts["h1"] == ["One", "Two"]
    assert page.texts["p"][0] == "Why."
    heading = [("th", None, "group"), ("th", "number", "percent after")]
    assert page.tables == [
        [
            heading,
            [("td", None, "music"), ("td", "number", "63.3")],
            [("td", None, "all"), ("td", "number", "\N{EN DASH}")],
        ],
        [heading, [("td", None, "music"), ("td", "number", "63.268")]],
    ]


def test_the_link_holds_the_whole_file(tmp_path: Path) -> None:
    content = "fname,label\na.wav,Glögg\n".encode()
    page = written(tmp_path, Section("One", pd.DataFrame({"a": [1]})), content=content)
    (link,) = page.links
    assert link["download"] == "table.csv"
    head, data = str(link["href"]).split(",", 1)
    assert head == "data:text/csv;charset=utf-8;base64"
    assert base64.b64decode(data) == content


def test_text_is_text_whatever_it_looks_like(tmp_path: Path) -> None:
    odd = '<script>x</script> & "b"'
    page = written(tmp_path, Section(odd, pd.DataFrame({odd: [odd]}), remarks=[odd]))
    assert page.texts == {"title": [odd], "h1": [odd], "p": [odd, ""]}
    assert [[text for _, _, text in row] for row in page.tables[0]] == [[odd], [odd]]


@pytest.mark.parametrize(
    "odd",
    [
        "<script>alert(1)</script>.wav",
        "a|b",
        "&amp;",
        "&lt;b&gt;",
        "\"onmouseover='x'",
        "</td></table><h1>",
        "--><img src=x onerror=alert(1)>",
    ],
)
def test_names_of_clips_and_classes_are_text_in_the_submissions_page(
    tmp_path: Path, odd: str
) -> None:
    label = odd.replace(" ", "_")  # no label has a space
    index.write([index.Row(odd, f"audio_test/{odd}", "", "", 1, "")], tmp_path / "index.csv")
    found = predictions.Predictions([odd], ["Bark", label], np.array([[0.6, 0.4]]))
    predictions.write(tmp_path / "combined.h5", found)
    guesses = pd.DataFrame({"fname": [odd], "label": [f"Bark {label}"]})
    tables.write_table(guesses, tmp_path / "guesses.csv")
    write_submission.main(
        index_table=str(tmp_path / "index.csv"),
        combined=str(tmp_path / "combined.h5"),
        guesses=str(tmp_path / "guesses.csv"),
        submitted=str(tmp_path / "submission.csv"),
        page=str(tmp_path / "page.html"),
    )
    page = Reader((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert [text for _, _, text in page.tables[0][1]] == [odd, "Bark", label]


def test_backticks_mark_code_and_a_single_one_marks_nothing(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": ["`x: 1 < 2` or `y`", "a `tick"]})
    written(tmp_path, Section("One", frame))
    page = (tmp_path / "new" / "table.html").read_text(encoding="utf-8")
    assert "<td><code>x: 1 &lt; 2</code> or <code>y</code></td>" in page
    assert "<td>a `tick</td>" in page


def test_a_table_without_rows_has_a_heading(tmp_path: Path) -> None:
    page = written(tmp_path, Section("Nothing", pd.DataFrame({"a": []}, dtype=object)))
    assert page.tables == [[[("th", None, "a")]]]
