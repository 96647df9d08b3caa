"""Measure other libraries on the course's data and print rows as JSON; needs the `bench` extra

Fifty factors, biases, and otherwise the defaults of each library, on one thread."""
import argparse
import json
import os

os.environ['OMP_NUM_THREADS'] = '1'

import contextlib
import sys
from importlib.metadata import version
from statistics import median

import numpy as np
from collab_course.data import load_ratings, split_random
from common import cpu, data_env


def surprise_svd(train, valid, seed):
    "Surprise's SVD: CPU seconds of a fit, epochs, squared errors"
    from surprise import SVD, Dataset, Reader
    data = Dataset.load_from_df(train[['user', 'movie', 'rating']], Reader(rating_scale=(1, 5)))
    model, trainset = SVD(n_factors=50, random_state=seed), data.build_full_trainset()
    seconds, _ = cpu(lambda: model.fit(trainset))
    preds = [model.predict(u, i).est for u, i in zip(valid.user, valid.movie)]
    return seconds, model.n_epochs, (np.array(preds)-valid.rating)**2


def cornac_mf(train, valid, seed):
    "Cornac's MF: CPU seconds of a fit, epochs, squared errors"
    import cornac
    rows = list(train[['user', 'movie', 'rating']].itertuples(index=False, name=None))
    data = cornac.data.Dataset.from_uir(rows, seed=seed)
    model = cornac.models.MF(k=50, num_threads=1, seed=seed)
    seconds, _ = cpu(lambda: model.fit(data))
    def rate(u, i): return model.rate(data.uid_map.get(u, -1), data.iid_map.get(i, -1))
    mean = train.rating.mean() # for ids that it has not seen
    preds = [rate(u, i) if u in data.uid_map and i in data.iid_map else mean
             for u, i in zip(valid.user, valid.movie)]
    return seconds, model.max_iter, (np.array(preds)-valid.rating)**2


PEERS = {'Surprise SVD': ('scikit-surprise', surprise_svd), 'Cornac MF': ('cornac', cornac_mf)}


def measure(name, repeats, ratings):
    "CPU seconds an epoch, and the accuracy, over seeds"
    package, fit = PEERS[name]
    def sides(seed): return [ratings.iloc[rows] for rows in split_random(ratings, seed=seed)]
    done = [fit(*sides(seed), seed) for seed in range(repeats)]
    return {'library': f'{name} {version(package)}', 'epochs': done[0][1],
            'seconds': median(seconds/epochs for seconds, epochs, _ in done),
            'valid': [float(errors.mean()) for *_, errors in done]}


def main():
    "Measure all peers"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=3)
    args = parser.parse_args()
    os.environ.update(data_env())
    ratings = load_ratings()
    with contextlib.redirect_stdout(sys.stderr):
        rows = [measure(name, args.repeats, ratings) for name in PEERS]
    print(json.dumps(rows))


if __name__ == '__main__': main()
