# Settings of systems compared with each other: `sweep` in the config.


rule tabulate_sweep:
    """Compare the settings of the sweep, or those that are trained so far: a table and a figure."""
    input:
        members=lambda wc: [
            PLAN.predictions(system, seed, "train")
            for system in compared(wc.sweep)
            for seed in PLAN.seeds
        ],
        metadata=lambda wc: [
            PLAN.final_model_file(PLAN.first_model(system), "model.json")
            for system in compared(wc.sweep)
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
        sweep="sweep|sweep_so_far",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: PLAN.sweep_settings(compared(wc.sweep)),
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
        f"{RESULTS}/sweep_so_far.csv",


use rule sweep as ablation


if workflow.is_main_process and SWEPT:

    onerror:
        if any(job.rule.name.endswith("tabulate_sweep") for job in workflow.dag.needrun_jobs()):
            logger.error("For a table of the settings that are trained, run `sweep_so_far`.")
