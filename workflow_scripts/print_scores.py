"""Print scores.csv as a table in the terminal, or that there are no scores."""

import csv
import sys
from pathlib import Path


def main(scores: str) -> None:
    """Print one line per system and seed: MAP@3 on all scored test clips."""
    if not Path(scores).exists():
        folder = Path(scores).parent / "evaluation"
        print(f"There is no ground truth for these test clips: {folder} has scores out of fold.")
        return
    with open(scores, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "all"]
    width = max(len(row["system"]) for row in rows)
    several = len({row["seed"] for row in rows}) > 1
    for row in rows:
        seed = f"  seed {row['seed']}" if several else ""
        score = f"MAP@3 {float(row['map3']):.3f} +- {float(row['standard_error']):.3f}"
        print(f"  {row['system']:{width}}{seed}  {score} on {row['clips']} clips")


if __name__ == "__main__":
    main(sys.argv[1])
