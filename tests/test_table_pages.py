"""Tables as web pages, read back with an HTML parser."""

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from earmark.reporting import table_pages
from earmark.reporting.table_pages import Section

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
        self.texts: dict[str, list[str]] = {"h1": [], "p": [], "title": []}
        self.tables: list[list[list[str]]] = []
        self.links: list[dict[str, str | None]] = []
        self.meta: dict[str | None, str | None] = {}
        self.open: list[str] = []
        self.feed(page)
        assert self.open == [], "a tag was not closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "meta":
            self.meta[dict(attrs).get("name")] = dict(attrs).get("content")
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
        tag = self.open[-1] if self.open else ""
        if tag in ("th", "td"):
            self.tables[-1][-1][-1] += data
        elif tag in self.texts:
            self.texts[tag][-1] += data

    def right_aligned(self, table: int) -> set[int]:
        """Numbers of the columns that the style aligns to the right."""
        rule = rf"#T_{table} \.col(\d+)[^{{]*{{[^}}]*text-align: right"
        return {int(number) for number in re.findall(rule, self.page)}


def written(folder: Path, *sections: Section) -> Reader:
    table = pd.DataFrame({"fname": ["a.wav"], "label": ["Glögg"]})
    table_pages.write(table, sections, folder / "new" / "table.csv", folder / "new" / "table.html")
    assert (folder / "new" / "table.csv").read_bytes() == "fname,label\na.wav,Glögg\n".encode()
    page = (folder / "new" / "table.html").read_text(encoding="utf-8")
    assert page.startswith("<!doctype html>")
    return Reader(page)


def test_a_page_by_hand(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {
            "group": ["music", "all"],
            "clips": pd.array([12, None], dtype="Int64"),
            "percent_after": [63.268, None],
        }
    )
    page = written(tmp_path, Section("One", frame, 1, ["Why."]), Section("Two", frame[:1]))
    assert page.texts["title"] == ["One"]
    assert page.texts["h1"] == ["One", "Two"]
    assert page.texts["p"][0] == "Why."
    heading = ["group", "clips", "percent after"]
    assert page.tables == [
        [heading, ["music", "12", "63.3"], ["all", DASH, DASH]],
        [heading, ["music", "12", "63.268"]],
    ]
    assert page.right_aligned(1) == page.right_aligned(2) == {1, 2}
    # As wide as the screen of a phone, not as a desktop's.
    assert page.meta["viewport"] == "width=device-width, initial-scale=1"


def test_what_rounds_to_zero_has_no_sign(tmp_path: Path) -> None:
    page = written(tmp_path, Section("One", pd.DataFrame({"a": [-0.0001, -0.0006]})))
    assert page.tables == [[["a"], ["0.000"], ["-0.001"]]]


def test_the_link_holds_all_of_the_file(tmp_path: Path) -> None:
    (link,) = written(tmp_path, Section("One", pd.DataFrame({"a": [1]}))).links
    assert link["download"] == "table.csv"
    head, data = str(link["href"]).split(",", 1)
    assert head == "data:text/csv;base64"
    assert base64.b64decode(data) == (tmp_path / "new" / "table.csv").read_bytes()


@pytest.mark.parametrize("odd", ODD)
def test_text_is_text_whatever_it_looks_like(tmp_path: Path, odd: str) -> None:
    page = written(tmp_path, Section(odd, pd.DataFrame({odd: [odd]}), remarks=[odd]))
    assert (page.texts["title"], page.texts["h1"], page.texts["p"][0]) == ([odd], [odd], odd)
    assert page.tables == [[[odd], [odd]]]


def test_a_table_without_rows_has_a_heading(tmp_path: Path) -> None:
    page = written(tmp_path, Section("Nothing", pd.DataFrame({"a": []}, dtype=object)))
    assert page.tables == [[["a"]]]
