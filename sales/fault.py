"""The one family of errors that a person can mend."""


class Fault(Exception):  # noqa: N818  # a fact, not an "error": house style names exceptions for the fact
    """Something outside the program is not as it must be; the text says what, where and what to do."""
