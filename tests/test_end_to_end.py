"""One small run of everything, as a user would start it: files, figures, scores, and failures."""

import csv
import json
import shutil
import sys
import venv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import soundfile
from tiny import RATE, REPO, TinySet, make_set, merged, plan, read_rows, snakemake, tone

from earmark.tagging import bundle

CLASSES = ["Cello", "Flute", "Bark", "Knock"]
GROUPS = {"music": {"Cello", "Flute"}, "non_music": {"Bark", "Knock"}}
MEMBERS = ["vgg_fewer_semi", "cnn_logmel"]
SHORT = {"epochs": 2, "batch_clips": 8}
TINY: dict[str, Any] = {
    "folds": 2,
    "submission": "cnn_logmel",
    "clips": {"most_skipped_percent": 0.0},
    "hardware": {"device": "cpu", "precision": "float32", "memory_format": "contiguous"},
    "features": {
        "stft": {
            "sample_rate": RATE,
            "window_samples": 256,
            "hop_samples": 128,
            "bins": 16,
            "frames": 14,
        },
        "log_mel": {
            "sample_rate": RATE,
            "window_samples": 256,
            "hop_samples": 128,
            "bands": 16,
            "highest_hz": RATE / 2,
        },
    },
    "recipes": {
        "autoencoder": SHORT,
        "vgg": SHORT,
        "adjust": SHORT,
        "crops": {
            "epochs": 24,
            "batch_clips": 8,
            "learning_rate": 1.0e-2,
            "crop_frames": 8,
            "mask_bands": 2,
            "mask_frames": 2,
        },
    },
    # Bounds so wide that a round surely adds clips.
    "selftraining": {"short": {"rounds": 1, "lower_first": 0.1, "lower_last": 0.1, "upper": 1.0}},
    "systems": {"cnn_logmel": {"network_options": {"width": 4}}},
    "ensembles": {
        name: {"members": MEMBERS} for name in ("arithmetic", "geometric", "power", "weighted")
    },
}
SYSTEMS = [*MEMBERS, "arithmetic", "geometric", "power", "weighted"]


@dataclass
class Run:
    """A finished run of ``all``."""

    directory: Path
    made: TinySet
    overlay: dict[str, Any]

    @property
    def results(self) -> Path:
        return self.directory / "results" / "four"


def write_sounds(folder: Path) -> None:
    """A sound of each class to tag, and three files that cannot be heard."""
    for number, label in enumerate(CLASSES):
        path = folder / label / "sound, 1.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, tone(250.0 * 1.7**number, seconds=0.5, seed=70 + number), RATE)
    (folder / "none.mp3").write_text("no audio")
    (folder / "gone.wav").symlink_to("none.mp3")
    soundfile.write(folder / "silent.flac", np.zeros(RATE), RATE)
    (folder / "notes.txt").write_text("no sound")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    base = tmp_path_factory.mktemp("end_to_end")
    made = make_set(base / "four", CLASSES, clips=8, truth=True, empty_test_clips=1)
    write_sounds(base / "heard")
    overlay = merged(TINY, {"dataset": str(made.folder), "sounds": str(base / "heard")})
    code, text = snakemake(base / "first", "all", "tagger", overlay=overlay)
    assert code == 0, text
    assert "cannot be heard: 3." in text
    return Run(base / "first", made, overlay)


def test_the_submission_lists_every_test_clip_in_order(run: Run) -> None:
    content = (run.directory / "submission.csv").read_text(encoding="utf-8")
    assert content.startswith("fname,label\n")
    rows = list(csv.reader(content.splitlines()))[1:]
    assert [fname for fname, _ in rows] == run.made.test
    empty = set(run.made.test) - set(run.made.truth)
    assert len(empty) == 1
    for _, label in rows:
        guesses = label.split(" ")
        assert len(guesses) == len(set(guesses)) == 3
        assert set(guesses) <= set(CLASSES)


