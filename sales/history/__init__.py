"""The past: an extract, what was known at a month end, and who is credited. Nothing here looks ahead."""
