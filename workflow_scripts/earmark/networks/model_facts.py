"""Read back what was written beside a model's weights: the facts needed to use them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from earmark.runtime.errors import EarmarkError


def read(path: str | Path, wanted: Mapping[str, type]) -> dict[str, Any]:
    """Return a model's facts (JSON), of which ``wanted`` must be there and of the type given.

    Raises EarmarkError when they are not, or when the file cannot be read.
    """
    try:
        described = json.loads(Path(path).read_text(encoding="utf-8"))
        for name, kind in wanted.items():
            if not isinstance(described[name], kind):
                raise ValueError(f"{name} is no {kind.__name__}")
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        raise damaged(path, problem) from problem
    return described


def damaged(path: str | Path, problem: Exception) -> EarmarkError:
    """The error, to be raised, for facts that ``problem`` came of."""
    return EarmarkError(
        f"The facts {path} of a model are damaged ({type(problem).__name__}: {problem}). "
        f"Delete them and the weights beside them; the next run trains anew."
    )
