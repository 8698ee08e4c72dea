# Features of the clips, and the autoencoder's latents of the train clips.


rule extract_features:
    """Compute one feature of all clips of a part."""
    input:
        table=CLIPS,
        audio=lambda wc: [] if wc.part == "sounds" else AUDIO,
    output:
        feature_file=temp_unless_kept(PLAN.features("{feature}", "{part}"), "features"),
    log:
        f"{LOGS}/extract_features/{{feature}}_{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/extract_features/{{feature}}_{{part}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg=lambda wc: {
            "part": wc.part,
            "longest_seconds": config["clips"]["longest_seconds"],
            "feature": config["features"][wc.feature],
        },
        code=code_of("extract_features.py"),
        feature_code=lambda wc: code_of_feature(wc.feature),
    script:
        "../workflow_scripts/extract_features.py"


rule train_autoencoder:
    """Train an autoencoder on a feature and encode the train clips."""
    input:
        clips_table=TRAIN_CLIPS,
        feature_file=lambda wc: PLAN.features(
            config["autoencoders"][wc.autoencoder]["feature"], "train"
        ),
    output:
        weights=f"{RESULTS}/autoencoders/{{autoencoder}}/weights.safetensors",
        metadata=f"{RESULTS}/autoencoders/{{autoencoder}}/model.json",
        history=f"{RESULTS}/autoencoders/{{autoencoder}}/history.csv",
        latents=f"{RESULTS}/autoencoders/{{autoencoder}}/latents.h5",
    log:
        f"{LOGS}/train_autoencoder/{{autoencoder}}.log",
    benchmark:
        f"{BENCHMARKS}/train_autoencoder/{{autoencoder}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
        training_threads=TRAINING_THREADS,
    params:
        cfg=lambda wc: with_augmentation(PLAN.autoencoder_settings(wc.autoencoder)),
        seed=config["seed"],
        code=code_of("train_autoencoder.py"),
    script:
        "../workflow_scripts/train_autoencoder.py"
