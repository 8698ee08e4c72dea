"""What the page of a run says, without a browser."""

import re
from pathlib import Path

import pandas as pd

from earmark.reporting import results_page

CLIPS_OF = {"cat": 3, "dog": 5}


def test_the_page_begins_with_accuracy_and_the_most_frequent_label(tmp_path: Path) -> None:
    # Hand-worked: 8 clips, 6 guessed correctly; of dog there are 5.
    scores = {"system": "net", "seed": 1, "split": "all", "clips": 8, "recordings": 8}
    scores |= {"accuracy": 0.75, "accuracy_low": 0.4, "accuracy_high": 0.93}
    classes = [{"system": "net", "seed": 1, "label": n, "clips": c} for n, c in CLIPS_OF.items()]
    confusion = {
        "system": "net",
        "seed": 1,
        "label": "dog",
        "guess": "dog",
        "clips": 4,
        "share": 0.8,
    }
    files = {"scores": [scores], "classes": classes, "confusion": [confusion]}
    paths = {name: str(tmp_path / f"{name}.csv") for name in files}
    for name, rows in files.items():
        pd.DataFrame(rows).to_csv(paths[name], index=False)
    sentence = results_page.headline("test", paths)
    numbers = re.findall(r"\d+", sentence)
    assert numbers == ["75", "8", "95", "40", "93", "62"]
    assert "dog" in sentence
    assert "cat" not in sentence
