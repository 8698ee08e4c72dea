"""The model card of a bundle, in Markdown: use, data, labels, networks, scores and limits."""

import html
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pandas as pd

from earmark.tagging.bundle import Bundle

USE = """\
## Use

```
earmark tag THIS_FOLDER path/to/sounds -o tags.csv
```

```python
from earmark import Tagger

tagger = Tagger.load("THIS_FOLDER")
print(tagger("sound.wav").best(top=3))
```

It is meant for sounds like those that it learned from, and for sorting collections that a person
then looks through, not for decisions that nobody checks. Listen to some of your own sounds with
their tags before you rely on them.
"""
SCORED = ("verified clips, out of fold", "test clips")
OF_FOLDS = """\
Each clip that was scored out of fold was predicted by networks that had not learned from its fold;
scores on test clips are of the mean of these networks."""
OF_EVERY_CLIP = """\
The networks here have learned from every clip, and no clip is left to score them on: these scores
are estimates, measured on the networks of the folds, which were trained in the same way on fewer
clips (as in scikit-learn's `CalibratedClassifierCV(ensemble=False)`)."""


@dataclass(frozen=True)
class Facts:
    """What the card says beyond the bundle.

    ``models`` are metadata by system (of one fold where there are several). ``clips`` and
    ``labels`` are the tables of the train clips. ``scores`` are rows of ``scoring.score`` of the
    ``submission``, the system or ensemble: out of fold and, where the ground truth is known, on
    test clips.
    """

    submission: str
    learned_from_every_clip: bool
    models: Mapping[str, Mapping[str, Any]]
    clips: pd.DataFrame
    labels: pd.DataFrame
    scores: Sequence[pd.DataFrame]


def make(bundle: Bundle, facts: Facts) -> str:
    """The text of the card."""
    title = f"# Sound tagger {bundle.name}\n"
    what = f"It gives sounds the probabilities of {len(bundle.classes)} classes.\n"
    parts = (_data(facts), _networks(bundle, facts), _scores(facts), _limits(bundle, facts))
    return "\n".join([title, what, USE, *(line for part in parts for line in part)])


def _data(facts: Facts) -> Iterator[str]:
    yield "## Data\n"
    labels, used = facts.labels, facts.clips[facts.clips["use"] == 1]
    duration = timedelta(seconds=round(used["seconds"].sum()))
    yield (
        f"{len(labels)} clips have a label, {labels['verified'].mean():.0%} of them verified; the "
        f"others may be wrong. {len(used)} of {len(facts.clips)} clips could be learned from, "
        f"{duration} (hours:minutes:seconds) in all.\n"
    )
    by_class = labels.groupby("label")["verified"].agg(["size", "sum"])
    yield from _table(("class", "clips", "verified"), by_class.itertuples())
    rates = used["sample_rate"].value_counts().sort_index(ascending=False).items()
    yield f"Sample rates: {', '.join(f'{rate} Hz ({count} clips)' for rate, count in rates)}.\n"


def _networks(bundle: Bundle, facts: Facts) -> Iterator[str]:
    yield "## Networks\n"
    mean = bundle.combination
    if len(mean.members) > 1:
        weights = mean.scores and ", ".join(f"{score:.3f}" for score in mean.scores)
        by = f", weighed by {weights}" if weights else ""
        yield f"Probabilities are the {mean.kind} mean of these systems{by}.\n"
    rows = []
    for name in mean.members:
        system, model = bundle.systems[name], facts.models[name]
        recipe, rounds = model["recipe"], model.get("round")
        learned = f"{model['clips']['train']} clips, {model['kept_epoch']} epochs"
        learned += f" of round {rounds} of self-training" if rounds else ""
        batch = f"batches of {recipe['batch_clips']}, learning rate {recipe['learning_rate']:g}"
        options = [f"{key} {value}" for key, value in system.network_options.items()]
        network = ", ".join([system.network, *options])
        rows.append((name, system.feature, network, len(system.weights), f"{learned}, {batch}"))
    yield from _table(("system", "feature", "network", "number", "learned from"), rows)
    features = [
        (name, ", ".join(f"{key} {value}" for key, value in settings.items()))
        for name, settings in bundle.features.items()
    ]
    yield from _table(("feature", "settings"), features)
    versions = next(iter(facts.models.values()))["versions"].items()
    yield f"Trained with {', '.join(f'{name} {version}' for name, version in versions)}.\n"


def _scores(facts: Facts) -> Iterator[str]:
    yield "## Scores\n"
    header = ("measured on", "MAP@3", "standard error", "first guess correct", "clips")
    rows = []
    for where, table in zip(SCORED, facts.scores, strict=False):
        for row in table[table["split"] == "all"].itertuples():
            scores = [f"{row.map3:.3f}", f"{row.standard_error:.3f}", f"{row.accuracy:.1%}"]
            rows.append((where, *scores, row.clips))
    if not rows:
        yield f"{facts.submission} was not scored: no verified clip was held out, or its name is"
        yield "not among `scores` in the config.\n"
        return
    yield from _table(header, rows)
    yield f"These are scores of {facts.submission}.\n{OF_FOLDS}"
    yield f"{OF_EVERY_CLIP if facts.learned_from_every_clip else ''}\n"


def _limits(bundle: Bundle, facts: Facts) -> Iterator[str]:
    rates = sorted({settings["sample_rate"] for settings in bundle.features.values()})
    used = facts.clips.loc[facts.clips["use"] == 1, "seconds"]
    yield "## Limits\n"
    yield (
        "- It knows its classes only. A sound of none of them gets one of them all the same, often "
        "with a high probability."
    )
    yield (
        f"- Clips that it learned from are {used.min():.2f} to {used.max():.1f} s long (median "
        f"{used.median():.1f} s). Of a longer one, only the first {bundle.longest_seconds:g} s are "
        f"heard; cut long recordings into windows of about the median."
    )
    yield (
        f"- Channels are averaged, and sounds resampled to {' and '.join(map(str, rates))} Hz. "
        f"What lies above half of that is not heard, and sounds from lower rates lack what it may "
        f"listen for."
    )
    yield (
        "- Spectra are relative to a clip's loudest part: a whisper counts like a shout, and "
        "background noise alone is amplified. Silence gets no tag."
    )
    yield (
        "- Probabilities are those of the networks and not calibrated: of tags with 0.9, more or "
        "fewer than 9 in 10 may be right."
    )


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    """A table in Markdown, and an empty line."""
    for row in (header, ["---"] * len(header), *rows):
        cells = (html.escape(str(cell), quote=False).replace("|", "\\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""
