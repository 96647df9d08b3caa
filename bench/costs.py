"""What a fit, questions and files cost at a size, MovieLens-25M's as it comes

`python bench/costs.py STEP SHAPE FILE` measures a step and prints its rows as JSON; each step runs in a
process of its own, so that its peak of memory is its own. `make bench ARGS=costs` measures them all."""
import json
import sys
import tempfile
import warnings
from pathlib import Path
from statistics import median
from unittest import mock

sys.path.append(str(Path(__file__).resolve().parents[1]/'tools'))

import numpy as np
import pandas as pd
from common import cpu, peak_mb, python
from made import SHAPES, random_ratings

SHAPE, USERS, PAIRS, NAMES, ROWS = 'ml-25m', 1000, 1_000_000, 100_000, 2_500_000
# What each takes at most, at 25M: seconds, or a share of something measured beside it
MOST = {'fit, of training alone': 1.25, 'fit, GB beyond the frame': 2.5, 'text ids, of ints': 2,
        'category ids, of ints': 2, 'Arrow dictionary ids, of ints': 2, 'Arrow text ids, of ints': 2,
        'lists of 1,000 users, of scores and sorts': 1/4, 'evaluate, of its lists': 1.5,
        'similar': .01, 'recommend for a new user': .01, 'find': .02, 'load': 1.5,
        'ImplicitMF, GB beyond the table': 1.5, 'predict 1M pairs of text': .8, 'an unknown name among 100,000': .05,
        'titles of movies.csv, of reading': .5}


def seconds(f, repeats=3):
    "CPU seconds of a call that has been made once before, a median"
    f()
    return median(cpu(f)[0] for _ in range(repeats))


def timed(f):
    "A function that does the same, and a list of the CPU seconds of its calls"
    took = []
    def call(*args, **kwargs):
        spent, result = cpu(lambda: f(*args, **kwargs))
        took.append(spent)
        return result
    return call, took


def fit(ratings):
    "A fit from a frame to a model, in proportion to the training in it, and memory beyond the frame"
    import collab_course.kernel as kernel
    from collab_course.biased_mf import BiasedMF
    from collab_course.ids import tiny_ratings
    warnings.simplefilter('ignore') # stars that say nothing are learned no better than means
    BiasedMF(n_epoch=1).fit(tiny_ratings(), quiet=True) # compiles
    train, took = timed(kernel.train_rows)
    before = peak_mb()
    with mock.patch('collab_course.kernel.train_rows', train):
        whole, _ = cpu(lambda: BiasedMF().fit(ratings, title=None, quiet=True))
    return {'fit': whole, 'training alone': took[0], 'fit, of training alone': whole/took[0],
            'fit, GB beyond the frame': (peak_mb()-before)/1000}


def ids(ratings):
    "A table from ids of every kind, in proportion to that from ints"
    import pyarrow as pa
    from collab_course.ratings import Ratings
    def text(side): # an object for each id, as pandas reads a file
        return pd.Series(np.array([f'a{k}' for k in range(side.max()+1)], object)[side], dtype=object)
    def apart(side): return pd.Series([f'a{k}' for k in side.tolist()], dtype=object)
    def encoded(side): return pd.Series(pa.array(text(side)).dictionary_encode(),
                                        dtype=pd.ArrowDtype(pa.dictionary(pa.int32(), pa.string())))
    kinds = {'ints': lambda side: side, 'text ids': text, 'text ids, each row an object': apart,
             'category ids': lambda side: text(side).astype('category'),
             'Arrow text ids': lambda side: pd.Series(pd.array(text(side), 'string[pyarrow]')),
             'Arrow dictionary ids': encoded}
    rows = {}
    for kind, make in kinds.items():
        df = ratings.assign(user=make(ratings.user), movie=make(ratings.movie))
        rows[kind] = median(cpu(lambda: Ratings(df, title=None))[0] for _ in range(3))
        if kind != 'ints': rows[f'{kind}, of ints'] = rows[kind]/rows['ints']
    return rows


