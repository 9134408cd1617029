"""PyTorch through skorch: nets that the caller made, and bare Modules.

The epochs are driven from here, by one `fit_loop` of one epoch each, so that the stopper
answers with a reason and Ctrl-C stays Ctrl-C. Callbacks are told of the beginning and the
end of the training once, as in a fit of skorch's own: schedules run on from epoch to epoch.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import sparse

from sktrainer.backends._base import Backend, FitRequest, Traits
from sktrainer.backends._sklearn.watching import accepts, finished
from sktrainer.backends._torch_states import reached, resumed, signals_waiting
from sktrainer.backends.modules import constructor_names
from sktrainer.exceptions import InputError, ParameterError
from sktrainer.running.caller_state import kept
from sktrainer.running.predicted import Predicted
from sktrainer.running.resources import limited_threads
from sktrainer.types import Array, ModelFit, Rows, Task

__all__ = ["TorchBackend"]

LEAST_BATCH, MOST_BATCH = 32, 1024


class TorchBackend:
    """Trains skorch nets."""

    name = "skorch"

    def traits(self, model: Any, task: Task) -> Traits:
        """Say what this net needs and can do."""
        from sktrainer.backends._torch_nets import feeds_whole_batches

        criterion = model.criterion
        per_row = (
            criterion is None
            or hasattr(criterion, "reduction")
            or accepts(criterion, "reduction")
        )
        return Traits(
            sparse=False,
            sample_weight=per_row and feeds_whole_batches(model),
            labels="codes",
            likeliest=getattr(model, "threshold", 0.5) == 0.5,
            max_iter=int(model.max_epochs),
            stops_by_default=True,
            iteration="epoch",
        )

    def fit(self, request: FitRequest) -> ModelFit:
        """Fit epoch by epoch and put back the weights of the best one.

        Parameters
        ----------
        request : FitRequest

        Returns
        -------
        ModelFit
            The net has the parameters that it came with; a bare Module's has those that
            the task and the table decided.
        """
        _refuse_sparse(request.train.X)
        # Sums over the rows of a large batch round otherwise with each number of threads,
        # and that number depends on the folds fitted beside this one.
        with (
            limited_threads(1),
            kept(request.seed),
            _seeded(request.seed, request.model.device),
        ):
            net = _fitting_net(request)
            train, validation = _datasets(net, request)
            with _lent(net, train_split=_given(validation), verbose=0):
                net.initialize()
                X, y = train.X, train.y
                net.notify("on_train_begin", X=X, y=y)
                _check_width(net, request)
                n_iter, interrupted = _run_epochs(net, train, request)
                net.notify("on_train_end", X=X, y=y)
        net.weighted_, net.sample_ = False, None
        if interrupted:
            best = request.monitor.best_iteration or n_iter
            return ModelFit(net, "converged", n_iter, best, request.monitor.evaluations)
        return finished(request, n_iter, stopped=request.monitor.stopped)


def _refuse_sparse(X: Any) -> None:
    if sparse.issparse(X):
        raise InputError(
            "Sparse data was passed, but a network takes dense data; convert it with "
            "X.toarray(), or reduce it by a step such as TruncatedSVD in a Pipeline"
        )


@contextmanager
def _seeded(seed: int, device: Any) -> Iterator[None]:
    """Start torch's generators from a seed, and put the caller's back at the end."""
    import torch

    on_cuda = str(device).startswith("cuda")
    # Only the generators in use: `torch.manual_seed` would seed all devices there are.
    with torch.random.fork_rng(devices=[torch.device(device)] if on_cuda else []):
        torch.default_generator.manual_seed(seed)
        if on_cuda:
            with torch.cuda.device(torch.device(device)):
                torch.cuda.manual_seed(seed)
        yield


@contextmanager
def _lent(net: Any, **values: Any) -> Iterator[None]:
    """Set attributes of a net for the time of a fit."""
    before = {name: getattr(net, name) for name in values}
    vars(net).update(values)
    try:
        yield
    finally:
        vars(net).update(before)


def _fitting_net(request: FitRequest) -> Any:
    """Lay our class over the net's; decide what a bare Module leaves open."""
    from sktrainer.backends._torch_nets import ModuleNet, managed

    net = request.model
    if type(net) is ModuleNet:
        _complete(net, request)
    kind: Any = type(net)
    net.__class__ = managed(kind)
    net.sample_ = np.asarray(request.train.X)[:2]
    net.weighted_ = request.train.sample_weight is not None
    net.n_classes_ = _n_classes(request)
    return net


