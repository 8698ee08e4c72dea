"""The plan of labels and trainings: which job needs which file (see ``plan``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

from earmark.labels import class_groups
from earmark.labels.threshold_schedule import ThresholdSchedule
from earmark.planning.data_source import Source
from earmark.runtime.errors import EarmarkError

Entry = Mapping[str, Any]
# The fold of a network that learns from every clip.
ALL = "all"
# What is predicted of train clips where more folds are held out than vote.
ALL_FOLDS = "all_folds"
VALIDATION, CROSS_VALIDATION = "validation", "cross_validation"


@dataclass(frozen=True)
class Model:
    """One training: a system with one seed and one fold held out, or none (``ALL``)."""

    system: str
    seed: int | str
    fold: int | str


class TrainingPlan:
    """The systems and ensembles of a run, and the files and settings of trainings.

    ``swept`` are the systems of the config's sweep. Raises EarmarkError where the config does not
    fit the data: for folds that there are not, and for classes in no group.
    """

    def __init__(self, config: Entry, source: Source, swept: Sequence[str] = ()) -> None:
        self.config, self.source, self.swept = config, source, swept
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

    def predicted_folds(self, system: str, part: str) -> list[int]:
        """The folds whose models predict a part, which may be train clips of ``ALL_FOLDS``."""
        return self.every_fold if part == ALL_FOLDS else self.folds_of(system)

    def predicted_part(self, part: str) -> str:
        """The part that a part of predictions is of: train clips, if it is of ``ALL_FOLDS``."""
        return "train" if part == ALL_FOLDS else part

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

    def systems_of(self, entries: Sequence[str]) -> list[str]:
        """The members of systems and ensembles, each once."""
        return list(dict.fromkeys(name for entry in entries for name in self.members_of(entry)))

    @cached_property
    def candidates(self) -> list[str]:
        """What the submission is made from: a system or ensemble, or the best of several."""
        submission = self.config["submission"]
        return [submission] if isinstance(submission, str) else list(submission["best_of"])

    @cached_property
    def submitted_systems(self) -> list[str]:
        """The candidates' members, each once."""
        return self.systems_of(self.candidates)

    @property
    def choice(self) -> list[str]:
        """The table that says which candidate is chosen, if there are several."""
        return [f"{self.results}/choice.csv"] if len(self.candidates) > 1 else []

    @cached_property
    def scored(self) -> list[str]:
        """The systems and ensembles in scores.csv: the config's ``scores``, or else all ensembles,
        their members and the submission; also those that are compared, here or in the report's
        tables.
        """
        listed = self.config.get("scores") or [
            *(member for name in self.config["ensembles"] for member in self.members_of(name)),
            *self.config["ensembles"],
            *self.candidates,
        ]
        compared = [name for pair in self.config.get("compare", {}).values() for name in pair]
        tables = self.report2018.get("systems", {}).values()
        reported = [row["entry"] for rows in tables for row in rows]
        return list(dict.fromkeys([*listed, *compared, *reported]))

    @cached_property
    def scored_systems(self) -> list[str]:
        """The scored systems and the members of the scored ensembles, each once."""
        return self.systems_of(self.scored)

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
        if model.fold != ALL or not is_decided_by_validation(recipe):
            return []
        models = [replace(model, fold=fold) for fold in self.folds_of(model.system)]
        return [f"{self.model_folders(one)[number]}/model.json" for one in models]

    def final_model_file(self, model: Model, file: str) -> str:
        """A file of the model after the last round."""
        return f"{list(self.model_folders(model).values())[-1]}/{file}"

    def final_model_files(
        self, system: str, seed: int | str, file: str, part: str = "train"
    ) -> list[str]:
        """The ``final_model_file`` of each fold whose model predicts a part."""
        folds = self.predicted_folds(system, part)
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
            **(
                {"agreement": selftraining["agreement"]}
                if "agreement" in selftraining
                else {"schedule": self.schedule_of(model.system)}
            ),
        }

    def schedule_of(self, system: str) -> dict[str, float]:
        """The thresholds of a system's self-training."""
        settings = self.selftraining_of(system)
        return {field.name: settings[field.name] for field in fields(ThresholdSchedule)}


def is_decided_by_validation(recipe: Entry) -> bool:
    """Whether early stopping or the best epoch decides for how long a network learns."""
    return recipe.get("keep") != "last" or bool(recipe.get("patience"))
