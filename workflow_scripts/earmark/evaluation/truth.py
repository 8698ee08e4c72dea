"""Published ground truth, for measuring only, and whether it fits what is measured.

A truth that does not fit gives scores that are too low without a word: names of other clips, or
classes that no model knows.
"""

import difflib
import logging
from collections import Counter
from collections.abc import Collection, Sequence
from pathlib import Path

import pandas as pd

from earmark.dataset import clip_lists, csv_files
from earmark.runtime.errors import EarmarkError, examples, printable

log = logging.getLogger("earmark")

USAGES = ("public", "private")
IGNORED = "ignored"
NO_LABEL = "None"


def read_test(path: str | Path, classes: Collection[str]) -> pd.DataFrame:
    """Return clip, label, usage of the scored test clips; usage is public, private or empty.

    Rows with the usage ignored are left out, as are those without a label. The label None without a
    usage is no label either, unless it is one of the ``classes``.
    Raises EarmarkError for a row that cannot be scored, and for a clip that is listed twice.
    """
    table = csv_files.read(path, ("fname", "label"), "truth file", by_hand=True)
    check_name = clip_lists.name_checker()
    is_class = clip_lists.spelling_key(NO_LABEL) in map(clip_lists.spelling_key, classes)

    def check(line: int, fname: str, label: str, usage: str) -> tuple[str, str, str] | None:
        usage = usage.lower()
        if usage not in ("", IGNORED, *USAGES):
            raise EarmarkError(
                f"the usage is '{printable(usage)}'. Write Public, Private or Ignored, or nothing."
            )
        no_label = not label or (label == NO_LABEL and not usage and not is_class)
        if usage == IGNORED or no_label:
            return None
        return check_name(line, fname), clip_lists.check_label(label), usage

    rows = [row for row in table.checked(("fname", "label", "usage"), check) if row]
    return pd.DataFrame(rows, columns=["clip", "label", "usage"], dtype=str)


def read_train(path: str | Path) -> pd.DataFrame:
    """Return clip, label of the train clips in train_truth.csv; rows without a label are left out.

    Raises EarmarkError for a row that cannot be used, and for a clip that is listed twice.
    """
    columns = ("fname", "true_label")
    table = csv_files.read(path, columns, "truth of the train labels", by_hand=True)
    check_name = clip_lists.name_checker()

    def check(line: int, fname: str, label: str) -> tuple[str, str] | None:
        return (check_name(line, fname), clip_lists.check_label(label)) if label else None

    rows = [row for row in table.checked(columns, check) if row]
    return pd.DataFrame(rows, columns=["clip", "label"], dtype=str)


def fit(
    truth: pd.DataFrame, clips: Sequence[str], classes: Collection[str], part: str
) -> tuple[pd.DataFrame, list[str]]:
    """Rows of ``truth`` of the ``clips`` of a part, and sentences about what does not fit.

    The log has the sentences too. Labels that are none of the ``classes`` stay: they count as
    misses. Raises EarmarkError if no clip fits, or if a class is only spelled in another way.
    """
    rows = truth[truth["clip"].isin(set(clips))].reset_index(drop=True)
    if len(truth) and rows.empty:
        raise EarmarkError(
            f"None of the {len(truth)} clips of the ground truth (such as "
            f"{examples(truth['clip'].tolist())}) is a {part} clip (such as {examples(clips)}). "
            f"Write the clips' names as in their list."
        )
    remarks = []
    others = truth.loc[~truth["clip"].isin(set(clips)), "clip"].tolist()
    if others:
        remarks.append(
            f"{len(others)} clips of the ground truth are no {part} clips, such as "
            f"{examples(others)}: they do not count."
        )
    unknown = _unknown_classes(rows["label"], classes)
    if unknown:
        remarks.append(unknown)
    for remark in remarks:
        log.warning("%s", remark)
    if len(rows) < len(clips):
        remarks.append(
            f"The ground truth has labels of {len(rows)} of {len(clips)} {part} clips; the others "
            f"do not count."
        )
        log.info("%s", remarks[-1], extra={"terminal": True})
    return rows, remarks


def _unknown_classes(labels: pd.Series, classes: Collection[str]) -> str:
    """A sentence about labels that are no class, with the class that may be meant; or nothing."""
    spelling = {clip_lists.spelling_key(name): name for name in classes}
    counts = Counter(label for label in labels if label not in classes)
    for label in sorted(counts):
        other = spelling.get(clip_lists.spelling_key(label))
        if other is not None:
            raise EarmarkError(
                f"The truth file writes the class '{printable(other)}' of the train list as "
                f"'{printable(label)}': nothing would be correct. Write it the same way in both."
            )
    if not counts:
        return ""
    hints: list[str] = []
    for label, count in counts.most_common():
        near = difflib.get_close_matches(label, sorted(classes), 1) if len(hints) < 3 else []
        meant = f", did you mean '{printable(near[0])}'?" if near else ""
        hints.append(f"'{printable(label)}' ({count}{meant})")
    return (
        f"{counts.total()} of {len(labels)} labels of the ground truth are no class of the train "
        f"list, such as {examples(hints)}: whatever is compared with them counts as wrong."
    )
