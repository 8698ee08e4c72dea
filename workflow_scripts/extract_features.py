"""Compute one feature of every clip and store it as HDF5."""

from functools import partial
from typing import Any

import h5py
import numpy as np
import torch

from earmark.dataset import audio as decoding
from earmark.dataset import clips, layout
from earmark.features import settings, store
from earmark.features.settings import Feature
from earmark.runtime import job, pools, progress
from earmark.runtime.errors import EarmarkError


def main(
    *,
    table: str,
    audio: list[str],
    feature_file: str,
    cfg: dict[str, Any],
    threads: int,
    folders: dict[str, str],
) -> None:
    """Write the feature ``cfg["feature"]`` of all clips in the ``table`` of ``cfg["part"]``.

    Files are in ``base_folder``. Only the first ``cfg["longest_seconds"]`` of a clip are used;
    clips without sound (empty, silent, unreadable ...) get the feature of silence. Raises
    EarmarkError for a clip that could be decoded when it was inspected and no longer can.
    """
    clip_table = clips.read(table)
    feature = settings.parse(cfg["feature"])
    base = layout.base_folder(audio, folders[cfg["part"]])
    work = partial(compute, feature=feature, longest_seconds=cfg["longest_seconds"])
    places = list(zip(clips.places(clip_table, base), clip_table["status"], strict=True))
    rows = pools.parallel_map(work, places, threads)
    store.write_features(
        feature_file,
        clip_table["clip"].tolist(),
        progress.track(rows, len(places), "features computed"),
        feature.shape,
        feature.fixed,
        feature.dtype,
        feature.unit,
        feature.padding,
        settings=settings.to_dict(feature),
        versions={"torch": str(torch.__version__), "h5py": h5py.__version__},
    )


def compute(
    clip: tuple[clips.Place, str], *, feature: Feature, longest_seconds: float
) -> np.ndarray:
    """The feature of ``clip``: its place, and its status."""
    # Clips are processed in parallel, so each one's transforms use one thread.
    if torch.get_num_threads() > 1:
        torch.set_num_threads(1)
    place, status = clip
    if status not in decoding.STATUSES_WITH_SOUND:
        return feature.compute(np.zeros(0, np.float32))
    try:
        is_cut, start, end = status == "truncated", place.start, place.end
        samples = decoding.load(
            place.file, feature.sample_rate, longest_seconds, is_cut, start, end
        )
    except (decoding.UnreadableClipError, OSError) as problem:
        raise EarmarkError(
            f"{place} could be decoded when it was inspected, and no longer can "
            f"({problem}). Put it back as it was, and run again."
        ) from problem
    return feature.compute(samples)


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
