# Predictions of systems, their means, the submission, and scores.


rule predict:
    """Predict the clips of a part with a system's models of all folds."""
    input:
        table=lambda wc: CLIPS.format(part=PLAN.predicted_part(wc.part)),
        feature_file=lambda wc: PLAN.features_of(wc.system, PLAN.predicted_part(wc.part)),
        folds_table=lambda wc: [FOLDS] if PLAN.predicted_part(wc.part) == "train" else [],
        weights=lambda wc: PLAN.final_model_files(
            wc.system, wc.seed, "weights.safetensors", wc.part
        ),
        metadata=lambda wc: PLAN.final_model_files(wc.system, wc.seed, "model.json", wc.part),
    output:
        predicted=PLAN.predictions("{system}", "{seed}", "{part}"),
    log:
        f"{LOGS}/predict/{{system}}_seed{{seed}}_{{part}}.log",
    benchmark:
        f"{BENCHMARKS}/predict/{{system}}_seed{{seed}}_{{part}}.tsv"
    wildcard_constraints:
        part=f"train|test|sounds|{ALL_FOLDS}",
    conda:
        "../envs/earmark.yaml"
    threads: TRAINING_THREADS
    resources:
        gpu=GPUS,
        training_threads=TRAINING_THREADS,
    params:
        cfg=lambda wc: {"folds": PLAN.predicted_folds(wc.system, wc.part)},
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


rule calibrate:
    """Fit the temperature of a system on the verified clips that its models held out."""
    input:
        predicted=PLAN.predictions("{system}", "{seed}", "train"),
        labels_table=LABELS,
    output:
        calibrated=f"{RESULTS}/calibration/{{system}}/seed{{seed}}.json",
    log:
        f"{LOGS}/calibrate/{{system}}_seed{{seed}}.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {"system": wc.system},
        code=code_of("calibrate.py"),
    script:
        "../workflow_scripts/calibrate.py"


EVALUATION = f"{RESULTS}/evaluation/{{on}}"
# Tables of an evaluation, beside its scores.csv.
TABLES = ("classes", "confusion", "reliability", "errors", "remarks")


rule evaluate:
    """Evaluate systems on verified train clips, by models that held out their folds."""
    input:
        members=lambda wc: list(PLAN.held_out_predictions(wc.on).values()),
        labels_table=LABELS,
        folds_table=FOLDS,
        clips_table=TRAIN_CLIPS,
        choice=PLAN.choice,
    output:
        scores=f"{EVALUATION}/scores.csv",
        tables=expand(f"{EVALUATION}/{{name}}.csv", name=TABLES, allow_missing=True),
    log:
        f"{LOGS}/evaluate/{{on}}.log",
    wildcard_constraints:
        on=f"{VALIDATION}|{CROSS_VALIDATION}",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: PLAN.evaluation_settings(wc.on),
        code=code_of("evaluate.py"),
    script:
        "../workflow_scripts/evaluate.py"


rule choose_submission:
    """Choose the submission: the candidate that is best out of fold."""
    input:
        members=[
            PLAN.predictions(system, PLAN.seeds[0], "train") for system in PLAN.submitted_systems
        ],
        labels_table=LABELS,
        folds_table=FOLDS,
    output:
        choice=f"{RESULTS}/choice.csv",
    log:
        f"{LOGS}/choose_submission.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"candidates": PLAN.candidate_settings(), "systems": PLAN.submitted_systems},
        code=code_of("choose_submission.py"),
    script:
        "../workflow_scripts/choose_submission.py"


rule combine_predictions:
    """Average the predictions of a system or ensemble and take the best three classes."""
    input:
        members=lambda wc: PLAN.predictions_of(wc.entry, wc.seed, "test"),
        # A weighted mean weighs each member by its out-of-fold score.
        calibrations=lambda wc: PLAN.weighing_scores(wc.entry, wc.seed),
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
        combined=lambda wc: or_workflow_error(PLAN.submitted_guesses, "h5"),
        choice=PLAN.choice,
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
        cfg={"name": SOURCE.name, "candidates": PLAN.candidates},
        code=code_of("copy_submission.py"),
    script:
        "../workflow_scripts/copy_submission.py"


rule copy_submission:
    """Copy the submission to the working directory."""
    input:
        guesses=[rules.write_submission.output.submission] * len(PLAN.candidates),
        combined=[],
        choice=PLAN.choice,
    output:
        submission="submission.csv",
    log:
        f"{LOGS}/copy_submission.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"name": SOURCE.name, "candidates": PLAN.candidates},
        code=code_of("copy_submission.py"),
    script:
        "../workflow_scripts/copy_submission.py"


