"""The hash of a file's content: of clips in the index, of inputs in the metadata of models."""

import hashlib
from pathlib import Path


def hash_of(path: str | Path) -> tuple[int, str]:
    """Size and content hash of a file; (-1, "") if there is none that can be read."""
    try:
        if not Path(path).is_file():  # a pipe would be waited for
            return -1, ""
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16))
            return file.tell(), digest.hexdigest()
    except OSError:
        return -1, ""
