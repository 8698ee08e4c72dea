"""Mutated headers: no crash, no hang, no broken promise. ``make test-long`` has many more."""

import random
from pathlib import Path

import fuzz
import pytest
from bad_audio import good
from hypothesis import given, settings
from hypothesis import strategies as st


def test_a_thousand_mutated_headers(tmp_path: Path) -> None:
    outcome = fuzz.run(0, 1000, tmp_path)
    assert outcome.deaths == []
    assert outcome.faults == []
    assert outcome.files == 1000
    # It reaches beyond the first check of a header, and does damage.
    assert outcome.statuses["ok"] > 100
    assert outcome.statuses["unreadable"] > 100
    assert len(outcome.statuses) >= 5


HEAD = good()[:44]
BYTES = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda content: HEAD + content),
    st.binary(max_size=300).map(lambda content: HEAD[:12] + content),
    st.tuples(st.binary(min_size=32, max_size=32), st.binary(max_size=300)).map(
        lambda parts: HEAD[:8] + b"WAVEfmt " + parts[0] + b"data" + parts[1]
    ),
)


@given(content=BYTES)
@settings(max_examples=300)
def test_random_bytes_as_a_clip(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.wav"
    path.write_bytes(content)
    _, fault = fuzz.decode(path)
    assert fault == ""


def test_files_before_mutation_are_read(tmp_path: Path) -> None:
    files = fuzz.originals()
    assert len(files) > 200
    assert {name.split()[0] for name in files} >= {"WAV", "WAVEX", "FLAC", "OGG", "MP3", "AIFF"}
    for name in random.Random(1).sample(sorted(files), 40):
        (tmp_path / "clip").write_bytes(files[name])
        status, fault = fuzz.decode(tmp_path / "clip")
        assert fault == "", name
        assert status in ("ok", "not_audio") or "DWVW" in name, name


def test_a_process_that_dies_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    script = Path(fuzz.__file__).read_text(encoding="utf-8")
    # The fourth file of the block kills its process, as a fault in a decoder would.
    spoiled = script.replace(
        "        begin = time.perf_counter()\n",
        "        if seed == 3: os.kill(os.getpid(), 11)\n        begin = time.perf_counter()\n",
    ).replace("Path(__file__).parents[1]", f"Path({str(fuzz.REPO)!r})")
    assert spoiled.count("os.kill") == 1
    (tmp_path / "fuzz.py").write_text(spoiled, encoding="utf-8")
    for module in Path(fuzz.__file__).parent.glob("*.py"):
        if module.name != "fuzz.py":
            (tmp_path / module.name).symlink_to(module)
    before = fuzz.__file__
    try:
        fuzz.__file__ = str(tmp_path / "fuzz.py")
        outcome = fuzz.run(0, 10, tmp_path)
    finally:
        fuzz.__file__ = before
    assert [death.split(":")[0] for death in outcome.deaths] == ["seed 3"]
    assert outcome.files == 6
