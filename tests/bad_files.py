"""Kinds of bad disks and of files that were damaged between two steps.

``spoil(folder)`` does the harm in an empty folder and then what a job would do next, which raises
EarmarkError with the words of ``expected``. One kind is a warning: its job goes on.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from corpus import Kind
from matplotlib.figure import Figure
from small_disk import read_only, small
from torch import nn

from earmark.dataset import clips, tables
from earmark.evaluation import predictions
from earmark.features import store
from earmark.labels import selections
from earmark.networks import saved_models
from earmark.planning import records
from earmark.reporting import figures, web_page
from earmark.training import checkpoints

NAMES = [f"{number:08x}.wav" for number in range(60)]
# Little enough that each writer has begun when it is over.
KILOBYTES = 24
RNG = np.random.default_rng(7)
BYTES = RNG.integers(0, 256, (60, 40, 50)).astype(np.uint8)
NUMBERS = RNG.random((60, 400))
FOUND = predictions.Predictions(NAMES, [f"class{number}" for number in range(400)], NUMBERS)
ROOM, WRITABLE = "Free disk space there", "Make its folder writable"
NAME = "remove the file or folder of that name"
NO_FOLDER, NO_LINK = "is a file, but should be a folder", "where there is no folder"
DAMAGED = "damaged or was not written by Earmark"
RECREATED = "Delete it; the next run recreates it."


def pictures(path: Path) -> None:
    store.write_features(path, NAMES, iter(BYTES), (40, 50), True, settings={"kind": "stft"})


def frames(path: Path) -> None:
    store.write_features(path, NAMES, iter(BYTES), (50, 0), False, settings={"kind": "log_mel"})


def latents(path: Path) -> None:
    store.write_latents(path, NAMES, NUMBERS)


def probabilities(path: Path) -> None:
    predictions.write(path, FOUND)


def network(wide: int = 90) -> nn.Module:
    torch.manual_seed(1)
    return nn.Linear(100, wide)


def weights(path: Path) -> None:
    saved_models.save(path, path.with_suffix(".json"), network())


def checkpoint(path: Path) -> None:
    checkpoints.Checkpoint(path, "fingerprint").save({"weights": network().state_dict()})


def table(path: Path) -> None:
    tables.write_table(pd.DataFrame(NUMBERS), path)


def figure(path: Path) -> None:
    drawn = Figure(figsize=(8, 8))
    drawn.subplots().imshow(np.resize(BYTES, (300, 300)), interpolation="none")
    figures.save(drawn, path, path.with_suffix(".svg"))


def page(path: Path) -> None:
    web_page.write(
        path,
        "page",
        [web_page.Section("", [web_page.table(pd.DataFrame(NUMBERS).rename(columns=str))])],
    )


WRITERS: dict[str, Callable[[Path], None]] = {
    "features.h5": pictures,
    "ragged.h5": frames,
    "latents.h5": latents,
    "predictions.h5": probabilities,
    "weights.safetensors": weights,
    "checkpoint.pt": checkpoint,
    "table.csv": table,
    "figure.png": figure,
    "page.html": page,
}


def full(name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        with small(folder, KILOBYTES):
            try:
                WRITERS[name](folder / name)
            finally:
                # Gone with the disk, so they are looked for here.
                assert list(folder.iterdir()) == []

    return spoil


def forbidden(folder: Path) -> None:
    with read_only(folder):
        table(folder / "table.csv")


def folder_at_its_name(folder: Path) -> None:
    (folder / "latents.h5" / "mine").mkdir(parents=True)
    latents(folder / "latents.h5")


def file_at_its_folders_name(folder: Path) -> None:
    (folder / "results").write_text("mine")
    table(folder / "results" / "table.csv")


def link_to_nowhere(target: str, name: str) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        (folder / "results").symlink_to(target)
        table(folder / "results" / name)

    return spoil


def submission_that_is_a_folder(folder: Path) -> None:
    (folder / "submission.csv").mkdir()
    records.check_top(folder / "submission.csv", folder / "results" / "four")


def changed(
    write: Callable[[Path], None],
    name: str,
    harm: Callable[[bytes], bytes],
    read: Callable[[Path], object],
) -> Callable[[Path], None]:
    """The harm is done to a file's bytes between a writer and a reader."""

    def spoil(folder: Path) -> None:
        write(folder / name)
        (folder / name).write_bytes(harm((folder / name).read_bytes()))
        read(folder / name)

    return spoil


def flipped(content: bytes) -> bytes:
    """One bit is another one, in the middle, where the numbers are."""
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 4]) + content[middle + 1 :]


