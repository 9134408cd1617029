"""Tests of the torch backend beyond the contract of all backends."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.model_selection import GridSearchCV
from skorch import NeuralNetClassifier, NeuralNetRegressor
from skorch.callbacks import Callback, EpochScoring, LRScheduler
from skorch.dataset import Dataset
from threadpoolctl import threadpool_limits

from sktrainer import DataWarning, ManagedTrainer
from sktrainer.exceptions import ParameterError
from sktrainer.testing import bit_identical, mixed_table
from tests.networks import ImageNet, ProbabilityNet, SmallNet, five_logits, line

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3)).astype(np.float32)
Y = (X @ [1.0, -2.0, 0.5] + RNG.normal(0, 0.1, 120)).astype(np.float32)


def plain(net, **parameters):
    """Return a trainer without preprocessing and without held-out rows."""
    options = {"preprocessor": None, "early_stopping": False, "random_state": 0}
    return ManagedTrainer(net, **{**options, **parameters})


def regressor(**parameters):
    options = {"module": line(3), "lr": 0.05, "max_epochs": 5, "batch_size": 32}
    return NeuralNetRegressor(**{**options, **parameters})


class EndsAfter(Callback):
    """Callback that ends the training as skorch's own EarlyStopping does."""

    def __init__(self, n_epochs=3):
        self.n_epochs = n_epochs

    def on_epoch_end(self, net, **kwargs):
        if len(net.history) >= self.n_epochs:
            raise KeyboardInterrupt


class Interrupted(torch.nn.Linear):
    """Layer that raises KeyboardInterrupt during training, as Ctrl-C does."""

    def forward(self, X):
        if self.training:
            raise KeyboardInterrupt
        return super().forward(X)


class WithoutAnAxis(SmallNet):
    """Network with one output per row and without an axis for outputs."""

    def forward(self, X):
        return super().forward(X).squeeze(-1)


class TwoEach(Dataset):
    """User-defined dataset."""


