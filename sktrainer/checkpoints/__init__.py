"""Checkpoint files, locking, run identity and signals, shared by all backends."""
