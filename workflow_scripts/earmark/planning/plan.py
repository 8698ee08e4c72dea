"""The plan: which job needs which file, from a checked config and a data set. It reads no file.

Rules use it in their input functions and parameters. Its values are plain: paths as text, and
settings as the JSON values that Snakemake compares.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from earmark.labels import class_groups
from earmark.planning.config_checks import input_shape_of
from earmark.planning.training_plan import (
    ALL,
    ALL_FOLDS,
    CROSS_VALIDATION,
    VALIDATION,
    Model,
    TrainingPlan,
    is_decided_by_validation,
)
from earmark.runtime.errors import EarmarkError


class Plan(TrainingPlan):
    """The files and settings of a run: those of trainings, predictions, scores and figures."""

    # Predictions and scores

    @cached_property
    def validation(self) -> str:
        """Which evaluation a run makes out of fold: of every fold, or those that systems have."""
        every = all(self.folds_of(name) == self.every_fold for name in self.scored_systems)
        return CROSS_VALIDATION if every else VALIDATION

    @cached_property
    def evaluations(self) -> list[str]:
        """The evaluations that a run makes, each a folder below evaluation/."""
        return [self.validation, *(["test"] if self.has_truth else [])]

    def evaluated(self, on: str) -> list[str]:
        """The systems and ensembles of an out-of-fold evaluation."""
        if on == self.validation:
            return self.scored
        return list(dict.fromkeys([*self.submitted_systems, *self.candidates]))

    def held_out_predictions(self, on: str) -> dict[tuple[str, int], str]:
        """(system, seed) -> predictions of train clips, for an out-of-fold evaluation."""
        systems = self.systems_of(self.evaluated(on))
        return {
            (system, seed): self.predictions(
                system, seed, "train" if on == VALIDATION else self._every_train_clip(system)
            )
            for seed in self.seeds
            for system in systems
        }

    def _every_train_clip(self, system: str) -> str:
        """The part of predictions that has every train clip, held out."""
        return "train" if self.folds_of(system) == self.every_fold else ALL_FOLDS

    def evaluation_settings(self, on: str) -> dict[str, Any]:
        """Parameters of an out-of-fold evaluation, with what else looked at its clips."""
        entries = self.evaluated(on)
        systems = [name for name in entries if name in self.config["systems"]]
        return {
            "files": [list(key) for key in self.held_out_predictions(on)],
            "entries": {entry: self.combination_of(entry) for entry in entries},
            "candidates": self.candidates,
            "has_truth": self.has_truth,
            "stop": [name for name in systems if self._stops(name)],
            "promoted": [
                name
                for name in systems
                if "spreading" in self.config["labels"][self.base_of(name)["labels"]]
            ],
            "weighted": [entry for entry in entries if self.is_weighted(entry)],
        }

    def _stops(self, system: str) -> bool:
        """Whether validation decides how long a system, or one of its rounds, is trained."""
        rounds = self.model_folders(self.first_model(system))
        recipes = [self.training_settings(self.first_model(system), n)["recipe"] for n in rounds]
        return any(is_decided_by_validation(recipe) for recipe in recipes)

    def calibrations_of(self, systems: Sequence[str], seed: int | str) -> list[str]:
        """The temperatures and out-of-fold scores of systems."""
        return [f"{self.results}/calibration/{name}/seed{seed}.json" for name in systems]

    def predictions(self, system: str, seed: int | str, part: str) -> str:
        """The file with a system's predictions for the clips of one part."""
        return f"{self.results}/predictions/{system}/seed{seed}/{part}.h5"

    def predictions_of(self, entry: str, seed: int | str, part: str) -> list[str]:
        """Predictions of all members of a system or ensemble."""
        return [self.predictions(name, seed, part) for name in self.members_of(entry)]

    def is_weighted(self, entry: str) -> bool:
        """Whether the mean weighs members by their out-of-fold scores."""
        return bool(self.combination_of(entry)["kind"] == "weighted")

    # Sweeps

    def compared(self, is_trained: Callable[[str], bool]) -> list[str]:
        """The systems of the sweep that are trained. Raises EarmarkError if there are none."""
        found = [system for system in self.swept if is_trained(system)]
        if not found:
            raise EarmarkError(
                "No system of a sweep is trained. Write `sweep` in the config, such as `sweep: "
                "{cnn_logmel: {network_options.width: [16, 32]}}` (docs/experiments.md), and run "
                "`snakemake -k sweep`."
            )
        return found

    def sweep_settings(self, systems: Sequence[str]) -> dict[str, Any]:
        """Parameters of the job that compares ``systems`` of the sweep."""
        missing = [name for name in self.swept if name not in systems]
        times = {name: self._benchmarks_of(name) for name in systems}
        return {"systems": times, "seeds": self.seeds, "missing": missing}

    def _benchmarks_of(self, system: str) -> list[list[str]]:
        """Snakemake's measurements of each of a system's networks: of its training and rounds."""
        seeds, folds = self.seeds, self.folds_of(system)
        models = [self.model_folders(Model(system, seed, fold)) for seed in seeds for fold in folds]
        return [[self._benchmark_of(folder) for folder in model.values()] for model in models]

    def _benchmark_of(self, folder: str) -> str:
        _, _, kind, *last = folder.split("/")
        rule = {"models": "train_model", "selftraining": "selftrain_round"}[kind]
        return f"{self.results}/benchmarks/{rule}/{last[0]}/{'_'.join(last[1:])}.tsv"

    # Suspects

    @cached_property
    def suspecting_systems(self) -> list[str]:
        """The systems whose predictions say which labels are wrong."""
        return list(self.config["suspects"].get("systems", self.submitted_systems))

    def suspecting_predictions(self) -> list[str]:
        """Their predictions of every train clip, out of fold, of all seeds."""
        return [
            self.predictions(system, seed, self._every_train_clip(system))
            for system in self.suspecting_systems
            for seed in self.seeds
        ]

    def suspecting_features(self) -> list[str]:
        """The feature file to compare suspects by: the first system's that has a spectrum."""
        for system in self.suspecting_systems:
            name = self.base_of(system)["feature"]
            if self.config["features"][name]["kind"] != "raw":
                return [self.features(name, "train")]
        return []

    # Figures and tables

    def structure_of(self, name: str) -> dict[str, Any]:
        """Parameters for drawing a system's network, or the report's autoencoder."""
        if name == "autoencoder":
            entry, network = self.config["autoencoders"][self.report2018["autoencoder"]], name
        else:
            entry = self.base_of(name)
            network = entry["network"]
        return {
            "network": network,
            "network_options": dict(entry.get("network_options", {})),
            "input_shape": list(input_shape_of(self.config, entry)),
            "classes": len(self.source.labels),
            "title": name if name == network else f"{network} ({name})",
        }

    def example_labels(self) -> list[str]:
        """Two classes for figures of single clips: music and non-music, where there are both."""
        labels = self.source.labels
        music = [label for label in labels if label in class_groups.MUSIC]
        others = [label for label in labels if label not in class_groups.MUSIC]
        return [*music[:1], *others[:1]] if music and others else labels[:2]

    def submitted_guesses(self, kind: str) -> list[str]:
        """Guesses (csv or h5) of the candidates. Raises EarmarkError if there are no test clips."""
        if not self.source.has_test:
            raise EarmarkError(
                f"The data set {self.source.name} has no test clips, so there is no "
                f"submission.csv. `snakemake all` makes everything else; test clips are a folder "
                f"audio_test or test, rows whose split is test, or `test` in a dataset.yaml."
            )
        folder = f"{self.results}/guesses/seed{self.seeds[0]}"
        return [f"{folder}/{entry}.{kind}" for entry in self.candidates]

    def tagging_predictions(self) -> list[str]:
        """Predictions of the sounds to be tagged, by the ``submitted_systems``.

        Raises EarmarkError if the config names no sounds.
        """
        if "sounds" not in self.config:
            raise EarmarkError(
                "There are no sounds to tag. Name their folder, as in `snakemake tags.csv --config "
                "sounds=path/to/folder`, with the rest of your run's config."
            )
        return [self.predictions(name, self.seeds[0], "sounds") for name in self.submitted_systems]

    def weighing_scores(self, entry: str, seed: int | str) -> list[str]:
        """The files with the scores by which a mean weighs its members, if it does."""
        return self.calibrations_of(self.members_of(entry), seed) if self.is_weighted(entry) else []

    def candidate_settings(self) -> dict[str, Any]:
        """How the predictions of each candidate are averaged."""
        return {entry: self.combination_of(entry) for entry in self.candidates}

    @cached_property
    def tagger_models(self) -> dict[str, Model]:
        """The networks of the tagger: name of the weights there -> model."""
        systems, seed = self.submitted_systems, self.seeds[0]
        if self.config["tagger"]["members"] == ALL:
            return {f"{system}.safetensors": Model(system, seed, ALL) for system in systems}
        return {
            f"{system}_fold{fold}.safetensors": Model(system, seed, fold)
            for system in systems
            for fold in self.folds_of(system)
        }

    def tagger_settings(self) -> dict[str, Any]:
        """Parameters of the job that writes the tagger."""
        return {
            "results": self.source.name,
            "candidates": self.candidate_settings(),
            "seed": self.seeds[0],
            "weights": {name: model.system for name, model in self.tagger_models.items()},
            "features": {
                system: self.base_of(system)["feature"] for system in self.submitted_systems
            },
            "every_clip": self.config["tagger"]["members"] == ALL,
            "limits": {
                name: self.config["clips"][name] for name in ("shortest_seconds", "longest_seconds")
            },
        }

    @property
    def has_truth(self) -> bool:
        """Whether there are test clips whose ground truth is known."""
        return self.source.has_test and self.source.layout.has_truth

    def clip_scores(self) -> str:
        """Scores per clip: of test clips if their ground truth is known, or else out of fold."""
        return f"{self.results}/{'clip_scores' if self.has_truth else 'out_of_fold'}.csv"

    def figure_files(self, *names: str) -> list[str]:
        """Both files of each figure."""
        return [f"{self.report}/{name}.{kind}" for name in names for kind in ("png", "svg")]

    def tables(self, *names: str) -> list[str]:
        """The files of each table."""
        return [f"{self.report}/{name}.{kind}" for name in names for kind in ("csv", "html")]

    @cached_property
    def figures(self) -> list[str]:
        """What ``snakemake all`` draws."""
        return self.figure_files(
            "clips_per_class",
            *[
                f"tsne_{name}_{group}"
                for name in self.training_spreadings
                for group in self.groups_of(name)
            ],
            *[
                f"history_{system}_seed{seed}_fold{fold}"
                for system in self.scored
                if system in self.config["systems"]
                for seed in self.seeds
                for fold in self.folds_of(system)
            ],
        )

    @property
    def page_figures(self) -> list[str]:
        """The figures on the run's page; of t-SNE, with its thousands of marks, the PNG."""
        return [path for path in self.figures if path.endswith("png") == ("/tsne_" in path)]

    def page_settings(self) -> dict[str, Any]:
        """Parameters of the job that writes the run's page: what the run is."""
        rows = []
        for name in self.scored:
            members = ", ".join(self.members_of(name))
            row = {
                "system": name,
                "network": f"{self.combination_of(name)['kind']} mean of {members}",
            }
            if name in self.config["systems"]:
                own, base = self.config["systems"][name], self.base_of(name)
                row |= {key: base[key] for key in ("network", "feature", "labels", "recipe")}
                options = base.get("network_options", {}).items()
                row["network"] = ", ".join([row["network"], *(f"{k} {v}" for k, v in options)])
                row["self-training"] = own.get("selftraining", "")
                row["folds"] = ", ".join(map(str, self.folds_of(name)))
            rows.append(row)
        return {
            "title": self.source.name,
            "systems": rows,
            "remarks": [
                f"{len(self.source.labels)} classes. Seeds: {', '.join(map(str, self.seeds))}. The "
                f"submission is by {' or '.join(self.candidates)}.",
            ],
            "longest_seconds": self.config["clips"]["longest_seconds"],
        }

    def report_files(self) -> list[str]:
        """Every table and figure of the 2018 report. Raises EarmarkError if the config has none."""
        if not self.report2018:
            raise EarmarkError(
                "The config has no `report` section. Add `--configfile "
                "presets/report2018-small.yaml` (two cores) or `presets/report2018.yaml` (full "
                "size)."
            )
        autoencoder, filters = self.report2018["autoencoder"], self.report2018["filters_of"]
        return (
            self.figures
            + self.figure_files(
                f"examples_{self.config['autoencoders'][autoencoder]['feature']}",
                "structure_autoencoder",
                *[f"structure_{system}" for system in self.report2018["structures_of"]],
                f"autoencoder_{autoencoder}_loss",
                f"autoencoder_{autoencoder}_reconstructions",
                "threshold_schedule",
                f"filters_{filters}",
                f"feature_maps_{filters}",
            )
            + self.tables(
                *[f"spreading_{scheme}" for scheme in self.report2018["spreading"]],
                *[f"selftraining_{system}" for system in self.report2018["selftraining"]],
                *self.report2018["systems"],
            )
        )


def pattern(names: Sequence[str] | Mapping[str, Any]) -> str:
    """A wildcard's pattern that matches these names only; without names, nothing."""
    return "|".join(map(re.escape, names)) or "(?!)"
