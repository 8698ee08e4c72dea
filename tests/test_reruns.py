"""Who reruns after which edit: a finished tiny run, then one edit each and a dry run."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from test_end_to_end import CLASSES, TINY
from tiny import REPO, TinySet, make_set, merged, plan, snakemake

# What follows from a rule that runs again, worked out by hand from the picture in the README.
SCORING = {"score"}
SUBMITTING = {"combine_predictions", "write_submission", *SCORING}
TRAINING = {"train_model", "selftrain_round", "plot_history", *SUBMITTING}
SELECTING = {"select_labels", "measure_labels", *TRAINING}
SPREADING = {"spread_labels", "summarise_spreading", "plot_tsne", *SELECTING}
LATENTS = {"train_autoencoder", *SPREADING}
FEATURES = {"extract_features", *LATENTS}
# The self-trained system is scored, but the submission is another one's.
SIDE_LINE = {"combine_predictions", *SCORING}
EVERYTHING = {"make_manifest", "plot_classes", *FEATURES}

# Names of rows: file, text, its replacement, rules that run again.
CODE = {
    "a comment": ("earmark/networks/layers.py", "# The report's kernels", "# These kernels", set()),
    "a docstring": ("earmark/classifier.py", "Train a named network", "Teach a network", set()),
    "blank lines": ("earmark/spreading.py", "\nUNDECIDED =", "\n\n\nUNDECIDED =", set()),
    "a family of networks": ("earmark/networks/vgg.py", "GlobalMax(),\n",
                             "GlobalMax(),\n        nn.Identity(),\n",
                             TRAINING - {"write_submission"}),
    "another family": ("earmark/networks/compact.py", "nn.ReLU(inplace=True)", "nn.ReLU()",
                       {"train_model", "plot_history", *SUBMITTING}),
    "a family that no system uses": ("earmark/networks/cnn2d.py", "(4, 10)", "(4, 9)", set()),
    "one more network": ("earmark/networks/catalogue.py", "NETWORKS = {\n",
                         'NETWORKS = {\n    "mine": VGG,\n', set()),
    "layers of all families": ("earmark/networks/layers.py", "x.unsqueeze(1)", "x[:, None]",
                               TRAINING),
    "the script of training": ("train_model.py", '"model", system', '"a model", system', TRAINING),
    "the script of rounds": ("selftrain_round.py", '"selftraining", system', '"rounds", system',
                             {"selftrain_round", "plot_history", *SIDE_LINE}),
    "spreading": ("earmark/spreading.py", "NEIGHBOURS = 50", "NEIGHBOURS = 40", SPREADING),
    "the autoencoder": ("earmark/networks/autoencoder.py", "nn.Dropout(0.2)", "nn.Dropout(0.3)",
                        LATENTS - {"write_submission"}),
    "what spectra share": ("earmark/features/spectra.py", "1 << 19", "1 << 18",
                           {"extract_features", *LATENTS}),
    "a feature": ("earmark/features/log_mel.py", "1e-30", "1e-29",
                  {"extract_features", "train_model", "plot_history", *SUBMITTING}),
    "a feature that no system uses": ("earmark/features/mfcc.py", "10 * levels", "11 * levels",
                                      set()),
    "one more feature": ("earmark/features/catalogue.py", "KINDS = {\n",
                         'KINDS = {\n    "mine": ("mine", "Mine"),\n', set()),
    "ensembles": ("earmark/ensemble.py", "1e-12", "1e-13", SUBMITTING),
    "colours of t-SNE": ("earmark/plots_of_tsne.py", '"color": "0.8"', '"color": "0.7"',
                         {"plot_tsne"}),
    "colours of all figures": ("earmark/plots.py", "#D55E00", "#D55E01",
                               {"plot_tsne", "plot_classes", "plot_history"}),
    "the loop of every training": ("earmark/training.py", "max(1e-9,", "max(1e-8,", LATENTS),
    "checkpoints": ("earmark/checkpoints.py", "16 * 2**20", "8 * 2**20", LATENTS),
    "what a job does around its work": ("earmark/runtime/job.py", "%(asctime)s ", "", EVERYTHING),
    "decoding": ("earmark/audio.py", "import numpy as np\n", "import numpy as np\nimport math\n",
                 EVERYTHING),
    "what this data set has no use for": ("earmark/fetching.py", "import time", "import time, io",
                                          set()),
    "scores": ("earmark/scoring.py", 'USAGES = ("Public"', 'USAGES = (*(), "Public"', SCORING),
}  # fmt: skip
SPARE = {"epochs": 2, "batch_clips": 8, "learning_rate": 0.1}
CONFIG: dict[str, tuple[dict[str, Any], set[str]]] = {
    "nothing": ({}, set()),
    "spreading's alpha": ({"spreading": {"latent_two": {"alpha": 0.3}}},
                          SPREADING - {"write_submission"}),
    "one model's learning rate": (
        {"recipes": {"crops": {"learning_rate": 2.0e-3}}},
        {"train_model", "plot_history", *SUBMITTING},
    ),
    "the rounds' recipe": (
        {"recipes": {"adjust": {"epochs": 3}}},
        {"selftrain_round", "plot_history", *SIDE_LINE},
    ),
    "one round more": (
        {"selftraining": {"short": {"rounds": 3}}},
        {"selftrain_round", "plot_history", *SIDE_LINE},
    ),
    "one round fewer": ({"selftraining": {"short": {"rounds": 1}}}, {"plot_history", *SIDE_LINE}),
    "perplexity of t-SNE": ({"tsne": {"perplexity": 20.0}}, {"plot_tsne"}),
    "an ensemble without one of its members": (
        {"ensembles": {"power": {"members": ["cnn_logmel"]}}}, SIDE_LINE),
    "an ensemble's exponent": ({"ensembles": {"power": {"exponent": 0.5}}}, SIDE_LINE),
    "what is submitted": ({"submission": "arithmetic"}, {"write_submission"}),
    "threads": ({"training_threads": 2}, set()),
    "where it computes": ({"hardware": {"precision": "bfloat16"}}, set()),
    "a recipe that no system uses": ({"recipes": {"spare": SPARE}}, set()),
    "one system more": (
        {
            "systems": {"mine": {"feature": "stft", "network": "vgg_more",
                                 "labels": "everything", "recipe": "vgg"}},
            "ensembles": {"power": {"members": ["cnn_logmel", "mine"]}},
        },
        {"train_model", "plot_history", *SIDE_LINE},
    ),
    "the folds": ({"folds": 3}, EVERYTHING),
}  # fmt: skip


class Finished:
    """A finished run of ``all``, from a copy of the workflow that can be edited."""

    def __init__(self, base: Path) -> None:
        self.tree, self.directory = base / "tree", base / "run"
        parts = (
            "Snakefile",
            "config.yaml",
            "rules",
            "workflow_scripts",
            "profiles",
            "presets",
            "envs",
        )
        self.tree.mkdir()
        for part in parts:
            source = REPO / part
            if source.is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(source, self.tree / part, ignore=ignored)
            else:
                shutil.copy2(source, self.tree / part)
        (self.tree / "README.md").write_text("Read me.\n", encoding="utf-8")
        self.made: TinySet = make_set(base / "four", CLASSES, clips=8, truth=True)
        self.overlay = merged(
            TINY, {"dataset": str(self.made.folder), "selftraining": {"short": {"rounds": 2}}}
        )

    def run(self) -> None:
        code, text = snakemake(self.directory, "all", overlay=self.overlay, tree=self.tree)
        assert code == 0, text

    def planned(self, change: Mapping[str, Any] | None = None, *arguments: str) -> dict[str, int]:
        overlay = merged(self.overlay, change or {})
        found = plan(self.directory, "all", *arguments, overlay=overlay, tree=self.tree)
        assert found.code == 0, found.text
        return {name: count for name, count in found.counts.items() if name != "all"}

    @contextmanager
    def edited(self, path: Path, old: str, new: str) -> Iterator[None]:
        """Replace ``old`` in a file for a while; content and time come back."""
        text, facts = path.read_text(encoding="utf-8"), path.stat()
        assert text.count(old) >= 1, f"{path} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            yield
        finally:
            path.write_text(text, encoding="utf-8")
            os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    made = Finished(tmp_path_factory.mktemp("reruns"))
    made.run()
    return made


@pytest.mark.parametrize("name", CODE)
def test_edit_of_code(finished: Finished, name: str) -> None:
    file, old, new, rules = CODE[name]
    with finished.edited(finished.tree / "workflow_scripts" / file, old, new):
        assert set(finished.planned()) == rules


@pytest.mark.parametrize("name", CONFIG)
def test_edit_of_the_config(finished: Finished, name: str) -> None:
    change, rules = CONFIG[name]
    assert set(finished.planned(change)) == rules


def test_a_round_more_trains_that_round_alone(finished: Finished) -> None:
    found = finished.planned({"selftraining": {"short": {"rounds": 3}}})
    assert found["selftrain_round"] == 1
    assert "train_model" not in found


def test_one_model_alone_is_trained_again(finished: Finished) -> None:
    found = finished.planned({"recipes": {"crops": {"learning_rate": 2.0e-3}}})
    assert found["train_model"] == 1


@pytest.mark.parametrize(
    "file",
    [
        "README.md",
        "profiles/default/config.yaml",
        "envs/earmark.yaml",
        "Snakefile",
        "config.yaml",
        "rules/common.smk",
        "rules/schemas/config.schema.yaml",
        "presets/small.yaml",
    ],
)
def test_files_that_no_result_depends_on(finished: Finished, file: str) -> None:
    path = finished.tree / file
    last = path.read_text(encoding="utf-8").splitlines()[-1]
    with finished.edited(path, last, f"{last}  # another word"):
        assert finished.planned() == {}


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("models.smk", "# One network", "# A network"),
        ("models.smk", "gpu=GPUS", "gpu=GPUS + 1"),
        ("features.smk", "threads: 8", "threads: 2"),
        ("selftraining.smk", "{{system}}/seed{{seed}}_fold{{fold}}_round{{round}}.log",
         "{{system}}_seed{{seed}}_fold{{fold}}_round{{round}}.log"),
    ],
    ids=["a comment", "a resource", "threads", "a log's name"],
)  # fmt: skip
def test_edit_of_a_rule_that_no_result_depends_on(
    finished: Finished, file: str, old: str, new: str
) -> None:
    with finished.edited(finished.tree / "rules" / file, old, new):
        assert finished.planned() == {}


@pytest.mark.parametrize(
    "arguments",
    [
        ("--cores", "1"),
        ("--resources", "gpu=2"),
        ("--set-threads", "train_model=2"),
        ("--set-resources", "train_model:gpu=1"),
        ("--workflow-profile", "none"),
        ("--workflow-profile", "slurm"),
    ],
    ids=" ".join,
)
def test_how_it_is_run_reruns_nothing(finished: Finished, arguments: tuple[str, ...]) -> None:
    assert finished.planned(None, *arguments) == {}


def test_a_label_flipped_reruns_all_that_reads_labels(finished: Finished) -> None:
    fname, label, verified = finished.made.train[0]
    other = next(name for name in CLASSES if name != label)
    old, new = f"{fname},{label},{verified}", f"{fname},{other},{verified}"
    with finished.edited(finished.made.train_list, old, new):
        assert set(finished.planned()) == EVERYTHING


@pytest.mark.parametrize("part", ["train", "test"])
def test_a_clip_more_reruns_everything(finished: Finished, part: str) -> None:
    made = finished.made
    folder = made.audio_train if part == "train" else made.audio_test
    lists = made.train_list if part == "train" else made.test_list
    assert lists
    there, row = next(folder.iterdir()), lists.read_text(encoding="utf-8").splitlines()[-1]
    added = shutil.copy2(there, folder / "ffffffff.wav")
    try:
        more = f"{row}\nffffffff.wav,{row.split(',', 1)[1]}"
        with finished.edited(lists, row, more):
            assert set(finished.planned()) == EVERYTHING
    finally:
        Path(added).unlink()


def test_a_clip_exchanged_reruns_everything(finished: Finished) -> None:
    clip = finished.made.audio_train / finished.made.train[0][0]
    content, facts = clip.read_bytes(), clip.stat()
    clip.write_bytes(content[:-2])
    try:
        assert set(finished.planned()) == EVERYTHING
    finally:
        clip.write_bytes(content)
        os.utime(clip, ns=(facts.st_atime_ns, facts.st_mtime_ns))


def test_after_all_these_edits_nothing_is_to_be_done(finished: Finished) -> None:
    assert finished.planned() == {}


def test_the_truth_of_the_test_clips_concerns_the_scores_alone(finished: Finished) -> None:
    truth = finished.made.folder / "test_post_competition.csv"
    with finished.edited(truth, ",Private", ",Public"):
        assert set(finished.planned()) == SCORING
