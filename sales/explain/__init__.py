"""Where a figure comes from, record by record. It recomputes; it never publishes."""
