"""The one family of errors that a person can mend."""


class UserError(Exception):
    """Something outside the program is not as it must be; the text says what, where and what to do."""
