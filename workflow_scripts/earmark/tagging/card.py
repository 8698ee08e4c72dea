"""The model card of a bundle, in Markdown: use, data, labels, networks, scores and limits."""

import html
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from earmark.tagging.bundle import Bundle

if TYPE_CHECKING:
    import pandas as pd

SCORED = ("verified clips, out of fold", "test clips")
ESTIMATES = """
The networks here have learned from every clip, and none is left to score them on: the scores are
estimates, of networks that were trained in the same way on fewer clips (as in scikit-learn's
`CalibratedClassifierCV(ensemble=False)`).
"""
LOUDNESS = """ Levels are relative to a clip's loudest part: a whisper counts like a
  shout, and background noise alone is amplified."""


def make(
    bundle: Bundle,
    submission: str,
    every_clip: bool,
    models: Mapping[str, Mapping[str, Any]],
    clips: "pd.DataFrame",
    labels: "pd.DataFrame",
    scores: "Sequence[pd.DataFrame]",
) -> str:
    """The text of the card.

    ``submission`` is the system or ensemble, ``every_clip`` whether its networks learned from
    every clip. ``models`` are metadata by system (of one fold where there are several), ``clips``
    and ``labels`` the tables of the train clips. ``scores`` are rows of ``scoring.score``: out of
    fold and, where the ground truth is known, on test clips.
    """
    used = clips[clips["use"] == 1]
    lengths, rates = used["seconds"], used["sample_rate"].value_counts().items()
    systems = [
        (
            *(name, system.feature, system.network, len(system.weights)),
            *(models[name]["clips"]["train"], models[name]["kept_epoch"]),
        )
        for name, system in bundle.systems.items()
    ]
    scored = [
        (where, f"{row.map3:.3f}", f"{row.standard_error:.3f}", f"{row.accuracy:.1%}", row.clips)
        for where, table in zip(SCORED, scores, strict=False)
        for row in table[table["split"] == "all"].itertuples()
    ]
    by_class = labels.groupby("label")["verified"].agg(["size", "sum"]).itertuples()
    flag = " --allow-code" if bundle.own_files else ""
    temperatures = [system.temperature for system in bundle.systems.values()]
    calibrated = "Probabilities are not calibrated: too few verified clips were held out."
    if any(temperature != 1 for temperature in temperatures):
        listed = ", ".join(f"{temperature:.3f}" for temperature in temperatures)
        calibrated = f"Probabilities are calibrated on clips like these (temperatures {listed})."
    is_relative = any("range_db" in feature for feature in bundle.features.values())
    return f"""\
# Sound tagger {bundle.name}

It gives sounds the probabilities of {len(bundle.classes)} classes:

    earmark tag THIS_FOLDER path/to/sounds -o tags.csv{flag}

It is meant for sounds like those that it learned from, and for sorting collections that a person
then looks through, not for decisions that nobody checks. Listen to some of your own sounds with
their tags before you rely on them.

## Data

{len(labels)} clips have a label; {labels["verified"].sum()} count as verified, as the data set says
so or says nothing about it. {len(used)} of {len(clips)} clips could be learned from, in all
{timedelta(seconds=round(lengths.sum()))} (hours:minutes:seconds). Sample rates:
{", ".join(f"{rate} Hz ({count} clips)" for rate, count in rates)}.

{_table("class | clips | verified", by_class)}
## Networks

Their mean is {bundle.combination.kind}; `tagger.json` has all settings.

{_table("system | feature | network | networks | clips learned from | epochs", systems)}
## Scores of {submission}

Out of fold, each clip was predicted by networks that had not learned from its fold; test clips, by
the mean of these networks. Where there is no score, no verified clip was held out, or `scores` in
the config leaves it out.

{_table("scored on | MAP@3 | standard error | first guess right | clips", scored)}\
{ESTIMATES if every_clip else ""}
## Limits

- It knows its classes only. A sound of none of them gets one of them all the same, often with a
  high probability.
- It learned from clips of {lengths.min():.2f} to {lengths.max():.2f} s. Only the first
  {bundle.longest_seconds:g} s of a clip are heard; cut long recordings into windows of about
  {lengths.median():.2g} s, the median of those clips.
- Channels are averaged, and sounds resampled to the rates above. What lies above half a rate is not
  heard, and sounds from lower rates lack what it may listen for.
- Silence gets no tag.{LOUDNESS if is_relative else ""}
- {calibrated} Of tags with 0.9, fewer than 9 in 10 are right on sounds that are unlike these.
"""


def _table(header: str, rows: Iterable[Sequence[object]]) -> str:
    """A table in Markdown."""
    line = " | ".join("---" for _ in header.split(" | "))
    lines = (header, line, *(" | ".join(map(str, row)) for row in rows))
    return html.escape("".join(f"| {line} |\n" for line in lines), quote=False)
