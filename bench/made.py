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


# Users, items and ratings of MovieLens' data sets, from their READMEs, and what lies between
SHAPES = {'ml-100k': (943, 1682, 100_000), 'ml-300k': (2500, 2500, 300_000),
          'ml-1m': (6040, 3706, 1_000_209), 'ml-3m': (20_000, 6000, 3_000_000),
          'ml-10m': (69_878, 10_677, 10_000_054), 'ml-25m': (162_541, 59_047, 25_000_095)}


def pairs(shape, rng):
    "Users and items of a shape's ratings, no pair twice: a power law, and Zipf-Mandelbrot's"
    n_users, n_items, n = SHAPES[shape]
    def draw(k, n_ids, power, shift):
        p = (np.arange(1, n_ids+1) + shift*n_ids)**-power
        return np.searchsorted(p.cumsum()/p.sum(), rng.random(k, dtype='float32')).clip(max=n_ids-1)
    found = np.zeros(0, 'int64')
    while len(found) < n:
        k = int(1.2*(n-len(found))) + 1000
        found = np.sort(np.r_[found, draw(k, n_users, .5, 0)*n_items + draw(k, n_items, 1.8, .02)])
        found = found[np.r_[True, found[1:] != found[:-1]]]
    found = np.sort(rng.permutation(found)[:n]) # by user, as MovieLens' files are
    def ids(n_ids): return rng.permutation(n_ids).astype('int32')
    return ids(n_users)[found//n_items], ids(n_items)[found%n_items]


def random_ratings(shape, seed=0):
    "Ratings of a shape that say nothing, for measuring time and memory"
    rng = np.random.default_rng(seed)
    user, movie = pairs(shape, rng)
    stars = rng.integers(1, 6, len(user)).astype('float32')
    return pd.DataFrame({'user': user, 'movie': movie, 'rating': stars})


def planted_ratings(shape, seed=0, rank=8, noise=.75, clusters=None):
    """Half stars of a shape, made by biases, `rank` factors and noise; each user's factors are their own
    or, with `clusters`, those of one of so many kinds, and a little of their own. With them the ratings
    that the truth would give, without noise"""
    rng = np.random.default_rng(seed)
    user, movie = pairs(shape, rng)
    n_users, n_items, _ = SHAPES[shape]
    bias = .42*rng.standard_normal(n_users), .5*rng.standard_normal(n_items)
    size = np.sqrt([1, .6, .4, .3, .2, .15, .1, .1] + [.05]*max(0, rank-8))[:rank]
    P, Q = rng.standard_normal((n_users, rank)), rng.standard_normal((n_items, rank))
    if clusters: P = .9*P[rng.integers(clusters, size=n_users)] + .43*P
    P = (P*.5*size/np.sqrt((size**2).sum())).astype('float32')
    Q, truth = Q.astype('float32'), np.empty(len(user), 'float32')
    for some in np.array_split(np.arange(len(user)), len(user)//1_000_000 + 1):
        u, i = user[some], movie[some]
        truth[some] = 3.5 + bias[0][u] + bias[1][i] + np.einsum('ij,ij->i', P[u], Q[i])
    stars = truth + noise*rng.standard_normal(len(user), dtype='float32')
    stars = np.clip(np.round(2*stars)/2, .5, 5).astype('float32')
    return pd.DataFrame({'user': user, 'movie': movie, 'rating': stars}), truth.clip(.5, 5)


def planted_split(shape, share=.02):
    """Planted ratings: a frame to train on, one held out, of users and items that are in the first, and
    the ratings that the truth would give for the latter"""
    df, truth = planted_ratings(shape)
    out = np.random.default_rng(1).random(len(df)) < share
    train = df[~out].reset_index(drop=True)
    out &= df.user.isin(train.user) & df.movie.isin(train.movie)
    return train, df[out].reset_index(drop=True), truth[out]
