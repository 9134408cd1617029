"""Tests of the parameters that all boosting backends treat alike."""

from __future__ import annotations

import pytest

from sktrainer.backends._boosting.parameters import refuse_unsupported
from sktrainer.exceptions import ParameterError

catboost = pytest.importorskip("catboost")
lightgbm = pytest.importorskip("lightgbm")
xgboost = pytest.importorskip("xgboost")


@pytest.mark.parametrize(
    ("base", "wrapper"),
    [
        (xgboost.XGBRegressor, "XGBModel"),
        (lightgbm.LGBMRegressor, "LGBMModel"),
        (catboost.CatBoostRegressor, "CatBoost"),
    ],
)
@pytest.mark.parametrize("name", ["PriceRanker", "DaskRegressor"])
def test_names_of_user_defined_subclasses_do_not_matter(base, wrapper, name):
    refuse_unsupported(type(name, (base,), {})(), wrapper)


@pytest.mark.parametrize(
    ("base", "wrapper"),
    [
        (xgboost.XGBRanker, "XGBModel"),
        (lightgbm.LGBMRanker, "LGBMModel"),
        (catboost.CatBoostRanker, "CatBoost"),
    ],
)
def test_subclasses_of_rankers_are_refused(base, wrapper):
    with pytest.raises(ParameterError, match="the ranker Prices; rankers need query groups"):
        refuse_unsupported(type("Prices", (base,), {})(), wrapper)


def test_message_for_a_dask_estimator_names_the_one_without_dask():
    # Stands for the library's class, whose module cannot be imported without Dask.
    attributes = {"__module__": "xgboost.dask"}
    dask = type("DaskXGBClassifier", (xgboost.XGBModel,), attributes)
    for model_class in (dask, type("OwnClassifier", (dask,), {})):
        with pytest.raises(ParameterError, match="use XGBClassifier or a subclass of it"):
            refuse_unsupported(model_class(), "XGBModel")
