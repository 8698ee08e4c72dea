"""Tables as web pages beside their CSV files, for a browser and for Snakemake's report."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from pandas.io.formats.style import Styler

from earmark.dataset import tables
from earmark.runtime.outputs import atomic_file

MISSING = "\N{EN DASH}"

PAGE = jinja2.Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ sections[0].title }}</title>
<style>
body { margin: 1.5rem; color: #1e293b; font: 14px/1.5 system-ui, sans-serif; }
h1 { margin: 1.5rem 0 0.5rem; font-size: 1.2rem; }
p { margin: 0.5rem 0; max-width: 45rem; color: #475569; }
div { overflow-x: auto; }
table { margin: 1rem 0; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid #e2e8f0; text-align: left; }
tbody tr:hover { background: #f1f5f9; }
</style>
</head>
<body>
{% for section in sections %}
<h1>{{ section.title }}</h1>
{% for remark in section.remarks %}
<p>{{ remark }}</p>
{% endfor %}
<div>{{ section.html(loop.index) | safe }}</div>
{% endfor %}
<p><a download="{{ name }}" href="data:text/csv;base64,{{ content }}">Save as {{ name }}</a></p>
</body>
</html>
""",
    autoescape=True,
    trim_blocks=True,
)


@dataclass(frozen=True)
class Section:
    """A table on a page: its title, remarks above it, and the decimals of its numbers."""

    title: str
    frame: pd.DataFrame
    digits: int = 3
    remarks: Sequence[str] = ()

    def html(self, number: int) -> str:
        """The table as HTML, the page's ``number``-th: numbers right-aligned, a dash if missing."""
        frame = self.frame.rename(columns=lambda name: str(name).replace("_", " "))
        style = Styler(frame, uuid=str(number), cell_ids=False).hide(axis="index")
        style = style.format_index(escape="html", axis="columns")
        style = style.format(self._text, na_rep=MISSING, escape="html")
        right = [{"selector": "", "props": "text-align: right"}]
        style = style.set_table_styles(dict.fromkeys(frame.select_dtypes("number"), right))
        return str(style.to_html())

    def _text(self, value: Any) -> str:
        # z: no minus sign on numbers that round to zero.
        return f"{value:z.{self.digits}f}" if isinstance(value, float) else str(value)


def write(
    table: pd.DataFrame, sections: Sequence[Section], csv: str | Path, page: str | Path
) -> None:
    """Write ``table`` as CSV, and a page with ``sections``, which show the same.

    The page has a link that contains the CSV file, so that the page alone can be sent to others.
    """
    tables.write_table(table, csv)
    content = base64.b64encode(Path(csv).read_bytes()).decode()
    text = PAGE.render(sections=sections, name=Path(csv).name, content=content)
    with atomic_file(page) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")