rule write_tags:
    """Write the labels of the sounds to tag, by the system or ensemble of the submission."""
    input:
        members=lambda wc: or_workflow_error(PLAN.tagging_predictions),
        calibrations=PLAN.calibrations_of(PLAN.submitted_systems, PLAN.seeds[0]),
        choice=PLAN.choice,
        clips_table=CLIPS.format(part="sounds"),
    output:
        tags=f"{RESULTS}/tags.csv",
        top="tags.csv",
        page=f"{RESULTS}/tags.html",
    log:
        f"{LOGS}/write_tags.log",
    conda:
        "../envs/earmark.yaml"
    threads: 8
    params:
        cfg={
            "candidates": PLAN.candidate_settings(),
            "systems": PLAN.submitted_systems,
            "longest_seconds": config["clips"]["longest_seconds"],
        },
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
        members=[
            PLAN.predictions(system, seed, "test")
            for seed in PLAN.seeds
            for system in PLAN.scored_systems
        ],
        calibrations=[
            path for seed in PLAN.seeds for path in PLAN.calibrations_of(PLAN.scored_systems, seed)
        ],
        clips_table=CLIPS.format(part="test"),
        choice=PLAN.choice,
    output:
        scores=f"{RESULTS}/scores.csv",
        clip_scores=f"{RESULTS}/clip_scores.csv",
        tables=expand(f"{RESULTS}/evaluation/test/{{name}}.csv", name=("scores", *TABLES)),
    log:
        f"{LOGS}/score.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={
            "seeds": PLAN.seeds,
            "systems": PLAN.scored_systems,
            "entries": {entry: PLAN.combination_of(entry) for entry in PLAN.scored},
            "candidates": PLAN.candidates,
        },
        content=content_of(LAYOUT.test_truth),
        code=code_of("score.py"),
    script:
        "../workflow_scripts/score.py"


rule compare:
    """Compare pairs of systems, clip by clip."""
    input:
        clip_scores=[
            rules.write_out_of_fold.output.out_of_fold_table,
            *([rules.score.output.clip_scores] if PLAN.has_truth else []),
        ],
        folds_table=FOLDS,
    output:
        comparisons=f"{RESULTS}/evaluation/comparisons.csv",
        classes=f"{RESULTS}/evaluation/comparison_classes.csv",
    log:
        f"{LOGS}/compare.log",
    localrule: True
    conda:
        "../envs/earmark.yaml"
    params:
        cfg={"pairs": config.get("compare", {}), "on": PLAN.evaluations},
        code=code_of("compare_systems.py"),
    script:
        "../workflow_scripts/compare_systems.py"


# What the tagger's card has scores from.
CARD_SCORES = []
if {*PLAN.candidates} <= {*PLAN.scored}:
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
        calibrations=PLAN.calibrations_of(PLAN.submitted_systems, PLAN.seeds[0]),
        choice=PLAN.choice,
        clips_table=TRAIN_CLIPS,
        labels_table=LABELS,
        clip_scores=CARD_SCORES,
    output:
        # Which networks are in it depends on the choice.
        folder=directory(f"{RESULTS}/tagger"),
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
SCORES = [
    rules.write_out_of_fold.output.out_of_fold_table,
    f"{RESULTS}/evaluation/{PLAN.validation}/scores.csv",
    f"{RESULTS}/page.html",
]
if PLAN.spreadings:
    SCORES += [rules.summarise_spreading.output.summary]
if PLAN.has_truth:
    SCORES += [rules.score.output.scores]
if config.get("compare"):
    SCORES += [rules.compare.output.comparisons]
if LAYOUT.train_truth:
    SCORES += [rules.measure_labels.output.quality]


rule scores:
    """Make the submission and, where the ground truth is known, all scores."""
    input:
        SUBMISSION,
        SCORES,


rule cross_validate:
    """Train the submission's systems on all folds, and evaluate them."""
    input:
        f"{RESULTS}/evaluation/{CROSS_VALIDATION}/scores.csv",
        (
            f"{RESULTS}/page.html"
            if PLAN.validation == CROSS_VALIDATION
            else f"{RESULTS}/evaluation/{CROSS_VALIDATION}/page.html"
        ),
