"`fit_fast` beside dense AdamW in PyTorch, and in one thread and in several"
import time
from unittest import mock

import numpy as np
from common import cpu
from made import planted_ratings

# Data, how many seeds, and batch size, epochs, learning rate, decay: the course's own, two batch
# sizes at a million, and one that twenty-five million ratings ask for
CASES = [('ML-100k', 3, (64, 5, .005, .1)), ('ml-1m', 4, (64, 1, .01, .1)),
         ('ml-1m', 3, (4096, 3, .01, .1)), ('ml-25m', 1, (65_536, 3, .02, .025))]
THREADED = [('ML-100k', 10, (64, 5, .005, .1)), ('ml-1m', 4, (64, 3, .01, .1)),
            ('ml-1m', 8, (4096, 3, .01, .1)), ('ml-25m', 1, (65_536, 3, .02, .025))]
# By how much RMSE may differ, held out and in training, and the longest thread's share of one's time
DENSE, THREADS, SHARE = (.001, .001), (.001, .005), .6


def loaders(data, bs, seed):
    "New loaders: MovieLens' own ratings, a fifth held out, or planted ones, a fiftieth held out"
    from collab_course.data import load_ratings
    from collab_course.loaders import collab_loaders
    df, part = (load_ratings(), .2) if data == 'ML-100k' else (planted_ratings(data)[0], .02)
    out = np.random.default_rng(seed).random(len(df)) < part
    split = np.flatnonzero(~out), np.flatnonzero(out)
    def new(): return collab_loaders(df, split=split, bs=bs, seed=seed, title=None)
    return new


def fitted(fit, new, how, seed, **kwargs):
    "CPU seconds, and RMSE in training and held out, of a fit from the same start in the same order"
    import torch
    from collab_course.bias import DotProductBias
    dls, (n_epoch, lr, wd) = new(), how
    torch.manual_seed(seed)
    model = DotProductBias(len(dls.users), len(dls.items))
    seconds, losses = cpu(lambda: fit(model, dls, n_epoch, lr, wd=wd, quiet=True, **kwargs))
    return [seconds, *losses.iloc[-1]**.5]


def row(data, settings, new, **found):
    "A row of results: what was trained on, how, and what came out"
    dls = new()
    bs, n_epoch, lr, wd = settings
    return {'data': data, 'ratings': dls.train.n, 'batch': bs, 'epochs': n_epoch, 'lr': lr, 'wd': wd, **found}


def compile_all():
    "Compile what is measured, and import it"
    import torch
    from collab_course.fast import fit_fast
    from collab_course.ids import tiny_ratings
    from collab_course.loaders import collab_loaders
    torch.set_num_threads(1)
    fitted(fit_fast, lambda: collab_loaders(tiny_ratings()), (1, .01, .1), 0)
    return fit_fast


def measure_dense(repeats):
    """`fit_fast`, and AdamW that moves every row of both tables at each batch, on the same batches from
    the same initial weights: CPU seconds and RMSE, means over seeds"""
    from collab_course.train import fit_loop
    fit_fast, rows = compile_all(), []
    for data, n_seeds, settings in CASES:
        found = []
        for seed in range(n_seeds):
            new = loaders(data, settings[0], seed)
            found.append([fitted(fit, new, settings[1:], seed) for fit in (fit_fast, fit_loop)])
        for name, mean in zip(('fit_fast', 'dense AdamW'), np.mean(found, axis=0)):
            rows.append(row(data, settings, new, way=name, seeds=n_seeds,
                            **dict(zip(('seconds', 'train', 'valid'), mean))))
            print(rows[-1], flush=True)
    return rows


def check_dense(rows):
    "Raise unless `fit_fast` is as good as dense AdamW"
    for fast, dense in zip(rows[::2], rows[1::2]):
        held_out, train = (abs(fast[key]-dense[key]) for key in ('valid', 'train'))
        assert held_out <= DENSE[0] and train <= DENSE[1], (fast, dense)


def longest(calls_at_once):
    "Call one after another, after threads that do nothing; what others would do goes to the list"
    from collab_course.blocks import at_once
    def run(calls):
        at_once([lambda: None]*len(calls))
        took, res = [], []
        for call in calls:
            begun = time.thread_time()
            res.append(call())
            took.append(time.thread_time()-begun)
        calls_at_once.append(sum(took)-max(took))
        return res
    return mock.patch('collab_course.kernel.at_once', run)


def measure_threads(repeats):
    """One thread and two: RMSE, and CPU seconds of the thread that works longest, with all that is not
    done in threads; means over seeds. Blocks are trained one after another, so that their times can be
    compared on any machine"""
    fit_fast, rows = compile_all(), []
    for data, n_seeds, settings in THREADED:
        found = []
        for seed in range(n_seeds):
            new, both = loaders(data, settings[0], seed), []
            for threads in (1, 2):
                with longest(others := []):
                    seconds, *rmse = fitted(fit_fast, new, settings[1:], seed, threads=threads)
                both.append([seconds-sum(others), *rmse])
            found.append(both)
        for threads, mean in zip((1, 2), np.mean(found, axis=0)):
            rows.append(row(data, settings, new, threads=threads, seeds=n_seeds,
                            **dict(zip(('seconds', 'train', 'valid'), mean))))
            print(rows[-1], flush=True)
    return rows


def check_threads(rows):
    "Raise unless two threads are as good as one, and spare enough time where there are many ratings"
    for one, two in zip(rows[::2], rows[1::2]):
        held_out, train = (abs(two[key]-one[key]) for key in ('valid', 'train'))
        assert held_out <= THREADS[0] and train <= THREADS[1], (one, two)
        assert one['ratings'] < 500_000 or two['seconds'] <= SHARE*one['seconds'], (one, two)
