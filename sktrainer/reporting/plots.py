"""Matplotlib plots of a fit. They do not use pyplot, so its global state is unchanged."""

from __future__ import annotations

import io
import re
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from sktrainer._optional import require
from sktrainer.types import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INK, MUTED, LINE = "#24292f", "#6e7781", "#d0d7de"
VALIDATION, TRAIN = "#0969da", "#bf8700"

# In HTML, these colors become CSS variables so that plots follow the light or dark theme.
_VARIABLES = {INK: "ink", MUTED: "muted", LINE: "line", VALIDATION: "accent", TRAIN: "second"}
_MOST_POINTS = 600
_LOG_RANGE = 100.0


def plot_history(
    history: pd.DataFrame,
    ax: Axes | None = None,
    *,
    metric: str | None = None,
    best_iteration: int | None = None,
    iteration: str = "iteration",
) -> Axes:
    """Plot one metric over the iterations, with one line per set.

    Parameters
    ----------
    history : DataFrame
        `TrainingReport.history`.
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.
    metric : str or None, default=None
        None selects the first metric.
    best_iteration : int or None, default=None
        Iteration to mark with a vertical line.
    iteration : str, default="iteration"
        Axis label: "round", "tree" or "epoch", for example.

    Returns
    -------
    Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If the history does not contain this metric.
    """
    axes = new_axes(ax, (5.2, 2.8))
    names = list(dict.fromkeys(history["metric"]))
    chosen = metric if metric is not None else next(iter(names), None)
    rows = history[history["metric"] == chosen]
    if rows.empty:
        known = ", ".join(names) or "none"
        raise ValueError(f"metric={metric!r} is not in the history; available: {known}")
    for name, color in (("train", TRAIN), ("validation", VALIDATION)):
        line = _subsample(rows[rows["set"] == name])
        if len(line):
            axes.plot(line["iteration"], line["value"], color=color, lw=1.6, label=name)
    if best_iteration is not None:
        axes.axvline(best_iteration, color=MUTED, lw=1, ls=(0, (3, 3)), label="best")
    use_log_scale_if_needed(axes, rows["value"].to_numpy())
    axes.set_xlabel(iteration)
    axes.set_ylabel(str(chosen), parse_math=False)
    axes.grid(axis="y", color=LINE, lw=0.6)
    axes.legend(frameon=False, labelcolor=INK)
    return axes


def plot_folds(
    folds: pd.DataFrame, ax: Axes | None = None, *, metric: str | None = None
) -> Axes:
    """Plot the score of each fold, with the mean and a band of ± one standard deviation.

    Parameters
    ----------
    folds : DataFrame
        `TrainingReport.folds`, with one row per fold.
    ax : Axes or None, default=None
        Axes to draw on. None creates a new figure.
    metric : str or None, default=None
        Column of `folds`. None selects the first column of floats.

    Returns
    -------
    Axes

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    ValueError
        If `folds` has no such column.
    """
    names = [str(name) for name in folds if folds[name].dtype.kind == "f"]
    chosen = metric if metric is not None else next(iter(names), None)
    if chosen is None or chosen not in folds.columns:
        raise ValueError(f"metric={metric!r} is not in folds; available: {', '.join(names)}")
    axes = new_axes(ax, (4.2, 2.4))
    values = folds[chosen].to_numpy(dtype=float)
    if np.isfinite(values).any():
        mean, std = np.nanmean(values), np.nanstd(values)
        axes.axhspan(mean - std, mean + std, color=LINE, alpha=0.45, lw=0)
        axes.axhline(mean, color=MUTED, lw=1)
        # The axis spans at least 1 % of the mean, so that nearly equal folds look equal.
        reach = max(1.25 * np.nanmax(np.abs(values - mean)), 0.005 * abs(mean), 1e-12)
        axes.set_ylim(mean - reach, mean + reach)
    axes.plot(np.arange(1, len(values) + 1), values, "o", ms=6, color=VALIDATION)
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.xaxis.set_major_locator(
        require("matplotlib.ticker", "report").MaxNLocator(nbins=10, integer=True)
    )
    axes.set_xlabel("fold")
    axes.set_ylabel(chosen, parse_math=False)
    return axes


def figure_to_svg(axes: Axes) -> str:
    """Return the figure as an SVG element for HTML. The output is reproducible.

    Text remains text in the font of the page, and colors become CSS variables.
    """
    matplotlib = require("matplotlib", "report")
    canvas = require("matplotlib.backends.backend_svg", "report").FigureCanvasSVG(
        axes.get_figure(root=True)
    )
    buffer = io.StringIO()
    # A fixed salt makes the element ids, and so the output, the same for the same figure.
    settings = {"svg.hashsalt": "sktrainer", "svg.fonttype": "none"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        # Matplotlib warns about glyphs that its font lacks. The browser renders them.
        warnings.filterwarnings("ignore", message="Glyph", category=UserWarning)
        canvas.print_svg(buffer, metadata={"Date": None, "Creator": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    for color, name in _VARIABLES.items():
        text = text.replace(color, f"var(--skt-{name}, {color})")
    return text.strip()


def new_axes(ax: Axes | None, size: tuple[float, float]) -> Axes:
    """Return `ax`, or new axes on a figure that is not registered with pyplot."""
    if ax is not None:
        return ax
    figure = require("matplotlib.figure", "report").Figure(figsize=size, layout="constrained")
    figure.patch.set_alpha(0.0)
    axes: Any = figure.add_subplot()
    axes.patch.set_alpha(0.0)
    for side, spine in axes.spines.items():
        spine.set_visible(side in {"left", "bottom"})
        spine.set_color(LINE)
    axes.tick_params(color=LINE, labelcolor=MUTED)
    axes.xaxis.label.set_color(MUTED)
    axes.yaxis.label.set_color(MUTED)
    return axes


def use_log_scale_if_needed(axes: Axes, values: Array) -> None:
    """Use a logarithmic y axis with plain numbers if the values span decades."""
    if not _spans_decades(values):
        return
    ticker = require("matplotlib.ticker", "report")
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(ticker.LogLocator(subs=(1.0, 2.0, 5.0), numticks=8))
    axes.yaxis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_locator(ticker.NullLocator())


def _subsample(rows: pd.DataFrame) -> pd.DataFrame:
    """Subsample to at most `_MOST_POINTS` rows, including the first and the last."""
    if len(rows) <= _MOST_POINTS:
        return rows
    return rows.iloc[np.linspace(0, len(rows) - 1, _MOST_POINTS).round().astype(int)]


def _spans_decades(values: Array) -> bool:
    finite = values[np.isfinite(values)]
    return len(finite) > 0 and finite.min() > 0 and finite.max() / finite.min() > _LOG_RANGE