def test_the_submission_is_what_its_system_guessed(run: Run) -> None:
    with h5py.File(run.results / "guesses/seed1/cnn_logmel.h5") as file:
        names = file["clip"].asstr()[:].tolist()
        probabilities = file["probabilities"][:]
        classes = json.loads(file.attrs["classes"])
    assert names == run.made.test
    assert classes == sorted(CLASSES)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    for row, values in zip(read_rows(run.directory / "submission.csv"), probabilities, strict=True):
        best = sorted(range(4), key=lambda index, v=values: -v[index])[:3]  # type: ignore[misc]
        assert row["label"].split(" ") == [classes[index] for index in best]


def test_four_pure_tones_are_told_apart(run: Run) -> None:
    # Tones at 250, 425, 722 and 1228 Hz: whoever mixes up clips, rows or classes fails here.
    rows = [row for row in read_rows(run.results / "scores.csv") if row["split"] == "all"]
    assert float(next(row["map3"] for row in rows if row["system"] == "cnn_logmel")) > 0.75


def test_each_sound_has_its_tags_or_a_problem(run: Run) -> None:
    tags = run.directory / "tags.csv"
    assert tags.read_bytes() == (run.results / "tags.csv").read_bytes()
    with h5py.File(run.results / "predictions/cnn_logmel/seed1/sounds.h5") as file:
        names = file["clip"].asstr()[:].tolist()
        said = dict(zip(names, file["probabilities"][0], strict=True))
    rows: dict[str, list[dict[str, str]]] = {}
    for row in read_rows(tags):
        rows.setdefault(row["clip"], []).append(row)
    heard = [f"{label}/sound, 1.wav" for label in CLASSES]
    assert list(rows) == names == sorted([*heard, "gone.wav", "none.mp3", "silent.flac"])
    for label, clip in zip(CLASSES, heard, strict=True):
        assert [row["rank"] for row in rows[clip]] == ["1", "2", "3"]
        assert rows[clip][0]["label"] == label
        for row in rows[clip]:
            assert (row["start"], row["end"], row["problem"]) == ("", "", "")
            of_label = said[clip][sorted(CLASSES).index(row["label"])]
            assert float(row["probability"]) == pytest.approx(of_label, abs=1e-6)
        best = [float(row["probability"]) for row in rows[clip]]
        assert best == pytest.approx(sorted(said[clip].tolist(), reverse=True)[:3], abs=1e-6)
    for clip, status in (
        ("gone.wav", "not_audio"),
        ("none.mp3", "not_audio"),
        ("silent.flac", "silent"),
    ):
        (row,) = rows[clip]
        assert row.pop("problem").startswith(f"{status}: ")
        assert set(row.values()) == {clip, ""}


def test_the_tagger_has_a_network_that_learned_from_every_clip(run: Run) -> None:
    folder = run.results / "tagger"
    found = bundle.read(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".snakemake_timestamp",
        "README.md",
        "cnn_logmel.safetensors",
        "tagger.json",
    ]
    every_clip = run.results / "models/cnn_logmel/seed1/foldall"
    weights = (every_clip / "weights.safetensors").read_bytes()
    assert (folder / "cnn_logmel.safetensors").read_bytes() == weights
    model = json.loads((every_clip / "model.json").read_text())
    assert model["clips"] == {"train": len(run.made.train), "validation": 0}
    assert found.classes == sorted(CLASSES)
    assert found.features == {"log_mel": model["feature"]}
    assert found.combination.members == ["cnn_logmel"]
    assert found.systems["cnn_logmel"].network_options == {"width": 4}
    card = (folder / "README.md").read_text()
    for label in CLASSES:
        given = [verified for _, listed, verified in run.made.train if listed == label]
        assert f"| {label} | {len(given)} | {sum(given)} |" in card
    rows = [row for row in read_rows(run.results / "scores.csv") if row["split"] == "all"]
    (score,) = (row for row in rows if row["system"] == "cnn_logmel")
    assert f"| test clips | {float(score['map3']):.3f} |" in card
    assert "out of fold | " in card


