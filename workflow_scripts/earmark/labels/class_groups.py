"""The 41 classes of FSDKaggle2018, the groups the report put them in, and group schemes.

A *group* is a set of classes whose labels are spread together; a *scheme* splits all classes into
groups (report, section 1: schemes of 1, 2, 3 and 5 groups; the report chose 2). Data sets with
other classes use the scheme ``one`` or schemes of their own from the config.
"""

from collections.abc import Iterable, Mapping

from earmark.runtime.errors import EarmarkError, shown

STRINGS = ("Acoustic_guitar", "Cello", "Double_bass", "Violin_or_fiddle")
MUSICAL = ("Chime", "Clarinet", "Flute", "Harmonica", "Oboe", "Saxophone", "Trumpet")
PERCUSSION = (
    "Bass_drum",
    "Cowbell",
    "Electric_piano",
    "Glockenspiel",
    "Gong",
    "Hi-hat",
    "Snare_drum",
    "Tambourine",
)
CREATURE = (
    "Applause",
    "Bark",
    "Burping_or_eructation",
    "Cough",
    "Fart",
    "Finger_snapping",
    "Laughter",
    "Meow",
    "Squeak",
    "Tearing",
)
NON_HUMAN = (
    "Bus",
    "Computer_keyboard",
    "Drawer_open_or_close",
    "Fireworks",
    "Gunshot_or_gunfire",
    "Keys_jangling",
    "Knock",
    "Microwave_oven",
    "Scissors",
    "Shatter",
    "Telephone",
    "Writing",
)
MUSIC = STRINGS + MUSICAL + PERCUSSION
NON_MUSIC = CREATURE + NON_HUMAN
CLASSES = tuple(sorted(MUSIC + NON_MUSIC))

# The group that stands for "whatever labels there are" in the scheme of one group.
EVERYTHING = "all"

Scheme = Mapping[str, tuple[str, ...]]

SCHEMES: dict[str, Scheme] = {
    "one": {EVERYTHING: ()},
    "two": {"music": MUSIC, "non_music": NON_MUSIC},
    "three": {"music": MUSIC, "creature": CREATURE, "non_human": NON_HUMAN},
    "five": {
        "musical": MUSICAL,
        "strings": STRINGS,
        "percussion": PERCUSSION,
        "creature": CREATURE,
        "non_human": NON_HUMAN,
    },
}


def find_scheme(name: str, own: Mapping[str, Mapping[str, Iterable[str]]] | None = None) -> Scheme:
    """Return the scheme called ``name``: group name -> class names.

    ``own`` holds the config's ``group_schemes``; they may not reuse a built-in name.
    Raises EarmarkError when no scheme has that name.
    """
    if own and name in own:
        return {group: tuple(classes) for group, classes in own[name].items()}
    if name in SCHEMES:
        return SCHEMES[name]
    known = ", ".join([*SCHEMES, *(own or {})])
    raise EarmarkError(f"There is no group scheme '{name}'. Write one of: {known}.")


def group_names(own: Mapping[str, Mapping[str, Iterable[str]]]) -> list[str]:
    """Names of the groups of all schemes, built-in and the config's ``own``."""
    schemes = [*SCHEMES.values(), *own.values()]
    return list(dict.fromkeys(group for scheme in schemes for group in scheme))


def fitting_scheme(labels: Iterable[str]) -> str:
    """The scheme where the config names none: two groups for the 41 classes, one for any others."""
    return "two" if set(labels) <= set(CLASSES) else "one"


def groups_of(labels: Iterable[str], scheme_name: str, scheme: Scheme) -> dict[str, list[str]]:
    """Split the classes that occur in ``labels`` into the groups of ``scheme``.

    Returns group -> its classes that occur, sorted; groups without any are left out, in the
    scheme's order. Raises EarmarkError for a label outside every group.
    """
    present = sorted(set(labels))
    if scheme == SCHEMES["one"]:
        return {EVERYTHING: present} if present else {}
    group_of = {label: group for group, classes in scheme.items() for label in classes}
    outside = [label for label in present if label not in group_of]
    if outside:
        raise EarmarkError(
            f"The label '{shown(outside[0])}' of the train list is in no group of the scheme "
            f"'{scheme_name}' ({len(outside)} such labels){_nearest(outside[0], group_of)}. Write "
            f"`scheme: one` to spread all labels together, or list your classes in groups under "
            f"`group_schemes` in the config."
        )
    found: dict[str, list[str]] = {group: [] for group in scheme}
    for label in present:
        found[group_of[label]].append(label)
    return {group: classes for group, classes in found.items() if classes}


def _nearest(label: str, known: Iterable[str]) -> str:
    """A part of a sentence that names the known labels most like this one, if there are any."""
    import difflib
    import unicodedata

    def plain(text: str) -> str:
        return unicodedata.normalize("NFC", text).casefold()

    of = {plain(name): name for name in known}
    found = [of[name] for name in difflib.get_close_matches(plain(label), of)]
    if not found:
        return ""
    if unicodedata.normalize("NFC", found[0]) == unicodedata.normalize("NFC", label):
        return ", which has one that looks the same but is written otherwise in Unicode: copy it"
    return f"; the nearest there: {', '.join(found)}"
