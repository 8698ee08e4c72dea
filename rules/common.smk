# What all rules share: the checked config, the plan, the code's hashes, and what a run may use.

import copy
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

SCRIPTS = BASE / "workflow_scripts"
sys.path.insert(0, str(SCRIPTS))

from earmark.planning import config as settings
from earmark.labels import class_groups
from earmark.planning import run_folder
from earmark.features import catalogue as kinds
from earmark.networks import catalogue as networks
from earmark.planning import code, records, sources
from earmark.planning.plan import Model, Plan, pattern
from earmark.runtime import gpus, interruption, processors
from earmark.runtime import job as jobs
from earmark.runtime.errors import EarmarkError


def told(function, *arguments):
    """What a function of Earmark returns; its errors end the planning with their sentence."""
    try:
        return function(*arguments)
    except EarmarkError as problem:
        raise WorkflowError(str(problem)) from None


# CONFIG


def load_yaml(path):
    """A YAML file. The loader in C takes an eighth of the time, and every start comes through."""
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


# Presets go between config.yaml and the overlay, which Snakemake puts on top each time. A workflow
# that uses this one as a module may give its `config`, and then that is the overlay.
PRESETS = told(settings.presets_below, config.get("extends"), BASE / "presets")
if workflow.modifier.skip_configfile:
    OVERLAY = copy.deepcopy(config)
    for preset in [BASE / "config.yaml", *PRESETS]:
        update_config(config, load_yaml(preset))
    update_config(config, OVERLAY)
for preset in PRESETS:

    configfile: preset


settings.remove_nulls(config)
told(settings.check, config, load_yaml(BASE / "rules/schemas/config.schema.yaml"))
SOURCE = told(settings.source_of, config)
PLAN = Plan(config, SOURCE)
RESULTS, LOGS, TIMES, REPORT = PLAN.results, PLAN.logs, PLAN.times, PLAN.report

# THE RUN

interruption.announce()
jobs.take_package_from(SCRIPTS)
if workflow.is_main_process:
    # Kept until Snakemake ends.
    RUN = told(run_folder.enter, Path(".snakemake"))
    told(sources.prepare, SOURCE, Path(RESULTS))
    if records.trusts_results(sys.argv):
        KNOWN = records.of(workflow)
        told(records.check, Path(RESULTS), KNOWN)
        records.mark_foreign(Path("submission.csv"), Path(RESULTS), KNOWN)
LISTS = told(sources.lists, SOURCE, Path(RESULTS), workflow.is_main_process)

# Training jobs take a GPU each, where there are any, and threads.
GPUS = 1 if settings.uses_gpu(config) else 0
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

    # Snakemake deletes a job's outputs before the job starts. If that job fails, and what is made
    # from them is still there from before, the next run finds nothing to be done: an edit would be
    # lost without a word. So all that is to be made anew counts as incomplete until it is made.
    onstart:
        sources.begin(SOURCE)
        for job in workflow.dag.needrun_jobs():
            workflow.persistence.started(job)
        if not ON_CLUSTER and (workflow.cores or 0) > PROCESSORS:
            logger.info(
                f"Trainings take {TRAINING_THREADS} of the {PROCESSORS} processors each, so at most "
                f"{PROCESSORS // TRAINING_THREADS} run at a time, whatever -j says."
            )


# FOR RULES


def code_of(script):
    """A parameter: the hash of a script and of all local code that it imports.

    It is worked out for the jobs of a run only, which keeps the planning quick.
    """
    return lambda wc: code.code_of(SCRIPTS / script)


def code_of_network(system):
    """A parameter: the hash of the module with a system's network, which is found by name."""
    return code.code_of_module(networks.module_of(PLAN.base_of(system)["network"]), SCRIPTS)


def code_of_feature(feature):
    """A parameter: the hash of the module with a feature's kind, which is found by name."""
    return code.code_of_module(kinds.module_of(config["features"][feature]["kind"]), SCRIPTS)


def content_of(*paths):
    """A parameter: a hash of the user's own lists, which may come with an older time."""
    if SOURCE.kind != "folder":
        return ""
    return lambda wc: [sources.content_of(path) for path in paths]


def passing(path, what):
    """An output that goes when no job needs it any more, unless the config keeps its kind."""
    return path if config["keep"][what] else temp(path)


def given(path):
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
        told(sources.prepare, SOURCE, Path(RESULTS))
    return local(path)


def report_files(wc):
    """Every table and figure of the 2018 report."""
    if not PLAN.report2018:
        raise WorkflowError(
            "The config lists no tables of the report. Add `--configfile "
            "presets/report2018-small.yaml` (two cores) or `presets/report2018.yaml` (full size)."
        )
    return PLAN.report_files()


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
