"""`earmark init`: look at a folder or list of sounds, say what is there, and describe it."""

import shlex
from pathlib import Path

from earmark.dataset import annotated, annotations, description, guessing, survey
from earmark.dataset.layout import Layout
from earmark.dataset.sound_files import SoundFiles
from earmark.runtime.errors import EarmarkError

# Of the default config.
FOLDS = 5


def init(
    path: Path,
    output: Path | None,
    replace: bool,
    window: float = 0.0,
    background: bool = False,
) -> None:
    """Print what is in a folder or list of sounds, and write its dataset.yaml.

    A dataset.yaml that is there is followed, and stays, unless ``replace``. ``window`` and
    ``background`` are for annotations, as in ``annotated.write``. Raises EarmarkError for what
    cannot be read or written.
    """
    if not path.exists():
        raise EarmarkError(f"There is no {path}. Name a folder of sounds, or a list.")
    folder = path if path.is_dir() else path.parent
    known = (*guessing.LISTS, *guessing.DESCRIPTIONS)
    if path != folder and not (path.is_file() and path.suffix.lower() in known):
        raise EarmarkError(
            f"{path} is neither a folder nor a file with a list ({', '.join(guessing.LISTS)}). "
            f"Name its folder: earmark init {shlex.quote(str(folder))}"
        )
    again = f"earmark init {shlex.quote(str(path))}"
    again += f" -o {shlex.quote(str(output))} --force" if output else " --force"
    if not output:
        there = [folder / f"dataset{ending}" for ending in guessing.DESCRIPTIONS]
        output = next((one for one in there if one.exists()), folder / description.NAME)
    elif output.is_dir():
        output = output / description.NAME
    elif output.suffix.lower() not in guessing.DESCRIPTIONS:
        raise EarmarkError(f"The output is {output}. Write a name that ends in .yaml.")
    is_described = path.is_file() and path.suffix.lower() in guessing.DESCRIPTIONS
    if is_described or (path.is_dir() and output.exists() and not replace):
        output = path if is_described else output
        remark = f"This is what {output} says; `--force` looks anew and replaces it."
        _report(description.read(output), path, output, [], remark)
        return
    if output.exists() and not replace:
        raise EarmarkError(
            f"{output} exists and was not changed. Replace it by `--force`, or write another file "
            f"by `--output`."
        )
    files = SoundFiles(folder)
    found = annotations.find(
        files, annotations.candidates(files) if path == folder else [path.name]
    )
    table = output.with_name(f"{output.stem}_clips.csv")
    if found.faulty and (found.tables or window or table.exists()):
        raise EarmarkError("\n".join(found.faulty[: survey.EXAMPLES]))
    if found.tables:
        if table.exists() and not replace:
            raise EarmarkError(
                f"{table} exists and was not changed. Replace it by `--force`, or write another "
                f"{output.name} by `--output`."
            )
        layout, told = annotated.write(folder, found.recordings, window, background, table, again)
        told += found.lost.values()
        description.write(layout, output)
        _report(layout, path, output, [], "\n".join([*told, f"Wrote {output}: check it."]))
        return
    lost = [found.lost[table] for table in found.lost if annotations.form_of(table) == "raven"]
    if window or lost:
        raise EarmarkError(
            f"{path} has no annotations of recordings that are there. {' '.join(lost[:1])} Name "
            f"selection tables and label files like their recordings: bird.txt or "
            f"bird.Table.1.selections.txt are of bird.wav."
        )
    try:
        layout, others = guessing.guess(path)
    except EarmarkError as problem:
        faulty = [f"If it is for annotations: {fault}" for fault in found.faulty]
        raise EarmarkError("\n".join([str(problem), *faulty[: survey.EXAMPLES]])) from problem
    is_challenge = bool(layout.train.table) and layout.train.part is None
    if is_challenge:
        remark = "It has the layout of a challenge, which needs no dataset.yaml."
        _report(layout, path, path, others, remark, "presets/small.yaml")
        return
    description.write(layout, output)
    _report(layout, path, output, others, f"Wrote {output}: check it.")


def _report(
    layout: Layout,
    path: Path,
    described: Path,
    others: list[Path],
    remark: str,
    preset: str = "presets/own.yaml",
) -> None:
    """Print a survey of what is at ``path``, and how to use what describes it."""
    found = survey.survey(layout)
    print("\n".join([str(path), *survey.lines(found)]))
    if others:
        print(f"  other lists {', '.join(map(str, others))}")
        print(f"  To take one of these: .venv/bin/earmark init {shlex.quote(str(others[0]))}")
    beside = described if described.is_dir() else described.parent
    problems = beside / f"{'dataset' if described.is_dir() else described.stem}_problems.csv"
    if len(found.problems):
        survey.write_problems(found, problems)
        print(f"All problems are in {problems}.")
    elif problems.exists():
        problems.unlink()  # of an earlier look
    print(remark)
    is_usual = described.stem == "dataset" and described.suffix in guessing.DESCRIPTIONS
    dataset = described.parent if is_usual else described
    mend = "Mend what stops a run, then" if found.problems["stops"].any() else "Then"
    if not Path("Snakefile").exists():
        mend, dataset = f"{mend}, in Earmark's folder", dataset.resolve()
    config = f"dataset={shlex.quote(str(dataset))}"
    train = found.clips[found.clips["part"] == "train"]
    recordings = train["recording"].nunique()
    is_few = 0 < recordings < FOLDS and (train["fold"] == "").all()
    if is_few and "start" in layout.train.roles:
        config += f" folds={max(2, recordings)}"
        if recordings > 1:
            print(f"Clips of a recording share a fold, so there are {recordings} folds at most.")
        else:
            print("All clips are of one recording: none can be held out, and there are no scores.")
    print(f"{mend}: .venv/bin/snakemake -j4 all --configfile {preset} --config {config}")
