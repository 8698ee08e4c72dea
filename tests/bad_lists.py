"""The corpus's bad lists: a good data set of Cello and Bark is changed, and then used.

``expected`` has words of the sentence that the user gets, or begins with "works".
"""

import shutil
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path

from corpus import Kind
from tiny import TRAIN_HEADER, TinySet, write_rows

WORKS = "works"
TRUTH_HEADER = ("fname", "label", "usage")

# Latin with marks, Japanese, Arabic, Hindi, a joined emoji, a letter and its accent.
SCRIPTS = ("Grüße.wav", "犬の声.wav", "نباح.wav", "भौंकना.wav", "👩\u200d🎤.wav", "e\u0301.wav")
# What shells, Snakemake, Python's formatting, HTML and Markdown take for something else.
SIGNS = (
    "-rf.wav",
    "~.wav",
    "a b  c.wav",
    "'q'.wav",
    '"q".wav',
    "{x}.wav",
    "%s%d.wav",
    "<b>&amp;.wav",
    "$(id);`id`.wav",
    "a*?[b].wav",
    "a,b.wav",
    "#1.wav",
    "|x_y|.wav",
)
FOLDERS = ("Hunde, laut/2018/1.wav", "Hunde, laut/1.wav", "1.wav", "-r/{x}/~/%s.wav")


def rewritten(change: Callable[[str], str | bytes]) -> Callable[[TinySet], None]:
    """A spoiler that puts the text of the train list through ``change``."""

    def spoil(made: TinySet) -> None:
        text = change(made.train_list.read_text(encoding="utf-8"))
        made.train_list.write_bytes(text if isinstance(text, bytes) else text.encode())

    return spoil


def with_row(*row: object) -> Callable[[TinySet], None]:
    """A spoiler that adds a row to the train list."""
    return lambda made: write_rows(made.train_list, TRAIN_HEADER, [*made.train, row])


def with_label(change: Callable[[str], str]) -> Callable[[TinySet], None]:
    """A spoiler that changes the label of the third row of the train list."""

    def spoil(made: TinySet) -> None:
        fname, label, verified = made.train[2]
        made.train[2] = (fname, change(label), verified)
        write_rows(made.train_list, TRAIN_HEADER, made.train)

    return spoil


def spelled(change: Callable[[str], str]) -> Callable[[TinySet], None]:
    """A spoiler that writes the names of the train clips, whose files stay, in another way."""

    def spoil(made: TinySet) -> None:
        rows = [(change(fname), label, verified) for fname, label, verified in made.train]
        write_rows(made.train_list, TRAIN_HEADER, rows)

    return spoil


def in_folders(change: Callable[[str], str]) -> Callable[[TinySet], None]:
    """A spoiler that puts train clips into two sub-folders; ``change`` makes their listed names."""

    def spoil(made: TinySet) -> None:
        rename_clips(made, [f"{'ab'[i % 2]}/{fname}" for i, (fname, *_) in enumerate(made.train)])
        spelled(change)(made)

    return spoil


def absolute(made: TinySet) -> None:
    spelled(lambda fname: str(made.audio_train / fname))(made)


def elsewhere(made: TinySet) -> None:
    """A train clip is moved out of the data set, and listed by its absolute path."""
    fname, label, verified = made.train[0]
    path = (made.audio_train / fname).rename(made.folder.with_name("mine.wav"))
    made.train[0] = (str(path), label, verified)
    write_rows(made.train_list, TRAIN_HEADER, made.train)


def no_test_clips(made: TinySet) -> None:
    assert made.test_list is not None
    made.test_list.unlink()
    shutil.rmtree(made.audio_test)
    made.test.clear()


def with_names(names: Sequence[str]) -> Callable[[TinySet], None]:
    """A spoiler that gives the first train and test clips such names, on disk and in the lists."""
    return lambda made: rename_clips(made, names)


def rename_clips(made: TinySet, names: Sequence[str]) -> None:
    """Rename the first train clips, and with a sign before it the first test clips."""
    tests = [f"t{name}" for name in names][: len(made.test)]
    train = list(names)[: len(made.train)]
    for index, name in enumerate(train):
        before, label, verified = made.train[index]
        (made.audio_train / name).parent.mkdir(parents=True, exist_ok=True)
        (made.audio_train / before).rename(made.audio_train / name)
        made.train[index] = (name, label, verified)
    for index, name in enumerate(tests):
        (made.audio_test / name).parent.mkdir(parents=True, exist_ok=True)
        (made.audio_test / made.test[index]).rename(made.audio_test / name)
        made.test[index] = name
    write_rows(made.train_list, TRAIN_HEADER, made.train)
    assert made.test_list is not None
    write_rows(made.test_list, ("fname", "label"), [(name, "Bark") for name in made.test])


