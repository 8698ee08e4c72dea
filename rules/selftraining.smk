# Rounds of self-training: round i goes on from round i - 1, the first from the base model.

ROUND = f"{RESULTS}/selftraining/{{system}}/seed{{seed}}/fold{{fold}}/round{{round}}"


rule selftrain_round:
    input:
        selection=lambda wc: PLAN.selection_of(wc.system),
        folds_table=FOLDS,
        feature_file=lambda wc: PLAN.features_of(wc.system, "train"),
        weights_before=lambda wc: PLAN.stage_before(
            Model(wc.system, wc.seed, wc.fold), int(wc.round)
        ),
    output:
        weights=f"{ROUND}/weights.safetensors",
        facts=f"{ROUND}/model.json",
        history=f"{ROUND}/history.csv",
        pseudo=f"{ROUND}/pseudo_labels.csv",
    log:
        f"{LOGS}/selftrain_round/{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.log",
    benchmark:
        f"{TIMES}/selftrain_round/{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
        training_threads=TRAINING_THREADS,
    params:
        cfg=lambda wc: {
            **PLAN.training_settings(Model(wc.system, wc.seed, wc.fold), int(wc.round)),
            "network_code": code_of_network(wc.system),
        },
        code=code_of("selftrain_round.py"),
    script:
        "../workflow_scripts/selftrain_round.py"


if not config["keep"]["earlier_rounds"] and PLAN.earlier_rounds():

    # The same for all rounds but a system's last: what only the next round needs goes after it.
    use rule selftrain_round as selftrain_earlier_round with:
        output:
            weights=temp(f"{ROUND}/weights.safetensors"),
            facts=f"{ROUND}/model.json",
            history=f"{ROUND}/history.csv",
            pseudo=f"{ROUND}/pseudo_labels.csv",
        wildcard_constraints:
            system=PLAN.earlier_rounds(),

    ruleorder: selftrain_earlier_round > selftrain_round