def test_one_more_sound_redoes_the_tags_alone(run: Run) -> None:
    folder = Path(run.overlay["sounds"])
    added = shutil.copy(folder / CLASSES[0] / "sound, 1.wav", folder / "another.wav")
    try:
        found = plan(run.directory, "all", "tagger", overlay=run.overlay)
    finally:
        Path(added).unlink()
    found.counts.pop("all")
    rules = ("inspect_clips", "extract_features", "predict", "write_tags")
    assert found.counts == dict.fromkeys(rules, 1)
    assert {found.wildcards[rule][0]["part"] for rule in rules[:3]} == {"sounds"}


def test_scores_are_those_of_the_guesses_by_hand(run: Run) -> None:
    rows = read_rows(run.results / "scores.csv")
    assert list(rows[0])[:6] == ["system", "split", "clips", "map3", "standard_error", "accuracy"]
    found = {(row["system"], row["split"]): row for row in rows}
    assert set(found) == {
        (system, split) for system in SYSTEMS for split in ("public", "private", "all")
    }
    assert len(rows) == len(found)
    truth = read_rows(run.made.folder / "test_post_competition.csv")
    for system in SYSTEMS:
        guesses = {
            row["fname"]: row["label"].split(" ")
            for row in read_rows(run.results / f"guesses/seed1/{system}.csv")
        }
        for split in ("public", "private", "all"):
            values = [
                next(
                    (
                        1 / rank
                        for rank, g in enumerate(guesses[row["fname"]], 1)
                        if g == row["label"]
                    ),
                    0.0,
                )
                for row in truth
                if row["usage"] != "Ignored" and split in ("all", row["usage"].lower())
            ]
            scored = found[system, split]
            assert int(scored["clips"]) == len(values) > 0
            assert float(scored["map3"]) == pytest.approx(sum(values) / len(values), abs=1e-4)
            right = values.count(1.0) / len(values)
            assert float(scored["accuracy"]) == pytest.approx(right, abs=1e-4)


def test_the_spreading_table_agrees_with_the_train_list(run: Run) -> None:
    rows = {row["group"]: row for row in read_rows(run.results / "spreading.csv")}
    assert list(rows) == ["music", "non_music", "together"]
    for group, row in rows.items():
        classes = GROUPS.get(group, set(CLASSES))
        inside = [entry for entry in run.made.train if entry[1] in classes]
        assert int(row["clips"]) == len(inside)
        assert int(row["classes"]) == len(classes)
        assert int(row["verified"]) == sum(verified for _, _, verified in inside)
        parts = [int(row[name]) for name in ("verified", "promoted", "rejected", "undecided")]
        assert sum(parts) == len(inside)
        assert int(row["verified_after"]) == parts[0] + parts[1]
        percent = 100 * (parts[0] + parts[1]) / len(inside)
        assert float(row["percent_after"]) == pytest.approx(percent, abs=0.01)
    for name in ("clips", "verified", "promoted", "verified_after", "rejected", "undecided"):
        together = int(rows["music"][name]) + int(rows["non_music"][name])
        assert int(rows["together"][name]) == together


def test_label_quality_agrees_with_a_count_by_hand(run: Run) -> None:
    rows = {
        (row["selection"], row["source"]): (int(row["labels"]), int(row["correct"]))
        for row in read_rows(run.results / "label_quality.csv")
    }
    # Eight clips a class: four verified and right; of the other four, two wrong.
    assert rows["(all labels)", "verified"] == (16, 16)
    assert rows["(all labels)", "unverified"] == (16, 8)
    assert rows["everything", "unverified"] == (16, 8)
    assert rows["promoted", "verified"] == (16, 16)
    assert ("promoted", "unverified") not in rows
    given = {fname: label for fname, label, _ in run.made.train}
    for selection in ("promoted", "everything"):
        chosen = read_rows(run.results / f"selections/{selection}.csv")
        assert {row["clip"]: row["label"] for row in chosen} == given
        chosen = [row for row in chosen if float(row["weight"]) > 0]
        labels = Counter(row["source"] for row in chosen)
        right = Counter(
            row["source"] for row in chosen if run.made.truth[row["clip"]] == row["label"]
        )
        counted = {source: (labels[source], right[source]) for source in labels}
        assert counted == {key[1]: value for key, value in rows.items() if key[0] == selection}


