"""The command `earmark`: what Earmark is, and `earmark init`."""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

from earmark.runtime.errors import EarmarkError

CHECKOUT = Path(__file__).resolve().parents[3]

SCREEN = """\
Earmark learns a sound tagger from clips whose labels are partly verified. It is
a Snakemake workflow: an edit redoes only what depends on it.

In {folder}:

  make                                      set up, tag the demo
  .venv/bin/snakemake -j4 all \\
      --configfile presets/own.yaml --config dataset=path/to/sounds
                                            learn from sounds of your own

The sounds are in a folder per class, or a list (CSV) says what they are;
`earmark init path/to/sounds` looks and says what it finds. README.md and docs/
say more; config.yaml explains every setting.
"""

INIT = """\
Look at a folder or list of sounds, print what is there and what is wrong, and
write dataset.yaml, which says how the workflow is to read it: check and edit it.

  earmark init sounds                     a folder per class, or a folder with lists
  earmark init sounds/meta.csv            that list
  earmark init sounds -o mine/dataset.yaml   where sounds cannot be written
"""


def version() -> str:
    """The installed version."""
    try:
        return metadata.version("earmark")
    except metadata.PackageNotFoundError:
        return "(not installed: run `make env`)"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command of the command line, or print the help."""
    is_checkout = (CHECKOUT / "Snakefile").exists()
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="earmark",
        description=SCREEN.format(folder=CHECKOUT if is_checkout else "a checkout of Earmark"),
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"earmark {version()}")
    commands = parser.add_subparsers(title="commands", metavar="")
    describe = commands.add_parser(
        "init", help="look at a folder or list of sounds", description=INIT, formatter_class=raw
    )
    describe.add_argument("path", type=Path, help="a folder, or a list (.csv, .tsv)")
    describe.add_argument("-o", "--output", type=Path, help="the dataset.yaml to write")
    describe.add_argument("--force", action="store_true", help="replace a dataset.yaml")
    describe.set_defaults(run=_init)
    parsed = parser.parse_args(arguments)
    if not hasattr(parsed, "run"):
        parser.print_help()
        return
    try:
        parsed.run(parsed)
    except EarmarkError as problem:
        sys.exit(str(problem))
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # of `earmark init x | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _init(parsed: argparse.Namespace) -> None:
    from earmark.dataset import initialising

    initialising.init(parsed.path, parsed.output, parsed.force)


if __name__ == "__main__":
    main()
