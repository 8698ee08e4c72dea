"""The report's tables from a run's results, with the reported numbers in columns of their own."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from earmark.evaluation import comparison
from earmark.inference import metrics
from earmark.report2018 import reported_values
from earmark.report2018.reported_values import TOGETHER
from earmark.runtime.errors import EarmarkError
from earmark.training import seeds

SYSTEM_COLUMNS = (
    "title",
    "system",
    "reported",
    "map3",
    "clips",
    "standard_error",
    "seeds",
    "seed_deviation",
    "difference",
    "difference_low",
    "difference_high",
    "paired_clips",
    "public",
    "private",
)
COUNTS = ("clips", "seeds", "paired_clips")
HEADINGS = {
    "title": "row",
    "map3": "MAP@3",
    "seed_deviation": "deviation between seeds",
    "difference": "difference to the line above",
    "difference_low": "95 % from",
    "difference_high": "95 % to",
    "public": "public MAP@3",
    "private": "private MAP@3",
}
GROUP_COLUMNS = ("clips", "verified", "verified_after", "percent")


def systems(clips: pd.DataFrame, rows: Sequence[Mapping[str, Any]], seed: int) -> pd.DataFrame:
    """One line per system (report, section 8), each compared with the line above.

    ``clips`` is a table of clip scores; each of ``rows`` has title, entry and reported (a list of
    numbers). Scores are means over seeds; standard_error is over clips, seed_deviation between
    seeds. Two lines are compared on their common clips, whose number is paired_clips. Raises
    EarmarkError for an entry without scores.
    """
    lines: list[dict[str, Any]] = []
    before: tuple[str, pd.DataFrame] | None = None
    for row in rows:
        entry, values = row["entry"], _scores_of(clips, row["entry"])
        summary = comparison.summarise(values.to_numpy())
        usage = clips[clips["system"] == entry].groupby("usage")["average_precision"].mean()
        line = {
            "title": row["title"],
            "system": entry,
            "reported": ", ".join(f"{number:.3f}" for number in row["reported"]) or None,
            "map3": summary.mean,
            "clips": values.shape[1],
            "standard_error": summary.clip_error,
            "seeds": values.shape[0],
            "seed_deviation": summary.seed_deviation,
            "public": usage.get("public"),
            "private": usage.get("private"),
        }
        if before is not None:
            name, other = before
            line |= _against(other, values, seeds.derive_seed(seed, "comparison", name, entry))
        lines.append(line)
        before = (entry, values)
    table = pd.DataFrame(lines, columns=list(SYSTEM_COLUMNS))
    numbers = [name for name in SYSTEM_COLUMNS[3:] if name not in COUNTS]
    kinds = {**dict.fromkeys(COUNTS, "Int64"), **dict.fromkeys(numbers, "float64")}
    return table.astype(kinds).round(dict.fromkeys(numbers, 4))


def _scores_of(clips: pd.DataFrame, entry: str) -> pd.DataFrame:
    """Average precisions of a system: a row per seed, a column per clip."""
    scores = clips[clips["system"] == entry]
    if scores.empty:
        systems = ", ".join(dict.fromkeys(clips["system"])) or "none"
        raise EarmarkError(
            f"There are no clip scores of '{entry}'; there are scores of: {systems}. Write one of "
            f"them in the table's rows, or add '{entry}' to `scores`."
        )
    values = scores.pivot(index="seed", columns="clip", values="average_precision")
    if values.isna().to_numpy().any():
        raise EarmarkError(
            f"'{entry}' was not scored on the same clips with all seeds. Score it again with the "
            f"seeds {', '.join(map(str, values.index))}."
        )
    return values


def _against(before: pd.DataFrame, values: pd.DataFrame, seed: int) -> dict[str, Any]:
    both = values.columns.intersection(before.columns)
    if both.empty:
        return {"paired_clips": 0}
    difference, low, high = comparison.paired_bootstrap(
        values[both].to_numpy(), before[both].to_numpy(), seed
    )
    return {
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
        "paired_clips": len(both),
    }


def spreading(summary: pd.DataFrame, name: str, scheme: str) -> pd.DataFrame:
    """The group table (report, section 4) of the spreading ``name``.

    ``summary`` is spreading.csv as text. The reported numbers are those of ``scheme``: one, two,
    three or five. Groups that only one of them has are listed too.
    """
    counts = summary[summary["spreading"] == name].rename(columns={"percent_after": "percent"})
    counts = counts.set_index("group")[[*GROUP_COLUMNS, "undecided"]].apply(pd.to_numeric)
    reported = pd.DataFrame(
        reported_values.GROUP_TABLES[scheme], columns=["group", *GROUP_COLUMNS]
    ).set_index("group")
    if len(reported) == 1:
        # With one group, the sum over groups is that group again.
        counts = counts.drop(index=TOGETHER, errors="ignore")
    groups = list(dict.fromkeys([*reported.index, *counts.index]))
    # The sums come last.
    groups.sort(key=lambda group: group == TOGETHER)
    table = counts[list(GROUP_COLUMNS)].reindex(groups)
    table = table.join(reported.astype(float).add_prefix("reported_"))
    table["undecided"] = counts["undecided"].reindex(groups)
    for column in table.columns:
        kind = "float64" if column.endswith("percent") else "Int64"
        table[column] = table[column].astype(kind)
    table = table.reset_index(names="group")
    table.insert(0, "spreading", name)
    table.insert(1, "scheme", scheme)
    return table


def selftraining(
    rounds: Mapping[int, Mapping[str, Any]], pseudo_labels: Mapping[int, int], setting: str | None
) -> pd.DataFrame:
    """One line per round (report, section 6), and a last one that repeats the best of them.

    ``rounds`` are the models' metadata (model.json) by round; the base model is round 0, and a
    self-training that starts untrained has none. ``pseudo_labels`` are their numbers by round.
    Accuracies are those of the epoch whose weights were kept. The best round is chosen like a
    training's best epoch. With ``setting`` A or B there are columns of the reported numbers, and
    lines of reported rounds that were not run.
    """
    lines = {
        number: {
            "kept_epoch": metadata["kept_epoch"],
            "clips": metadata["clips"]["train"],
            "pseudo_labels": pseudo_labels.get(number, 0),
            "train_accuracy": metadata["kept_metrics"]["train_accuracy"],
            "validation_accuracy": metadata["kept_metrics"].get("validation_accuracy"),
        }
        for number, metadata in rounds.items()
    }
    best = max(rounds, key=lambda number: (_score(number, rounds[number]), -number))
    reported = {row.number: row for row in reported_values.SELFTRAINING.get(setting or "", ())}
    numbers = sorted({*lines, *(number for number in reported if number is not None)})
    rows = [
        {"round": str(number), **lines.get(number, {}), **_reported(reported.get(number))}
        for number in numbers
    ]
    rows.append({"round": f"best ({best})", **lines[best], **_reported(reported.get(None))})
    names = reported_values.RoundRow._fields[1:] if reported else ()
    columns = ["round", *lines[best], *[f"reported_{name}" for name in names]]
    table = pd.DataFrame(rows, columns=columns)
    for name in table.columns[1:]:
        kind = "float64" if name.endswith("accuracy") else "Int64"
        table[name] = table[name].astype(kind)
    return table.round(4)


def _score(number: int, metadata: Mapping[str, Any]) -> tuple[float, ...]:
    """How good a round is, higher is better."""
    kept = metadata["kept_metrics"]
    if "validation_loss" not in kept:
        return (number,)  # the last one is the best
    return metrics.epoch_score(kept, metadata["recipe"].get("watch", "accuracy"))


def _reported(row: reported_values.RoundRow | None) -> dict[str, Any]:
    values = row._asdict() if row is not None else {}
    return {f"reported_{name}": value for name, value in values.items()}
