"""The demo, killed again and again: `make test-long`.

Every training job of the demo is killed once in each pass, at an epoch drawn from a seed, and the
same command is given again until it succeeds. EARMARK_KILLS says how many kills of each kind there
are at least (20); ten passes need about an hour on two cores. EARMARK_DEMO may name the folder of
a finished, undisturbed run of the same code, to save making one.
"""

import os
import random
from pathlib import Path

import kills
import pytest
from kills import ALL_TERMINATED, KINDS, SNAKEMAKE_KILLED, TRAINING_KILLED, Kill
from tiny import default_config, snakemake

TARGET = ["submission.csv"]
LOGS = Path("logs/demo")
WANTED = int(os.environ.get("EARMARK_KILLS", "20"))


def jobs_of_the_demo() -> dict[str, tuple[Path, int]]:
    """Each training job's log and number of epochs."""
    config = default_config()
    epochs = {name: recipe["epochs"] for name, recipe in config["recipes"].items()}
    found = {"autoencoder stft": (LOGS / "train_autoencoder/stft.log", epochs["autoencoder"])}
    for system, entry in config["systems"].items():
        if "base" in entry:
            training = config["selftraining"][entry["selftraining"]]
            for number in range(1, training["rounds"] + 1):
                log = LOGS / f"selftrain_round/{system}/seed1_fold0_round{number}.log"
                found[f"{system} round {number}"] = (log, epochs[training["recipe"]])
        else:
            log = LOGS / f"train_model/{system}/seed1_fold0.log"
            found[system] = (log, epochs[entry["recipe"]])
    return found


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if os.environ.get("EARMARK_DEMO"):
        return Path(os.environ["EARMARK_DEMO"])
    directory = tmp_path_factory.mktemp("demo") / "reference"
    code, text = snakemake(directory, *TARGET, seconds=3600)
    assert code == 0, text
    return directory


def planned_passes() -> list[list[Kill]]:
    """Kills of each kind in turn over all jobs and passes, at epochs drawn from a seed."""
    rng, jobs = random.Random(2018), jobs_of_the_demo()
    passes: list[list[Kill]] = []
    count = dict.fromkeys(KINDS, 0)
    # SIGTERM comes in two ways, which count together.
    while min(count[TRAINING_KILLED], count[SNAKEMAKE_KILLED], count[ALL_TERMINATED] * 2) < WANTED:
        kinds = [kind for kind in (TRAINING_KILLED, SNAKEMAKE_KILLED) for _ in range(2)]
        kinds += [kind for kind in KINDS if kind not in kinds]
        rng.shuffle(kinds)
        passes.append([])
        for (job, (log, epochs)), kind in zip(jobs.items(), kinds, strict=True):
            count[kind] += 1
            # Not the last epoch: after that there is no training left to be killed.
            passes[-1].append(Kill(job, log, rng.randint(1, epochs - 1), kind))
    return passes


PASSES = planned_passes()


@pytest.mark.parametrize("number", range(len(PASSES)))
def test_the_demo_killed_at_random_epochs_ends_with_the_same_bytes(
    reference: Path, tmp_path: Path, number: int
) -> None:
    planned = PASSES[number]
    directory = tmp_path / "run"
    kills.without_training(reference, directory, "demo")
    run = kills.Disturbed(directory, TARGET, limit_seconds=3600)
    run.finish(planned)
    print(f"\npass {number + 1} of {len(PASSES)}: {len(run.codes)} starts, codes {run.codes}")
    for kill in planned:
        print(
            f"  {kill.job}: {kill.kind} when epoch {kill.epoch} was done, "
            f"{'resumed after ' + str(kill.resumed_after) if kill.done else 'NOT KILLED'}"
        )
    assert all(kill.done for kill in planned)
    for kill in planned:
        assert kill.resumed_after is not None, kill
        assert kill.resumed_after >= kill.epoch
    expected, found = kills.outcome(reference, "demo"), kills.outcome(directory, "demo")
    assert found.keys() == expected.keys()
    assert [path for path, content in expected.items() if found[path] != content] == []
