"""The one exception that users meet: a sentence that says what is wrong and what to do."""


class EarmarkError(Exception):
    """Bad input, config or data. The message names the file, the value and the remedy."""
