"""Sections of documents, each a question a reader has. Drawing is `charts`."""
