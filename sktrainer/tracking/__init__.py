"""Record fits in local runs, and send them to MLflow, Weights & Biases or your own tracker."""

from sktrainer.tracking.base import MetricRow, RunInfo, Tracker
from sktrainer.tracking.jsonl import JsonlTracker
from sktrainer.tracking.mlflow import MlflowTracker
from sktrainer.tracking.replay import replay
from sktrainer.tracking.wandb import WandbTracker

__all__ = [
    "JsonlTracker",
    "MetricRow",
    "MlflowTracker",
    "RunInfo",
    "Tracker",
    "WandbTracker",
    "replay",
]
