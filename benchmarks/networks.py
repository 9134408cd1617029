"""Compare ManagedTrainer with a plain training loop, with skorch and with Keras.

A network of three layers is trained on 20,000 rows of 30 columns (where the overhead per
batch matters most) and of 300 columns, in batches of 128, with Adam, for one epoch and for
five. The training rows are then predicted once and the accuracy is computed. Each variant
runs in its own process with one thread and the same number of steps. The variants
alternate, and the ratios compare their medians.

    python benchmarks/networks.py [--repeats 5] [--only torch:30:5]
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np

N_ROWS, BATCH, HIDDEN, RATE = 20_000, 128, 64, 1e-3
WIDTHS, EPOCHS = (30, 300), (1, 5)
LIBRARIES = ("sktrainer", "torch", "skorch", "keras", "tensorflow")
ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
}


def generated(n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 20,000 float32 rows and two classes that depend on three columns."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, n_columns)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(np.int64)


def torch_module() -> Any:
    """Return the class of the module that all variants train."""
    from torch import nn

    class Net(nn.Module):
        def __init__(self, n_outputs: int = 2) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.LazyLinear(HIDDEN),
                nn.ReLU(),
                nn.Linear(HIDDEN, HIDDEN),
                nn.ReLU(),
                nn.Linear(HIDDEN, n_outputs),
            )

        def forward(self, X: Any) -> Any:
            return self.layers(X)

    return Net


def torch_loop(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Train in a plain loop that indexes each batch from one tensor."""
    import torch
    from torch import nn

    rows, targets = torch.from_numpy(X), torch.from_numpy(y)
    net = torch_module()()
    net(rows[:1])
    optimizer = torch.optim.Adam(net.parameters(), lr=RATE)
    criterion = nn.CrossEntropyLoss()
    for _ in range(epochs):
        net.train()
        total = 0.0
        for taken in torch.randperm(len(rows)).split(BATCH):
            optimizer.zero_grad()
            loss = criterion(net(rows[taken]), targets[taken])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(taken)
    net.eval()
    with torch.no_grad():
        found = torch.cat([net(batch).argmax(dim=1) for batch in rows.split(BATCH)])
    return float((found == targets).float().mean())


def skorch_alone(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Train with plain skorch, which collects each batch from single rows."""
    import torch
    from skorch import NeuralNetClassifier

    net = torch_module()()
    net(torch.from_numpy(X[:1]))
    model = NeuralNetClassifier(
        net,
        criterion=torch.nn.CrossEntropyLoss,
        optimizer=torch.optim.Adam,
        lr=RATE,
        max_epochs=epochs,
        batch_size=BATCH,
        iterator_train__shuffle=True,
        train_split=None,
        verbose=0,
    ).fit(X, y)
    return float((model.predict(X) == y).mean())


def managed_torch(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Train the module with ManagedTrainer, including checks, scores and report."""
    from sktrainer import ManagedTrainer

    trainer = ManagedTrainer(
        torch_module(),
        task="classification",
        preprocessor=None,
        early_stopping=False,
        scoring="accuracy",
        random_state=0,
    ).set_params(estimator__lr=RATE, estimator__batch_size=BATCH, estimator__max_epochs=epochs)
    return float(trainer.fit(X, y).scores_["accuracy"].loc["train"])


def keras_model(n_outputs: int = 2) -> Any:
    """Build the model that all Keras variants train."""
    import keras

    return keras.Sequential(
        [
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dense(n_outputs),
        ]
    )


def keras_alone(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Train with `fit` of Keras."""
    import keras

    model = keras_model()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(RATE), loss)
    model.fit(X, y, batch_size=BATCH, epochs=epochs, verbose=0)
    found = model.predict(X, batch_size=BATCH, verbose=0)
    return float((found.argmax(axis=1) == y).mean())


def managed_keras(X: np.ndarray, y: np.ndarray, epochs: int) -> float:
    """Train the same model with ManagedTrainer, including checks, scores and report."""
    from sktrainer import ManagedTrainer

    trainer = ManagedTrainer(
        keras_model,
        task="classification",
        preprocessor=None,
        early_stopping=False,
        scoring="accuracy",
        random_state=0,
    ).set_params(
        estimator__learning_rate=RATE,
        estimator__batch_size=BATCH,
        estimator__epochs=epochs,
    )
    return float(trainer.fit(X, y).scores_["accuracy"].loc["train"])


Side = Callable[[np.ndarray, np.ndarray, int], float]

# The variants of each library. "managed" is compared with all others.
SIDES: dict[str, dict[str, Side]] = {
    "torch": {"loop": torch_loop, "skorch": skorch_alone, "managed": managed_torch},
    "keras": {"keras": keras_alone, "managed": managed_keras},
}


def work(library: str, side: str, n_columns: int, epochs: int) -> None:
    """Run one variant once in this process and print its time and accuracy."""
    X, y = generated(n_columns)
    run = SIDES[library][side]
    small = slice(0, 500)  # warm-up that imports libraries
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(X[small], y[small], 1)
        start, start_cpu = time.perf_counter(), time.process_time()
        accuracy = run(X, y, epochs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "accuracy": accuracy}))


def measure(library: str, side: str, n_columns: int, epochs: int) -> dict[str, float]:
    """Run one variant once in its own process, with one thread."""
    arguments = [library, side, str(n_columns), str(epochs)]
    answer = subprocess.run(
        [sys.executable, __file__, "--work", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, **ONE_THREAD},
    )
    result: dict[str, float] = json.loads(answer.stdout.strip().splitlines()[-1])
    return result


def line(library: str, n_columns: int, epochs: int, repeats: int) -> str:
    """Measure all variants of one library and return their medians and ratios as text."""
    runs: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES[library]}
    for _ in range(repeats):
        for side in runs:
            runs[side].append(measure(library, side, n_columns, epochs))
    medians = {
        side: {key: statistics.median(run[key] for run in found) for key in found[0]}
        for side, found in runs.items()
    }
    ours = medians["managed"]
    seconds = "".join(f"{side} {m['seconds']:.2f} s   " for side, m in medians.items())
    ratios = ", ".join(
        f"{ours['seconds'] / m['seconds']:.2f} x {side} (CPU {ours['cpu'] / m['cpu']:.2f})"
        for side, m in medians.items()
        if side != "managed"
    )
    accuracies = ", ".join(f"{m['accuracy']:.3f}" for m in medians.values())
    name = f"{library}, {n_columns} columns, {epochs} epoch{'s' if epochs > 1 else ''}"
    return f"{name:30}{seconds}managed takes {ratios}; accuracy {accuracies}"


def main() -> None:
    """Print one line per library and table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="library:columns:epochs, each optional")
    parser.add_argument("--work", nargs=4, metavar=("LIBRARY", "SIDE", "COLUMNS", "EPOCHS"))
    options = parser.parse_args()
    if options.work:
        library, side, n_columns, epochs = options.work
        work(library, side, int(n_columns), int(epochs))
        return
    wanted = [*options.only.split(":"), "", ""][:3]
    print(", ".join(f"{name} {version(name)}" for name in LIBRARIES))
    for library in SIDES:
        for n_columns in WIDTHS:
            for epochs in EPOCHS:
                case = (library, str(n_columns), str(epochs))
                if all(w in ("", c) for w, c in zip(wanted, case, strict=True)):
                    print(line(library, n_columns, epochs, options.repeats), flush=True)


if __name__ == "__main__":
    main()
