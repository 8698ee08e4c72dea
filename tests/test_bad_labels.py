"""Every kind of hard labels goes through the whole workflow, or stops with its sentence."""

import logging
from pathlib import Path
from typing import Any

import combine_predictions
import extract_features
import h5py
import make_manifest
import numpy as np
import plot_classes
import plot_tsne
import pytest
import score_held_out
import select_labels
import selftrain_round
import spread_labels
import summarise_spreading
import train_autoencoder
import train_model
import write_submission
import yaml
from bad_labels import KINDS
from corpus import Kind
from test_end_to_end import CLASSES, TINY
from tiny import REPO, TinySet, default_config, make_set, merged, read_rows, snakemake

from earmark import config as settings
from earmark import vocabulary
from earmark.runtime.errors import EarmarkError

SHORT = {"epochs": 1}
QUICK = merged(
    TINY,
    {
        "recipes": {"autoencoder": SHORT, "vgg": SHORT, "adjust": SHORT},
        "submission": "vgg_fewer_semi",
        "ensembles": {
            "weighted": {"kind": "weighted", "members": ["vgg_fewer", "vgg_fewer_semi"]},
        },
    },
)
SCHEMA = REPO / "rules" / "schemas" / "config.schema.yaml"


def run_steps(made: TinySet, overlay: dict[str, Any], folder: Path) -> None:
    """What the workflow does, step by step in this process: starting jobs takes far longer."""
    config = merged(merged(default_config(), QUICK), {**overlay, "dataset": str(made.folder)})
    settings.check(config, yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
    source = settings.source_of(config)
    entry = config["spreading"]["latent_two"]
    scheme = vocabulary.find_scheme(entry["scheme"], config["group_schemes"])
    groups = vocabulary.groups_of(source.labels, entry["scheme"], scheme)
    at = {name: str(folder / name) for name in ("manifest.csv", "stft.h5", "labels.csv")}
    table, feature_file, selection = at.values()
    machine = {"machine": config["hardware"], "threads": 1, "code": ""}
    data = {"folder": str(source.layout.folder)}
    cfg: dict[str, Any] = {**data, "folds": config["folds"], "clips": config["clips"]}
    make_manifest.main(table=table, audio_folders=[], cfg=cfg, seed=1, threads=1)
    plot_classes.main(table=table, **outputs(folder, "classes", csv="csv", markdown="md"))
    limit = {"longest_seconds": config["clips"]["longest_seconds"]}
    cfg = {**data, **limit, "feature": config["features"]["stft"]}
    extract_features.main(
        table=table, audio_folders=[], feature_file=feature_file, cfg=cfg, threads=1
    )

    def model(name: str) -> dict[str, str]:
        files = ("weights.safetensors", "model.json", "history.csv")
        parts = zip(("weights", "facts", "history"), files, strict=True)
        return {part: str(folder / name / file) for part, file in parts}

    cfg = {
        "recipe": config["recipes"]["autoencoder"],
        "batch_norm_momentum": 0.1,
        "latents_mode": "evaluation",
    }
    latents = str(folder / "latents.h5")
    given = {"table": table, "feature_file": feature_file, "seed": 1, **machine}
    train_autoencoder.main(latents=latents, cfg=cfg, **model("autoencoder"), **given)
    spread = {group: str(folder / f"{group}.csv") for group in groups}
    for group, classes in groups.items():
        cfg = {"classes": classes, **entry}
        spread_labels.main(table=table, vectors=latents, spread=spread[group], cfg=cfg)
        cfg = {"group": group, "vectors": "latents", "perplexity": 30.0}
        figure = outputs(folder, f"tsne_{group}")
        plot_tsne.main(vectors=latents, spread=spread[group], cfg=cfg, seed=1, **figure)
    summarise_spreading.main(
        groups=list(spread.values()),
        summary=str(folder / "spreading.csv"),
        page=str(folder / "spreading.html"),
        cfg={"groups": [["latent_two", group] for group in groups]},
    )
    chosen = list(spread.values())
    cfg = config["labels"]["promoted"]
    select_labels.main(table=table, selection=selection, cfg=cfg, groups=chosen)
    system = config["systems"]["vgg_fewer"]
    (fold,) = system["folds"]
    cfg = {
        "network": system["network"],
        "network_options": system["network_options"],
        "validation": "verified",
    }
    given |= {"selection": selection, "system": "vgg_fewer", "fold": fold}
    base, later = (str(folder / name / "predictions.h5") for name in ("base", "round1"))
    train_model.main(
        predictions=base,
        cfg={**cfg, "recipe": config["recipes"]["vgg"]},
        **model("base"),
        **given,
    )
    keys = ("lower_first", "lower_step", "lower_last", "upper")
    schedule = {key: config["selftraining"]["short"][key] for key in keys}
    selftrain_round.main(
        weights_before=model("base")["weights"],
        predictions_before=base,
        predictions=later,
        pseudo=str(folder / "pseudo.csv"),
        cfg={**cfg, "recipe": config["recipes"]["adjust"], "schedule": schedule},
        round_number=1,
        **model("round1"),
        **given,
    )
    cfg = {
        "kind": "weighted",
        "exponent": 0.25,
        "folds": {"vgg_fewer": [fold], "vgg_fewer_semi": [fold]},
    }
    members = [base, later]
    guesses = str(folder / "guesses.csv")
    combine_predictions.main(
        table=table, members=members, combined=str(folder / "c.h5"), guesses=guesses, cfg=cfg
    )
    write_submission.main(
        table=table,
        guesses=guesses,
        submitted=str(folder / "submission.csv"),
        page=str(folder / "submission.html"),
    )


def outputs(folder: Path, name: str, **others: str) -> dict[str, str]:
    kinds = {"png": "png", "svg": "svg", **others}
    return {part: str(folder / f"{name}.{ending}") for part, ending in kinds.items()}


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> Any:
    monkeypatch.setattr(logging.getLogger("earmark"), "propagate", True)
    return caplog


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.filterwarnings("ignore")  # of glyphs that a font lacks, and of fits without an end
def test_every_kind_works_or_is_explained(tmp_path: Path, kind: Kind, told: Any) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=8)
    overlay = kind.spoil(made)
    words = kind.expected.removeprefix("works").removeprefix(": ")
    if kind.expected.startswith("works"):
        run_steps(made, overlay, tmp_path / "results")
        assert words in told.text
        submitted = read_rows(tmp_path / "results" / "submission.csv")
        classes = {label for _, label, _ in made.train}
        assert [row["fname"] for row in submitted] == made.test
        for row in submitted:
            guesses = row["label"].split(" ")
            assert len(set(guesses)) == len(guesses) == min(3, len(classes))
            assert set(guesses) <= classes
        return
    with pytest.raises(EarmarkError) as caught:
        run_steps(made, overlay, tmp_path / "results")
    assert words in str(caught.value)
    assert not list((tmp_path / "results").rglob("submission.csv"))
    assert not list((tmp_path / "results").rglob("checkpoint.pt"))


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 14


