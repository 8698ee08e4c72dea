# Figures and tables: those of `snakemake all`, and those of the 2018 report (`snakemake report2018`,
# with a config that has a `report` section, such as presets/report2018.yaml).


rule plot_tsne:
    """Draw t-SNE of a group's clips before and after spreading."""
    input:
        vectors=lambda wc: PLAN.vectors_of(wc.spreading),
        spread=f"{RESULTS}/spread/{{spreading}}/{{group}}.csv",
        truth=[data_file(LAYOUT.train_truth)] if LAYOUT.train_truth else [],
    output:
        png=report(
            f"{REPORT}/tsne_{{spreading}}_{{group}}.png",
            caption="captions/tsne.rst",
            category=LABELS_SECTION,
            labels={"content": "t-SNE", "spreading": "{spreading}", "group": "{group}"},
        ),
        svg=f"{REPORT}/tsne_{{spreading}}_{{group}}.svg",
    log:
        f"{LOGS}/plot_tsne/{{spreading}}_{{group}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {"group": wc.group, **config["tsne"]},
        seed=config["seed"],
        content=content_of(LAYOUT.train_truth),
        code=code_of("plot_tsne.py"),
    script:
        "../workflow_scripts/plot_tsne.py"


rule plot_history:
    """Draw loss and accuracy of a training by epoch."""
    input:
        histories=lambda wc: [
            f"{folder}/history.csv"
            for folder in PLAN.model_folders(Model(wc.system, wc.seed, wc.fold)).values()
        ],
        metadata=lambda wc: [
            f"{folder}/model.json"
            for folder in PLAN.model_folders(Model(wc.system, wc.seed, wc.fold)).values()
        ],
    output:
        png=f"{REPORT}/history_{{system}}_seed{{seed}}_fold{{fold}}.png",
        svg=report(
            f"{REPORT}/history_{{system}}_seed{{seed}}_fold{{fold}}.svg",
            caption="captions/history.rst",
            category=TRAINING_SECTION,
            subcategory="seed {seed}",
            labels={"system": "{system}", "fold held out": "{fold}"},
        ),
    log:
        f"{LOGS}/plot_history/{{system}}_seed{{seed}}_fold{{fold}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            "title": f"{wc.system}, seed {wc.seed}, fold {wc.fold}",
            "rounds": list(PLAN.model_folders(Model(wc.system, wc.seed, wc.fold))),
        },
        code=code_of("plot_history.py"),
    script:
        "../workflow_scripts/plot_history.py"


rule plot_classes:
    """Draw how many train clips each class has."""
    input:
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
    output:
        csv=f"{REPORT}/clips_per_class.csv",
        png=f"{REPORT}/clips_per_class.png",
        svg=report(
            f"{REPORT}/clips_per_class.svg",
            caption="captions/classes.rst",
            category=DATA_SECTION,
            labels={"content": "train clips per class"},
        ),
    log:
        f"{LOGS}/plot_classes.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        code=code_of("plot_classes.py"),
    script:
        "../workflow_scripts/plot_classes.py"


rule plot_examples:
    """Draw the spectrograms of two example clips."""
    input:
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
        feature_file=PLAN.features("{feature}", "train"),
    output:
        png=report(
            f"{REPORT}/examples_{{feature}}.png",
            caption="captions/examples.rst",
            category=REPORT_SECTION,
            subcategory="Section 2: spectrograms",
            labels={"content": "spectrograms of two clips", "feature": "{feature}"},
        ),
        svg=f"{REPORT}/examples_{{feature}}.svg",
    log:
        f"{LOGS}/plot_examples/{{feature}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"labels": PLAN.example_labels()},
        code=code_of("plot_examples.py"),
    script:
        "../workflow_scripts/plot_examples.py"


rule plot_structure:
    """Draw the layers of a network, and write a table of them."""
    output:
        csv=f"{REPORT}/structure_{{structure}}.csv",
        png=f"{REPORT}/structure_{{structure}}.png",
        svg=report(
            f"{REPORT}/structure_{{structure}}.svg",
            caption="captions/structure.rst",
            category=REPORT_SECTION,
            subcategory=lambda wc: (
                "Section 3: the autoencoder"
                if wc.structure == "autoencoder"
                else "Section 5: networks"
            ),
            labels={"content": "layers", "network": "{structure}"},
        ),
    log:
        f"{LOGS}/plot_structure/{{structure}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: PLAN.structure_of(wc.structure),
        code=code_of("plot_structure.py"),
        network_code=lambda wc: (
            None if wc.structure == "autoencoder" else code_of_network(wc.structure)
        ),
    script:
        "../workflow_scripts/plot_structure.py"


