"""Backend for LightGBM."""

from sktrainer.backends.spec import BackendSpec, NamedModel

SPEC = BackendSpec(
    name="lightgbm",
    packages=("lightgbm",),
    address="sktrainer.backends.lightgbm.backend:LightGBMBackend",
    extra="lightgbm",
    models=(
        NamedModel(
            "lightgbm",
            "lightgbm:LGBMClassifier",
            "lightgbm:LGBMRegressor",
            {"verbose": -1},
        ),
    ),
)
