"""The command `earmark`, which prints what Earmark is and how to use it."""

import argparse
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]

SCREEN = """\
Earmark learns a sound tagger from clips whose labels are partly verified, and
writes submission.csv: three guesses for every test clip. It is a Snakemake
workflow: every result is kept, and an edit redoes only what depends on it.

In {folder}:

  make                                      set up, tag the demo
  .venv/bin/snakemake -j4 submission.csv    the same once set up, on four cores
  .venv/bin/snakemake -n submission.csv     only list what would be redone

With clips of your own, in a folder with train.csv (its columns: fname, label,
manually_verified), audio_train/ and audio_test/:

  .venv/bin/snakemake -j4 submission.csv \\
      --configfile presets/small.yaml --config dataset=path/to/folder

README.md and docs/ say more; config.yaml explains every setting.
"""


def version() -> str:
    """The installed version."""
    try:
        return metadata.version("earmark")
    except metadata.PackageNotFoundError:
        return "(not installed: run `make env`)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the help, or the version."""
    is_checkout = (CHECKOUT / "Snakefile").exists()
    parser = argparse.ArgumentParser(
        prog="earmark",
        description=SCREEN.format(folder=CHECKOUT if is_checkout else "a checkout of Earmark"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"earmark {version()}")
    parser.parse_args(arguments)
    parser.print_help()


if __name__ == "__main__":
    main()
