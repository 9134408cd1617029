"""What the members of a bundle are called, and what is written in a way of its own."""

from __future__ import annotations

__all__ = ["AS_TEXT", "ELSEWHERE", "MANIFEST", "STATES"]

MANIFEST = "manifest.json"
STATES = ("trainer.skops", "steps.skops", "model.skops")
AS_TEXT = frozenset({"fingerprint_"})
"""Attributes of plain values that are written as text, beside the tables."""

ELSEWHERE = ("_fitted", "evals_result_", "history_", "model_", "pipeline_", "report_")
"""Attributes of a trainer that are not in its state."""
