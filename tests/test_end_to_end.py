"""One small run of everything, as a user would start it: files, figures and scores."""

import csv
import json
from collections import Counter

import h5py
import numpy as np
import pytest
from tiny import read_rows
from tiny_run import CLASSES, GROUPS, SYSTEMS, Run

from earmark.tagging import bundle


def test_faulty_sounds_are_told(finished: Run) -> None:
    assert "cannot be heard: 3." in finished.printed


def test_the_submission_lists_every_test_clip_in_order(finished: Run) -> None:
    content = (finished.directory / "submission.csv").read_text(encoding="utf-8")
    assert content.startswith("fname,label\n")
    rows = list(csv.reader(content.splitlines()))[1:]
    assert [fname for fname, _ in rows] == finished.made.test
    empty = set(finished.made.test) - set(finished.made.truth)
    assert len(empty) == 1
    for _, label in rows:
        guesses = label.split(" ")
        assert len(guesses) == len(set(guesses)) == 3
        assert set(guesses) <= set(CLASSES)


def test_the_submission_is_what_its_system_guessed(finished: Run) -> None:
    with h5py.File(finished.results / "guesses/seed1/cnn_logmel.h5") as file:
        names = file["clip"].asstr()[:].tolist()
        probabilities = file["probabilities"][:]
        classes = json.loads(file.attrs["classes"])
    assert names == finished.made.test
    assert classes == sorted(CLASSES)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    for row, values in zip(
        read_rows(finished.directory / "submission.csv"), probabilities, strict=True
    ):
        best = sorted(range(4), key=lambda index, v=values: -v[index])[:3]  # type: ignore[misc]
        assert row["label"].split(" ") == [classes[index] for index in best]


def test_four_pure_tones_are_told_apart(finished: Run) -> None:
    # Tones at 250, 425, 722 and 1228 Hz: whoever mixes up clips, rows or classes fails here.
    rows = [row for row in read_rows(finished.results / "scores.csv") if row["split"] == "all"]
    assert float(next(row["map3"] for row in rows if row["system"] == "cnn_logmel")) > 0.75


def test_each_sound_has_its_tags_or_a_problem(finished: Run) -> None:
    tags = finished.directory / "tags.csv"
    assert tags.read_bytes() == (finished.results / "tags.csv").read_bytes()
    with h5py.File(finished.results / "predictions/cnn_logmel/seed1/sounds.h5") as file:
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


def test_the_tagger_has_a_network_that_learned_from_every_clip(finished: Run) -> None:
    folder = finished.results / "tagger"
    found = bundle.read(folder)
    assert sorted(path.name for path in folder.iterdir()) == [
        ".snakemake_timestamp",
        "README.md",
        "cnn_logmel.safetensors",
        "tagger.json",
    ]
    every_clip = finished.results / "models/cnn_logmel/seed1/foldall"
    weights = (every_clip / "weights.safetensors").read_bytes()
    assert (folder / "cnn_logmel.safetensors").read_bytes() == weights
    model = json.loads((every_clip / "model.json").read_text())
    assert model["clips"] == {"train": len(finished.made.train), "validation": 0}
    assert found.classes == sorted(CLASSES)
    assert found.features == {"log_mel": model["feature"]}
    assert found.combination.members == ["cnn_logmel"]
    assert found.systems["cnn_logmel"].network_options == {"width": 4}
    card = (folder / "README.md").read_text()
    for label in CLASSES:
        given = [verified for _, listed, verified in finished.made.train if listed == label]
        assert f"| {label} | {len(given)} | {sum(given)} |" in card
    rows = [row for row in read_rows(finished.results / "scores.csv") if row["split"] == "all"]
    (score,) = (row for row in rows if row["system"] == "cnn_logmel")
    assert f"| test clips | {float(score['map3']):.3f} |" in card
    assert "out of fold | " in card


