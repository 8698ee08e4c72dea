# Which labels are probably wrong, and pages to listen to them and to correct them.


rule find_suspects:
    """Find the train clips whose label is probably wrong."""
    input:
        members=PLAN.suspecting_predictions(),
        features=PLAN.suspecting_features(),
        listed_table=index_of("listed"),
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
    output:
        found=f"{RESULTS}/suspects.csv",
        top="suspects.csv",
        counts=f"{RESULTS}/wrong_labels.csv",
    log:
        f"{LOGS}/find_suspects.log",
    conda:
        "../envs/earmark.yaml"
    params:
        seed=config["seed"],
        code=code_of("find_suspects.py"),
    script:
        "../workflow_scripts/find_suspects.py"


rule review:
    """Write pages to listen to the suspects and to correct their labels."""
    input:
        found=f"{RESULTS}/suspects.csv",
        counts=f"{RESULTS}/wrong_labels.csv",
        clips_table=TRAIN_CLIPS,
        audio=AUDIO,
    output:
        # How many pages there are depends on the suspects.
        pages=directory(f"{RESULTS}/review"),
    log:
        f"{LOGS}/review.log",
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg={
            "name": SOURCE.name,
            "review": config["suspects"]["review"],
            "longest_seconds": config["clips"]["longest_seconds"],
        },
        code=code_of("write_review.py"),
    script:
        "../workflow_scripts/write_review.py"
