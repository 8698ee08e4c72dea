# One network, trained for one seed with one fold held out, or (foldall) learning from every clip.


rule train_model:
    """Train a system's network for one seed with one fold held out, or none."""
    input:
        selection=lambda wc: PLAN.selection_of(wc.system),
        folds_table=lambda wc: [] if wc.fold == ALL else [FOLDS],
        feature_file=lambda wc: PLAN.features_of(wc.system, "train"),
        models_of_folds=lambda wc: PLAN.models_of_folds(Model(wc.system, wc.seed, wc.fold)),
    output:
        weights=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/weights.safetensors",
        metadata=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/model.json",
        history=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/history.csv",
    log:
        f"{LOGS}/train_model/{{system}}/seed{{seed}}_fold{{fold}}.log",
    benchmark:
        f"{BENCHMARKS}/train_model/{{system}}/seed{{seed}}_fold{{fold}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
        training_threads=TRAINING_THREADS,
    params:
        cfg=lambda wc: {
            **with_augmentation(PLAN.training_settings(Model(wc.system, wc.seed, wc.fold))),
            "network_code": code_of_network(wc.system),
        },
        code=code_of("train_model.py"),
    script:
        "../workflow_scripts/train_model.py"
