# Settings of systems compared with each other: `sweep` in the config.

SO_FAR = "sweep_so_far"


def is_trained(system):
    """Whether there are networks of a system with all seeds and folds."""
    return all(
        Path(path).exists()
        for seed in PLAN.seeds
        for path in PLAN.final_model_files(system, seed, "weights.safetensors")
    )


def settings_in(sweep):
    """The systems in a table of the sweep: all of them, or those that are trained so far."""
    return or_workflow_error(PLAN.settings_of_sweep, is_trained if sweep == SO_FAR else None)


rule tabulate_sweep:
    """Compare the settings of the sweep, or those that are trained so far: a table and a figure."""
    input:
        members=lambda wc: [
            PLAN.predictions(system, seed, "train")
            for system in settings_in(wc.sweep)
            for seed in PLAN.seeds
        ],
        metadata=lambda wc: [
            PLAN.final_model_file(PLAN.first_model(system), "model.json")
            for system in settings_in(wc.sweep)
        ],
        labels_table=LABELS,
        folds_table=FOLDS,
    output:
        table=f"{RESULTS}/{{sweep}}.csv",
        png=f"{REPORT}/{{sweep}}.png",
        svg=report(
            f"{REPORT}/{{sweep}}.svg",
            caption="captions/sweep.rst",
            category=RESULTS_SECTION,
            labels={"content": "{sweep}"},
        ),
    log:
        f"{LOGS}/{{sweep}}.log",
    wildcard_constraints:
        sweep=f"sweep|{SO_FAR}",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: PLAN.sweep_settings(settings_in(wc.sweep)),
        code=code_of("tabulate_sweep.py"),
    script:
        "../workflow_scripts/tabulate_sweep.py"


rule sweep:
    """Train all settings of the sweep, and compare them."""
    input:
        f"{RESULTS}/sweep.csv",


rule sweep_so_far:
    """Compare the settings of the sweep that are trained; the table says which are missing."""
    input:
        f"{RESULTS}/{SO_FAR}.csv",


rule ablation:
    """The same as sweep, for one that leaves out one ingredient at a time."""
    input:
        f"{RESULTS}/sweep.csv",


if workflow.is_main_process and SWEPT:

    onerror:
        if any(job.rule.name.endswith("tabulate_sweep") for job in workflow.dag.needrun_jobs()):
            logger.error(
                "The table of the sweep needs all settings. `snakemake sweep_so_far`, with the "
                "same config, makes it of those that are trained; `-k` trains on when one fails."
            )
