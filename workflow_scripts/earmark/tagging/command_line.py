"""The command `earmark`: what Earmark is, `init`, `tag`, `info`, `export`, ...."""

import argparse
import logging
import math
import os
import signal
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from types import FrameType
from typing import Any

from earmark.dataset import annotations
from earmark.runtime.errors import EarmarkError, examples, printable

CHECKOUT = Path(__file__).resolve().parents[3]

SCREEN = """\
Earmark learns a sound tagger from clips whose labels are partly verified. It is
a Snakemake workflow: an edit redoes only what depends on it.

In {folder}:
  make                                      set up, tag the demo
  .venv/bin/snakemake -j4 all --configfile presets/own.yaml \\
      --config dataset=path/to/sounds       learn from sounds of your own

Sounds are in a folder per class, or a list (CSV) names them. docs/ says more.
"""

INIT = """\
Look at a folder or list of sounds, print what is there and what is wrong, and
write dataset.yaml, which says how the workflow is to read it: check and edit it.

  earmark init sounds                     a folder per class, or a folder with lists
  earmark init sounds/meta.csv            that list
  earmark init sounds -o mine/dataset.yaml   where sounds cannot be written
  earmark init recordings --window 3 --background   with annotations beside them:
                                          Raven selection tables, Audacity labels
"""

TAG = """\
Tag sound files with a bundle, which `snakemake tagger` writes: the best labels of
each file, or of each window of a long recording, and their probabilities.

  earmark tag results/demo/tagger bird.wav               to the terminal
  earmark tag results/demo/tagger recordings -o tags.csv   a folder and those in it
  earmark tag results/demo/tagger day.flac --window 5 --hop 2.5 -o tags.csv
  earmark tag results/demo/tagger recordings --window 3 --format raven -o tables

A file that cannot be heard gets a row that says why. A run to a file that was
stopped goes on where it was: repeat the command.
Exit status: 0 all clips were heard, 1 an error, 2 wrong arguments, 3 some clips
could not be heard, 130 stopped by Ctrl-C.
"""

INFO = """\
Print a bundle's model card: what it was learned from, how good it is, its limits.

  earmark info results/demo/tagger
"""

EXPORT = """\
Write a bundle once more, with its networks and all that comes before them as one
ONNX graph: from a clip's samples to its probabilities, for systems of log_mel.
`earmark tag` takes it, without PyTorch; so do runtimes of other languages.

  earmark export results/demo/tagger --onnx     to results/demo/tagger_onnx
"""

COMPARE = """\
Print by how much one system or ensemble is better than another, clip by clip, with
95 % intervals: on verified clips out of fold, with a table of classes, and on test
clips where their truth is known. Seeds are averaged.

  earmark compare results/demo vgg_more cnn_logmel
"""

