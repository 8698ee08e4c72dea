"""The data set that is fetched: once it is there, it is a folder whose edits are noticed."""

from pathlib import Path
from typing import Any

from archive_server import LISTS, META, TRAIN, Server, make_zip
from tiny import plan, read_rows, snakemake

TABLES = [f"results/fsdkaggle2018/{name}.csv" for name in ("labels", "folds")]
LIST = (
    "fname,label,manually_verified\n000a.wav,Bark,1\n001a.wav,Cello,1\n002a.wav,Bark,0\n"
    "003a.wav,Cello,0\n"
)


def test_fetched_planned_as_a_folder_and_edited(server: Server, tmp_path: Path) -> None:
    folder = META.removesuffix(".zip")
    lists = {f"{folder}/{LISTS[0]}": LIST, f"{folder}/{LISTS[1]}": "fname,label\n110b.wav,Bus\n"}
    server.files[META] = make_zip([(name, text.encode()) for name, text in lists.items()])
    overlay: dict[str, Any] = {
        "dataset": "fsdkaggle2018",
        "fetch": {"base_url": server.url, "files": server.expected(), "folder": "data"},
    }
    first = plan(tmp_path, *TABLES, overlay=overlay)
    assert first.counts["fetch_dataset"] == 1, first.text
    code, text = snakemake(tmp_path, *TABLES, overlay=overlay)
    assert code == 0, text
    labels = read_rows(tmp_path / TABLES[0])
    assert [(row["clip"], row["label"], row["verified"]) for row in labels] == [
        ("000a.wav", "Bark", "1"),
        ("001a.wav", "Cello", "1"),
        ("002a.wav", "Bark", "0"),
        ("003a.wav", "Cello", "0"),
    ]
    indices = [tmp_path / f"results/fsdkaggle2018/index/{part}.csv" for part in ("train", "test")]
    written = [path.read_bytes() for path in indices]

    # The same files, seen by the main process now, are no news.
    again = plan(tmp_path, *TABLES, overlay=overlay)
    assert "Nothing to be done" in again.text, again.text
    assert [path.read_bytes() for path in indices] == written

    listed = tmp_path / "data" / folder / LISTS[0]
    listed.write_text(LIST.replace("003a.wav,Cello,0", "003a.wav,Cello,1"))
    assert set(plan(tmp_path, *TABLES, overlay=overlay).counts) == {"read_labels", "draw_folds"}
    listed.write_text(LIST)
    assert "Nothing to be done" in plan(tmp_path, *TABLES, overlay=overlay).text

    clip = tmp_path / "data" / TRAIN.removesuffix(".zip") / "002a.wav"
    clip.write_bytes(clip.read_bytes() + b"more")
    changed = plan(tmp_path, *TABLES, overlay=overlay)
    assert set(changed.counts) == {"draw_folds"}, changed.text
