"""The plan: which job needs which file, from a checked config and a data set. It reads no file.

Rules use it in their input functions and parameters. Its values are plain: paths as text, and
settings as the JSON values that Snakemake compares.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from earmark.labels import class_groups
from earmark.labels.threshold_schedule import ThresholdSchedule
from earmark.planning.config import input_shape_of
from earmark.planning.data_source import Source
from earmark.runtime.errors import EarmarkError

Entry = Mapping[str, Any]
# The fold of a network that learns from every clip.
ALL = "all"


@dataclass(frozen=True)
class Model:
    """One training: a system with one seed and one fold held out, or none (``ALL``)."""

    system: str
    seed: int | str
    fold: int | str


class Plan:
    """The files and settings of a run.

    Raises EarmarkError where the config does not fit the data: for folds that there are not, and
    for classes in no group.
    """

    def __init__(self, config: Entry, source: Source) -> None:
        self.config, self.source = config, source
        self.results = f"results/{source.name}"
        self.report = f"{self.results}/report"
        self.seeds: list[int] = list(config.get("seeds", [config["seed"]]))
        self.report2018: Entry = config.get("report", {})
        self._check_folds()

    # Systems and ensembles

    def base_of(self, system: str) -> Entry:
        """The config's entry of a system, or of the base of a self-trained one."""
        entry = self.config["systems"][system]
        return self.config["systems"][entry["base"]] if "base" in entry else entry

    def selftraining_of(self, system: str) -> Entry:
        """The self-training settings of a system."""
        return self.config["selftraining"][self.config["systems"][system]["selftraining"]]

    def folds_of(self, system: str) -> list[int]:
        """The folds that a system is trained for, each held out once."""
        folds = self.base_of(system).get("folds", "first")
        if isinstance(folds, list):
            return folds
        return self.every_fold if folds == "all" else self.every_fold[:1]

    @property
    def every_fold(self) -> list[int]:
        """The folds that there are: official ones, or those that are drawn."""
        return self.source.folds or list(range(self.config["folds"]))

    def _check_folds(self) -> None:
        for name, entry in self.config["systems"].items():
            beyond = [fold for fold in self.folds_of(name) if fold not in self.every_fold]
            if beyond and "base" not in entry:
                there = ", ".join(map(str, self.every_fold))
                raise EarmarkError(
                    f"systems.{name}.folds has {beyond[0]}, but the folds are {there}. Write some "
                    f"of these in brackets, all or first."
                )

    def members_of(self, entry: str) -> list[str]:
        """The members of an ensemble; of a system, itself."""
        ensembles = self.config["ensembles"]
        return list(ensembles[entry]["members"]) if entry in ensembles else [entry]

    @cached_property
    def scored(self) -> list[str]:
        """The systems and ensembles in scores.csv: the config's ``scores``, or else all ensembles,
        their members and the submission; also those in the report's tables.
        """
        listed = self.config.get("scores") or [
            *(member for name in self.config["ensembles"] for member in self.members_of(name)),
            *self.config["ensembles"],
            self.config["submission"],
        ]
        tables = self.report2018.get("systems", {}).values()
        return list(dict.fromkeys([*listed, *(row["entry"] for rows in tables for row in rows)]))

    @cached_property
    def scored_systems(self) -> list[str]:
        """The scored systems and the members of the scored ensembles, each once."""
        return list(dict.fromkeys(name for entry in self.scored for name in self.members_of(entry)))

    def combination_of(self, entry: str) -> dict[str, Any]:
        """How the predictions of a system or ensemble are averaged."""
        settings = self.config["ensembles"].get(entry, {"kind": "arithmetic"})
        return {
            "kind": settings["kind"],
            "exponent": settings.get("exponent", 0.25),
            "members": self.members_of(entry),
        }

    # Labels

    @cached_property
    def selections(self) -> list[str]:
        """Selections of labels that ``scored_systems`` are trained on."""
        return sorted({self.base_of(system)["labels"] for system in self.scored_systems})

    @cached_property
    def training_spreadings(self) -> list[str]:
        """Spreadings whose promoted labels are in one of ``selections``."""
        labels = [self.config["labels"][selection] for selection in self.selections]
        return sorted({entry["spreading"] for entry in labels if "spreading" in entry})

    @cached_property
    def spreadings(self) -> list[str]:
        """``training_spreadings``, and those in the report's tables."""
        return sorted({*self.training_spreadings, *self.report2018.get("spreading", {}).values()})

    def groups_of(self, spreading: str) -> dict[str, list[str]]:
        """The groups of a spreading that occur in the data: group -> its classes."""
        scheme = self.config["spreading"][spreading].get("scheme")
        return class_groups.groups_of(self.source.labels, scheme, self.config["group_schemes"])

    def spreading_settings(self, spreading: str, group: str) -> dict[str, Any]:
        """Parameters of a spreading job of one group."""
        settings = {**self.config["spreading"][spreading]}
        settings.pop("scheme", None)
        return {"classes": self.groups_of(spreading)[group], **settings}

    def spread_tables(self, spreading: str | None) -> list[str]:
        """A spreading's tables, one per group; none without a spreading."""
        groups = self.groups_of(spreading) if spreading else {}
        return [f"{self.results}/spread/{spreading}/{group}.csv" for group in groups]

    def vectors_of(self, spreading: str) -> str:
        """The file with the vectors that a spreading compares clips by: latents, or a feature."""
        entry = self.config["spreading"][spreading]
        if "feature" in entry:
            return self.features(entry["feature"], "train")
        return f"{self.results}/autoencoders/{entry['autoencoder']}/latents.h5"

    # Files of trainings

    def features(self, feature: str, part: str) -> str:
        """A feature file."""
        return f"{self.results}/features/{feature}/{part}.h5"

    def features_of(self, system: str, part: str) -> str:
        """The feature file that a system reads."""
        return self.features(self.base_of(system)["feature"], part)

    def selection_of(self, system: str) -> str:
        """The selection of labels that a system, or its base, is trained on."""
        return f"{self.results}/selections/{self.base_of(system)['labels']}.csv"

    def model_folders(self, model: Model) -> dict[int, str]:
        """The folders of a system's trainings in their order, by round; a base model is round 0.

        A self-training that starts untrained has no round 0.
        """
        entry = self.config["systems"][model.system]
        last = f"seed{model.seed}/fold{model.fold}"
        trained = f"{self.results}/models/{entry.get('base', model.system)}/{last}"
        if "base" not in entry:
            return {0: trained}
        settings = self.selftraining_of(model.system)
        folder = f"{self.results}/selftraining/{model.system}/{last}"
        rounds = {number: f"{folder}/round{number}" for number in range(1, settings["rounds"] + 1)}
        return rounds if settings["start"] == "untrained" else {0: trained, **rounds}

    def previous_weights(self, model: Model, number: int) -> list[str]:
        """The weights that a round starts from; none where it starts untrained."""
        folders = self.model_folders(model)
        return [f"{folders[number - 1]}/weights.safetensors"] if number - 1 in folders else []

    def models_of_folds(self, model: Model, number: int = 0) -> list[str]:
        """Metadata of the folds' models, if these say for how long one on every clip is trained.

        They do where the recipe's validation decides that; ``number`` is the round.
        """
        recipe = self.training_settings(model, number)["recipe"]
        if model.fold != ALL or (recipe.get("keep") == "last" and not recipe.get("patience")):
            return []
        models = [replace(model, fold=fold) for fold in self.folds_of(model.system)]
        return [f"{self.model_folders(one)[number]}/model.json" for one in models]

    def final_model_file(self, model: Model, file: str) -> str:
        """A file of the model after the last round."""
        return f"{list(self.model_folders(model).values())[-1]}/{file}"

    def final_model_files(self, system: str, seed: int | str, file: str) -> list[str]:
        """The ``final_model_file`` of each fold."""
        folds = self.folds_of(system)
        return [self.final_model_file(Model(system, seed, fold), file) for fold in folds]

    def first_model(self, system: str) -> Model:
        """A system's model of the first seed and fold."""
        return Model(system, self.seeds[0], self.folds_of(system)[0])

    def autoencoder_settings(self, name: str) -> dict[str, Any]:
        """Parameters of an autoencoder's training job."""
        settings = {**self.config["autoencoders"][name]}
        del settings["feature"]
        return {**settings, "recipe": self.config["recipes"][settings["recipe"]]}

    def training_settings(self, model: Model, number: int = 0) -> dict[str, Any]:
        """Parameters of a training job, or of a round of self-training."""
        entry = self.base_of(model.system)
        settings = {
            "system": model.system,
            "seed": int(model.seed),
            "fold": model.fold if model.fold == ALL else int(model.fold),
            "network": entry["network"],
            "network_options": dict(entry.get("network_options", {})),
            "validation": entry.get("validation", "verified"),
        }
        if not number:
            return {**settings, "recipe": self.config["recipes"][entry["recipe"]]}
        selftraining = self.selftraining_of(model.system)
        return {
            **settings,
            "recipe": self.config["recipes"][selftraining["recipe"]],
            "round": number,
            "schedule": self.schedule_of(model.system),
        }

    def schedule_of(self, system: str) -> dict[str, float]:
        """The thresholds of a system's self-training."""
        settings = self.selftraining_of(system)
        return {field.name: settings[field.name] for field in fields(ThresholdSchedule)}

    # Predictions and scores

    def predictions(self, system: str, seed: int | str, part: str) -> str:
        """The file with a system's predictions for the clips of one part."""
        return f"{self.results}/predictions/{system}/seed{seed}/{part}.h5"

    def predictions_of(self, entry: str, seed: int | str, part: str) -> list[str]:
        """Predictions of all members of a system or ensemble."""
        return [self.predictions(name, seed, part) for name in self.members_of(entry)]

    def is_weighted(self, entry: str) -> bool:
        """Whether the mean weighs members by their out-of-fold scores."""
        return bool(self.combination_of(entry)["kind"] == "weighted")

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

    def submitted_guesses(self, kind: str) -> str:
        """The submission's guesses (csv or h5). Raises EarmarkError if there are no test clips."""
        if not self.source.has_test:
            raise EarmarkError(
                f"The data set {self.source.name} has no test clips, so there is no "
                f"submission.csv. `snakemake all` makes everything else; test clips are a folder "
                f"audio_test or test, rows whose split is test, or `test` in a dataset.yaml."
            )
        return f"{self.results}/guesses/seed{self.seeds[0]}/{self.config['submission']}.{kind}"

    def tagging_predictions(self) -> list[str]:
        """Predictions of the sounds to be tagged, by the submission's members.

        Raises EarmarkError if the config names no sounds.
        """
        if "sounds" not in self.config:
            raise EarmarkError(
                "There are no sounds to tag. Name their folder, as in `snakemake tags.csv --config "
                "sounds=path/to/folder`, with the rest of your run's config."
            )
        return self.predictions_of(self.config["submission"], self.seeds[0], "sounds")

    def weighing_predictions(self, entry: str, seed: int | str) -> list[str]:
        """Predictions of train clips by whose scores a mean weighs its members, if it does."""
        return self.predictions_of(entry, seed, "train") if self.is_weighted(entry) else []

    @cached_property
    def tagger_models(self) -> dict[str, Model]:
        """The networks of the tagger: name of the weights there -> model."""
        systems, seed = self.members_of(self.config["submission"]), self.seeds[0]
        if self.config["tagger"]["members"] == ALL:
            return {f"{system}.safetensors": Model(system, seed, ALL) for system in systems}
        return {
            f"{system}_fold{fold}.safetensors": Model(system, seed, fold)
            for system in systems
            for fold in self.folds_of(system)
        }

    def tagger_settings(self) -> dict[str, Any]:
        """Parameters of the job that writes the tagger."""
        submission = self.config["submission"]
        return {
            "results": self.source.name,
            "name": submission,
            "seed": self.seeds[0],
            **self.combination_of(submission),
            "weights": {name: model.system for name, model in self.tagger_models.items()},
            "features": {
                system: self.base_of(system)["feature"] for system in self.members_of(submission)
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
    return "|".join(names) or "(?!)"
