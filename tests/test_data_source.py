"""Where clips come from: the data set of a config, its results' name, and the link to it."""

from pathlib import Path

import pytest
from tiny import default_config, make_set

from earmark.dataset import layout
from earmark.planning.data_source import Source, check, linked_layout, sounds_folder, source_of
from earmark.runtime.errors import EarmarkError


def named(dataset: str | Path, **overlay: object) -> Source:
    return source_of({**default_config(), "dataset": str(dataset), **overlay})


def test_a_folder_is_looked_at_right_away(tmp_path: Path) -> None:
    make_set(tmp_path / "my clips!", ["Bark", "Anvil"], sound=False)
    source = named(tmp_path / "my clips!")
    assert (source.kind, source.name, source.labels) == ("folder", "my_clips_", ["Anvil", "Bark"])
    with pytest.raises(EarmarkError, match="is not there"):
        named(tmp_path / "none")


def test_the_built_in_data_sets_have_the_41_classes() -> None:
    for dataset in ("demo", "fsdkaggle2018"):
        source = named(dataset)
        assert source.name == dataset
        assert len(source.labels) == len(set(source.labels)) == 41


def test_a_folder_called_demo_does_not_share_results_with_the_demo(tmp_path: Path) -> None:
    make_set(tmp_path / "demo", ["Bark", "Bus"], sound=False)
    source = named(tmp_path / "demo")
    assert source.kind == "folder"
    assert source.name != "demo"


FETCH = default_config()["fetch"]
ARCHIVES = [name.removesuffix(".zip") for name in FETCH["files"]]


def fetched_to(folder: Path) -> Source:
    return named("fsdkaggle2018", fetch={**FETCH, "folder": str(folder)})


