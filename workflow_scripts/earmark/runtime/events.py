"""Event files of trainings for TensorBoard: what happens in each epoch, while it happens.

They lie beside a training's outputs, and no rule reads them: times differ from run to run.
"""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import psutil

PATTERN = "events.out.tfevents.*"
PARTS = ("train", "validation")


class EventFile:
    """The event file of a training in ``folder``, ``done`` of whose epochs were done before.

    Of later ones TensorBoard drops what an earlier run wrote. A training from the start removes the
    files of earlier ones.
    """

    def __init__(self, folder: Path, done: int) -> None:
        # They take a quarter of a second.
        from tensorboard.compat.proto import event_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        folder.mkdir(parents=True, exist_ok=True)
        for path in folder.glob(PATTERN) if not done else ():
            path.unlink(missing_ok=True)
        self._event = event_pb2.Event
        # Read in the order of their names. Without a buffer, so that users can watch.
        path = folder / PATTERN.replace("*", f"{time.time():.6f}")
        self._file = open(path, "wb", buffering=0)  # noqa: SIM115
        self._records = RecordWriter(self._file)
        self._write(file_version="brain.Event:2")
        self._write(step=done + 1, session_log={"status": event_pb2.SessionLog.START})

    def epoch_done(self, epoch: int, values: Mapping[str, float]) -> None:
        """Write an epoch's values and the process's memory; train_loss becomes loss/train."""
        memory = psutil.Process().memory_info().rss / 2**20
        tags = {_tag(name): value for name, value in values.items() if name != "epoch"}
        scalars = [
            {"tag": tag, "simple_value": value}
            for tag, value in {**tags, "memory/process_MiB": memory}.items()
        ]
        self._write(step=epoch, summary={"value": scalars})

    def _write(self, **fields: Any) -> None:
        self._records.write(self._event(wall_time=time.time(), **fields).SerializeToString())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _tag(name: str) -> str:
    part, _, rest = name.partition("_")
    return f"{rest}/{part}" if part in PARTS else name
