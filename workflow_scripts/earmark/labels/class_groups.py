"""The 41 classes of FSDKaggle2018, the groups the report put them in, and group schemes.

A *group* is a set of classes whose labels are spread together; a *scheme* splits all classes into
groups (report, section 1: schemes of 1, 2, 3 and 5 groups; the report chose 2). Data sets with
other classes use the scheme ``one`` or the ``group_schemes`` of their config.
"""

from collections.abc import Iterable, Mapping, Sequence

from earmark.runtime.errors import EarmarkError, printable

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

# The one group of the scheme "one", which has whatever classes there are.
EVERYTHING = "all"

Scheme = Mapping[str, Sequence[str]]

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


def group_names(custom_schemes: Mapping[str, Scheme]) -> list[str]:
    """Names of the groups of all schemes: the built-in ones and the config's."""
    schemes = [*SCHEMES.values(), *custom_schemes.values()]
    return list(dict.fromkeys(group for scheme in schemes for group in scheme))


def groups_of(
    labels: Iterable[str], scheme: str | None, custom_schemes: Mapping[str, Scheme]
) -> dict[str, list[str]]:
    """Split the classes that occur in ``labels`` into the groups of the named ``scheme``.

    ``custom_schemes`` are the config's ``group_schemes``. The default scheme is "two" for the 41
    classes and "one" for any others. Returns group -> its classes that occur, sorted, in the
    scheme's order; groups without any are left out. Raises EarmarkError for a label outside every
    group.
    """
    present = set(labels)
    if scheme is None:
        scheme = "two" if present <= set(CLASSES) else "one"
    groups = {EVERYTHING: present} if scheme == "one" else {**SCHEMES, **custom_schemes}[scheme]
    outside = sorted(present.difference(*groups.values()))
    if outside:
        raise EarmarkError(
            f"The label '{printable(outside[0])}' of the train list is in no group of the scheme "
            f"'{scheme}' ({len(outside)} such classes). Check its spelling, write `scheme: one` to "
            f"spread all labels together, or list your classes in groups under `group_schemes` in "
            f"the config."
        )
    members = {group: sorted(present & set(classes)) for group, classes in groups.items()}
    return {group: classes for group, classes in members.items() if classes}