rule plot_autoencoder:
    """Draw an autoencoder's loss and some of its reconstructions."""
    input:
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
        feature_file=lambda wc: PLAN.features(
            config["autoencoders"][wc.autoencoder]["feature"], "train"
        ),
        weights=f"{RESULTS}/autoencoders/{{autoencoder}}/weights.safetensors",
        metadata=f"{RESULTS}/autoencoders/{{autoencoder}}/model.json",
        history=f"{RESULTS}/autoencoders/{{autoencoder}}/history.csv",
    output:
        curves_png=f"{REPORT}/autoencoder_{{autoencoder}}_loss.png",
        curves_svg=report(
            f"{REPORT}/autoencoder_{{autoencoder}}_loss.svg",
            caption="captions/autoencoder_loss.rst",
            category=REPORT_SECTION,
            subcategory="Section 3: the autoencoder",
            labels={"content": "loss", "network": "autoencoder"},
        ),
        reconstructions_png=report(
            f"{REPORT}/autoencoder_{{autoencoder}}_reconstructions.png",
            caption="captions/reconstructions.rst",
            category=REPORT_SECTION,
            subcategory="Section 3: the autoencoder",
            labels={"content": "reconstructions", "network": "autoencoder"},
        ),
        reconstructions_svg=f"{REPORT}/autoencoder_{{autoencoder}}_reconstructions.svg",
    log:
        f"{LOGS}/plot_autoencoder/{{autoencoder}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        code=code_of("plot_autoencoder.py"),
    script:
        "../workflow_scripts/plot_autoencoder.py"


rule plot_schedule:
    """Draw the thresholds of self-training by round."""
    output:
        png=f"{REPORT}/threshold_schedule.png",
        svg=report(
            f"{REPORT}/threshold_schedule.svg",
            caption="captions/thresholds.rst",
            category=REPORT_SECTION,
            subcategory="Section 6: self-training",
            labels={"content": "thresholds", "system": "all"},
        ),
    log:
        f"{LOGS}/plot_schedule.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={
            "schedules": {
                system: {
                    "rounds": PLAN.selftraining_of(system)["rounds"],
                    "schedule": PLAN.schedule_of(system),
                }
                for system in PLAN.report2018.get("selftraining", {})
            }
        },
        code=code_of("plot_schedule.py"),
    script:
        "../workflow_scripts/plot_schedule.py"


rule plot_filters:
    """Draw a network's first filters and their feature maps of one clip."""
    input:
        labels_table=LABELS,
        clips_table=TRAIN_CLIPS,
        feature_file=lambda wc: PLAN.features_of(wc.system, "train"),
        weights=lambda wc: PLAN.final_model_file(PLAN.first_model(wc.system), "weights.safetensors"),
        metadata=lambda wc: PLAN.final_model_file(PLAN.first_model(wc.system), "model.json"),
    output:
        filters_png=report(
            f"{REPORT}/filters_{{system}}.png",
            caption="captions/filters.rst",
            category=REPORT_SECTION,
            subcategory="Section 8: filters of the first layer",
            labels={"content": "filters", "system": "{system}"},
        ),
        filters_svg=f"{REPORT}/filters_{{system}}.svg",
        maps_png=report(
            f"{REPORT}/feature_maps_{{system}}.png",
            caption="captions/feature_maps.rst",
            category=REPORT_SECTION,
            subcategory="Section 8: filters of the first layer",
            labels={"content": "feature maps of one clip", "system": "{system}"},
        ),
        maps_svg=f"{REPORT}/feature_maps_{{system}}.svg",
    log:
        f"{LOGS}/plot_filters/{{system}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"label": PLAN.example_labels()[0]},
        seed=config["seed"],
        code=code_of("plot_filters.py"),
        network_code=lambda wc: code_of_network(wc.system),
    script:
        "../workflow_scripts/plot_filters.py"


