# Label spreading per group, selections of labels for training, and how many of them are correct.


rule spread_labels:
    """Spread verified labels to similar clips within one group of classes."""
    input:
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
        vectors=lambda wc: PLAN.vectors_of(wc.spreading),
    output:
        spread=f"{RESULTS}/spread/{{spreading}}/{{group}}.csv",
    log:
        f"{LOGS}/spread_labels/{{spreading}}/{{group}}.log",
    benchmark:
        f"{BENCHMARKS}/spread_labels/{{spreading}}/{{group}}.tsv"
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: PLAN.spreading_settings(wc.spreading, wc.group),
        code=code_of("spread_labels.py"),
    script:
        "../workflow_scripts/spread_labels.py"


rule summarise_spreading:
    """Count the labels before and after each spreading."""
    input:
        groups=lambda wc: [path for name in PLAN.spreadings for path in PLAN.spread_tables(name)],
    output:
        summary=f"{RESULTS}/spreading.csv",
    log:
        f"{LOGS}/summarise_spreading.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            "groups": [[name, group] for name in PLAN.spreadings for group in PLAN.groups_of(name)]
        },
        code=code_of("summarise_spreading.py"),
    script:
        "../workflow_scripts/summarise_spreading.py"


rule select_labels:
    """Select the labels that systems are trained on, with their weights."""
    input:
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
        groups=lambda wc: PLAN.spread_tables(config["labels"][wc.selection].get("spreading")),
    output:
        selection=f"{RESULTS}/selections/{{selection}}.csv",
    log:
        f"{LOGS}/select_labels/{{selection}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: config["labels"][wc.selection],
        code=code_of("select_labels.py"),
    script:
        "../workflow_scripts/select_labels.py"


rule measure_labels:
    """Count the correct labels of each selection, where the ground truth is known."""
    input:
        truth=data_file(LAYOUT.train_truth),
        selections=[f"{RESULTS}/selections/{name}.csv" for name in PLAN.selections],
    output:
        quality=f"{RESULTS}/label_quality.csv",
    log:
        f"{LOGS}/measure_labels.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"names": PLAN.selections},
        content=content_of(LAYOUT.train_truth),
        code=code_of("measure_labels.py"),
    script:
        "../workflow_scripts/measure_labels.py"
