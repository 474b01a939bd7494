"""How a month differs from what was published, and why."""
