"""Earmark: from a folder of sounds with partly verified labels to submission.csv."""

from pathlib import Path

from snakemake.utils import min_version

min_version("9.27.1")

# Not workflow.basedir, which is the other workflow's when this one is used as a module.
BASE = Path(workflow.current_basedir)


configfile: BASE / "config.yaml"


report: "rules/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/dataset.smk"
include: "rules/features.smk"
include: "rules/labels.smk"
include: "rules/models.smk"
include: "rules/selftraining.smk"
include: "rules/ensemble.smk"
include: "rules/sweep.smk"
include: "rules/review.smk"
include: "rules/report.smk"


rule all:
    """Make the submission, scores, tags and figures, as far as the data allow; the default target."""
    default_target: True
    input:
        SUBMISSION,
        SCORES,
        TAGS,
        or_workflow_error(lambda: PLAN.figures),
