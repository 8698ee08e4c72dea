"""Long recordings in windows: decoded once, in order, and in the memory of a few windows."""

import math
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from earmark.dataset import audio, decoding
from earmark.dataset.audio import SamplesInMemory, UnreadableClipError
from earmark.evaluation import tags


class Window(NamedTuple):
    """A part of a file, from ``start`` to ``end`` in seconds; ``number`` counts from 0.

    Without ``clip``, its samples, ``problem`` says why there are none; then there is no ``end``.
    """

    number: int
    start: float
    end: float | None
    clip: SamplesInMemory | None
    problem: str = ""


def cut(path: str, seconds: float, hop: float, longest_seconds: float) -> Iterator[Window]:
    """Yield the windows of a file, one of ``seconds`` each ``hop`` seconds.

    They begin at multiples of ``hop``, rounded to milliseconds, and have exactly the samples of
    ``file[round(start * rate):round(end * rate)]``. A shorter one ends the file, if it has sound
    that is in no other window and is at least half as long, or if the whole file is shorter. Only
    the first ``longest_seconds`` of a window are used. Never raises for bad content: where the file
    cannot be decoded to its end, the last item says so.
    """
    facts = audio.header(path)
    if facts.status != "ok":
        yield Window(0, 0.0, None, None, tags.reason(facts.status, facts.problem))
        return
    with decoding.opened(path) as clip:
        rate, broken = clip.rate, ""
        number = decoded = last_end = 0
        used = decoding.most_samples(longest_seconds, rate)
        # Blocks that are still needed, after the number of their first sample.
        kept: deque[tuple[int, np.ndarray]] = deque()

        def window(start: float, end: float, last: int) -> Window:
            first = round(start * rate)
            last = min(last, first + used)
            parts = [block[max(0, first - at) : max(0, last - at)] for at, block in kept]
            clip_in_memory = SamplesInMemory(np.concatenate(parts), rate, longest_seconds)
            return Window(number, start, end, clip_in_memory)

        start, end = _times(number, seconds, hop)
        blocks = clip.blocks()
        while True:
            try:
                block = next(blocks)
            except StopIteration:
                break
            except UnreadableClipError as problem:
                broken = str(problem)
                break
            begin, decoded = decoded, decoded + len(block)
            # The last window that has begun by then uses the block, or none does. Times are rounded
            # to milliseconds.
            begun = hop * ((decoded / rate + 0.001) // hop)
            if begin / rate < begun + longest_seconds + 0.001:
                kept.append((begin, block))
            while decoded >= (last := round(end * rate)):
                yield window(start, end, last)
                number, last_end = number + 1, last
                start, end = _times(number, seconds, hop)
            while kept and kept[0][0] + len(kept[0][1]) <= round(start * rate):
                kept.popleft()
        if decoded > last_end and (decoded / rate - start >= seconds / 2 or number == 0):
            yield window(start, round(decoded / rate, 6), decoded)
            number += 1
        missing, is_cut = (broken, True) if broken else clip.missing(decoded)
        if is_cut or decoded == 0:
            status = "truncated" if decoded else "unreadable" if missing else "empty"
            yield Window(number, round(decoded / rate, 6), None, None, tags.reason(status, missing))


def count(length: float, seconds: float, hop: float) -> int:
    """How many windows ``cut`` makes of a whole file of ``length`` seconds."""
    long_enough, with_sound = (length - seconds / 2) / hop, (length - seconds) / hop
    return max(1, 1 + min(math.floor(long_enough), math.ceil(with_sound)))


def _times(number: int, seconds: float, hop: float) -> tuple[float, float]:
    start = round(number * hop, 3)
    return start, round(start + seconds, 3)
