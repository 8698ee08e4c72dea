# Shared by all rules: the checked config, the plan, hashes of code, and limits on resources.

import copy
import gc
import sys
from functools import cache
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

SCRIPTS = BASE / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from earmark.dataset import index, yaml_files
from earmark.features import catalogue as kinds
from earmark.labels import class_groups
from earmark.networks import catalogue as networks
from earmark.planning import clip_index, code, data_source, records, sweep
from earmark.planning import config as settings
from earmark.planning.plan import ALL, ALL_FOLDS, CROSS_VALIDATION, VALIDATION, Model, Plan, pattern
from earmark.runtime import gpus, interruption, job, outputs, own_parts, processors
from earmark.runtime.errors import EarmarkError


def or_workflow_error(function, *arguments):
    """Call a function of Earmark; Snakemake prints a WorkflowError without a traceback."""
    try:
        return function(*arguments)
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None


or_workflow_error(job.check_checkout, BASE)

# CONFIG

# Presets override config.yaml and are overridden by the overlay, which Snakemake applies after each
# configfile. A workflow that uses this one as a module may pass its `config`: then that is the overlay.
PRESETS = or_workflow_error(settings.extended_presets, config.get("extends"), BASE / "presets")
if workflow.modifier.skip_configfile:
    OVERLAY = copy.deepcopy(config)
    for preset in [BASE / "config.yaml", *PRESETS]:
        update_config(config, yaml_files.read(preset))
    update_config(config, OVERLAY)
for preset in PRESETS:

    configfile: preset


settings.remove_nulls(config)
SCHEMA = yaml_files.read(BASE / "rules/schemas/config.schema.yaml")
or_workflow_error(settings.check, config, SCHEMA)
SWEPT = or_workflow_error(sweep.expand, config, SCHEMA)
if workflow.is_main_process:
    for folder in (".snakemake", "results", "logs"):
        or_workflow_error(outputs.check_folder, folder)
# Of 100,000 clips, Python would look for garbage among their rows again and again, for a second.
gc.disable()
SOURCE = or_workflow_error(data_source.source_of, config, workflow.is_main_process)
RESULTS = f"results/{SOURCE.name}"
SOUNDS = or_workflow_error(
    data_source.sounds_folder, config, Path(RESULTS), workflow.is_main_process
)
LOGS, BENCHMARKS = f"logs/{SOURCE.name}", f"{RESULTS}/benchmarks"
HAS_AUTO_RATE = settings.has_auto_rate(config)

# THE RUN

interruption.export_snakemake_process()
job.prepare_jobs(SCRIPTS)
if workflow.is_main_process:
    for folder in (RESULTS, LOGS):
        or_workflow_error(outputs.check_folder, folder)
    or_workflow_error(records.check_writable, Path(".snakemake"))
    or_workflow_error(data_source.check, SOURCE, Path(RESULTS))
    if SOURCE.clips_exist:
        or_workflow_error(
            clip_index.update,
            SOURCE.layout,
            Path(RESULTS),
            clip_index.CACHE,
            SOURCE.clips,
            HAS_AUTO_RATE,
            SOURCE.owner,
        )
    if SOUNDS:
        or_workflow_error(clip_index.update_sounds, SOUNDS, Path(RESULTS))
gc.freeze()
gc.enable()
if workflow.is_main_process:
    # `--touch` is how a user accepts results without records; records in a database are not checked.
    if records.are_used(sys.argv) and workflow.workflow_settings.persistence_backend.name == "FILE":
        or_workflow_error(records.check, Path(RESULTS))
        for top in ("submission.csv", "tags.csv", "suspects.csv"):
            or_workflow_error(records.check_top, Path(top), Path(RESULTS))
LAYOUT = or_workflow_error(
    data_source.linked_layout, SOURCE, Path(RESULTS), workflow.is_main_process
)

# Jobs read the rate that the main process wrote, and so see the same features.
if HAS_AUTO_RATE:
    rate = or_workflow_error(clip_index.sample_rate_of, SOURCE, Path(RESULTS))
    config["features"] = or_workflow_error(settings.resolved_features, config, rate)
PLAN = or_workflow_error(Plan, config, SOURCE, SWEPT)
REPORT = PLAN.report

# Training jobs take a GPU each, where there are any, and threads.
GPUS = 1 if config["hardware"]["device"] != "cpu" and gpus.count() > 0 else 0
PROCESSORS = processors.available_processors()
ON_CLUSTER = workflow.nodes is not None
TRAINING_THREADS = config["training_threads"]
if not ON_CLUSTER:
    TRAINING_THREADS = min(TRAINING_THREADS, PROCESSORS)
if workflow.is_main_process and not ON_CLUSTER:
    # On one machine, at most one job per GPU runs at a time, and trainings together use no more
    # threads than there are CPU cores. A cluster's scheduler does this itself. `--resources gpu=2`
    # overrides it.
    for name, limit in (("gpu", max(1, gpus.count())), ("training_threads", PROCESSORS)):
        if name not in workflow.global_resources:
            workflow.register_resource(name, limit)


