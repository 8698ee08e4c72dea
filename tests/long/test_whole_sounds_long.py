"""Whole sounds by many programs, three rates each, and what is cut of them: two minutes."""

import shutil
from pathlib import Path

import pytest
import whole_sounds

PROGRAMS = ("ffmpeg", "sox", "lame", "opusenc", "flac")


@pytest.mark.skipif(not all(map(shutil.which, PROGRAMS)), reason="no codecs: make services")
def test_what_programs_write_is_heard_whole_and_cuts_are_told(tmp_path: Path) -> None:
    sounds = [*whole_sounds.by_programs(tmp_path)]
    print(f"\n{len(sounds)} whole files, {sum(sound.is_told_when_cut for sound in sounds)} cut")
    assert len(sounds) > 120
    assert whole_sounds.faults(sounds, tmp_path) == []
