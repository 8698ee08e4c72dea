"""The rerun matrix: edits of code and config, and the rules that each must run again."""

from typing import Any

# What follows from a rule that runs again, worked out by hand from the picture in the README.
SCORING = {"score", "write_page"}
COMBINING = {"combine_predictions", *SCORING}
SUBMITTING = {"write_submission", "copy_submission", *COMBINING}
OUT_OF_FOLD = {"write_out_of_fold", "evaluate", "write_page"}
PREDICTING = {"predict", "calibrate", *OUT_OF_FOLD, *SUBMITTING}
TRAINING = {"train_model", "selftrain_round", "plot_history", *PREDICTING}
SELECTING = {"select_labels", "measure_labels", *TRAINING}
SPREADING = {"spread_labels", "summarise_spreading", "plot_tsne", *SELECTING}
LABELLING = {"read_labels", "plot_classes", *SPREADING}
LATENTS = {"train_autoencoder", *SPREADING}
FEATURES = {"extract_features", *LATENTS}
CLIPS = {"inspect_clips", "plot_classes", *FEATURES}
EVERYTHING = {"read_labels", "draw_folds", *CLIPS}
# The self-trained system is scored, but the submission is another one's.
NOT_SUBMITTED = {"write_submission", "copy_submission"}
SIDE_LINE = {"predict", "calibrate", *OUT_OF_FOLD, *COMBINING}
ONE_MODEL = {"train_model", "plot_history", *PREDICTING}

