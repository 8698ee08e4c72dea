# One network, trained for one seed with one fold held out.


rule train_model:
    input:
        table=MANIFEST,
        feature_file=lambda wc: f"{RESULTS}/features/{base_of(wc.system)['feature']}.h5",
        selection=lambda wc: f"{RESULTS}/labels/{base_of(wc.system)['labels']}.csv",
    output:
        weights=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/weights.safetensors",
        facts=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/model.json",
        history=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/history.csv",
        predictions=f"{RESULTS}/models/{{system}}/seed{{seed}}/fold{{fold}}/predictions.h5",
    log:
        f"{LOGS}/train_model/{{system}}/seed{{seed}}_fold{{fold}}.log",
    benchmark:
        f"{TIMES}/train_model/{{system}}/seed{{seed}}_fold{{fold}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: config["training_threads"]
    resources:
        gpu=GPUS,
    params:
        cfg=lambda wc: network_of(wc.system, base_of(wc.system)["recipe"]),
        seed=lambda wc: int(wc.seed),
        system=lambda wc: wc.system,
        fold=lambda wc: int(wc.fold),
        code=code_of("train_model.py"),
        network_code=code_of_network,
    script:
        "../workflow_scripts/train_model.py"
