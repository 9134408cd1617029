"""Inputs of networks other than tables: dicts of arrays, and integers for embeddings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.helper import SliceDict

from sktrainer import ManagedTrainer, load
from sktrainer.exceptions import DataWarning, InputError, ParameterError
from sktrainer.testing import bit_identical
from tests.networks import ImageNet, SmallNet, TwoInputs, Words

N = 160
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(N, 3))
WORDS = RNG.integers(0, 20, size=(N, 7))
Y = np.where(NUMBERS[:, 0] + (WORDS[:, 0] > 9) > 0.5, "yes", "no")
X = {"numbers": NUMBERS, "words": WORDS}
SOME = np.arange(40)


def taken(inputs, rows):
    return {name: values[rows] for name, values in inputs.items()}


def trainer(module=TwoInputs, epochs=8, **parameters):
    options = {"task": "classification", "random_state": 0, "early_stopping": False}
    made = ManagedTrainer(module, **{**options, **parameters})
    return made.set_params(estimator__max_epochs=epochs, estimator__lr=0.01)


def test_dict_of_arrays_is_split_scored_and_predicted():
    fitted = trainer(epochs=40, test_size=0.25, early_stopping=True).fit(X, Y)

    split = fitted.split_
    assert [len(split.positions(name)) for name in ("train", "validation", "test")] == [
        104,
        16,
        40,
    ]
    assert fitted.scores_.loc["test", "accuracy"] > 0.6
    assert fitted.score(X, Y) > 0.7
    assert set(fitted.predict(X)) == {"yes", "no"}
    assert not hasattr(fitted, "n_features_in_")
    assert "numbers (3) + words (7)" in fitted.report_.full()


def test_dict_fit_is_reproducible_in_any_key_order():
    turned = {"words": WORDS, "numbers": NUMBERS}
    first = trainer().fit(X, Y).predict_proba(X)

    assert bit_identical(first, trainer().fit(turned, Y).predict_proba(turned))


def test_prediction_of_dict_row_does_not_depend_on_other_rows():
    fitted = trainer().fit(X, Y)
    alone = np.concatenate([fitted.predict_proba(taken(X, [i])) for i in range(5)])

    assert bit_identical(alone, fitted.predict_proba(X)[:5])


@pytest.mark.filterwarnings("ignore::sktrainer.ClassImbalanceWarning")  # caused by the noise
@pytest.mark.parametrize("part", ["test", "validation"])
def test_held_out_rows_of_dict_do_not_affect_fit(part):
    options = {"split": "random", "test_size": 0.2, "validation_size": 0.2}
    first = trainer(**options).fit(X, Y)
    held = getattr(first.split_, part)
    noise = {"numbers": NUMBERS.copy(), "words": WORDS.copy()}
    noise["numbers"][held], noise["words"][held] = 1e3, 0

    second = trainer(**options).fit(noise, Y)

    assert bit_identical(first.predict_proba(X), second.predict_proba(X))


def test_folds_of_dict_do_not_depend_on_n_jobs():
    one, two = (trainer(epochs=3, cv=2, n_jobs=jobs).fit(X, Y) for jobs in (1, 2))

    assert bit_identical(
        one.cv_results_["mean_test_accuracy"], two.cv_results_["mean_test_accuracy"]
    )
    assert bit_identical(one.predict_proba(X), two.predict_proba(X))


def test_grid_search_accepts_slice_dict():
    search = GridSearchCV(trainer(epochs=2), {"estimator__hidden": [2, 6]}, cv=2)
    search.fit(SliceDict(**X), Y)

    assert search.best_estimator_.predict(X).shape == (N,)


def test_weight_of_zero_excludes_row_of_dict():
    weight = (np.arange(N) % 4 > 0).astype(float)
    noise = {"numbers": NUMBERS.copy(), "words": WORDS.copy()}
    noise["numbers"][weight == 0] = 1e3

    weighted = trainer().fit(X, Y, sample_weight=weight)

    again = trainer().fit(noise, Y, sample_weight=weight)
    assert bit_identical(weighted.predict_proba(X), again.predict_proba(X))


@pytest.mark.parametrize("method", ["class_weight", "oversample", "undersample"])
def test_classes_of_dict_are_weighted_or_resampled(method):
    few = np.where(np.arange(N) < 20, "rare", "common")
    counts = trainer(handle_imbalance=method).fit(X, few).report_.imbalance["after"]

    assert counts["rare"] == counts["common"]


def test_validation_rows_of_dict_can_be_passed_and_refitted():
    fitted = trainer(early_stopping=True, refit=True)
    fitted.fit(X, Y, X_val=taken(X, SOME), y_val=Y[SOME])

    assert len(fitted.evals_result_["validation"]["loss"]) == fitted.n_iter_


def test_fitted_net_with_several_inputs_is_saved_and_loaded(tmp_path):
    fitted = trainer().fit(X, Y)
    restored = load(fitted.save(tmp_path / "net.joblib"), trusted=True)

    assert bit_identical(restored.predict_proba(X), fitted.predict_proba(X))
    with pytest.raises(InputError, match="missing: 'words'"):
        restored.predict({"numbers": NUMBERS})


def test_dict_accepts_frames_lists_tensors_and_boolean_masks():
    mask = WORDS > 4
    arrays = {**X, "mask": mask}
    others = {
        "numbers": pd.DataFrame(NUMBERS),
        "words": WORDS.tolist(),
        "mask": torch.from_numpy(mask),
    }
    fitted = trainer().fit(others, Y)

    assert bit_identical(
        fitted.predict_proba(others), trainer().fit(arrays, Y).predict_proba(arrays)
    )


def test_skorch_net_accepts_dict():
    net = NeuralNetClassifier(
        TwoInputs, criterion=torch.nn.CrossEntropyLoss, max_epochs=3, train_split=None
    )
    fitted = ManagedTrainer(net, random_state=0, early_stopping=False).fit(X, Y)

    assert fitted.predict_proba(X).shape == (N, 2)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({}, "got an empty dict"),
        ({"numbers": NUMBERS, "words": WORDS[:9]}, "'numbers' has 160, 'words' has 9"),
        ({"numbers": NUMBERS, "words": WORDS.astype(str)}, "array of numbers"),
        ({"numbers": NUMBERS, "words": [[1], [1, 2]]}, "pad its rows"),
        ({"numbers": NUMBERS, 2: WORDS}, "must be names"),
        ({"numbers": NUMBERS, "words": 3}, "a single value"),
    ],
)
def test_invalid_dict_raises(wrong, message):
    with pytest.raises(InputError, match=message):
        trainer().fit(wrong, Y)


def test_keys_must_match_parameters_of_forward():
    with pytest.raises(ParameterError, match="it accepts numbers, words, mask"):
        trainer().fit({"numbers": NUMBERS, "wrods": WORDS}, Y)


def test_rows_to_predict_must_have_keys_of_fit():
    fitted = trainer(epochs=1).fit(X, Y)
    with pytest.raises(InputError, match="missing: 'words'; not in fit: 'wrods'"):
        fitted.predict({"numbers": NUMBERS, "wrods": WORDS})
    with pytest.raises(InputError, match="must be a dict of arrays with the keys"):
        fitted.predict(NUMBERS)
    with pytest.raises(InputError, match="the same number of rows"):
        fitted.predict({"numbers": NUMBERS, "words": WORDS[:3]})


@pytest.mark.parametrize("preprocessor", ["auto", None])
def test_only_networks_accept_dict(preprocessor):
    model = LogisticRegression()
    with pytest.raises(InputError, match="only networks support"):
        ManagedTrainer(model, preprocessor=preprocessor).fit(X, Y)
    with pytest.raises(InputError, match="expected a table or an array as in fit"):
        ManagedTrainer(model, preprocessor=preprocessor).fit(NUMBERS, Y).predict(X)


def test_smote_rejects_dict():
    with pytest.raises(InputError, match="SMOTE does not support a dict of arrays"):
        trainer(handle_imbalance="smote").fit(X, Y)


@pytest.mark.parametrize("shape", [(7,), (7, 1)])
def test_integers_reach_embedding(shape):
    words = WORDS.reshape(N, *shape)
    fitted = trainer(Words, epochs=60, preprocessor=None if len(shape) == 1 else "auto")
    fitted.fit(words, Y)

    assert fitted.score(words, Y) > 0.7
    assert fitted.model_.module_.head.in_features == 28
    assert bit_identical(fitted.predict_proba(words[:1]), fitted.predict_proba(words)[:1])


@pytest.mark.parametrize("value", [20, -1])
def test_invalid_embedding_indices_raise_before_training(value):
    words = WORDS.copy()
    words[N // 2, 3] = value
    with pytest.raises(InputError, match=r"size 20 .* 0 to 19, got X with values from"):
        trainer(Words, preprocessor=None).fit(words, Y)
    with pytest.raises(InputError, match=r"got X\['words'\] with values from"):
        trainer().fit({"numbers": NUMBERS, "words": words}, Y)
    held_out = {"X_val": {"numbers": NUMBERS, "words": words}, "y_val": Y}
    with pytest.raises(InputError, match=r"got X\['words'\] with values from"):
        trainer(early_stopping=True).fit(X, Y, **held_out)


def test_error_of_module_suggests_fix_for_integers():
    with pytest.raises(ParameterError, match=r"Words .*float32.*preprocessor=None"):
        trainer(Words).fit(WORDS, Y)
    with pytest.raises(ParameterError, match="greater than the largest index"):
        trainer(Words, preprocessor=None).fit(WORDS + 100, Y)
    with pytest.raises(ParameterError, match=r"int64.*astype\('float32'\)"):
        trainer(SmallNet, preprocessor=None).fit(WORDS, Y)
    assert trainer(SmallNet, epochs=1).fit(WORDS, Y).predict(WORDS).shape == (N,)


def test_tensors_and_lists_are_converted_to_arrays():
    images = RNG.normal(size=(N, 8, 8))
    in_single = images.astype(np.float32)
    fitted = trainer(ImageNet, epochs=1).fit(in_single, Y)
    for rows, labels in ((torch.tensor(in_single), Y.tolist()), (images.tolist(), Y)):
        again = trainer(ImageNet, epochs=1).fit(rows, labels)
        assert bit_identical(again.predict_proba(rows), fitted.predict_proba(in_single))
        assert again.score(rows, labels) == fitted.score(in_single, Y)
    numbers = torch.tensor(NUMBERS)
    logistic = ManagedTrainer(LogisticRegression(), random_state=0).fit(numbers, Y)
    assert bit_identical(logistic.predict_proba(numbers), logistic.predict_proba(NUMBERS))


@pytest.mark.parametrize(
    "rows", [[[[1.0], [2.0, 3.0]]] * N, torch.zeros((N, 2, 3), requires_grad=True)]
)
def test_rows_that_cannot_be_converted_to_array_raise(rows):
    with pytest.raises(InputError, match=r"cannot be converted to an array: .*NumPy array"):
        trainer(ImageNet).fit(rows, Y)


@pytest.mark.filterwarnings("ignore::sktrainer.exceptions.DivergenceWarning")
@pytest.mark.parametrize("hole", [np.nan, -np.inf])
def test_missing_values_that_reach_network_warn(hole):
    numbers = NUMBERS.copy()
    numbers[3, 1] = hole
    options = {"epochs": 1, "preprocessor": None, "scoring": "accuracy"}
    with pytest.warns(DataWarning, match="in the training rows: 1 of 480; they reach the"):
        trainer(SmallNet, **options).fit(numbers, Y)
    with pytest.warns(DataWarning, match="in the training rows: 1 of 480; they reach the"):
        trainer(SmallNet, **options).fit(pd.DataFrame(numbers), Y)
    with pytest.warns(DataWarning, match=r"in the training rows of X\['numbers'\]: 1 of 480"):
        trainer(epochs=1, scoring="accuracy").fit({"numbers": numbers, "words": WORDS}, Y)


class TwoNumbers(torch.nn.Linear):
    """Network with a fixed number of outputs."""

    def __init__(self, n_numbers=2):
        super().__init__(3, n_numbers)


@pytest.mark.parametrize(
    "net",
    [TwoNumbers, TwoNumbers(), NeuralNetRegressor(TwoNumbers, max_epochs=8, lr=0.01)],
    ids=["class", "instance", "skorch"],
)
def test_network_with_fixed_outputs_needs_matching_targets(net):
    targets = NUMBERS[:, :2] @ np.array([[3.0, 0.0], [1.0, 2.0]])
    fitted = ManagedTrainer(net, task="regression", early_stopping=False, random_state=0)
    fitted.set_params(estimator__max_epochs=100, estimator__lr=0.1).fit(NUMBERS, targets)

    assert fitted.predict(NUMBERS).shape == (N, 2)
    assert fitted.score(NUMBERS, targets) > 0.99
    with pytest.raises(ParameterError, match=r"\(n_samples, 1\), .* for one target column"):
        clone(fitted).fit(NUMBERS, targets[:, 0])
    with pytest.raises(ParameterError, match=r"\(n_samples, 3\), .* for 3 target columns"):
        clone(fitted).fit(NUMBERS, NUMBERS)
    chunked = clone(fitted).partial_fit(NUMBERS, targets).partial_fit(NUMBERS, targets)
    assert chunked.predict(NUMBERS).shape == (N, 2)
