"""Measure other libraries on the course's data and print rows as JSON; needs the `bench` extra

By default an epoch of matrix factorization with fifty factors, over seeds; with --folds the
accuracy on u1 to u5, with each library's defaults and with settings set by hand: those that did
best on a tenth of u1's training rows, of some six that we tried; with --planted accuracy and time
from a frame of a million planted ratings to a model, for every setting that we tried. All on one
thread. With --lists what `list_peers` has."""
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
from typing import NamedTuple

sys.path.append(str(Path(__file__).resolve().parents[1]/'tools'))
warnings.filterwarnings('ignore')

import numpy as np
import pandas as pd
from collab_course.data import load_ratings, split_folds, split_random
from common import cpu, data_env
from made import planted_split


class Fit(NamedTuple):
    "What came of a fit: CPU seconds to bring the frame into the library's form, and of the fit"
    prepared: float
    seconds: float
    epochs: int
    preds: list # predictions for the validation rows


# Each takes frames of ratings for training and validation, a seed and settings of the library


def limits(train):
    "Lowest and highest rating"
    return float(train.rating.min()), float(train.rating.max())


def surprise_svd(train, valid, seed, **settings):
    "Surprise's SVD"
    from surprise import SVD, Dataset, Reader
    def prepare():
        frame, reader = train[['user', 'movie', 'rating']], Reader(rating_scale=limits(train))
        return Dataset.load_from_df(frame, reader).build_full_trainset()
    model = SVD(random_state=seed, **settings)
    prepared, trainset = cpu(prepare)
    seconds, _ = cpu(lambda: model.fit(trainset))
    preds = [model.predict(u, i).est for u, i in zip(valid.user, valid.movie)]
    return Fit(prepared, seconds, model.n_epochs, preds)


def cornac_mf(train, valid, seed, **settings):
    "Cornac's MF; it has no answer for ids that it has not seen, so they get the mean"
    import cornac
    def prepare():
        rows = list(train[['user', 'movie', 'rating']].itertuples(index=False, name=None))
        return cornac.data.Dataset.from_uir(rows, seed=seed)
    prepared, data = cpu(prepare)
    model = cornac.models.MF(num_threads=1, seed=seed, **settings)
    seconds, _ = cpu(lambda: model.fit(data))
    def rate(u, i): return model.rate(data.uid_map[u], data.iid_map[i])
    preds = [rate(u, i) if u in data.uid_map and i in data.iid_map else train.rating.mean()
             for u, i in zip(valid.user, valid.movie)]
    return Fit(prepared, seconds, model.max_iter, preds)


def lenskit_mf(train, valid, seed, **settings):
    "LensKit's biased matrix factorization by alternating least squares, its bias as fallback"
    from lenskit.als import BiasedMFScorer
    from lenskit.data import ItemList, from_interactions_df
    from lenskit.pipeline import predict_pipeline
    from lenskit.training import TrainingOptions
    names = {'user': 'user_id', 'movie': 'item_id'}
    frame = train.rename(columns=names)[['user_id', 'item_id', 'rating']]
    prepared, data = cpu(lambda: from_interactions_df(frame))
    scorer = BiasedMFScorer(**settings)
    pipe = predict_pipeline(scorer, fallback=True)
    seconds, _ = cpu(lambda: pipe.train(data, TrainingOptions(rng=seed)))
    def rate(user, rows):
        found = pipe.run('rating-predictor', query=user, items=ItemList(item_ids=rows.movie.values))
        return pd.Series(found.scores(), index=rows.index)
    preds = pd.concat([rate(user, rows) for user, rows in valid.groupby('user')])
    return Fit(prepared, seconds, scorer.config.epochs, preds.loc[valid.index].to_numpy())


def myfm_gibbs(train, valid, seed, sweeps=300, rank=10):
    "myFM's factorization machine by Gibbs sampling, users and items as its only features"
    import myfm
    from sklearn.preprocessing import OneHotEncoder
    encoder = OneHotEncoder(handle_unknown='ignore')
    prepared, X = cpu(lambda: encoder.fit_transform(train[['user', 'movie']]))
    model = myfm.MyFMRegressor(rank=rank, random_seed=seed)
    seconds, _ = cpu(lambda: model.fit(X, train.rating.to_numpy(), n_iter=sweeps,
                                       n_kept_samples=sweeps-20,
                                       group_shapes=[len(o) for o in encoder.categories_]))
    preds = model.predict(encoder.transform(valid[['user', 'movie']]))
    return Fit(prepared, seconds, sweeps, preds)


