"""The plan of a year to come: what its sellers may be expected to book, targets that add up to a number, and what they take."""
