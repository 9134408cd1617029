"""What the members of a bundle are called, and what is written in a way of its own."""

from __future__ import annotations

__all__ = ["ELSEWHERE", "MANIFEST", "MODULES", "STATES"]

MANIFEST = "manifest.json"
STATES = ("trainer.skops", "steps.skops", "model.skops")
MODULES = "trainer.modules"
"""Torch Modules among the trainer's parameters, with ``.json`` and ``.safetensors``."""

ELSEWHERE = ("_fitted", "evals_result_", "history_", "model_", "pipeline_", "report_")
"""Attributes of a trainer that are not in its state."""
