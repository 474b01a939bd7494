"""One month, from chosen inputs to delivered documents: what Dagster and the terminal share. Neither belongs here."""
