"""Every kind of hard labels through the real workflow: about half a minute each, on two cores."""

from pathlib import Path

import pytest
from bad_labels import KINDS
from corpus import Kind
from test_bad_labels import QUICK
from tiny import make_set, merged, read_rows, snakemake
from tiny_run import CLASSES


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_every_kind_works_or_is_explained(tmp_path: Path, kind: Kind) -> None:
    made = make_set(tmp_path / "four", CLASSES, clips=8, truth=True)
    members = {
        name: {"members": ["vgg_fewer_semi"]} for name in ("arithmetic", "geometric", "power")
    }
    few = merged(QUICK, {"ensembles": members})
    overlay = merged(few, {**kind.spoil(made), "dataset": str(made.folder)})
    code, text = snakemake(tmp_path / "run", "all", overlay=overlay, seconds=600)
    logs = "".join(path.read_text() for path in (tmp_path / "run").glob("logs/**/*.log"))
    assert "Traceback" not in logs
    submitted = tmp_path / "run" / "submission.csv"
    if kind.expected.startswith("works"):
        assert code == 0, text
        assert kind.expected.removeprefix("works").removeprefix(": ") in text
        assert [row["fname"] for row in read_rows(submitted)] == made.test
    else:
        assert code != 0
        assert kind.expected in text
        assert not submitted.exists()
