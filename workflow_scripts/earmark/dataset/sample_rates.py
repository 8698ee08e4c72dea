"""The sample rates of many clips, and the one to compute features at: `sample_rate: auto`."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from earmark.dataset.index import MOST_READERS
from earmark.runtime import progress

# At most this rate is used, and also where no clip's is known.
HIGHEST_RATE = 44100


def usual_rate(rates: Iterable[int]) -> int:
    """The highest rate that at least nine tenths of the clips have or exceed, at most 44,100 Hz.

    ``rates`` are in Hz; 0 stands for a clip whose rate is unknown, which does not count.
    """
    known = sorted((rate for rate in rates if rate > 0), reverse=True)
    nine_tenths = -(-9 * len(known) // 10)
    return min(known[nine_tenths - 1], HIGHEST_RATE) if known else HIGHEST_RATE


def read_all(folder: Path, files: Sequence[str]) -> list[int]:
    """The rate in each file's header (Hz); 0 for a file that cannot be read."""
    from earmark.dataset import audio  # libsndfile, which planning mostly does without

    with ThreadPoolExecutor(min(MOST_READERS, os.cpu_count() or 1)) as readers:
        rates = readers.map(lambda file: audio.header(folder / file).sample_rate, files)
        return list(progress.track(rates, len(files), "sample rates read"))
