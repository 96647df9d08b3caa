"""More than ratings: each step on u1 to u5, how often intervals hold what they should, users and films with few
ratings, and parts of MovieLens"""
import numpy as np
import pandas as pd
from common import cpu

# Promised: mean RMSE on u1 to u5 at most, that of each fold at most, and CPU of a fit beside `BayesianMF`'s at most
IDS, FOLD, SIDE, TIMES, TIMES_SIDE, OF_MYFM = .878, .884, .877, 1.6, 2., .4
GIVEN, PARTS = (0, 1, 2, 5, 10, 20), (500, 1500, 5000, 20_000, 100_000)


def known():
    "Frames of users and films"
    from collab_course.data import load_movies, load_users
    return load_users(), load_movies()


def steps():
    "Models by name, each with one thing more than the one before"
    from collab_course import BayesianMF, FeatureMF
    return {'BayesianMF': BayesianMF(), 'and noise by user': FeatureMF(chosen=False),
            'and who rated what': FeatureMF(), 'and users and films': FeatureMF(*known())}


def judged(model, ratings, split):
    "CPU seconds of a fit, RMSE, and how often an interval of 90% holds: of all, of steady and of erratic users"
    from collab_course.evaluation import predict_all
    train, valid = split
    seconds, m = cpu(lambda: model.clone().fit(ratings.take(train), quiet=True))
    error = predict_all(m, ratings, valid)-ratings.y[valid]
    u, i = [vocab.rows(ids) for vocab, ids in ((m.ratings.users, ratings.users.ids[ratings.x[valid, 0]]),
                                               (m.ratings.items, ratings.items.ids[ratings.x[valid, 1]]))]
    at = (u >= 0) & (i >= 0)
    mean, std = m.mean_std(u[at], i[at], True)
    holds = abs(mean-ratings.y[valid][at]) <= 1.6449*std
    size = pd.Series(error[at]**2).groupby(u[at]).transform('mean').to_numpy()
    calm, wild = size < np.quantile(size, .25), size > np.quantile(size, .75)
    return {'seconds': seconds, 'rmse': (error**2).mean()**.5, 'cover': holds.mean(),
            'steady': holds[calm].mean(), 'erratic': holds[wild].mean()}


def measure_steps():
    "A row for each step, its numbers by fold"
    from collab_course import Ratings, load_ratings
    from collab_course.data import split_folds
    df = load_ratings()
    ratings, folds = Ratings(df), split_folds(df)
    for model in steps().values(): model.clone(n_sweeps=22).fit(df[:500], quiet=True) # imports and compiles
    found = {name: [] for name in steps()}
    for split in folds:
        for name, model in steps().items(): found[name].append(judged(model, ratings, split))
    return [{'what': 'step', 'model': name, **pd.DataFrame(rows).to_dict('list')} for name, rows in found.items()]


def errors_by(given, error, edges=(-1, 0, 2, 5, 10, 20, 50, np.inf)):
    "RMSE by how many ratings of the film were known"
    return (pd.Series(error**2).groupby(pd.cut(given, edges)).mean()**.5).tolist()


def measure_new_people(n=120, seed=2):
    "RMSE for left-out users, by how many of their ratings they tell, and with what else is known of them"
    from collab_course import BayesianMF, FeatureMF, Person, Ratings, load_ratings
    ratings, (users, films), rng, rows = Ratings(load_ratings()), known(), np.random.default_rng(seed), []
    hidden = rng.choice(len(ratings.users), n, replace=False)
    told = [rng.permutation(ratings.rows_of(u)) for u in hidden]
    about = users.set_index('user').loc[ratings.users.ids[hidden]].to_dict('records')
    learned = ratings.take(~np.isin(ratings.x[:, 0], hidden))
    known_films = learned.items.rows(ratings.items.ids) >= 0 # to all models, also to those without features
    told = [o[known_films[ratings.x[o, 1]]] for o in told]
    models = {'BayesianMF': BayesianMF(), 'who rated what': FeatureMF(), 'and users and films': FeatureMF(users, films)}
    models = {name: m.fit(learned, quiet=True) for name, m in models.items()}
    for given in GIVEN:
        def error(m, rows, more):
            items = ratings.items.ids[ratings.x[rows, 1]]
            who = Person(dict(zip(items[:given].tolist(), ratings.y[rows[:given]])), **more)
            return m.predict(who, items[20:])-ratings.y[rows[20:]]
        found = {name: np.concatenate([error(m, rows, more if name[:3] == 'and' else {}) for rows, more in zip(told, about)])
                 for name, m in models.items()}
        rows.append({'what': 'person', 'given': given, **{name: (o**2).mean()**.5 for name, o in found.items()}})
    return rows


