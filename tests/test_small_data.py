"With few ratings BiasedMF is never worse than damped means (`bench/bench.py sizes` has more splits)"
import numpy as np
import pandas as pd
import pytest
from collab_course.biased_mf import BiasedMF
from collab_course.data import load_ratings, split_folds, split_random
from collab_course.evaluation import evaluate
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans


def rmse(model, table, split): return evaluate(model, table, split, k=None).rmse


def part_of_movielens(n, seed):
    "The ratings of random users, some `n` of them"
    df = load_ratings()
    users = np.random.default_rng(seed).permutation(df.user.unique())
    enough = 1 + (df.groupby('user').size().loc[users].cumsum() < n).sum()
    return df[df.user.isin(users[:enough])].reset_index(drop=True)


def synthetic(n, seed):
    "Ratings of a planted rank of 8, of which half is noise, items by Zipf's law"
    rng = np.random.default_rng(seed)
    users, items = max(10, n//100), max(20, int(4*n**.5))
    often = 1/np.arange(1, items+1)**.8
    u, i = rng.integers(0, users, n), rng.choice(items, n, p=often/often.sum())
    P, Q = rng.normal(size=(users, 8))*.6, rng.normal(size=(items, 8))*.4
    stars = 3.5 + .4*rng.normal(size=users)[u] + .5*rng.normal(size=items)[i] + (P[u]*Q[i]).sum(axis=1)
    stars = (stars + .7*rng.normal(size=n)).round().clip(1, 5)
    return pd.DataFrame(dict(user=u, movie=i, rating=stars)).drop_duplicates(['user', 'movie'])


@pytest.mark.parametrize('make', [part_of_movielens, synthetic], ids=lambda f: f.__name__)
@pytest.mark.parametrize('n', [500, 1500, 5000])
def test_never_worse_than_damped_means(make, n):
    "Over 20 splits the mean difference of RMSE is at most two standard errors above 0"
    def difference(seed):
        table = Ratings(make(n, seed))
        split = split_random(table, seed=seed)
        return rmse(BiasedMF(seed=seed), table, split) - rmse(DampedMeans(), table, split)
    differences = [difference(seed) for seed in range(20)]
    assert np.mean(differences) <= 2*np.std(differences, ddof=1)/20**.5


def test_canonical_folds_lose_nothing():
    "RMSE on u1 to u5; 0.1.0 had .9066, the mean over three seeds"
    df = load_ratings()
    table = Ratings(df)
    assert np.mean([rmse(BiasedMF(), table, split) for split in split_folds(df)]) < .907
