"""Conversion of networks and Keras wrappers to estimators that sktrainer can train.

A torch Module, a Keras model, their classes, and functions that build a Keras model are not
estimators, so each is wrapped in one. Wrappers of scikeras and keras.wrappers are replaced
by trainable subclasses. All are recognized without importing a framework.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any

from sktrainer._optional import require
from sktrainer.backends import modules
from sktrainer.running.cloning import clone_estimator

__all__ = ["adopt", "as_net", "copied", "is_bare"]

_KERAS_WRAPPERS = {"BaseWrapper", "SKLBase"}


def is_bare(estimator: Any) -> bool:
    """Return whether this is a network that is not an estimator.

    That is a torch Module or a Keras model (an instance or a class), or a function, which is
    assumed to build a Keras model.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> is_bare(Ridge()), is_bare(Ridge), is_bare(lambda n_outputs: None)
    (False, False, True)
    """
    return modules.is_module(estimator) or _is_keras_model(estimator) or _builds(estimator)


def _is_keras_model(estimator: Any) -> bool:
    """Return whether this is a Keras model (an instance or a class)."""
    mro = estimator.__mro__ if isinstance(estimator, type) else type(estimator).__mro__
    return any(c.__name__ == "Model" and _root(c) == "keras" for c in mro)


def as_net(bare: Any) -> Any:
    """Return an estimator that wraps a network and exposes the network's parameters.

    Raises
    ------
    ImportError
        If the required library is not installed.
    """
    if modules.is_module(bare):
        return modules.as_net(bare)
    require("keras", "keras")
    from sktrainer.backends._keras_nets import KerasNet

    return KerasNet(bare)


def adopt(estimator: Any) -> Any:
    """Return the estimator to train: a wrapper if needed, otherwise the argument itself."""
    if is_bare(estimator):
        return as_net(estimator)
    if _is_keras_wrapper(estimator):
        from sktrainer.backends._keras_wrappers import trainable

        return trainable(estimator)
    return estimator


def copied(estimator: Any) -> Any:
    """Clone an estimator or a network that the user passed.

    Copies of a network are pickled by content, so that all of them have the same hash. The
    pickling of Keras also consumes Python's global random state. `sklearn.clone` drops the
    `fit_kwargs` of keras.wrappers, so these wrappers are rebuilt from their parameters.
    """
    if isinstance(estimator, type):
        return estimator
    if _is_keras_model(estimator):
        from sktrainer.backends import _keras_pickle

        return _keras_pickle.copied(estimator)
    if modules.is_module(estimator):
        from sktrainer.backends import _torch_pickle

        return _torch_pickle.copied(estimator)
    if not _is_keras_wrapper(estimator):
        return clone_estimator(estimator)
    from sktrainer.backends._keras_pickle import packed, unpacked

    params = packed(estimator.get_params(deep=False))
    return type(estimator)(**unpacked({k: clone_estimator(v) for k, v in params.items()}))


def _builds(estimator: Any) -> bool:
    return inspect.isroutine(estimator) or isinstance(estimator, functools.partial)


def _is_keras_wrapper(estimator: Any) -> bool:
    return not isinstance(estimator, type) and any(
        c.__name__ in _KERAS_WRAPPERS and _root(c) in ("scikeras", "keras")
        for c in type(estimator).__mro__
    )


def _root(kind: type) -> str:
    return kind.__module__.partition(".")[0]
