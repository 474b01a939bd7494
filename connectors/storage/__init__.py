"""What is kept: extracts, tables, publications, and how homes of earlier versions are carried over."""
