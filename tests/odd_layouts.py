"""Folders and lists as people have them: what each must give, worked out by hand.

Sound files are empty here: only names, lists and folders are looked at. ``expected`` is what
``facts`` in the test gives: the train clips with their labels, in order, and what there is of test
clips, folds, recordings, parts, and clips that are not verified. Or it is a part of the sentence.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Content = str | bytes


@dataclass(frozen=True)
class Kind:
    """A folder: its ``sounds``, in words, and the ``texts`` in other files.

    ``dataset`` is what the config names, below the folder. ``init`` says that `earmark init` is
    needed, without which the sentence names it. ``make`` changes the written folder.
    """

    name: str
    sounds: str
    expected: Mapping[str, Any] | str
    texts: Mapping[str, Content] | None = None
    dataset: str = ""
    init: bool = False
    make: Callable[[Path], None] | None = None

    def __str__(self) -> str:
        return self.name

    def write(self, folder: Path) -> Path:
        """Write all of it, and return the path of the data set."""
        texts = {**dict.fromkeys(self.sounds.split(), ""), **(self.texts or {})}
        folder.mkdir(exist_ok=True)
        for name, text in texts.items():
            path = folder / name.replace("_SPACE_", " ")
            path.parent.mkdir(parents=True, exist_ok=True)
            text = text.replace("FOLDER", str(folder)) if isinstance(text, str) else text
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        if self.make:
            self.make(folder)
        return folder / self.dataset


def listed(
    name: str, sounds: str, text: Content, expected: Mapping[str, Any] | str, **others: Any
) -> Kind:
    """A kind with one list, which is the data set."""
    path = others.pop("path", "list.csv")
    return Kind(name, sounds, expected, {path: text}, dataset=path, **others)


def described(name: str, sounds: str, yaml: str, expected: Any, **texts: Content) -> Kind:
    """A kind with a dataset.yaml, and lists called by the names of ``texts``."""
    files = {f"{stem}.csv": text for stem, text in texts.items()}
    return Kind(name, sounds, expected, {"dataset.yaml": yaml, **files})


def link(target: str, name: str) -> Callable[[Path], None]:
    return lambda folder: os.symlink(target, folder / name)


def loops(folder: Path) -> None:
    for target, name in (("..", "dog/up"), ("loop", "loop"), ("nowhere.wav", "dog/2.wav")):
        (folder / name).symlink_to(target)


PAIR = {"train": {"cat/2.wav": "cat", "dog/1.wav": "dog"}}
TWO = {"train": {"a.wav": "dog", "b.wav": "cat"}}
LIST = "file,label\na.wav,dog\nb.wav,cat\n"
INIT = "Run `earmark init"
NO_CLASSES = "Put those of each class into a folder"
COLUMNS = "columns: {file: file, label: label}"

FOLDERS = [
    Kind("a folder per class", "dog/1.wav cat/2.wav", PAIR),
    Kind(
        "class folders with folders, other endings, and names like those of splits",
        "Dog/a/b/1.WAV Dog/2.flac Train/3.Mp3 Train/4.opus",
        {
            "train": {
                "Dog/2.flac": "Dog",
                "Dog/a/b/1.WAV": "Dog",
                "Train/3.Mp3": "Train",
                "Train/4.opus": "Train",
            }
        },
    ),
    Kind(
        "what systems leave in folders",
        "dog/1.wav cat/2.wav dog/._1.wav dog/.DS_Store dog/Thumbs.db cat/desktop.ini "
        "__MACOSX/dog/._1.wav .trash/x/3.wav",
        PAIR,
        {"dog/notes.md": "# mine"},
    ),
    Kind("a sound beside the class folders", "dog/1.wav cat/2.wav intro.wav", PAIR),
    Kind(
        "an empty class folder",
        "dog/1.wav cat/2.wav",
        PAIR,
        make=lambda folder: (folder / "owl").mkdir(),
    ),
    Kind(
        "class names with spaces, commas and signs",
        "Great_SPACE_tit,_SPACE_song/1.wav R&B/2.wav",
        {"train": {"Great tit, song/1.wav": "Great tit, song", "R&B/2.wav": "R&B"}},
    ),
    Kind(
        "classes called None and in other scripts",
        "None/1.wav 犬/2.wav nan/3.wav",
        {"train": {"None/1.wav": "None", "nan/3.wav": "nan", "犬/2.wav": "犬"}},
    ),
    Kind(
        "one class in both Unicode forms",
        "B\u00e4r/1.wav Ba\u0308r/2.wav dog/3.wav",
        "only in case, in spaces or in its Unicode form",
    ),
    Kind("classes that differ by case", "dog/1.wav Dog/2.wav", "differs from 'Dog'"),
    Kind("a class folder of two labels", "dog;cat/1.wav owl/2.wav", "lists 2 labels"),
    Kind(
        "folders for train and test",
        "train/dog/1.wav train/cat/2.wav test/dog/3.wav",
        {"train": {"train/cat/2.wav": "cat", "train/dog/1.wav": "dog"}, "test": ["test/dog/3.wav"]},
    ),
    Kind(
        "folders for train, validation and test",
        "Training/dog/1.wav Training/cat/2.wav val/dog/3.wav TEST/cat/4.wav",
        {
            "train": {
                "Training/cat/2.wav": "cat",
                "Training/dog/1.wav": "dog",
                "val/dog/3.wav": "dog",
            },
            "folds": {"val/dog/3.wav": "0"},
            "test": ["TEST/cat/4.wav"],
        },
    ),
    Kind(
        "folders for splits in longer words",
        "audio_train/dog/1.wav audio_train/cat/2.wav audio_test/dog/3.wav",
        {
            "train": {"audio_train/cat/2.wav": "cat", "audio_train/dog/1.wav": "dog"},
            "test": ["audio_test/dog/3.wav"],
        },
    ),
    Kind(
        "test clips in no class folders",
        "train/dog/1.wav train/cat/2.wav test/3.wav test/4.wav",
        {"train": {"train/cat/2.wav": "cat", "train/dog/1.wav": "dog"}, "test": ["3.wav", "4.wav"]},
    ),
    Kind(
        "train and test below each class",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav",
        {"train": {"cat/train/3.wav": "cat", "dog/train/1.wav": "dog"}, "test": ["dog/test/2.wav"]},
    ),
    Kind(
        "folders for folds above the classes",
        "fold1/dog/1.wav fold2/cat/2.wav fold10/dog/3.wav",
        {
            "train": {
                "fold1/dog/1.wav": "dog",
                "fold10/dog/3.wav": "dog",
                "fold2/cat/2.wav": "cat",
            },
            "folds": {"fold1/dog/1.wav": "1", "fold10/dog/3.wav": "10", "fold2/cat/2.wav": "2"},
        },
    ),
    Kind(
        "classes of trains",
        "steam_train/1.wav freight_train/2.wav",
        {
            "train": {"freight_train/2.wav": "freight_train", "steam_train/1.wav": "steam_train"},
        },
    ),
    Kind("one folder around all", "set-1.0/audio/dog/1.wav set-1.0/audio/cat/2.wav", PAIR),
    Kind("links that loop or lead nowhere", "dog/1.wav cat/2.wav", PAIR, make=loops),
    Kind(
        "a class folder that is a link",
        "dog/1.wav",
        {"train": {"cat/2.wav": "cat", "dog/1.wav": "dog"}},
        {"../mine/2.wav": ""},
        make=link("../mine", "cat"),
    ),
    Kind(
        "splits and another folder beside them",
        "train/dog/1.wav test/dog/2.wav noise/3.wav",
        "but there are others beside them, such as noise",
    ),
    Kind("train and test without classes", "train/1.wav test/2.wav", NO_CLASSES),
    Kind("only folders of folds", "fold1/1.wav fold2/2.wav", NO_CLASSES),
    Kind(
        "all sounds in one folder",
        "audio/1.wav audio/2.wav",
        "no folders of classes, only in audio",
    ),
    Kind("a flat folder", "1.wav 2.wav", NO_CLASSES),
    Kind("no sounds", "", "There are no sound files", {"readme.txt": "Soon."}),
    Kind("an empty folder", "", "There are no sound files"),
    Kind(
        "speech with labels beside each file, as Audacity writes them",
        "1.wav 2.wav",
        NO_CLASSES,
        {"1.txt": "0.1\t0.5\tdog\n", "2.txt": "0.2\t0.4\tcat\n0.5\t0.7\tdog\n"},
    ),
    Kind(
        "speech commands, with their lists of names",
        "bed/a_nohash_0.wav cat/b_nohash_0.wav cat/c_nohash_1.wav",
        {
            "train": {
                "bed/a_nohash_0.wav": "bed",
                "cat/b_nohash_0.wav": "cat",
                "cat/c_nohash_1.wav": "cat",
            }
        },
        {"README.md": "x", "LICENSE": "y"},
    ),
    Kind(
        "what storage systems leave in folders",
        "dog/1.wav cat/2.wav $RECYCLE.BIN/S-1/3.wav @eaDir/4.wav __MACOSX/dog/5.wav "
        "lost+found/6.wav System_SPACE_Volume_SPACE_Information/7.wav",
        PAIR,
    ),
    Kind(
        "train and test below each class, and a sound beside them",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav cat/4.wav",
        "there are others beside them, such as cat/4.wav",
    ),
    Kind(
        "splits in longer words below each class, and a class without",
        "dog/audio_train/1.wav dog/audio_test/2.wav cat/3.wav",
        "there are others beside them, such as cat/3.wav",
    ),
    Kind(
        "train and test below each class, and another folder there",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav cat/more/4.wav",
        "there are others beside them, such as cat/more",
    ),
    Kind(
        "train and test below each class, and a sound outside of them all",
        "dog/train/1.wav dog/test/2.wav cat/train/3.wav 4.wav",
        {"train": {"cat/train/3.wav": "cat", "dog/train/1.wav": "dog"}, "test": ["dog/test/2.wav"]},
    ),
    Kind(
        "folds and a class beside them",
        "fold1/1.wav fold2/2.wav dog/3.wav",
        "there are others beside them, such as dog",
    ),
    Kind(
        "a class that has a folder called train, and one that has none",
        "dog/train/1.wav cat/2.wav",
        {"train": {"cat/2.wav": "cat", "dog/train/1.wav": "dog"}},
    ),
    Kind(
        "classes called test tone and train horn",
        "test_SPACE_tone/1.wav train_SPACE_horn/a/2.wav",
        {"train": {"test tone/1.wav": "test tone", "train horn/a/2.wav": "train horn"}},
    ),
    Kind(
        "folders called train set and test set",
        "Train_SPACE_set/dog/1.wav Train_SPACE_set/cat/2.wav Test_SPACE_set/dog/3.wav",
        {
            "train": {"Train set/cat/2.wav": "cat", "Train set/dog/1.wav": "dog"},
            "test": ["Test set/dog/3.wav"],
        },
    ),
    Kind(
        "dev beside train and test",
        "train/dog/1.wav train/cat/2.wav dev/dog/3.wav test/cat/4.wav",
        {
            "train": {"dev/dog/3.wav": "dog", "train/cat/2.wav": "cat", "train/dog/1.wav": "dog"},
            "folds": {"dev/dog/3.wav": "0"},
            "test": ["test/cat/4.wav"],
        },
    ),
    Kind(
        "dev and test alone",
        "dev/dog/1.wav dev/cat/2.wav test/cat/3.wav",
        {"train": {"dev/cat/2.wav": "cat", "dev/dog/1.wav": "dog"}, "test": ["test/cat/3.wav"]},
    ),
    Kind(
        "a folder of a class with a space at its end, and one without",
        "dog_SPACE_/1.wav dog/2.wav",
        "differs from 'dog ' above only in case, in spaces",
    ),
    Kind(
        "test clips in no class folders, with a text and a picture",
        "train/dog/1.wav train/cat/2.wav test/3.wav",
        {"train": {"train/cat/2.wav": "cat", "train/dog/1.wav": "dog"}, "test": ["3.wav"]},
        {"test/README.txt": "mine", "test/cover.jpg": b"\xff\xd8"},
    ),
]

NAMES = [
    listed("a list with commas", "a.wav b.wav", LIST, TWO),
    listed("semicolons", "a.wav b.wav", LIST.replace(",", ";"), TWO),
    listed("tabs, in a .tsv", "a.wav b.wav", LIST.replace(",", "\t"), TWO, path="list.tsv"),
    listed("tabs, in a .txt", "a.wav b.wav", LIST.replace(",", "\t"), TWO, path="list.TXT"),
    listed("UTF-8 with a mark and CRLF", "a.wav b.wav", "\ufeff" + LIST.replace("\n", "\r\n"), TWO),
    listed("UTF-16", "a.wav b.wav", LIST.encode("utf-16"), TWO),
    listed(
        "UTF-16, big end first, tabs",
        "a.wav b.wav",
        ("\ufeff" + LIST.replace(",", "\t")).encode("utf-16-be"),
        TWO,
    ),
    listed(
        "names without ending",
        "a.wav b.flac",
        "id,species\na,dog\nb,cat\n",
        {
            "train": {"a.wav": "dog", "b.flac": "cat"},
        },
    ),
    listed(
        "names with sub-folders",
        "audio/x/a.wav audio/y/a.wav",
        "path,label\nx/a.wav,dog\ny/a,cat\n",
        {"train": {"x/a.wav": "dog", "y/a.wav": "cat"}},
    ),
    listed(
        "names with backslashes",
        "audio/x/a.wav audio/x/b.wav",
        "path,label\nx\\a.wav,dog\n.\\x\\b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "x/b.wav": "cat"}},
    ),
    listed(
        "absolute names",
        "audio/a.wav audio/b.wav",
        "path,label\nFOLDER/audio/a.wav,dog\nFOLDER/audio/b.wav,cat\n",
        TWO,
    ),
    listed(
        "absolute names of files elsewhere",
        "../other/x/a.wav ../other/b.wav",
        "path,label\nFOLDER/../other/x/a.wav,dog\nFOLDER/../other/b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "b.wav": "cat"}},
    ),
    listed(
        "names relative to the list's folder",
        "audio/x/a.wav audio/x/b.wav",
        "path,label\n../audio/x/a.wav,dog\n../audio/x/b.wav,cat\n",
        TWO,
        path="lists/list.csv",
    ),
    listed(
        "names relative to the list's folder, which could be any",
        "audio/x/a.wav audio/b.wav",
        "path,label\n../audio/x/a.wav,dog\n../audio/b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "b.wav": "cat"}},
        path="mine/list.csv",
    ),
    listed(
        "bare names in sub-folders",
        "audio/1/a.wav audio/2/b.wav",
        LIST,
        {"train": {"1/a.wav": "dog", "2/b.wav": "cat"}},
    ),
    listed("a bare name in two sub-folders", "1/a.wav 2/a.wav b.wav", LIST, "fits 2 files"),
    listed("one clip by two names", "x/a.wav b.wav", f"{LIST}x/a.wav,dog\n", "is listed again"),
    listed(
        "names in the other Unicode form",
        "B\u00e4r.wav b.wav",
        "file,label\nBa\u0308r,dog\nb,cat\n",
        {
            "train": {"B\u00e4r.wav": "dog", "b.wav": "cat"},
        },
    ),
    listed(
        "leading zeros lost",
        "audio/0001.wav audio/0002.wav",
        "file,label\n1,dog\n2,cat\n",
        "There is 0001.wav: leading zeros are missing",
    ),
    listed("a list beside no sounds", "", LIST, "None of the 2 files"),
    listed("a list without rows", "a.wav", "file,label\n", "has no train clips"),
    listed(
        "a file that is not there",
        "a.wav b.wav",
        LIST + "gone.wav,dog\n",
        {"train": {**TWO["train"], "gone.wav": "dog"}, "absent": ["gone.wav"]},
    ),
    listed(
        "a list without a known column of labels",
        "a.wav b.wav",
        "file,what\na.wav,dog\n",
        "has the labels",
    ),
    listed("a list without file names", "a.wav", "label,number\ndog,1\n", "has the files"),
    listed(
        "the column of files under any name", "a.wav b.wav", LIST.replace("file", "Aufnahme"), TWO
    ),
    listed(
        "columns in other case, with spaces and units",
        "a.wav b.wav",
        "File Name,Class Label,Start (s),End (s)\na.wav,dog,0.5,1\nb.wav,cat,,\n",
        {
            "train": {"a.wav#0.500-1.000": "dog", "b.wav": "cat"},
            "parts": {"a.wav#0.500-1.000": ("a.wav", "0.5", "1")},
            "recordings": {"a.wav#0.500-1.000": "a.wav"},
        },
    ),
    listed(
        "bare names that fit several files, and their paths",
        "x/a.wav y/a.wav x/b.wav",
        "filename,path,label\na.wav,x/a.wav,dog\na.wav,y/a.wav,cat\nb.wav,x/b.wav,cat\n",
        {"train": {"x/a.wav": "dog", "y/a.wav": "cat", "x/b.wav": "cat"}},
    ),
    listed("Excel's line for the separator", "a.wav b.wav", f"sep=,\r\n{LIST}", TWO),
    listed(
        "Excel's line for another separator",
        "a.wav b.wav",
        "\ufeffsep=|\nfile|label\na.wav|dog\nb.wav|cat\n",
        TWO,
    ),
]

CELLS = [
    listed(
        "verified as yes and no",
        "a.wav b.wav",
        "file,label,verified\na,dog,Yes\nb,cat,no\n",
        {**TWO, "unverified": ["b.wav"]},
    ),
    listed(
        "verified as true and false",
        "a.wav b.wav",
        "file,label,manually_verified\na,dog,TRUE\nb,cat,False\n",
        {**TWO, "unverified": ["b.wav"]},
    ),
    listed(
        "several labels in some cells",
        "a.wav b.wav c.wav",
        'file,tags\na,dog\nb,cat\nc,"dog,cat"\n',
        "'dog,cat' lists 2 labels",
    ),
    listed(
        "several labels with semicolons",
        "a.wav b.wav",
        "file\tlabel\na\tdog;cat\nb\tcat\n",
        "lists 2 labels",
    ),
    listed("a separator around one label", "a.wav b.wav", "file\tlabel\na\tdog;\nb\tcat\n", TWO),
    listed(
        "speakers and parts, with decimal commas",
        "s.wav t.wav",
        "file;label;speaker;start;end\n"
        + "".join(f"s.wav;go;p{n};{n},25;{n + 1}\n" for n in range(5))
        + "t.wav;stop;p0;;\n",
        {
            "train": {**{f"s.wav#{n}.250-{n + 1}.000": "go" for n in range(5)}, "t.wav": "stop"},
            "parts": {
                f"s.wav#{n}.250-{n + 1}.000": ("s.wav", f"{n}.25", f"{n + 1}") for n in range(5)
            },
            "recordings": {
                **{f"s.wav#{n}.250-{n + 1}.000": f"p{n}" for n in range(5)},
                "t.wav": "p0",
            },
        },
    ),
    listed(
        "an end before its start",
        "a.wav b.wav",
        "file,label,start,end\na,dog,2,1\nb,cat,,\n",
        "end '1'",
    ),
    listed(
        "a start without an end",
        "a.wav b.wav",
        "file,label,start,end\na,dog,2,\nb,cat,,\n",
        "end ''",
    ),
    listed(
        "a part that is no number",
        "a.wav b.wav",
        "file,label,onset,offset\na,dog,0,inf\nb,cat,,\n",
        "end 'inf'",
    ),
    listed(
        "one part twice",
        "a.wav b.wav",
        "file,label,start,end\na,dog,0.1,1\na.wav,cat,0.100,1.0\nb,cat,,\n",
        "is listed again, after line 2",
    ),
    listed(
        "folds for some",
        "a.wav b.wav c.wav",
        "file,label,fold\na,dog,1\nb,cat,2\nc,cat,\n",
        {
            "train": {**TWO["train"], "c.wav": "cat"},
            "folds": {"a.wav": "1", "b.wav": "2"},
        },
    ),
    listed(
        "folds as names",
        "a.wav b.wav",
        "file,label,fold\na,dog,north\nb,cat,east\n",
        {
            **TWO,
            "folds": {"a.wav": "1", "b.wav": "0"},
        },
    ),
    listed(
        "folds as decimals",
        "a.wav b.wav",
        "file,label,fold\na,dog,3.0\nb,cat,1.0\n",
        {
            **TWO,
            "folds": {"a.wav": "3", "b.wav": "1"},
        },
    ),
    listed(
        "splits",
        "a.wav b.wav c.wav d.wav",
        "file,label,subset\na,dog,train\nb,cat,Validation\nc,cat,test\nd,,test\n",
        {
            **TWO,
            "folds": {"b.wav": "0"},
            "test": ["c.wav", "d.wav"],
        },
    ),
    listed(
        "splits in the column of folds",
        "a.wav b.wav c.wav",
        "file,label,fold\na,dog,train\nb,cat,train\nc,cat,test\n",
        {**TWO, "test": ["c.wav"]},
    ),
    listed(
        "a split that no word says",
        "a.wav b.wav",
        "file,label,split\na,dog,0\nb,cat,1\n",
        "the split is '0'",
    ),
    listed(
        "verified that no word says",
        "a.wav b.wav",
        "file,label,verified\na,dog,yes\nb,cat,perhaps\n",
        "verified is 'perhaps'. Write 1 or 0",
    ),
    listed(
        "comments above the header",
        "a.wav b.wav",
        f"# mine\n{LIST}",
        "should be the names of the columns",
    ),
    listed(
        "one time of many that is no number",
        "a.wav b.wav",
        "file,label,start,end\na,dog,0,1\nb,cat,0:01,0:02\n",
        "start is '0:01'",
    ),
    listed(
        "times in columns with a unit",
        "a.wav b.wav",
        "file,label,start_sec,end_sec\na,dog,0.5,1\nb,cat,,\n",
        {
            "train": {"a.wav#0.500-1.000": "dog", "b.wav": "cat"},
            "parts": {"a.wav#0.500-1.000": ("a.wav", "0.5", "1")},
            "recordings": {"a.wav#0.500-1.000": "a.wav"},
        },
    ),
    listed(
        "a start and a duration",
        "a.wav b.wav",
        "file,label,start,duration\na,dog,0,1\nb,cat,1,1\n",
        "The column 'start' of",
    ),
    listed(
        "an offset and a duration",
        "a.wav b.wav",
        "file,label,offset,duration\na,dog,0,1\nb,cat,1,1\n",
        "The column 'offset' of",
    ),
    listed(
        "times in milliseconds",
        "a.wav b.wav",
        "file,label,Start (ms),End (ms)\na,dog,0,1000\nb,cat,0,900\n",
        "Write both, in seconds",
    ),
    listed(
        "a duration of whole files",
        "a.wav b.wav",
        "file,label,duration\na,dog,1\nb,cat,2\n",
        TWO,
    ),
    listed(
        "two parts less than a millisecond apart",
        "a.wav b.wav",
        "file,label,start,end\na,dog,0.1,0.2\na,cat,0.1002,0.2003\nb,cat,,\n",
        "times of a part that differ by a millisecond",
    ),
    listed(
        "splits in a column of any name",
        "a.wav b.wav c.wav",
        "file,label,Dataset\na,dog,train\nb,cat,train\nc,cat,test\n",
        {**TWO, "test": ["c.wav"]},
    ),
    listed(
        "splits of which some are no words",
        "a.wav b.wav c.wav d.wav",
        "file,label,subset\na,dog,train\nb,cat,train\nc,cat,test\nd,cat,unlabeled\n",
        "the split is 'unlabeled'",
    ),
    listed(
        "splits of which some are empty",
        "a.wav b.wav c.wav d.wav",
        "file,label,set\na,dog,train\nb,cat,train\nc,cat,test\nd,cat,\n",
        "the split is ''",
    ),
    listed(
        "test clips as 1",
        "a.wav b.wav c.wav",
        "file,label,is_test\na,dog,0\nb,cat,0\nc,cat,1\n",
        "the split is '0'",
    ),
    listed(
        "notes with words for splits",
        "a.wav b.wav c.wav",
        "file,label,note\na,dog,train\nb,cat,good\nc,cat,test tone\n",
        {"train": {**TWO["train"], "c.wav": "cat"}},
    ),
    listed(
        "dev beside train and test in a list",
        "a.wav b.wav c.wav",
        "file,label,split\na,dog,train\nb,cat,Dev\nc,cat,test\n",
        {**TWO, "folds": {"b.wav": "0"}, "test": ["c.wav"]},
    ),
    listed(
        "two speakers",
        "a.wav b.wav",
        "file,label,speaker_id\na,dog,p1\nb,cat,p2\n",
        {**TWO, "recordings": {"a.wav": "p1", "b.wav": "p2"}},
    ),
    listed(
        "two sources, which are collections",
        "a.wav b.wav",
        "file,label,source\na,dog,net\nb,cat,mine\n",
        TWO,
    ),
    listed(
        "words for no fold",
        "a.wav b.wav c.wav d.wav e.wav f.wav",
        "file,label,fold\na,dog,1\nb,cat,2\nc,cat,-1\nd,cat,NaN\ne,cat,none\nf,dog,train\n",
        {
            "train": {
                **TWO["train"],
                **dict.fromkeys(["c.wav", "d.wav", "e.wav"], "cat"),
                "f.wav": "dog",
            },
            "folds": {"a.wav": "1", "b.wav": "2"},
        },
    ),
    listed(
        "test among folds",
        "a.wav b.wav c.wav",
        "file,label,fold\na,dog,1\nb,cat,2\nc,cat,test\n",
        "the fold is 'test'",
    ),
    listed(
        "one fold for all test clips",
        "a.wav b.wav c.wav d.wav",
        "file,label,split,fold\na,dog,train,1\nb,cat,train,2\nc,cat,test,10\nd,cat,test,10\n",
        {**TWO, "folds": {"a.wav": "1", "b.wav": "2"}, "test": ["c.wav", "d.wav"]},
    ),
    listed(
        "labels that are numbers, and a feeling",
        "a.wav b.wav",
        "file,label,emotion\na,1,sad\nb,2,sad\n",
        {"train": {"a.wav": "1", "b.wav": "2"}},
    ),
]

SETS = [
    Kind(
        "ESC-50 as it comes",
        " ".join(f"audio/{n}-{n}0032-A-{n}.wav" for n in range(1, 6)),
        {
            "train": {f"{n}-{n}0032-A-{n}.wav": f"class{n}" for n in range(1, 6)},
            "folds": {f"{n}-{n}0032-A-{n}.wav": f"{n}" for n in range(1, 6)},
            "recordings": {f"{n}-{n}0032-A-{n}.wav": f"{n}0032" for n in range(1, 6)},
        },
        {
            "meta/esc50.csv": "filename,fold,target,category,esc10,src_file,take\n"
            + "".join(
                f"{n}-{n}0032-A-{n}.wav,{n},{n},class{n},False,{n}0032,A\n" for n in range(1, 6)
            ),
            "requirements.txt": "numpy\n",
            "LICENSE": "CC",
        },
        init=True,
    ),
    Kind(
        "UrbanSound8K as it comes",
        " ".join(f"audio/fold{n}/{n}-2-0-0.wav" for n in range(1, 11)),
        {
            "train": {
                f"fold{n}/{n}-2-0-0.wav": "siren" if n % 2 else "drilling" for n in range(1, 11)
            },
            "folds": {f"fold{n}/{n}-2-0-0.wav": f"{n}" for n in range(1, 11)},
            "recordings": {f"fold{n}/{n}-2-0-0.wav": f"{n}" for n in range(1, 11)},
        },
        {
            "metadata/UrbanSound8K.csv": "slice_file_name,fsID,start,end,salience,fold,classID,"
            "class\n"
            + "".join(
                f"{n}-2-0-0.wav,{n},0.5,4.5,1,{n},{n % 2},{'siren' if n % 2 else 'drilling'}\n"
                for n in range(1, 11)
            )
        },
        init=True,
    ),
    Kind(
        "FSD50K as it comes",
        "FSD50K.dev_audio/1.wav FSD50K.dev_audio/2.wav FSD50K.dev_audio/3.wav "
        "FSD50K.dev_audio/4.wav FSD50K.dev_audio/5.wav FSD50K.eval_audio/9.wav",
        {
            # Number 4 has two labels with their parents.
            "train": {
                "1.wav": "Acoustic_guitar",
                "2.wav": "Guitar",
                "3.wav": "Bark",
                "5.wav": "Music",
            },
            "folds": {"2.wav": "0"},
            "test": ["9.wav"],
            "others": ["collection_dev.csv"],
        },
        {
            "FSD50K.ground_truth/dev.csv": "fname,labels,mids,split\n"
            '1,"Acoustic_guitar,Guitar,Music","/m/1,/m/2,/m/3",train\n'
            '2,"Guitar,Music","/m/2,/m/3",val\n'
            '3,"Bark,Animal","/m/5,/m/6",train\n'
            '4,"Bark,Animal,Guitar,Music","/m/5,/m/6,/m/2,/m/3",train\n'
            "5,Music,/m/3,train\n",
            "FSD50K.ground_truth/eval.csv": 'fname,labels,mids\n9,"Bark,Animal","/m/5,/m/6"\n',
            "FSD50K.ground_truth/vocabulary.csv": "0,Guitar,/m/2\n1,Bark,/m/5\n",
            "FSD50K.metadata/collection/collection_dev.csv": 'fname,labels,mids\n1,"Guitar",/m/2\n',
        },
        init=True,
    ),
    Kind(
        "Hugging Face audiofolder, with a list in each split",
        "train/1.wav train/2.wav test/1.wav",
        {"train": {"1.wav": "dog", "2.wav": "cat"}, "test": ["1.wav"]},
        {
            "train/metadata.csv": "file_name,label\n1.wav,dog\n2.wav,cat\n",
            "test/metadata.csv": "file_name,label\n1.wav,dog\n",
        },
        init=True,
    ),
    Kind(
        "Hugging Face audiofolder, with one list",
        "data/1.wav data/2.wav",
        {"train": {"data/1.wav": "dog", "data/2.wav": "cat"}},
        {"metadata.csv": "file_name,label\ndata/1.wav,dog\ndata/2.wav,cat\n"},
        init=True,
    ),
    Kind(
        "a list for training and one for testing",
        "audio/1.wav audio/2.wav audio/3.wav",
        {"train": {"1.wav": "dog", "2.wav": "cat"}, "test": ["3.wav"]},
        {
            "train.csv": "filename,scene_label\n1.wav,dog\n2.wav,cat\n",
            "test.csv": "filename,scene_label\n3.wav,dog\n",
        },
        init=True,
    ),
    Kind(
        "DCASE strong labels",
        "audio/a.wav audio/b.wav",
        {
            "train": {
                "a.wav#0.500-1.250": "dog",
                "a.wav#1.000-2.000": "cat",
                "b.wav#0.000-9.900": "cat",
            },
            "parts": {
                "a.wav#0.500-1.250": ("a.wav", "0.5", "1.25"),
                "a.wav#1.000-2.000": ("a.wav", "1", "2"),
                "b.wav#0.000-9.900": ("b.wav", "0", "9.9"),
            },
            "recordings": {
                "a.wav#0.500-1.250": "a.wav",
                "a.wav#1.000-2.000": "a.wav",
                "b.wav#0.000-9.900": "b.wav",
            },
        },
        {
            "metadata/strong.tsv": "filename\tonset\toffset\tevent_label\n"
            "a.wav\t0.5\t1.25\tdog\na.wav\t1.0\t2.0\tcat\nb.wav\t0.0\t9.9\tcat\n"
        },
        init=True,
    ),
    Kind(
        "BirdCLEF, a folder per species and its metadata",
        "train_audio/grewar/XC1.ogg train_audio/lowpew/XC2.ogg",
        {"train": {"grewar/XC1.ogg": "grewar", "lowpew/XC2.ogg": "lowpew"}},
        {
            "train_metadata.csv": "primary_label,secondary_labels,filename\n"
            "grewar,[],grewar/XC1.ogg\nlowpew,\"['grewar']\",lowpew/XC2.ogg\n"
        },
        init=True,
    ),
    Kind(
        "BirdNET: a folder per species, with noise",
        "Parus_SPACE_major_Great_SPACE_Tit/1.wav Background/2.wav",
        {
            "train": {
                "Background/2.wav": "Background",
                "Parus major_Great Tit/1.wav": "Parus major_Great Tit",
            }
        },
    ),
    Kind(
        "Raven's selections",
        "day.wav b.wav",
        {
            "train": {"day.wav#1.500-2.000": "owl", "day.wav#3.000-4.500": "wren"},
            "parts": {
                "day.wav#1.500-2.000": ("day.wav", "1.5", "2"),
                "day.wav#3.000-4.500": ("day.wav", "3", "4.5"),
            },
            "recordings": {"day.wav#1.500-2.000": "day.wav", "day.wav#3.000-4.500": "day.wav"},
        },
        {
            "day.selections.txt": "Selection\tBegin Time (s)\tEnd Time (s)\tBegin File\tSpecies\n"
            "1\t1.5\t2\tday.wav\towl\n2\t3\t4.5\tday.wav\twren\n"
        },
        dataset="day.selections.txt",
    ),
    Kind(
        "a table of lengths beside class folders",
        "dog/1.wav cat/2.wav",
        PAIR,
        {"lengths.csv": "file,seconds\ndog/1.wav,3\ncat/2.wav,4\n"},
    ),
    Kind(
        "a list of all sounds in one folder, with labels in a column of an odd name",
        "audio/1.wav audio/2.wav",
        "has the labels",
        {"all.csv": "file,what\naudio/1.wav,dog\naudio/2.wav,cat\n"},
        init=True,
    ),
    Kind(
        "a list that names other files",
        "audio/0001.wav audio/0002.wav",
        "None of the 2 files",
        {"all.csv": "file,label\n1,dog\n2,cat\n"},
        init=True,
    ),
    Kind(
        "two lists",
        "a.wav b.wav",
        {**TWO, "unverified": ["b.wav"], "others": ["old.csv"]},
        {"old.csv": LIST, "new.csv": "file,label,verified\na.wav,dog,1\nb.wav,cat,0\n"},
        init=True,
    ),
    Kind(
        "a list in Latin-1 beside class folders",
        "dog/1.wav cat/2.wav",
        "is not text in UTF-8",
        {"l.csv": "file,label\ndog/1.wav,V\u00f6gel\ncat/2.wav,cat\n".encode("latin-1")},
    ),
    Kind(
        "a list with a comma too many beside class folders",
        "dog/1.wav cat/2.wav",
        "has 3 cells under 2 columns",
        {"meta/l.csv": "file,label\ndog/1.wav,dog\ncat/2.wav,cat,black\n"},
    ),
    Kind(
        "a list with a comma too many beside another list",
        "a.wav b.wav c.wav",
        "has 3 cells under 2 columns",
        {"train.csv": LIST + "b,cat,black\n", "test.csv": "file,label\nc,cat\n"},
        init=True,
    ),
    Kind(
        "a list most of whose files are absent, beside class folders",
        "dog/1.wav cat/2.wav",
        "Most of the files that",
        {"l.csv": "file,label\ndog/1.wav,owl\ndog/3.wav,owl\ndog/4.wav,owl\n"},
    ),
    Kind(
        "a list all of whose files are absent, beside class folders",
        "dog/1.wav cat/2.wav",
        "Most of the files that",
        {"l.tsv": "file\tlabel\nx/1.wav\towl\n"},
    ),
    Kind(
        "tables of classes and texts beside class folders",
        "dog/1.wav cat/2.wav",
        PAIR,
        {
            "classes.csv": "id,label,text\n0,dog,a pet\n1,cat,a pet\n3,owl,none\n",
            "mine.csv": "some notes\n1,2,3\n",
            "notes.txt": "label,x\n1,2,3\n",
            "old.txt": "file\tlabel\nold/1.wav\tdog\n",
        },
    ),
    Kind(
        "a large table of features beside class folders, damaged beyond its beginning",
        "dog/1.wav cat/2.wav",
        PAIR,
        {"f.csv": "a,b\n" + '"1,5",2\n' * 50_000 + "1,2,3\n"},
    ),
    Kind(
        "results of a run in the folder of sounds",
        "dog/1.wav cat/2.wav",
        PAIR,
        {"results/set/labels.csv": "clip,label\ndog/1.wav,dog\ncat/2.wav,cat\n"},
    ),
]

DESCRIPTIONS = [
    described(
        "every key",
        "audio/a.wav audio/b.wav audio/c.wav more/d.wav",
        f"""
