"""What every table looks like: columns with their meaning and types. Rules about values live here; how a value is computed does not."""
