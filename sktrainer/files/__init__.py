"""Atomic writes, zip archives, arrays and JSON on disk."""
