"""Train LightGBM on the hypothyroid table, print the report, and save the report and the model.

Run this example with ``make demo`` or ``python examples/demo.py``.
"""

from lightgbm import LGBMClassifier

from sktrainer import train_model
from sktrainer.datasets import load_hypothyroid


def main() -> None:
    """Train a model, print its report and the paths of the saved files."""
    table = load_hypothyroid()
    is_hypothyroid = (table.target == "hypothyroid").astype(int).rename("hypothyroid")

    result = train_model(
        LGBMClassifier(n_estimators=1000, learning_rate=0.05, verbose=-1),
        table.data,
        is_hypothyroid,
    )
    assert result.model_path is not None
    page = result.report.to_html(result.model_path.with_suffix(".html"))

    print(f"\n{result.report}\n")
    print(f"Model:  {result.model_path}")
    print(f"Report: {page}")


if __name__ == "__main__":
    main()
