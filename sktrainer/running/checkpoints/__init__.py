"""How checkpoints are written, found, locked and told apart: once, for every library."""