if workflow.is_main_process:

    # Snakemake deletes a job's outputs before the job starts. If that job fails while files made from
    # them still exist, the next run would find nothing to be done, and an edit would be lost silently.
    # So planned outputs stay marked incomplete until rebuilt.
    onstart:
        if SOURCE.kind == "folder":
            or_workflow_error(clip_index.note_owner, SOURCE.owner, Path(RESULTS))
        for planned in workflow.dag.needrun_jobs():
            workflow.persistence.started(planned)


# FOR RULES


def code_of(script):
    """A parameter, computed only for jobs of the run: the hash of a script and its imports."""
    return lambda wc: code.code_of(SCRIPTS / script)


def code_of_network(system):
    """A parameter: the hash of the module with a system's network, which is imported by name."""
    entry = PLAN.base_of(system)
    return code_of_part(entry["network"], entry.get("network_options", {}), networks.module_of)


def code_of_feature(feature):
    """A parameter: the hash of the module with a feature's kind, which is imported by name."""
    entry = config["features"][feature]
    return code_of_part(entry["kind"], entry, kinds.module_of)


# Once: a pretrained network is a large file, and many jobs may read it.
code_of_own = cache(code.code_of_own)


def code_of_part(name, options, module_of=None):
    """The hash of the module of a network or kind of feature, or of the user's own file with it."""
    if own_parts.is_own(name):
        return code_of_own(own_parts.split(name)[0], tuple(own_parts.data_files(options)), SCRIPTS)
    return code.code_of_module(module_of(name), SCRIPTS)


def with_augmentation(settings):
    """The settings of a training, with the hash of the user's own augmentation if there is one."""
    recipe = settings["recipe"]
    if name := recipe.get("augmentation"):
        found = code_of_part(name, recipe.get("augmentation_options", {}))
        settings = {**settings, "augmentation_code": found}
    return settings


def content_of(*paths):
    """A parameter: hashes of the user's own lists, as an edited one may have an older time."""
    if SOURCE.kind != "folder":
        return ""
    return lambda wc: [index.hash_of(path)[1] if path else "" for path in paths]


def temp_unless_kept(path, kind):
    """An output that Snakemake deletes when no job needs it, unless the config keeps its kind."""
    return path if config["keep"][kind] else temp(path)


def data_file(path):
    """A file of the data set; a user's own is not copied to a storage provider."""
    return str(path) if SOURCE.kind == "demo" else local(str(path))


def is_trained(system):
    """Whether a system's networks of all seeds and folds are there."""
    files = [PLAN.final_model_files(system, seed, "weights.safetensors") for seed in PLAN.seeds]
    return all(Path(path).exists() for paths in files for path in paths)


def compared(sweep):
    """The systems in a table of the sweep: all of them, or those that are trained so far."""
    choice = is_trained if sweep == "sweep_so_far" else lambda system: True
    return or_workflow_error(PLAN.compared, choice)


INDEX = f"{RESULTS}/index/{{part}}.csv"


def index_of(part):
    """A table of the index, which the main process writes where no rule does."""
    path = INDEX.format(part=part)
    if part != "sounds" and not SOURCE.clips_exist:
        return path
    if not workflow.is_main_process and not Path(path).exists():
        # This job's machine shares no disk with the main process.
        if part == "sounds":
            or_workflow_error(clip_index.update_sounds, SOUNDS, Path(RESULTS))
        else:
            or_workflow_error(clip_index.update, SOURCE.layout, Path(RESULTS))
    return local(path)


# Scripts read these from the config, so that a change of hardware or of the clips' folders reruns
# nothing.
config["untracked"] = {
    "dataset": SOURCE.path,
    "folders": {
        **dict.fromkeys(index.PARTS, str(SOURCE.layout.folder)),
        "sounds": str(SOUNDS),
    },
    "hardware_settings": config["hardware"],
}

# Sections of the page that `snakemake --report` makes. It sorts them by name.
RESULTS_SECTION = "1 Results"
DATA_SECTION = "2 Data"
LABELS_SECTION = "3 Labels"
TRAINING_SECTION = "4 Training"
REPORT_SECTION = "5 The 2018 report"


wildcard_constraints:
    part="train|test|sounds",
    feature=pattern(config["features"]),
    autoencoder=pattern(config["autoencoders"]),
    spreading=pattern(config["spreading"]),
    group=pattern(class_groups.group_names(config["group_schemes"])),
    selection=pattern(config["labels"]),
    system=pattern(config["systems"]),
    entry=pattern([*config["systems"], *config["ensembles"]]),
    seed=r"\d+",
    fold=r"\d+|all",
    round=r"\d+",
    scheme=pattern(class_groups.SCHEMES),
    structure=pattern(["autoencoder", *config["systems"]]),
    comparison=pattern(PLAN.report2018.get("systems", {})),
