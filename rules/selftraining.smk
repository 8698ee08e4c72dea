# Rounds of self-training: round i goes on from round i - 1, the first from the base model.

ROUND = f"{RESULTS}/selftraining/{{system}}/seed{{seed}}/fold{{fold}}/round{{round}}"


rule selftrain_round:
    input:
        table=MANIFEST,
        feature_file=lambda wc: f"{RESULTS}/features/{base_of(wc.system)['feature']}.h5",
        selection=lambda wc: f"{RESULTS}/labels/{base_of(wc.system)['labels']}.csv",
        weights_before=lambda wc: stage_before(wc, "weights.safetensors"),
        predictions_before=lambda wc: stage_before(wc, "predictions.h5"),
    output:
        weights=f"{ROUND}/weights.safetensors",
        facts=f"{ROUND}/model.json",
        history=f"{ROUND}/history.csv",
        predictions=f"{ROUND}/predictions.h5",
        pseudo=f"{ROUND}/pseudo_labels.csv",
    log:
        f"{LOGS}/selftrain_round/{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.log",
    benchmark:
        f"{TIMES}/selftrain_round/{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: config["training_threads"]
    resources:
        gpu=GPUS,
    params:
        cfg=lambda wc: {
            **network_of(wc.system, selftraining_of(wc.system)["recipe"]),
            "schedule": schedule_of(wc.system),
        },
        seed=lambda wc: int(wc.seed),
        system=lambda wc: wc.system,
        fold=lambda wc: int(wc.fold),
        round_number=lambda wc: int(wc.round),
        code=code_of("selftrain_round.py"),
        network_code=code_of_network,
    script:
        "../workflow_scripts/selftrain_round.py"


if not config["keep"]["earlier_rounds"] and earlier_rounds():

    # The same for all rounds but a system's last: what only the next round needs goes after it.
    use rule selftrain_round as selftrain_earlier_round with:
        output:
            weights=temp(f"{ROUND}/weights.safetensors"),
            facts=f"{ROUND}/model.json",
            history=f"{ROUND}/history.csv",
            predictions=temp(f"{ROUND}/predictions.h5"),
            pseudo=f"{ROUND}/pseudo_labels.csv",
        wildcard_constraints:
            system=earlier_rounds(),

    ruleorder: selftrain_earlier_round > selftrain_round
