"""Reading and checking the input. Nothing here depends on a model."""
