"""The threshold schedule of self-training: how sure a guess must be to become a pseudo-label.

It is the schedule of the 2018 report, section 6.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ThresholdSchedule:
    """Bounds on the highest probability. The lower one rises by a step per round up to a limit.

    The upper bound leaves out what the network is sure of already: learning that again only makes
    it overfit. The fields are keys of the config's entries under ``selftraining``.
    """

    lower_first: float
    lower_step: float
    lower_last: float
    upper: float

    def lower(self, round_number: int) -> float:
        """Lower bound of a round; the first round is 1."""
        return min(self.lower_last, self.lower_first + self.lower_step * (round_number - 1))
