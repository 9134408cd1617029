from math import inf

import pytest
from sklearn.metrics import balanced_accuracy_score as balanced_accuracy
from sklearn.metrics import get_scorer, get_scorer_names, make_scorer, matthews_corrcoef

from sktrainer.scoring.default_scorers import default_scorers
from sktrainer.scoring.score_ranges import score_range


def test_all_default_scores_have_a_range():
    for n_classes in (2, 3):
        ranges = {
            name: score_range(s)
            for name, s in default_scorers("classification", n_classes).items()
        }
        assert ranges.pop("log_loss") == (0, inf)
        assert set(ranges.values()) == {(0, 1)}
    ranges = {name: score_range(s) for name, s in default_scorers("regression", 0).items()}
    assert ranges == {"r2": (-inf, 1), "rmse": (0, inf), "mae": (0, inf)}


@pytest.mark.parametrize("name", [n for n in get_scorer_names() if n.startswith("neg_")])
def test_negated_errors_are_at_most_0(name):
    low, high = score_range(get_scorer(name))
    assert (low, high) in [(-inf, 0), (-inf, inf)]


def test_adjusted_and_unknown_scores_have_no_range():
    assert score_range(make_scorer(balanced_accuracy, adjusted=True)) == (-inf, inf)
    assert score_range(make_scorer(matthews_corrcoef)) == (-inf, inf)
    assert score_range(lambda estimator, X, y: 2.0) == (-inf, inf)
