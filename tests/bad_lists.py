"""Bad and odd lists of clips: changes to the lists of a small set, and what the user is told."""

from collections.abc import Callable, Sequence

from corpus import Kind
from tiny import TinySet

Spoil = Callable[[TinySet], None]


def whole(change: Callable[[bytes], bytes]) -> Spoil:
    """Change the train list's bytes."""

    def spoil(made: TinySet) -> None:
        made.train_list.write_bytes(change(made.train_list.read_bytes()))

    return spoil


def text(change: Callable[[str], str]) -> Spoil:
    """Change the train list's text."""
    return whole(lambda content: change(content.decode()).encode())


def third(change: Callable[[list[str]], Sequence[str]]) -> Spoil:
    """Change the values of the train list's third line."""

    def spoil(content: str) -> str:
        lines = content.split("\n")
        lines[2] = ",".join(change(lines[2].split(",")))
        return "\n".join(lines)

    return text(spoil)


def named(name: str) -> Spoil:
    return third(lambda row: [name, *row[1:]])


def labelled(label: str) -> Spoil:
    return third(lambda row: [row[0], label, row[2]])


def flagged(flag: str) -> Spoil:
    return third(lambda row: [*row[:2], flag])


def twice(content: str) -> str:
    return content + content.split("\n")[1] + "\n"


def test_list(change: Callable[[list[str]], Sequence[str]]) -> Spoil:
    """Change the test list's lines."""

    def spoil(made: TinySet) -> None:
        assert made.test_list is not None
        lines = made.test_list.read_text(encoding="utf-8").splitlines()
        made.test_list.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")

    return spoil


def truth(change: Callable[[list[str]], Sequence[str]]) -> Spoil:
    def spoil(made: TinySet) -> None:
        path = made.folder / "test_post_competition.csv"
        lines = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join(change(lines)) + "\n", encoding="utf-8")

    return spoil


def removed(made: TinySet) -> None:
    made.train_list.unlink()


def folder_in_its_place(made: TinySet) -> None:
    assert made.test_list is not None
    made.test_list.unlink()
    (made.audio_test / "x").mkdir()
    for name in made.test:
        (made.audio_test / name).unlink()


def quoted(content: str) -> str:
    lines = content.strip().split("\n")
    return "".join(",".join(f'"{value}"' for value in line.split(",")) + "\n" for line in lines)


def with_column(content: str) -> str:
    head, *rows = content.strip().split("\n")
    return "\n".join([f"license,{head}", *[f'"CC, by",{row}' for row in rows]]) + "\n"


def without_column(content: str) -> str:
    return "".join(line.rsplit(",", 1)[0] + "\n" for line in content.strip().split("\n"))


def true_false(content: str) -> str:
    return content.replace(",1\n", ",TRUE\n").replace(",0\n", ",False\n")


def with_accent(made: TinySet) -> None:
    """Two labels that look the same; the second has its accent as a sign of its own."""
    lines = made.train_list.read_text(encoding="utf-8").split("\n")
    for place, label in ((1, "Caf\u00e9"), (2, "Cafe\u0301")):
        name, _, flag = lines[place].split(",")
        lines[place] = f"{name},{label},{flag}"
    made.train_list.write_text("\n".join(lines), encoding="utf-8")


