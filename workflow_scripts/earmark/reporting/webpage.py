"""Tables as a web page: what Snakemake's report, or a browser, shows of a CSV file.

In their text, as in Markdown, backticks mark code.
"""

import base64
import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from earmark.reporting.markdown import Section, columns_of
from earmark.runtime.outputs import whole_file

STYLE = """
body { margin: 1.5rem; max-width: 80rem; color: #1e293b; font: 14px/1.5 system-ui, sans-serif; }
h1 { margin: 1.5rem 0 0.5rem; font-size: 1.2rem; }
p { margin: 0.5rem 0; max-width: 45rem; color: #475569; }
table { margin: 1rem 0; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #e2e8f0; text-align: left;
  vertical-align: top; }
th { position: sticky; top: 0; background: white; vertical-align: bottom; font-weight: 600; }
td:first-child:not(.number) { min-width: 9rem; }
code { font-size: 0.9em; }
.number { text-align: right; white-space: nowrap; }
th.number { white-space: normal; }
tbody tr:hover { background: #f1f5f9; }
"""


def write(sections: Sequence[Section], page: str | Path, csv: str | Path) -> None:
    """Write the sections below each other, and a link that holds the whole of the file ``csv``."""
    csv = Path(csv)
    encoded = base64.b64encode(csv.read_bytes()).decode()
    link = (
        f'<p><a download="{escape(csv.name)}" href="data:text/csv;charset=utf-8;base64,{encoded}">'
        f"Save as {escape(csv.name)}</a></p>"
    )
    parts = [
        "<!doctype html>",
        '<html lang="en">',
        f'<head><meta charset="utf-8"><title>{escape(sections[0].title)}</title>',
        f"<style>{STYLE}</style></head>",
        "<body>",
        *(_section(shown) for shown in sections),
        link,
        "</body>",
        "</html>",
        "",
    ]
    with whole_file(page) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8", newline="\n")


def _section(shown: Section) -> str:
    columns = columns_of(shown.frame, shown.digits)
    kinds = [' class="number"' if column.right else "" for column in columns]
    head = _row("th", kinds, [column.heading for column in columns])
    rows = zip(*(column.cells for column in columns), strict=True)
    return "\n".join(
        [
            f"<h1>{escape(shown.title)}</h1>",
            *(f"<p>{escape(remark)}</p>" for remark in shown.remarks),
            "<table>",
            f"<thead>{head}</thead>",
            "<tbody>",
            *(_row("td", kinds, row) for row in rows),
            "</tbody>",
            "</table>",
        ]
    )


def _row(tag: str, kinds: Sequence[str], texts: Sequence[str]) -> str:
    cells = zip(kinds, texts, strict=True)
    return f"<tr>{''.join(f'<{tag}{kind}>{_text(text)}</{tag}>' for kind, text in cells)}</tr>"


def _text(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
