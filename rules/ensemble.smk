# Predictions of systems, their means, the submission, and scores.


rule predict:
    """Predict the clips of a part with a system's models of all folds."""
    input:
        table=CLIPS,
        feature_file=lambda wc: PLAN.features_of(wc.system, wc.part),
        folds_table=lambda wc: [FOLDS] if wc.part == "train" else [],
        weights=lambda wc: PLAN.final_model_files(wc.system, wc.seed, "weights.safetensors"),
        metadata=lambda wc: PLAN.final_model_files(wc.system, wc.seed, "model.json"),
    output:
        predicted=PLAN.predictions("{system}", "{seed}", "{part}"),
    log:
        f"{LOGS}/predict/{{system}}_seed{{seed}}_{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/{{system}}_seed{{seed}}_{{part}}.tsv"
    conda:
        "../envs/earmark.yaml"
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
        training_threads=TRAINING_THREADS,
    params:
        cfg=lambda wc: {"folds": PLAN.folds_of(wc.system)},
        code=code_of("predict.py"),
    script:
        "../workflow_scripts/predict.py"


rule write_out_of_fold:
    """Write a table of the guesses for train clips, by models that held them out."""
    input:
        members=[
            PLAN.predictions(system, seed, "train")
            for seed in PLAN.seeds
            for system in PLAN.scored_systems
        ],
        labels_table=LABELS,
        folds_table=FOLDS,
    output:
        out_of_fold_table=f"{RESULTS}/out_of_fold.csv",
    log:
        f"{LOGS}/write_out_of_fold.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={
            "files": [[system, seed] for seed in PLAN.seeds for system in PLAN.scored_systems],
            "entries": {entry: PLAN.combination_of(entry) for entry in PLAN.scored},
        },
        code=code_of("write_out_of_fold.py"),
    script:
        "../workflow_scripts/write_out_of_fold.py"


rule combine_predictions:
    """Average the predictions of a system or ensemble and take the best three classes."""
    input:
        members=lambda wc: PLAN.predictions_of(wc.entry, wc.seed, "test"),
        # A weighted mean weighs each member by its out-of-fold score.
        train_predictions=lambda wc: PLAN.weighing_predictions(wc.entry, wc.seed),
        labels_table=lambda wc: [LABELS] if PLAN.is_weighted(wc.entry) else [],
    output:
        combined=f"{RESULTS}/guesses/seed{{seed}}/{{entry}}.h5",
        guesses=f"{RESULTS}/guesses/seed{{seed}}/{{entry}}.csv",
    log:
        f"{LOGS}/combine_predictions/{{entry}}_seed{{seed}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {"name": wc.entry, **PLAN.combination_of(wc.entry)},
        code=code_of("combine_predictions.py"),
    script:
        "../workflow_scripts/combine_predictions.py"


rule write_submission:
    """Write the submission: the guesses of the system or ensemble named in the config."""
    input:
        guesses=lambda wc: or_workflow_error(PLAN.submitted_guesses, "csv"),
        combined=lambda wc: [or_workflow_error(PLAN.submitted_guesses, "h5")],
    output:
        submission=report(
            f"{RESULTS}/submission.csv",
            caption="captions/submission.rst",
            category=RESULTS_SECTION,
            labels={"content": "submission.csv"},
        ),
    log:
        f"{LOGS}/write_submission.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"name": SOURCE.name, "entry": config["submission"]},
        code=code_of("copy_submission.py"),
    script:
        "../workflow_scripts/copy_submission.py"


rule copy_submission:
    """Copy the submission to the working directory."""
    input:
        guesses=rules.write_submission.output.submission,
        combined=[],
    output:
        submission="submission.csv",
    log:
        f"{LOGS}/copy_submission.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"name": SOURCE.name, "entry": config["submission"]},
        code=code_of("copy_submission.py"),
    script:
        "../workflow_scripts/copy_submission.py"


