"""Charts as SVG. What is drawn is decided by the section."""