@pytest.mark.parametrize("dataset", [Dataset, TwoEach])
def test_training_matches_skorch_fit(dataset):
    own = regressor(train_split=None, verbose=0).fit(X, Y[:, None])
    ours = plain(regressor(dataset=dataset)).fit(X, Y).model_

    np.testing.assert_allclose(
        ours.history[:, "train_loss"], own.history[:, "train_loss"], rtol=1e-5
    )
    np.testing.assert_allclose(ours.predict(X), own.predict(X)[:, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("wrap", [lambda module: module, NeuralNetRegressor])
def test_output_without_axis_equals_output_column(wrap):
    weight = np.arange(1.0, 121.0)
    of_column, of_row = (
        plain(wrap(module), task="regression", early_stopping=True, validation_size=0.2)
        .set_params(estimator__max_epochs=4)
        .fit(X, Y, sample_weight=weight)
        for module in (SmallNet, WithoutAnAxis)
    )
    assert of_row.predict(X).shape == (120,)
    np.testing.assert_allclose(of_row.predict(X), of_column.predict(X), rtol=1e-5, atol=1e-6)
    assert bit_identical(
        pickle.loads(pickle.dumps(of_row)).predict(X[:1]), of_row.predict(X)[:1]
    )


def test_weight_of_two_equals_repeated_row():
    weight = np.where(np.arange(len(Y)) % 3 == 0, 2.0, 1.0)
    twice = np.repeat(np.arange(len(Y)), weight.astype(int))
    net = regressor(batch_size=-1, max_epochs=20)

    weighted = plain(net).fit(X, Y, sample_weight=weight)
    repeated = plain(net).fit(X[twice], Y[twice])

    np.testing.assert_allclose(weighted.predict(X), repeated.predict(X), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        weighted.evals_result_["train"]["loss"],
        repeated.evals_result_["train"]["loss"],
        rtol=1e-4,
    )
    assert not bit_identical(weighted.predict(X), plain(net).fit(X, Y).predict(X))


def test_class_weights_reach_loss():
    rows, labels = make_classification(400, weights=[0.9], random_state=0)
    options = {"task": "classification", "n_iter_no_change": 5, "random_state": 0}
    weighted = ManagedTrainer(SmallNet, handle_imbalance="class_weight", **options)
    plainly = ManagedTrainer(SmallNet, **options)

    assert (weighted.fit(rows, labels).predict(rows) == 1).sum() > (
        plainly.fit(rows, labels).predict(rows) == 1
    ).sum()


def test_net_with_own_dataset_rejects_sample_weights():
    with pytest.raises(ParameterError, match="does not support sample weights"):
        plain(regressor(dataset=TwoEach)).fit(X, Y, sample_weight=np.ones(len(Y)))


def test_schedules_continue_between_epochs_and_restart_in_each_fit():
    schedule = LRScheduler("StepLR", step_size=1, gamma=0.5)
    trainer = plain(regressor(callbacks=[schedule], max_epochs=4))

    for _ in range(2):
        rates = trainer.fit(X, Y).model_.history[:, "event_lr"]
        assert rates == [0.05, 0.025, 0.0125, 0.00625]
    assert not hasattr(schedule, "lr_scheduler_")


def test_user_defined_scores_see_validation_rows():
    net = regressor(callbacks=[EpochScoring("r2", name="r2", lower_is_better=False)])
    trainer = plain(net, early_stopping="auto").fit(X, Y, sample_weight=np.full(len(Y), 2.0))

    assert len(trainer.split_.validation) == 12
    assert len(trainer.model_.history[:, "r2"]) == trainer.n_iter_


@pytest.mark.parametrize("use_caching", [True, False])
def test_user_defined_scores_work_with_and_without_caching(use_caching):
    scored = EpochScoring("r2", name="r2", lower_is_better=False, use_caching=use_caching)
    trainer = plain(regressor(callbacks=[scored]), early_stopping=True).fit(X, Y)

    assert np.isfinite(trainer.model_.history[:, "r2"]).all()


def test_callback_can_end_training_and_ctrl_c_raises():
    ended = plain(regressor(callbacks=[EndsAfter(3)])).fit(X, Y)
    assert (ended.n_iter_, ended.stop_reason_) == (3, "converged")

    with pytest.raises(KeyboardInterrupt):
        plain(regressor(module=Interrupted, module__in_features=3, module__out_features=1)).fit(
            X, Y
        )


def test_best_epoch_is_restored():
    net = regressor(lr=0.4, max_epochs=30, optimizer__momentum=0.95)
    trainer = plain(net, early_stopping=True, n_iter_no_change=4).fit(X, Y)

    assert trainer.stop_reason_ == "early_stopping"
    assert trainer.n_iter_ == trainer.best_iteration_ + 4
    best = trainer.evals_result_["validation"]["loss"][trainer.best_iteration_ - 1]
    assert trainer.scores_.loc["validation", "rmse"] ** 2 == pytest.approx(best, rel=1e-4)


def test_scorer_can_be_monitored():
    trainer = ManagedTrainer(
        SmallNet, eval_metric="roc_auc_ovr", n_iter_no_change=5, random_state=0
    ).fit(*load_iris(return_X_y=True))

    watched = trainer.evals_result_["validation"]["roc_auc_ovr"]
    assert int(np.argmax(watched)) + 1 == trainer.best_iteration_


def test_refit_trains_for_best_number_of_epochs():
    trainer = plain(regressor(), early_stopping=True, refit=True).fit(X, Y)
    assert len(trainer.model_.history) == trainer.best_iteration_


@pytest.mark.parametrize("module", [SmallNet, five_logits()], ids=["class", "instance"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_modules_learn_string_labels_from_mixed_table(module, n_classes):
    table, labels = mixed_table(300, "classification", n_classes=n_classes)
    trainer = ManagedTrainer(module, test_size=0.2, random_state=0).fit(table, labels)

    assert trainer.scores_.loc["train", "accuracy"] > 0.75
    assert trainer.predict_proba(table).shape == (300, n_classes)


@pytest.mark.parametrize("n_outputs", [1, 2])
def test_modules_learn_regression(n_outputs):
    y = np.column_stack([Y, -Y])[:, :n_outputs].squeeze()
    trainer = ManagedTrainer(SmallNet, random_state=0).set_params(estimator__lr=0.02)

    assert trainer.fit(X, y).predict(X).shape == y.shape
    assert trainer.score(X, y) > 0.9
    assert not hasattr(trainer, "predict_proba")


def test_images_reach_network_unchanged():
    images, digits = load_digits(return_X_y=True)
    images = images[:600].reshape(-1, 8, 8)
    trainer = ManagedTrainer(ImageNet, task="classification", random_state=0, test_size=0.2)
    trainer.set_params(estimator__lr=0.01, estimator__max_epochs=10)

    trainer.fit(images, digits[:600])

    assert trainer.scores_.loc["test", "accuracy"] > 0.85
    assert [name for name, _ in trainer.pipeline_.steps] == ["model"]
    assert bit_identical(trainer.predict(images[:1]), trainer.predict(images)[:1])


def test_instance_keeps_its_state_and_trained_instance_warns():
    module = line(3)
    before = module.weight.detach().clone()
    trainer = plain(module).set_params(estimator__max_epochs=3).fit(X, Y)
    assert torch.equal(module.weight, before)
    assert torch.equal(clone(trainer.model_).module.weight, before)

    module(torch.from_numpy(X)).sum().backward()
    with pytest.warns(DataWarning, match="already trained"):
        trained = ManagedTrainer(module, random_state=0).fit(X, Y)
    assert any("already trained" in note for note in trained.report_.notes)


def test_parameters_of_class_are_parameters_of_its_net():
    trainer = ManagedTrainer(SmallNet)
    assert trainer.get_params()["estimator__module__hidden"] == 8
    assert trainer.get_params()["estimator__lr"] == 0.001
    assert clone(trainer).estimator is SmallNet

    trainer.set_params(estimator__hidden=4, estimator__lr=0.1)
    assert trainer.get_params()["estimator__module__hidden"] == 4
    assert clone(trainer).estimator.get_params()["lr"] == 0.1
    assert pickle.loads(pickle.dumps(trainer)).estimator.module is SmallNet
    with pytest.raises(ValueError, match="hiden"):
        trainer.set_params(estimator__hiden=4)


def test_grid_search_sets_module_and_net_in_two_processes():
    table, labels = mixed_table(160, "classification")
    grid = {"estimator__module__hidden": [2, 6], "estimator__lr": [0.01]}
    trainer = ManagedTrainer(SmallNet, random_state=0, n_iter_no_change=3)

    search = GridSearchCV(trainer, grid, cv=2, n_jobs=2).fit(table, labels)

    hidden = search.best_params_["estimator__module__hidden"]
    assert search.best_estimator_.model_.module_.layers[0].out_features == hidden


def test_prediction_of_row_does_not_depend_on_other_rows():
    rows, labels = load_iris(return_X_y=True)
    net = NeuralNetClassifier(ProbabilityNet, lr=0.1, batch_size=40)
    trainer = plain(net).fit(rows, labels)

    together = trainer.predict_proba(rows)
    alone = np.concatenate([trainer.predict_proba(rows[[i]]) for i in range(len(rows))])
    assert bit_identical(together, alone)


@pytest.mark.parametrize(("hidden", "batch_size"), [(256, 512), (2048, 128)])
def test_predictions_do_not_depend_on_number_of_threads(hidden, batch_size):
    rows, y = np.tile(X, (10, 10)), np.tile(Y, 10)
    trainer = plain(SmallNet).set_params(
        estimator__hidden=hidden, estimator__batch_size=batch_size, estimator__max_epochs=2
    )
    answers = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads):
            answers.append(trainer.fit(rows, y).predict(rows))

    assert bit_identical(*answers)


def test_fitted_net_is_skorch_net_and_pickles():
    trainer = plain(regressor()).fit(X, Y)
    restored = pickle.loads(pickle.dumps(trainer.model_))

    assert isinstance(restored, NeuralNetRegressor)
    assert bit_identical(restored.predict(X), trainer.predict(X))
    assert restored.verbose == 1  # only changed during the fit


def test_mixed_precision_is_parameter_of_net():
    trainer = plain(SmallNet, task="regression").set_params(estimator__max_epochs=3)
    full = trainer.fit(X, Y)
    mixed = clone(trainer).set_params(estimator__precision="bfloat16").fit(X, Y)

    predicted = mixed.predict(X)
    assert predicted.dtype == full.predict(X).dtype
    assert not bit_identical(predicted, full.predict(X))
    np.testing.assert_allclose(predicted, full.predict(X), atol=0.1)
    assert mixed.model_.module_.layers[0].weight.dtype == torch.float32
    assert bit_identical(predicted[:1], mixed.predict(X[:1]))
    assert bit_identical(predicted, pickle.loads(pickle.dumps(mixed)).predict(X))
    with pytest.raises(ParameterError, match="'float32' or 'bfloat16', got 'half'"):
        mixed.set_params(estimator__precision="half").fit(X, Y)


@pytest.mark.filterwarnings("ignore::sktrainer.SmallDataWarning")
def test_reports_use_class_name_of_module(tmp_path):
    from sktrainer import train_model

    options = {"task": "regression", "verbose": 0, "early_stopping": False}
    result = train_model(SmallNet, X, Y, save_path=tmp_path, **options)

    assert result.report.estimator == "SmallNet"
    assert result.model_path.parent.parent.name == "small_net"
    with pytest.raises(ParameterError, match="SmallNet does not"):
        plain(SmallNet, categorical_encoding="native").fit(X, Y)


def test_modules_are_in_training_mode_only_during_training():
    trainer = plain(SmallNet, early_stopping=True).set_params(estimator__max_epochs=2)
    seen = []

    class Looks(Callback):
        def on_batch_end(self, net, training=False, **kwargs):
            seen.append((training, net.module_.layers[2].training))

    trainer.set_params(estimator__callbacks=[Looks()]).fit(X, Y)

    assert {True, False} == {training for training, _ in seen}
    assert all(training == mode for training, mode in seen)


@pytest.mark.parametrize("options", [{}, {"drop_last": True}, {"num_workers": 0}])
def test_epoch_sees_each_row_once_in_new_order(options):
    class Notes(Callback):
        def on_train_begin(self, net, **kwargs):
            self.rows_ = []

        def on_batch_begin(self, net, batch=None, training=False, **kwargs):
            self.rows_.append(batch[0][:, 0].numpy())

    shuffled = {f"iterator_train__{k}": v for k, v in {"shuffle": True, **options}.items()}
    net = regressor(callbacks=[("notes", Notes())], max_epochs=2, **shuffled)
    fitted = plain(net).fit(X, Y).model_

    rows = np.concatenate(dict(fitted.callbacks_)["notes"].rows_).reshape(2, -1)
    n_rows = 96 if "drop_last" in options else 120
    assert rows.shape[1] == n_rows
    assert all(len(np.unique(epoch)) == n_rows for epoch in rows)
    assert not bit_identical(*rows)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_equal_sample_weights_keep_the_weights_of_the_loss(scale):
    # Weights of exactly 1 are dropped before the fit.
    weight = np.full(len(Y), scale * (1 + 1e-12))
    net = NeuralNetClassifier(
        SmallNet,
        module__n_outputs=2,
        criterion=torch.nn.CrossEntropyLoss,
        criterion__weight=torch.tensor([1.0, 10.0]),
        max_epochs=3,
        batch_size=32,
    )
    labels = (np.median(Y) < Y).astype(int)
    bare, weighted = (
        plain(net).fit(X, labels, sample_weight=given) for given in (None, weight)
    )
    np.testing.assert_allclose(
        weighted.predict_proba(X), bare.predict_proba(X), rtol=1e-4, atol=1e-6
    )
    losses = [each.evals_result_["train"]["loss"] for each in (weighted, bare)]
    np.testing.assert_allclose(*losses, rtol=1e-4)


def test_zero_weight_of_a_row_removes_its_class_weight():
    labels = (np.median(Y) < Y).astype(int)
    kept = np.arange(len(Y)) % 3 > 0
    options = {
        "module__n_outputs": 2,
        "criterion": torch.nn.CrossEntropyLoss,
        "criterion__weight": torch.tensor([1.0, 10.0]),
        "max_epochs": 3,
        "batch_size": -1,
    }
    net = NeuralNetClassifier(SmallNet, module__dropout=0.0, **options)
    few = plain(net).fit(X[kept], labels[kept])
    weighted = plain(net).fit(X, labels, sample_weight=np.where(kept, 1.0, 1e-12))
    losses = [each.evals_result_["train"]["loss"] for each in (few, weighted)]
    np.testing.assert_allclose(*losses, rtol=1e-4)
