"Ratings to measure with: parts of MovieLens, and synthetic ones whose truth is known"
import numpy as np
import pandas as pd


def by_user(df, n, rng):
    "The ratings of random users, some `n` of them"
    users = rng.permutation(df.user.unique())
    enough = 1 + (df.groupby('user').size().loc[users].cumsum() < n).sum()
    return df[df.user.isin(users[:enough])].reset_index(drop=True)


def by_row(df, n, rng):
    "Random rows, `n` of them"
    return df.iloc[rng.permutation(len(df))[:n]].reset_index(drop=True)


def planted(df, n, rng):
    "Synthetic ratings of a rank of 8, of which half is noise; items by Zipf's law; `df` is not used"
    users, items = max(10, n//100), max(20, int(4*n**.5))
    often = 1/np.arange(1, items+1)**.8
    u, i = rng.integers(0, users, n), rng.choice(items, n, p=often/often.sum())
    P, Q = rng.normal(size=(users, 8))*.6, rng.normal(size=(items, 8))*.4
    stars = 3.5 + .4*rng.normal(size=users)[u] + .5*rng.normal(size=items)[i] + (P[u]*Q[i]).sum(axis=1)
    stars = (stars + .7*rng.normal(size=n)).round().clip(1, 5)
    made = pd.DataFrame({'user': u, 'movie': i, 'rating': stars})
    return made.drop_duplicates(['user', 'movie']).reset_index(drop=True)


# Users, items and ratings of MovieLens' data sets, from their READMEs
SHAPES = {'ml-1m': (6040, 3706, 1_000_209), 'ml-10m': (69_878, 10_677, 10_000_054),
          'ml-25m': (162_541, 59_047, 25_000_095)}


def synthetic_ratings(shape, seed=0):
    "Ratings of a shape, no pair twice: users by a power law, items by a flattened one (Zipf-Mandelbrot)"
    n_users, n_items, n = SHAPES[shape]
    rng = np.random.default_rng(seed)
    def draw(k, n_ids, power, shift):
        p = (np.arange(1, n_ids+1) + shift*n_ids)**-power
        return np.searchsorted(p.cumsum()/p.sum(), rng.random(k, dtype='float32')).clip(max=n_ids-1)
    pairs = np.zeros(0, 'int64')
    while len(pairs) < n:
        k = int(1.2*(n-len(pairs))) + 1000
        pairs = np.sort(np.r_[pairs, draw(k, n_users, .5, 0)*n_items + draw(k, n_items, 1.8, .02)])
        pairs = pairs[np.r_[True, pairs[1:] != pairs[:-1]]]
    pairs = np.sort(rng.permutation(pairs)[:n]) # by user, as MovieLens' files are
    def ids(n_ids): return rng.permutation(n_ids).astype('int32')
    return pd.DataFrame({'user': ids(n_users)[pairs//n_items], 'movie': ids(n_items)[pairs%n_items],
                         'rating': rng.integers(1, 6, n).astype('float32')})
