"""Earmark: from a folder of sounds with partly verified labels to submission.csv."""

from snakemake.utils import min_version

min_version("9.27.1")


configfile: f"{workflow.basedir}/config.yaml"


report: "rules/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/dataset.smk"
include: "rules/features.smk"
include: "rules/labels.smk"
include: "rules/models.smk"
include: "rules/selftraining.smk"
include: "rules/ensemble.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        rules.write_submission.output,
        SCORES,
        FIGURES,


# On a cluster these run beside Snakemake itself: each takes seconds, less than a wait in the queue.
localrules:
    summarise_spreading,
    select_labels,
    measure_labels,
    combine_predictions,
    write_submission,
    score,
    score_held_out,
    plot_history,
    plot_classes,
    plot_schedule,
    tabulate_spreading,
    tabulate_selftraining,
    tabulate_systems,
    list_discrepancies,
