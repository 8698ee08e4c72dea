"""Events that are found in a recording, learned from three annotated ones of 20 minutes.

The recordings are of real clips (ESC-50, each of a fold of its own) at known places in wind.
Annotations are of both forms. 35 minutes on two busy cores; docs/tagging.md has the figures.
"""

from pathlib import Path

import pytest
import recordings
from recordings import Event
from tiny import snakemake

from earmark.dataset import annotations
from earmark.tagging.command_line import main

MINUTES, WINDOW = 20.0, 2.0


@pytest.mark.parametrize("window", [0.0, WINDOW])
@pytest.mark.parametrize("background", [False, True])
def test_events_found_and_false_per_hour(
    tmp_path: Path, esc50: Path, window: float, background: bool
) -> None:
    if background and not window:
        pytest.skip("background has windows")
    folder, field = tmp_path / "field", tmp_path / "new"
    folder.mkdir()
    field.mkdir()
    for fold in ("1", "2", "3"):
        events = recordings.write(folder / f"{fold}.flac", esc50, fold, MINUTES)
        if fold == "2":
            recordings.write_audacity(folder / "2.txt", events)
        else:
            recordings.write_raven(folder / f"{fold}.Table.1.selections.txt", events)
    truth = recordings.write(field / "4.flac", esc50, "4", MINUTES)
    options = ["--window", str(window)] if window else []
    main(["init", str(folder), *options, *(["--background"] if background else [])])
    overlay = {
        **{"extends": "own", "dataset": str(folder), "folds": 3},
        **{"submission": "cnn_logmel", "scores": ["cnn_logmel"]},
        "recipes": {"crops": {"epochs": 40}},
        "systems": {"cnn_logmel": {"network_options": {"width": 8}, "folds": "first"}},
    }
    code, text = snakemake(tmp_path / "run", "tagger", overlay=overlay, seconds=7200)
    assert code == 0, text
    print()
    print((tmp_path / "run/results/field/tagger/README.md").read_text())
    found, false = {}, {}
    for threshold in (0.0, 0.5, 0.8):
        out = field / str(threshold)
        arguments = ["tag", str(tmp_path / "run/results/field/tagger"), str(field / "4.flac")]
        arguments += ["--window", str(WINDOW), "--hop", str(WINDOW / 2), "-o", str(out)]
        main([*arguments, "--format", "raven", "--threshold", str(threshold)])
        read = annotations.read(out / "4.Table.1.selections.txt")
        tagged = [Event(*one[:3]) for one, *_ in read]
        found[threshold], false[threshold] = recordings.found_and_false(truth, tagged)
        print(
            f"window {window}, background {background}, threshold {threshold}: found "
            f"{found[threshold]} of {len(truth)}, false per hour "
            f"{false[threshold] * 60 / MINUTES:.0f}, events written {len(tagged)}"
        )
    assert found[0.0] >= len(truth) / 2
    if background:
        assert false[0.0] < found[0.0]
