"""From documents to PDF, HTML and pictures. What a document says is decided before."""
