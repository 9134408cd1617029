"""
Train a network on a mixed table
================================

A network needs numbers without gaps and of similar size. A table has text, missing values, and columns such as "income" next to
columns such as "age". This tutorial trains a PyTorch module on such a table, shows what the encoding contributes, and compares
the network with gradient boosting.
"""

# %%
# A module is enough
# ------------------
#
# Pass the class of the module. Loss, batch size, number of epochs, optimizer and the network's input width are set from the
# data; each can be overridden. ``nn.LazyLinear`` takes its input width from the first batch, and ``n_outputs`` gets the number
# of classes.
import torch
from torch import nn

from sktrainer import ManagedTrainer
from sktrainer.datasets import load_hypothyroid

X, y = load_hypothyroid(return_X_y=True)


class Net(nn.Module):
    """Two hidden layers."""

    def __init__(self, hidden=32, dropout=0.2, n_outputs=2):
        super().__init__()
        self.layers = nn.Sequential(
            nn.LazyLinear(hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, n_outputs),
        )

    def forward(self, X):
        """Return one logit per class."""
        return self.layers(X)


trainer = ManagedTrainer(
    Net, task="classification", test_size=0.2, random_state=0
)
trainer.fit(X, y)
trainer.scores_.round(3)

# %%
# What the network received
# -------------------------
#
# The module was trained on encoded columns, not on the table. The report shows what was done with each column. Text became
# one column per value, numbers were imputed and scaled, and a column that says where a number was missing was added. All of
# this was learned from the training rows.
print(str(trainer.report_).split("\n\n")[1])

# %%
# ``pipeline_`` has the fitted steps. Its first step shows the encoded rows:
encoder = trainer.pipeline_[0]
names = encoder.get_feature_names_out()
print(len(X.columns), "columns became", len(names))
print(encoder.transform(X.head(1)).shape, list(names[:6]))

# %%
# Rows for early stopping are needed as for boosting. An epoch is one pass over the training rows. After the best epoch, the
# network only learns the training rows by heart:
import matplotlib.pyplot as plt

losses = trainer.history_.query("metric == 'loss'")
curves = losses.pivot_table(index="iteration", columns="set", values="value")
ax = curves.plot(xlabel="epoch", ylabel="loss")
ax.axvline(trainer.best_iteration_, color="gray", linestyle=":")
plt.tight_layout()

# %%
# What happens without scaling?
# -----------------------------
#
# A common mistake with networks is to pass the numbers as they are. How much it costs depends on the table. In the wine
# data of scikit-learn, one of 13 columns has values around 750 and the others are below 200. The large column dominates
# the gradients at first. ``scaling=False`` shows the difference in three folds:
import pandas as pd
from sklearn.datasets import load_wine

wine, cultivar = load_wine(return_X_y=True, as_frame=True)
accuracy = {}
for name, scaling in (("scaled (default)", "auto"), ("not scaled", False)):
    folds = ManagedTrainer(
        Net, task="classification", scaling=scaling, cv=3, random_state=0
    )
    folds.fit(wine, cultivar)
    accuracy[name] = folds.report_.folds["accuracy"]
pd.DataFrame(accuracy).agg(["mean", "min", "max"]).round(2)

# %%
# Parameters of the module and of the training
# --------------------------------------------
#
# ``estimator__`` sets both: arguments of ``Net`` and parameters of the training, which are those of skorch. They can be
# tuned like the parameters of any other model.
tuned = ManagedTrainer(
    Net, task="classification", test_size=0.2, random_state=0
)
tuned.set_params(
    estimator__hidden=64,
    estimator__dropout=0.4,
    estimator__optimizer=torch.optim.AdamW,
    estimator__optimizer__weight_decay=0.01,
)
tuned.fit(X, y)
print(tuned.best_iteration_, tuned.n_iter_, tuned.stop_reason_)

# %%
# Does a network pay off?
# -----------------------
#
# On tables of this size, gradient boosting is usually the better first model. The comparison takes one line, because everything
# else stays the same, including the rows of each set:
from lightgbm import LGBMClassifier

boosting = ManagedTrainer(LGBMClassifier(), test_size=0.2, random_state=0).fit(
    X, y
)
pd.DataFrame(
    {
        "network": trainer.scores_.loc["test"],
        "network, other parameters": tuned.scores_.loc["test"],
        "LightGBM": boosting.scores_.loc["test"],
    }
).round(3)

# %%
# Networks are worth the effort when rows have images, sequences or several inputs besides the table. See
# :doc:`/networks` for these, for Keras, regression targets and mixed precision.
