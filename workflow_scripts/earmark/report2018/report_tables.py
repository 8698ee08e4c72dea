"""The report's tables from a run's results, with the reported figures in columns beside ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from earmark.evaluation import comparison
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
    numbers). Figures are means over seeds; standard_error is over clips, seed_deviation between
    seeds. Two lines are compared on the clips that both have, their number is paired_clips. Raises
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
    figures = [name for name in SYSTEM_COLUMNS[3:] if name not in COUNTS]
    kinds = {**dict.fromkeys(COUNTS, "Int64"), **dict.fromkeys(figures, "float64")}
    return table.astype(kinds).round(dict.fromkeys(figures, 4))


def _scores_of(clips: pd.DataFrame, entry: str) -> pd.DataFrame:
    """Average precisions of a system: a row per seed, a column per clip."""
    own = clips[clips["system"] == entry]
    if own.empty:
        known = ", ".join(dict.fromkeys(clips["system"])) or "none"
        raise EarmarkError(
            f"There are no clip scores of '{entry}'; there are scores of: {known}. Name one of "
            f"them in the table's rows, or have '{entry}' scored."
        )
    values = own.pivot(index="seed", columns="clip", values="average_precision")
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
    """One group table (report, section 4) of the spreading called ``name``.

    ``summary`` holds spreading.csv as text. The reported figures are those of ``scheme``: one, two,
    three or five. Groups that one side lacks are there all the same.
    """
    own = summary[summary["spreading"] == name].rename(columns={"percent_after": "percent"})
    ours = own.set_index("group")[[*GROUP_COLUMNS, "undecided"]].apply(pd.to_numeric)
    reported = pd.DataFrame(
        reported_values.GROUP_TABLES[scheme], columns=["group", *GROUP_COLUMNS]
    ).set_index("group")
    if len(reported) == 1:
        # In a scheme of one group, all groups together are that group again.
        ours = ours.drop(index=TOGETHER, errors="ignore")
    groups = list(dict.fromkeys([*reported.index, *ours.index]))
    # The sums come last.
    groups.sort(key=lambda group: group == TOGETHER)
    table = ours[list(GROUP_COLUMNS)].reindex(groups)
    table = table.join(reported.astype(float).add_prefix("reported_"))
    table["undecided"] = ours["undecided"].reindex(groups)
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

    ``rounds`` are the metadata of the models (model.json) by round; the base model is round 0, and
    a self-training that starts untrained has none. ``pseudo_labels`` says how many each round
    added. Accuracies are those of the epoch whose weights were kept. The best round is chosen as
    training chooses an epoch. With ``setting`` A or B the reported figures stand in columns of
    their own, also of rounds that were not run.
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
    """How good a round is, higher is better, by what its recipe watches."""
    figures = metadata["kept_metrics"]
    if "validation_loss" not in figures:
        return (number,)  # the last one is the best
    if metadata["recipe"].get("watch") == "loss":
        return (-figures["validation_loss"],)
    return figures["validation_accuracy"], -figures["validation_loss"]


def _reported(row: reported_values.RoundRow | None) -> dict[str, Any]:
    values = row._asdict() if row is not None else {}
    return {f"reported_{name}": value for name, value in values.items()}
