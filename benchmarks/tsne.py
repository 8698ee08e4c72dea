"""What a t-SNE figure's points cost as the number of clips grows: sklearn's Barnes-Hut method.

.venv/bin/python benchmarks/tsne.py
"""

import sys
import time

import measuring

sys.path.insert(0, str(measuring.SCRIPTS))

from spreading import DIMENSIONS, draw

from earmark.reporting import tsne


def section(sizes: tuple[int, ...] = (1000, 4827, 9473)) -> str:
    """Seconds at each size, once each; Markdown."""
    rows = []
    for clips in sizes:
        vectors = draw(clips)[0]
        begin = time.perf_counter()
        tsne.embed(vectors, 30.0, 1)
        rows.append((f"{clips:,}", f"{time.perf_counter() - begin:.1f}"))
    return measuring.table((f"Clips, {DIMENSIONS:,} numbers each", "seconds"), rows)


if __name__ == "__main__":
    print(section())
