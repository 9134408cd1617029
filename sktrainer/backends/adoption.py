"""What a caller may pass in place of an estimator, and the estimator that trains it.

A torch Module and a Keras model, their classes, and functions that build a Keras model are
no estimators: each becomes one. Wrappers of scikeras and keras.wrappers become themselves
as they are trained here. All are recognised without importing a framework.
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
    """Tell whether this is a network and no estimator yet.

    A torch Module or a Keras model, an instance or its class, or a function (taken for one
    that builds a Keras model).

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> is_bare(Ridge()), is_bare(Ridge), is_bare(lambda n_outputs: None)
    (False, False, True)
    """
    return modules.is_module(estimator) or _is_keras_model(estimator) or _builds(estimator)


def _is_keras_model(estimator: Any) -> bool:
    """Tell whether this is a Keras model, its class or an instance."""
    mro = estimator.__mro__ if isinstance(estimator, type) else type(estimator).__mro__
    return any(c.__name__ == "Model" and _root(c) == "keras" for c in mro)


def as_net(bare: Any) -> Any:
    """Return the estimator that trains a bare network; the parameters are its own.

    Raises
    ------
    ImportError
        The library that it needs is not installed.
    """
    if modules.is_module(bare):
        return modules.as_net(bare)
    require("keras", "keras")
    from sktrainer.backends._keras_nets import KerasNet

    return KerasNet(bare)


def adopt(estimator: Any) -> Any:
    """Return the estimator that is trained in the place of what was passed."""
    if is_bare(estimator):
        return as_net(estimator)
    if _is_keras_wrapper(estimator):
        from sktrainer.backends._keras_wrappers import trainable

        return trainable(estimator)
    return estimator


def copied(estimator: Any) -> Any:
    """Clone what a caller passed: an estimator, or a network that is none yet.

    The copy of a network pickles by what it holds, so that all copies have one hash; Keras's
    own way also draws from Python's generator. The clone of a wrapper of keras.wrappers has
    lost its `fit_kwargs`.
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
