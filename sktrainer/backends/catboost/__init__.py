"""Backend for CatBoost."""

from sktrainer.backends.spec import BackendSpec, NamedModel

SPEC = BackendSpec(
    name="catboost",
    packages=("catboost",),
    address="sktrainer.backends.catboost.backend:CatBoostBackend",
    extra="catboost",
    type_ids=(
        (
            "sktrainer/nested-catboost-classifier",
            "sktrainer.backends.catboost.nested.NestedCatBoostClassifier",
        ),
    ),
    models=(
        NamedModel(
            "catboost",
            "catboost:CatBoostClassifier",
            "catboost:CatBoostRegressor",
            {"verbose": False, "allow_writing_files": False},
        ),
    ),
)
