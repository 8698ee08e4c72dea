"""Markdown tables: alignment, missing values, and cells that would break a row."""

from pathlib import Path

import numpy as np
import pandas as pd

from earmark.reporting import markdown

DASH = "\N{EN DASH}"


def test_a_table_by_hand() -> None:
    frame = pd.DataFrame(
        {
            "group": ["music", "all_of_it"],
            "clips": pd.array([12, None], dtype="Int64"),
            "percent_after": [63.268, np.nan],
            "note": [None, ""],
        }
    )
    assert markdown.table(frame, 2) == (
        "| group     | clips | percent after | note |\n"
        "| --------- | ----: | ------------: | ---- |\n"
        f"| music     |    12 |         63.27 | {DASH}    |\n"
        f"| all_of_it |     {DASH} |             {DASH} | {DASH}    |\n"
    )


def test_numbers_as_text_are_right_aligned_and_words_are_not() -> None:
    frame = pd.DataFrame({"a": ["0.835, 0.843", ""], "b": ["< 0.001", 0.25], "c": ["1", "best"]})
    rule = markdown.table(frame).splitlines()[1].split("|")[1:-1]
    assert [cell.strip().endswith(":") for cell in rule] == [True, True, False]
    assert "| < 0.001 |" in markdown.table(frame)
    assert "|   0.250 |" in markdown.table(frame)


def test_a_column_without_a_value_follows_its_type() -> None:
    frame = pd.DataFrame({"a": [np.nan], "b": [None]})
    assert markdown.table(frame).splitlines()[1] == "| --: | --- |"


def test_what_rounds_to_zero_has_no_sign() -> None:
    assert "-" not in markdown.table(pd.DataFrame({"a": [-0.0001]})).splitlines()[2]
    assert "| -0.001 |" in markdown.table(pd.DataFrame({"a": [-0.0006]}))


def test_pipes_backslashes_and_line_ends_stay_in_their_cell() -> None:
    frame = pd.DataFrame({"a|b": ["x|y", "x\\|y", "two\nlines"]})
    lines = markdown.table(frame).splitlines()
    assert len(lines) == 5
    assert lines[0].strip("| ").strip() == "a\\|b"
    assert lines[2].startswith("| x\\|y ")
    assert lines[3].startswith("| x\\\\\\|y ")
    assert lines[4].startswith("| two lines ")


def test_names_that_look_like_html_are_names() -> None:
    odd = ["<script>alert(1)</script>.wav", "&amp;", "&#60;b&#62;", "<!-- x", "</td>", "\\<b>"]
    text = markdown.table(pd.DataFrame({"<b>": odd}))
    lines = [line.strip("| ") for line in text.splitlines()]
    assert [lines[0], *lines[2:]] == [
        "\\<b>",
        "\\<script>alert(1)\\</script>.wav",
        "\\&amp;",
        "\\&#60;b\\&#62;",
        "\\<!-- x",
        "\\</td>",
        "\\\\\\<b>",
    ]
    # What is no HTML stays as it is.
    assert "| < 0.001 |" in markdown.table(pd.DataFrame({"p": ["< 0.001"]}))
    assert "| R&B |" in markdown.table(pd.DataFrame({"a": ["R&B"]}))


def test_long_cells_do_not_widen_the_others() -> None:
    lines = markdown.table(pd.DataFrame({"a": ["x" * 200, "y"]})).splitlines()
    assert len(lines[2]) == 204
    assert len(lines[3]) < 50


def test_a_table_without_rows_has_a_heading() -> None:
    assert markdown.table(pd.DataFrame({"a": []}, dtype=object)) == "| a   |\n| --- |\n"


def test_both_files_show_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1, 2]})
    parts = [
        markdown.Section("One", frame[:1], remarks=["Why."]),
        markdown.Section("Two", frame[1:]),
    ]
    markdown.write_both(frame, parts, tmp_path / "new" / "t.csv", tmp_path / "new" / "t.md")
    assert (tmp_path / "new" / "t.csv").read_bytes() == b"a\n1\n2\n"
    assert (tmp_path / "new" / "t.md").read_bytes() == (
        b"## One\n\nWhy.\n\n|   a |\n| --: |\n|   1 |\n\n## Two\n\n|   a |\n| --: |\n|   2 |\n"
    )
