# Everything that rules share: the checked config, names of files, and the code's hashes.

import sys
from pathlib import Path
from types import SimpleNamespace

import yaml
from snakemake.exceptions import WorkflowError

BASE = Path(workflow.basedir)
SCRIPTS = BASE / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from earmark import config as settings
from earmark import layout, provenance, run_folder, vocabulary
from earmark.features import catalogue as kinds, settings as feature_settings
from earmark.networks import catalogue as networks
from earmark.runtime import gpus, interruption
from earmark.runtime.errors import EarmarkError

interruption.announce()
if workflow.is_main_process:
    # Kept until Snakemake ends.
    try:
        RUN = run_folder.enter(Path(".snakemake"))
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None
    if workflow.nodes is None and "gpu" not in workflow.global_resources:
        # On one machine, as many jobs compute on GPUs at a time as there are; a cluster's scheduler
        # knows better. `--resources gpu=2` says otherwise.
        workflow.register_resource("gpu", max(1, gpus.count()))


if workflow.is_main_process:

    # Snakemake deletes a job's outputs before the job starts. If that job fails, and what is made
    # from them is still there from before, the next run finds nothing to be done: an edit would be
    # lost without a word. So all that is to be made anew counts as incomplete until it is made.
    onstart:
        for job in workflow.dag.needrun_jobs():
            workflow.persistence.started(job)


def presets_below():
    """The presets that the overlay builds on, if it does, deepest first."""
    try:
        return settings.presets_below(config.get("extends"), BASE / "presets")
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None


# They go between config.yaml and the overlay: Snakemake puts that one on top again each time.
for preset in presets_below():

    configfile: preset


def code_of(script):
    """A parameter: the hash of a script and of all local code that it imports.

    It is worked out for the jobs of a run only, which keeps the planning quick.
    """
    return lambda wc: provenance.code_of(SCRIPTS / script)


def code_of_network(wc):
    """A parameter: the hash of a system's network, which scripts find by name."""
    return provenance.code_of_module(networks.module_of(base_of(wc.system)["network"]), SCRIPTS)


def code_of_feature(wc):
    """A parameter: the hash of a feature's kind, which its script finds by name."""
    return provenance.code_of_module(
        kinds.module_of(config["features"][wc.feature]["kind"]), SCRIPTS
    )


def passing(path, what):
    """An output that goes when no job needs it any more, unless the config keeps its kind."""
    return path if config["keep"][what] else temp(path)


def given(path):
    """A file of the data set: the user's own lies where it is, also with a storage provider."""
    return local(str(path)) if SOURCE.kind == "folder" else str(path)


def checked_source():
    """The data set's description; mistakes in the config or the data end the planning here."""
    # The loader in C takes an eighth of the time, and every start of Snakemake comes through here.
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (BASE / "rules/schemas/config.schema.yaml").read_text(encoding="utf-8")
    schema = yaml.load(text, Loader=loader)
    try:
        settings.check(config, schema)
        return settings.source_of(config)
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None


def groups_of(spreading):
    """The groups of a spreading that occur in the data: group -> its classes."""
    name = config["spreading"][spreading]["scheme"]
    try:
        scheme = vocabulary.find_scheme(name, config["group_schemes"])
        return vocabulary.groups_of(SOURCE.labels, name, scheme)
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None


def base_of(system):
    """The config entry that says feature, network and labels, also of a self-trained system."""
    entry = config["systems"][system]
    return config["systems"][entry["base"]] if "base" in entry else entry


def folds_of(system):
    """The folds that a system is trained for, each held out once."""
    return base_of(system).get("folds", [0])


def last_stage_of(system):
    """Folder of a system's finished model, with wildcards for seed and fold."""
    if "base" not in config["systems"][system]:
        return f"{RESULTS}/models/{system}/seed{{seed}}/fold{{fold}}"
    rounds = selftraining_of(system)["rounds"]
    return f"{RESULTS}/selftraining/{system}/seed{{seed}}/fold{{fold}}/round{rounds}"


def network_of(system, recipe):
    """What a training job needs to know of a system, as plain values."""
    entry = base_of(system)
    return {
        "network": entry["network"],
        "network_options": entry.get("network_options", {}),
        "recipe": config["recipes"][recipe],
        "validation": entry.get("validation", "verified"),
    }


def members_of(entry):
    """The systems behind a system or an ensemble."""
    return config["ensembles"][entry]["members"] if entry in config["ensembles"] else [entry]


