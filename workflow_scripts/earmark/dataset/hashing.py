"""Hashes of file contents: those of clips in the index, those of inputs in models' metadata."""

import hashlib
from pathlib import Path


def hash_of(path: str | Path) -> tuple[int, str]:
    """Size and content hash of a file; (-1, "") if it is missing or cannot be read."""
    try:
        if not Path(path).is_file():  # reading a pipe could wait forever
            return -1, ""
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            return file.tell(), digest.hexdigest()
    except OSError:
        return -1, ""
