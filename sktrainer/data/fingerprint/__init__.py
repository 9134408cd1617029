"""Content hash of the arguments of a fit."""
