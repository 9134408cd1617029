"""Backend for scikit-learn, and models with its interface."""

from sktrainer.backends.support import BackendSpec

SPEC = BackendSpec(
    name="sklearn",
    packages=("sklearn",),
    address="sktrainer.backends.sklearn.backend:SklearnBackend",
)
