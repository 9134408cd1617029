"""Fuzz tests: a mutated file raises an error or loads the same model, and runs no code.

An audit hook watches for the actions that a malicious file could trigger: starting a process,
unpickling, deleting a file, or opening a file for writing.

Some mutations of each file run in `make test`, thousands are `long`.
"""

from __future__ import annotations

import json
import random
import sys
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lightgbm import LGBMClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from xgboost import XGBClassifier

from sktrainer import FileFormatError, ManagedTrainer, UntrustedFileError, load
from sktrainer.backends.keras.estimator import KerasEstimator
from sktrainer.backends.torch.estimator import ModuleNet
from sktrainer.runtime.global_state import preserve_global_state
from sktrainer.testing import mixed_table
from tests.keras_networks import five_probabilities
from tests.networks import five_logits
from tests.serialization.bundles import members_of, resealed, same_answers, zipped

X, Y = mixed_table(150, "classification")
# Created on demand, because Keras would import TensorFlow during test collection.
MODELS = {
    "linear": LogisticRegression,
    "forest": lambda: RandomForestClassifier(3, max_depth=3),
    "xgboost": lambda: XGBClassifier(n_estimators=3),
    "lightgbm": lambda: LGBMClassifier(n_estimators=3),
    "torch": lambda: ModuleNet(five_logits(), max_epochs=2),
    "keras": lambda: KerasEstimator(_layers_of_keras(), epochs=2),
}
QUICK = [name for name in MODELS if name not in ("torch", "keras")]
WATCHED = ("os.system", "os.exec", "os.posix_spawn", "os.fork", "subprocess.Popen", "os.remove")


class Watch:
    """Recorder of suspicious audit events of the interpreter while `on` is True."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self.hook)

    def hook(self, event, arguments):
        if not self.on:
            return
        writes = (
            event == "open"
            and isinstance(arguments[1], str)
            and set("wax+") & set(arguments[1])
        )
        if event.startswith(WATCHED) or writes or event == "pickle.find_class":
            self.seen.append((event, str(arguments)[:100]))


@pytest.fixture(scope="module")
def watch():
    return Watch()


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")

    @cache
    def made(name):
        trainer = ManagedTrainer(MODELS[name](), task="classification", random_state=0)
        path = trainer.fit(X, Y).save(folder / f"{name}.skt")
        return trainer, path.read_bytes()

    return made


def _layers_of_keras():
    with preserve_global_state():  # layers draw their seeds from Python's global generator
        return five_probabilities()


def _survives(data: bytes, trainer, path: Path, watch: Watch, trusted=False) -> bool:
    """Return whether loading raises an error, or else gives the same model."""
    path.write_bytes(data)
    watch.seen.clear()
    watch.on = True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            restored = load(path, trusted=trusted)
    except (FileFormatError, UntrustedFileError) as error:
        assert str(path) in str(error)
        return True
    finally:
        watch.on = False
        assert watch.seen == []
    return same_answers(trainer, restored, X)


def _mutated(data: bytes, rng: random.Random) -> bytes:
    """Flip, delete, repeat, overwrite or swap bytes at one or more positions."""
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 8, 64])):
        at, length = rng.randrange(len(changed)), rng.choice([1, 1, 2, 4, 16, 300])
        kind = rng.randrange(6)
        if kind == 0:
            changed[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del changed[at : at + length]
        elif kind == 2:
            changed[at:at] = changed[at : at + length]
        elif kind == 3:
            changed[at : at + length] = rng.randbytes(length)
        elif kind == 4:
            changed[at : at + length] = b"\xff" * length
        else:
            other = rng.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
        if len(changed) < 4:
            break
    return bytes(changed)


@pytest.mark.long
@pytest.mark.parametrize("name", MODELS)
def test_mutated_files_raise_or_load_unchanged(bundles, watch, tmp_path, name):
    trainer, data = bundles(name)
    rng = random.Random(20)
    for number in range(500):
        mutated = _mutated(data, rng)
        assert _survives(mutated, trainer, tmp_path / "m.skt", watch), number


def test_some_mutated_files_raise_or_load_unchanged(bundles, watch, tmp_path):
    rng = random.Random(4)
    for number in range(60):
        trainer, data = bundles(rng.choice(sorted(QUICK)))
        assert _survives(_mutated(data, rng), trainer, tmp_path / "m.skt", watch), number


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_inserted_bytes_raise_or_load_unchanged(bundles, watch, tmp_path, data):
    trainer, whole = bundles("linear")
    at = data.draw(st.integers(0, len(whole)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.binary(max_size=40))
    mutated = whole[:at] + put + whole[at + cut :]
    assert _survives(mutated, trainer, tmp_path / "m.skt", watch)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_random_bytes_raise(bundles, watch, tmp_path, data):
    assert _survives(data, None, tmp_path / "m.skt", watch)


HOSTILE = (
    "os system subprocess Popen builtins eval exec __import__ torch.load "
    "Lambda __lambda__ TFSMLayer keras.src.layers.core.lambda_layer"
).split()
NAMES = {"__module__", "__class__", "module", "class_name", "registered_name", "class"}
STATES = (".skops", ".keras.json", ".modules.json", ".optimizer.json")


def _places(value, path=()):
    """Yield the path to every leaf of a state."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, item in items:
        if isinstance(item, (dict, list)) and item:
            yield from _places(item, (*path, key))
        yield (*path, key)


