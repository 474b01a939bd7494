"""What every page shares: the look, a grain's view of the tables, and the pieces a document is made of."""
