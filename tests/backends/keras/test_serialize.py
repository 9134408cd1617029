"""Tests of Keras models in `.skt` files: bit-identical predictions, and safe loading."""

from __future__ import annotations

import json

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sktrainer import FileFormatError, InputError, ManagedTrainer, UntrustedFileError, load
from sktrainer.runtime.global_state import preserve_global_state
from tests.keras_networks import build, five_probabilities, scikeras_classifier
from tests.serialization.bundles import members_of, resealed, same_answers

RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=(120, 6)).astype(np.float32)
TARGET = NUMBERS[:, 0] - NUMBERS[:, 1]
CLASSES = (TARGET > 0).astype(int)
OWN = [
    "tests.keras_parts.Registered",
    "tests.keras_parts.Scaled",
    "tests.keras_parts.leaking",
    "tests.keras_parts.squared",
]


def _fitted(estimator, y=TARGET, **parameters):
    trainer = ManagedTrainer(estimator, random_state=0, early_stopping=False)
    return trainer.set_params(estimator__epochs=2, **parameters).fit(NUMBERS, y)


def _same_after_partial_fit(trainer, restored):
    for each in (trainer, restored):
        each.partial_fit(NUMBERS[:40], TARGET[:40])
    return same_answers(trainer, restored, NUMBERS)


@pytest.mark.parametrize("function", ["functional", "of_sequences"])
def test_only_the_build_function_requires_trust(tmp_path, function):
    from tests import keras_parts

    trainer = _fitted(getattr(keras_parts, function))
    path = trainer.save(tmp_path / "m.skt")
    name = f"tests.keras_parts.{function}"
    with pytest.raises(UntrustedFileError) as caught:
        load(path)
    assert list(caught.value.names) == [name]
    restored = load(path, trusted=[name])
    assert same_answers(trainer, restored, NUMBERS)
    assert _same_after_partial_fit(trainer, restored)


def test_keras_model_instance_needs_no_trust_and_verifies(tmp_path):
    with preserve_global_state():
        model = five_probabilities()
    trainer = _fitted(model, CLASSES)
    restored = load(trainer.save(tmp_path / "m.skt"))
    assert same_answers(trainer, restored, NUMBERS)
    assert restored.verify(NUMBERS, CLASSES)


def test_user_defined_keras_objects_require_trust(tmp_path):
    from tests import keras_parts

    trainer = _fitted(keras_parts.of_own_parts)
    path = trainer.save(tmp_path / "m.skt")
    names = sorted([*OWN, "tests.keras_parts.of_own_parts"])
    with pytest.raises(UntrustedFileError) as caught:
        load(path)
    assert list(caught.value.names) == names
    restored = load(path, trusted=names)
    assert same_answers(trainer, restored, NUMBERS)
    assert _same_after_partial_fit(trainer, restored)


def test_optimizers_losses_and_callbacks_round_trip(tmp_path):
    import keras

    trainer = ManagedTrainer(build, random_state=0, early_stopping=False)
    trainer.set_params(
        estimator__epochs=2,
        estimator__optimizer=keras.optimizers.SGD(0.001, momentum=0.5),
        estimator__loss=keras.losses.MeanSquaredError(reduction="sum"),
        estimator__metrics=["mae", keras.metrics.RootMeanSquaredError()],
        estimator__callbacks=[keras.callbacks.TerminateOnNaN()],
    )
    trainer.fit(NUMBERS, TARGET)
    restored = load(trainer.save(tmp_path / "m.skt"), trusted=["tests.keras_networks.build"])
    assert restored.estimator.optimizer.get_config()["momentum"] == 0.5
    assert restored.estimator.loss.reduction == "sum"
    assert same_answers(trainer, restored, NUMBERS)
    assert restored.verify(NUMBERS, TARGET).predictions == ""


def test_keras_estimator_in_a_pipeline_round_trips(tmp_path):
    pipeline = make_pipeline(StandardScaler(), scikeras_classifier(epochs=2))
    trainer = ManagedTrainer(pipeline, random_state=0).fit(NUMBERS, CLASSES)
    path = trainer.save(tmp_path / "m.skt")
    restored = load(path, trusted=["tests.keras_networks.build_from_meta"])
    assert same_answers(trainer, restored, NUMBERS)
    assert type(restored.estimator.steps[-1][1]) is type(pipeline.steps[-1][1])


def test_native_file_can_be_loaded_by_keras(tmp_path):
    import keras

    from tests import keras_parts

    trainer = _fitted(keras_parts.functional)
    path = trainer.save(tmp_path / "m.keras", format="native")
    with preserve_global_state():
        model = keras.saving.load_model(path)
    found = model.predict(trainer.pipeline_[:-1].transform(NUMBERS), verbose=0)
    np.testing.assert_allclose(found.ravel(), trainer.predict(NUMBERS), rtol=1e-5)


@pytest.mark.filterwarnings("ignore:The object being serialized includes a `lambda`")
def test_saving_a_lambda_layer_raises(tmp_path):
    from tests import keras_parts

    trainer = _fitted(keras_parts.of_a_lambda)
    with pytest.raises(InputError, match=r"contains code.*save to a \.joblib"):
        trainer.save(tmp_path / "m.skt")
    assert list(tmp_path.iterdir()) == []


def test_saving_an_incompletely_serialized_loss_raises(tmp_path):
    import keras

    from tests import keras_parts

    trainer = _fitted(keras_parts.functional, estimator__loss=keras.losses.Huber(0.3))
    with pytest.raises(InputError, match=r"configuration is incomplete.*save to a \.joblib"):
        trainer.save(tmp_path / "m.skt")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with preserve_global_state():
        trainer = _fitted(five_probabilities(), CLASSES)
    return trainer.save(tmp_path_factory.mktemp("whole") / "m.skt").read_bytes()


