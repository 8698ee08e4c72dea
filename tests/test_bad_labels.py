"""Every kind of hard labels goes through the whole workflow, or stops with its sentence."""

import logging
import re
from collections.abc import Iterable
from contextlib import chdir
from pathlib import Path
from typing import Any

import calibrate
import combine_predictions
import copy_submission
import draw_folds
import extract_features
import h5py
import inspect_clips
import numpy as np
import pandas as pd
import plot_classes
import plot_tsne
import predict
import pytest
import read_labels
import select_labels
import selftrain_round
import spread_labels
import summarise_spreading
import train_autoencoder
import train_model
import write_out_of_fold
import yaml
from bad_labels import KINDS
from corpus import Kind
from tiny import (
    REPO,
    TinySet,
    default_config,
    make_set,
    merged,
    read_rows,
    snakemake,
    write_rows,
)
from tiny_run import CLASSES, TINY

from earmark.dataset import clips as clips_table
from earmark.labels import label_table as labels_table
from earmark.planning import clip_index, data_source
from earmark.planning import config as settings
from earmark.planning.plan import Model, Plan
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


class Steps:
    """What the workflow does, step by step in this process: starting jobs takes far longer."""

    def __init__(self, made: TinySet, overlay: dict[str, Any]) -> None:
        self.config = merged(merged(default_config(), QUICK), overlay)
        self.config["dataset"] = str(made.folder)
        settings.check(self.config, yaml.safe_load(SCHEMA.read_text(encoding="utf-8")))
        self.source = data_source.source_of(self.config)
        self.plan = Plan(self.config, self.source)
        self.job = {"threads": 1, "hardware_settings": self.config["hardware"]}
        self.tables = {
            f"{name}_table": f"{self.plan.results}/{path}.csv"
            for name, path in (("labels", "labels"), ("clips", "clips/train"), ("folds", "folds"))
        }

    def of(self, *names: str) -> dict[str, str]:
        """The tables of these names."""
        return {name: self.tables[name] for name in names}

    def outputs(self, name: str, **others: str) -> dict[str, str]:
        kinds = {"png": "png", "svg": "svg", **others}
        return {kind: f"{self.plan.report}/{name}.{end}" for kind, end in kinds.items()}

    def read(self, index: str, clips: str, feature: str, part: str) -> None:
        """From the index to clips and features, which are the same for both parts."""
        folders = {part: str(self.source.layout.folder)}
        inspect_clips.main(
            index_table=index,
            audio=[],
            table=clips,
            cfg={"part": part, "clips": self.config["clips"]},
            threads=1,
            folders=folders,
        )
        extract_features.main(
            table=clips,
            audio=[],
            feature_file=feature,
            cfg={
                "part": part,
                "longest_seconds": 300.0,
                "feature": self.config["features"]["stft"],
            },
            threads=1,
            folders=folders,
        )

    def train(self, system: str, number: int = 0) -> None:
        (fold,) = self.plan.folds_of(system)
        model = Model(system, 1, fold)
        folder = self.plan.model_folders(model)[number]
        given: dict[str, Any] = {
            "folds_table": [self.tables["folds_table"]],
            "models_of_folds": [],
            **model_files(folder),
            **self.job,
            "selection": self.plan.selection_of(system),
            "feature_file": self.plan.features_of(system, "train"),
            "cfg": self.plan.training_settings(model, number),
            "code": "",
        }
        if not number:
            return train_model.main(**given)
        before = self.plan.previous_weights(model, number)
        pseudo = f"{folder}/pseudo_labels.csv"
        return selftrain_round.main(**given, weights_before=before, pseudo=pseudo)

    def predict(self, system: str, parts: Iterable[str] = ("train", "test")) -> None:
        for part in parts:
            predict.main(
                table=f"{self.plan.results}/clips/{part}.csv",
                feature_file=self.plan.features_of(system, part),
                folds_table=[self.tables["folds_table"]] if part == "train" else [],
                weights=self.plan.final_model_files(system, 1, "weights.safetensors"),
                metadata=self.plan.final_model_files(system, 1, "model.json"),
                predicted=self.plan.predictions(system, 1, part),
                cfg={"folds": self.plan.folds_of(system)},
                **self.job,
            )

    def run(self) -> None:
        """All of it, in the folder of the run."""
        plan, results = self.plan, Path(self.plan.results)
        clip_index.update(self.source.layout, results)
        for part in ("train", "test"):
            paths = (str(results / folder / f"{part}.csv") for folder in ("index", "clips"))
            self.read(*paths, plan.features("stft", part), part)
        index_of = {part: str(results / f"index/{part}.csv") for part in ("train", "test")}
        listed = str(results / "index/listed.csv")
        read_labels.main(listed_table=listed, corrections=[], table=self.tables["labels_table"])
        draw_folds.main(
            listed_table=listed,
            index_table=index_of["train"],
            table=self.tables["folds_table"],
            cfg={"folds": self.config["folds"]},
            seed=1,
        )
        known = self.of("labels_table", "clips_table")
        plot_classes.main(**known, **self.outputs("classes", csv="csv"))
        vectors = plan.vectors_of("latent_two")
        train_autoencoder.main(
            **self.of("clips_table"),
            **model_files(str(Path(vectors).parent)),
            **self.job,
            feature_file=plan.features("stft", "train"),
            latents=vectors,
            cfg={
                "recipe": self.config["recipes"]["autoencoder"],
                "batch_norm_momentum": 0.1,
                "latents_mode": "evaluation",
            },
            seed=1,
            code="",
        )
        groups = plan.groups_of("latent_two")
        for group, spread in zip(groups, plan.spread_tables("latent_two"), strict=True):
            cfg = plan.spreading_settings("latent_two", group)
            spread_labels.main(**known, vectors=vectors, spread=spread, cfg=cfg)
            cfg = {"group": group, "perplexity": 30.0}
            figure = self.outputs(f"tsne_{group}")
            plot_tsne.main(vectors=vectors, spread=spread, truth=[], cfg=cfg, seed=1, **figure)
        summarise_spreading.main(
            groups=plan.spread_tables("latent_two"),
            summary=str(results / "spreading.csv"),
            cfg={"groups": [["latent_two", group] for group in groups]},
        )
        select_labels.main(
            **known,
            groups=plan.spread_tables("latent_two"),
            selection=plan.selection_of("vgg_fewer"),
            cfg=self.config["labels"]["promoted"],
        )
        self.train("vgg_fewer")
        self.train("vgg_fewer_semi", 1)
        for system in ("vgg_fewer", "vgg_fewer_semi"):
            self.predict(system)
            calibrate.main(
                predicted=plan.predictions(system, 1, "train"),
                labels_table=self.tables["labels_table"],
                calibrated=plan.calibrations_of([system], 1)[0],
                cfg={"system": system},
            )
        combined, guesses = (str(results / f"guesses.{kind}") for kind in ("h5", "csv"))
        combine_predictions.main(
            members=plan.predictions_of("weighted", 1, "test"),
            calibrations=plan.weighing_scores("weighted", 1),
            combined=combined,
            guesses=guesses,
            cfg={"name": "weighted", **plan.combination_of("weighted")},
        )
        write_out_of_fold.main(
            **self.of("labels_table", "folds_table"),
            members=plan.predictions_of("weighted", 1, "train"),
            out_of_fold_table=str(results / "out_of_fold.csv"),
            cfg={
                "files": [[name, 1] for name in plan.members_of("weighted")],
                "entries": {"weighted": plan.combination_of("weighted")},
            },
        )
        copy_submission.main(
            guesses=[guesses],
            combined=[combined],
            choice=[],
            submission=str(results / "submission.csv"),
            cfg={"name": self.source.name, "candidates": ["weighted"]},
        )


