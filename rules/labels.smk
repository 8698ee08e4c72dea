# Which labels are trusted: spreading per group, the selections, and how clean they are.


rule spread_labels:
    input:
        table=MANIFEST,
        vectors=lambda wc: vectors_of(wc.spreading),
    output:
        spread=f"{RESULTS}/spread/{{spreading}}/{{group}}.csv",
    log:
        f"{LOGS}/spread_labels/{{spreading}}/{{group}}.log",
    benchmark:
        f"{TIMES}/spread_labels/{{spreading}}/{{group}}.tsv"
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            "classes": groups_of(wc.spreading)[wc.group],
            **config["spreading"][wc.spreading],
        },
        code=code_of("spread_labels.py"),
    script:
        "../workflow_scripts/spread_labels.py"


rule summarise_spreading:
    input:
        groups=[path for name in SPREADINGS for path in spread_groups(name)],
    output:
        summary=f"{RESULTS}/spreading.csv",
        page=report(
            f"{RESULTS}/spreading.html",
            caption="captions/spreading.rst",
            category=LABELS_SECTION,
            labels={"shows": "labels before and after spreading"},
        ),
    log:
        f"{LOGS}/summarise_spreading.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"groups": [[name, group] for name in SPREADINGS for group in groups_of(name)]},
        code=code_of("summarise_spreading.py"),
    script:
        "../workflow_scripts/summarise_spreading.py"


rule select_labels:
    input:
        table=MANIFEST,
        groups=lambda wc: (
            spread_groups(config["labels"][wc.selection]["spreading"])
            if "spreading" in config["labels"][wc.selection]
            else []
        ),
    output:
        selection=f"{RESULTS}/labels/{{selection}}.csv",
    log:
        f"{LOGS}/select_labels/{{selection}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: config["labels"][wc.selection],
        code=code_of("select_labels.py"),
    script:
        "../workflow_scripts/select_labels.py"


rule measure_labels:
    input:
        table=MANIFEST,
        truth=given(SOURCE.layout.train_truth),
        selections=expand(f"{RESULTS}/labels/{{selection}}.csv", selection=SELECTIONS),
    output:
        quality=f"{RESULTS}/label_quality.csv",
        page=report(
            f"{RESULTS}/label_quality.html",
            caption="captions/label_quality.rst",
            category=LABELS_SECTION,
            labels={"shows": "how clean the labels are"},
        ),
    log:
        f"{LOGS}/measure_labels.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"names": SELECTIONS},
        code=code_of("measure_labels.py"),
    script:
        "../workflow_scripts/measure_labels.py"
