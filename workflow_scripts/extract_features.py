"""Compute one feature of every clip and store it as HDF5."""

import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch

from earmark import audio, feature_settings, features, job, manifest, store
from earmark.errors import EarmarkError

log = logging.getLogger("earmark")

# Decoded clips waiting for the writer: bounds memory whatever the number of clips.
WAITING_PER_THREAD = 8


def main(
    *, table: str, audio_folders: list[str], feature_file: str, cfg: dict[str, Any], threads: int
) -> None:
    """Write the feature ``cfg["feature"]`` of all clips in the manifest ``table``.

    ``cfg["folder"]`` is the data set's folder, which the manifest's paths are relative to; if the
    workflow made the data set, it lies where the folders of its clips, ``audio_folders``, are.
    No more than ``cfg["longest_seconds"]`` of a clip are heard. Clips without anything to hear
    (empty, silent, unreadable ...) get the feature of silence. Raises EarmarkError when a clip that
    could be decoded for the manifest no longer can.
    """
    clips = manifest.read(table)
    feature = features.from_settings(cfg["feature"])
    folder = Path(audio_folders[0]).parent if audio_folders else Path(cfg["folder"])
    # Clips run in parallel, so each one's transforms take one thread.
    torch.set_num_threads(1)

    def compute(path: str, status: str) -> np.ndarray:
        if status not in audio.HEARD:
            return feature.compute(np.zeros(0, np.float32))
        try:
            samples = audio.load(
                folder / path, feature.sample_rate, cfg["longest_seconds"], status == "truncated"
            )
        except (audio.UnreadableClipError, OSError) as problem:
            raise EarmarkError(
                f"{folder / path} could be decoded when the manifest was made, and no longer can "
                f"({problem}). Put it back as it was, and run again."
            ) from problem
        return feature.compute(samples)

    jobs = list(zip(clips["path"], clips["status"], strict=True))
    store.write_features(
        feature_file,
        clips["fname"].tolist(),
        job.progress(_in_order(compute, jobs, threads), len(jobs), "clips transformed"),
        feature.shape,
        feature.fixed,
        feature.dtype,
        feature.unit,
        feature.padding,
        settings=feature_settings.plain(feature),
        versions={"torch": str(torch.__version__), "h5py": h5py.__version__},
    )


def _in_order(compute: Any, jobs: list[tuple[str, str]], threads: int) -> Iterator[np.ndarray]:
    """Yield results in order from ``threads`` workers, with few results waiting."""
    with ThreadPoolExecutor(threads) as pool:
        waiting = []
        for path, status in jobs:
            waiting.append(pool.submit(compute, path, status))
            if len(waiting) >= threads * WAITING_PER_THREAD:
                yield waiting.pop(0).result()
        for result in waiting:
            yield result.result()


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
