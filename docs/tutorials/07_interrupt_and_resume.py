"""
Interrupt and resume training
=============================

A long run can be killed at any time: by a batch system, a power failure, or a full memory. This tutorial kills a training
process in the middle, starts it again, and checks that the result is bit-identical to that of a run that was not interrupted.
"""

# %%
# The training script
# -------------------
#
# ``checkpoint`` is the only difference to an ordinary script. It is a folder, or a ``Checkpoint`` that also sets how often to
# save. The script prints a digest of its predictions, so that we can compare runs.
import subprocess
import sys
import tempfile
import time
from pathlib import Path

folder = Path(tempfile.mkdtemp())
script = folder / "train.py"
script.write_text(
    """
import hashlib
import sys

from lightgbm import LGBMClassifier
from sktrainer import Checkpoint, ManagedTrainer
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)
trainer = ManagedTrainer(
    LGBMClassifier(n_estimators=400, learning_rate=0.01, subsample=0.8, subsample_freq=1),
    cv=3,
    random_state=0,
    early_stopping=False,
    checkpoint=Checkpoint(sys.argv[1], every=50),
)
trainer.fit(X, y)
print(hashlib.sha256(trainer.predict_proba(X).tobytes()).hexdigest()[:16])
for note in trainer.report_.notes:
    if "checkpoint" in note:
        print(note)
"""
)


def train(runs):
    """Start the script with a checkpoint folder."""
    command = [sys.executable, script, folder / runs]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


# %%
# A run without an interruption
# -----------------------------
print(train("uninterrupted").communicate()[0])

# %%
# A run that is killed
# --------------------
#
# SIGKILL gives a process no chance to clean up. We wait until the second of the three folds has written a checkpoint, and
# kill the process then.
process = train("killed")
while process.poll() is None and not [*folder.glob("killed/folds/2/*.zip")]:
    time.sleep(0.01)
process.kill()
output, _ = process.communicate()
print("output:", output or "none", "| exit code:", process.returncode)

# %%
# The folder has the completed first fold and checkpoints of the second one. Each checkpoint was written to a temporary name and
# then renamed, so each is complete. Its name has the round and a checksum of its content.
for path in sorted((folder / "killed").rglob("*.zip")):
    name = path.relative_to(folder).as_posix()
    print(f"{name[:38]}...  {path.stat().st_size // 1024} kB")

# %%
# Resume
# ------
#
# To resume, run the same script again. There is no parameter for it, so a job that a batch system restarts needs no special
# case. The completed fold is loaded, the second one resumes at its last checkpoint:
print(train("killed").communicate()[0])

# %%
# The digest is that of the uninterrupted run. This is not a matter of course: with row sampling, a booster that is continued
# from a saved model would draw other rows than the original run. Here, each segment of 50 rounds has its own seed,
# whether or not the run is interrupted.
#
# Running the script once more trains nothing, because the run is complete:
start = time.perf_counter()
print(train("killed").communicate()[0])

# %%
# Changed data or parameters
# --------------------------
#
# The wrong way to resume is to load a model and to train it further with whatever the script says now. A run therefore remembers
# what it was started with. If something has changed that affects the result, ``fit`` raises an error that names it:
from lightgbm import LGBMClassifier

from sktrainer import Checkpoint, CheckpointMismatchError, ManagedTrainer
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)
changed = ManagedTrainer(
    LGBMClassifier(
        n_estimators=400, learning_rate=0.05, subsample=0.8, subsample_freq=1
    ),
    cv=3,
    random_state=0,
    early_stopping=False,
    checkpoint=Checkpoint(folder / "killed", every=50),
)
try:
    changed.fit(X, y)
except CheckpointMismatchError as error:
    print(str(error).replace(str(folder), "..."))

# %%
# Ctrl-C and SIGTERM
# ------------------
#
# Both stop training after the current round, write a checkpoint, and raise ``TrainingInterrupted``, whose message says how to
# resume. Nothing is lost then; after SIGKILL, at most the rounds since the last checkpoint are. See :doc:`/checkpoints` for
# the interval, its cost, and checkpoints in ``GridSearchCV``.
import shutil

shutil.rmtree(folder)
