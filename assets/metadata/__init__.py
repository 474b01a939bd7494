"""What the UI shows of a table: columns, lineage, previews."""