def combination_of(entry):
    """How the predictions of a system or an ensemble are averaged, as plain values."""
    settings = config["ensembles"].get(entry, {"kind": "arithmetic"})
    return {
        "kind": settings["kind"],
        "exponent": settings.get("exponent", 0.25),
        "folds": {system: folds_of(system) for system in members_of(entry)},
    }


def spread_groups(spreading):
    """The spreading's tables, one per group that occurs in the data."""
    return [f"{RESULTS}/spread/{spreading}/{group}.csv" for group in groups_of(spreading)]


def vectors_of(spreading):
    """The file with what a spreading compares clips by: latents, or pictures."""
    entry = config["spreading"][spreading]
    if "feature" in entry:
        return f"{RESULTS}/features/{entry['feature']}.h5"
    return f"{RESULTS}/autoencoders/{entry['autoencoder']}/latents.h5"


def stage_before(wc, file):
    """The file of the round before, or of the base model; none for a start from scratch."""
    done = int(wc.round) - 1
    if done:
        return files_of_rounds(wc, file)[done - 1]
    base = files_of_base(wc, file)
    return base[0] if base else []


def files_of_base(wc, file):
    """The file of the model that a system is or starts from; none for a start from scratch."""
    entry = config["systems"][wc.system]
    if "base" in entry and selftraining_of(wc.system)["start"] == "untrained":
        return []
    return [f"{RESULTS}/models/{entry.get('base', wc.system)}/seed{wc.seed}/fold{wc.fold}/{file}"]


def files_of_rounds(wc, file):
    """The file of each self-training round of a system, if it has any."""
    if "base" not in config["systems"][wc.system]:
        return []
    folder = f"{RESULTS}/selftraining/{wc.system}/seed{wc.seed}/fold{wc.fold}"
    rounds = selftraining_of(wc.system)["rounds"]
    return [f"{folder}/round{number}/{file}" for number in range(1, rounds + 1)]


def selftraining_of(system):
    """The self-training settings of a system."""
    return config["selftraining"][config["systems"][system]["selftraining"]]


def member_predictions(wc):
    """Prediction files of all members and folds, in the order that the script expects."""
    return [
        f"{last_stage_of(system)}/predictions.h5".format(seed=wc.seed, fold=fold)
        for system in members_of(wc.entry)
        for fold in folds_of(system)
    ]


def stages_of(wc):
    """Histories of a system in the order of training: base model, then rounds."""
    return files_of_base(wc, "history.csv") + files_of_rounds(wc, "history.csv")


def first_run_of(system):
    """Wildcards of a system's model of the first seed and fold."""
    return SimpleNamespace(system=system, seed=SEEDS[0], fold=folds_of(system)[0])


def first_model_of(system, file):
    """A file of that model."""
    run = first_run_of(system)
    return f"{last_stage_of(system)}/{file}".format(seed=run.seed, fold=run.fold)


def earlier_rounds():
    """A pattern for systems that matches only in paths of rounds before a system's last one."""
    numbers = {
        system: "|".join(map(str, range(1, selftraining_of(system)["rounds"])))
        for system, entry in config["systems"].items()
        if "base" in entry
    }
    return "|".join(
        rf"{system}(?=/seed\d+/fold\d+/round(?:{earlier})/)"
        for system, earlier in numbers.items()
        if earlier
    )


def schedule_of(system):
    """The thresholds of a system's self-training."""
    keys = ("lower_first", "lower_step", "lower_last", "upper")
    return {key: selftraining_of(system)[key] for key in keys}


def structure_of(name):
    """What is needed to build a system's network, or the report's autoencoder."""
    if name == "autoencoder":
        entry = config["autoencoders"][REBUILT["autoencoder"]]
        shape = feature_settings.parse(config["features"][entry["feature"]]).shape
        return {
            "network": "autoencoder",
            "network_options": {},
            "input_shape": list(shape),
            "classes": len(SOURCE.labels),
            "title": "autoencoder",
        }
    entry = base_of(name)
    return {
        "network": entry["network"],
        "network_options": entry.get("network_options", {}),
        "input_shape": list(settings.input_shape_of(config, entry)),
        "classes": len(SOURCE.labels),
        "title": f"{entry['network']} ({name})",
    }


def example_labels():
    """Two classes to show clips of: of music and not, where there are both."""
    music = [label for label in SOURCE.labels if label in vocabulary.MUSIC]
    others = [label for label in SOURCE.labels if label not in vocabulary.MUSIC]
    return [*music[:1], *others[:1]] if music and others else SOURCE.labels[:2]


