"""
Train on imbalanced data
========================

One class in twenty: an accuracy of 95 % is what a constant achieves. This tutorial shows which scores to read, what resampling
and class weights do to them, why resampling before the split gives scores that are too good, and how to keep probabilities
usable.
"""

# %%
# Scores that show the rare class
# -------------------------------
#
# 4.8 % of the patients have hypothyroidism. We train a logistic regression, which needs encoded, imputed and scaled columns.
# ``ManagedTrainer`` adds these steps and fits them on training rows only.
from sklearn.linear_model import LogisticRegression

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)
metrics = [
    "accuracy",
    "precision",
    "recall",
    "f1",
    "average_precision",
    "neg_log_loss",
]
model = LogisticRegression(max_iter=1000)
trainer = ManagedTrainer(
    model, cv=5, scoring=metrics, random_state=0, audit=False
)
trainer.fit(X, y)
trainer.report_.folds.round(3)

# %%
# Precision, recall, F1 and average precision are those of the rarer class, "hypothyroid". ``pos_label`` sets another one. Read
# average precision to compare models: it does not depend on a threshold, and for a constant it is 0.048.
#
# Resample before the split: the mistake
# --------------------------------------
#
# A common way is to balance the table first and to cross-validate afterwards. SMOTE creates rows between two existing ones.
# If it sees all rows, a test row and a synthetic training row next to it describe the same patient:
import pandas as pd
from imblearn.over_sampling import SMOTE
from sklearn.ensemble import RandomForestClassifier
from sklearn.model_selection import cross_val_score

numbers = X.select_dtypes("number").fillna(-1)
is_ill = (y == "hypothyroid").astype(int)
forest = RandomForestClassifier(random_state=0)
X_balanced, y_balanced = SMOTE(random_state=0).fit_resample(numbers, is_ill)
leaked = cross_val_score(
    forest, X_balanced, y_balanced, cv=5, scoring="f1"
).mean()

# %%
# ``ManagedTrainer`` resamples the training rows of each fold and scores rows that are left as they are:
inside = ManagedTrainer(
    forest, handle_imbalance="smote", cv=5, scoring="f1", random_state=0
)
inside.fit(numbers, is_ill)
honest = inside.cv_results_["mean_test_score"][0]
print(f"F1, resampled before the split: {leaked:.3f}")
print(f"F1, resampled in each fold:     {honest:.3f}")

# %%
# The first number is not a better model, it is a wrong number. It would not be seen on new patients.
#
# Which method?
# -------------
#
# All methods see training rows only, so they can be compared:
rows = {}
for method in (None, "class_weight", "smote", "oversample", "undersample"):
    trainer = ManagedTrainer(
        model,
        handle_imbalance=method,
        cv=5,
        scoring=metrics,
        random_state=0,
        audit=False,
    ).fit(X, y)
    results = trainer.cv_results_
    rows[str(method)] = {
        name.removeprefix("neg_"): abs(results[f"mean_test_{name}"][0])
        for name in metrics
    }
pd.DataFrame(rows).T.round(3)

# %%
# Every method finds more of the patients with the disease (recall) and raises more false alarms (precision). Average precision
# shows that none ranks the patients better. The methods mostly move the threshold, at a price: the log loss is about
# twice as large or more, because the model was trained on a table in which half of the rows are "hypothyroid" and now overestimates
# the probability of this class.
#
# Keep the probabilities usable
# -----------------------------
#
# ``correct_probabilities=True`` undoes this shift in ``predict_proba``. ``predict`` keeps the decisions of the weighted model.
plain = ManagedTrainer(
    model, test_size=0.3, handle_imbalance="class_weight", random_state=0
)
corrected = ManagedTrainer(
    model,
    test_size=0.3,
    handle_imbalance="class_weight",
    correct_probabilities=True,
    random_state=0,
)
pd.DataFrame(
    {
        "weighted": plain.fit(X, y).scores_.loc["test"],
        "weighted and corrected": corrected.fit(X, y).scores_.loc["test"],
    }
).round(3)

# %%
# The mean predicted probability shows the same. The share of the class in the table is 0.048:
for name, trainer in (("weighted", plain), ("corrected", corrected)):
    column = trainer.classes_.tolist().index("hypothyroid")
    print(f"{name}: {trainer.predict_proba(X)[:, column].mean():.3f}")

# %%
# Choose the threshold instead
# ----------------------------
#
# If a missed patient costs more than a false alarm, it is often enough to train an ordinary model and to move the threshold.
# scikit-learn's ``TunedThresholdClassifierCV`` chooses it by cross-validation. A trainer is an estimator, so it can be used
# inside:
from sklearn.metrics import fbeta_score, make_scorer
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split

X_train, X_test, y_train, y_test = train_test_split(
    X, is_ill, test_size=0.3, stratify=is_ill, random_state=0
)
tuned = TunedThresholdClassifierCV(
    ManagedTrainer(model, random_state=0, audit=False),
    scoring=make_scorer(
        fbeta_score, beta=2
    ),  # recall counts more than precision
    cv=5,
    random_state=0,
)
tuned.fit(X_train, y_train)
default = fbeta_score(y_test, tuned.estimator_.predict(X_test), beta=2)
print(f"threshold 0.5:  F2 {default:.3f}")
moved = fbeta_score(y_test, tuned.predict(X_test), beta=2)
print(f"threshold {tuned.best_threshold_:.2f}: F2 {moved:.3f}")

# %%
# The probabilities are still those of the ordinary model. ``handle_imbalance`` is the better choice if only ``predict``
# is used, or if undersampling makes a fit on many rows affordable.
import matplotlib.pyplot as plt
from sklearn.metrics import PrecisionRecallDisplay

ax = plt.gca()
PrecisionRecallDisplay.from_estimator(
    tuned, X_test, y_test, ax=ax, name="logistic regression"
)
ax.set_title("Every threshold is one point of this curve")
plt.tight_layout()
