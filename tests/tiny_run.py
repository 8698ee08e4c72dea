"""One small run of everything, made once for all test files that look at a finished run.

Those that change something in it take a copy: to Snakemake a copy is as finished as the original.
"""

import copy
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from tiny import RATE, TinySet, make_set, merged, snakemake, tone

from earmark.planning import clip_index

CLASSES = ["Cello", "Flute", "Bark", "Knock"]
GROUPS = {"music": {"Cello", "Flute"}, "non_music": {"Bark", "Knock"}}
MEMBERS = ["vgg_fewer_semi", "cnn_logmel"]
SHORT = {"epochs": 2, "batch_clips": 8}
TINY: dict[str, Any] = {
    "folds": 2,
    "submission": "cnn_logmel",
    "clips": {"most_skipped_percent": 0.0},
    "hardware": {"device": "cpu", "precision": "float32", "memory_format": "contiguous"},
    "features": {
        "stft": {
            "sample_rate": RATE,
            "window_samples": 256,
            "hop_samples": 128,
            "bins": 16,
            "frames": 14,
        },
        "log_mel": {
            "sample_rate": RATE,
            "window_samples": 256,
            "hop_samples": 128,
            "bands": 16,
            "highest_hz": RATE / 2,
        },
    },
    "recipes": {
        "autoencoder": SHORT,
        "vgg": SHORT,
        "adjust": SHORT,
        "crops": {
            "epochs": 24,
            "batch_clips": 8,
            "learning_rate": 1.0e-2,
            "crop_frames": 8,
            "mask_bands": 2,
            "mask_frames": 2,
        },
    },
    # Bounds so wide that a round surely adds clips.
    "selftraining": {"short": {"rounds": 1, "lower_first": 0.1, "lower_last": 0.1, "upper": 1.0}},
    "systems": {"cnn_logmel": {"network_options": {"width": 4}}},
    "ensembles": {
        name: {"members": MEMBERS} for name in ("arithmetic", "geometric", "power", "weighted")
    },
}
SYSTEMS = [*MEMBERS, "arithmetic", "geometric", "power", "weighted"]


@dataclass
class Run:
    """A finished run of ``all`` and ``tagger``, and what it printed."""

    directory: Path
    made: TinySet
    overlay: dict[str, Any]
    printed: str

    @property
    def results(self) -> Path:
        return self.directory / "results" / "four"

    def copy(self, base: Path) -> "Run":
        """Copy the run, its data set and its sounds to an empty folder."""
        shutil.copytree(self.directory, base / "run", symlinks=True)
        shutil.copytree(self.overlay["sounds"], base / "heard", symlinks=True)
        shutil.copytree(self.made.folder, base / "four")
        made = copy.deepcopy(self.made)
        made.folder = base / "four"
        for name in ("audio_train", "audio_test", "train_list", "test_list"):
            setattr(made, name, made.folder / getattr(made, name).name)
        # The copied results are of the copied clips, which may be edited.
        clip_index.note_owner(base / "four", self.results, base / "run" / clip_index.CACHE)
        folders = {"dataset": str(made.folder), "sounds": str(base / "heard")}
        return Run(base / "run", made, {**self.overlay, **folders}, self.printed)


def write_sounds(folder: Path) -> None:
    """A sound of each class to tag, and three files that cannot be heard."""
    for number, label in enumerate(CLASSES):
        path = folder / label / "sound, 1.wav"
        path.parent.mkdir(parents=True)
        soundfile.write(path, tone(250.0 * 1.7**number, seconds=0.5, seed=70 + number), RATE)
    (folder / "none.mp3").write_text("no audio")
    (folder / "gone.wav").symlink_to("none.mp3")
    soundfile.write(folder / "silent.flac", np.zeros(RATE), RATE)
    (folder / "notes.txt").write_text("no sound")


def make(base: Path) -> Run:
    """Make a set of four tones and sounds to tag, and have all of it done."""
    made = make_set(base / "four", CLASSES, clips=8, truth=True, empty_test_clips=1)
    write_sounds(base / "heard")
    changes = {
        "dataset": str(made.folder),
        "sounds": str(base / "heard"),
        "selftraining": {"short": {"rounds": 2}},
    }
    overlay = merged(TINY, changes)
    code, text = snakemake(base / "run", "all", "tagger", overlay=overlay)
    assert code == 0, text
    return Run(base / "run", made, overlay, text)