def test_promoted_clips_are_those_whose_spread_label_is_the_given_one(run: Run) -> None:
    promoted = set()
    for group, classes in GROUPS.items():
        for row in read_rows(run.results / f"spread/latent_two/{group}.csv"):
            assert row["given"] in classes
            if row["state"] != "verified" and row["given"] == row["spread"]:
                promoted.add(row["clip"])
    chosen = read_rows(run.results / "selections/promoted.csv")
    assert {row["clip"] for row in chosen if row["source"] == "promoted"} == promoted
    verified = {fname for fname, _, flag in run.made.train if flag}
    assert {row["clip"] for row in chosen if row["source"] == "verified"} == verified
    learned = {row["clip"] for row in chosen if float(row["weight"]) > 0}
    assert learned == promoted | verified


def test_no_test_clip_is_learned_from(run: Run) -> None:
    tables = [*run.results.glob("selections/*.csv"), *run.results.glob("spread/*/*.csv")]
    tables += run.results.glob("selftraining/*/*/*/*/pseudo_labels.csv")
    tables += [run.results / name for name in ("labels.csv", "folds.csv", "out_of_fold.csv")]
    assert len(tables) == 8
    for path in tables:
        assert not {row["clip"] for row in read_rows(path)} & set(run.made.test)
    with h5py.File(run.results / "autoencoders/stft/latents.h5") as file:
        names = file["clip"].asstr()[:].tolist()
    assert sorted(names) == sorted(fname for fname, _, _ in run.made.train)


def test_figures_are_pictures(run: Run) -> None:
    figures = sorted(
        str(path.relative_to(run.results / "report"))
        for path in (run.results / "report").rglob("*.png")
    )
    assert figures == [
        "clips_per_class.png",
        "history_cnn_logmel_seed1_fold0.png",
        "history_vgg_fewer_semi_seed1_fold0.png",
        "tsne_latent_two_music.png",
        "tsne_latent_two_non_music.png",
    ]
    import matplotlib.image

    for name in figures:
        picture = matplotlib.image.imread(run.results / "report" / name)
        assert min(picture.shape[:2]) > 100
        assert picture[..., :3].std() > 0.01  # no blank page


def test_nothing_half_written_is_left(run: Run) -> None:
    left = [path for path in run.results.rglob("*") if ".tmp" in path.name]
    assert left == []


def test_a_second_call_has_nothing_to_do(run: Run, tmp_path: Path) -> None:
    # Of sounds that were copied elsewhere, too.
    shutil.copytree(run.overlay["sounds"], tmp_path / "copy")
    overlay = merged(run.overlay, {"sounds": str(tmp_path / "copy")})
    code, text = snakemake(run.directory, "-n", "all", "tagger", overlay=overlay)
    assert code == 0
    assert "Nothing to be done" in text, text


NO_LOCKS = """
import errno, fcntl

def flock(handle, operation):
    raise OSError(errno.ENOLCK, "No locks available")

fcntl.flock = flock
"""


def python_without_locks(folder: Path) -> Path:
    """A Python with the packages of this one, in which no file can be locked."""
    venv.create(folder, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "no_locks.py").write_text(NO_LOCKS)
    (packages / "these.pth").write_text(f"{Path(np.__file__).parents[1]}\nimport no_locks\n")
    return folder / "bin" / "python"