audio: audio
list: clips.csv
columns: {{file: f, label: l, verified: v, fold: k, recording: r, start: s, end: e}}
label_separator: "/"
several_labels: leave_out
test: {{audio: more, list: test.csv, {COLUMNS}}}
""",
        {
            "train": {"a.wav#0.000-1.000": "dog", "b.wav": "cat"},
            "parts": {"a.wav#0.000-1.000": ("a.wav", "0", "1")},
            "recordings": {"a.wav#0.000-1.000": "r1", "b.wav": "r2"},
            "folds": {"a.wav#0.000-1.000": "1", "b.wav": "2"},
            "unverified": ["b.wav"],
            "test": ["d.wav"],
        },
        clips="f,l,v,k,r,s,e\na,dog,1,1,r1,0,1\nb,cat,0,2,r2,,\nc,dog/cat,1,1,r3,,\n",
        test="file,label\nd,owl\n",
    ),
    described(
        "folders of any order",
        "x/r1/dog/1.wav x/r2/cat/2.wav",
        "audio: x\nfolders: [recording, label]\n",
        {
            "train": {"r1/dog/1.wav": "dog", "r2/cat/2.wav": "cat"},
            "recordings": {"r1/dog/1.wav": "r1", "r2/cat/2.wav": "r2"},
        },
    ),
    described(
        "labels from folders, the rest from a list",
        "dog/1.wav cat/2.wav",
        "audio: .\nlist: l.csv\ncolumns: {file: f, fold: k}\nfolders: [label]\n",
        {
            "train": {"dog/1.wav": "dog", "cat/2.wav": "cat"},
            "folds": {"dog/1.wav": "1", "cat/2.wav": "2"},
        },
        l="f,k\ndog/1.wav,1\ncat/2.wav,2\n",
    ),
    described("an unknown key", "a.wav", "audio: .\nfolder: [label]\n", "folder is unknown"),
    described(
        "an unknown role", "a.wav", "audio: .\nlist: l.csv\ncolumns: {name: x}\n", "roles are"
    ),
    described(
        "a column that is a number",
        "a.wav",
        "list: l.csv\ncolumns: {file: 1, label: l}\n",
        "in quotes",
    ),
    described("folders that are no list", "a.wav", "audio: .\nfolders: label\n", "such as [label]"),
    described("no labels", "a.wav", "audio: .\n", "nothing says what the labels are"),
    described("no folder", "a.wav", "folders: [label]\n", "names no folder of clips"),
    described(
        "a folder that is absent",
        "a.wav",
        "audio: sounds\nfolders: [label]\n",
        "audio is 'sounds', but there is no such folder",
    ),
    described(
        "a list that is absent",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\n",
        "list is 'l.csv', but there is no such file",
    ),
    described(
        "a column that is absent",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\n",
        "lacks the column 'label'",
        l="file\na\n",
    ),
    described(
        "several labels in a word",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\nseveral_labels: first\n",
        "Write one of",
    ),
    described(
        "several labels without a separator",
        "a.wav",
        f"list: l.csv\n{COLUMNS}\nseveral_labels: leave_out\n",
        "needs a list and its label_separator",
    ),
    described(
        "a separator, and a cell that has it",
        "a.wav b.wav",
        f"list: l.csv\n{COLUMNS}\nlabel_separator: '/'\n",
        "'dog/cat' lists 2 labels",
        l="file,label\na,dog/cat\nb,cat\n",
    ),
    described(
        "test clips in a word",
        "a/b.wav",
        "audio: .\nfolders: [label]\ntest: a\n",
        "no group of keys",
    ),
    described(
        "mistakes in the test clips",
        "a/b.wav",
        "audio: .\nfolders: [label]\ntest: {list: 3}\n",
        "test.list is 3",
    ),
    described("no YAML", "a.wav", "audio: [\n", "is not YAML"),
    described("YAML of another kind", "a.wav", "- a\n", "has a list where keys should be"),
    described(
        "a fold of one kind",
        "a.wav b.wav",
        "list: l.csv\ncolumns: {file: f, label: l, fold: k}\n",
        "There can be 2 to 100",
        l="f,l,k\na,dog,1\nb,cat,1\n",
    ),
    described(
        "150 folds",
        " ".join(f"{n}.wav" for n in range(150)),
        "list: l.csv\ncolumns: {file: f, label: l, fold: k}\n",
        "There can be 2 to 100",
        l="f,l,k\n" + "".join(f"{n},{'dog' if n % 2 else 'cat'},{n}\n" for n in range(150)),
    ),
    described(
        "a split of an unknown word",
        "a.wav b.wav",
        "list: l.csv\ncolumns: {file: f, label: l, split: s}\n",
        "the split is 'later'",
        l="f,l,s\na,dog,train\nb,cat,later\n",
    ),
    described(
        "verified in a word",
        "a.wav b.wav",
        "list: l.csv\ncolumns: {file: f, label: l, verified: v}\n",
        "v is 'perhaps'. Write 1 or 0",
        l="f,l,v\na,dog,yes\nb,cat,perhaps\n",
    ),
    Kind(
        "a dataset.yaml under another name",
        "audio/dog/1.wav audio/cat/2.wav",
        PAIR,
        {"mine.yml": "audio: audio\nfolders: [label]\n"},
        dataset="mine.yml",
    ),
    Kind(
        "a dataset.yaml with sounds elsewhere",
        "audio/dog/1.wav audio/cat/2.wav",
        PAIR,
        {"mine/dataset.yaml": "audio: FOLDER/audio\nfolders: [label]\n"},
        dataset="mine",
    ),
    Kind("nothing that exists", "a.wav", "is not there", dataset="none"),
    Kind("an archive", "a.wav", "is no folder, list", {"set.zip": "PK"}, dataset="set.zip"),
    Kind("a sound file", "a.wav", "is no folder, list", dataset="a.wav"),
    Kind("a folder with a list", "a.wav b.wav", INIT, {"l.csv": LIST}),
    Kind(
        "a dataset.yml",
        "x/dog/1.wav x/cat/2.wav",
        PAIR,
        {"dataset.yml": "audio: x\nfolders: [label]\n"},
    ),
    Kind(
        "a dataset.yaml and a dataset.yml",
        "dog/1.wav cat/2.wav",
        "Keep one of them",
        dict.fromkeys(["dataset.yml", "dataset.yaml"], "audio: .\nfolders: [label]\n"),
    ),
    Kind(
        "a dataset.yaml that is a link to nowhere",
        "dog/1.wav cat/2.wav",
        "dataset.yaml cannot be read",
        make=link("nowhere", "dataset.yaml"),
    ),
    described(
        "the label with the most parents, of a folder",
        "dog/1.wav cat/2.wav",
        "audio: .\nlist: l.csv\ncolumns: {file: f}\nfolders: [label]\nlabel_separator: ','\n"
        "several_labels: most_specific\n",
        "needs a column `label`",
        l="f\ndog/1.wav\ncat/2.wav\n",
    ),
    described(
        "columns without a list",
        "dog/1.wav cat/2.wav",
        "audio: .\ncolumns: {label: category}\n",
        "columns needs a list",
    ),
    described(
        "a role for two folders",
        "x/dog/1.wav x/cat/2.wav",
        "audio: .\nfolders: [label, label]\n",
        "Write each role once",
    ),
    described(
        "test clips by a split and apart",
        "a.wav b.wav c.wav d.wav",
        "list: l.csv\ncolumns: {file: f, label: l, split: s}\n"
        "test: {list: t.csv, columns: {file: f}}\n",
        "has 1 test clips by its splits, such as c.wav",
        l="f,l,s\na,dog,train\nb,cat,train\nc,cat,test\n",
        t="f\nd\n",
    ),
    described(
        "a key that is a list",
        "dog/1.wav",
        "audio: .\n? [folders]\n: [label]\n",
        "where a key should be",
    ),
]

KINDS = [*FOLDERS, *NAMES, *CELLS, *SETS, *DESCRIPTIONS]
