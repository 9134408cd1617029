"""Configuration of a run: YAML files, their keys, models by name, and the JSON schema."""
