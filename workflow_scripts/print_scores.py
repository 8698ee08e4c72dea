"""Print scores.csv as a table for the terminal; says so when there are none."""

import csv
import sys
from pathlib import Path


def main(scores: str) -> None:
    """Print one line per system, with its figures on all scored test clips."""
    if not Path(scores).exists():
        print("There is no truth file for these clips, so no scores.")
        return
    with open(scores, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "all"]
    width = max(len(row["system"]) for row in rows)
    for row in rows:
        figure = f"MAP@3 {float(row['map3']):.3f} +- {float(row['standard_error']):.3f}"
        print(f"  {row['system']:{width}}  {figure} on {row['clips']} clips")


if __name__ == "__main__":
    main(sys.argv[1])
