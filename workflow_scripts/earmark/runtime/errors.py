"""The one exception that users meet: a sentence that says what is wrong and what to do."""

import datetime
import difflib
from collections.abc import Iterable, Sequence


class EarmarkError(Exception):
    """Bad input, config or data. The message names the file, the value and the remedy."""


def printable(text: str, most: int = 80) -> str:
    """Return ``text`` for a message: at most ``most`` characters, control characters escaped.

    The content of a file must neither fill the screen nor control the terminal.
    """
    cut = text if len(text) <= most else f"{text[:most]}..."
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in cut
    )


def examples(names: Sequence[str], most: int = 3) -> str:
    """Return the first few of ``names`` for a message."""
    more = ["..."] if len(names) > most else []
    return ", ".join([*(printable(name, 200) for name in names[:most]), *more])


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return a question with the one of ``known`` that is most like ``name``, or else nothing."""
    similar = difflib.get_close_matches(str(name), list(known), 1)
    return f" Did you mean '{printable(similar[0])}'?" if similar else ""


def yaml_text_hint(value: object) -> str:
    """Return a hint for text that YAML reads as another value, such as 2023_05, or else nothing."""
    if value is None:
        return " (nothing, or the word null, which YAML takes for nothing: put that in quotes)"
    if isinstance(value, bool | int | float | datetime.date):
        return (
            " (YAML takes text such as 2023_05, 12:30, 2023-05-01 or No for other values: "
            'put it in quotes, as in "2023_05"; a path after --config can be written ./2023_05)'
        )
    return ""
