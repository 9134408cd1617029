"""Column parameters refer to the original columns for every encoding."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from catboost import CatBoostRegressor
from imblearn.over_sampling import SMOTENC
from lightgbm import LGBMRegressor
from scipy import sparse
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.decomposition import PCA
from sklearn.ensemble import (
    AdaBoostRegressor,
    HistGradientBoostingRegressor,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler
from xgboost import XGBRegressor

from sktrainer import FitError, InputError, ManagedTrainer, ParameterError
from sktrainer.preprocessing.table_encoder import TableEncoder
from sktrainer.testing import bit_identical

N = 400
RNG = np.random.default_rng(0)
X = pd.DataFrame(
    {
        "always": 1.0,  # dropped
        "day": pd.date_range("2020", periods=N),  # encoded as several columns
        "kind": RNG.choice(["u", "v", "w"], N),
        "rising": RNG.normal(size=N),
        "free": RNG.normal(size=N),
    }
)
Y = np.sin(3 * X["rising"]) + X["rising"] + X["free"] ** 2 + RNG.normal(0, 0.1, N)
NAMED, BY_POSITION = {"rising": 1}, (0, 0, 0, 1, 0)

MODELS = {
    "xgboost": (XGBRegressor(n_estimators=40), "monotone_constraints", tuple),
    "lightgbm": (LGBMRegressor(n_estimators=40), "monotone_constraints", list),
    "lightgbm alias": (LGBMRegressor(n_estimators=40), "mc", list),
    "catboost": (CatBoostRegressor(iterations=40), "monotone_constraints", list),
    "histogram": (HistGradientBoostingRegressor(max_iter=40), "monotonic_cst", list),
    "forest": (RandomForestRegressor(20), "monotonic_cst", list),
}


def fitted(model, table=X, **parameters):
    options = {"random_state": 0, "early_stopping": False, **parameters}
    return ManagedTrainer(model, **options).fit(table, Y)


def steps_of(trainer, table=X):
    """Return the changes of the predictions when only `rising` increases."""
    grid = np.linspace(-2, 2, 21)
    predicted = [trainer.predict(table[:40].assign(rising=value)) for value in grid]
    return np.diff(np.array(predicted), axis=0)


def constrained(name, value):
    model, parameter, form = MODELS[name]
    value = value if isinstance(value, dict) else form(value)
    return type(model)(**{**model.get_params(), parameter: value})


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("encoding", ["auto", "onehot"])
def test_constraint_refers_to_the_original_column(name, encoding):
    options = {"categorical_encoding": encoding}
    free = steps_of(fitted(MODELS[name][0], **options))
    assert (free < -1e-3).any()

    by_name = fitted(constrained(name, NAMED), **options)
    assert (steps_of(by_name) >= -1e-9).all()
    assert (steps_of(by_name) > 1e-3).any()
    by_position = fitted(constrained(name, BY_POSITION), **options)
    assert bit_identical(by_position.predict(X), by_name.predict(X))
    assert by_name.estimator.get_params()[MODELS[name][1]] == NAMED


@pytest.mark.parametrize("name", ["xgboost", "histogram"])
def test_missing_indicators_and_arrays_do_not_shift_constraints(name):
    table = X.assign(free=X["free"].mask(RNG.random(N) < 0.1), always=np.nan)
    numbers = table[["always", "rising", "free"]]
    trainer = fitted(constrained(name, NAMED), numbers, scaling=True)
    assert (steps_of(trainer, numbers) >= -1e-9).all()
    array = fitted(constrained(name, {1: 1}), numbers.to_numpy(), scaling=True)
    assert bit_identical(array.predict(numbers.to_numpy()), trainer.predict(numbers))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"risng": 1}, r"'risng' is not a column of X. Did you mean 'rising'\?"),
        ({9: 1}, "9 is not a column of X"),
        ({"day": 1}, r"column 'day' is encoded as \d columns \(day_.*requires one numeric"),
        ({"kind": 1}, "'kind' is encoded as category codes, but a constraint requires one"),
        ((1, 0), "one value for each of the 5 columns of X, got 2. Or use column names"),
    ],
)
def test_invalid_constraint_raises_one_error(value, message):
    model = XGBRegressor(monotone_constraints=value)
    with pytest.raises(ParameterError, match=message):
        fitted(model)
    with pytest.raises(FitError, match=f"all 3 folds failed:\nevery fold: .*{message}"):
        fitted(model, cv=3)


@pytest.mark.parametrize(
    "models",
    [
        [
            XGBRegressor(n_estimators=20, interaction_constraints=groups)
            for groups in ([["rising", "kind"], ["free", "day"]], "[[3, 2], [4, 1]]")
        ],
        [
            LGBMRegressor(n_estimators=20, interaction_constraints=groups)
            for groups in ([["rising", "kind"], ["free", "day"]], [[3, 2], [4, 1]])
        ],
        [
            HistGradientBoostingRegressor(max_iter=20, interaction_cst=[{3, 2}, {4, 1}, {0}]),
            HistGradientBoostingRegressor(max_iter=20, interaction_cst=[[3, 2], [4, 1]]),
        ],
    ],
    ids=["xgboost", "lightgbm", "histogram"],
)
def test_columns_only_interact_within_their_groups(models):
    trainers = [fitted(model) for model in models]
    assert bit_identical(trainers[0].predict(X), trainers[1].predict(X))
    # The effect of `rising` does not depend on the values of the other group.
    low, high = (trainers[0].predict(X.assign(rising=value)) for value in (-1.0, 1.0))
    for kind in X["kind"].unique():
        assert np.ptp((high - low)[X["kind"] == kind]) < 1e-4


def test_keywords_of_the_library_are_kept():
    model = HistGradientBoostingRegressor(max_iter=20, interaction_cst="no_interactions")
    assert fitted(model).model_.interaction_cst == "no_interactions"


def test_weights_and_column_lists_apply_to_encoded_columns():
    ignoring = fitted(CatBoostRegressor(iterations=20, ignored_features=["rising"]))
    assert np.abs(steps_of(ignoring)).max() == 0
    weights = {"rising": 0.0, "day": 3.0}
    weighted = fitted(
        XGBRegressor(n_estimators=5, colsample_bynode=0.5, feature_weights=weights)
    )
    names = weighted.pipeline_[0].get_feature_names_out()
    expected = [{"rising": 0.0, "day": 3.0}.get(n.partition("_")[0], 1.0) for n in names]
    assert list(weighted.model_.feature_weights) == expected
    assert np.abs(steps_of(weighted)).max() == 0


def test_text_features_are_refused_for_encoded_columns():
    with pytest.raises(ParameterError, match=r"text_features=\['kind'\] requires unencoded"):
        fitted(CatBoostRegressor(iterations=5, text_features=["kind"]))


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            CatBoostRegressor(iterations=5, cat_features=["kind", "free"]),
            "lists 'free', but categorical",
        ),
        (CatBoostRegressor(iterations=5, cat_features=["day"]), "lists 'day', but"),
        (HistGradientBoostingRegressor(categorical_features=[4]), r"X.astype\(\{'free': 'cat"),
        (HistGradientBoostingRegressor(categorical_features=[False] * 4 + [True]), "'free'"),
        (LGBMRegressor(categorical_feature=[2]), r"categorical_feature=\[2\] is set, but"),
        (XGBRegressor(feature_types=["q"] * 5), "feature_types=.* is set, but categorical"),
    ],
    ids=["catboost", "dates", "histogram", "mask", "lightgbm", "xgboost"],
)
def test_categorical_columns_follow_from_dtypes(model, message):
    with pytest.raises(ParameterError, match=message):
        fitted(model)


@pytest.mark.parametrize(
    ("plain", "listed"),
    [
        (CatBoostRegressor(iterations=20), {"cat_features": ["kind"]}),
        (HistGradientBoostingRegressor(max_iter=20), {"categorical_features": [2]}),
    ],
    ids=["catboost", "histogram"],
)
@pytest.mark.parametrize("encoding", ["auto", "onehot"])
def test_listing_detected_categorical_columns_changes_nothing(plain, listed, encoding):
    named = type(plain)(**{**plain.get_params(), **listed})
    trainers = [fitted(model, categorical_encoding=encoding) for model in (plain, named)]
    assert bit_identical(trainers[0].predict(X), trainers[1].predict(X))


@pytest.mark.parametrize(
    "wrap",
    [
        lambda model: TransformedTargetRegressor(model, transformer=StandardScaler()),
        lambda model: AdaBoostRegressor(model, n_estimators=3),
        lambda model: VotingRegressor([("one", model), ("other", model)]),
    ],
    ids=["transformed target", "AdaBoost", "vote"],
)
@pytest.mark.parametrize("name", ["xgboost", "forest"])
def test_nested_model_is_constrained(wrap, name):
    assert (steps_of(fitted(wrap(MODELS[name][0]))) < -1e-3).any()
    assert (steps_of(fitted(wrap(constrained(name, NAMED)))) >= -1e-6).all()


def test_nested_pipeline_keeps_its_own_column_positions():
    numbers = X[["rising", "free"]]
    inner = make_pipeline(PolynomialFeatures(2, include_bias=False), constrained("xgboost", {}))
    inner.set_params(xgbregressor__monotone_constraints=(1, 0, 0, 0, 0))
    model = TransformedTargetRegressor(inner, transformer=StandardScaler())
    trainer = fitted(model, numbers)
    assert trainer.model_.regressor_[-1].monotone_constraints == (1, 0, 0, 0, 0)


def test_positions_after_user_steps_refer_to_their_output():
    numbers = X[["rising", "free"]]
    model = XGBRegressor(n_estimators=20, monotone_constraints=(1, 0))
    trainer = fitted(make_pipeline(StandardScaler(), model), numbers)
    assert trainer.model_.monotone_constraints == (1, 0)
    assert (steps_of(trainer, numbers) >= -1e-9).all()


@pytest.mark.parametrize("kind", ["table", "matrix", "sparse", "as it is"])
def test_every_output_column_has_its_source(kind):
    numbers = X[["always", "rising", "free"]].mask(RNG.random((N, 3)) < 0.1)
    table = {
        "table": X,
        "matrix": numbers.to_numpy(),
        "sparse": sparse.csr_matrix(numbers.to_numpy()),
        "as it is": X[["rising", "free"]].to_numpy(),
    }[kind]
    encoder = TableEncoder(scale=kind != "as it is").fit(table)
    names = encoder.get_feature_names_out()
    inputs = list(X) if kind == "table" else [f"x{at}" for at in range(table.shape[1])]
    sources = (*encoder.sources_.values, *encoder.sources_.missing_indicators)
    assert len(encoder.sources_) == len(names)
    for name, source in zip(names, sources, strict=True):
        assert name.partition("_")[0] == inputs[source]
    marked = [name.endswith("_missing") for name in names]
    if kind != "table":  # a category may have its own level for missing values
        assert sum(marked) == len(encoder.sources_.missing_indicators)
        assert not any(marked[: len(encoder.sources_.values)])


def test_error_for_wrong_length_suggests_column_names():
    with pytest.raises(InputError, match=r"Or use column names, as in \{'always': 1\}"):
        fitted(LGBMRegressor(monotone_constraints=[1] * 9))


@pytest.mark.filterwarnings("ignore::UserWarning:lightgbm")  # about the parameter itself
def test_auto_categorical_feature_is_accepted():
    fitted(LGBMRegressor(n_estimators=3, categorical_feature="auto"))
    model = VotingRegressor([("one", CatBoostRegressor(iterations=3, cat_features=["free"]))])
    with pytest.raises(ParameterError, match="lists 'free', but categorical"):
        fitted(model)


def own_steps(output):
    city = OneHotEncoder(sparse_output=False)
    return ColumnTransformer(
        [("city", city, ["kind"]), ("rest", "passthrough", ["rising"])],
        verbose_feature_names_out=False,
    ).set_output(transform=output)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("output", ["default", "pandas"])
def test_constraint_refers_to_the_original_column_after_own_steps(name, output):
    table = X[["rising", "kind"]]
    by_name = fitted(make_pipeline(own_steps(output), constrained(name, NAMED)), table)
    assert (steps_of(by_name, table) >= -1e-9).all()
    value = MODELS[name][2]((1, 0))
    by_position = fitted(make_pipeline(own_steps(output), constrained(name, value)), table)
    assert bit_identical(by_position.predict(table), by_name.predict(table))


@pytest.mark.parametrize("name", MODELS)
def test_constraint_by_name_needs_no_preprocessor(name):
    table = X[["free", "rising"]]
    trainer = fitted(constrained(name, NAMED), table, preprocessor=None)
    assert (steps_of(trainer, table) >= -1e-9).all()


@pytest.mark.parametrize(
    ("steps", "names", "complaint"),
    [
        (PolynomialFeatures(), {"rising": 1}, "'rising' cannot be followed"),
        (PCA(2), {"free": 1}, "'free' cannot be followed"),
        (own_steps("default"), {"kind": 1}, "'kind' is encoded as 3 columns"),
        (StandardScaler(), {"falling": 1}, "'falling' is not a column of X"),
        (own_steps("default"), (0, 0, 0, 1), "one value for each of the 2 columns of X, got 4"),
    ],
)
def test_constraint_that_cannot_be_translated_is_refused(steps, names, complaint):
    table = X[["rising", "kind" if isinstance(steps, ColumnTransformer) else "free"]]
    model = XGBRegressor(n_estimators=5, monotone_constraints=names)
    with pytest.raises(ParameterError, match=complaint):
        fitted(make_pipeline(steps, model), table)


GRADES = pd.DataFrame(
    {
        "date": pd.date_range("2020", periods=200),
        "grade": RNG.integers(0, 4, 200),
        "kind": pd.Categorical(RNG.choice(["u", "v"], 200)),
        "number": RNG.normal(size=200),
        "city": RNG.choice(["x", "y", "z"], 200),
    }
)
RARE = (np.arange(200) < 20).astype(int)


def resampled(columns, table=GRADES, preprocessor="auto", **parameters):
    """Return the trainer, and the columns of the synthetic rows by name."""
    sampler = SMOTENC(categorical_features=columns, random_state=0)
    options = {"scaling": False, "random_state": 0, "preprocessor": preprocessor, **parameters}
    trainer = ManagedTrainer(KNeighborsClassifier(1), handle_imbalance=sampler, **options)
    trainer.fit(table, RARE)
    names = trainer.pipeline_[0].get_feature_names_out()
    return pd.DataFrame(trainer.model_._fit_X[200:], columns=names)


@pytest.mark.parametrize(
    "columns", [["grade"], [1], [False, True, False, False, False], ["grade", "kind"]]
)
def test_sampler_columns_refer_to_the_original_columns(columns):
    new = resampled(columns)
    assert len(new) == 160
    assert set(new["grade"]) <= {0, 1, 2, 3}
    assert (new["number"] % 1 != 0).all()


def test_auto_columns_of_a_sampler_are_the_categories():
    new = resampled("auto", GRADES.drop(columns="city"))
    assert set(new["kind_v"]) == {0, 1}
    assert (new["grade"] % 1 != 0).any()


def test_sampler_columns_are_followed_through_own_steps():
    rest = ColumnTransformer(
        [("n", StandardScaler(), ["number"]), ("g", "passthrough", ["grade"])],
        verbose_feature_names_out=False,
    )
    new = resampled(["grade"], preprocessor=rest)
    assert list(new) == ["number", "grade"] and set(new["grade"]) <= {0, 1, 2, 3}


def test_sampler_column_that_is_encoded_as_several_is_refused():
    with pytest.raises(ParameterError, match="'city' is encoded as 3 columns"):
        resampled(["city"])
    assert len(resampled(["city"], categorical_encoding="ordinal")) == 160