REVIEW = """\
Add decisions on labels, saved on a page that `snakemake review` wrote, to those in
corrections/: the next run learns from them. Without --add, print the rounds so far:
how many labels were checked and found wrong, and the scores before and after.

  earmark review --add ~/Downloads/sounds_corrections.csv
  earmark review results/sounds
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
    parser.set_defaults(run=lambda given: parser.print_help())
    commands = parser.add_subparsers(title="commands", metavar="")

    def command(name: str, summary: str, description: str, run: Any) -> argparse.ArgumentParser:
        added: argparse.ArgumentParser = commands.add_parser(
            name, help=summary, description=description, formatter_class=raw
        )
        added.set_defaults(run=run)
        return added

    describe = command("init", "look at a folder or list of sounds to learn from", INIT, _init)
    describe.add_argument("path", type=Path, help="a folder, or a list (.csv, .tsv)")
    describe.add_argument("-o", "--output", type=Path, help="the dataset.yaml to write")
    describe.add_argument("--force", action="store_true", help="replace a dataset.yaml")
    describe.add_argument(
        "--window",
        type=_number(float, 0.01, 24 * 3600),
        default=0.0,
        help="seconds that short annotations are widened to: those of `earmark tag --window`",
    )
    describe.add_argument(
        "--background", action="store_true", help="windows without annotation are a class too"
    )
    tagging: argparse.ArgumentParser = command(
        "tag",
        "tag sounds with a bundle, which `snakemake tagger` writes",
        TAG,
        lambda given: tag(tagging, given),
    )
    _add_tag_arguments(tagging)
    card = command("info", "print a bundle's model card", INFO, _info)
    card.add_argument("bundle", type=Path, help="a folder that `snakemake tagger` wrote")
    export = command("export", "write a bundle as an ONNX graph", EXPORT, _export)
    export.add_argument("bundle", type=Path, help="a folder that `snakemake tagger` wrote")
    export.add_argument("--onnx", action="store_true", required=True, help="the form to write")
    export.add_argument("-o", "--output", type=Path, help="the folder to write (BUNDLE_onnx)")
    for runs_networks in (tagging, export):
        runs_networks.add_argument(
            "--allow-code", action="store_true", help="run Python files that the bundle has"
        )
    pair = command("compare", "compare two systems of a run", COMPARE, _compare)
    pair.add_argument("results", type=Path, help="a folder of results, such as results/demo")
    pair.add_argument("a")
    pair.add_argument("b")
    rounds = command("review", "add decisions on labels", REVIEW, _review)
    rounds.add_argument("results", type=Path, nargs="?", help="a folder of results")
    rounds.add_argument("--add", type=Path, metavar="FILE", help="a saved file of decisions")
    rounds.add_argument("--to", type=Path, help="the file to add to (corrections/<name>.csv)")
    _run(parser, arguments)


def _run(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> None:
    """Run the command; whatever ends it, the user sees a sentence, and Python an exit status."""
    interrupts: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        raise KeyboardInterrupt

    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:  # it is another in the background, and of nohup
        signal.signal(signal.SIGINT, interrupt)
    try:
        if sys.stdout is None:
            raise EarmarkError(
                "The standard output is closed. Let it lead to a file, or /dev/null."
            )
        try:
            parsed = parser.parse_args(arguments)
            status = parsed.run(parsed)
        finally:
            sys.stdout.flush()
        if status:
            sys.exit(status)
    except (Exception, KeyboardInterrupt) as problem:
        _drop_output()
        # A library may make another error of a Ctrl-C, as while it is imported.
        if interrupts or isinstance(problem, KeyboardInterrupt):
            print("Stopped.", file=sys.stderr)
            sys.exit(130)
        if isinstance(problem, BrokenPipeError):  # of `earmark tag ... | head`
            sys.exit(1)
        if isinstance(problem, EarmarkError):
            sys.exit(str(problem))
        if isinstance(problem, ModuleNotFoundError):
            sys.exit(
                f"The package {problem.name} is not installed. In Earmark's folder, one of `pip "
                f"install '.[torch]'`, '.[onnx]', '.[export]' and '.[train]' brings it."
            )
        if isinstance(problem, OSError):
            name = printable(str(problem.filename or "The output"), 200)
            sys.exit(
                f"{name} cannot be read or written ({problem.strerror or problem}). Check its "
                f"name, its permissions and the room on its disk."
            )
        raise
    finally:
        signal.signal(signal.SIGINT, handler)


def _drop_output() -> None:
    """Forget what cannot be written, which Python would try to write again at its end."""
    try:
        if sys.stdout:
            sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _add_tag_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bundle", type=Path, help="a folder that `snakemake tagger` wrote")
    parser.add_argument("sounds", type=Path, nargs="+", help="files, or folders of them")
    parser.add_argument("-o", "--output", type=Path, help="the table to write (.csv or .jsonl)")
    parser.add_argument(
        "--format",
        choices=("csv", "jsonl", *annotations.ENDINGS),
        help="by default as --output ends; of raven and audacity, --output is a folder",
    )
    seconds, count = _number(float, 0.01, 24 * 3600), _number(int, 1)
    parser.add_argument(
        "--window",
        type=seconds,
        default=0.0,
        help="seconds of a window; without it a file is one clip",
    )
    parser.add_argument("--hop", type=seconds, help="seconds from window to window (--window)")
    parser.add_argument("--top", type=count, help="labels of a clip at most (3; of events 1)")
    parser.add_argument(
        "--threshold", type=_number(float, 0, 1), default=0.0, help="lowest probability (0)"
    )
    parser.add_argument("--threads", type=count, help="processes and threads (all cores)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "mps"), default="auto")


def _number(kind: type, lowest: float, highest: float = sys.float_info.max) -> Any:
    """What argparse calls for a number in these bounds."""
    bounds = f"from {lowest} to {highest}" if highest < sys.float_info.max else f"from {lowest} on"
    what = f"a {'whole ' if kind is int else ''}number {bounds}, without a unit"

    def number(text: str) -> Any:
        try:
            value = kind(text)
        except ValueError:
            value = math.nan
        if not lowest <= value <= highest:
            raise argparse.ArgumentTypeError(f"{text} is not {what}")
        return value

    return number


def tag(parser: argparse.ArgumentParser, given: argparse.Namespace) -> int:
    """Tag files and folders; return the exit status."""
    if given.hop and not given.window:
        parser.error("--hop needs --window, as in --window 5 --hop 2.5")
    is_events = given.format in annotations.ENDINGS
    if is_events and not (given.window and given.output):
        parser.error(f"--format {given.format} needs --window SECONDS and -o FOLDER")
    if absent := [path for path in given.sounds if not path.exists()]:
        raise EarmarkError(f"There is no {absent[0]}. Name sound files, or folders of them.")
    # Where no progress bar is shown, its lines are.
    level = logging.WARNING if sys.stderr.isatty() else logging.INFO
    logging.basicConfig(format="%(message)s")
    logging.getLogger("earmark").setLevel(level)
    from earmark.runtime import processors
    from earmark.tagging import events, files
    from earmark.tagging.tagger import Tagger

    cores = processors.available_processors()
    threads = min(given.threads or cores, cores)
    sounds, others = files.find(given.sounds)
    if is_events:
        targets = events.targets(given.output, given.format, sounds)
        given.output /= events.TABLE
    output = files.check_output(given.output, sounds) if given.output else None
    tagger = Tagger.load(given.bundle, given.device, threads, given.allow_code)
    form = given.format or ("jsonl" if str(given.output).endswith(".jsonl") else "csv")
    form, top = ("csv", given.top or 1) if is_events else (form, given.top or 3)
    hop = given.hop or given.window
    options = files.Options(given.window, hop, top, given.threshold, form)
    if output:
        heard, unheard = files.tag_to_file(tagger, sounds, options, threads, output)
    else:
        heard, unheard = files.tag_to_terminal(tagger, sounds, options, threads)
    if is_events:
        events.write(given.output, given.format, targets)
    what = "windows" if given.window else "files"
    told = [f"{what} tagged: {heard}"]
    if unheard:
        told.append(f"not heard: {unheard} (the column problem says why)")
    if others:
        told.append(f"left out, as they do not end like sound files: {others}")
    if given.output:
        told.append(f"the table is {given.output}")
    print("; ".join(told) + ".", file=sys.stderr)
    return 3 if unheard else 0


def _info(parsed: argparse.Namespace) -> None:
    from earmark.tagging import bundle

    print(bundle.read_card(parsed.bundle), end="")


def _export(parsed: argparse.Namespace) -> None:
    from earmark.tagging import export

    target, most = export.export(parsed.bundle, parsed.output, parsed.allow_code)
    print(f"{target} has the graph; probabilities differ by {most:.0e} at most.")


def _compare(parsed: argparse.Namespace) -> None:
    from earmark.dataset import folds
    from earmark.evaluation import comparison, scoring

    results, pair = parsed.results, (parsed.a, parsed.b)
    found = [results / name for name in ("out_of_fold.csv", "clip_scores.csv")]
    if not found[0].exists():
        raise EarmarkError(
            f"{results} has no out_of_fold.csv. Name the folder of a run, after `snakemake scores`."
        )
    recordings = folds.read(results / "folds.csv")
    for path, on in zip(found, ("out of fold", "test"), strict=True):
        if path.exists():
            scores = scoring.read_clip_scores(path)
            compared = comparison.compare(scores, *pair, recordings)
            print(comparison.sentence(compared, *pair, on))
            if len(compared) > 1:
                print(compared[1:].round(3).to_string(index=False))


def _review(parsed: argparse.Namespace) -> None:
    from earmark.evaluation import review_rounds

    results = parsed.results
    if results is None:
        found = sorted(path.parent for path in Path("results").glob("*/suspects.csv"))
        if len(found) != 1:
            names = f" Of several, name one: {examples(list(map(str, found)))}." if found else ""
            raise EarmarkError(
                f"Name the folder of a run after `snakemake review`, as in `earmark review "
                f"results/sounds --add FILE`.{names}"
            )
        results = found[0]
    kept = parsed.to or Path("corrections", f"{results.resolve().name}.csv")
    if parsed.add:
        logging.basicConfig(format="%(message)s")
        print(*review_rounds.add(results, parsed.add, kept))
    else:
        print(review_rounds.table(results, kept).to_string(index=False))


def _init(parsed: argparse.Namespace) -> None:
    from earmark.dataset import initialising

    if parsed.background and not parsed.window:
        raise EarmarkError("--background needs --window, as in --window 3 --background.")
    initialising.init(parsed.path, parsed.output, parsed.force, parsed.window, parsed.background)


if __name__ == "__main__":
    main()