def _n_classes(request: FitRequest) -> int:
    return int(np.max(request.train.y)) + 1 if request.task == "classification" else 0


def _complete(net: Any, request: FitRequest) -> None:
    """Choose the kind of net, its loss, its batch size and its number of outputs."""
    import skorch
    import torch

    if net.batch_size == "auto":
        net.batch_size = auto_batch_size(len(request.train))
    if "n_outputs" in constructor_names(net.module) and not hasattr(net, "module__n_outputs"):
        columns = np.shape(request.train.y)[1:] or (1,)
        net.set_params(module__n_outputs=_n_classes(request) or columns[0])
    kind: Any
    criterion: Any
    if request.task == "regression":
        kind, criterion = skorch.NeuralNetRegressor, torch.nn.MSELoss
    elif _is_binary(net, request):
        kind, criterion = skorch.NeuralNetBinaryClassifier, torch.nn.BCEWithLogitsLoss
        net.threshold = 0.5
    else:
        kind, criterion = skorch.NeuralNetClassifier, torch.nn.CrossEntropyLoss
        net.classes = None
    net.criterion = criterion if net.criterion is None else net.criterion
    net.__class__ = kind


def _is_binary(net: Any, request: FitRequest) -> bool:
    """Whether two classes are told by one output: by the loss, else by what comes out."""
    import torch

    from sktrainer.backends._torch_batches import first_rows

    binary = torch.nn.BCEWithLogitsLoss
    if net.criterion is not None:
        return net.criterion is binary or isinstance(net.criterion, binary)
    if _n_classes(request) > 2:
        return False
    module = copy.deepcopy(net.initialized_instance(net.module, net.get_params_for("module")))
    # Made for this look alone: the fit starts from the seed as if it had not been.
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        found = module.eval()(first_rows(np.asarray(request.train.X), 2))
    found = found[0] if isinstance(found, tuple) else found
    return found.ndim == 1 or found.shape[-1] == 1


def auto_batch_size(n_samples: int) -> int:
    """Return about a 32nd of the rows: a power of two from 32 to 1024.

    Examples
    --------
    >>> auto_batch_size(200), auto_batch_size(5_000), auto_batch_size(1_000_000)
    (32, 128, 1024)
    """
    power = 2 ** round(np.log2(max(n_samples, 1) / 32))
    return int(min(max(power, LEAST_BATCH), MOST_BATCH))


def _datasets(net: Any, request: FitRequest) -> tuple[Any, Any]:
    """Return training rows, and validation rows where these may stop the fit."""
    watched = request.validation if request.monitor.stops else None
    return _dataset(net, request, request.train), (
        None if watched is None else _dataset(net, request, watched)
    )


def _dataset(net: Any, request: FitRequest, rows: Rows) -> Any:
    from sktrainer.backends._torch_batches import RowsDataset, network_input
    from sktrainer.backends._torch_nets import feeds_whole_batches

    y = _targets(net, request, rows.y)
    if feeds_whole_batches(net):
        return RowsDataset(rows.X, y, rows.sample_weight)
    return net.get_dataset(network_input(rows.X), y)


def _targets(net: Any, request: FitRequest, y: Array) -> Array:
    """Return targets in the type and the shape that the loss takes."""
    from skorch import NeuralNetBinaryClassifier

    if isinstance(net, NeuralNetBinaryClassifier):
        return np.asarray(y, dtype=np.float32)
    if request.task == "classification":
        return np.asarray(y, dtype=np.int64)
    values = np.array(y, dtype=np.float32)
    return values[:, np.newaxis] if values.ndim == 1 else values


def _given(validation: Any) -> Any:
    from skorch.helper import predefined_split

    return None if validation is None else predefined_split(validation)


