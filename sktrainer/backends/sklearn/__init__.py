"""Backend for scikit-learn, and models with its interface."""

from sktrainer.backends.spec import BackendSpec, NamedModel

SPEC = BackendSpec(
    name="sklearn",
    packages=("sklearn",),
    address="sktrainer.backends.sklearn.backend:SklearnBackend",
    models=(
        NamedModel(
            "hgb",
            "sklearn.ensemble:HistGradientBoostingClassifier",
            "sklearn.ensemble:HistGradientBoostingRegressor",
        ),
        NamedModel(
            "forest",
            "sklearn.ensemble:RandomForestClassifier",
            "sklearn.ensemble:RandomForestRegressor",
        ),
        NamedModel(
            "linear",
            "sklearn.linear_model:LogisticRegression",
            "sklearn.linear_model:Ridge",
        ),
        NamedModel(
            "sgd",
            "sklearn.linear_model:SGDClassifier",
            "sklearn.linear_model:SGDRegressor",
        ),
        NamedModel(
            "mlp",
            "sklearn.neural_network:MLPClassifier",
            "sklearn.neural_network:MLPRegressor",
        ),
    ),
)