rule tabulate_spreading:
    """Write the 2018 report's table of label spreading with one scheme of groups."""
    input:
        summary=f"{RESULTS}/spreading.csv",
    output:
        csv=f"{REPORT}/spreading_{{scheme}}.csv",
        page=report(
            f"{REPORT}/spreading_{{scheme}}.html",
            caption="captions/report_spreading.rst",
            category=REPORT_SECTION,
            subcategory="Section 4: label spreading",
            labels={"content": "labels before and after spreading", "scheme": "{scheme}"},
        ),
    log:
        f"{LOGS}/tabulate_spreading/{{scheme}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {"spreading": PLAN.report2018["spreading"][wc.scheme], "scheme": wc.scheme},
        code=code_of("tabulate_spreading.py"),
    script:
        "../workflow_scripts/tabulate_spreading.py"


rule tabulate_selftraining:
    """Write a table of the rounds of a self-trained system."""
    input:
        metadata=lambda wc: [
            f"{folder}/model.json"
            for folder in PLAN.model_folders(PLAN.first_model(wc.system)).values()
        ],
        pseudo=lambda wc: [
            f"{folder}/pseudo_labels.csv"
            for number, folder in PLAN.model_folders(PLAN.first_model(wc.system)).items()
            if number
        ],
    output:
        csv=f"{REPORT}/selftraining_{{system}}.csv",
        page=report(
            f"{REPORT}/selftraining_{{system}}.html",
            caption="captions/rounds.rst",
            category=REPORT_SECTION,
            subcategory="Section 6: self-training",
            labels={"content": "rounds", "system": "{system}"},
        ),
    log:
        f"{LOGS}/tabulate_selftraining/{{system}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            "title": f"Rounds of self-training: {wc.system}",
            "setting": PLAN.report2018["selftraining"][wc.system],
            "rounds": list(PLAN.model_folders(PLAN.first_model(wc.system))),
        },
        code=code_of("tabulate_selftraining.py"),
    script:
        "../workflow_scripts/tabulate_selftraining.py"


rule tabulate_systems:
    """Write a table of systems' scores beside those in the 2018 report."""
    input:
        clip_scores=PLAN.clip_scores(),
    output:
        csv=f"{REPORT}/{{comparison}}.csv",
        page=report(
            f"{REPORT}/{{comparison}}.html",
            caption="captions/systems.rst",
            category=REPORT_SECTION,
            subcategory="Section 8: scores",
            labels={"content": "scores", "table": "{comparison}"},
        ),
    log:
        f"{LOGS}/tabulate_systems/{{comparison}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            "title": wc.comparison.capitalize(),
            "rows": PLAN.report2018["systems"][wc.comparison],
        },
        seed=config["seed"],
        code=code_of("tabulate_systems.py"),
    script:
        "../workflow_scripts/tabulate_systems.py"


rule write_page:
    """Write the page of the run: scores, figures, and the errors to listen to."""
    input:
        evaluations=expand(
            f"{EVALUATION}/{{name}}.csv", on=PLAN.evaluations, name=("scores", *TABLES)
        ),
        tables=[
            *PLAN.choice,
            *([rules.compare.output.comparisons] if config.get("compare") else []),
            *([rules.measure_labels.output.quality] if LAYOUT.train_truth else []),
            *([rules.summarise_spreading.output.summary] if PLAN.spreadings else []),
        ],
        figures=PLAN.page_figures,
        audio=AUDIO,
    output:
        page=report(
            f"{RESULTS}/page.html",
            caption="captions/page.rst",
            category=RESULTS_SECTION,
            labels={"content": "scores, figures and errors"},
        ),
    log:
        f"{LOGS}/write_page.log",
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg=PLAN.page_settings(),
        code=code_of("write_page.py"),
    script:
        "../workflow_scripts/write_page.py"


use rule write_page as write_page_of_every_fold with:
    input:
        evaluations=expand(
            f"{EVALUATION}/{{name}}.csv", on=CROSS_VALIDATION, name=("scores", *TABLES)
        ),
        tables=[],
        figures=[],
        audio=AUDIO,
    output:
        page=f"{RESULTS}/evaluation/{CROSS_VALIDATION}/page.html",
    log:
        f"{LOGS}/write_page_of_every_fold.log",


rule report2018:
    """Make every table and figure of the 2018 report."""
    input:
        SUBMISSION,
        SCORES,
        lambda wc: or_workflow_error(PLAN.report_files),