def _replaced(state, rng):
    """Replace a random part of a state by a malicious value or another part of the state."""
    places = list(_places(state))
    *path, last = rng.choice(places)
    holder = state
    for key in path:
        holder = holder[key]
    kind = rng.randrange(5)
    if kind == 0:
        holder[last] = rng.choice([*HOSTILE, None, -1, 2**70, {}, [], "x" * 1000, True])
    elif kind == 1:
        *other, _ = rng.choice(places)
        source = state
        for key in other:
            source = source[key] if isinstance(source, (dict, list)) else source
        holder[last] = json.loads(json.dumps(source))
    elif kind == 2 and isinstance(holder, dict):
        del holder[last]
    elif kind == 3 and isinstance(holder, dict):
        names = [key for key in holder if key in NAMES] or ["__module__", "__class__"]
        holder.update({name: rng.choice(HOSTILE) for name in names})
    elif isinstance(holder, dict) and "__loader__" in holder:
        loaders = (
            "FunctionNode TypeNode ObjectNode ConstructorFromReduceNode MethodNode".split()
        )
        holder["__loader__"] = rng.choice(loaders)


def _resealed_mutation(data: bytes, rng: random.Random) -> bytes:
    members = members_of(data)
    name = rng.choice([name for name in members if name.endswith(STATES)])
    in_zip = name.endswith(".skops")
    parts = members_of(members[name]) if in_zip else {}
    state = json.loads(parts["schema.json"] if in_zip else members[name])
    for _ in range(rng.choice([1, 1, 3])):
        if state:
            _replaced(state, rng)
    text = json.dumps(state).encode()
    members[name] = zipped({**parts, "schema.json": text}, compressed=False) if in_zip else text
    return resealed(members)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("linear", 0),
        *[pytest.param(name, 1, marks=pytest.mark.slow) for name in MODELS],
        *[
            pytest.param(name, seed, marks=pytest.mark.long)
            for name in MODELS
            for seed in (2, 3)
        ],
    ],
)
def test_mutated_states_with_valid_checksums_run_nothing(bundles, watch, tmp_path, name, seed):
    _, data = bundles(name)
    rng = random.Random(seed)
    path = tmp_path / "m.skt"
    for _ in range(60):
        path.write_bytes(_resealed_mutation(data, rng))
        watch.seen.clear()
        watch.on = True
        try:
            restored = load(path)
            assert type(restored) is ManagedTrainer
        except (FileFormatError, UntrustedFileError):
            pass
        finally:
            watch.on = False
        assert watch.seen == []


def test_audit_hook_records_events(watch, tmp_path):
    watch.seen.clear()
    watch.on = True
    (tmp_path / "a").write_text("x")
    np.save(tmp_path / "b.npy", np.zeros(1))
    watch.on = False
    assert {event for event, _ in watch.seen} == {"open"}
