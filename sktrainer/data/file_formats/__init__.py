"""Readers and writers of the table formats, one module per format."""
