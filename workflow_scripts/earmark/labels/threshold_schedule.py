"""The threshold schedule of self-training: which probabilities a round takes labels from.

It is the schedule of the 2018 report, section 6.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class ThresholdSchedule:
    """Bounds on the highest probability. The lower one rises by a step per round up to a limit.

    The upper bound leaves out what the network is sure of already: learning that again only makes
    it overfit.
    """

    lower_first: float = 0.35
    lower_step: float = 0.01
    lower_last: float = 0.65
    upper: float = 0.9

    def lower(self, round_number: int) -> float:
        """Lower bound of a round; the first round is 1."""
        return min(self.lower_last, self.lower_first + self.lower_step * (round_number - 1))
