"""A sweep of four settings and two seeds, on one machine and through Slurm; one of them fails."""

from pathlib import Path
from typing import Any

from slurm_cluster import Cluster
from slurm_runs import SlurmRun
from tiny import make_set, merged, read_rows, snakemake
from tiny_run import CLASSES, TINY

BAD = "cnn_logmel-learning_rate=1e+30"
GRID: dict[str, Any] = {
    "recipes.crops.learning_rate": [1.0e-2, 2.0e-2],
    "network_options.width": [2, 4],
}


def rows(directory: Path, table: str = "sweep") -> list[dict[str, str]]:
    """The table without the times."""
    found = read_rows(directory / f"results/four/{table}.csv")
    return [{key: value for key, value in row.items() if key != "seconds"} for row in found]


def test_a_sweep_through_slurm_gives_the_table_of_one_machine(
    cluster: Cluster, tmp_path: Path
) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=8)
    overlay = merged(TINY, {"dataset": str(made.folder), "seeds": [1, 2]})
    good = merged(overlay, {"sweep": {"cnn_logmel": GRID}})
    code, text = snakemake(tmp_path / "alone", "-k", "sweep", overlay=good, seconds=1800)
    assert code == 0, text
    expected = rows(tmp_path / "alone")
    assert [row["system"] for row in expected] == [
        f"cnn_logmel-width={width}-learning_rate={rate}"  # the overlay is written sorted
        for width in (2, 4)
        for rate in ("0.01", "0.02")
    ]
    assert {row["seeds"] for row in expected} == {"2"}

    bad = {"recipes.crops.learning_rate": 1.0e30}
    overlay = merged(overlay, {"sweep": {"cnn_logmel": [GRID, bad]}})
    arguments = ("-k", "sweep", "--retries", "0")
    with SlurmRun(cluster, tmp_path / "slurm", *arguments, overlay=overlay) as run:
        assert run.process.wait(1800) != 0
        states = [job["JobState"] for job in run.jobs("train_model")]
        assert sorted(states) == 8 * ["COMPLETED"] + 2 * ["FAILED"]
        assert "sweep_so_far" in run.text()
    code, text = snakemake(tmp_path / "slurm", "sweep_so_far", overlay=overlay)
    assert code == 0, text
    *found, missing = rows(tmp_path / "slurm", "sweep_so_far")
    assert found == expected
    assert missing["system"] == BAD
    assert not missing["map3"]