def model_files(folder: str) -> dict[str, str]:
    files = ("weights.safetensors", "model.json", "history.csv")
    parts = zip(("weights", "metadata", "history"), files, strict=True)
    return {part: f"{folder}/{file}" for part, file in parts}


def run_steps(made: TinySet, overlay: dict[str, Any], folder: Path) -> Path:
    """Do all in ``folder``, and say where the results are."""
    folder.mkdir(exist_ok=True)
    with chdir(folder):
        steps = Steps(made, overlay)
        steps.run()
        return folder / steps.plan.results


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
        results = run_steps(made, overlay, tmp_path / "run")
        assert words in told.text
        submitted = read_rows(results / "submission.csv")
        classes = {re.sub(r"[\s,]+", "_", label) for _, label, _ in made.train}
        assert [row["fname"] for row in submitted] == made.test
        for row in submitted:
            guesses = row["label"].split(" ")
            assert len(set(guesses)) == len(guesses) == min(3, len(classes))
            assert set(guesses) <= classes
        return
    with pytest.raises(EarmarkError) as caught:
        run_steps(made, overlay, tmp_path / "run")
    assert words in str(caught.value)
    assert not list((tmp_path / "run").rglob("submission.csv"))
    assert not list((tmp_path / "run").rglob("checkpoint.pt"))


def test_kinds_have_names_of_their_own() -> None:
    assert len({kind.name for kind in KINDS}) == len(KINDS) >= 14


def test_latents_that_are_not_finite_are_explained(tmp_path: Path) -> None:
    names = [f"{number}.wav" for number in range(16)]
    labels, clips = tmp_path / "labels.csv", tmp_path / "clips.csv"
    rows = [(name, CLASSES[place % 4], 1, 1, "list") for place, name in enumerate(names)]
    write_rows(labels, labels_table.COLUMNS, rows)
    numbers = dict.fromkeys(clips_table.COLUMNS, 1)
    clips_table.write(pd.DataFrame({**numbers, "clip": names}), clips)
    vectors, spread = tmp_path / "latents.h5", tmp_path / "spread.csv"
    latents = np.random.default_rng(0).normal(size=(len(names), 5))
    latents[3, 2], latents[7, 0] = np.nan, np.inf
    with h5py.File(vectors, "w") as file:  # a store refuses to write them
        file["clip"], file["latents"] = names, latents.astype(np.float32)
    cfg = {**default_config()["spreading"]["latent_two"], "classes": CLASSES}
    with pytest.raises(EarmarkError, match="some latents are NaN or infinite") as caught:
        spread_labels.main(
            labels_table=str(labels),
            clips_table=str(clips),
            vectors=str(vectors),
            spread=str(spread),
            cfg=cfg,
        )
    assert str(vectors) in str(caught.value)
    assert not spread.exists()


def test_a_kind_that_is_refused_is_told_by_snakemake_in_a_sentence(tmp_path: Path) -> None:
    kind = next(kind for kind in KINDS if kind.name == "one class in the whole set")
    made = make_set(tmp_path / "four", CLASSES, clips=4)
    overlay = merged(QUICK, {**kind.spoil(made), "dataset": str(made.folder)})
    target = "results/four/labels.csv"
    code, text = snakemake(tmp_path / "run", target, overlay=overlay)
    assert code != 0
    assert kind.expected in text
    assert "Traceback" not in (tmp_path / "run/logs/four/read_labels.log").read_text()
    assert not (tmp_path / "run" / target).exists()
