"""
From notebook to deployment
===========================

A model that was trained in a notebook is used elsewhere: in another process, for one row at a time or for millions, and by
several workers at once. This tutorial saves a model, loads it as a service would, and shows what goes wrong on the way and
how it is reported.
"""

# %%
# Save
# ----
#
# The trainer is saved as a whole: what was learned about the columns, the model, the labels and the report.
import tempfile
from pathlib import Path

from lightgbm import LGBMClassifier

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)
trainer = ManagedTrainer(
    LGBMClassifier(n_estimators=1000), test_size=0.2, random_state=0
)
trainer.fit(X, y)

folder = Path(tempfile.mkdtemp())
path = trainer.save(folder / "thyroid.skt")
print(path.name, path.stat().st_size // 1024, "kB")

# %%
# The wrong way is to save ``trainer.model_`` only. It takes encoded rows and predicts class codes, so the service would have to
# repeat the encoding, and would return 0 for "hypothyroid":
import warnings

import numpy as np

encoded = trainer.pipeline_[:-1].transform(X.head(3))
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    print("model_: ", trainer.model_.predict(np.asarray(encoded)))
print("trainer:", trainer.predict(X.head(3)))

# %%
# Load in another process
# -----------------------
#
# A ``.skt`` file is a zip archive. Loading it does not execute code from the file, unlike a pickle. Predictions are
# bit-identical:
import hashlib
import subprocess
import sys

table = folder / "rows.parquet"
X.to_parquet(table)
code = f"""
import hashlib
import pandas as pd
from sktrainer import load

probabilities = load({str(path)!r}).predict_proba(pd.read_parquet({str(table)!r}))
print(hashlib.sha256(probabilities.tobytes()).hexdigest()[:16])
"""
run = subprocess.run(
    [sys.executable, "-c", code], capture_output=True, text=True, check=True
)
print("there:", run.stdout.strip())
print(
    "here: ",
    hashlib.sha256(trainer.predict_proba(X).tobytes()).hexdigest()[:16],
)

# %%
# One row
# -------
#
# A request has the values of one row, as JSON. A table of one row is made from it. Missing values are ``None``.
import time

import pandas as pd

from sktrainer import load

model = load(path)
request = {
    name: None if pd.isna(value) else value for name, value in X.iloc[0].items()
}
row = pd.DataFrame([request])
print(model.predict(row), model.predict_proba(row).round(3))

times = []
for _ in range(200):
    start = time.perf_counter()
    model.predict_proba(row)
    times.append(time.perf_counter() - start)
print(f"{1000 * min(times):.1f} ms for one row")

# %%
# Requests that do not match the training table raise an ``InputError``, which is a ``ValueError``. Most libraries take columns
# by position and would return a number:
from sktrainer import InputError

renamed = row.rename(columns={"TSH": "tsh"})
reordered = row[row.columns[::-1]]
for wrong in (renamed, reordered):
    try:
        model.predict(wrong)
    except InputError as error:
        print(error, end="\n\n")

# %%
# The message says what to do, so a service can return it as it is, with status 400.
#
# Many rows
# ---------
#
# Tables that do not fit into memory are predicted in batches. A prediction does not depend on the other rows of its batch.
batches = [
    model.predict_proba(X.iloc[start : start + 500])
    for start in range(0, len(X), 500)
]
print(np.array_equal(np.vstack(batches), model.predict_proba(X)))

# %%
# Threads
# -------
#
# ``predict`` does not change the model, so one loaded model can serve several threads.
from concurrent.futures import ThreadPoolExecutor

parts = [X.iloc[start::8] for start in range(8)]
with ThreadPoolExecutor(4) as pool:
    in_threads = list(pool.map(model.predict_proba, parts))
print(
    all(
        np.array_equal(a, model.predict_proba(b))
        for a, b in zip(in_threads, parts)
    )
)

# %%
# Forked workers
# --------------
#
# Servers such as gunicorn can load the application once and fork workers from it (``gunicorn --preload``). The workers then share
# the memory of the model. The trap is OpenMP, which LightGBM, XGBoost and scikit-learn use: a process that has used several
# OpenMP threads owns threads that a fork does not copy, and a worker waits for them forever. For LightGBM, reading a model
# is enough.
#
# Set ``OMP_NUM_THREADS=1`` for the server. This is also the fastest setting if there is one worker per core. If a single
# prediction must use several cores, load the model in each worker after the fork. The server below is a process of its own.
import os

code = f"""
import multiprocessing
import pandas as pd
from sktrainer import load

model = load({str(path)!r})

def count(part):
    return int((model.predict(part) == "hypothyroid").sum())

table = pd.read_parquet({str(table)!r})
with multiprocessing.get_context("fork").Pool(2) as pool:
    print(pool.map(count, [table.iloc[:1500], table.iloc[1500:]]))
"""
run = subprocess.run(
    [sys.executable, "-c", code],
    env={**os.environ, "OMP_NUM_THREADS": "1"},
    capture_output=True,
    text=True,
    check=True,
    timeout=120,
)
print("workers:", run.stdout.strip())
is_ill = model.predict(X) == "hypothyroid"
print("here:   ", [int(is_ill[:1500].sum()), int(is_ill[1500:].sum())])

# %%
# Versions
# --------
#
# A service should be able to go back to the previous model. A ``ModelStore`` is a folder of numbered versions, and a tag such
# as "production" names the one to load.
from sktrainer import ModelStore

store = ModelStore(folder / "models")
store.save(trainer, name="thyroid")
store.save(trainer, name="thyroid")
store.tag("thyroid", 1, "production")
service = store.load("thyroid", "@production")
store.history("thyroid").loc[:, :"tags"]

# %%
# ``verify`` trains again with the same seed and compares. Run it before you rely on being able to reproduce a model:
print(service.verify(X, y))

# %%
# To predict without Python, or without LightGBM and scikit-learn, export encoding and model to one ONNX file: :doc:`/onnx`.
import shutil

shutil.rmtree(folder)
