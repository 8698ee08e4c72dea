"""Hashes of file contents: those of clips in the index, those of inputs in models' metadata."""

import hashlib
from pathlib import Path

# Size and content hash of a file; (None, "") if it is missing or cannot be read.
Fact = tuple[int | None, str]


def hash_of(path: str | Path) -> Fact:
    """Read a file, and return its facts."""
    try:
        if not Path(path).is_file():  # reading a pipe could wait forever
            return None, ""
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            return file.tell(), digest.hexdigest()
    except OSError:
        return None, ""