def myfm_features(train, valid, seed, sets=False, sweeps=300, rank=10):
    "The same; with `sets` also who rated what in the training rows, and what MovieLens knows of users and films"
    import myfm
    from collab_course.data import load_movies, load_users
    from collab_course.feature_frames import as_features, encode_features, feature_reader
    from scipy import sparse
    n_users, n_items = 943, 1682
    def prepare():
        u, i = train.user.to_numpy()-1, train.movie.to_numpy()-1
        seen = sparse.csr_matrix((np.ones(len(u)), (u, i)), shape=(n_users, n_items))
        seen.data[:] = 1
        blocks = []
        for frame, matrix in ((load_users(), seen), (load_movies(), seen.T.tocsr())):
            table = as_features(frame)
            size = np.sqrt(np.maximum(np.asarray(matrix.sum(axis=1)).ravel(), 1))
            side = sparse.csr_matrix(encode_features(feature_reader(table), table))
            parts = [sparse.eye(matrix.shape[0]), sparse.diags(1/size)@matrix, side]
            blocks.append(parts if sets else parts[:1])
        shapes = [o.shape[1] for parts in blocks for o in parts]
        return [sparse.hstack(parts).tocsr() for parts in blocks], shapes
    prepared, (data, shapes) = cpu(prepare)
    def relations(df):
        return [myfm.RelationBlock(df[o].to_numpy()-1, x) for o, x in zip(('user', 'movie'), data)]
    model = myfm.MyFMRegressor(rank=rank, random_seed=seed)
    seconds, _ = cpu(lambda: model.fit(None, train.rating.to_numpy(), X_rel=relations(train), n_iter=sweeps,
                                       n_kept_samples=sweeps-20, group_shapes=shapes))
    return Fit(prepared, seconds, sweeps, np.clip(model.predict(None, X_rel=relations(valid)), *limits(train)))


def measure_features(ratings):
    "myFM on u1 to u5, by ids and with what our model of features knows"
    rows = []
    for name, sets in (('myFM, ids', False), ('myFM, sets, users and films', True)):
        done = []
        for train, valid in split_folds(ratings):
            found = myfm_features(ratings.iloc[train], ratings.iloc[valid], 42, sets)
            done.append({'seconds': found.seconds, 'rmse': errors(ratings.iloc[valid], found.preds)['rmse']})
            print(name, done[-1], flush=True)
        rows.append({'what': 'step', 'model': name, **pd.DataFrame(done).to_dict('list')})
    return rows


def spark_als(train, valid, seed, **settings):
    "Spark's ALS on what damped means leave, on one core; the time is this process's and Java's"
    import psutil
    from pyspark.ml.recommendation import ALS
    spark = spark_session()
    java = psutil.Process(spark.sparkContext._gateway.proc.pid)
    def all_cpu(f):
        start = sum(java.cpu_times()[:2])
        seconds, result = cpu(f)
        return seconds + sum(java.cpu_times()[:2])-start, result
    def prepare():
        predict = damped_means(train)
        frame = train[['user', 'movie']].assign(left=(train.rating-predict(train)).astype('float32'))
        return predict, spark.createDataFrame(frame).cache()
    prepared, (predict, rows) = all_cpu(prepare)
    als = ALS(userCol='user', itemCol='movie', ratingCol='left', seed=seed, **settings)
    seconds, model = all_cpu(lambda: als.fit(rows))
    asked = spark.createDataFrame(valid[['user', 'movie']].assign(row=range(len(valid))))
    left = model.transform(asked).toPandas().set_index('row').prediction.sort_index().fillna(0)
    return Fit(prepared, seconds, als.getMaxIter(), np.clip(predict(valid)+left, *limits(train)))


def damped_means(train, damping=5):
    "A function that predicts by the mean and what is usual for item and user"
    mean = train.rating.mean()
    def usual(by, left):
        groups = left.groupby(train[by])
        return groups.sum()/(groups.count()+damping)
    items = usual('movie', train.rating-mean)
    users = usual('user', train.rating-mean-train.movie.map(items))
    def predict(df): return mean + df.movie.map(items).fillna(0) + df.user.map(users).fillna(0)
    return predict


