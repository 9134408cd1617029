"""The kinds of split, one per module."""