def _check_width(net: Any, request: FitRequest) -> None:
    """Refuse a module whose outputs are fewer than, or other than, the targets."""
    from skorch import NeuralNetBinaryClassifier

    found = tuple(net.outputs(net.sample_).shape[1:])
    y_shape = np.shape(request.train.y)[1:] or (1,)
    net.flat_output_ = request.task == "regression" and y_shape == (1,)
    n_classes = net.n_classes_
    if isinstance(net, NeuralNetBinaryClassifier):
        fits, wanted = n_classes <= 2, "at most 2 classes for one output"
    elif n_classes:
        fits = len(found) > 0 and found[0] >= n_classes
        wanted = f"at least {n_classes} outputs, one for each class"
    else:
        fits, wanted = found == y_shape, f"outputs of shape (n_samples, {y_shape[0]})"
    if not fits:
        got = ", ".join(map(str, ("n_samples", *found)))
        kind = type(net.module_).__name__
        raise ParameterError(
            f"expected {wanted}, got {kind} with outputs of shape ({got}) for "
            f"{n_classes or y_shape[0]} {'classes' if n_classes else 'target columns'}; widen "
            "its last layer, or let its constructor take n_outputs, which is filled in"
        )


def _run_epochs(net: Any, train: Any, request: FitRequest) -> tuple[int, bool]:
    """Go through the epochs; return how many, and whether a callback ended them."""
    monitor, limit = request.monitor, request.n_iter or net.max_epochs
    n_iter, best, ended = resumed(net, request)
    last = n_iter if ended or monitor.stopped else limit
    with signals_waiting(request):
        for epoch in range(n_iter + 1, last + 1):
            try:
                net.fit_loop(train, epochs=1)
            except KeyboardInterrupt as interrupt:
                if not _raised_by_callback(interrupt):
                    raise
                ended = True
            n_iter = _record(net, epoch, request)
            if monitor.improved:
                best = copy.deepcopy(net.module_.state_dict())
            ended = ended or monitor.stopped
            if ended or epoch == limit:
                break
            reached(net, request, n_iter, best)
    interrupted = n_iter < limit and not monitor.stopped
    reached(net, request, n_iter, best, end=True, interrupted=interrupted)
    if best is not None:
        net.module_.load_state_dict(best)
    return n_iter, interrupted


def _raised_by_callback(interrupt: KeyboardInterrupt) -> bool:
    """Tell a callback that ends the training from a Ctrl-C: skorch's way is the same error."""
    from skorch.callbacks import Callback

    trace = interrupt.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace is not None and isinstance(trace.tb_frame.f_locals.get("self"), Callback)


def _record(net: Any, epoch: int, request: FitRequest) -> int:
    """Record an epoch's losses and the watched score."""
    values = {"train": {"loss": _mean_loss(net, "train")}}
    if request.monitor.stops and request.validation is not None:
        values["validation"] = {"loss": _mean_loss(net, "valid")}
        metric = request.monitor.metric
        if metric.scorer is not None:
            values["validation"][metric.name] = _score(net, request, request.validation)
    request.monitor.record(epoch, values)
    return epoch


def _mean_loss(net: Any, part: str) -> float:
    """Return the mean loss of the last epoch's batches, by their sizes or weights."""
    batches = [b for b in net.history[-1]["batches"] if f"{part}_loss" in b]
    losses = [b[f"{part}_loss"] for b in batches]
    return float(np.average(losses, weights=[b[f"{part}_batch_size"] for b in batches]))


def _score(net: Any, request: FitRequest, rows: Rows) -> float:
    scorer: Any = request.monitor.metric.scorer
    classes = np.arange(net.n_classes_) if net.n_classes_ else None
    predicted = Predicted(
        request.task,
        classes,
        predict=lambda: net.predict(rows.X),
        predict_proba=None if classes is None else lambda: net.predict_proba(rows.X),
    )
    weighs = rows.sample_weight is not None and accepts(
        getattr(scorer, "_score_func", scorer), "sample_weight"
    )
    options = {"sample_weight": rows.sample_weight} if weighs else {}
    return float(scorer(predicted, rows.X, rows.y, **options))


if TYPE_CHECKING:
    _: Backend = TorchBackend()
