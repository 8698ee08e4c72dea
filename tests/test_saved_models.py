"""The scripts that train: what their models say of themselves, and what a round learns."""

import hashlib
import inspect
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import selftrain_round
import torch
import train_autoencoder
import train_model
from safetensors.torch import load_file
from test_classifier import toy_store

from earmark.dataset import clips
from earmark.networks.autoencoder import Autoencoder
from earmark.networks.build import build
from earmark.runtime import processors

CLASSES = ["x", "y", "z"]
OPTIONS = {"width": 2, "depth": 2}
RECIPE = {"epochs": 4, "learning_rate": 0.03, "batch_clips": 8}
HARDWARE = {
    "device": "cpu",
    "precision": "float32",
    "memory_format": "contiguous",
    "compile": False,
    "compile_from_clips": 1,
}
CFG = {
    "system": "tiny",
    "seed": 3,
    "fold": 1,
    "network": "cnn_logmel",
    "network_options": OPTIONS,
    "recipe": RECIPE,
    "validation": "verified",
}
SETTINGS = {"kind": "stft", "bins": 6, "frames": 5}
SCHEDULE = {"lower_first": 0.3, "lower_step": 0.2, "lower_last": 0.9, "upper": 1.0}
# Of 60 clips the first 24 are verified, and half of the others trusted; folds 0, 1 and 2 in turn.
CLIPS = [f"{i}.wav" for i in range(60)]
VERIFIED = [int(i < 24) for i in range(60)]
BASE = [int(i < 24 or i % 2) for i in range(60)]
FOLDS = [i // 3 % 3 for i in range(60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features, selection and folds of pictures in which the class's rows are loud."""
    made = tmp_path_factory.mktemp("models")
    with toy_store(made / "features.h5"):
        pass
    with h5py.File(made / "features.h5", "r+") as file:
        file.attrs["settings"] = json.dumps(SETTINGS)
    table = {"clip": CLIPS, "label": [CLASSES[i % 3] for i in range(60)], "verified": VERIFIED}
    # What the base leaves out has a wrong label, which nobody is to look at.
    table["label"] = [
        label if used else "x" for label, used in zip(table["label"], BASE, strict=True)
    ]
    selection = pd.DataFrame({**table, "source": "unverified", "weight": [float(x) for x in BASE]})
    selection.to_csv(made / "selection.csv", index=False)
    folds = pd.DataFrame({"clip": CLIPS, "recording": CLIPS, "fold": FOLDS})
    folds.to_csv(made / "folds.csv", index=False)
    return made


def inputs(folder: Path, models_of_folds: Sequence[Path] = ()) -> dict[str, Any]:
    return {
        "selection": str(folder / "selection.csv"),
        "folds_table": [] if models_of_folds else [str(folder / "folds.csv")],
        "feature_file": str(folder / "features.h5"),
        "models_of_folds": [str(path / "model.json") for path in models_of_folds],
    }


def outputs(folder: Path) -> dict[str, str]:
    names = {"weights": "weights.safetensors", "metadata": "model.json", "history": "history.csv"}
    return {argument: str(folder / name) for argument, name in names.items()}


def trained(folder: Path, name: str, models_of_folds: Sequence[Path] = (), **cfg: Any) -> Path:
    train_model.main(
        **inputs(folder, models_of_folds),
        **outputs(folder / name),
        cfg={**CFG, **cfg},
        code="c0de",
        threads=1,
        hardware_settings=HARDWARE,
    )
    return folder / name


@pytest.fixture(scope="module")
def base(folder: Path) -> Path:
    return trained(folder, "base")


def round_of(
    folder: Path,
    name: str,
    before: list[Path],
    number: int = 1,
    models_of_folds: Sequence[Path] = (),
    fold: int | str = 1,
    **schedule: Any,
) -> Path:
    selftrain_round.main(
        **inputs(folder, models_of_folds),
        weights_before=[str(path / "weights.safetensors") for path in before],
        **outputs(folder / name),
        pseudo=str(folder / name / "pseudo_labels.csv"),
        cfg={**CFG, "fold": fold, "round": number, "schedule": {**SCHEDULE, **schedule}},
        code="c0de",
        threads=1,
        hardware_settings=HARDWARE,
    )
    return folder / name


def hash_of(path: Path) -> str:
    return hashlib.blake2b(path.read_bytes(), digest_size=16).hexdigest()


def test_scripts_have_few_parameters() -> None:
    assert len(inspect.signature(train_model.main).parameters) <= 11


def test_a_models_facts_are_all_that_it_takes_to_use_and_trust_it(folder: Path, base: Path) -> None:
    facts = json.loads((base / "model.json").read_text())
    assert {name: facts[name] for name in CFG} == CFG
    assert facts["classes"] == CLASSES
    assert facts["feature"] == SETTINGS
    assert facts["input_shape"] == [6, 5]
    in_fold = [fold == 1 for fold in FOLDS]
    assert facts["clips"] == {
        "train": sum(used for used, out in zip(BASE, in_fold, strict=True) if not out),
        "validation": sum(sure for sure, out in zip(VERIFIED, in_fold, strict=True) if out),
    }
    for name, file in (
        ("selection", "selection.csv"), ("folds", "folds.csv"), ("features", "features.h5"),
    ):  # fmt: skip
        assert facts["inputs"][name] == hash_of(folder / file)
    assert facts["code"] == "c0de"
    assert facts["hardware"] == {
        "device": "cpu",
        "device_name": processors.processor_name(),
        "threads": 1,
        "precision": "float32",
        "memory_format": "contiguous",
        "compiled": False,
    }
    assert facts["versions"]["torch"] == torch.__version__
    assert facts["versions"]["numpy"] == np.__version__
    history = pd.read_csv(base / "history.csv")
    assert history["epoch"].tolist() == [1, 2, 3, 4]
    order = list(zip(history["validation_accuracy"], -history["validation_loss"], strict=True))
    assert facts["kept_epoch"] == order.index(max(order)) + 1
    kept = history.iloc[facts["kept_epoch"] - 1].to_dict()
    assert facts["kept_metrics"] == pytest.approx(kept)


def test_the_weights_are_those_of_the_epoch_that_was_kept(folder: Path, base: Path) -> None:
    facts = json.loads((base / "model.json").read_text())
    judges = [i for i in range(60) if FOLDS[i] == 1 and VERIFIED[i]]
    found = said_by(folder, base)[judges]
    truth = np.array([i % 3 for i in judges])
    kept = facts["kept_metrics"]
    assert kept["validation_accuracy"] == pytest.approx((found.argmax(1) == truth).mean())
    losses = -np.log(found[np.arange(len(judges)), truth])
    assert kept["validation_loss"] == pytest.approx(losses.mean(), rel=1e-4)


def said_by(folder: Path, model: Path) -> np.ndarray:
    """Probabilities of all clips by saved weights, with nothing of the product but the network."""
    module = build("cnn_logmel", (6, 5), 3, **OPTIONS)
    module.load_state_dict(load_file(model / "weights.safetensors"))
    with h5py.File(folder / "features.h5") as file, torch.no_grad():
        images = torch.from_numpy(file["values"][:] / 255).float()
        return module.eval()(images).softmax(1).numpy()


def test_the_same_training_gives_the_same_bytes_and_another_fold_others(
    folder: Path, base: Path
) -> None:
    again, other = trained(folder, "again"), trained(folder, "other", fold=2)
    for name in ("weights.safetensors", "model.json", "history.csv"):
        assert (again / name).read_bytes() == (base / name).read_bytes()
        assert (other / name).read_bytes() != (base / name).read_bytes()
    # Of checkpoints and locks nothing is left.
    events, *left = sorted(path.name for path in base.iterdir())
    assert events.startswith("events.out.tfevents.")
    assert left == ["history.csv", "model.json", "weights.safetensors"]


@pytest.mark.parametrize(
    ("kept", "epochs"), [((2, 5, 3), 3), ((2, 5), 5), ((4,), 4)], ids=["three", "two", "one"]
)
def test_a_network_on_every_clip_is_trained_for_the_folds_median_epochs(
    folder: Path, tmp_path: Path, kept: Sequence[int], epochs: int
) -> None:
    folds = []
    for fold, epoch in enumerate(kept):
        folds.append(tmp_path / str(fold))
        folds[-1].mkdir()
        (folds[-1] / "model.json").write_text(json.dumps({"kept_epoch": epoch}))
    recipe = {**RECIPE, "epochs": 9, "patience": 1, "schedule": "cosine"}
    found = trained(folder, f"all{epochs}", folds, fold="all", recipe=recipe)
    facts = json.loads((found / "model.json").read_text())
    assert facts["clips"] == {"train": sum(BASE), "validation": 0}
    assert facts["kept_epoch"] == epochs
    assert set(facts["inputs"]) == {"selection", "features"}
    # The learning rate falls over these epochs alone.
    rates = [0.015 * (1 + math.cos(math.pi * epoch / epochs)) for epoch in range(epochs)]
    assert pd.read_csv(found / "history.csv")["learning_rate"].tolist() == pytest.approx(rates)


def test_a_round_on_every_clip_has_the_pool_of_all_folds(folder: Path, base: Path) -> None:
    first = round_of(folder, "all_round", [base], models_of_folds=[base], fold="all")
    said = said_by(folder, base).tolist()
    expected = [
        [CLIPS[i], CLASSES[row.index(max(row))]]
        for i, row in enumerate(said)
        if not BASE[i] and 0.3 < max(row) < 1
    ]
    assert len(expected) > len(pool_by(folder, base, 0.3))
    assert added_by(first) == expected
    facts = json.loads((first / "model.json").read_text())
    assert facts["clips"] == {"train": sum(BASE) + len(expected), "validation": 0}
    assert facts["kept_epoch"] == json.loads((base / "model.json").read_text())["kept_epoch"]


def pool_by(folder: Path, model: Path, lower: float, upper: float = 1.0) -> list[list[str]]:
    """Clip and label of what a round adds by the model before it, in a loop."""
    found = []
    for i, row in enumerate(said_by(folder, model).tolist()):
        if not BASE[i] and FOLDS[i] != 1 and lower < max(row) < upper:
            found.append([CLIPS[i], CLASSES[row.index(max(row))]])
    return found


def added_by(round_folder: Path) -> list[list[str]]:
    return pd.read_csv(round_folder / "pseudo_labels.csv")[["clip", "label"]].to_numpy().tolist()


def test_a_round_labels_the_pool_and_learns_from_it(folder: Path, base: Path) -> None:
    first = round_of(folder, "first", [base])
    added = pool_by(folder, base, 0.3)
    assert added
    assert added_by(first) == added
    history = pd.read_csv(first / "history.csv")
    in_base = sum(used for used, fold in zip(BASE, FOLDS, strict=True) if fold != 1)
    assert set(history["round"]) == {1}
    assert set(history["clips"]) == {in_base + len(added)}
    facts = json.loads((first / "model.json").read_text())
    assert facts["clips"]["train"] == in_base + len(added)
    assert facts["inputs"]["weights_before"] == hash_of(base / "weights.safetensors")
    # Where the bounds let nothing in, the round trains on with the base alone.
    alone = round_of(folder, "alone", [base], lower_first=0.99, lower_last=0.99, upper=0.991)
    assert added_by(alone) == []
    assert set(pd.read_csv(alone / "history.csv")["clips"]) == {in_base}
    assert hash_of(first / "weights.safetensors") != hash_of(alone / "weights.safetensors")


def test_the_next_round_goes_on_from_the_one_before(folder: Path, base: Path) -> None:
    first = round_of(folder, "one", [base])
    second = round_of(folder, "two", [first], number=2)
    assert added_by(second) == pool_by(folder, first, 0.5)  # the lower bound has risen
    assert set(pd.read_csv(second / "history.csv")["round"]) == {2}


def test_a_round_gives_the_same_bytes_again(folder: Path, base: Path) -> None:
    one, two = (round_of(folder, name, [base]) for name in ("same1", "same2"))
    for name in ("weights.safetensors", "model.json", "history.csv", "pseudo_labels.csv"):
        assert (one / name).read_bytes() == (two / name).read_bytes()


def test_a_first_round_may_start_untrained(folder: Path) -> None:
    first = round_of(folder, "untrained", [])
    assert "weights_before" not in json.loads((first / "model.json").read_text())["inputs"]
    assert set(pd.read_csv(first / "history.csv")["round"]) == {1}


def test_the_autoencoder_learns_from_usable_clips_and_stores_their_latents(folder: Path) -> None:
    table = pd.DataFrame({**dict.fromkeys(clips.COLUMNS, 1), "clip": CLIPS[::-1]})
    unusable = ["7.wav", "8.wav"]
    table.loc[table["clip"].isin(unusable), "use"] = 0
    clips.write(table, folder / "clips.csv")
    made = folder / "autoencoder"
    cfg = {
        "recipe": {**RECIPE, "epochs": 2},
        "batch_norm_momentum": 0.1,
        "latents_mode": "evaluation",
    }
    train_autoencoder.main(
        clips_table=str(folder / "clips.csv"),
        feature_file=str(folder / "features.h5"),
        **outputs(made),
        latents=str(made / "latents.h5"),
        cfg=cfg,
        seed=1,
        threads=1,
        hardware_settings=HARDWARE,
        code="c0de",
    )
    facts = json.loads((made / "model.json").read_text())
    assert {name: facts[name] for name in cfg} == cfg
    assert (facts["network"], facts["code"], facts["feature"]) == ("autoencoder", "c0de", SETTINGS)
    assert (facts["seed"], facts["hardware"]["device"]) == (1, "cpu")
    for part, file in (("clips", "clips.csv"), ("features", "features.h5")):
        assert facts["inputs"][part] == hash_of(folder / file)
    losses = pd.read_csv(made / "history.csv")["validation_loss"]
    assert facts["kept_epoch"] == losses.argmin() + 1
    # The latents are those of the saved weights, in the clips table's order.
    module = Autoencoder((6, 5), 0.1).eval()
    module.load_state_dict(load_file(made / "weights.safetensors"))
    usable = [i for i in reversed(range(60)) if CLIPS[i] not in unusable]
    with h5py.File(folder / "features.h5") as file, torch.no_grad():
        expected = module.encode(torch.from_numpy(file["values"][:][usable] / 255).float())
    with h5py.File(made / "latents.h5") as file:
        assert file["clip"].asstr()[:].tolist() == [CLIPS[i] for i in usable]
        np.testing.assert_allclose(file["latents"][:], expected, rtol=1e-4, atol=1e-5)