def halved(content: bytes) -> bytes:
    return content[: len(content) // 2]


def read_pictures(path: Path) -> None:
    with store.FeatureStore(path) as features:
        features.images(features.rows_of(NAMES))


def read_frames(path: Path) -> None:
    with store.FeatureStore(path) as features:
        features.crops(features.rows_of(NAMES), np.zeros(60, np.int64), 40)


def of_another_program(folder: Path) -> None:
    with h5py.File(folder / "features.h5", "w") as file:
        file["x"] = NUMBERS
    read_pictures(folder / "features.h5")


def of_fewer_clips(folder: Path) -> None:
    path = folder / "features.h5"
    store.write_features(path, NAMES[1:], iter(BYTES[1:]), (40, 50), True, settings={})
    read_pictures(path)


def of_other_classes(folder: Path) -> None:
    other = predictions.Predictions(NAMES, FOUND.classes[1:], NUMBERS)
    predictions.write(folder / "predictions.h5", other)
    predictions.read(folder / "predictions.h5")


def without_its_numbers(folder: Path) -> None:
    probabilities(folder / "predictions.h5")
    with h5py.File(folder / "predictions.h5", "r+") as file:
        del file["probabilities"]
    predictions.read(folder / "predictions.h5")


def not_numbers(folder: Path) -> None:
    probabilities(folder / "predictions.h5")
    with h5py.File(folder / "predictions.h5", "r+") as file:
        file["probabilities"][3, 4] = np.nan
    predictions.read(folder / "predictions.h5")


def computed_not_numbers(folder: Path) -> None:
    store.write_latents(folder / "latents.h5", NAMES, np.where(NUMBERS > 0.99, np.inf, NUMBERS))


def open_elsewhere(folder: Path) -> None:
    pictures(folder / "features.h5")
    keep = "import h5py, sys; kept = h5py.File(sys.argv[1], 'r+'); print(flush=True); input()"
    notebook = subprocess.Popen(
        [sys.executable, "-c", keep, str(folder / "features.h5")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert notebook.stdout
        notebook.stdout.readline()
        read_pictures(folder / "features.h5")
    finally:
        notebook.communicate(b"\n", timeout=30)


def of_another_network(folder: Path) -> None:
    saved_models.save(folder / "weights.safetensors", folder / "model.json", network(wide=80))
    read_weights(folder / "weights.safetensors")


def read_weights(path: Path) -> None:
    saved_models.load(network(), path)


def read_checkpoint(path: Path) -> None:
    assert checkpoints.Checkpoint(path, "fingerprint").load() is None


def write_clips(path: Path) -> None:
    numbers = dict.fromkeys(clips.COLUMNS, 1)
    clips.write(pd.DataFrame({**numbers, "clip": NAMES}), path)


def write_selection(path: Path) -> None:
    rows = {"clip": NAMES, "label": "Flute", "verified": 0, "source": "unverified", "weight": 1.0}
    tables.write_table(pd.DataFrame(rows), path)


def without_numbers(content: bytes) -> bytes:
    return content.replace(b",1", b",one").replace(b",1.0", b",one")


KINDS = [
    *(Kind(f"disk full at {name}", ROOM, full(name)) for name in WRITERS),
    Kind("read-only folder", WRITABLE, forbidden),
    Kind("a folder has the output's name", NAME, folder_at_its_name),
    Kind("a file has the name of the output's folder", NO_FOLDER, file_at_its_folders_name),
    Kind("results is a link to a missing folder", NO_LINK, link_to_nowhere("gone", "t.csv")),
    Kind("results is a link to itself", NO_LINK, link_to_nowhere("results", "four/t.csv")),
    Kind("submission.csv is a folder", "is a folder. Move it", submission_that_is_a_folder),
    Kind(
        "features of no bytes",
        DAMAGED,
        changed(pictures, "features.h5", lambda content: b"", read_pictures),
    ),
    Kind("features cut off", DAMAGED, changed(pictures, "features.h5", halved, read_pictures)),
    Kind(
        "one flipped bit in features",
        DAMAGED,
        changed(pictures, "features.h5", flipped, read_pictures),
    ),
    Kind(
        "one flipped bit in ragged features",
        DAMAGED,
        changed(frames, "ragged.h5", flipped, read_frames),
    ),
    Kind(
        "one flipped bit in latents",
        DAMAGED,
        changed(latents, "latents.h5", flipped, lambda path: store.read_vectors(path, NAMES)),
    ),
    Kind(
        "one flipped bit in predictions",
        DAMAGED,
        changed(
            probabilities,
            "predictions.h5",
            flipped,
            predictions.read,
        ),
    ),
    Kind("features are another HDF5", DAMAGED, of_another_program),
    Kind("features open for writing in a notebook", "already open for write", open_elsewhere),
    Kind("features lack a clip", f"has no clip '{NAMES[0]}'", of_fewer_clips),
    Kind("predictions of other classes", "of 60 clips and 399 classes", of_other_classes),
    Kind("predictions without probabilities", DAMAGED, without_its_numbers),
    Kind("a prediction is not a number", "are NaN or infinite", not_numbers),
    Kind("latents came out infinite", "Lower the recipe's learning_rate", computed_not_numbers),
    Kind("weights of another network", "do not fit the network", of_another_network),
    Kind(
        "weights cut off",
        "the next run trains the network again",
        changed(weights, "weights.safetensors", halved, read_weights),
    ),
    Kind(
        "one flipped bit in weights",
        "the checksum is wrong",
        changed(weights, "weights.safetensors", flipped, read_weights),
    ),
    Kind(
        "checkpoint cut off",
        "starting over",
        changed(checkpoint, "checkpoint.pt", halved, read_checkpoint),
    ),
    Kind(
        "one flipped bit in a checkpoint",
        "starting over",
        changed(checkpoint, "checkpoint.pt", flipped, read_checkpoint),
    ),
    Kind(
        "table of clips with words for numbers",
        RECREATED,
        changed(write_clips, "clips.csv", without_numbers, clips.read),
    ),
    Kind(
        "selection with words for numbers",
        RECREATED,
        changed(write_selection, "selection.csv", without_numbers, selections.read),
    ),
]
