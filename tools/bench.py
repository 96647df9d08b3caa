"CPU seconds of a training epoch with fastai's loaders and with ours, measured in turn in one run; prints ratios"
import argparse
import os

os.environ['OMP_NUM_THREADS'] = '1' # before torch is imported

import random
import time
import warnings
from statistics import median

warnings.filterwarnings('ignore', message='.*torch.jit.script')
warnings.filterwarnings('ignore', message='The given NumPy array is not writable')

import numpy as np
import torch
from fastai.collab import CollabDataLoaders
from fastai.learner import Learner
from fastai.losses import MSELossFlat
from fastai.tabular.core import TabDataLoader
from torch.nn.functional import mse_loss

from collab_course.all import DotProductBias, collab_loaders, load_ratings
from common import data_env

# The ratio that the course promises for an epoch in fastai's Learner, bs 64
PROMISED = .5


def learners(ratings):
    "What is compared: the same split and the same model, with the loss that each loader's shapes need"
    def theirs(**kwargs): return CollabDataLoaders.from_df(ratings, item_name='movie', bs=64, seed=42, **kwargs)
    first = theirs()
    split = first.train_ds.items.index, first.valid_ds.items.index
    ours = collab_loaders(ratings, split=split)
    def learner(dls, loss):
        torch.manual_seed(42)
        return Learner(dls, DotProductBias(len(ours.users)+1, len(ours.items)+1), loss_func=loss)
    return {"fastai's loader": learner(first, MSELossFlat()),
            "fastai's, every row once": learner(theirs(dl_type=TabDataLoader), MSELossFlat()),
            'collab_loaders': learner(ours, mse_loss),
            'collab_loaders, MSELossFlat': learner(ours, MSELossFlat())}


def epoch(learn):
    "CPU seconds of one epoch of training and validation"
    random.seed(42)
    np.random.seed(42)
    with learn.no_bar(), learn.no_logging():
        start = time.process_time()
        learn.fit_one_cycle(1, 5e-3, wd=.1)
        return time.process_time() - start


def main():
    "Measure in turn, so that whatever else the machine does falls on all alike"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--repeats', type=int, default=3, help='rounds, of which the median counts')
    parser.add_argument('--check', action='store_true', help='fail unless collab_loaders keeps its promise')
    args = parser.parse_args()
    os.environ.update(data_env())
    torch.set_num_threads(1)
    compared = learners(load_ratings())
    rounds = [[epoch(learn) for learn in compared.values()] for _ in range(args.repeats)]
    # the ratio is taken within each round, where the machine was in one state
    for name, times in zip(compared, zip(*rounds)):
        ratio = median(t/r[0] for t, r in zip(times, rounds))
        print(f'{name:28} {median(times):6.2f} CPU s   {ratio:5.2f} of the first')
        if args.check and name == 'collab_loaders': assert ratio <= PROMISED, f'more than {PROMISED}'


if __name__ == '__main__': main()
