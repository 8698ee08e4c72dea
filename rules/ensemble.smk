# Averages of models, the submission, and its scores where the truth is known.


rule combine_predictions:
    input:
        table=MANIFEST,
        members=member_predictions,
    output:
        combined=f"{RESULTS}/guesses/seed{{seed}}/{{entry}}.h5",
        guesses=f"{RESULTS}/guesses/seed{{seed}}/{{entry}}.csv",
    log:
        f"{LOGS}/combine_predictions/{{entry}}_seed{{seed}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            "kind": config["ensembles"].get(wc.entry, {"kind": "arithmetic"})["kind"],
            "exponent": config["ensembles"].get(wc.entry, {}).get("exponent", 0.25),
            "folds": {system: folds_of(system) for system in members_of(wc.entry)},
        },
        code=code_of("combine_predictions.py"),
    script:
        "../workflow_scripts/combine_predictions.py"


rule write_submission:
    input:
        table=MANIFEST,
        guesses=f"{RESULTS}/guesses/seed{SEEDS[0]}/{config['submission']}.csv",
    output:
        submitted="submission.csv",
    log:
        f"{LOGS}/write_submission.log",
    conda:
        "../envs/earmark.yaml"
    params:
        code=code_of("write_submission.py"),
    script:
        "../workflow_scripts/write_submission.py"


rule score:
    input:
        # The truth of a data set still to be fetched comes with it.
        known=LISTS if SOURCE.kind == "fetched" else str(SOURCE.layout.test_truth),
        submissions=expand(
            f"{RESULTS}/guesses/seed{{seed}}/{{entry}}.csv", seed=SEEDS, entry=SCORED
        ),
    output:
        scores=f"{RESULTS}/scores.csv",
    log:
        f"{LOGS}/score.log",
    conda:
        "../envs/earmark.yaml"
    params:
        truth=lambda wc: str(SOURCE.layout.test_truth),
        cfg={"systems": [[entry, seed] for seed in SEEDS for entry in SCORED]},
        code=code_of("score.py"),
    script:
        "../workflow_scripts/score.py"


# Without a published truth there is nothing to score.
SCORES = ([rules.score.output.scores] if SOURCE.layout.test_truth else []) + (
    [rules.measure_labels.output.quality] if SOURCE.layout.train_truth else []
)


rule scores:
    input:
        "submission.csv",
        f"{RESULTS}/spreading.csv",
        SCORES,
