"""Measure the data audit: false alarms, detected leaks, and its share of the time of a fit.

False alarms are counted on the tables of scikit-learn and on generated tables of twenty
kinds, in which no leak was planted. Leaks are planted in generated tables. Each kind is
repeated with 50 seeds.

    python benchmarks/audit.py [--seeds 50] [--rows 300000]
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.linear_model import LogisticRegression, Ridge

from sktrainer.data.audit.audit import CHECKS, audit_rows
from sktrainer.data.audit.table import AuditTable
from sktrainer.data.inputs import FitInputs, validate_inputs
from sktrainer.splitting.plan import SplitPlan, resolve_kind
from sktrainer.splitting.split import split_rows
from sktrainer.types import Finding

SIZES = (150, 600, 3000)


@dataclass(frozen=True)
class Table:
    """A table and how its rows are split."""

    X: pd.DataFrame
    y: Any
    task: str = "classification"
    split: str = "auto"
    time_column: str | None = None
    groups: Any = None
    shuffle: bool = True


def findings(table: Table, seed: int) -> tuple[Finding, ...]:
    """Return the findings for a split with a fifth of the rows held out as test rows."""
    model = LogisticRegression() if table.task == "classification" else Ridge()
    inputs = FitInputs(table.X, table.y, groups=table.groups, time_column=table.time_column)
    data = validate_inputs(inputs, "auto", model)
    kind = resolve_kind(
        table.split,
        task=data.task,
        has_groups=data.groups is not None,
        has_time=data.time is not None,
    )
    plan = SplitPlan(kind, shuffle=table.shuffle, seed=seed, test_size=0.2)
    split, _ = split_rows(data, plan)
    return audit_rows(AuditTable(data, split.train, split.test, "test", split.kind))


def numbers(rng: np.random.Generator, n_columns: int = 8, n: int | None = None) -> pd.DataFrame:
    """Return a table of normally distributed columns."""
    n = int(rng.choice(SIZES)) if n is None else n
    return pd.DataFrame(
        rng.normal(size=(n, n_columns)), columns=[f"c{i}" for i in range(n_columns)]
    )


def noise(rng: np.random.Generator, X: pd.DataFrame, scale: float = 1.0) -> np.ndarray:
    """Return normal noise for each row."""
    return rng.normal(0, scale, len(X))


def labels(score: Any, share: float = 0.5) -> np.ndarray:
    """Return "yes" for the highest scores and "no" for the others."""
    return np.where(score > np.quantile(score, 1 - share), "yes", "no")


def linear_classes(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, labels(X.c0 + X.c1 + noise(rng, X)))


def linear_numbers(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, X.c0 + X.c1 + noise(rng, X), "regression")


def imbalanced(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, labels(X.c0 + noise(rng, X, 0.5), 0.05))


def five_classes(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, pd.qcut(X.c0 + noise(rng, X, 0.5), 5, labels=list("abcde")).astype(str))


def few_levels(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    color = rng.choice(["red", "green", "blue"], len(X))
    return Table(X.assign(color=color), labels(X.c0 + (color == "red") + noise(rng, X)))


def many_levels(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    town = rng.integers(0, len(X) // 10, len(X))
    effect = rng.normal(size=len(X))[town]
    X = X.assign(town=[f"town {t}" for t in town])
    return Table(X, X.c0 + effect + noise(rng, X), "regression")


def random_gaps(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    y = labels(X.c0 + X.c1 + noise(rng, X))
    return Table(X.mask(rng.random(X.shape) < 0.2), y)


def informative_gaps(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    y = labels(X.c0 + noise(rng, X, 0.5))
    X["c0"] = X["c0"].mask(X["c0"] > 0.5)
    return Table(X, y)


def heavy_tails(rng: np.random.Generator) -> Table:
    X = (2 * numbers(rng)).apply(np.exp)
    return Table(X, X.c0 * np.exp(noise(rng, X)), "regression")


def counts(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, rng.poisson(np.exp(0.5 * X.c0 + 1)), "regression")


def whole_numbers(rng: np.random.Generator) -> Table:
    X = (10 * numbers(rng)).round().astype(int)
    return Table(X, labels(X.c0 + X.c1 + noise(rng, X, 10)))


def few_combinations(rng: np.random.Generator) -> Table:
    X = pd.DataFrame(rng.integers(0, 3, (int(rng.choice(SIZES)), 4)), columns=list("abcd"))
    X = X.astype(str)
    return Table(X, labels((X.a == "0") + noise(rng, X)))


def survey(rng: np.random.Generator) -> Table:
    kind = rng.integers(0, 4, int(rng.choice(SIZES)))
    likely = rng.dirichlet(np.ones(5) * 0.7, (4, 12))
    draws = rng.random((len(kind), 12))
    answers = (draws[:, :, None] > likely.cumsum(axis=2)[kind]).sum(axis=2) + 1
    X = pd.DataFrame(answers, columns=[f"question {i}" for i in range(12)])
    return Table(X, labels((kind == 0) + noise(rng, X)))


def sparse_flags(rng: np.random.Generator) -> Table:
    X = pd.DataFrame(rng.random((int(rng.choice(SIZES)), 30)) < 0.05).astype(int)
    X.columns = [f"flag {i}" for i in range(30)]
    return Table(X, labels(X.sum(axis=1) + noise(rng, X)))


def unrelated_dates(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    born = pd.Timestamp("1950-01-01") + pd.to_timedelta(rng.integers(0, 20_000, len(X)), "D")
    return Table(X.assign(born=born), labels(X.c0 + noise(rng, X)))


def split_by_time(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    X["when"] = pd.date_range("2024-01-01", periods=len(X), freq="h")
    season = np.sin(np.arange(len(X)) / 24)
    return Table(X, X.c0 + season + noise(rng, X), "regression", time_column="when")


def split_by_group(rng: np.random.Generator) -> Table:
    n = int(rng.choice(SIZES))
    patient = rng.integers(0, n // 8, n)
    X = numbers(rng, n=n).assign(age=rng.normal(50, 10, n)[patient])
    effect = rng.normal(size=n)[patient]
    return Table(X, X.c0 + effect + noise(rng, X, 0.5), "regression", groups=patient)


def wide(rng: np.random.Generator) -> Table:
    X = numbers(rng, 300, n=80)
    return Table(X, labels(X.c0 + X.c1 + noise(rng, X)))


def one_strong_column(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, X.c0 + noise(rng, X, 0.3), "regression")


def exclusive_or(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, np.where((X.c0 * X.c1 > 0) ^ (rng.random(len(X)) < 0.02), "yes", "no"))


LEAK_FREE: tuple[Callable[[np.random.Generator], Table], ...] = (
    linear_classes,
    linear_numbers,
    imbalanced,
    five_classes,
    few_levels,
    many_levels,
    random_gaps,
    informative_gaps,
    heavy_tails,
    counts,
    whole_numbers,
    few_combinations,
    survey,
    sparse_flags,
    unrelated_dates,
    split_by_time,
    split_by_group,
    wide,
    one_strong_column,
    exclusive_or,
)

BASES = (linear_classes, linear_numbers, imbalanced, few_levels, random_gaps)


def base(rng: np.random.Generator) -> Table:
    """Return a leak-free table to plant a leak in."""
    return BASES[rng.integers(len(BASES))](rng)


def with_column(table: Table, values: Any) -> Table:
    return replace(table, X=table.X.assign(planted=values))


def target_copy(rng: np.random.Generator) -> Table:
    table = base(rng)
    return with_column(table, table.y)


def target_recoded(rng: np.random.Generator) -> Table:
    table = base(rng)
    if table.task == "classification":
        return with_column(table, np.where(table.y == "yes", 7, 3))
    return with_column(table, np.exp(table.y).astype(np.float32))


def target_with_gaps(rng: np.random.Generator) -> Table:
    table = target_copy(rng)
    column = pd.Series(np.asarray(table.X["planted"]))
    return with_column(table, column.mask(rng.random(len(column)) < 0.2).to_numpy())


def almost_target(rng: np.random.Generator) -> Table:
    table = base(rng)
    if table.task == "regression":
        y = np.asarray(table.y)
        return with_column(table, y + rng.normal(0, 0.05 * y.std(), len(y)))
    score = np.where(table.y == "yes", 1.0, -1.0)
    return with_column(table, score * rng.uniform(0.05, 1, len(score)))


def outcome_codes(rng: np.random.Generator) -> Table:
    table = linear_classes(rng)
    codes = rng.integers(0, 4, len(table.X))
    return with_column(table, [f"{y}-{c}" for y, c in zip(table.y, codes, strict=True)])


def copied_rows(rng: np.random.Generator) -> Table:
    table = base(rng)
    rows = np.arange(len(table.X))
    rows = rng.permutation([*rows, *rng.choice(rows, len(rows) // 5)])
    y = np.asarray(table.y)[rows]
    return replace(table, X=table.X.iloc[rows].reset_index(drop=True), y=y)


def patients(rng: np.random.Generator) -> Table:
    n = int(rng.choice(SIZES))
    patient = rng.integers(0, n // 8, n)
    X = numbers(rng, n=n).assign(patient_id=[f"P{p:05d}" for p in patient])
    return Table(X, X.c0 + 2 * rng.normal(size=n)[patient] + noise(rng, X), "regression")


def unnamed_groups(rng: np.random.Generator) -> Table:
    table = patients(rng)
    height = rng.normal(170, 10, len(table.X)).round(1)
    codes = pd.factorize(table.X["patient_id"])[0]
    X = table.X.drop(columns="patient_id").assign(code=codes, height=height[codes])
    return replace(table, X=X)


def random_walk(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    X["when"] = pd.date_range("2024-01-01", periods=len(X), freq="h").strftime("%d.%m.%Y %H:%M")
    y = np.cumsum(noise(rng, X))
    return Table(X, y, "regression") if rng.random() < 0.5 else Table(X, labels(y))


def unsorted_dates(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    days = rng.integers(0, 1000, len(X))
    X["when"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(days, "D")
    return Table(X, labels(X.c0 + noise(rng, X)), split="time")


def filled_in_later(rng: np.random.Generator) -> Table:
    table = linear_classes(rng)
    present = (table.y == "yes") ^ (rng.random(len(table.X)) < 0.05)
    return with_column(table, np.where(present, rng.normal(size=len(present)), np.nan))


def row_number(rng: np.random.Generator) -> Table:
    table = base(rng)
    return with_column(table, rng.permutation(len(table.X)) + 10_000)


def unique_strings(rng: np.random.Generator) -> Table:
    table = base(rng)
    return with_column(table, [f"{n:x}" for n in rng.integers(2**40, 2**44, len(table.X))])


def constant(rng: np.random.Generator) -> Table:
    return with_column(base(rng), "same")


def new_category(rng: np.random.Generator) -> Table:
    table = replace(linear_classes(rng), shuffle=False, split="random")
    last = np.arange(len(table.X)) >= 0.8 * len(table.X)
    old = rng.choice(["a", "b", "c"], len(table.X))
    return with_column(table, np.where(last & (rng.random(len(last)) < 0.5), "new", old))


def new_range(rng: np.random.Generator) -> Table:
    table = replace(linear_numbers(rng), shuffle=False, split="random")
    return with_column(table, np.arange(len(table.X)) + noise(rng, table.X))


def shifted_column(rng: np.random.Generator) -> Table:
    X = numbers(rng, n=int(rng.choice(SIZES[1:])))
    last, drawn = np.arange(len(X)) >= 0.8 * len(X), rng.random(len(X))
    X["planted"] = np.where(last, 0.3 + 0.3 * drawn, drawn)
    return Table(X, labels(X.c0 + noise(rng, X)), split="random", shuffle=False)


def shifted_target(rng: np.random.Generator) -> Table:
    table = replace(linear_numbers(rng), shuffle=False, split="random")
    return replace(table, y=np.asarray(table.y) + np.linspace(0, 5, len(table.X)))


def amounts_as_labels(rng: np.random.Generator) -> Table:
    X = numbers(rng)
    return Table(X, (100 * X.c0 + noise(rng, X)).round().astype(int))


def labels_as_amounts(rng: np.random.Generator) -> Table:
    table = linear_classes(rng)
    return Table(table.X, (table.y == "yes").astype(float), "regression")


def decimal_comma(rng: np.random.Generator) -> Table:
    table = base(rng)
    amounts = rng.uniform(0, 5000, len(table.X))
    unit = rng.choice(["", " €", "%"])
    return with_column(table, [f"{a:.2f}{unit}".replace(".", ",") for a in amounts])


PLANTED: dict[str, tuple[Callable[[np.random.Generator], Table], ...]] = {
    "SKT101": (target_copy, target_recoded, target_with_gaps),
    "SKT102": (almost_target, outcome_codes),
    "SKT103": (copied_rows,),
    "SKT104": (patients, unnamed_groups),
    "SKT105": (random_walk,),
    "SKT106": (unsorted_dates,),
    "SKT107": (filled_in_later,),
    "SKT201": (row_number, unique_strings),
    "SKT202": (constant,),
    "SKT203": (new_category, new_range),
    "SKT204": (shifted_column,),
    "SKT205": (shifted_target,),
    "SKT206": (amounts_as_labels,),
    "SKT207": (labels_as_amounts,),
    "SKT208": (decimal_comma,),
}


def measure_false_alarms(n_seeds: int) -> tuple[Counter[tuple[str, str]], int]:
    """Return how many fits had a finding, by code and severity, and the number of fits."""
    found: Counter[tuple[str, str]] = Counter()
    n_fits = 0
    for make in LEAK_FREE:
        for seed in range(n_seeds):
            table = make(np.random.default_rng(seed))
            n_fits += 1
            for finding in findings(table, seed):
                found[finding.code, finding.severity] += 1
                print(f"  {make.__name__}, seed {seed}: {finding.message} {finding.detail}")
    for name in ("iris", "wine", "breast_cancer", "digits", "diabetes"):
        bunch = getattr(datasets, f"load_{name}")(as_frame=True)
        task = "regression" if name == "diabetes" else "classification"
        for seed in range(n_seeds):
            n_fits += 1
            for finding in findings(Table(bunch.data, bunch.target, task), seed):
                found[finding.code, finding.severity] += 1
                if seed == 0:
                    print(f"  {name}: {finding.message} {finding.detail}")
    return found, n_fits


def measure_detection(n_seeds: int) -> dict[str, tuple[int, int]]:
    """Return for each code the number of planted leaks that were found, and of all."""
    result = {}
    for code, kinds in PLANTED.items():
        n_found = n_planted = 0
        for make in kinds:
            for seed in range(n_seeds):
                codes = {f.code for f in findings(make(np.random.default_rng(seed)), seed)}
                n_planted += 1
                n_found += code in codes
                if code not in codes:
                    print(f"  not found: {code} {make.__name__}, seed {seed}: {sorted(codes)}")
        result[code] = n_found, n_planted
    return result


def measure_time(n_rows: int) -> list[str]:
    """Return one line per library and table: seconds of the fit, and the audit's share."""
    from lightgbm import LGBMClassifier
    from sklearn.ensemble import HistGradientBoostingClassifier
    from xgboost import XGBClassifier

    from sktrainer import ManagedTrainer
    from sktrainer.testing import mixed_table

    rng = np.random.default_rng(0)
    X = numbers(rng, 20, n=n_rows)
    tables = {
        "20 numbers": (X, labels(X.c0 + X.c1 * X.c2 + noise(rng, X))),
        "9 mixed": mixed_table(n_rows, "classification"),
    }
    lines = []
    for model in (
        LGBMClassifier(verbose=-1),
        XGBClassifier(),
        HistGradientBoostingClassifier(),
    ):
        for name, table in tables.items():
            trainer = ManagedTrainer(model, test_size=0.2, random_state=0)
            start = time.perf_counter()
            stages = trainer.fit(*table).report_.stages.set_index("stage")["seconds"]
            total = time.perf_counter() - start
            share = 100 * stages["audit"] / total
            lines.append(
                f"{type(model).__name__}, {name}: fit {total:.2f} s, audit "
                f"{stages['audit']:.3f} s, {share:.1f} %"
            )
    return lines


def main() -> None:
    """Print the rates and times."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=50)
    parser.add_argument("--rows", type=int, default=300_000)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    alarms, n_fits = measure_false_alarms(arguments.seeds)
    detected = measure_detection(arguments.seeds)
    print(f"\nFalse alarms in {n_fits:,} fits without a leak, and detected leaks")
    for code, check in sorted(CHECKS.items()):
        loud, notes = alarms[code, "error"] + alarms[code, "warning"], alarms[code, "note"]
        n_found, n_planted = detected[code]
        print(
            f"{code} {check.name:24} warnings {100 * loud / n_fits:.2f} %, notes "
            f"{100 * notes / n_fits:.2f} %, detected {100 * n_found / n_planted:.1f} % of "
            f"{n_planted}"
        )
    total = sum(n for (_, severity), n in alarms.items() if severity != "note")
    print(f"all checks: warnings in at most {100 * total / n_fits:.2f} % of the fits\n")
    if arguments.rows:
        print("\n".join(measure_time(arguments.rows)))


if __name__ == "__main__":
    main()
