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
        cfg=lambda wc: combination_of(wc.entry),
        code=code_of("combine_predictions.py"),
    script:
        "../workflow_scripts/combine_predictions.py"


rule write_submission:
    input:
        table=MANIFEST,
        guesses=f"{RESULTS}/guesses/seed{SEEDS[0]}/{config['submission']}.csv",
    output:
        submitted=report(
            "submission.csv",
            caption="captions/submission.rst",
            category=RESULTS_SECTION,
            labels={"shows": "submission.csv, to save"},
        ),
        page=report(
            f"{RESULTS}/submission.html",
            caption="captions/submission.rst",
            category=RESULTS_SECTION,
            labels={"shows": "submission, as a table"},
        ),
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
        truth=LISTS if SOURCE.kind == "fetched" else given(SOURCE.layout.test_truth),
        submissions=expand(
            f"{RESULTS}/guesses/seed{{seed}}/{{entry}}.csv", seed=SEEDS, entry=SCORED
        ),
    output:
        scores=f"{RESULTS}/scores.csv",
        page=report(
            f"{RESULTS}/scores.html",
            caption="captions/scores.rst",
            category=RESULTS_SECTION,
            labels={"shows": "scores on the test clips"},
        ),
        clip_scores=f"{RESULTS}/clip_scores.csv",
    log:
        f"{LOGS}/score.log",
    conda:
        "../envs/earmark.yaml"
    params:
        fetched=str(SOURCE.layout.folder) if SOURCE.kind == "fetched" else None,
        cfg={"systems": [[entry, seed] for seed in SEEDS for entry in SCORED]},
        code=code_of("score.py"),
    script:
        "../workflow_scripts/score.py"


rule score_held_out:
    input:
        table=MANIFEST,
        members=member_predictions,
    output:
        clip_scores=f"{RESULTS}/held_out/seed{{seed}}/{{entry}}.csv",
    log:
        f"{LOGS}/score_held_out/{{entry}}_seed{{seed}}.log",
    conda:
        "../envs/earmark.yaml"
    params:
        cfg=lambda wc: {
            **combination_of(wc.entry),
            "entry": wc.entry,
            "seed": int(wc.seed),
        },
        code=code_of("score_held_out.py"),
    script:
        "../workflow_scripts/score_held_out.py"


# Without a published truth there is nothing to score.
SCORES = [f"{RESULTS}/spreading.csv", f"{RESULTS}/spreading.html"]
if SOURCE.layout.test_truth:
    SCORES += [rules.score.output.scores, rules.score.output.page]
if SOURCE.layout.train_truth:
    SCORES += [rules.measure_labels.output.quality, rules.measure_labels.output.page]


rule scores:
    input:
        rules.write_submission.output,
        SCORES,
