"""The corpus of bad input: every kind that is made and tried, with what is expected of it.

Each part has a module of its own, ``bad_*.py``, with its list ``KINDS`` and the way to spoil
something good; the tests of that part try each kind. ``python tests/corpus.py`` prints the table
of docs/bad_input.md.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Kind:
    """A kind of bad input.

    ``name`` says in a few words what is odd. ``expected`` is the status that the clip must get,
    or the words that the error's sentence must contain. ``spoil`` makes it from something good;
    what it takes and gives is the part's own.
    """

    name: str
    expected: str
    spoil: Callable[..., Any]

    def __str__(self) -> str:
        return self.name


def parts() -> dict[str, list[Kind]]:
    """Heading -> the kinds of that part."""
    import bad_archives
    import bad_audio
    import bad_files
    import bad_labels
    import bad_lists
    import odd_layouts

    layouts = [
        Kind(kind.name, kind.expected if isinstance(kind.expected, str) else "works", kind.write)
        for kind in odd_layouts.KINDS
    ]
    return {
        "Sound files": bad_audio.KINDS,
        "Lists": bad_lists.KINDS,
        "Folders and lists as people have them": layouts,
        "Labels and training": bad_labels.KINDS,
        "Archives": bad_archives.KINDS,
        "Disks and files": bad_files.KINDS,
    }


def tables() -> str:
    """The kinds as Markdown tables."""
    lines: list[str] = []
    for heading, kinds in parts().items():
        wanted = "status" if heading == "Sound files" else "what the user gets"
        lines += [f"### {heading}", "", f"| what is wrong | {wanted} |", "|---|---|"]
        lines += [f"| {_cell(kind.name)} | {_cell(kind.expected)} |" for kind in kinds]
        lines.append("")
    return "\n".join(lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1] / "workflow_scripts"))
    print(tables(), end="")
