# Spectrograms of all clips, and the autoencoder's latents of the train clips.


rule extract_features:
    input:
        table=MANIFEST,
        audio_folders=AUDIO,
    output:
        feature_file=passing(f"{RESULTS}/features/{{feature}}.h5", "features"),
    log:
        f"{LOGS}/extract_features/{{feature}}.log",
    benchmark:
        f"{TIMES}/extract_features/{{feature}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg=lambda wc: {
            "folder": str(SOURCE.layout.folder),
            "longest_seconds": config["clips"]["longest_seconds"],
            "feature": config["features"][wc.feature],
        },
        code=code_of("extract_features.py"),
        feature_code=code_of_feature,
    script:
        "../workflow_scripts/extract_features.py"


rule train_autoencoder:
    input:
        table=MANIFEST,
        feature_file=lambda wc: f"{RESULTS}/features/{config['autoencoders'][wc.autoencoder]['feature']}.h5",
    output:
        weights=f"{RESULTS}/autoencoders/{{autoencoder}}/weights.safetensors",
        facts=f"{RESULTS}/autoencoders/{{autoencoder}}/model.json",
        history=f"{RESULTS}/autoencoders/{{autoencoder}}/history.csv",
        latents=f"{RESULTS}/autoencoders/{{autoencoder}}/latents.h5",
    log:
        f"{LOGS}/train_autoencoder/{{autoencoder}}.log",
    benchmark:
        f"{TIMES}/train_autoencoder/{{autoencoder}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: config["training_threads"]
    resources:
        gpu=GPUS,
    params:
        cfg=lambda wc: {
            "recipe": config["recipes"][config["autoencoders"][wc.autoencoder]["recipe"]],
            **{
                key: config["autoencoders"][wc.autoencoder][key]
                for key in ("batch_norm_momentum", "latents_mode")
            },
        },
        seed=config["seed"],
        code=code_of("train_autoencoder.py"),
    script:
        "../workflow_scripts/train_autoencoder.py"