def measure_films(seed=0):
    "RMSE for films of which few ratings are known: films left out at random; and the later half of the ratings"
    from collab_course import BayesianMF, DampedMeans, FeatureMF, Ratings, load_ratings
    from collab_course.data import split_time
    from collab_course.evaluation import predict_all
    ratings, rows = Ratings(load_ratings()), []
    hidden = np.isin(ratings.x[:, 1], np.random.default_rng(seed).choice(len(ratings.items), 300, replace=False))
    models = {'damped means': DampedMeans(), 'BayesianMF': BayesianMF(), 'who rated what': FeatureMF(),
              'and users and films': FeatureMF(*known())}
    for name, (train, valid) in {'left out': (np.flatnonzero(~hidden), np.flatnonzero(hidden)),
                                 'later half': split_time(ratings, .5)}.items():
        given = np.bincount(ratings.x[train, 1], minlength=len(ratings.items))[ratings.x[valid, 1]]
        errors = {o: predict_all(m.clone().fit(ratings.take(train), quiet=True), ratings, valid)-ratings.y[valid]
                  for o, m in models.items()}
        rows.append({'what': 'film', 'protocol': name, **{o: errors_by(given, e) for o, e in errors.items()}})
    return rows


def measure_parts(seeds=(1, 2, 3)):
    "RMSE on parts of MovieLens, by their size"
    from collab_course import Ratings, load_ratings
    from collab_course.data import split_random
    from collab_course.evaluation import evaluate
    ratings, rows = Ratings(load_ratings()), []
    for n in PARTS:
        found = {name: [] for name in steps()}
        for seed in seeds if n < len(ratings) else seeds[:1]:
            part = ratings.take(np.sort(np.random.default_rng(seed).choice(len(ratings), n, replace=False)))
            split = split_random(part, seed=seed)
            for name, model in steps().items(): found[name].append(evaluate(model, part, split, k=None).rmse)
        rows.append({'what': 'part', 'ratings': n, **found})
        print({k: np.mean(v) for k, v in found.items()}, flush=True)
    return rows


def measure_features(repeats):
    "All of it, and myFM's rows beside it"
    from bench import peers
    return measure_steps() + peers('--features') + measure_new_people() + measure_films() + measure_parts()


def check_features(rows):
    "Raise unless it is as accurate, as sure and as fast as promised"
    step = {o['model']: {k: v for k, v in o.items() if isinstance(v, list)} for o in rows if o['what'] == 'step'}
    ids, side, plain = step['and who rated what'], step['and users and films'], step['BayesianMF']
    def times(a, b): return np.median(np.array(a['seconds'])/b['seconds'])
    broken = {'ids': np.mean(ids['rmse']) > IDS, 'a fold': max(ids['rmse']) > FOLD,
              'side': np.mean(side['rmse']) > SIDE, 'cover': not .88 < np.mean(side['cover']) < .92,
              'time': times(ids, plain) > TIMES, 'time, side': times(side, plain) > TIMES_SIDE,
              'time of myFM': times(side, step['myFM, sets, users and films']) > OF_MYFM}
    assert not any(broken.values()), f'not as promised: {[o for o in broken if broken[o]]}'