# ``spoil(made)`` changes the lists of a set; ``expected`` is part of the sentence, or "works".
KINDS = [
    Kind("a byte order mark", "works", whole(lambda content: b"\xef\xbb\xbf" + content)),
    Kind("CRLF line ends", "works", whole(lambda content: content.replace(b"\n", b"\r\n"))),
    Kind("CR line ends", "works", whole(lambda content: content.replace(b"\n", b"\r"))),
    Kind("quoted fields", "works", text(quoted)),
    Kind("blank lines", "works", text(lambda content: content.replace("\n", "\n\n ,, \n"))),
    Kind("no line end at the end", "works", text(str.strip)),
    Kind("commas at the ends of lines", "works", text(lambda c: c.replace("\n", ",,\n"))),
    Kind("more columns", "works", text(with_column)),
    Kind("verified as TRUE and False", "works", text(true_false)),
    Kind("spaces around values", "works", text(lambda content: content.replace(",", " , "))),
    Kind("names in other scripts", "works", named("\u72ac \u0643\u0644\u0628 \U0001f415.wav")),
    Kind("a name with quotes, braces, a dash in front", "works", named("-{x}'%s'<b>&.wav")),
    Kind("a test list without labels", "works", test_list(lambda rows: [r[:12] for r in rows])),
    Kind("no train list", "has no train list", removed),
    Kind("an empty file", "it is empty", whole(lambda content: b"")),
    Kind("only a header", "has no rows", text(lambda content: content.split("\n")[0])),
    Kind("UTF-16", "it is in UTF-16", whole(lambda content: content.decode().encode("utf-16"))),
    Kind("Latin-1", "has the byte 0xe9. Save it as CSV in UTF-8", whole(lambda c: c + b"\xe9,,")),
    Kind("zero bytes", "has a zero byte", whole(lambda content: content + bytes(100))),
    Kind(
        "semicolons",
        "separated by semicolons: save it with commas",
        text(lambda content: content.replace(",", ";")),
    ),
    Kind("tabs", "separated by tabs", text(lambda content: content.replace(",", "\t"))),
    Kind("no header", "lacks the column 'fname'", text(lambda content: content.split("\n", 1)[1])),
    Kind("a column lacks", "lacks the column 'manually_verified'", text(without_column)),
    Kind(
        "a header in other case",
        "Write 'fname' instead of 'Fname'",
        text(lambda content: content.replace("fname", "Fname")),
    ),
    Kind(
        "a column twice",
        "has the column 'label' more than once",
        text(lambda content: content.replace("fname,label", "label,fname,label", 1)),
    ),
    Kind("an open quote", "Is a double quote open there?", third(lambda row: ['"' + row[0]])),
    Kind("a comma too many", "has 4 values for 3 columns", third(lambda row: [*row, "more"])),
    Kind("a field of 200 kB", "field larger than field limit", labelled("x" * 200_000)),
    Kind("a clip twice", "more than once (lines 2,", text(twice)),
    Kind("no label", "no label. Write its class", labelled("")),
    Kind("a label with a space", "write 'Double_bass'", labelled("Double bass")),
    Kind("two labels for a clip", "Each clip has one class here", labelled('"Cello,Bark"')),
    Kind("a label with a line break", "write 'Cello_Bark'", labelled('"Cello\nBark"')),
    Kind("labels that differ in case", "differ only in case", labelled("cello")),
    Kind("labels that differ in stored accents", "how accents are stored", with_accent),
    Kind("a misspelled label", "Is Cello meant?", labelled("Celo")),
    Kind("a label of no group", "is in no group of the scheme 'two'", labelled("Zither")),
    Kind("verified as yes", "Write 1 or 0", flagged("yes")),
    Kind("verified as nothing", "Write 1 or 0", flagged("")),
    Kind("a name that leads out", "without a folder", named("../x.wav")),
    Kind("an absolute name", "without a folder", named("/etc/passwd")),
    Kind("a name with backslashes", "without a folder", named("..\\x.wav")),
    Kind("a name with a line break", "without a folder", named('"a\nb.wav"')),
    Kind("no name", "has the file name ''", named("")),
    Kind("a test clip twice", "more than once", test_list(lambda rows: [*rows, rows[1]])),
    Kind("a test name that leads out", "without a folder", test_list(lambda r: [*r, "../x.wav,"])),
    Kind("a test list without rows", "has no rows", test_list(lambda rows: rows[:1])),
    Kind("no test list and no test clips", "is empty", folder_in_its_place),
    Kind("a truth that names a clip twice", "more than once", truth(lambda r: [*r, r[1]])),
    Kind("a truth without labels", "lacks the column 'label'", truth(lambda r: ["fname", *r[1:]])),
]
