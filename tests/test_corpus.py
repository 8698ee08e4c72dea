"""The corpus of bad input as a whole; each part's own tests try its kinds."""

from pathlib import Path

import corpus

PAGE = Path(__file__).parents[1] / "docs" / "bad_input.md"


def test_at_least_sixty_kinds_and_none_twice() -> None:
    for heading, kinds in corpus.parts().items():
        names = [kind.name for kind in kinds]
        assert len(names) == len(set(names)), heading
        assert all(kind.expected for kind in kinds), heading
    assert sum(len(kinds) for kinds in corpus.parts().values()) >= 60


def test_the_page_has_the_table() -> None:
    assert corpus.tables() in PAGE.read_text(encoding="utf-8"), "python tests/corpus.py makes it"
