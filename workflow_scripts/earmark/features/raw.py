"""The samples themselves (report, section 5: at 16 kHz); a frame is one sample."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from earmark.features.settings import Feature


@dataclass(frozen=True)
class Raw(Feature):
    """Samples as 16-bit integers."""

    sample_rate: int = 16000

    kind: ClassVar = "raw"
    fixed: ClassVar = False
    dtype: ClassVar = np.int16
    unit: ClassVar = 32768

    @property
    def shape(self) -> tuple[int, int]:
        """(1, 0): one value per sample, and as many as the clip has."""
        return 1, 0

    def compute(self, samples: np.ndarray) -> np.ndarray:
        """Samples (n,) in [-1, 1] -> integers (n, 1), at least one."""
        if samples.size == 0:
            return np.zeros((1, 1), np.int16)
        # Resampling overshoots full scale now and then.
        return np.clip(np.round(samples * 32768), -32768, 32767).astype(np.int16)[:, None]