def spark_session():
    "One for all fits, on one core"
    from pyspark.sql import SparkSession
    found = SparkSession.getActiveSession()
    if found: return found
    options = {'spark.driver.memory': '4g', 'spark.sql.execution.arrow.pyspark.enabled': 'true',
               'spark.ui.enabled': 'false', 'spark.driver.host': '127.0.0.1',
               'spark.driver.bindAddress': '127.0.0.1', 'spark.default.parallelism': '1',
               'spark.sql.shuffle.partitions': '1', 'spark.log.level': 'ERROR',
               'spark.ui.showConsoleProgress': 'false'}
    builder = SparkSession.builder.master('local[1]')
    for name, value in options.items(): builder = builder.config(name, value)
    return builder.getOrCreate()


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
# At a million planted ratings: all settings that were tried, each library's defaults first
PLANTED = {
    'Surprise SVD': ('scikit-surprise', surprise_svd, [
        {}, {'n_factors': 20, 'reg_all': .05}, {'n_factors': 20, 'reg_all': .1},
        {'n_factors': 10, 'reg_all': .1}, {'n_factors': 20, 'reg_all': .1, 'lr_all': .01},
        {'n_factors': 50, 'reg_all': .1, 'lr_all': .01, 'n_epochs': 30}]),
    'Cornac MF': ('cornac', cornac_mf, [
        {}, {'k': 20, 'lambda_reg': .05}, {'k': 10, 'lambda_reg': .1},
        {'k': 10, 'lambda_reg': .05, 'max_iter': 50},
        {'k': 20, 'lambda_reg': .1, 'max_iter': 50}, {'k': 50, 'lambda_reg': .1, 'max_iter': 100}]),
    'LensKit BiasedMF': ('lenskit', lenskit_mf, [
        {}, {'embedding_size': 10, 'regularization': .1}, {'embedding_size': 20, 'regularization': .1},
        {'embedding_size': 10, 'regularization': .2}, {'embedding_size': 20, 'regularization': .2}]),
    'Spark ALS': ('pyspark', spark_als, [
        {}, {'rank': 8, 'regParam': .05}, {'rank': 8, 'regParam': .15}, {'rank': 16, 'regParam': .1},
        {'rank': 16, 'regParam': .15}, {'rank': 8, 'regParam': .1, 'maxIter': 5}])}


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
        found = fit(train, valid, seed, **settings)
        return found.seconds, found.epochs, errors(valid, found.preds)['rmse']**2
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
        found = fit(train, valid, 42, **settings)
        rows.append({'seconds': found.seconds, **errors(valid, found.preds)})
    return {'model': name, 'version': version(package), 'settings': settings,
            **pd.DataFrame(rows).to_dict('list')}


def measure_planted(name):
    "CPU seconds from a frame of a million planted ratings to a model, and its accuracy, by settings"
    package, fit, tries = PLANTED[name]
    train, valid, _ = planted_split('ml-1m')
    if name == 'Spark ALS': fit(train[:10_000], valid[:100], 42) # Java compiles what it meets
    rows = []
    for settings in tries:
        found = fit(train, valid, 42, **settings)
        rows.append({'library': f'{name} {version(package)}', 'settings': settings,
                     'tries': len(tries), 'prepared': found.prepared, 'seconds': found.seconds,
                     'rmse': errors(valid, found.preds)['rmse']})
        print(rows[-1], flush=True)
    return rows


def main():
    "Measure all peers"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=3)
    parser.add_argument('--folds', action='store_true', help='the accuracy on u1 to u5')
    parser.add_argument('--planted', action='store_true', help='a million planted ratings')
    parser.add_argument('--lists', action='store_true', help='lists of what people pick')
    parser.add_argument('--features', action='store_true', help='myFM with features, on u1 to u5')
    args = parser.parse_args()
    os.environ.update(data_env())
    ratings = None if args.planted or args.lists else load_ratings()
    with contextlib.redirect_stdout(sys.stderr):
        if args.lists:
            from list_peers import measure
            rows = measure()
        elif args.features: rows = measure_features(ratings)
        elif args.planted: rows = [row for name in PLANTED for row in measure_planted(name)]
        elif args.folds: rows = [measure_folds(name, ratings) for name in FOLDS]
        else: rows = [measure_epochs(name, args.repeats, ratings) for name in EPOCHS]
    print(json.dumps(rows))


if __name__ == '__main__': main()
