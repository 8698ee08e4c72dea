"""Score a system or ensemble on held-out train clips, for data without a published truth."""

from typing import Any

from earmark import held_out, manifest, scoring, tables
from earmark.runtime import job


def main(*, table: str, members: list[str], clip_scores: str, cfg: dict[str, Any]) -> None:
    """Write the average precision of each verified train clip of the folds that were held out.

    ``members`` are prediction files; ``cfg`` has ``entry``, ``kind``, ``exponent``, ``seed`` and
    ``folds``, which lists for each member the held-out folds of its files, in their order. Of an
    ensemble, the folds count that all members held out.
    """
    found = held_out.average_precision(
        manifest.read(table),
        held_out.files_of(members, cfg["folds"]),
        cfg["kind"],
        cfg["exponent"],
        cfg["entry"],
    )
    tables.write_table(
        scoring.clip_table(
            cfg["entry"],
            cfg["seed"],
            found["fname"].tolist(),
            scoring.HELD_OUT,
            found["average_precision"].to_numpy(),
        ),
        clip_scores,
    )


if __name__ == "__main__":
    job.run(main, globals()["snakemake"])
