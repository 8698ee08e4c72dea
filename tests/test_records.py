"""Snakemake's records: which calls need them, and a submission.csv that is not this run's."""

from pathlib import Path

import pytest
from snakemake.persistence.file import FilePersistence

from earmark.planning import records


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["submission.csv", "-j4"], True),
        (["-n", "--configfile", "a.yaml", "--config", "seed=1"], True),
        (["--touch", "--forceall"], False),
        (["-Ft", "submission.csv"], False),
        (["--unlock"], False),
        (["--list-rules"], False),
        (["-l"], False),
    ],
)
def test_calls_that_use_records(arguments: list[str], expected: bool) -> None:
    assert records.are_used(["snakemake", *arguments]) is expected


def test_a_submission_that_is_no_copy_is_incomplete_until_it_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    top, results = Path("submission.csv"), Path("results/a")

    def incomplete() -> bool:
        return bool(FilePersistence(nolock=True)._filter_incomplete_keys([str(top)]))

    results.mkdir(parents=True)
    records.check_top(top, results)
    assert not incomplete()
    top.write_text("of another data set")
    for content, expected in ((None, True), ("of this one", True), ("of another data set", False)):
        if content:
            (results / "submission.csv").write_text(content)
        records.check_top(top, results)
        assert incomplete() is expected
