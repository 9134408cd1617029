from __future__ import annotations

import numpy as np
import pytest

from sktrainer.scoring.resamples import N_RESAMPLES, Resampling, block_length


def _autocorrelated(seed, n_rows=400, factor=0.8):
    noise = np.random.default_rng(seed).normal(size=n_rows + 100)
    for i in range(1, len(noise)):
        noise[i] += factor * noise[i - 1]
    return noise[100:]


def _all_weights(resampling):
    return np.concatenate(list(resampling.weights()))


@pytest.mark.parametrize(
    "resampling",
    [
        Resampling(50, seed=1),
        Resampling(50, order=np.arange(50), block=7, seed=1),
        Resampling(50, groups=np.repeat(np.arange(10), 5), seed=1),
    ],
    ids=["rows", "blocks", "groups"],
)
def test_each_resample_has_as_many_rows_as_the_set(resampling):
    weights = _all_weights(resampling)
    assert weights.shape == (N_RESAMPLES, 50)
    assert (weights.sum(axis=1) == 50).all()
    np.testing.assert_allclose(weights.mean(axis=0), 1.0, atol=0.6)


def test_a_block_holds_neighbors_in_time_order():
    order = np.random.default_rng(0).permutation(60)
    weights = _all_weights(Resampling(60, order=order, block=10, seed=0))[:, order]
    # Six blocks begin and end at most six runs of equal weights each.
    changes = (np.diff(weights, axis=1) != 0).sum(axis=1)
    assert changes.max() <= 12
    assert set(changes) != {0}


def test_chunks_do_not_change_the_resamples(monkeypatch):
    resampling = Resampling(40, order=np.arange(40), block=4, seed=3)
    whole = _all_weights(resampling)
    monkeypatch.setattr("sktrainer.scoring.resamples._CHUNK", 40 * 7)
    assert np.array_equal(_all_weights(resampling), whole)


@pytest.mark.parametrize(("factor", "limits"), [(0.0, (1, 4)), (0.5, (4, 20)), (0.9, (20, 80))])
def test_blocks_are_longer_for_stronger_dependence(factor, limits):
    lengths = [block_length(_autocorrelated(seed, 1000, factor)) for seed in range(10)]
    assert limits[0] <= np.median(lengths) <= limits[1]


@pytest.mark.parametrize("values", [np.zeros(100), np.ones(3), np.arange(5.0)])
def test_too_few_or_equal_errors_have_blocks_of_one_row(values):
    assert block_length(values) == 1


def test_blocks_cover_the_mean_of_dependent_rows_and_single_rows_do_not():
    covered = {"rows": 0, "blocks": 0}
    for seed in range(200):
        values = _autocorrelated(seed)
        order = np.arange(len(values))
        for name, block in (("rows", 1), ("blocks", block_length(values))):
            weights = _all_weights(Resampling(len(values), order=order, block=block, seed=seed))
            low, high = np.quantile(weights @ values / len(values), [0.025, 0.975])
            covered[name] += low < 0 < high
    assert covered["rows"] < 110  # of 200; 95 % would be 190
    assert covered["blocks"] > 165