def tests_listed(*rows: Sequence[str]) -> Callable[[TinySet], None]:
    """A spoiler that writes another test list: header and rows."""

    def spoil(made: TinySet) -> None:
        assert made.test_list is not None
        write_rows(made.test_list, rows[0], rows[1:])

    return spoil


def only_test_names(made: TinySet) -> None:
    assert made.test_list is not None
    write_rows(made.test_list, ("fname",), [(name,) for name in made.test])


def more_test_columns(made: TinySet) -> None:
    assert made.test_list is not None
    rows = [(number, name, "by") for number, name in enumerate(made.test)]
    write_rows(made.test_list, ("", "fname", "license"), rows)


def truth(*rows: Sequence[str]) -> Callable[[TinySet], None]:
    """A spoiler that writes a truth file: header and rows."""
    return lambda made: write_rows(made.folder / "test_post_competition.csv", rows[0], rows[1:])


def a_folder(made: TinySet) -> None:
    made.train_list.unlink()
    made.train_list.mkdir()


def moved(name: str) -> Callable[[TinySet], None]:
    """A spoiler that renames the data set's folder."""

    def spoil(made: TinySet) -> None:
        made.folder = made.folder.rename(made.folder.with_name(name))

    return spoil


def only_an_archive(made: TinySet) -> None:
    made.folder = Path(made.folder, "set.zip")
    made.folder.write_bytes(b"PK")


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


