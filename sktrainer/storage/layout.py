"""Names of the members of a `.skt` file, and attributes that are stored separately."""

from __future__ import annotations

__all__ = ["AS_TEXT", "ELSEWHERE", "MANIFEST", "STATES"]

MANIFEST = "manifest.json"
STATES = ("trainer.skops", "steps.skops", "model.skops")
AS_TEXT = frozenset({"fingerprint_"})
"""Attributes with plain values that are stored as JSON, together with the tables."""

ELSEWHERE = ("_fitted", "evals_result_", "history_", "model_", "pipeline_", "report_")
"""Attributes of a trainer that are not part of its saved state."""