def clip_scores_of(comparison):
    """Scores per clip: of the test clips where their truth is known, or else of held-out clips."""
    if SOURCE.layout.test_truth:
        return [f"{RESULTS}/clip_scores.csv"]
    entries = dict.fromkeys(row["entry"] for row in REBUILT["systems"][comparison])
    return [f"{RESULTS}/held_out/seed{seed}/{entry}.csv" for seed in SEEDS for entry in entries]


def pictures(*names):
    """Both files of each figure."""
    return [f"{REPORT}/{name}.{kind}" for name in names for kind in ("png", "svg")]


def written(*names):
    """The files of each table."""
    return [f"{REPORT}/{name}.{kind}" for name in names for kind in ("csv", "md", "html")]


def report_files(wc):
    """Every table and figure of the 2018 report."""
    if not REBUILT:
        raise WorkflowError(
            "The config lists no tables of the report. Add `--configfile "
            "presets/report2018-small.yaml` (two cores) or `presets/report2018.yaml` (full size)."
        )
    autoencoder, filters = REBUILT["autoencoder"], REBUILT["filters_of"]
    return (
        FIGURES
        + pictures(
            f"examples_{config['autoencoders'][autoencoder]['feature']}",
            "structure_autoencoder",
            *[f"structure_{system}" for system in REBUILT["structures_of"]],
            f"autoencoder_{autoencoder}_loss",
            f"autoencoder_{autoencoder}_rebuilt",
            "threshold_schedule",
            f"filters_{filters}",
            f"feature_maps_{filters}",
        )
        + written(
            *[f"spreading_{scheme}" for scheme in REBUILT["spreading"]],
            *[f"selftraining_{system}" for system in REBUILT["selftraining"]],
            *REBUILT["systems"],
            "discrepancies",
        )
    )


SOURCE = checked_source()
for folder in ("results", "logs"):
    if Path(folder).exists() and not Path(folder).is_dir():
        raise WorkflowError(
            f"The output folder {Path(folder).resolve()} cannot be written: a file has its name. "
            f"Move that file away, or run in another folder with `snakemake --directory`."
        )
RESULTS = f"results/{SOURCE.name}"
REPORT = f"{RESULTS}/report"
LOGS = f"logs/{SOURCE.name}"
TIMES = f"{RESULTS}/benchmarks"
MANIFEST = f"{RESULTS}/manifest.csv"
SEEDS = config.get("seeds", [config["seed"]])

# Sections of the page that `snakemake --report` makes. It sorts them by name.
RESULTS_SECTION = "1 Results"
DATA_SECTION = "2 Data"
LABELS_SECTION = "3 Labels"
TRAINING_SECTION = "4 Training"
REPORT_SECTION = "5 The 2018 report"

# Training jobs take a GPU each, where there are any.
GPUS = 1 if settings.uses_gpu(config) else 0

# What is rebuilt from the 2018 report, if the config says so.
REBUILT = config.get("report", {})
# What scores.csv compares: all ensembles and the systems in them, the submission's own, and what the
# report's tables list.
SCORED = list(
    dict.fromkeys(
        [member for name in config["ensembles"] for member in members_of(name)]
        + list(config["ensembles"])
        + [config["submission"]]
        + [row["entry"] for rows in REBUILT.get("systems", {}).values() for row in rows]
    )
)
# Selections of labels that those learn from, and the spreadings behind them or in the report.
SELECTIONS = sorted({base_of(member)["labels"] for entry in SCORED for member in members_of(entry)})
LEARNED_SPREADINGS = sorted(
    {
        config["labels"][name]["spreading"]
        for name in SELECTIONS
        if "spreading" in config["labels"][name]
    }
)
SPREADINGS = sorted({*LEARNED_SPREADINGS, *REBUILT.get("spreading", {}).values()})
# What `snakemake all` draws.
FIGURES = pictures(
    "clips_per_class",
    *[f"tsne_{name}_{group}" for name in LEARNED_SPREADINGS for group in groups_of(name)],
    *[
        f"history_{system}_seed{seed}_fold{fold}"
        for system in SCORED
        if system in config["systems"]
        for seed in SEEDS
        for fold in folds_of(system)
    ],
)


wildcard_constraints:
    feature="|".join(config["features"]),
    autoencoder="|".join(config["autoencoders"]),
    spreading="|".join(config["spreading"]),
    group=r"\w+",
    selection="|".join(config["labels"]),
    system="|".join(config["systems"]),
    entry="|".join([*config["systems"], *config["ensembles"]]),
    seed=r"\d+",
    fold=r"\d+",
    round=r"\d+",
    scheme="|".join(vocabulary.SCHEMES),
    structure="|".join(["autoencoder", *config["systems"]]),
    comparison="|".join(REBUILT.get("systems", ["none"])),
