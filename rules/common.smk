# What all rules share: the checked config, the plan, the code's hashes, and what a run may use.

import copy
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import update_config

SCRIPTS = BASE / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from earmark.dataset import index
from earmark.features import catalogue as kinds
from earmark.labels import class_groups
from earmark.networks import catalogue as networks
from earmark.planning import clip_index, code, data_source, records
from earmark.planning import config as settings
from earmark.planning.plan import Model, Plan, pattern
from earmark.runtime import gpus, interruption, processors
from earmark.runtime import job as jobs
from earmark.runtime.errors import EarmarkError


def or_workflow_error(function, *arguments):
    """The result of a function of Earmark; its errors end the planning with their sentence."""
    try:
        return function(*arguments)
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None


# CONFIG

# Presets go between config.yaml and the overlay, which Snakemake puts on top each time. A workflow
# that uses this one as a module may pass its `config`, and then that is the overlay.
PRESETS = or_workflow_error(settings.extended_presets, config.get("extends"), BASE / "presets")
if workflow.modifier.skip_configfile:
    OVERLAY = copy.deepcopy(config)
    for preset in [BASE / "config.yaml", *PRESETS]:
        update_config(config, settings.read_yaml(preset))
    update_config(config, OVERLAY)
for preset in PRESETS:

    configfile: preset


settings.remove_nulls(config)
SCHEMA = settings.read_yaml(BASE / "rules/schemas/config.schema.yaml")
or_workflow_error(settings.check, config, SCHEMA)
SOURCE = or_workflow_error(data_source.source_of, config)
PLAN = Plan(config, SOURCE)
RESULTS, REPORT = PLAN.results, PLAN.report
LOGS, TIMES = f"logs/{SOURCE.name}", f"{RESULTS}/benchmarks"

# THE RUN

interruption.export_snakemake_process()
jobs.prepend_to_pythonpath(SCRIPTS)
if workflow.is_main_process:
    or_workflow_error(records.check_room, Path(".snakemake"))
    if SOURCE.is_there:
        or_workflow_error(clip_index.update, SOURCE.layout, Path(RESULTS))
    # `--touch` is how a user takes results over; records in a database are not looked at.
    if (
        not {"--touch", "-t"} & set(sys.argv)
        and workflow.workflow_settings.persistence_backend.name == "FILE"
    ):
        or_workflow_error(records.check, Path(RESULTS))
LISTS = or_workflow_error(
    data_source.linked_layout, SOURCE, Path(RESULTS), workflow.is_main_process
)

# Training jobs take a GPU each, where there are any, and threads.
GPUS = 1 if config["hardware"]["device"] != "cpu" and gpus.count() > 0 else 0
PROCESSORS = processors.available_processors()
ON_CLUSTER = workflow.nodes is not None
TRAINING_THREADS = config["training_threads"]
if not ON_CLUSTER:
    TRAINING_THREADS = min(TRAINING_THREADS, PROCESSORS)
if workflow.is_main_process and not ON_CLUSTER:
    # On one machine, as many jobs compute on GPUs at a time as there are, and trainings together
    # have no more threads than there are processors: sharing them, they would wait for each other.
    # A cluster's scheduler knows better. `--resources gpu=2` says otherwise.
    for name, most in (("gpu", max(1, gpus.count())), ("training_threads", PROCESSORS)):
        if name not in workflow.global_resources:
            workflow.register_resource(name, most)


if workflow.is_main_process:

    # Snakemake deletes a job's outputs before the job starts. If that job fails and files made from
    # them are still there, the next run finds nothing to be done: an edit would be lost without a
    # word. So planned outputs stay marked incomplete until rebuilt.
    onstart:
        for job in workflow.dag.needrun_jobs():
            workflow.persistence.started(job)


# FOR RULES


def code_of(script):
    """A parameter, computed for jobs of the run only: the hash of a script and what it imports."""
    return lambda wc: code.code_of(SCRIPTS / script)


def code_of_network(system):
    """A parameter: the hash of the module with a system's network, which is found by name."""
    return code.code_of_module(networks.module_of(PLAN.base_of(system)["network"]), SCRIPTS)


def code_of_feature(feature):
    """A parameter: the hash of the module with a feature's kind, which is found by name."""
    return code.code_of_module(kinds.module_of(config["features"][feature]["kind"]), SCRIPTS)


def content_of(*paths):
    """A parameter: hashes of the user's own lists, which may come with an older time."""
    if SOURCE.kind != "folder":
        return ""
    return lambda wc: [index.hash_of(path)[1] if path else "" for path in paths]


def temp_unless_kept(path, kind):
    """An output that is deleted when no job needs it any more, unless the config keeps its kind."""
    return path if config["keep"][kind] else temp(path)


def data_file(path):
    """A file of the data set: the user's own lies where it is, also with a storage provider."""
    return str(path) if SOURCE.kind == "demo" else local(str(path))


INDEX = f"{RESULTS}/index/{{part}}.csv"


def index_of(part):
    """The index of a part; a file of the main process where no rule makes it."""
    path = INDEX.format(part=part)
    if not SOURCE.is_there:
        return path
    if not workflow.is_main_process and not Path(path).exists():
        # A job on a machine that shares no disk with the main process.
        or_workflow_error(clip_index.update, SOURCE.layout, Path(RESULTS))
    return local(path)


# Where a job computes, and where the data lies, is no reason to redo it: scripts read it past
# Snakemake's bookkeeping.
config["untracked"] = {"folder": str(SOURCE.layout.folder), "hardware_settings": config["hardware"]}

# Sections of the page that `snakemake --report` makes. It sorts them by name.
RESULTS_SECTION = "1 Results"
DATA_SECTION = "2 Data"
LABELS_SECTION = "3 Labels"
TRAINING_SECTION = "4 Training"
REPORT_SECTION = "5 The 2018 report"


wildcard_constraints:
    part="train|test",
    feature=pattern(config["features"]),
    autoencoder=pattern(config["autoencoders"]),
    spreading=pattern(config["spreading"]),
    group=pattern(class_groups.group_names(config["group_schemes"])),
    selection=pattern(config["labels"]),
    system=pattern(config["systems"]),
    entry=pattern([*config["systems"], *config["ensembles"]]),
    seed=r"\d+",
    fold=r"\d+",
    round=r"\d+",
    scheme=pattern(class_groups.SCHEMES),
    structure=pattern(["autoencoder", *config["systems"]]),
    comparison=pattern(PLAN.report2018.get("systems", {})),
