"""What ManagedTrainer costs beside a bare loop of epochs, and beside skorch by itself.

Three layers over 20,000 rows of 30 columns (where what is done for each batch weighs
most) and of 300 columns, in batches of 128, with Adam, for one epoch and for five; then
the training rows are predicted once and the accuracy is taken. Every side has one thread,
does the same number of steps, and runs in a process of its own, turn by turn; the ratios
are those of the medians.

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
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def generated(n_columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Return 20,000 float32 rows and two classes that three columns tell apart."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N_ROWS, n_columns)).astype(np.float32)
    return X, (X[:, 0] + X[:, 1] * X[:, 2] > 0).astype(np.int64)


def torch_module() -> Any:
    """Return the class of the module that all sides train."""
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
    """Train in a loop as a user writes it who takes each batch from one tensor."""
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
    """Train with skorch as it is, which makes each batch of single rows."""
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
    """Train the Module through ManagedTrainer, with its checks, scores and report."""
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


Side = Callable[[np.ndarray, np.ndarray, int], float]

# The sides of each library: a bare loop or fit, then ours. More than one may stand before.
SIDES: dict[str, dict[str, Side]] = {
    "torch": {"loop": torch_loop, "skorch": skorch_alone, "managed": managed_torch},
}


def work(library: str, side: str, n_columns: int, epochs: int) -> None:
    """Run one side once in this process and print its seconds and its accuracy."""
    X, y = generated(n_columns)
    run = SIDES[library][side]
    small = slice(0, 500)  # first use loads libraries: not the subject
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        run(X[small], y[small], 1)
        start, start_cpu = time.perf_counter(), time.process_time()
        accuracy = run(X, y, epochs)
    seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
    print(json.dumps({"seconds": seconds, "cpu": cpu, "accuracy": accuracy}))


def measure(library: str, side: str, n_columns: int, epochs: int) -> dict[str, float]:
    """Run one side once in a process of its own, with one thread."""
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
    """Measure all sides of one library turn by turn; say their medians and our ratios."""
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
        f"{ours['seconds'] / m['seconds']:.2f} of {side} (CPU {ours['cpu'] / m['cpu']:.2f})"
        for side, m in medians.items()
        if side != "managed"
    )
    accuracies = ", ".join(f"{m['accuracy']:.3f}" for m in medians.values())
    name = f"{library}, {n_columns} columns, {epochs} epoch{'s' if epochs > 1 else ''}"
    return f"{name:30}{seconds}managed is {ratios}; accuracy {accuracies}"


def main() -> None:
    """Measure every library on every table and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="library:columns:epochs, any left out")
    parser.add_argument("--work", nargs=4, metavar=("LIBRARY", "SIDE", "COLUMNS", "EPOCHS"))
    options = parser.parse_args()
    if options.work:
        library, side, n_columns, epochs = options.work
        work(library, side, int(n_columns), int(epochs))
        return
    wanted = [*options.only.split(":"), "", ""][:3]
    print(", ".join(f"{name} {version(name)}" for name in ("sktrainer", "torch", "skorch")))
    for library in SIDES:
        for n_columns in WIDTHS:
            for epochs in EPOCHS:
                case = (library, str(n_columns), str(epochs))
                if all(w in ("", c) for w, c in zip(wanted, case, strict=True)):
                    print(line(library, n_columns, epochs, options.repeats), flush=True)


if __name__ == "__main__":
    main()
