# From the data set to the manifest: every clip opened and checked.
#
# LISTS tell when the data set changed. AUDIO are the folders of clips that a rule here makes; other
# clips are no files of the workflow: they are read where they lie.

if SOURCE.kind == "demo":
    LISTS = [str(SOURCE.layout.train_list), str(SOURCE.layout.test_list)]
    AUDIO = [str(SOURCE.layout.audio_train), str(SOURCE.layout.audio_test)]
    CLIPS = {}

    rule synthesise_dataset:
        output:
            train_list=str(SOURCE.layout.train_list),
            test_list=str(SOURCE.layout.test_list),
            truth=str(SOURCE.layout.test_truth),
            train_truth=str(SOURCE.layout.train_truth),
            audio_train=directory(str(SOURCE.layout.audio_train)),
            audio_test=directory(str(SOURCE.layout.audio_test)),
        log:
            f"{LOGS}/synthesise_dataset.log",
        benchmark:
            f"{TIMES}/synthesise_dataset.tsv"
        conda:
            "../envs/earmark.yaml"
        threads: 8
        params:
            cfg=config["demo"],
            seed=config["seed"],
            code=code_of("synthesise_dataset.py"),
        script:
            "../workflow_scripts/synthesise_dataset.py"

elif SOURCE.kind == "fetched":
    LISTS = [f"{RESULTS}/fetched.txt"]
    AUDIO = []
    CLIPS = {}

    # Machines that compute for a cluster often have no way out into the network.
    rule fetch_dataset:
        output:
            ready=f"{RESULTS}/fetched.txt",
        log:
            f"{LOGS}/fetch_dataset.log",
        benchmark:
            f"{TIMES}/fetch_dataset.tsv"
        localrule: True
        conda:
            "../envs/earmark.yaml"
        params:
            cfg=config["fetch"],
            code=code_of("fetch_dataset.py"),
        script:
            "../workflow_scripts/fetch_dataset.py"

else:
    LISTS = [given(path) for path in (SOURCE.layout.train_list, SOURCE.layout.test_list) if path]
    AUDIO = []
    # The user's own folder may change at any time: a clip exchanged must be noticed.
    CLIPS = {"files": layout.fingerprint(SOURCE.layout)}


rule make_manifest:
    input:
        lists=LISTS,
        audio_folders=AUDIO,
    output:
        table=MANIFEST,
    log:
        f"{LOGS}/make_manifest.log",
    benchmark:
        f"{TIMES}/make_manifest.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg={
            "folder": str(SOURCE.layout.folder),
            "folds": config["folds"],
            "clips": config["clips"],
            **CLIPS,
        },
        seed=config["seed"],
        code=code_of("make_manifest.py"),
    script:
        "../workflow_scripts/make_manifest.py"
