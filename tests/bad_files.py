"""Full disks, damaged results, files in each other's place, and what the user is told."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import torch
from corpus import Kind
from matplotlib.figure import Figure
from small_disk import no_room_for_files_above

from earmark import labels, manifest, markdown, models, plots, store, tables, webpage
from earmark.checkpoints import Checkpoint

NAMES = [f"{number}.wav" for number in range(40)]
NO_ROOM = "cannot be written (File too large). Make room there"
PICTURES = np.random.default_rng(1).integers(0, 255, (40, 16, 14), dtype=np.uint8)


def module() -> torch.nn.Module:
    return torch.nn.Linear(60, 40)


# Every kind of output, written to a path.
def table(path: Path) -> None:
    tables.write_table(pd.DataFrame({"fname": NAMES * 20, "label": "Bark"}), path)


def pictures(path: Path) -> None:
    store.write_features(path, NAMES, iter(PICTURES), (16, 14), True, settings={})


def frames(path: Path) -> None:
    rows = (picture.T for picture in PICTURES)
    store.write_features(path, NAMES, rows, (16, 0), False, settings={})


def latents(path: Path) -> None:
    store.write_latents(path, NAMES, PICTURES.reshape(40, -1).astype(np.float32))


def predictions(path: Path) -> None:
    store.write_predictions(path, NAMES, np.full((40, 41), 1 / 41), [f"c{n}" for n in range(41)])


def weights(path: Path) -> None:
    models.save(path, path.with_suffix(".json"), module())


def checkpoint(path: Path) -> None:
    Checkpoint(path, "fingerprint").save({"weights": module().state_dict()})


def figure(path: Path) -> None:
    drawn = Figure()
    drawn.add_subplot().plot([1, 2])
    plots.save(drawn, path, path.with_suffix(".svg"))


def page(path: Path) -> None:
    shown = pd.DataFrame({"fname": NAMES * 20})
    csv = path.with_name("t.csv")
    csv.write_text("fname\n")
    webpage.write([markdown.Section("Title", shown, 3, ())], path, csv)


OUTPUTS: dict[str, Callable[[Path], None]] = {
    "a table": table,
    "features of one size": pictures,
    "features as frames": frames,
    "latents": latents,
    "predictions": predictions,
    "weights": weights,
    "a checkpoint": checkpoint,
    "a figure": figure,
    "a web page": page,
}


def full(write: Callable[[Path], None]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        with no_room_for_files_above(2000):
            write(folder / "out")

    return spoil


def taken(write: Callable[[Path], None]) -> Callable[[Path], None]:
    """A folder has the output's name."""

    def spoil(folder: Path) -> None:
        (folder / "out" / "mine").mkdir(parents=True)
        write(folder / "out")

    return spoil


def below_a_file(folder: Path) -> None:
    (folder / "results").write_text("not a folder")
    table(folder / "results" / "out")


def damaged_features(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    """Write features, change their bytes, and read all of them."""

    def spoil(folder: Path) -> None:
        path = folder / "features.h5"
        pictures(path)
        path.write_bytes(change(path.read_bytes()))
        with store.FeatureStore(path) as features:
            features.images(features.rows_of(NAMES))

    return spoil


def flipped(content: bytes) -> bytes:
    """One bit of a picture is another."""
    at = content.index(PICTURES[7].tobytes()) + 50
    return content[:at] + bytes([content[at] ^ 4]) + content[at + 1 :]


def other_hdf5(folder: Path) -> None:
    with h5py.File(folder / "features.h5", "w") as file:
        file["x"] = [1, 2]
    store.FeatureStore(folder / "features.h5")


def lacking_rows(folder: Path) -> None:
    predictions(folder / "predictions.h5")
    store.read_predictions(folder / "predictions.h5", [*NAMES, "new.wav"])


def no_file(folder: Path) -> None:
    store.read_vectors(folder / "latents.h5", NAMES)


def changed_weights(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        path = folder / "weights.safetensors"
        weights(path)
        path.write_bytes(change(path.read_bytes()))
        models.load(module(), path)

    return spoil


def other_weights(folder: Path) -> None:
    weights(folder / "weights.safetensors")
    models.load(torch.nn.Linear(60, 41), folder / "weights.safetensors")


def cut_manifest(folder: Path) -> None:
    (folder / "manifest.csv").write_text("fname,path,split\n1.wav,audio_train/1.wav,train\n")
    manifest.read(folder / "manifest.csv")


def cut_labels(folder: Path) -> None:
    (folder / "labels.csv").write_text("fname,label,source,weight\n1.wav,Bark,given,0.5\n2.wav,Ba")
    labels.read(folder / "labels.csv")


def header_only_facts(folder: Path) -> None:
    from earmark import model_facts

    (folder / "model.json").write_text(json.dumps({"classes": 3}))
    model_facts.read(folder / "model.json", {"classes": list})


ANEW = "Delete it; the next run makes it anew."

# ``spoil(folder)`` does the harm and then what the product does; it must raise the sentence.
KINDS = [
    *[Kind(f"no room for {name}", NO_ROOM, full(write)) for name, write in OUTPUTS.items()],
    Kind("a folder in a table's place", "Move away what has its name", taken(table)),
    Kind("a folder in a feature file's place", "Move away what has its name", taken(pictures)),
    Kind("a file in a folder's place", "Move away what has its name", below_a_file),
    Kind("a feature file of zero bytes", ANEW, damaged_features(lambda content: b"")),
    Kind("a feature file cut in half", ANEW, damaged_features(lambda c: c[: len(c) // 2])),
    Kind("a feature file with one bit changed", ANEW, damaged_features(flipped)),
    Kind("a CSV in a feature file's place", ANEW, damaged_features(lambda c: b"fname,label\n")),
    Kind("HDF5 that is no feature file", "is HDF5, but no feature file of Earmark", other_hdf5),
    Kind("predictions that lack clips", "has no row for 1 of 41 clips", lacking_rows),
    Kind("no latents", "does not exist. Give the same command again", no_file),
    Kind("weights cut in half", "the next run trains anew", changed_weights(lambda c: c[:900])),
    Kind("weights of another network", "do not fit the network", other_weights),
    Kind("a manifest that lacks columns", "lacks the column 'label'", cut_manifest),
    Kind("facts of a model that lack values", "the next run trains anew", header_only_facts),
]
