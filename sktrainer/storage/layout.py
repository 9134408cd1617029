"""Names of the members of a `.skt` file, and attributes that are stored separately."""

from __future__ import annotations

__all__ = ["JSON_ATTRIBUTES", "MANIFEST", "SEPARATE_ATTRIBUTES", "STATE_MEMBERS"]

MANIFEST = "manifest.json"
STATE_MEMBERS = ("trainer.skops", "steps.skops", "model.skops")
JSON_ATTRIBUTES = frozenset({"fingerprint_"})
"""Attributes with plain values that are stored as JSON, together with the tables."""

SEPARATE_ATTRIBUTES = ("_fitted", "evals_result_", "history_", "model_", "pipeline_", "report_")
"""Attributes of a trainer that are not part of its saved state."""
