"""The sample rates of many clips, and the one to compute features at: `sample_rate: auto`."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from earmark.dataset import sound_files

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

    headers = sound_files.read_all(audio.header, folder, files, "sample rates read")
    return [facts.sample_rate for facts in headers]