KINDS = [
    # Ways to write a list that are as good as any.
    Kind("train list with a BOM", WORKS, rewritten(lambda text: "\ufeff" + text)),
    Kind("lines end with CRLF", WORKS, rewritten(lambda text: text.replace("\n", "\r\n"))),
    Kind("lines end with CR", WORKS, rewritten(lambda text: text.replace("\n", "\r"))),
    Kind(
        "every cell quoted",
        WORKS,
        rewritten(lambda text: '"' + text.strip().replace(",", '","').replace("\n", '"\n"') + '"'),
    ),
    Kind("blank lines", WORKS, rewritten(lambda text: "\n" + text.replace("\n", "\n\n , ,\n"))),
    Kind("spaces around cells", WORKS, rewritten(lambda text: text.replace(",", " , "))),
    Kind(
        "verified as true and False",
        WORKS,
        rewritten(lambda text: text.replace(",1\n", ",true\n").replace(",0\n", ",False\n")),
    ),
    Kind("a comma too many on every line", WORKS, rewritten(lambda t: t.replace("\n", ",\n"))),
    Kind(
        "a comma too many on every line but the header's",
        WORKS,
        rewritten(lambda text: text.replace("\n", ",\n").replace(",\n", "\n", 1)),
    ),
    Kind(
        "columns without a name and others",
        WORKS,
        rewritten(
            lambda text: "".join(
                f"{number or ''},{line.strip()},{'by' if number else 'license'}\n"
                for number, line in enumerate(lines(text))
            )
        ),
    ),
    Kind("clip names in other scripts", WORKS, with_names(SCRIPTS)),
    Kind("clip names with characters of shells and markup", WORKS, with_names(SIGNS)),
    Kind("clips in sub-folders", WORKS, with_names(FOLDERS)),
    Kind("semicolons for commas", WORKS, rewritten(lambda text: text.replace(",", ";"))),
    Kind("tabs for commas", WORKS, rewritten(lambda text: text.replace(",", "\t"))),
    Kind("train list in UTF-16", WORKS, rewritten(lambda text: text.encode("utf-16"))),
    Kind(
        "train list in UTF-16, big end first",
        WORKS,
        rewritten(lambda text: f"\ufeff{text}".encode("utf-16-be")),
    ),
    Kind("clip names without ending", WORKS, spelled(lambda fname: fname.removesuffix(".wav"))),
    Kind("clip names with ./ before them", WORKS, spelled(lambda fname: f"./{fname}")),
    Kind("clip names with backslashes", WORKS, in_folders(lambda name: name.replace("/", "\\"))),
    Kind("bare names of clips in sub-folders", WORKS, in_folders(lambda name: name[2:])),
    Kind("absolute clip names", WORKS, absolute),
    Kind("a train clip outside the data set", WORKS, elsewhere),
    Kind("a label with a space", WORKS, with_label(lambda label: "Double bass")),
    Kind("a label with a comma and a slash", WORKS, with_label(lambda label: "Bark, loud/long")),
    Kind("a class called None", WORKS, with_label(lambda label: "None")),
    Kind("test list without labels", WORKS, only_test_names),
    Kind("test list with more columns", WORKS, more_test_columns),
    Kind("no test clips", WORKS, no_test_clips),
    # The file.
    Kind("train list is a folder", "cannot be read (Is a directory)", a_folder),
    Kind("train list is empty", "it has ''. Its first line should be", rewritten(lambda t: "")),
    Kind("train list without rows", "has no train clips", rewritten(lambda text: lines(text)[0])),
    Kind(
        "train list in UTF-16 without its mark",
        "is not text in UTF-8",
        rewritten(lambda text: text.encode("utf-16-le")),
    ),
    Kind(
        "train list in Latin-1",
        "line 10 has the byte 0xe9",
        rewritten(lambda text: f"{text}caf\xe9.wav,Bark,1\n".encode("latin-1")),
    ),
    Kind("zero bytes in the list", "has the byte 0x00", rewritten(lambda t: t + "\0" * 512)),
    Kind(
        "bars for commas", "save it as 'CSV UTF-8", rewritten(lambda text: text.replace(",", "|"))
    ),
    # The header.
    Kind(
        "train list without header",
        "Its first line should be fname,label,manually_verified",
        rewritten(lambda text: "".join(lines(text)[1:])),
    ),
    Kind(
        "a comment above the header",
        "lacks the column 'fname'; it has '# my clips'",
        rewritten(lambda text: "# my clips\n" + text),
    ),
    Kind(
        "train list lacks a column",
        "lacks the column 'manually_verified'; it has 'fname, label, checked'",
        rewritten(lambda text: text.replace("manually_verified", "checked")),
    ),
    Kind(
        "a column twice",
        "has the column 'fname' more than once",
        rewritten(lambda text: text.replace("\n", ",x.wav\n").replace(",x.wav", ",fname", 1)),
    ),
    Kind(
        "a column in other case",
        "lacks the column 'fname'; it has 'Fname, label, manually_verified'",
        rewritten(lambda text: text.replace("fname", "Fname")),
    ),
    # The lines.
    Kind(
        "a quote that is never closed",
        "line 4, is not a line of a CSV file (unexpected end of data). Close the quote",
        rewritten(lambda text: "".join([*lines(text)[:3], '"', *lines(text)[3:]])),
    ),
    Kind(
        "a quote that takes in other lines",
        "line 4, has a quote that takes in what look like further lines, up to line 6",
        rewritten(
            lambda text: "".join([*lines(text)[:3], '"', *lines(text)[3:5], '",', *lines(text)[5:]])
        ),
    ),
    Kind(
        "more cells than columns",
        "line 10, has 4 cells under 3 columns",
        rewritten(lambda text: text + "z.wav,Bark,1,by\n"),
    ),
    Kind(
        "a cell of a megabyte",
        "line 10, is not a line of a CSV file (field larger",
        rewritten(lambda text: text + "x" * 10**6 + ",Bark,1\n"),
    ),
    Kind(
        "a clip listed twice",
        "is listed again, after line 5",
        lambda made: with_row(*made.train[3])(made),
    ),
    Kind("a comment among the lines", "line 10: there is no label", with_row("# more")),
    # The names.
    Kind("a name that leads out to no file", "'../x.wav', and there is no", with_row("../x.wav")),
    Kind("an absolute name of no file", "'/no/x.wav', and there is no", with_row("/no/x.wav")),
    Kind("a name with a backslash", "'..\\x.wav', and there is no", with_row("..\\x.wav")),
    Kind(
        "a bare name in two sub-folders",
        "fits 2 files, such as a/x.wav and b/x.wav. Write the one with its folder",
        lambda made: (
            rename_clips(made, ["a/x.wav", "b/x.wav"]),
            with_row("x.wav", "Bark", 1)(made),
        ),
    ),
    Kind(
        "one clip by two names",
        "is listed again, after line 2",
        lambda made: with_row(made.train[0][0].removesuffix(".wav"), "Bark", 1)(made),
    ),
    Kind("an empty name", "the file name is ''", with_row("", "Bark", 1)),
    Kind("a name with a line break", "'x\\ny.wav' has control", with_row("x\ny.wav")),
    Kind("a name that moves the cursor", "'\\x1b[2Jx.wav' has control", with_row("\x1b[2Jx.wav")),
    # The labels.
    Kind("a label left empty", "there is no label", with_label(lambda label: "")),
    Kind("several labels in a cell", "lists 2 labels", with_label(lambda label: "Bark;Dog")),
    Kind("several labels with bars", "lists 2 labels", with_label(lambda label: "Bark | Dog")),
    Kind("a label with a control code", "has control characters", with_label(lambda _: "Ba\ark")),
    Kind("a label of 5,000 letters", "longer than 100", with_label(lambda _: "x" * 5000)),
    Kind("labels that differ by case", "differs from 'Bark' above only", with_label(str.upper)),
    Kind(
        "labels that differ by a space",
        "'Double_bass' differs from 'Double bass' above only",
        lambda made: write_rows(
            made.train_list,
            TRAIN_HEADER,
            [
                (name, f"Double{' _'[number % 2]}bass", verified)
                for number, (name, _, verified) in enumerate(made.train)
            ],
        ),
    ),
    Kind(
        "labels that differ by Unicode form",
        "in its Unicode form. Write one of them",
        lambda made: write_rows(
            made.train_list,
            TRAIN_HEADER,
            [
                (name, unicodedata.normalize(("NFC", "NFD")[number % 2], "Kröte"), verified)
                for number, (name, _, verified) in enumerate(made.train)
            ],
        ),
    ),
    Kind(
        "verified as maybe",
        "manually_verified is 'maybe'. Write 1 or 0",
        with_row("x.wav", "Bark", "maybe"),
    ),
    Kind(
        "verified left empty",
        "manually_verified is ''. Write 1 or 0",
        with_row("x.wav", "Bark", ""),
    ),
    # The test list.
    Kind(
        "test list without rows",
        "is empty. Put the clips to be tagged there",
        tests_listed(("fname", "label")),
    ),
    Kind("test list without names", "lacks the column 'fname'", tests_listed(("id",), ("1",))),
    Kind(
        "a test clip listed twice",
        "line 4: the clip a.wav is listed again, after line 2",
        tests_listed(("fname",), ("a.wav",), ("b.wav",), ("a.wav",)),
    ),
    Kind(
        "a test clip's name that leads out",
        "'../../x.wav', and there is no such file",
        tests_listed(("fname",), ("../../x.wav",)),
    ),
    # The truth of the test clips.
    Kind(
        "ground truth without the column usage", WORKS, truth(TRUTH_HEADER[:2], ("a.wav", "Bark"))
    ),
    Kind(
        "an unknown usage (of Public, Private, Ignored: the parts of the challenge's test set)",
        "the usage is 'test'. Write Public, Private or Ignored",
        truth(TRUTH_HEADER, ("a.wav", "Bark", "test")),
    ),
    Kind(
        "several true labels in a cell",
        "the cell 'Bark|Cello' lists 2 labels",
        truth(TRUTH_HEADER, ("a.wav", "Bark|Cello", "Public")),
    ),
    Kind(
        "a true label with a space",
        WORKS,
        truth(TRUTH_HEADER, ("a.wav", "Double bass", "Public")),
    ),
    Kind(
        "a truth listed twice",
        "line 3: the clip a.wav is listed again, after line 2",
        truth(TRUTH_HEADER, ("a.wav", "Bark", "Public"), ("a.wav", "Cello", "Public")),
    ),
    # The folder.
    Kind(
        "test clips listed without their folder",
        "lists test clips, but their folder",
        lambda made: shutil.rmtree(made.audio_test),
    ),
    Kind(
        "test clips of which none is there",
        "is empty. Put the clips",
        lambda made: (no_test_clips(made), made.audio_test.mkdir()),
    ),
    Kind("the folder's name has odd characters", WORKS, moved("my 'set' of sounds; $HOME %s é")),
    Kind("the folder's name has braces", WORKS, moved("my {set} <b>")),
    Kind("the data set is an archive", "is no folder, list", only_an_archive),
]
