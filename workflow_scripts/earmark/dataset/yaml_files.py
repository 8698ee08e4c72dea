"""YAML files as people and programs write them: read strictly, so that nothing is lost silently."""

import codecs
from pathlib import Path
from typing import Any

import yaml

from earmark.runtime.errors import EarmarkError, printable

UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MERGE, TEXT = (f"tag:yaml.org,2002:{kind}" for kind in ("merge", "str"))
# The loader in C takes an eighth of the time of the other.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read(path: Path) -> dict[str, Any]:
    """Return keys and values of a YAML file in UTF-8, or in UTF-16 with a byte order mark.

    An empty file has none. Raises EarmarkError when it cannot be read, is no text in UTF-8, no YAML
    or no mapping, and for a key that is no text or is there twice.
    """
    try:
        content = path.read_bytes()
        loader = LOADER(content.decode("utf-16" if content.startswith(UTF16) else "utf-8-sig"))
        node = loader.get_single_node()
        _check_keys(path, node)
        values = loader.construct_document(node) if node else {}
    except OSError as problem:
        raise EarmarkError(
            f"{path} cannot be read ({problem.strerror}). Check its path and permissions."
        ) from problem
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        raise EarmarkError(
            f"{path} is not text in UTF-8: line {line} has the byte "
            f"0x{content[problem.start]:02x}. Save it as UTF-8 in the editor."
        ) from None
    except (yaml.YAMLError, ValueError) as problem:
        # ValueError: a date that no calendar has.
        reason = printable(" ".join(str(problem).split()), 300)
        raise EarmarkError(
            f"{path} is not YAML that Earmark can read ({reason}). Indent with spaces, not tabs, "
            f"and put dates and text with special characters in quotes."
        ) from None
    if values is not None and not isinstance(values, dict):
        raise EarmarkError(
            f"{path} has a {type(values).__name__} where keys should be. Write a key, a colon and "
            f"a value on each line, such as `name: value`."
        )
    return values or {}


def value_of(text: str) -> Any:
    """Return what YAML takes ``text`` for; 1e-3 is a number too, and what is no YAML stays text."""
    try:
        value = LOADER(text).get_single_data()
        return float(value) if isinstance(value, str) else value
    except (yaml.YAMLError, ValueError):
        return text


def _check_keys(path: Path, root: yaml.Node | None) -> None:
    """Raise EarmarkError for a key that is no text (YAML reads No as false), or is there twice."""
    waiting, known = [root], set()
    while waiting:
        node = waiting.pop()
        # Several places may have one node.
        if not isinstance(node, yaml.CollectionNode) or id(node) in known:
            continue
        known.add(id(node))
        if isinstance(node, yaml.SequenceNode):
            waiting += node.value
            continue
        waiting += [value for _, value in node.value]
        names: set[str] = set()
        for key in (key for key, _ in node.value if key.tag != MERGE):
            where = f"{path}, line {key.start_mark.line + 1}"
            if not isinstance(key, yaml.ScalarNode):
                raise EarmarkError(f"{where}: a list or group is where a key should be.")
            name = printable(key.value)
            if key.tag != TEXT:
                raise EarmarkError(
                    f"{where}: the key {name} is no text to YAML, which takes such words for other "
                    f'values. Put it in quotes: "{name}".'
                )
            if key.value in names:
                raise EarmarkError(f"{where}: the key '{name}' is there twice. Keep one of them.")
            names.add(key.value)
