"""The pages to review suspects on: a hundred clips each, to listen to and to decide on."""

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from earmark.dataset.clips import Place
from earmark.labels import suspect_table
from earmark.reporting import web_page
from earmark.reporting.media import Media
from earmark.reporting.web_page import Review, Section, Sound

ON_A_PAGE = 100
HOW = (
    "Listen to each clip. Is its given label right? If not, choose or type the right one; where "
    "none is, say that you are unsure: the clip is left out. The bars are of the networks and of "
    "statistics of the sound together. "
    "Decisions are kept in this browser until you save them; earmark review --add with the saved "
    "file puts them into corrections/, and the next run learns from them."
)
EXPECTED = (
    "Expected numbers of labels that nobody checked and that should be another of the classes: "
    "where few are left, stop listening. Clips that belong to no class are not counted."
)
ESTIMATE = "Few labels are known to be checked, so the numbers of wrong labels are rough estimates."


def write(
    folder: Path,
    name: str,
    found: pd.DataFrame,
    counts: pd.DataFrame,
    places: Mapping[str, Place],
    review: int,
    media_of: Callable[[list[Place]], list[Media]],
) -> int:
    """Write pages of the first ``review`` suspects of ``found`` into ``folder``; return how many.

    ``found`` and ``counts`` are the tables of ``suspect_table`` of the data set ``name``;
    ``media_of`` gives the media of clips by their ``places``.
    """
    suspects = found[found["wrong"] > 0][:review]
    pages = [suspects[at : at + ON_A_PAGE] for at in range(0, len(suspects), ON_A_PAGE)]
    files = [f"page_{number}.html" for number in range(1, len(pages) + 1)]
    # Of all clips: those of which a listener was unsure are no suspects of the next page.
    data = "\n".join([name, *sorted(places)])
    identity = hashlib.blake2b(data.encode(), digest_size=16).hexdigest()
    for file, page in zip(files, pages, strict=True):
        references = sorted({*page["like_label"], *page["like_suggestion"]} - {""})
        clips = list(dict.fromkeys([*page["clip"], *references]))
        media = dict(zip(clips, media_of([places[clip] for clip in clips]), strict=True))
        review_of = Review(
            identity,
            f"{name}_corrections.csv",
            sorted(found["label"].unique()),
            {clip: media[clip] for clip in references},
        )
        listed = [_sound(row, media[row["clip"]]) for row in page.to_dict("records")]
        block = web_page.sounds(listed, ["given label", "probability wrong"], review_of)
        sections = [Section("Suspects", [block], [HOW])]
        if file == files[0]:
            sections.append(_counts(counts))
        title = f"Labels of {name} that may be wrong: page {files.index(file) + 1} of {len(files)}"
        web_page.write(folder / file, title, sections, files if len(files) > 1 else [])
    return len(pages)


def _sound(row: Mapping[Any, Any], media: Media) -> Sound:
    given, suggestion = row["label"], row["suggestion"]
    guesses = [(row[f"guess_{n}"], row[f"probability_{n}"]) for n in (1, 2, 3)]
    keys = {
        "given label": given,
        "suggestion": suggestion,
        "probability wrong": round(row["wrong"], 3),
    }
    alike = {f"most alike of {given}": "like_label", f"of {suggestion}": "like_suggestion"}
    return Sound(
        row["clip"],
        media,
        keys,
        [(name, p, "given label" if name == given else "") for name, p in guesses if name],
        row["reason"],
        [(heading, row[column]) for heading, column in alike.items() if row[column]],
    )


def _counts(counts: pd.DataFrame) -> Section:
    after = counts["among"].map({"all": "all", "class": "", "top": " most suspicious"})
    shown = pd.DataFrame(
        {
            "labels": counts["of"] + after,
            "clips": counts["clips"],
            "checked": counts["checked"],
            "wrong": counts["wrong"],
            "95 % interval": [
                f"{low:.0f} to {high:.0f}"
                for low, high in zip(counts["wrong_low"], counts["wrong_high"], strict=True)
            ],
        }
    )
    by_class = counts["among"] == "class"
    tables = [
        web_page.table(shown[~by_class], "In all, and among the most suspicious", 1),
        web_page.table(shown[by_class].sort_values("wrong", ascending=False), "By given label", 1),
    ]
    rough = [ESTIMATE] if counts["checked"].iat[0] < suspect_table.FEW_CHECKED else []
    return Section("How many labels are wrong", tables, [EXPECTED, *rough])