def test_scores_are_those_of_the_guesses_by_hand(finished: Run) -> None:
    rows = read_rows(finished.results / "scores.csv")
    assert list(rows[0])[:6] == ["system", "split", "clips", "map3", "standard_error", "accuracy"]
    found = {(row["system"], row["split"]): row for row in rows}
    assert set(found) == {
        (system, split) for system in SYSTEMS for split in ("public", "private", "all")
    }
    assert len(rows) == len(found)
    truth = read_rows(finished.made.folder / "test_post_competition.csv")
    for system in SYSTEMS:
        guesses = {
            row["fname"]: row["label"].split(" ")
            for row in read_rows(finished.results / f"guesses/seed1/{system}.csv")
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


def test_the_spreading_table_agrees_with_the_train_list(finished: Run) -> None:
    rows = {row["group"]: row for row in read_rows(finished.results / "spreading.csv")}
    assert list(rows) == ["music", "non_music", "together"]
    for group, row in rows.items():
        classes = GROUPS.get(group, set(CLASSES))
        inside = [entry for entry in finished.made.train if entry[1] in classes]
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


def test_label_quality_agrees_with_a_count_by_hand(finished: Run) -> None:
    rows = {
        (row["selection"], row["source"]): (int(row["labels"]), int(row["correct"]))
        for row in read_rows(finished.results / "label_quality.csv")
    }
    # Eight clips a class: four verified and right; of the other four, two wrong.
    assert rows["(all labels)", "verified"] == (16, 16)
    assert rows["(all labels)", "unverified"] == (16, 8)
    assert rows["everything", "unverified"] == (16, 8)
    assert rows["promoted", "verified"] == (16, 16)
    assert ("promoted", "unverified") not in rows
    given = {fname: label for fname, label, _ in finished.made.train}
    for selection in ("promoted", "everything"):
        chosen = read_rows(finished.results / f"selections/{selection}.csv")
        assert {row["clip"]: row["label"] for row in chosen} == given
        chosen = [row for row in chosen if float(row["weight"]) > 0]
        labels = Counter(row["source"] for row in chosen)
        right = Counter(
            row["source"] for row in chosen if finished.made.truth[row["clip"]] == row["label"]
        )
        counted = {source: (labels[source], right[source]) for source in labels}
        assert counted == {key[1]: value for key, value in rows.items() if key[0] == selection}


def test_promoted_clips_are_those_whose_spread_label_is_the_given_one(finished: Run) -> None:
    promoted = set()
    for group, classes in GROUPS.items():
        for row in read_rows(finished.results / f"spread/latent_two/{group}.csv"):
            assert row["given"] in classes
            if row["state"] != "verified" and row["given"] == row["spread"]:
                promoted.add(row["clip"])
    chosen = read_rows(finished.results / "selections/promoted.csv")
    assert {row["clip"] for row in chosen if row["source"] == "promoted"} == promoted
    verified = {fname for fname, _, flag in finished.made.train if flag}
    assert {row["clip"] for row in chosen if row["source"] == "verified"} == verified
    learned = {row["clip"] for row in chosen if float(row["weight"]) > 0}
    assert learned == promoted | verified


def test_no_test_clip_is_learned_from(finished: Run) -> None:
    tables = [*finished.results.glob("selections/*.csv"), *finished.results.glob("spread/*/*.csv")]
    tables += finished.results.glob("selftraining/*/*/*/*/pseudo_labels.csv")
    tables += [finished.results / name for name in ("labels.csv", "folds.csv", "out_of_fold.csv")]
    assert len(tables) == 9
    for path in tables:
        assert not {row["clip"] for row in read_rows(path)} & set(finished.made.test)
    with h5py.File(finished.results / "autoencoders/stft/latents.h5") as file:
        names = file["clip"].asstr()[:].tolist()
    assert sorted(names) == sorted(fname for fname, _, _ in finished.made.train)


def test_figures_are_pictures(finished: Run) -> None:
    figures = sorted(
        str(path.relative_to(finished.results / "report"))
        for path in (finished.results / "report").rglob("*.png")
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
        picture = matplotlib.image.imread(finished.results / "report" / name)
        assert min(picture.shape[:2]) > 100
        assert picture[..., :3].std() > 0.01  # no blank page


def test_nothing_half_written_is_left(finished: Run) -> None:
    left = [path for path in finished.results.rglob("*") if ".tmp" in path.name]
    assert left == []


def test_self_training_added_pseudo_labels(finished: Run) -> None:
    (path,) = finished.results.glob("selftraining/*/*/*/round1/pseudo_labels.csv")
    rows = read_rows(path)
    assert rows
    selection = {
        row["clip"]: row for row in read_rows(finished.results / "selections/promoted.csv")
    }
    held_out = {r["clip"] for r in read_rows(finished.results / "folds.csv") if r["fold"] == "0"}
    for row in rows:
        assert float(selection[row["clip"]]["weight"]) == 0
        assert row["clip"] not in held_out
    model = json.loads(path.with_name("model.json").read_text())
    base = json.loads((finished.results / "models/vgg_fewer/seed1/fold0/model.json").read_text())
    assert model["clips"]["train"] == base["clips"]["train"] + len(rows)
