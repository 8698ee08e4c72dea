"""The report's tables from a run's results, with the reported figures in columns beside ours."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from earmark.evaluation import comparison, scoring
from earmark.report2018 import reported_figures
from earmark.report2018.reported_figures import TOGETHER
from earmark.runtime.errors import EarmarkError
from earmark.training import seeds

SYSTEM_COLUMNS = (
    "title",
    "system",
    "reported",
    "reported_clips",
    "reported_error",
    "map3",
    "clips",
    "standard_error",
    "seeds",
    "seed_deviation",
    "difference",
    "difference_low",
    "difference_high",
    "p",
    "paired_clips",
    "public",
    "private",
    "note",
)
# Left out for reading where no line has a value.
OPTIONAL = ("seed_deviation", "public", "private", "note")
GROUP_COLUMNS = ("clips", "verified", "verified_after", "percent")
# What the group tables take from spreading.csv.
COUNTED = ("clips", "verified", "verified_after", "percent_after", "undecided")


def systems(
    clips: pd.DataFrame,
    rows: Sequence[Mapping[str, Any]],
    reported_clips: int,
    reported_error: float,
    seed: int,
) -> pd.DataFrame:
    """One line per system (report, section 8), each compared with the line above.

    ``clips`` is a table of clip scores; each of ``rows`` has title, entry, reported (a number, a
    list of numbers or None) and may have a note. Figures are means over seeds; standard_error is
    over clips, seed_deviation between seeds. Two lines are compared on the clips that both have,
    their number is paired_clips. Raises EarmarkError for an entry without scores.
    """
    found: list[dict[str, Any]] = []
    before: tuple[str, pd.DataFrame] | None = None
    for row in rows:
        values = _scores_of(clips, row["entry"])
        summary = comparison.summarise(values.to_numpy())
        usage = clips[clips["system"] == row["entry"]].groupby("usage")["average_precision"].mean()
        has_report = row["reported"] not in (None, [])
        line = {
            "title": row["title"],
            "system": row["entry"],
            "reported": _numbers(row["reported"]),
            "reported_clips": reported_clips if has_report else None,
            "reported_error": reported_error if has_report else None,
            "map3": summary.mean,
            "clips": values.shape[1],
            "standard_error": summary.clip_error,
            "seeds": values.shape[0],
            "seed_deviation": summary.seed_deviation,
            "public": usage.get("public"),
            "private": usage.get("private"),
            "note": row.get("note"),
        }
        if before is not None:
            name, other = before
            line |= _against(
                other, values, seeds.derive_seed(seed, "comparison", name, row["entry"])
            )
        found.append(line)
        before = (row["entry"], values)
    table = pd.DataFrame(found, columns=list(SYSTEM_COLUMNS))
    for name in ("reported_clips", "clips", "seeds", "paired_clips"):
        table[name] = table[name].astype("Int64")
    texts = ("title", "system", "reported", "note")
    for name in SYSTEM_COLUMNS:
        if name not in texts and table[name].dtype != "Int64":
            table[name] = table[name].astype(float).round(4)
    return table


def _scores_of(clips: pd.DataFrame, entry: str) -> pd.DataFrame:
    """Average precisions of a system: a row per seed, a column per clip."""
    mine = clips[clips["system"] == entry]
    if mine.empty:
        known = ", ".join(dict.fromkeys(clips["system"])) or "none"
        raise EarmarkError(
            f"There are no clip scores of '{entry}'; there are scores of: {known}. Name one of "
            f"them in the table's rows, or have '{entry}' scored."
        )
    values = mine.pivot(index="seed", columns="clip", values="average_precision")
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
    found = comparison.paired_bootstrap(values[both].to_numpy(), before[both].to_numpy(), seed)
    return {
        "difference": found.difference,
        "difference_low": found.low,
        "difference_high": found.high,
        "p": found.p,
        "paired_clips": len(both),
    }


def _numbers(reported: float | Sequence[float] | None) -> str:
    if reported is None:
        return ""
    several = reported if isinstance(reported, Sequence) else [reported]
    return ", ".join(f"{number:.3f}" for number in several)


def systems_for_reading(table: pd.DataFrame) -> pd.DataFrame:
    """The table of ``systems`` with columns that say something, under headings in words.

    What is the same in all lines is left to ``systems_remarks``.
    """
    shown = table.copy()
    # Few enough resamples for a zero are still not none.
    shown["p"] = ["< 0.001" if p < 0.0005 else p for p in shown["p"]]  # NaN passes
    shown["difference_low"] = [
        None if pd.isna(low) else f"{low:.3f} to {high:.3f}"
        for low, high in zip(shown["difference_low"], shown["difference_high"], strict=True)
    ]
    shown = shown.drop(columns=["difference_high", *_alike(table)])
    if shown["paired_clips"].dropna().isin(table["clips"]).all():
        shown = shown.drop(columns="paired_clips")
    shown = shown.drop(columns=[name for name in OPTIONAL if shown[name].isna().all()])
    return shown.rename(
        columns={
            "title": "row",
            "map3": "MAP@3",
            "standard_error": "standard error",
            "seed_deviation": "deviation between seeds",
            "difference": "difference to the line above",
            "difference_low": "95 % interval",
            "public": "public MAP@3",
            "private": "private MAP@3",
        }
    )


def _alike(table: pd.DataFrame) -> list[str]:
    """Columns with the same number in all lines that have one."""
    columns = ("clips", "seeds", "reported_clips", "reported_error")
    return [name for name in columns if table[name].nunique() <= 1]


def systems_remarks(clips: pd.DataFrame, table: pd.DataFrame) -> list[str]:
    """Sentences that say what the columns of ``systems_for_reading`` are, and what they leave out.

    ``clips`` are the clip scores that ``table`` was made from.
    """
    remarks = [
        "MAP@3 is the mean over all clips and seeds, its standard error is over clips. The "
        f"interval of a difference and p come from {comparison.RESAMPLES:,} paired bootstrap "
        "resamples of the clips; p is the share of resamples in which the difference is zero or "
        "has the other sign.",
    ]
    known = {name: table[name].dropna().iloc[0] for name in _alike(table) if table[name].any()}
    measured = [f"{known[name]:,} {name}" for name in ("clips", "seeds") if name in known]
    if measured:
        remarks.append(f"Measured on {' with '.join(measured).replace('1 seeds', 'one seed')}.")
    if {"reported_clips", "reported_error"} <= known.keys():
        remarks.append(
            f"Reported on {known['reported_clips']} clips, where the standard error is about "
            f"{known['reported_error']:.3f}."
        )
    if (clips["usage"] == scoring.HELD_OUT).any():
        remarks.append(
            "Ours are measured on verified train clips that the models did not learn from; the "
            "reported figures are of test clips."
        )
    return remarks


def spreading(summary: pd.DataFrame, name: str, scheme: str) -> pd.DataFrame:
    """One group table (report, section 4) of the spreading called ``name``.

    ``summary`` holds spreading.csv as text. The reported figures are those of ``scheme``: one, two,
    three or five; other schemes have none. Groups that one side lacks are there all the same.
    Raises EarmarkError when the summary has no such spreading.
    """
    mine = summary[summary["spreading"] == name].rename(columns={"percent_after": "percent"})
    if mine.empty:
        known = ", ".join(dict.fromkeys(summary["spreading"])) or "none"
        raise EarmarkError(
            f"There is no spreading '{name}' among those that were run ({known}). Name one of "
            f"them, or let a selection under `labels` use '{name}'."
        )
    ours = mine.set_index("group")[[*GROUP_COLUMNS, "undecided"]].apply(pd.to_numeric)
    reported = pd.DataFrame(
        reported_figures.GROUP_TABLES.get(scheme, ()), columns=["group", *GROUP_COLUMNS]
    ).set_index("group")
    if len(reported) == 1:
        # In a scheme of one group, all groups together are that group again.
        ours = ours.drop(index=TOGETHER, errors="ignore")
    groups = [group for group in reported.index if group != TOGETHER]
    groups += [group for group in ours.index if group not in [*groups, TOGETHER]]
    if TOGETHER in ours.index:
        groups.append(TOGETHER)
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


def best_epoch(history: pd.DataFrame) -> pd.Series:
    """Row of the epoch whose weights count as the best, as training chooses it.

    The highest validation accuracy, then the lowest validation loss, then the earliest; the last
    epoch where nothing was held out.
    """
    if "validation_accuracy" not in history:
        return history.iloc[-1]
    order = list(zip(history["validation_accuracy"], -history["validation_loss"], strict=True))
    return history.iloc[order.index(max(order))]


def selftraining(
    histories: Sequence[pd.DataFrame], pseudo_labels: Sequence[int], setting: str | None
) -> pd.DataFrame:
    """One line per round (report, section 6), and a last one that repeats the best of them.

    ``histories`` are the base model's and each round's, ``pseudo_labels`` how many each round
    added. Rounds that start from an untrained network come without a base: then there are as many
    of one as of the other. The base's clips are a round's less its pseudo-labels. With ``setting``
    A or B the reported figures stand in columns of their own, also of rounds that were not run.
    Raises EarmarkError when the parts do not fit together.
    """
    first = len(pseudo_labels) - len(histories) + 1
    if first not in (0, 1) or not histories:
        raise EarmarkError(
            f"There are {len(histories)} histories for {len(pseudo_labels)} rounds of pseudo-"
            f"labels. Give the base model's history and one of each round."
        )
    if setting is not None and setting not in reported_figures.SELFTRAINING:
        raise EarmarkError(
            f"The report has no self-training setting '{setting}'. Write one of: "
            f"{', '.join(reported_figures.SELFTRAINING)}, or leave it empty."
        )
    added = dict(enumerate(pseudo_labels, start=1))
    epochs = {number: best_epoch(part) for number, part in enumerate(histories, start=first)}
    bases = {int(epochs[number]["clips"]) - count for number, count in added.items()}
    if len(bases) > 1:
        raise EarmarkError(
            "The rounds' clips less their pseudo-labels differ, so the histories and the tables "
            "of pseudo-labels are not of one self-training. Give both in the order of the rounds."
        )
    lines = {
        number: {
            "best_epoch": best["epoch"],
            "epochs": len(part),
            "clips": best["clips"] if number in added else min(bases, default=None),
            "pseudo_labels": added.get(number, 0),
            "train_accuracy": best["train_accuracy"],
            "validation_accuracy": best.get("validation_accuracy"),
        }
        for (number, best), part in zip(epochs.items(), histories, strict=True)
    }
    ranking = pd.DataFrame([best.to_dict() for best in epochs.values()], index=list(epochs))
    ranking["epoch"] = ranking.index
    winner = int(best_epoch(ranking)["epoch"])
    reported = reported_figures.SELFTRAINING[setting] if setting is not None else ()
    known = {row.number: row for row in reported}
    numbers = {*lines, *(number for number in known if number is not None)}
    rows = [
        {"round": str(number), **lines.get(number, {}), **_reported(known.get(number))}
        for number in sorted(numbers)
    ]
    rows.append({"round": f"best ({winner})", **lines[winner], **_reported(known.get(None))})
    names = (
        [f"reported_{name}" for name in reported_figures.RoundRow._fields[1:]] if reported else []
    )
    table = pd.DataFrame(rows, columns=["round", *lines[winner], *names])
    for name in table.columns[1:]:
        kind = "float64" if name.endswith("accuracy") else "Int64"
        table[name] = table[name].astype(kind)
    return table.round(4)


def _reported(row: reported_figures.RoundRow | None) -> dict[str, Any]:
    values = row._asdict() if row is not None else {}
    return {f"reported_{name}": value for name, value in values.items()}
