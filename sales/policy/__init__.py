"""The rules of a fiscal year as data, and the book of years. What a rule does lies in the room that it rules."""
