"""Backend for XGBoost."""

from sktrainer.backends.support import BackendSpec

SPEC = BackendSpec(
    name="xgboost",
    packages=("xgboost",),
    address="sktrainer.backends.xgboost.backend:XGBoostBackend",
    extra="xgboost",
)
