"""Open pipeline against what is still to be won: the chance of each open deal, how the pipeline moved, how much is needed."""
