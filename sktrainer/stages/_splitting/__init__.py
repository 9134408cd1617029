"""The kinds of split, one a module."""
