"""Incremental training: one call of `partial_fit`, from validation to the report."""