# Names of rows: file, text, its replacement, rules that run again.
CODE = {
    "a comment": ("earmark/networks/layers.py", "# The report's kernels", "# These kernels", set()),
    "a docstring": ("earmark/training/classifier.py", "Train a network of", "Teach a network of",
                    set()),
    "blank lines": ("earmark/labels/spreading.py", "\nCOLUMNS =", "\n\n\nCOLUMNS =", set()),
    "a log message of training": ("earmark/training/loop.py", "Kept the weights of epoch",
                                  "Kept epoch",
                                  set()),
    "an error message of training": ("earmark/training/loop.py", "Lower the recipe's", "Lower its",
                                     set()),
    "an error message of decoding": ("earmark/dataset/decoding.py", "a sample rate of",
                                     "the sample rate",
                                     set()),
    "a warning of self-training": ("earmark/labels/pseudo_labels.py", "adds no clip", "adds none",
                                   set()),
    "what a job does around its work": ("earmark/runtime/job.py", "%(asctime)s ", "", set()),
    "how files are written": ("earmark/runtime/outputs.py", "errno.EFBIG", "errno.EFBIG, 0", set()),
    "pools": ("earmark/runtime/pools.py", "ITEMS_PER_TASK = 8", "ITEMS_PER_TASK = 4", set()),
    "progress": ("earmark/runtime/progress.py", "LINES = 60.0", "LINES = 30.0", set()),
    "planning": ("earmark/planning/clip_index.py", "SECONDS = 2.0", "SECONDS = 3.0", set()),
    "a page's wording": ("earmark/reporting/results_page.py", "Listen: some", "Some",
                         {"write_page"}),
    "the template of all pages": ("earmark/reporting/web_page.html", "<h1>", "<h1 >",
                                  {"write_page"}),
    "a page's style": ("earmark/reporting/web_page.css", "1240px", "1280px", {"write_page"}),
    "a family of networks": ("earmark/networks/vgg.py", "GlobalMaxPool(),\n",
                             "GlobalMaxPool(),\n        nn.Identity(),\n",
                             TRAINING - NOT_SUBMITTED),
    "another family": ("earmark/networks/compact.py", "nn.ReLU(inplace=True)", "nn.ReLU()",
                       ONE_MODEL),
    "a family that no system uses": ("earmark/networks/cnn2d.py", "(4, 10)", "(4, 9)", set()),
    "one more network": ("earmark/networks/catalogue.py", "NETWORKS = {\n",
                         'NETWORKS = {\n    "mine": VGG,\n', set()),
    "layers of all families": ("earmark/networks/layers.py", "x.unsqueeze(1)", "x[:, None]",
                               TRAINING),
    "the script of training": ("train_model.py", '"model", cfg', '"a model", cfg', TRAINING),
    "the script of rounds": ("selftrain_round.py", '"selftraining", cfg', '"rounds", cfg',
                             {"selftrain_round", "plot_history", *SIDE_LINE}),
    "predicting": ("predict.py", "np.fmax.reduce", "np.nanmax", PREDICTING),
    "how predictions are made": ("earmark/inference/predicting.py", "softmax(1)", "softmax(dim=1)",
                                 TRAINING),
    "out-of-fold scores": ("earmark/evaluation/out_of_fold.py", ".round(6)", ".round(5)",
                           {"calibrate", *OUT_OF_FOLD, *COMBINING}),
    "spreading": ("earmark/labels/spreading.py", "NEIGHBOURS = 50", "NEIGHBOURS = 40", SPREADING),
    "the autoencoder": ("earmark/networks/autoencoder.py", "nn.Dropout(0.2)", "nn.Dropout(0.3)",
                        LATENTS - NOT_SUBMITTED),
    "what spectra share": ("earmark/features/power_spectra.py", "1 << 19", "1 << 18",
                           {"extract_features", *LATENTS}),
    "a feature": ("earmark/features/log_mel.py", "1e-30", "1e-29",
                  {"extract_features", *ONE_MODEL}),
    "a feature that no system uses": ("earmark/features/mfcc.py", "10 * levels", "11 * levels",
                                      set()),
    "one more feature": ("earmark/features/catalogue.py", "KINDS = {\n",
                         'KINDS = {\n    "mine": ("mine", "Mine"),\n', set()),
    "ensembles": ("earmark/evaluation/ensemble.py", "1e-12", "1e-13", {"calibrate", *OUT_OF_FOLD,
                  *SUBMITTING}),
    "temperatures": ("earmark/evaluation/calibration.py", "xatol\": 1e-6", "xatol\": 1e-5",
                     {"calibrate", *OUT_OF_FOLD, *SUBMITTING}),
    "tables of evaluations": ("earmark/evaluation/evaluating.py", "MOST_ERRORS = 200",
                              "MOST_ERRORS = 100", {"evaluate", "score", "write_page"}),
    "colours of t-SNE": ("earmark/reporting/tsne.py", '"color": "0.8"', '"color": "0.7"',
                         {"plot_tsne", "write_page"}),
    "colours of all figures": ("earmark/reporting/figures.py", "#D55E00", "#D55E01",
                               {"plot_tsne", "plot_classes", "plot_history", "write_page"}),
    "the loop of every training": ("earmark/training/loop.py", "max(1e-9,", "max(1e-8,",
                                   LATENTS),
    "checkpoints": ("earmark/training/checkpoints.py", "WITHOUT_LOCKS, 0)", "WITHOUT_LOCKS, 1)",
                    LATENTS),
    "decoding": ("earmark/dataset/decoding.py", "import numpy as np\n",
                 "import numpy as np\nimport math\n",
                 CLIPS),
    "corrections": ("earmark/labels/corrections.py", 'kind="stable"', 'kind="mergesort"',
                    LABELLING),
    "folds": ("earmark/dataset/folds.py", "digest_size=8", "digest_size=9", {"draw_folds",
              *TRAINING}),
    "what this data set has no use for": ("earmark/dataset/fetching.py", "import shutil",
                                          "import shutil, io",
                                          set()),
    "scores": ("earmark/evaluation/scoring.py", '(*USAGES, "all")', '(*USAGES, *(), "all")',
               {"write_out_of_fold", *SCORING}),
}  # fmt: skip
SPARE = {"epochs": 2, "batch_clips": 8, "learning_rate": 0.1}
CONFIG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "spreading's alpha": ({"spreading": {"latent_two": {"alpha": 0.3}}},
                          SPREADING - NOT_SUBMITTED),
    "one model's learning rate": ({"recipes": {"crops": {"learning_rate": 2.0e-3}}}, ONE_MODEL),
    "the rounds' recipe": (
        {"recipes": {"adjust": {"epochs": 3}}},
        {"selftrain_round", "plot_history", *SIDE_LINE},
    ),
    "one round more": (
        {"selftraining": {"short": {"rounds": 3}}},
        {"selftrain_round", "plot_history", *SIDE_LINE},
    ),
    "one round fewer": ({"selftraining": {"short": {"rounds": 1}}}, {"plot_history", *SIDE_LINE}),
    "perplexity of t-SNE": ({"tsne": {"perplexity": 20.0}}, {"plot_tsne", "write_page"}),
    "an ensemble without one of its members": (
        {"ensembles": {"power": {"members": ["cnn_logmel"]}}},
        {*OUT_OF_FOLD, *COMBINING},
    ),
    "an ensemble removed": (
        {"ensembles": {"power": None}, "submission": "cnn_logmel"},
        {*OUT_OF_FOLD, *SCORING},
    ),
    "what is scored": (
        {"scores": ["cnn_logmel"]},
        {"measure_labels", *OUT_OF_FOLD, *SCORING},
    ),
    # Evaluations show the errors of what is submitted.
    "what is submitted": (
        {"submission": "arithmetic"},
        {"write_submission", "copy_submission", "evaluate", *SCORING},
    ),
    "the best of two": (
        {"submission": {"best_of": ["cnn_logmel", "power"]}},
        {"choose_submission", "write_submission", "copy_submission", "evaluate", *SCORING},
    ),
    "a comparison": ({"compare": {"two": ["cnn_logmel", "power"]}}, {"compare", "write_page"}),
    "threads, hardware, the tagger's members and a recipe that no system uses": (
        {
            "tagger": {"members": "folds"},
            "training_threads": 2,
            "hardware": {"precision": "bfloat16"},
            "recipes": {"spare": SPARE},
        },
        set(),
    ),
    "how faulty clips are treated": ({"clips": {"clipped": "skip"}}, CLIPS),
    "one system more": (
        {
            "recipes": {"spare": SPARE},
            "systems": {
                "mine": {
                    "feature": "stft",
                    "network": "vgg_fewer",
                    "labels": "everything",
                    "recipe": "spare",
                }
            },
            "ensembles": {"power": {"members": ["cnn_logmel", "mine"]}},
        },
        {"train_model", "plot_history", *SIDE_LINE},
    ),
    "the number of folds": ({"folds": 3}, {"draw_folds", *TRAINING}),
    "the seed of all": ({"seed": 2, "seeds": [1]}, {"draw_folds", "plot_tsne", *LATENTS}),
}  # fmt: skip
