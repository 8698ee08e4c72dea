"""Seeds of jobs: each purpose has its own random stream."""

import zlib


def derive_seed(seed: int, *names: object) -> int:
    """Return a seed below 2**32 for one purpose, so that no two jobs share a random stream."""
    return zlib.crc32("/".join([str(seed), *map(str, names)]).encode())
