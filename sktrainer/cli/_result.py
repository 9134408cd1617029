"""What a command prints after training."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sktrainer.cli._output import print_json
from sktrainer.config.run import config_path

if TYPE_CHECKING:
    from sktrainer.config.run_config import RunConfig
    from sktrainer.functional import TrainingResult


def show_result(result: TrainingResult, config: RunConfig, *, as_json: bool) -> None:
    """Print the paths of the files, or everything as JSON."""
    from sktrainer.reporting.text import render_summary

    if as_json:
        print_json(_document(result, config))
        return
    if result.model.verbose == 0:
        click.echo(f"{render_summary(result.report)}\n")
    if config.report is not None and config.report.exists():
        click.echo(f"Report: {_shown(config.report)}")
    if result.model_path is not None:
        click.echo(f"Full report: sktrainer report {_shown(result.model_path)}")
        click.echo(f"Configuration: {_shown(config_path(result.model_path))}")
        click.echo(f"Predict with: sktrainer predict {_shown(result.model_path)} NEW_DATA")


def _shown(path: Path) -> str:
    """Return a path as the user would type it: relative to the working directory if inside."""
    inside = path.is_relative_to(Path.cwd())
    return shlex.quote(str(path.relative_to(Path.cwd()) if inside else path))


def _document(result: TrainingResult, config: RunConfig) -> dict[str, Any]:
    path = result.model_path
    report = result.report.to_dict()
    return {
        "model": None if path is None else str(path),
        "config": None if path is None else str(config_path(path)),
        "report": None if config.report is None else str(config.report),
        "scores": report["scores"],
        "cv_summary": report.get("cv_summary"),
        "n_iter": result.model.n_iter_,
        "best_iteration": result.model.best_iteration_,
        "stop_reason": result.model.stop_reason_,
        "notes": report.get("notes"),
        "findings": report.get("findings"),
    }
