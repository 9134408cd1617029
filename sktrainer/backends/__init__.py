"""Backends: one package for each framework, found through the registry."""
