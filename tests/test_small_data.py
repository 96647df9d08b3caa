"With few ratings BiasedMF is never worse than damped means (`bench/bench.py sizes` has more splits)"
import numpy as np
import pytest
from collab_course.biased_mf import BiasedMF
from collab_course.data import load_ratings, split_folds, split_random
from collab_course.evaluation import evaluate
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans
from made import by_user, planted


def rmse(model, table, split): return evaluate(model, table, split, k=None).rmse


@pytest.mark.parametrize('make', [by_user, planted], ids=lambda f: f.__name__)
@pytest.mark.parametrize('n', [500, 1500, 5000])
def test_never_worse_than_damped_means(make, n):
    "Over 20 splits the mean difference of RMSE is at most two standard errors above 0"
    def difference(seed):
        table = Ratings(make(load_ratings(), n, np.random.default_rng(seed)))
        split = split_random(table, seed=seed)
        return rmse(BiasedMF(seed=seed), table, split) - rmse(DampedMeans(), table, split)
    differences = [difference(seed) for seed in range(20)]
    assert np.mean(differences) <= 2*np.std(differences, ddof=1)/20**.5


def test_canonical_folds_lose_nothing():
    "RMSE on u1 to u5; 0.1.0 had .9066, the mean over three seeds"
    df = load_ratings()
    table = Ratings(df)
    assert np.mean([rmse(BiasedMF(), table, split) for split in split_folds(df)]) < .907