def test_latents_that_are_not_finite_are_explained(tmp_path: Path) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=4)
    table, vectors = str(tmp_path / "manifest.csv"), str(tmp_path / "latents.h5")
    cfg: dict[str, Any] = {
        "folder": str(made.folder),
        "folds": 2,
        "clips": default_config()["clips"],
    }
    make_manifest.main(table=table, audio_folders=[], cfg=cfg, seed=1, threads=1)
    names = [fname for fname, _, _ in made.train]
    latents = np.random.default_rng(0).normal(size=(len(names), 5))
    latents[3, 2], latents[7, 0] = np.nan, np.inf
    with h5py.File(vectors, "w") as file:  # a store refuses to write them
        file["fname"], file["latents"] = names, latents.astype(np.float32)
    cfg = {**default_config()["spreading"]["latent_two"], "classes": CLASSES}
    with pytest.raises(EarmarkError, match="some latents are no finite numbers") as caught:
        spread_labels.main(table=table, vectors=vectors, spread=str(tmp_path / "s.csv"), cfg=cfg)
    assert vectors in str(caught.value)
    assert not (tmp_path / "s.csv").exists()


def test_scores_of_a_fold_without_verified_clips_are_explained(tmp_path: Path) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=4)
    overlay = {"folds": 60, "systems": {"vgg_fewer": {"folds": [59]}}}
    run_steps(made, overlay, tmp_path)
    with pytest.raises(EarmarkError, match=r"fold.* no verified clip to judge by.*fewer folds"):
        score_held_out.main(
            table=str(tmp_path / "manifest.csv"),
            members=[str(tmp_path / "base" / "predictions.h5")],
            clip_scores=str(tmp_path / "scores.csv"),
            cfg={
                "entry": "vgg_fewer",
                "kind": "arithmetic",
                "exponent": 0.25,
                "seed": 1,
                "folds": {"vgg_fewer": [59]},
            },
        )


def test_a_kind_that_is_refused_is_told_by_snakemake_in_a_sentence(tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == "one class in the whole set")
    made = make_set(tmp_path / "four", CLASSES, clips=4)
    overlay = merged(QUICK, {**kind.spoil(made), "dataset": str(made.folder)})
    code, text = snakemake(tmp_path / "run", "submission.csv", overlay=overlay)
    assert code != 0
    assert kind.expected in text
    assert "Traceback" not in (tmp_path / "run/logs/four/make_manifest.log").read_text()
    assert not (tmp_path / "run" / "submission.csv").exists()
