"""Analyses of a fitted trainer on the data it was fitted on."""
