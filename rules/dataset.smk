# Tables of the data set: its clips, their labels and folds.
#
# The index has a table per part (names and hashes of its clips), which changes when its clips do, and
# what the lists say. For a user's folder the main process writes it while planning; otherwise the rule
# that makes or fetches the clips does.
# AUDIO are folders of clips that a rule makes; other clips are not files of the workflow.

CLIPS = f"{RESULTS}/clips/{{part}}.csv"
TRAIN_CLIPS = f"{RESULTS}/clips/train.csv"
LABELS = f"{RESULTS}/labels.csv"
FOLDS = f"{RESULTS}/folds.csv"
AUDIO = []

if SOURCE.kind == "demo":
    AUDIO = [str(SOURCE.layout.train.audio), str(SOURCE.layout.test.audio)]

    rule synthesise_dataset:
        """Synthesise the demo's data set: clips, lists and ground truth."""
        output:
            train_list=str(SOURCE.layout.train.table),
            test_list=str(SOURCE.layout.test.table),
            truth=str(SOURCE.layout.test_truth),
            train_truth=str(SOURCE.layout.train_truth),
            audio_train=directory(AUDIO[0]),
            audio_test=directory(AUDIO[1]),
            index_train=INDEX.format(part="train"),
            index_test=INDEX.format(part="test"),
            index_listed=INDEX.format(part="listed"),
        log:
            f"{LOGS}/synthesise_dataset.log",
        benchmark:
            f"{BENCHMARKS}/synthesise_dataset.tsv"
        conda:
            "../envs/earmark.yaml"
        threads: 8
        params:
            cfg=config["demo"],
            seed=config["seed"],
            code=code_of("synthesise_dataset.py"),
        script:
            "../workflow_scripts/synthesise_dataset.py"

elif SOURCE.kind == "to_fetch":

    # A local rule, as compute nodes of clusters often have no access to the internet.
    rule fetch_dataset:
        """Download FSDKaggle2018 from Zenodo, check it and unpack it."""
        output:
            train_list=data_file(SOURCE.layout.train.table),
            truth=data_file(SOURCE.layout.test_truth),
            index_train=INDEX.format(part="train"),
            index_test=INDEX.format(part="test"),
            index_listed=INDEX.format(part="listed"),
        log:
            f"{LOGS}/fetch_dataset.log",
        benchmark:
            f"{BENCHMARKS}/fetch_dataset.tsv"
        localrule: True
        conda:
            "../envs/earmark.yaml"
        params:
            cfg=config["fetch"],
            code=code_of("fetch_dataset.py"),
        script:
            "../workflow_scripts/fetch_dataset.py"


rule inspect_clips:
    """Decode every clip of a part and write a table of lengths, formats and problems."""
    input:
        index_table=lambda wc: index_of(wc.part),
        audio=lambda wc: [] if wc.part == "sounds" else AUDIO,
    output:
        table=CLIPS,
    log:
        f"{LOGS}/inspect_clips/{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/inspect_clips/{{part}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg=lambda wc: {"part": wc.part, "clips": config["clips"]},
        code=code_of("inspect_clips.py"),
    script:
        "../workflow_scripts/inspect_clips.py"


rule read_labels:
    """Write a table of the train clips' labels, with people's corrections."""
    input:
        listed_table=lambda wc: index_of("listed"),
        corrections=lambda wc: [local(str(path)) for path in SOURCE.corrections_files],
    output:
        table=LABELS,
    log:
        f"{LOGS}/read_labels.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        content=content_of(*SOURCE.corrections_files),
        code=code_of("read_labels.py"),
    script:
        "../workflow_scripts/read_labels.py"


rule draw_folds:
    """Assign the train clips to folds for validation."""
    input:
        listed_table=lambda wc: index_of("listed"),
        index_table=lambda wc: index_of("train"),
    output:
        table=FOLDS,
    log:
        f"{LOGS}/draw_folds.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"folds": config["folds"]},
        seed=config["seed"],
        code=code_of("draw_folds.py"),
    script:
        "../workflow_scripts/draw_folds.py"
