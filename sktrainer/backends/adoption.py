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

__all__ = ["clone_network", "is_raw_network", "wrap_estimator", "wrap_network"]

_KERAS_WRAPPERS = {"BaseWrapper", "SKLBase"}


def is_raw_network(estimator: Any) -> bool:
    """Return whether this is a network that is not an estimator.

    That is a torch Module or a Keras model (an instance or a class), or a function, which is
    assumed to build a Keras model.

    Examples
    --------
    >>> from sklearn.linear_model import Ridge
    >>> is_bare(Ridge()), is_bare(Ridge), is_bare(lambda n_outputs: None)
    (False, False, True)
    """
    return (
        modules.is_torch_module(estimator) or is_keras_model(estimator) or is_builder(estimator)
    )


def is_keras_model(estimator: Any) -> bool:
    """Return whether this is a Keras model (an instance or a class)."""
    mro = estimator.__mro__ if isinstance(estimator, type) else type(estimator).__mro__
    return any(c.__name__ == "Model" and root_package(c) == "keras" for c in mro)


def wrap_network(bare: Any) -> Any:
    """Return an estimator that wraps a network and exposes the network's parameters.

    Raises
    ------
    ImportError
        If the required library is not installed.
    """
    if modules.is_torch_module(bare):
        return modules.as_net(bare)
    require("keras", "keras")
    from sktrainer.backends._keras_nets import KerasEstimator

    return KerasEstimator(bare)


def wrap_estimator(estimator: Any) -> Any:
    """Return the estimator to train: a wrapper if needed, otherwise the argument itself."""
    if is_raw_network(estimator):
        return wrap_network(estimator)
    if is_keras_wrapper(estimator):
        from sktrainer.backends._keras_wrappers import to_trainable

        return to_trainable(estimator)
    return estimator


def clone_network(estimator: Any) -> Any:
    """Clone an estimator or a network that the user passed.

    Copies of a network are pickled by content, so that all of them have the same hash. The
    pickling of Keras also consumes Python's global random state. `sklearn.clone` drops the
    `fit_kwargs` of keras.wrappers, so these wrappers are rebuilt from their parameters.
    """
    if isinstance(estimator, type):
        return estimator
    if is_keras_model(estimator):
        from sktrainer.backends import _keras_pickle

        return _keras_pickle.hash_stable_copy(estimator)
    if modules.is_torch_module(estimator):
        from sktrainer.backends import _torch_pickle

        return _torch_pickle.hash_stable_copy(estimator)
    if not is_keras_wrapper(estimator):
        return clone_estimator(estimator)
    from sktrainer.backends._keras_pickle import decode_networks, encode_networks

    params = encode_networks(estimator.get_params(deep=False))
    return type(estimator)(
        **decode_networks({k: clone_estimator(v) for k, v in params.items()})
    )


def is_builder(estimator: Any) -> bool:
    return inspect.isroutine(estimator) or isinstance(estimator, functools.partial)


def is_keras_wrapper(estimator: Any) -> bool:
    return not isinstance(estimator, type) and any(
        c.__name__ in _KERAS_WRAPPERS and root_package(c) in ("scikeras", "keras")
        for c in type(estimator).__mro__
    )


def root_package(kind: type) -> str:
    return kind.__module__.partition(".")[0]
