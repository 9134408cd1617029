"""Backend for XGBoost."""

from sktrainer.backends.spec import BackendSpec, NamedModel

SPEC = BackendSpec(
    name="xgboost",
    packages=("xgboost",),
    address="sktrainer.backends.xgboost.backend:XGBoostBackend",
    extra="xgboost",
    models=(
        NamedModel(
            "xgboost",
            "xgboost:XGBClassifier",
            "xgboost:XGBRegressor",
        ),
    ),
)
