"""The kinds of features that a config can name, and where each one's class is.

No module that computes a result may import this one by statement: its code hash would change with
each kind that is added here. ``settings`` imports it by name.
"""

# kind: module, class
KINDS = {
    "stft": ("stft", "Stft"),
    "log_mel": ("log_mel", "LogMel"),
    "mfcc": ("mfcc", "Mfcc"),
    "raw": ("raw", "Raw"),
}


def module_of(kind: str) -> str:
    """The dotted name of the module of the known ``kind``."""
    return f"earmark.features.{KINDS[kind][0]}"
