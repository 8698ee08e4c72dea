"""Networks, kinds of features and augmentations in a user's own file, named as ``net.py:MyNet``.

The file is run in the jobs that need it, and never while a run is planned.
"""

import logging
import os
import sys
import traceback
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from earmark.runtime.errors import EarmarkError, printable

log = logging.getLogger("earmark")


class OwnPartError(EarmarkError):
    """What went wrong in a user's own file."""


def is_own(name: str) -> bool:
    """Whether a name in the config is of something in a file, as in ``net.py:MyNet``."""
    return ".py:" in name


def split(name: str) -> tuple[Path, str]:
    """The file, from the working directory, and the name in it."""
    file, _, inside = name.rpartition(":")
    return Path(file), inside


def data_files(options: Mapping[str, Any]) -> list[str]:
    """The files that options of an own part name, such as pretrained networks."""
    texts = {value for value in options.values() if isinstance(value, str)}
    return sorted(text for text in texts if Path(text).suffix and os.path.isfile(text))


def inside(folder: Path, name: str) -> str:
    """The name from the working directory of what is in a file of ``folder``, or an other name."""
    return str(folder / name) if is_own(name) else name


def options_inside(folder: Path, options: Mapping[str, Any]) -> dict[str, Any]:
    """The options with the paths from the working directory of files in ``folder``."""
    found = {
        key: str(folder / value) if isinstance(value, str) else value
        for key, value in options.items()
    }
    files = data_files(found)
    return {key: found[key] if found[key] in files else value for key, value in options.items()}


def load(name: str) -> Any:
    """The function or class. Raises OwnPartError if the file fails, or has none of that name."""
    file, inside = split(name)
    with explained(name):
        return getattr(_module(file.absolute(), file.read_bytes()), inside)


@cache
def _module(file: Path, content: bytes) -> ModuleType:
    # A name that torch can write into compiled code.
    module = ModuleType(f"own_{zlib.crc32(content, zlib.crc32(str(file).encode())):08x}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # where dataclasses look their module up
    exec(compile(content, str(file), "exec"), vars(module))
    return module


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what the code of ``name`` raises into an OwnPartError; the log gets all of it."""
    try:
        yield
    except EarmarkError:
        raise
    except (Exception, SystemExit) as problem:
        log.info("%s failed.", name, exc_info=True)
        file = str(split(name)[0].absolute())
        lines = [
            f.lineno for f in traceback.extract_tb(problem.__traceback__) if f.filename == file
        ]
        where = f", in line {lines[-1]}" if lines else ""
        last = printable(traceback.format_exception_only(problem)[-1].strip(), 500)
        raise OwnPartError(
            f"{name} failed{where}: {last} Correct the file, and run again."
        ) from problem