def _changed(whole, change):
    members = members_of(whole)
    entries = json.loads(members["model.keras.json"])
    change(entries[-1])  # the fitted model; the first entry is the parameter `estimator`
    return resealed({**members, "model.keras.json": json.dumps(entries).encode()})


def _layers(entry):
    return entry["config"]["config"]["layers"]


def _lambda(entry):
    function = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}
    _layers(entry).insert(1, _of("keras.layers", "Lambda", {"function": function}))


def _old_lambda(entry):
    code = {"class_name": "Lambda", "config": {"function": ["4wEAAAA=", None, None]}}
    _layers(entry).insert(1, code)


def _loss(name, module="builtins"):
    return {"module": module, "class_name": "function", "config": name, "registered_name": name}


def _of(module, name, config, registered=None):
    return {
        "module": module,
        "class_name": name,
        "config": config,
        "registered_name": registered,
    }


CODE = {
    "lambda": _lambda,
    "lambda of older files": _old_lambda,
    "function": lambda e: e["config"]["compile_config"].update(loss=_loss("system", "os")),
    "unknown function": lambda e: e["config"]["compile_config"].update(loss=_loss("system")),
    "reader of files": lambda e: e["config"]["compile_config"].update(
        loss=_loss("load_model", "keras.saving")
    ),
    "type spec": lambda e: _layers(e)[1]["config"].update(
        units={
            "class_name": "__typespec__",
            "spec_name": "system",
            "module": "os",
            "config": [],
            "registered_name": None,
        }
    ),
    "not a class": lambda e: _layers(e)[1].update(
        module="keras.saving", class_name="load_model"
    ),
    "module of Keras": lambda e: _layers(e)[1].update(
        module="keras.src.backend.jax", class_name="Dense"
    ),
    "other name": lambda e: _layers(e)[1].update(registered_name="parts>Registered"),
    "registered name": lambda e: _layers(e)[1]["config"].update(activation="parts>Registered"),
    "compiled inside": lambda e: _layers(e)[1].update(compile_config={"loss": "mse"}),
    "objects": lambda e: _layers(e)[1]["config"].update(
        units={"class_name": "__numpy__", "config": {"value": [1], "dtype": "S900000000"}}
    ),
}


@pytest.mark.parametrize("trusted", [True, ["os.system"]])
@pytest.mark.parametrize("what", CODE)
def test_configuration_with_code_raises_even_if_trusted(whole, tmp_path, what, trusted):
    path = tmp_path / "bad.skt"
    path.write_bytes(_changed(whole, CODE[what]))
    with pytest.raises(FileFormatError, match="bad.skt' cannot be loaded: a Keras model"):
        load(path, trusted=trusted)


ASKED = {
    "os.system": lambda e: _layers(e)[1].update(
        module="os", class_name="system", registered_name="system"
    ),
    "os.abort": lambda e: (
        e.update(functions={"mean_squared_error": "os.abort"}),
        e["config"]["compile_config"].update(loss=_loss("mean_squared_error")),
    ),
    "keras.src.layers.core.lambda_layer.Lambda": lambda e: _layers(e)[1].update(
        _of("keras.layers", "Lambda", {"function": None})
    ),
    "keras.src.layers.preprocessing.string_lookup.StringLookup": lambda e: _layers(e)[1].update(
        _of("keras.layers", "StringLookup", {"vocabulary": "/etc/hostname"})
    ),
}


@pytest.mark.parametrize("name", ASKED)
def test_unknown_keras_class_requires_trust(whole, tmp_path, name):
    path = tmp_path / "bad.skt"
    path.write_bytes(_changed(whole, ASKED[name]))
    with pytest.raises(UntrustedFileError) as caught:
        load(path)
    assert list(caught.value.names) == [name]


SIZES = {
    "a layer": lambda e: _layers(e)[1]["config"].update(units=900_000),
    "a large layer": lambda e: _layers(e)[1]["config"].update(units=10**12),
    "columns": lambda e: _layers(e)[0]["config"].update(batch_shape=[None, 900_000]),
    "a metric": lambda e: e["config"]["compile_config"].update(
        metrics=[_of("keras.metrics", "AUC", {"num_thresholds": 10**10})]
    ),
    "fewer weights": lambda e: e["variables"].pop(),
    "fewer layers": lambda e: _layers(e).pop(),
    "another optimizer": lambda e: e["optimizer"].pop(),
}


@pytest.mark.parametrize("what", SIZES)
def test_configuration_must_match_the_weights(whole, tmp_path, what):
    import keras

    path = tmp_path / "bad.skt"
    path.write_bytes(_changed(whole, SIZES[what]))
    with pytest.raises(FileFormatError, match=r"bad\.skt' cannot be loaded"):
        load(path)
    with preserve_global_state():
        assert keras.layers.Dense(2)(np.ones((1, 3))).shape == (1, 2)  # Keras still works


def test_keras_estimators_are_recognized_as_networks(whole):
    from sktrainer.serialization.allowlist import is_refused

    for name in (
        "sktrainer.backends.keras.estimator.KerasEstimator",
        "keras.src.models.model.Model",
    ):
        assert is_refused(name)
    assert is_refused("scikeras.wrappers.KerasClassifier")
    assert not is_refused("sktrainer.trainer.ManagedTrainer")