def put(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")


@pytest.mark.parametrize("zenodo", [False, True])
def test_a_data_set_in_the_folder_to_fetch_to_is_used(tmp_path: Path, zenodo: bool) -> None:
    make_set(tmp_path / "set", ["Bark", "Flute"], truth=True, zenodo=zenodo, sound=False)
    source = fetched_to(tmp_path / "set")
    assert (source.kind, source.name) == ("fetched", "fsdkaggle2018")
    assert source.labels == ["Bark", "Flute"]


@pytest.mark.parametrize("name", ["FSDKaggle2018_audio_train", "audio_train", "fsdkaggle2018.meta"])
def test_archives_unpacked_under_other_names_are_not_fetched_again(
    tmp_path: Path, name: str
) -> None:
    put(tmp_path / name / "a.wav", tmp_path / "FSDKaggle2018.audio_test" / "b.wav")
    with pytest.raises(EarmarkError, match=rf"{name} is none of .*Rename it"):
        fetched_to(tmp_path)


def test_archives_beside_the_folder_for_them_are_not_fetched_again(tmp_path: Path) -> None:
    put(tmp_path / f"{ARCHIVES[0]}.zip")
    with pytest.raises(EarmarkError, match=r"would be downloaded again. Move it to .*downloads"):
        fetched_to(tmp_path)


def test_what_a_stopped_fetch_left_is_gone_on_from(tmp_path: Path) -> None:
    assert fetched_to(tmp_path / "absent").kind == "to_fetch"
    put(
        tmp_path / "downloads" / f"{ARCHIVES[0]}.zip.part",
        tmp_path / f"{ARCHIVES[1]}.unpacking" / "a.wav",
        tmp_path / ARCHIVES[2] / "a.wav",
        tmp_path / "notes.txt",
        tmp_path / ".hidden" / "a.wav",
    )
    (tmp_path / "empty").mkdir()
    assert fetched_to(tmp_path).kind == "to_fetch"


@pytest.mark.parametrize("folder", ["results/own", "results/own/inside"])
def test_data_that_lies_among_its_results_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    # What a rule makes must never be a user's file.
    monkeypatch.chdir(tmp_path)
    make_set(tmp_path / folder, ["Cello", "Bark"], sound=False)
    with pytest.raises(EarmarkError, match="is inside the results folder"):
        named(folder, name="own")
    assert named(folder, name="other").name == "other"


def test_corrections_are_those_of_this_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    make_set(tmp_path / "set", ["Cello"], sound=False)
    (tmp_path / "corrections").mkdir()
    (tmp_path / "corrections/other.csv").touch()
    assert named("set").corrections_files == []
    (tmp_path / "corrections/set.csv").touch()
    assert named("set").corrections_files == [Path("corrections/set.csv")]


def test_the_link_leads_to_the_data_set_and_gives_it_one_path(tmp_path: Path) -> None:
    results = tmp_path / "results/set"
    found = []
    for name in ("one", "an/other"):
        made = make_set(tmp_path / name / "set", ["Cello"], truth=True, sound=False)
        source = named(made.folder)
        linked = linked_layout(source, results, is_main_process=True)
        assert linked.test_truth
        assert linked.test_truth.samefile(tmp_path / name / "set/test_post_competition.csv")
        found.append(linked.test_truth)
        # A job leaves it as it is.
        moved = Source("set", "folder", layout.kaggle_layout(tmp_path / "x"), [])
        assert linked_layout(moved, results, is_main_process=False)
        assert linked.test_truth.samefile(made.folder / "test_post_competition.csv")
    assert found == [results / "source/test_post_competition.csv"] * 2
    without = Source("set", "folder", layout.Layout(tmp_path, source.layout.train), [])
    assert linked_layout(without, results, is_main_process=True).test_truth is None
    # On another machine a job makes it where there is none.
    elsewhere = linked_layout(source, tmp_path / "elsewhere", is_main_process=False)
    assert elsewhere.test_truth
    assert elsewhere.test_truth.samefile(made.folder / "test_post_competition.csv")
    # What a rule makes is no link's.
    assert linked_layout(named("demo"), results, is_main_process=True) == named("demo").layout


def test_where_the_link_cannot_be_made_there_is_a_sentence(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello"], sound=False)
    results = tmp_path / "results/set"
    (results / "source").mkdir(parents=True)
    with pytest.raises(
        EarmarkError, match=r"results/set/source cannot be written.*remove the file or folder"
    ):
        linked_layout(named(made.folder), results, is_main_process=True)
    assert [path.name for path in results.iterdir()] == ["source"]


def test_the_demo_and_a_folder_do_not_share_results(tmp_path: Path) -> None:
    made = make_set(tmp_path / "set", ["Cello", "Bark"], sound=False)
    folder, demo = named(made.folder, name="mix"), named("demo", name="mix")
    (tmp_path / "of_demo/dataset").mkdir(parents=True)
    check(demo, tmp_path / "of_demo")
    with pytest.raises(EarmarkError, match="are of the demo"):
        check(folder, tmp_path / "of_demo")
    linked_layout(folder, tmp_path / "of_folder", True)
    check(folder, tmp_path / "of_folder")
    with pytest.raises(EarmarkError, match="are of a folder of clips"):
        check(demo, tmp_path / "of_folder")


def test_mistakes_in_corrections_are_reported_while_planning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = make_set(tmp_path / "set", ["Cello", "Bark"], sound=False)
    header = "clip,label,decision,previous_label,time\n"
    (tmp_path / "corrections").mkdir()
    path = tmp_path / "corrections/set.csv"
    path.write_text(f"{header}{made.train[0][0]},,right,Cello,2026-11-27T10:00:00\n")
    check(named(made.folder), tmp_path / "results/set")
    path.write_text(f"{header}{made.train[0][0]},,maybe,Cello,2026-11-27T10:00:00\n")
    with pytest.raises(EarmarkError, match="write right, wrong or unsure"):
        check(named(made.folder), tmp_path / "results/set")


@pytest.mark.parametrize(
    ("sounds", "problem"),
    [
        ("none", "not there"),
        ("a.wav", "a file"),
        ("results/set/dataset", "inside the results"),
        ("link", "inside the results"),
        (".", "around the results"),
    ],
)
def test_folders_of_sounds_that_cannot_be_tagged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sounds: str, problem: str
) -> None:
    monkeypatch.chdir(tmp_path)
    put(Path("a.wav"), Path("results/set/dataset/b.wav"), Path("heard/c.wav"))
    Path("link").symlink_to("results/set")
    results = Path("results/set")
    with pytest.raises(EarmarkError, match=problem):
        sounds_folder({"sounds": sounds}, results, check_it=True)
    # Jobs may run where the folder is not.
    assert sounds_folder({"sounds": sounds}, results, check_it=False) == Path(sounds)
    for good in ("heard", str(tmp_path / "heard"), "results/../heard"):
        assert sounds_folder({"sounds": good}, results, check_it=True) == Path(good)
    assert sounds_folder({}, results, check_it=True) is None


@pytest.mark.parametrize(
    ("path", "told"), [("results/set/c.csv", "below results/"), ("typo.csv", "no file")]
)
def test_corrections_that_a_run_may_delete_or_are_not_there_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str, told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make_set(tmp_path / "set", ["Cello"], sound=False)
    (tmp_path / "results/set").mkdir(parents=True)
    (tmp_path / "results/set/c.csv").touch()
    with pytest.raises(EarmarkError, match=told):
        named("set", corrections=path)
    (tmp_path / "mine.csv").touch()
    assert named("set", corrections="mine.csv").corrections_files == [Path("mine.csv")]
