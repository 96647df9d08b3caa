"""Measure other libraries on the course's data and print rows as JSON; needs the `bench` extra

By default an epoch of matrix factorization with fifty factors, over seeds; with --folds the
accuracy on u1 to u5, with each library's defaults and with settings set by hand: those that did
best on a tenth of u1's training rows, of some six that we tried. All on one thread."""
import argparse
import json
import os

os.environ.update(OMP_NUM_THREADS='1', TQDM_DISABLE='1') # before libraries are imported

import contextlib
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from statistics import median

sys.path.append(str(Path(__file__).resolve().parents[1]/'tools'))
warnings.filterwarnings('ignore')

import numpy as np
import pandas as pd
from collab_course.data import load_ratings, split_folds, split_random
from common import cpu, data_env

# Each takes frames of ratings for training and validation, a seed and settings of the library;
# it gives CPU seconds of the fit, the number of epochs, and predictions for `valid`


def surprise_svd(train, valid, seed, **settings):
    "Surprise's SVD"
    from surprise import SVD, Dataset, Reader
    data = Dataset.load_from_df(train[['user', 'movie', 'rating']], Reader(rating_scale=(1, 5)))
    model, trainset = SVD(random_state=seed, **settings), data.build_full_trainset()
    seconds, _ = cpu(lambda: model.fit(trainset))
    preds = [model.predict(u, i).est for u, i in zip(valid.user, valid.movie)]
    return seconds, model.n_epochs, preds


def cornac_mf(train, valid, seed, **settings):
    "Cornac's MF; it has no answer for ids that it has not seen, so they get the mean"
    import cornac
    rows = list(train[['user', 'movie', 'rating']].itertuples(index=False, name=None))
    data = cornac.data.Dataset.from_uir(rows, seed=seed)
    model = cornac.models.MF(num_threads=1, seed=seed, **settings)
    seconds, _ = cpu(lambda: model.fit(data))
    def rate(u, i): return model.rate(data.uid_map[u], data.iid_map[i])
    preds = [rate(u, i) if u in data.uid_map and i in data.iid_map else train.rating.mean()
             for u, i in zip(valid.user, valid.movie)]
    return seconds, model.max_iter, preds


def lenskit_mf(train, valid, seed, **settings):
    "LensKit's biased matrix factorization by alternating least squares, its bias as fallback"
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, from_interactions_df
    from lenskit.pipeline import predict_pipeline
    from lenskit.training import TrainingOptions
    names = {'user': 'user_id', 'movie': 'item_id'}
    data = from_interactions_df(train.rename(columns=names)[['user_id', 'item_id', 'rating']])
    scorer = BiasedMFScorer(**settings)
    pipe = predict_pipeline(scorer, fallback=True)
    seconds, _ = cpu(lambda: pipe.train(data, TrainingOptions(rng=seed)))
    def rate(user, rows):
        found = pipe.run('rating-predictor', query=user, items=ItemList(item_ids=rows.movie.values))
        return pd.Series(found.scores(), index=rows.index)
    preds = pd.concat([rate(user, rows) for user, rows in valid.groupby('user')])
    return seconds, scorer.config.epochs, preds.loc[valid.index].to_numpy()


def myfm_gibbs(train, valid, seed, sweeps=300, rank=10):
    "myFM's factorization machine by Gibbs sampling, users and items as its only features"
    import myfm
    from sklearn.preprocessing import OneHotEncoder
    encoder = OneHotEncoder(handle_unknown='ignore')
    X = encoder.fit_transform(train[['user', 'movie']])
    model = myfm.MyFMRegressor(rank=rank, random_seed=seed)
    seconds, _ = cpu(lambda: model.fit(X, train.rating.to_numpy(), n_iter=sweeps,
                                       n_kept_samples=sweeps-20,
                                       group_shapes=[len(o) for o in encoder.categories_]))
    return seconds, sweeps, model.predict(encoder.transform(valid[['user', 'movie']]))


# Settings for a fair comparison of epochs
EPOCHS = {'Surprise SVD': ('scikit-surprise', surprise_svd, {'n_factors': 50}),
          'Cornac MF': ('cornac', cornac_mf, {'k': 50})}
BY_HAND = {'n_factors': 50, 'n_epochs': 100, 'reg_all': .1}
FOLDS = {'Surprise SVD': ('scikit-surprise', surprise_svd, {}),
         'Surprise SVD, by hand': ('scikit-surprise', surprise_svd, BY_HAND),
         'Cornac MF': ('cornac', cornac_mf, {}),
         'Cornac MF, by hand': ('cornac', cornac_mf, {'k': 50, 'max_iter': 100, 'lambda_reg': .1}),
         'LensKit BiasedMF': ('lenskit', lenskit_mf, {}),
         'LensKit BiasedMF, by hand': ('lenskit', lenskit_mf, {'regularization': .15}),
         'myFM, 300 sweeps': ('myfm', myfm_gibbs, {})}


def errors(valid, preds):
    "Root mean squared error, the same averaged over users, mean absolute error"
    error = np.asarray(preds, float) - valid.rating.to_numpy(float)
    by_user = pd.Series(error**2).groupby(valid.user.to_numpy()).mean()**.5
    return {'rmse': float((error**2).mean()**.5), 'by_user': float(by_user.mean()),
            'mae': float(abs(error).mean())}


def measure_epochs(name, repeats, ratings):
    "CPU seconds an epoch, and the accuracy, over seeds"
    package, fit, settings = EPOCHS[name]
    def run(seed):
        train, valid = (ratings.iloc[rows] for rows in split_random(ratings, seed=seed))
        seconds, epochs, preds = fit(train, valid, seed, **settings)
        return seconds, epochs, errors(valid, preds)['rmse']**2
    done = [run(seed) for seed in range(repeats)]
    return {'library': f'{name} {version(package)}', 'epochs': done[0][1],
            'seconds': median(seconds/epochs for seconds, epochs, _ in done),
            'valid': [mse for *_, mse in done]}


def measure_folds(name, ratings):
    "CPU seconds and accuracy of a fit, by fold"
    package, fit, settings = FOLDS[name]
    rows = []
    for train, valid in split_folds(ratings):
        train, valid = ratings.iloc[train], ratings.iloc[valid]
        seconds, _, preds = fit(train, valid, 42, **settings)
        rows.append({'seconds': seconds, **errors(valid, preds)})
    return {'model': name, 'version': version(package), 'settings': settings,
            **pd.DataFrame(rows).to_dict('list')}


def main():
    "Measure all peers"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--folds', action='store_true', help='the accuracy on u1 to u5')
    args = parser.parse_args()
    os.environ.update(data_env())
    ratings = load_ratings()
    with contextlib.redirect_stdout(sys.stderr):
        if args.folds: rows = [measure_folds(name, ratings) for name in FOLDS]
        else: rows = [measure_epochs(name, args.repeats, ratings) for name in EPOCHS]
    print(json.dumps(rows))


if __name__ == '__main__': main()
