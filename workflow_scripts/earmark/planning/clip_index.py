"""The index of a user's folder, which the main process writes while a run is planned.

No rule makes it, and it is written only if its bytes change: touched clips, files that no list
names and a moved or copied folder change nothing. Hashes of clips are cached in Snakemake's folder,
so that clips are not read at each start; the cache can be deleted at any time. Where a feature says
`sample_rate: auto`, a small file beside the index has the rate of the train clips, so that jobs see
the same settings.
"""

import contextlib
import json
import logging
import os
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from earmark.dataset import index, sample_rates
from earmark.dataset.hashing import Fact
from earmark.dataset.index import Listed
from earmark.dataset.layout import Layout
from earmark.planning.data_source import Source
from earmark.runtime.errors import EarmarkError
from earmark.runtime.outputs import write_text

log = logging.getLogger("earmark")

CACHE = Path(".snakemake/earmark")
# A file may change again within the resolution of its time stamp: younger ones are not cached.
CACHED_FROM_SECONDS = 2.0
RATE_FILE = "index/sample_rate.txt"


def update(
    layout: Layout,
    results: Path,
    cache: Path = CACHE,
    clips: Listed | None = None,
    with_sample_rate: bool = False,
    owner: Path | None = None,
) -> None:
    """Write the tables of ``results``/index for the clips in ``layout``, where they changed.

    ``clips`` is what its lists say, if they were read. ``cache`` is the folder for hashes of clips.
    ``with_sample_rate``: the usual rate of the train clips is written too. Raises EarmarkError when
    ``results`` were computed from different clips or labels of another ``owner`` (the data set's
    folder or list).
    """
    hashes = HashCache(cache / f"{results.name}.json")
    clips = clips or index.read_lists(layout)
    built = index.build(layout, clips, hashes.hash_all)
    texts = built.texts()
    paths = {name: results / "index" / f"{name}.csv" for name in texts}
    changed = {name for name, path in paths.items() if _text(path) != texts[name]}
    owner = owner or layout.folder.resolve()
    if changed:
        before = Path(_text(cache / f"{results.name}.folder") or owner)
        # A folder that is no longer there was moved, and may have been edited since.
        if before != owner and before.exists() and results.exists():
            raise EarmarkError(
                f"The results in {results} were computed from the clips in {before}, but {owner} "
                f"contains different clips or labels. Write `name: another_name` in the "
                f"config (or add name=another_name after --config) to keep both, or delete "
                f"{results}."
            )
    index.warn_of_copies(built)
    index.warn_of_shared_recordings(clips)
    index.warn_of_spelling(clips)
    if changed & {*index.PARTS}:
        index.warn_of_unlisted(layout, built)
    if "listed" in changed and layout.train.part and layout.train.table:
        columns = ", ".join(f"{role}: {name}" for role, name in layout.train.columns.items())
        log.warning(f"Clips are as {layout.train.table} says, by its columns {columns}.")
    # Before the table of train clips, which tells that it is up to date.
    rate_file = results / RATE_FILE
    if with_sample_rate and ("train" in changed or not rate_file.exists()):
        rates = sample_rates.read_all(layout.folder, [row.file for row in built.train])
        write_text(rate_file, f"{sample_rates.usual_rate(rates)}\n")
    elif "train" in changed:
        rate_file.unlink(missing_ok=True)
    for name in sorted(changed):
        write_text(paths[name], texts[name])
    if "test" not in texts:
        (results / "index" / "test.csv").unlink(missing_ok=True)
    hashes.save()


def update_sounds(folder: Path, results: Path, cache: Path = CACHE) -> None:
    """Write the table of the sounds to be tagged, those in ``folder``, if it changed.

    Another folder's sounds take the place of those before.
    """
    hashes = HashCache(cache / f"{results.name}.sounds.json")
    text = index.to_csv_text(index.rows_of_sounds(folder, hashes.hash_all))
    path = results / "index" / "sounds.csv"
    if _text(path) != text:
        write_text(path, text)
    hashes.save()


def sample_rate_of(source: Source, results: Path) -> int:
    """The usual rate of the train clips (Hz), as the main process wrote it.

    Where a rule makes the clips, there is none yet: these have the highest rate.
    """
    if not source.clips_exist:
        return sample_rates.HIGHEST_RATE
    if not (results / RATE_FILE).exists():
        # This job's machine shares no disk with the main process.
        update(source.layout, results, with_sample_rate=True)
    return int((results / RATE_FILE).read_text(encoding="utf-8"))


def note_owner(owner: Path, results: Path, cache: Path = CACHE) -> None:
    """Note, when a run begins, which folder or list results are of; a dry run changes nothing."""
    write_text(cache / f"{results.name}.folder", str(owner))


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None


class HashCache:
    """Content hashes of files whose size and times are as they were."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # File -> its stamp and hash, with a space between them.
        self._hashes: dict[str, str] = {}
        self._changed = False
        # It may be missing, damaged, or of an earlier version.
        with contextlib.suppress(OSError, ValueError, AttributeError, RecursionError):
            hashes = json.loads(path.read_text(encoding="utf-8"))
            if {*map(type, hashes.values())} <= {str}:
                self._hashes = hashes

    def hash_all(self, folder: Path, files: Sequence[str]) -> list[Fact]:
        """As ``index.hash_all``, but a file that is in the cache is not read again."""
        youngest = time.time_ns() - CACHED_FROM_SECONDS * 1e9
        prefix = f"{folder}/"
        facts: dict[str, Fact] = {}
        to_read: dict[str, tuple[str, int]] = {}  # with stamp, and time of the last change
        for file in dict.fromkeys(files):
            known, _, digest = self._hashes.get(file, "").rpartition(" ")
            size, changed, stamp = _stamp(file if file[0] == "/" else prefix + file)
            if stamp and stamp == known:
                facts[file] = (size, digest)
                continue
            self._hashes.pop(file, None)  # out of date
            facts[file] = (None, "")
            if stamp:
                to_read[file] = (stamp, changed)
        read = index.hash_all(folder, list(to_read))
        for (file, (stamp, changed)), fact in zip(to_read.items(), read, strict=True):
            facts[file] = fact
            if fact[1] and changed < youngest:
                self._hashes[file] = f"{stamp} {fact[1]}"
                self._changed = True
        return [facts[file] for file in files]

    def save(self) -> None:
        """Write the cache if it changed."""
        if self._changed:
            write_text(self.path, json.dumps(self._hashes))


def _stamp(path: str) -> tuple[int, int, str]:
    """Size, last change (ns) and, to notice changes, a text of these and more; empty if missing."""
    try:
        facts = os.stat(path)
    except OSError:
        return 0, 0, ""
    if not stat.S_ISREG(facts.st_mode):  # reading a pipe would block
        return 0, 0, ""
    # Programs cannot set ctime. Device and inode distinguish files of different folders.
    size, changed, modified = facts.st_size, facts.st_ctime_ns, facts.st_mtime_ns
    stamp = f"{size} {modified} {changed} {facts.st_dev} {facts.st_ino}"
    return size, max(changed, modified), stamp
