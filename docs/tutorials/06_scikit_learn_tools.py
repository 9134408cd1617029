"""
Tune, stack, calibrate and explain a trainer
============================================

A ``ManagedTrainer`` is a scikit-learn estimator. This tutorial uses it inside the tools that scikit-learn has for estimators, and
shows how to get at the model inside for tools that need it, such as SHAP.
"""

# %%
# Tune with GridSearchCV
# ----------------------
#
# Parameters of the model have the prefix ``estimator__``. The number of trees is not tuned: each candidate stops early in each
# fold, on validation rows that are taken from the training rows of the fold.
#
# The usual mistake is to pass one fixed validation set to all folds, or to use the test rows of the fold for stopping. Then the
# rows that score a candidate have also chosen its number of trees, and its score is too good.
from lightgbm import LGBMClassifier
from sklearn.model_selection import GridSearchCV, train_test_split

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(
    X, y, test_size=0.25, stratify=y, random_state=0
)

trainer = ManagedTrainer(
    LGBMClassifier(n_estimators=1000), random_state=0, audit=False
)
search = GridSearchCV(
    trainer,
    {"estimator__num_leaves": [7, 31], "estimator__learning_rate": [0.05, 0.2]},
    scoring="neg_log_loss",
    cv=3,
)
search.fit(X_train, y_train)
print(search.best_params_)
print(f"log loss in the folds: {-search.best_score_:.3f}")
print(f"log loss on new rows:  {-search.score(X_test, y_test):.3f}")

# %%
# ``best_estimator_`` is a fitted trainer, with its report, history and ``save``:
best = search.best_estimator_
print(best.best_iteration_, best.stop_reason_)

# %%
# Stack different models
# ----------------------
#
# Each trainer encodes the table as its model needs it, so a linear model and a boosted model can be stacked on the
# same table without a common preprocessing step.
import pandas as pd
from sklearn.base import clone
from sklearn.ensemble import StackingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

boosted = clone(best)
linear = ManagedTrainer(
    LogisticRegression(max_iter=1000), random_state=0, audit=False
)
stack = StackingClassifier(
    [("boosted", boosted), ("linear", linear)],
    final_estimator=LogisticRegression(),
    cv=3,
)
losses = {}
for name, model in (("boosted", boosted), ("linear", linear), ("stack", stack)):
    probabilities = model.fit(X_train, y_train).predict_proba(X_test)
    losses[name] = log_loss(y_test, probabilities, labels=model.classes_)
pd.Series(losses, name="log loss on new rows").round(4)

# %%
# Stacking pays off when models make different mistakes and none is much better than the others. Here, the boosted model is much
# better alone, and the stack is worse than it. Compare before you deploy several models instead of one.
#
# Calibrate probabilities
# -----------------------
#
# A model that was trained with class weights overestimates the probability of the rare class. Calibration learns a
# correction from rows that the model has not seen, here in three folds.
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay

weighted = ManagedTrainer(
    LogisticRegression(max_iter=1000),
    handle_imbalance="class_weight",
    random_state=0,
    audit=False,
)
calibrated = CalibratedClassifierCV(weighted, method="sigmoid", cv=3)
for name, model in (("weighted", weighted), ("calibrated", calibrated)):
    probabilities = model.fit(X_train, y_train).predict_proba(X_test)
    print(
        f"{name}: log loss {log_loss(y_test, probabilities, labels=model.classes_):.3f}"
    )

# %%
import matplotlib.pyplot as plt

fig, ax = plt.subplots()
for name, model in (("weighted", weighted), ("calibrated", calibrated)):
    CalibrationDisplay.from_estimator(
        model,
        X_test,
        y_test,
        pos_label="hypothyroid",
        n_bins=8,
        strategy="quantile",
        name=name,
        ax=ax,
    )
ax.set_title("Predicted and observed share of hypothyroid patients")
plt.tight_layout()

# %%
# Each point is an eighth of the patients; all but the last are close to zero. The weighted model gives the patients of its last
# point a probability of 0.7 on average, but fewer than 40 % of them have the disease. For the shift that class weights and
# resampling cause, ``correct_probabilities=True`` does the same without further fits.
#
# Choose a threshold
# ------------------
#
# ``TunedThresholdClassifierCV`` changes the decisions and keeps the probabilities. The linear model misses one
# in six of the patients with the disease at the default threshold of 0.5. We choose the threshold with the highest precision of those that
# find at least 90 % of them.
from sklearn.metrics import make_scorer, precision_score, recall_score
from sklearn.model_selection import TunedThresholdClassifierCV


def precision_at_high_recall(y_true, y_pred):
    """Return the precision, or 0 if the recall is too low."""
    recall = recall_score(y_true, y_pred, pos_label="hypothyroid")
    precision = precision_score(
        y_true, y_pred, pos_label="hypothyroid", zero_division=0
    )
    return precision if recall >= 0.9 else 0.0


threshold = TunedThresholdClassifierCV(
    linear, scoring=make_scorer(precision_at_high_recall), cv=3, random_state=0
)
threshold.fit(X_train, y_train)
for name, model in (("default", threshold.estimator_), ("tuned", threshold)):
    predicted = model.predict(X_test)
    recall = recall_score(y_test, predicted, pos_label="hypothyroid")
    precision = precision_score(y_test, predicted, pos_label="hypothyroid")
    print(f"{name} threshold: recall {recall:.2f}, precision {precision:.2f}")

# %%
# All patients with the disease are found, at the price of more false alarms. The threshold was chosen on the training rows. On
# 38 patients, recall varies by several hundredths, so do not rely on exactly 90 % for new ones.
#
# Importances of the columns of your table
# ----------------------------------------
#
# ``feature_importances_`` has one value per column of the table, summed over the columns that it was encoded as. How often a
# tree uses a column says little about how much the predictions depend on it. Permutation importance measures that, on rows
# that were not used for training, and works with any trainer because it permutes the columns of the table.
from sklearn.inspection import permutation_importance

permuted = permutation_importance(
    best, X_test, y_test, scoring="neg_log_loss", n_repeats=3, random_state=0
)
pd.DataFrame(
    {
        "splits in the trees": best.feature_importances_,
        "increase of the log loss": permuted.importances_mean,
    },
    index=best.feature_names_in_,
).nlargest(6, "increase of the log loss").round(3)

# %%
# Explain single predictions with SHAP
# ------------------------------------
#
# SHAP needs the model of the library and the rows that it was trained on. ``model_`` is the fitted ``LGBMClassifier``, and
# ``pipeline_[:-1]`` are the steps before it. The columns have names, so the plot can be read.
import shap

encode = best.pipeline_[:-1]
rows = pd.DataFrame(
    encode.transform(X_test), columns=encode.get_feature_names_out()
)
explainer = shap.TreeExplainer(best.model_)
values = explainer(rows)
print(values.shape)

# %%
# The model was trained on class codes: the positions in ``classes_``. Its output belongs to code 1:
print(best.classes_[1])

# %%
# Contributions to the log odds of "negative" for one patient with the disease. Bars to the left are reasons for the disease.
patient = int((y_test == "hypothyroid").to_numpy().argmax())
shap.plots.waterfall(values[patient], max_display=7, show=False)
plt.tight_layout()
