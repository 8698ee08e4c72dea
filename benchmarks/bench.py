"""All benchmarks but those of a GPU and of the full size, into benchmarks/results.md.

    make bench
    .venv/bin/python benchmarks/bench.py [--clips FOLDER] [--repeats 5]

Without --clips, some hundred clips are synthesised for the features. Takes up to half an hour on
two cores that have nothing else to do.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import measuring

sys.path.insert(0, str(measuring.SCRIPTS))

import features
import formats
import parts
import prediction
import spreading
import startup
import tagging
import training
import tsne

from earmark.synthesis import dataset

RESULTS = measuring.REPO / "benchmarks/results.md"
HEAD = """# Benchmarks

Made by `make bench`; each file here says what it does. Numbers are medians, in brackets the
smallest and the largest; ratios are of pairs that were measured in turn, in one run. What else
happens on a machine moves all of them: a ratio says more than a rate.
"""


def synthesised(folder: Path) -> Path:
    """A folder of 246 clips as the demo has them, 0.3 to 8 s long."""
    settings = {"clips_per_class": 6, "test_clips_per_class": 1, "empty_test_clips": 0}
    dataset.synthesise(folder, settings, 1, 2)
    return folder / "audio_train"


def main() -> None:
    """Run every section and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clips", type=Path, help="a folder of clips")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    begin = time.perf_counter()
    with tempfile.TemporaryDirectory() as name:
        folder = given.clips or synthesised(Path(name))
        paths = features.clips_in(folder)
        whose = "given" if given.clips else "synthesised"
        sections: dict[str, Callable[[], str]] = {
            f"Features of {len(paths)} {whose} clips, two processes": lambda: features.section(
                paths, 2, given.repeats
            ),
            "100 clips of 2 s as parts of an hour-long file": lambda: parts.section(given.repeats),
            "Training of cnn_logmel, two threads": lambda: training.section(2, given.repeats),
            "Memory format and compiling, one thread": lambda: formats.section(given.repeats),
            "Prediction, two threads": lambda: prediction.section(2, given.repeats),
            f"Tagging {len(paths)} {whose} clips, two cores": lambda: tagging.section(
                paths, 2, given.repeats
            ),
            "Label spreading": lambda: spreading.section(given.repeats),
            "t-SNE": tsne.section,
            "Workflow": lambda: startup.section(given.repeats),
        }
        page = [HEAD, measuring.machine()]
        for title, section in sections.items():
            print(title, file=sys.stderr, flush=True)
            page.append(f"## {title}\n\n{section()}")
    page.append(f"All of it took {(time.perf_counter() - begin) / 60:.0f} minutes.")
    RESULTS.write_text("\n\n".join(part.strip() for part in page) + "\n", encoding="utf-8")
    print(f"The results are in {RESULTS}.", file=sys.stderr)


if __name__ == "__main__":
    main()
