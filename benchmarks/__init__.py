"""Commands that print figures beside a named peer; never part of the tests."""