def test_the_same_bytes_from_another_clone_another_home_and_moved_data(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = run.directory.parent
    tree = base / "My Projects; it's #1" / "elsewhere"
    for part in ("rules", "workflow_scripts", "profiles", "presets", "envs"):
        shutil.copytree(REPO / part, tree / part, ignore=shutil.ignore_patterns("__pycache__"))
    for part in ("Snakefile", "config.yaml"):
        shutil.copy2(REPO / part, tree)
    moved = base / "moved" / "four"
    shutil.copytree(run.made.folder, moved, copy_function=shutil.copy)
    home = base / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    other = base / "second"
    overlay = merged(run.overlay, {"dataset": str(moved)})
    # Where files cannot be locked, from a notebook, and with a person's own style of figures.
    monkeypatch.setattr(sys, "executable", str(python_without_locks(tree / ".venv")))
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    monkeypatch.setenv("MPLCONFIGDIR", "/dev/null/none")
    other.mkdir()
    (other / "matplotlibrc").write_text("backend: tkagg\nfont.size: 30\nsavefig.bbox: tight\n")
    figure = "results/four/report/clips_per_class.png"
    code, text = snakemake(other, "submission.csv", "scores", figure, overlay=overlay, tree=tree)
    assert code == 0, text
    assert "Files cannot be locked" in text
    assert (other / "submission.csv").read_bytes() == (
        run.directory / "submission.csv"
    ).read_bytes()
    results = other / "results" / "four"
    made = [path.relative_to(results) for path in results.rglob("*") if path.is_file()]
    # How long jobs took differs.
    made = [path for path in made if path.parts[0] != "benchmarks"]
    assert len(made) > 50
    different = [p for p in made if (results / p).read_bytes() != (run.results / p).read_bytes()]
    assert different == []


def test_self_training_added_pseudo_labels(run: Run) -> None:
    (path,) = run.results.glob("selftraining/*/*/*/*/pseudo_labels.csv")
    rows = read_rows(path)
    assert rows
    selection = {row["clip"]: row for row in read_rows(run.results / "selections/promoted.csv")}
    held_out = {r["clip"] for r in read_rows(run.results / "folds.csv") if r["fold"] == "0"}
    for row in rows:
        assert float(selection[row["clip"]]["weight"]) == 0
        assert row["clip"] not in held_out
    model = json.loads(path.with_name("model.json").read_text())
    base = json.loads((run.results / "models/vgg_fewer/seed1/fold0/model.json").read_text())
    assert model["clips"]["train"] == base["clips"]["train"] + len(rows)


def test_a_clip_exchanged_is_noticed_and_a_bad_one_stops_without_loss(run: Run) -> None:
    clip = run.made.audio_train / run.made.train[0][0]
    before = {
        path: path.read_bytes()
        for path in [run.directory / "submission.csv", *run.results.rglob("weights.safetensors")]
    }
    assert len(before) == 6
    content = clip.read_bytes()
    clip.write_text("I am no audio.")
    try:
        code, text = snakemake(run.directory, "all", overlay=run.overlay)
    finally:
        clip.write_bytes(content)
    assert code != 0
    sentence = f"1 of {len(run.made.train)} train clips cannot be used (1 not_audio); the"
    for told in (text, (run.directory / "logs/four/inspect_clips/train.log").read_text()):
        assert sentence in told
        assert str(clip) in told
        assert "most_skipped_percent" in told
    # A mistake of the user's is told in a sentence, not by a traceback through the product.
    assert "Traceback" not in (run.directory / "logs/four/inspect_clips/train.log").read_text()
    assert "workflow_scripts/earmark/dataset/inspection.py" not in text
    for path, bytes_before in before.items():
        assert path.read_bytes() == bytes_before


def test_results_that_cannot_be_written_stop_at_once(run: Run) -> None:
    directory = run.directory.with_name("blocked")
    directory.mkdir()
    (directory / "results").write_text("mine")
    code, text = snakemake(directory, "submission.csv", overlay=run.overlay)
    assert code != 0
    assert (directory / "results").read_text() == "mine"
    assert "results is a file" in text, text
    assert "Traceback" not in text