def questions(ratings):
    "What a trained model is asked, its folder, and lists for a thousand users"
    from collab_course import evaluation
    from collab_course.biased_mf import BiasedMF
    from collab_course.recommender import load
    warnings.simplefilter('ignore')
    names = np.array([f'Film {k} ({1900+k%120})' for k in range(ratings.movie.max()+1)], object)
    model = BiasedMF(n_epoch=1).fit(ratings.assign(title=names[ratings.movie]), quiet=True)
    ids, users = model.ratings.items.ids, model.ratings.users.ids[:USERS]
    known = dict(zip(ids[:20].tolist(), [5., 3.]*10))
    rows = {'similar': seconds(lambda: model.similar(ids[7])),
            'recommend for a new user': seconds(lambda: model.recommend(known)),
            'find': seconds(lambda: model.ratings.find('film 4711'))}
    lists = seconds(lambda: model.recommend_all(users=users))
    bias, factors = (side.astype('float64') for side in (model.item_weights[:, 0], model.item_weights[:, 1:]))
    def plain():
        for row in model.ratings.users[users]:
            np.argsort(-(model.user_weights[row, 1:].astype('float64') @ factors.T + bias))
    rows |= {'lists of 1,000 users': lists, 'lists of 1,000 users, of scores and sorts': lists/seconds(plain, 1)}
    many = model.ratings.users.ids[:20*USERS]
    some = np.flatnonzero(np.isin(ratings.user, many))
    held = np.random.default_rng(0).permutation(some)[:len(some)//5]
    split = np.setdiff1d(np.arange(len(ratings)), held), held
    judge, took = timed(evaluation._list_quality)
    with mock.patch.multiple('collab_course.evaluation', _trained=lambda *args: model, _list_quality=judge):
        evaluation.evaluate(model, ratings, split, quiet=True, title=None)
    rows['evaluate, of its lists'] = took[0]/seconds(lambda: model.recommend_all(users=many), 1)
    with tempfile.TemporaryDirectory() as folder:
        model.save(folder)
        rows['load'] = seconds(lambda: load(folder))
    return rows


def clicks(ratings):
    "An iteration of `ImplicitMF` with 64 factors, and memory beyond the table of ratings"
    from collab_course.ids import tiny_ratings
    from collab_course.implicit_mf import ImplicitMF
    from collab_course.ratings import Ratings
    ImplicitMF(n_epoch=1).fit(tiny_ratings(), quiet=True) # compiles
    table = Ratings(ratings, title=None)
    peak = Path('/proc/self/clear_refs')
    if peak.exists(): peak.write_text('5') # it begins anew
    held = peak_mb()
    spent, _ = cpu(lambda: ImplicitMF(n_factors=64, n_epoch=1).fit(table, quiet=True))
    return {'ImplicitMF, one iteration': spent, 'ImplicitMF, GB beyond the table': (peak_mb()-held)/1000}


def texts(ratings):
    "Pairs and names of text, and titles beside a file"
    from collab_course.biased_mf import BiasedMF
    from collab_course.data import read_ratings
    from collab_course.ids import UnknownIdError
    warnings.simplefilter('ignore')
    rng = np.random.default_rng(0)
    names = np.array([f'name {k}' for k in rng.permutation(10*NAMES)[:NAMES]], object)
    some = ratings[:PAIRS]
    df = pd.DataFrame({'user': names[some.user % NAMES], 'movie': names[some.movie % NAMES], 'rating': some.rating})
    df = df.drop_duplicates(['user', 'movie'])
    model = BiasedMF(n_epoch=1).fit(df, quiet=True)
    pairs = [np.resize(df[side].to_numpy(), PAIRS) for side in ('user', 'movie')]
    many = BiasedMF(n_epoch=1).fit(pd.DataFrame({'user': names, 'movie': names[rng.integers(50, size=NAMES)],
                                                 'rating': rng.integers(1, 6, NAMES)}), quiet=True)
    def unknown():
        try: many.predict('name 1x', names[0])
        except UnknownIdError: return
        raise AssertionError('it is known')
    rows = {'predict 1M pairs of text': seconds(lambda: model.predict(*pairs), 1),
            'an unknown name among 100,000': seconds(unknown)}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, 'ratings.csv')
        ratings[:ROWS].rename(columns={'user': 'userId', 'movie': 'movieId'}).to_csv(file, index=False)
        alone = seconds(lambda: read_ratings(file), 2)
        Path(folder, 'movies.csv').write_text('movieId,title,genres\n' + ''.join(
            f'{k},Film {k} (2000),Drama\n' for k in range(ratings.movie.max()+1)))
        rows['titles of movies.csv, of reading'] = seconds(lambda: read_ratings(file), 2)/alone - 1
    return rows


STEPS = {f.__name__: f for f in (fit, ids, questions, clicks, texts)}


def measure_costs(repeats, shape=SHAPE):
    "Each step once, in a process of its own"
    with tempfile.TemporaryDirectory() as folder:
        path = f'{folder}/ratings.pkl'
        python(__file__, 'make', shape, path)
        found = {k: v for step in STEPS for k, v in python(__file__, step, shape, path).items()}
    return [{'shape': shape, 'ratings': SHAPES[shape][2], 'what': k, 'found': v, 'most': MOST.get(k)}
            for k, v in found.items()]


def check_costs(rows):
    "Raise unless each costs at most what it should"
    over = [row for row in rows if row['most'] and row['found'] > row['most']]
    assert not over, over


if __name__ == '__main__':
    step, shape, path = sys.argv[1:]
    if step == 'make': print(json.dumps(random_ratings(shape).to_pickle(path)))
    else: print(json.dumps(STEPS[step](pd.read_pickle(path))))
