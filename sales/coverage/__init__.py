"""Open pipeline against what is still to be won, how it moved, and how much is needed."""
