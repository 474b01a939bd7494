"""What is served over HTTP: documents, health, metrics."""
