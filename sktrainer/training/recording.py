"""Start the record of a fit for the trackers."""

from __future__ import annotations

from importlib.metadata import version

from sktrainer.backends.estimators import model_name
from sktrainer.data.fingerprint.fingerprint import Fingerprint
from sktrainer.exceptions import TrackingWarning
from sktrainer.tracking.recorder import RunRecorder, make_recorder
from sktrainer.training.log import FitLog
from sktrainer.training.parameters import TrainerParams
from sktrainer.training.plan import FitPlan
from sktrainer.training.provenance import describe_params
from sktrainer.training.validation import Checked


def start_recording(
    params: TrainerParams,
    checked: Checked,
    plan: FitPlan,
    fingerprint: Fingerprint | None,
    log: FitLog,
) -> RunRecorder | None:
    """Create the folder of the run, and let `log` pass all events to it.

    Raises
    ------
    ImportError
        If the package of a tracker is not installed.
    FileWriteError
        If the folder cannot be written.
    """
    recorder = make_recorder(
        params.trackers, lambda text: log.add_warning(text, TrackingWarning)
    )
    if recorder is None:
        return None
    described = describe_params(params.values(), checked.parts)
    tags = {
        "sktrainer.model": model_name(plan.model.model),
        "sktrainer.task": checked.data.task,
        "sktrainer.seed": str(checked.seed),
        "sktrainer.version": version("sktrainer"),
    }
    if fingerprint is not None:
        tags["sktrainer.fingerprint"] = fingerprint["digest"]
    values = {
        "name": model_name(plan.model.model),
        "params": {name: _unquoted(text) for name, text in described.items()},
        "tags": tags,
    }
    path = recorder.start(values, parent=params.parent_id)
    log.show(f"Recorded in {path}")
    log.add_callback(recorder)
    return recorder


def _unquoted(text: str) -> str:
    """Return the repr of a string without its quotes, as trackers show parameters.

    Examples
    --------
    >>> _unquoted("'auto'"), _unquoted("0.1"), _unquoted("['r2', 'max_error']")
    ('auto', '0.1', "['r2', 'max_error']")
    """
    inner = text[1:-1]
    is_string = len(text) > 1 and text[0] == text[-1] == "'" and "'" not in inner
    return inner if is_string else text
