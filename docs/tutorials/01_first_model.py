"""
Train a first model
===================

This tutorial trains LightGBM on a table with text columns, missing values and a rare class. It shows which rows are used for
what, why training stops early, and how to read the report.

The table has 3,163 patients. The task is to predict from age, hormone measurements and questions about the patient's history
whether a patient has hypothyroidism.
"""

# %%
# The table
# ---------
#
# ``load_hypothyroid`` returns an ordinary pandas table. Some of its columns are text ("f" and "t"), and hormones that were not
# measured are missing. LightGBM accepts neither text nor labels such as "negative" in a fit that you write by hand, so you
# would encode both first.
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)
X.head()

# %%
y.value_counts()

# %%
# Fit
# ---
#
# ``ManagedTrainer`` takes the model that you want to train, and is itself an estimator with ``fit`` and ``predict``. We ask for
# 2,000 trees, far more than necessary: the number of trees is chosen during training.
from lightgbm import LGBMClassifier

from sktrainer import ManagedTrainer

trainer = ManagedTrainer(
    LGBMClassifier(n_estimators=2000), test_size=0.2, random_state=0
)
trainer.fit(X, y)
trainer.scores_.round(3)

# %%
# The three rows of this table answer different questions:
#
# - **train**: the rows that the trees were fitted on. Their scores only show that the model can memorize. Do not report them.
# - **validation**: a tenth of the rows. They decide when training stops, so their scores are slightly optimistic.
# - **test**: a fifth of the rows. They were used for nothing else. This is the score to report.
#
# 4.8 % of the patients have the disease. A model that always answers "negative" is right for 95.2 % of them, so the accuracy
# says little. Precision, recall and F1 describe the rare class:
trainer.pos_label_

# %%
# Why training stops early
# ------------------------
#
# ``history_`` has one row per round, set and metric. The loss on the training rows falls with every tree. The loss on
# the validation rows falls at first, and then rises: from there on, more trees only fit noise.
import matplotlib.pyplot as plt

history = trainer.history_
curves = history.pivot_table(index="iteration", columns="set", values="value")
ax = curves.plot(xlabel="round", ylabel=history["metric"].iloc[0], logy=True)
ax.axvline(
    trainer.best_iteration_, color="gray", linestyle=":", label="best round"
)
ax.legend()
plt.tight_layout()

# %%
# Training stopped when the validation loss had not improved for 50 rounds. Predictions use the best round, not the last:
print(trainer.stop_reason_, trainer.best_iteration_, trainer.n_iter_)

# %%
# What would have happened with all 2,000 trees? ``early_stopping=False`` trains them. No validation rows are needed then, so
# the model even gets a tenth more rows to learn from. The test rows are the same, because the seed is.
everything = ManagedTrainer(
    LGBMClassifier(n_estimators=2000),
    test_size=0.2,
    random_state=0,
    early_stopping=False,
)
everything.fit(X, y)

import pandas as pd

pd.DataFrame(
    {
        "best round": trainer.scores_.loc["test"],
        "2,000 rounds": everything.scores_.loc["test"],
    }
).round(3)

# %%
# Accuracy and F1 hardly change, but the log loss is more than twice as large: the probabilities of the long fit are close to 0 or
# 1 even where the model is wrong. If you use probabilities, this is the difference that matters.
#
# Predict
# -------
#
# The trainer takes rows of the table as they are and returns the labels of ``y``. The columns of the probabilities are in the
# order of ``classes_``.
print(trainer.predict(X.head(3)))
print(trainer.classes_)
print(trainer.predict_proba(X.head(3)).round(3))

# %%
# How reliable is the score?
# --------------------------
#
# One test set has only 30 patients with the disease, so its recall changes by 0.03 with every single patient. Cross-validation
# scores each row once. Each fold splits off its own validation rows and stops at its own best round.
cross_validated = ManagedTrainer(
    LGBMClassifier(n_estimators=2000), cv=5, random_state=0
)
cross_validated.fit(X, y)
results = cross_validated.cv_results_
for metric in ("recall", "average_precision", "log_loss"):
    mean = abs(results[f"mean_test_{metric}"][0])
    std = results[f"std_test_{metric}"][0]
    print(f"{metric}: {mean:.3f} +- {std:.3f}")

# %%
# The report
# ----------
#
# Everything that was decided and measured is in ``report_``: the split, the encoding of each column, seeds, versions, scores,
# and findings about the data. In a notebook it is shown as below, ``print(trainer.report_)`` shows it as text, and
# ``trainer.report_.to_html("report.html")`` writes a page.
trainer.report_
