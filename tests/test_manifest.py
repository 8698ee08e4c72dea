"""The manifest's table: what is written comes back."""

from pathlib import Path

import numpy as np
from tiny import default_config, make_set

from earmark import inspection, layout, manifest


def test_a_written_manifest_reads_back_the_same(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "NA"], empty_test_clips=1)
    policy = default_config()["clips"]
    table = inspection.build(layout.find_layout(made.folder), 3, 1, policy, threads=2)
    manifest.write(table, tmp_path / "manifest.csv")
    again = manifest.read(tmp_path / "manifest.csv")
    exact = [name for name in manifest.COLUMNS if name not in ("seconds", "peak")]
    assert again[exact].to_dict("list") == table[exact].to_dict("list")
    for name in ("seconds", "peak"):
        assert np.allclose(again[name], table[name], atol=1e-6)
