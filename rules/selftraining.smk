# Rounds of self-training: round i starts from the weights of round i - 1, the first from the base's.

ROUND = f"{RESULTS}/selftraining/{{system}}/seed{{seed}}/fold{{fold}}/round{{round}}"


rule selftrain_round:
    """Train one round of self-training on pseudo-labels of the round or base before it."""
    input:
        selection=lambda wc: PLAN.selection_of(wc.system),
        folds_table=lambda wc: [] if wc.fold == ALL else [FOLDS],
        feature_file=lambda wc: PLAN.features_of(wc.system, "train"),
        models_of_folds=lambda wc: PLAN.models_of_folds(
            Model(wc.system, wc.seed, wc.fold), int(wc.round)
        ),
        weights_before=lambda wc: PLAN.previous_weights(
            Model(wc.system, wc.seed, wc.fold), int(wc.round)
        ),
    output:
        weights=f"{ROUND}/weights.safetensors",
        metadata=f"{ROUND}/model.json",
        history=f"{ROUND}/history.csv",
        pseudo=f"{ROUND}/pseudo_labels.csv",
    log:
        f"{LOGS}/selftrain_round/{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.log",
    benchmark:
        f"{BENCHMARKS}/selftrain_round/{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
        training_threads=TRAINING_THREADS,
    params:
        cfg=lambda wc: {
            **with_augmentation(
                PLAN.training_settings(Model(wc.system, wc.seed, wc.fold), int(wc.round))
            ),
            "network_code": code_of_network(wc.system),
        },
        code=code_of("selftrain_round.py"),
    script:
        "../workflow_scripts/selftrain_round.py"
