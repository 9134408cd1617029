"""Result of a comparison, as text, HTML and plain values."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from math import isnan
from pathlib import Path
from textwrap import fill
from typing import Any

import pandas as pd

from sktrainer.files.atomic_write import atomic_write
from sktrainer.files.paths import as_path
from sktrainer.reporting.comparison_page import render_comparison
from sktrainer.reporting.formats import MISSING, format_column, format_number
from sktrainer.reporting.report import TrainingReport
from sktrainer.reporting.text import WIDTH, text_table
from sktrainer.reporting.to_dict import plain_value


@dataclass(frozen=True, eq=False, repr=False)
class Comparison:
    """Several runs side by side. Printing it shows all tables.

    Attributes
    ----------
    runs : DataFrame
        One row per run, with columns `estimator`, `scored_on` and `fit_seconds`.
    scores : DataFrame
        One row per metric and one column per run.
    differences : DataFrame
        One row per metric and further run: columns `metric`, `run`, `difference` (score of the
        run minus that of the first run), `low` and `high` (95 % interval of the paired
        difference; NaN if it is unknown). Empty if the runs are not comparable.
    parameters : DataFrame
        Parameters that differ, one row per parameter and one column per run.
    warnings : tuple of str
        Why scores are not comparable. Empty for runs on the same data and split.
    note : str
        How the intervals were computed, or how to get them.
    reports : dict of str to TrainingReport
        Report of each run.
    """

    runs: pd.DataFrame
    scores: pd.DataFrame
    differences: pd.DataFrame
    parameters: pd.DataFrame
    warnings: tuple[str, ...]
    note: str
    reports: Mapping[str, TrainingReport]

    @property
    def comparable(self) -> bool:
        """Whether all runs were scored on the same rows of the same data."""
        return not self.warnings

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(map(str, self.runs.index))}>"

    def __str__(self) -> str:
        blocks = [
            "\n".join(fill(f"NOT COMPARABLE: {text}", WIDTH) for text in self.warnings),
            text_table(self.runs),
            f"Scores\n{text_table(self.shown_scores(), numbers=True, max_rows=50)}",
        ]
        if len(self.differences):
            first = self.runs.index[0]
            table = text_table(self.shown_differences(), max_rows=100)
            blocks.append(f"Differences from {first}\n{table}\n{fill(self.note, WIDTH)}")
        if len(self.parameters):
            table = text_table(self.parameters, max_rows=50)
            blocks.append(f"Parameters that differ\n{table}")
        return "\n\n".join(filter(None, blocks))

    def shown_scores(self) -> pd.DataFrame:
        """Return the scores as strings, with the digits of each metric."""
        rows = {name: format_column(row.tolist()) for name, row in self.scores.iterrows()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=self.scores.columns)

    def shown_differences(self) -> pd.DataFrame:
        """Return the differences as strings, indexed by metric."""
        rows = []
        for entry in self.differences.to_dict("records"):
            low, high = float(entry["low"]), float(entry["high"])
            known = not isnan(low + high)
            interval = f"{format_number(low)} to {format_number(high)}" if known else MISSING
            clear = known and (low > 0 or high < 0)
            rows.append(
                {
                    "metric": entry["metric"],
                    "run": entry["run"],
                    "difference": format_number(float(entry["difference"])),
                    "95% interval": interval,
                    "": ("excludes 0" if clear else "includes 0") if known else "",
                }
            )
        return pd.DataFrame(rows).set_index("metric")

    def _repr_html_(self) -> str:
        return render_comparison(self._page(), whole=False)

    def to_html(self, path: str | os.PathLike[str]) -> Path:
        """Write the comparison as one self-contained HTML page.

        Parameters
        ----------
        path : path-like
            Path of the file, which is written atomically.

        Returns
        -------
        Path
        """
        return write_comparison(self._page(), path)

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison, without the reports, as a JSON-compatible dict.

        Returns
        -------
        dict
            NaN is None.
        """
        return {
            "runs": plain_value(self.runs.to_dict("index")),
            "scores": plain_value(self.scores.to_dict("index")),
            "differences": plain_value(self.differences),
            "parameters": plain_value(self.parameters.to_dict("index")),
            "warnings": list(self.warnings),
            "note": self.note,
        }

    def _page(self) -> dict[str, Any]:
        tables = {"Runs": self.runs, "Scores": self.shown_scores()}
        if len(self.differences):
            tables[f"Differences from {self.runs.index[0]}"] = self.shown_differences()
        if len(self.parameters):
            tables["Parameters that differ"] = self.parameters
        return {
            "title": f"Comparison of {len(self.runs)} runs",
            "warnings": self.warnings,
            "note": self.note,
            "tables": tables,
            "reports": self.reports,
            "failed": (),
        }


def write_comparison(page: Mapping[str, Any], path: str | os.PathLike[str]) -> Path:
    """Write a page of `render_comparison` atomically, and return its path."""
    target = as_path(path)
    with atomic_write(target) as part:
        text = render_comparison(page, whole=True)
        part.write_text(text, encoding="utf-8", newline="\n")
    return target
