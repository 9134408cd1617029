"""Backend for CatBoost."""

from sktrainer.backends.support import BackendSpec

SPEC = BackendSpec(
    name="catboost",
    packages=("catboost",),
    address="sktrainer.backends.catboost.backend:CatBoostBackend",
    extra="catboost",
)