rule write_tags:
    """Write the labels of the sounds to tag, by the system or ensemble of the submission."""
    input:
        members=lambda wc: or_workflow_error(PLAN.tagging_predictions),
        train_predictions=PLAN.weighing_predictions(config["submission"], PLAN.seeds[0]),
        labels_table=[LABELS] if PLAN.is_weighted(config["submission"]) else [],
        clips_table=CLIPS.format(part="sounds"),
    output:
        tags=f"{RESULTS}/tags.csv",
        top="tags.csv",
    log:
        f"{LOGS}/write_tags.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"name": config["submission"], **PLAN.combination_of(config["submission"])},
        code=code_of("write_tags.py"),
    script:
        "../workflow_scripts/write_tags.py"


TRUTH = f"{RESULTS}/truth.csv"
if LAYOUT.test_truth:
    TRUTH = data_file(LAYOUT.test_truth)


rule read_truth:
    """Write a table of the test clips' labels, where the data set's own list or folders have them."""
    input:
        index_table=lambda wc: index_of("test"),
    output:
        table=f"{RESULTS}/truth.csv",
    log:
        f"{LOGS}/read_truth.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"labels": SOURCE.layout.truth_settings()},
        content=content_of(SOURCE.layout.test.table if SOURCE.layout.test else None),
        code=code_of("read_truth.py"),
    script:
        "../workflow_scripts/read_truth.py"


rule score:
    """Score all systems and ensembles on the test clips whose ground truth is known."""
    input:
        truth=TRUTH,
        submissions=[
            f"{RESULTS}/guesses/seed{seed}/{entry}.csv"
            for seed in PLAN.seeds
            for entry in PLAN.scored
        ],
        combined=[
            f"{RESULTS}/guesses/seed{seed}/{entry}.h5"
            for seed in PLAN.seeds
            for entry in PLAN.scored
        ],
    output:
        scores=f"{RESULTS}/scores.csv",
        page=report(
            f"{RESULTS}/scores.html",
            caption="captions/scores.rst",
            category=RESULTS_SECTION,
            labels={"content": "scores on the test clips"},
        ),
        clip_scores=f"{RESULTS}/clip_scores.csv",
    log:
        f"{LOGS}/score.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"systems": [[entry, seed] for seed in PLAN.seeds for entry in PLAN.scored]},
        content=content_of(LAYOUT.test_truth),
        code=code_of("score.py"),
    script:
        "../workflow_scripts/score.py"


TAGGER = f"{RESULTS}/tagger"
# What the tagger's card has scores from.
CARD_SCORES = []
if config["submission"] in PLAN.scored:
    CARD_SCORES = [rules.write_out_of_fold.output.out_of_fold_table]
    CARD_SCORES += [rules.score.output.clip_scores] if PLAN.has_truth else []


rule tagger:
    """Write the networks of the submission with all that it takes to use them elsewhere."""
    input:
        weights=[
            PLAN.final_model_file(model, "weights.safetensors")
            for model in PLAN.tagger_models.values()
        ],
        metadata=[
            PLAN.final_model_file(model, "model.json") for model in PLAN.tagger_models.values()
        ],
        train_predictions=PLAN.weighing_predictions(config["submission"], PLAN.seeds[0]),
        clips_table=TRAIN_CLIPS,
        labels_table=LABELS,
        clip_scores=CARD_SCORES,
    output:
        description=f"{TAGGER}/tagger.json",
        card=f"{TAGGER}/README.md",
        copies=[f"{TAGGER}/{name}" for name in PLAN.tagger_models],
    log:
        f"{LOGS}/tagger.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=PLAN.tagger_settings(),
        code=code_of("write_tagger.py"),
    script:
        "../workflow_scripts/write_tagger.py"


# What is made depends on whether there are test clips, and on which ground truth is known.
SUBMISSION = [rules.copy_submission.output.submission] if SOURCE.has_test else []
TAGS = [rules.write_tags.output.top] if SOUNDS else []
SCORES = [rules.write_out_of_fold.output.out_of_fold_table]
if PLAN.spreadings:
    SCORES += [rules.summarise_spreading.output.summary, rules.summarise_spreading.output.page]
if PLAN.has_truth:
    SCORES += [rules.score.output.scores, rules.score.output.page]
if LAYOUT.train_truth:
    SCORES += [rules.measure_labels.output.quality, rules.measure_labels.output.page]


rule scores:
    """Make the submission and, where the ground truth is known, all scores."""
    input:
        SUBMISSION,
        SCORES,
