"What is too much, out of range or of another size is refused beforehand; fits leave no trace and are alike wherever they run"
import os
import random
import subprocess
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pandas as pd
import pytest
from asking import MODELS
from collab_course import BayesianMF, BiasedMF, Choose, DampedMeans, Ensemble, Popularity, evaluate
from collab_course.app import main
from collab_course.data import split_random
from collab_course.ease import EASE
from collab_course.gibbs import draw_rows_fast, sample_gibbs
from collab_course.ids import RatingsError, tiny_ratings
from collab_course.implicit_mf import ImplicitMF
from collab_course.item_knn import ItemKNN
from collab_course.kernel import mean_squared_error, train_rows
from collab_course.pick_and_like import PickAndLike
from collab_course.posterior import Prior, by_row

SMALL = {'n_factors': 2}


def rated(stretch=1., move=0.):
    return tiny_ratings().assign(rating=lambda df: df.rating*stretch+move)


@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('stretch, move', [(1e15, 0), (2.**61, 0), (1e308/5, 0), (-1e308/5, 0), (1e-300, 0),
                                           (5e-324, 0), (1, 1e10), (1, -1e15), (1e-10, 1)], ids=str)
def test_ratings_that_floats_do_not_tell_apart_are_refused(name, stretch, move):
    "By a fit and by `evaluate`; the model stays as it was"
    model = MODELS[name]().fit(tiny_ratings(), quiet=True)
    before, df = model.predict(1, [1, 2]), rated(stretch, move)
    with pytest.raises(RatingsError, match='to learn from'): model.fit(df, quiet=True)
    with pytest.raises(RatingsError, match='to learn from'): evaluate(model, df, split_random(df), quiet=True)
    assert (model.predict(1, [1, 2]) == before).all()


@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('stretch, move', [(1e14, 0), (1e-14, 0), (1, 1e8), (-1, 0), (0, 0), (0, 1e15), (0, 1e-300)], ids=str)
def test_ratings_of_any_scale_are_learned_without_a_warning(name, stretch, move):
    "Numbers within the limits of the ratings, and measures between 0 and 1"
    df, make = rated(stretch, move), MODELS[name]
    with warnings.catch_warnings():
        warnings.simplefilter('error', RuntimeWarning)
        model = make().fit(df, quiet=True)
        scores = evaluate(make(), df, split_random(df), k=3, quiet=True)
        shown = model.recommend_all(3, min_ratings=0)
    lo, hi = model.ratings.rating_limits
    if not model.ranks_only: assert np.isfinite(scores[['rmse', 'mae']]).all()
    if 'rating' in shown: assert shown.rating.between(lo, hi).all()
    assert scores[['ndcg', 'recall', 'coverage']].dropna().between(0, 1).all()


def test_ranges_of_the_sigmoid_are_finite_and_hold_the_ratings():
    for wrong in [(5, 1), 5, (3, 3), (0, np.inf), (-np.inf, 5), (np.nan, 5), (-1e308, 1e308), 'ab', (1, 2, 3)]:
        with pytest.raises(ValueError, match='y_range'): BiasedMF(y_range=wrong)
    for wrong in [(0, 4), (2, 6), (-1e9, 1e9)]:
        with pytest.raises(RatingsError, match='y_range'): BiasedMF(y_range=wrong, **SMALL).fit(tiny_ratings(), quiet=True)


@pytest.mark.parametrize('make', [lambda kind: BiasedMF(n_factors=kind(2), n_epoch=kind(2), bs=kind(8), seed=kind(1)),
    lambda kind: BayesianMF(n_factors=kind(2), n_sweeps=kind(8), burn_in=kind(4), n_keep=kind(3), seed=kind(1)),
    lambda kind: Ensemble(BiasedMF(**SMALL), n=kind(2), seed=kind(1)), lambda kind: DampedMeans(damping=kind(3)),
    lambda kind: Choose({'a': DampedMeans(), 'b': BiasedMF(**SMALL)}, n_splits=kind(2), seed=kind(1))])
def test_whole_numbers_of_any_type_are_the_same_setting(make, tmp_path):
    "And print as Python's numbers"
    plain = make(int).fit(tiny_ratings(), quiet=True)
    for kind in float, np.int64, np.int32, np.float32, np.uint8:
        model = make(kind)
        assert 'np.' not in repr(model)
        assert model.fit(tiny_ratings(), quiet=True).recommend_all(3).equals(plain.recommend_all(3))
        model.save(tmp_path/kind.__name__)


def test_numbers_of_models_have_a_range():
    for wrong in 0, -1, 1.5, 10**9, float('nan'), '2', True:
        with pytest.raises(ValueError, match='n is'): Ensemble(BiasedMF(), n=wrong)
        with pytest.raises(ValueError, match='n_splits is'): Choose({'a': DampedMeans()}, n_splits=wrong)


@pytest.mark.parametrize('prior', [None, 5, 'abcde', (1, 2, 3, 4, 5, 6), (None,)*5, Prior(hold=0), Prior(rate=np.nan), Prior(extra=-1)])
def test_a_prior_that_is_none_is_refused(prior):
    with pytest.raises(ValueError, match='prior'): BayesianMF(prior=prior)


@pytest.mark.parametrize('name', MODELS)
def test_trained_models_keep_their_settings(name):
    model = MODELS[name]().fit(tiny_ratings(), quiet=True)
    before = repr(model)
    for setting in model.settings().keys()-{'device'}: # which is no part of what was learned
        with pytest.raises(AttributeError, match=f'keeps its {setting}'): setattr(model, setting, 3)
    assert repr(model) == before and model.clone().settings().keys() == model.settings().keys()


def test_tables_cannot_be_written_to(tmp_path):
    "Nor can what a loaded model has"
    from collab_course import load
    model = BiasedMF(**SMALL).fit(tiny_ratings(), quiet=True)
    model.save(tmp_path/'m')
    for r in model.ratings, load(tmp_path/'m').ratings:
        for array in r.x, r.y, r.titles, r.title_group, r.counts, r.title_rows, r.users.ids, r.items.ids, r.seen(0):
            if np.shares_memory(array, r.x) or not array.flags.owndata:
                with pytest.raises(ValueError, match='read-only'): array[:1] = array[:1]


@pytest.fixture
def scarce(monkeypatch):
    "So much memory is there: `scarce(bytes)`"
    return lambda size: monkeypatch.setattr('collab_course.settings.free_memory', lambda: size)


@pytest.mark.parametrize('make', [lambda: BiasedMF(), lambda: BayesianMF(n_sweeps=40), lambda: Ensemble(BiasedMF(**SMALL), 5000),
                                  lambda: Choose({'mf': BiasedMF()})])
def test_memory_is_worked_out_before_a_fit(make, scarce):
    "The error names both sizes, and the model stays as it was"
    model = make()
    scarce(20_000)
    with pytest.raises(MemoryError, match='would take .* GB, and 2e-05 GB are free'): model.fit(tiny_ratings(), quiet=True)
    with pytest.raises(AttributeError, match='not trained'): model.ratings
    scarce(None) # where the system does not say
    if type(model) is not Ensemble: model.fit(tiny_ratings(), quiet=True)


@pytest.mark.parametrize('model', [ImplicitMF(500), ItemKNN(), EASE(), EASE(keep=2), PickAndLike(ImplicitMF(500, weight='ones'))], ids=repr)
def test_memory_is_worked_out_before_a_fit_for_lists(model, scarce, monkeypatch):
    "Before the first table is made"
    for name in 'als.side_of', 'item_knn.co_occurrence', 'ease.co_occurrence': monkeypatch.setattr(f'collab_course.{name}', None)
    scarce(1000)
    with pytest.raises(MemoryError, match='(factors|items have in common) would take .* GB, and 1e-06 GB are free'): model.clone().fit(tiny_ratings(), quiet=True)


def test_ease_asks_for_what_it_takes(scarce):
    "40 bytes for each pair of items, where max_items allows them"
    n = 2000
    df = pd.DataFrame({'user': np.arange(n)//2, 'movie': np.arange(n), 'rating': 1+np.arange(n)%5})
    scarce(40*n**2)
    with pytest.raises(MemoryError, match='what 2,000 items have in common would take 0.16 GB'): EASE().fit(df, quiet=True)
    assert len(ItemKNN(k=3).fit(df, quiet=True).weights) == n


def test_memory_is_worked_out_before_lists(scarce):
    model = DampedMeans().fit(tiny_ratings())
    scarce(3000)
    with pytest.raises(MemoryError, match='6 lists of 6 would take'): model.recommend_all(10**9)
    assert len(model.recommend_all(10**9, users=[1, 2], seen=True, min_ratings=0)) == 12


def test_lists_longer_than_all_items_need_no_more_memory():
    df = tiny_ratings()
    split = split_random(df)
    one, other = (evaluate(DampedMeans(), df, split, k=k) for k in (100, 10**12))
    assert other.precision*10**12 == pytest.approx(one.precision*100) # hits in k places, also in empty ones
    assert one.drop('precision').equals(other.drop('precision'))


def test_too_little_memory_is_one_line(scarce, monkeypatch, tmp_path, capsys):
    tiny_ratings().to_csv(tmp_path/'x.csv', index=False)
    scarce(2000)
    monkeypatch.setattr('sys.argv', ['collab_course', 'train', str(tmp_path/'x.csv'), '--out', str(tmp_path/'m'), '--model', 'biased-mf', '--quiet'])
    monkeypatch.setattr('warnings.showwarning', warnings.showwarning)
    monkeypatch.setattr('sys.stdout', None) # pytest's cannot be reconfigured
    with pytest.raises(SystemExit) as e: main()
    said = capsys.readouterr().err
    assert e.value.code == 2 and said.count('\n') == 1 and 'GB are free' in said


X, Y = np.array([[0, 0], [1, 1], [2, 0], [0, 1]]), np.array([.5, -1, 1, 0])


def sides():
    "What `draw_rows_fast` takes"
    rng = np.random.default_rng(0)
    return dict(rows=np.zeros((3, 3)), others=rng.normal(size=(2, 3)), ratings=by_row(*X.T, Y, 3),
                prior=(np.zeros(3), np.eye(3)), noise=1., z=rng.normal(size=(3, 3)))


ENDS, WHICH, SORTED = by_row(*X.T, Y, 3)


@pytest.mark.parametrize('wrong', [
    {'rows': np.zeros((4, 3))}, {'rows': np.zeros((3, 3), 'float32')}, {'rows': np.zeros((3, 6))[:, ::2]}, {'rows': [[0.]*3]*3},
    {'rows': np.broadcast_to(np.zeros(3), (3, 3))}, {'others': np.zeros((1, 3))}, {'others': np.zeros((2, 2))}, {'z': np.zeros((2, 3))},
    {'prior': (np.zeros(2), np.eye(3))}, {'prior': (np.zeros(3), np.eye(2))}, {'noise': 0}, {'noise': np.nan}, {'noise': np.inf},
    {'ratings': (ENDS+1, WHICH, SORTED)}, {'ratings': (ENDS[::-1].copy(), WHICH, SORTED)}, {'ratings': (ENDS, WHICH+1, SORTED)},
    {'ratings': (ENDS, WHICH-1, SORTED)}, {'ratings': (ENDS, WHICH, SORTED[:3])}, {'ratings': (ENDS, WHICH.astype('int64'), SORTED)},
    {'ratings': (ENDS[:3], WHICH, SORTED)}], ids=lambda o: next(iter(o)))
def test_sides_are_compared_before_compiled_code_draws(wrong):
    right = sides()
    assert np.isfinite(draw_rows_fast(**right)) and right['rows'].any()
    given = {**sides(), **wrong}
    before = np.array(given['rows'], copy=True)
    with pytest.raises(ValueError): draw_rows_fast(**given)
    assert (given['rows'] == before).all()


@pytest.mark.parametrize('x, y, sizes, more', [
    (X, Y, (2, 2), {}), (X, Y, (3, 1), {}), (X-1, Y, (3, 2), {}), (X, Y[:2], (3, 2), {}), (X, Y*np.nan, (3, 2), {}),
    (X*1., Y, (3, 2), {}), (X.T, Y, (3, 2), {}), (X, Y, (3, 2), {'n_factors': -1}), (X, Y, (3, 2), {'n_factors': 10**5}), (X, Y, (3, 2), {'seed': -1})])
def test_sampler_checks_before_its_first_sweep(x, y, sizes, more):
    with pytest.raises(ValueError): sample_gibbs(x, y, sizes, **more)


def test_sampler_takes_rows_of_any_type():
    draws = [next(sample_gibbs(X.astype(kind), Y.tolist(), (3, 2), 2)).users.tolist() for kind in ('int64', 'uint8', 'int32')]
    assert draws[0] == draws[1] == draws[2]


def test_error_of_arrays_checks_them_too():
    W = np.zeros((5, 3), 'float32')
    for wrong in (X+1, Y, (3, None)), (X, Y[:2], (3, None)), (X, Y, (4, None)), (X, Y, (2.5, None)), (X, Y, (3, (5, 1))), (X, Y, (3, (0, np.inf))):
        x, y, (n_users, y_range) = wrong
        with pytest.raises(ValueError): mean_squared_error(W, x, y, n_users, y_range)
    assert mean_squared_error(W, X, Y, np.int32(3), None) == pytest.approx((Y**2).mean())


@pytest.mark.parametrize('wrong', [{'W': np.broadcast_to(np.float32(0), (5, 3))}, {'W': np.full((5, 3), np.nan, 'float32')}, {'y': Y*1e300},
    {'y': Y*np.nan}, {'lr': 0}, {'lr': 2}, {'lr': np.nan}, {'wd': -1}, {'wd': 11}, {'n_epoch': 1001}, {'n_epoch': 1.5}, {'bs': 0}, {'bs': 2**31},
    {'n_users': 2.5}, {'n_users': -1}, {'y_range': (0, np.inf)}, {'y_range': (3, 3)}], ids=str)
def test_training_of_arrays_checks_numbers_and_settings(wrong):
    given = dict(W=np.zeros((5, 3), 'float32'), x=X, y=Y, n_users=3, shuffle=np.arange)
    before = np.array(wrong.get('W', given['W']))
    with pytest.raises(ValueError): train_rows(**{**given, **wrong})
    assert np.array_equal(wrong.get('W', given['W']), before, equal_nan=True)


def loaders(**settings):
    from collab_course.loaders import collab_loaders
    return collab_loaders(tiny_ratings(), bs=4, **settings)


def product(n_users=6, n_items=6):
    import torch
    from collab_course.bias import DotProductBias
    model = DotProductBias(n_users, n_items, 3)
    gen = torch.Generator().manual_seed(1)
    for o in model.parameters(): o.data = torch.randn(o.shape, generator=gen)/10
    return model


def by_learner(model, dls, *args, **kwargs):
    from collab_course.train import fit_losses
    from fastai.learner import Learner
    from torch.nn.functional import mse_loss
    return fit_losses(Learner(dls, model, loss_func=mse_loss), *args, quiet=True, **kwargs)


def course():
    "The course's ways to train a model"
    from collab_course.by_hand import fit_by_hand
    from collab_course.fast import fit_fast
    from collab_course.train import fit_loop, fit_together
    def loop(*args, **kwargs): return fit_loop(*args, quiet=True, **kwargs)
    def fast(*args, **kwargs): return fit_fast(*args, quiet=True, **kwargs)
    def together(model, dls, *args, **kwargs): return fit_together([model], [dls], *args, quiet=True, **kwargs)
    return dict(loop=loop, fast=fast, hand=fit_by_hand, together=together, learner=by_learner)


def weights(model): return [o.detach().numpy().copy() for o in model.parameters()]
def same(a, b): return all((x == y).all() for x, y in zip(a, b))


@pytest.mark.parametrize('name', ['loop', 'fast', 'hand', 'together', 'learner'])
def test_fits_of_the_course_check_settings_first(name):
    fit = course()[name]
    for wrong in {'lr': 0}, {'lr': 1.5}, {'lr': float('nan')}, {'wd': -.1}, {'wd': 11}, {'n_epoch': 0}, {'n_epoch': 1.5}, {'n_epoch': 1001}:
        model = product()
        with pytest.raises(ValueError, match=next(iter(wrong))): fit(model, loaders(), **wrong)
        assert same(weights(model), weights(product()))


@pytest.mark.parametrize('name', ['fast', 'hand'])
@pytest.mark.parametrize('sizes', [(5, 6), (6, 5), (1, 1)])
def test_fits_of_the_course_refuse_models_that_are_too_small(name, sizes):
    model = product(*sizes)
    with pytest.raises(ValueError, match='rows go from 0'): course()[name](model, loaders())
    assert same(weights(model), weights(product(*sizes)))


@pytest.mark.parametrize('stretch, move', [(1e30, 0), (1, 1e9), (1e-300, 0)])
def test_loaders_refuse_what_float32_does_not_tell_apart(stretch, move):
    from collab_course.loaders import collab_loaders
    with pytest.raises(RatingsError): collab_loaders(rated(stretch, move))


def states():
    import torch
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist(), torch.get_num_threads()


@pytest.mark.parametrize('name', ['loop', 'fast', 'hand', 'together', 'learner'])
def test_fits_of_the_course_are_alike_in_threads(name):
    "Whatever PyTorch's number of threads, which stays, as all random states do"
    import torch
    fit = course()[name]
    def train(model):
        fit(model, loaders(), 3)
        return weights(model)
    threads = torch.get_num_threads()
    try:
        runs = []
        for n in 1, 3:
            torch.set_num_threads(n)
            first, *more = [product() for _ in range(9)]
            before = states()
            runs.append(train(first))
            with ThreadPoolExecutor(4) as pool: runs += pool.map(train, more)
            assert states() == before
            with ThreadPoolExecutor(1) as pool: assert pool.submit(torch.get_num_threads).result() == n
    finally: torch.set_num_threads(threads)
    assert all(same(run, runs[0]) for run in runs)


@pytest.mark.parametrize('name', MODELS)
def test_models_are_alike_in_threads(name, tmp_path):
    "Trained there, and loaded"
    from collab_course import load
    def train(k):
        model = MODELS[name]().fit(tiny_ratings(), quiet=True)
        model.save(tmp_path/str(k))
        return load(tmp_path/str(k)).recommend_all(3, min_ratings=0).to_numpy().tolist()
    before, first = states(), train('alone')
    with ThreadPoolExecutor(4) as pool: assert all(run == first for run in pool.map(train, range(8)))
    assert states() == before


FORKED = '''
import multiprocessing, sys, warnings
warnings.filterwarnings('ignore')
import numpy as np, torch
from pandas import DataFrame
import collab_course as cc
from collab_course.bias import DotProductBias
from collab_course.by_hand import fit_by_hand
from collab_course.fast import fit_fast
from collab_course.loaders import collab_loaders
from collab_course.train import fit_loop, mse_of
rng = np.random.default_rng(0)
df = DataFrame(dict(user=rng.integers(0, 300, 40_000), movie=rng.integers(0, 200, 40_000), rating=rng.integers(1, 6, 40_000)))
torch.set_num_threads(2)
torch.rand(100_000)[torch.rand(100_000) > .5] # OpenMP's threads wake, and no child has them

def work():
    dls, model = collab_loaders(df, bs=4096), DotProductBias(300, 200, 8)
    for fit in (fit_loop, fit_fast, fit_by_hand): fit(model, dls, 1)
    mse_of(model, dls.train)
    cc.BiasedMF(n_epoch=1).fit(df, quiet=True).recommend_all(3)
    cc.BayesianMF(n_factors=2, n_sweeps=4, burn_in=2).fit(df, quiet=True)

child = multiprocessing.get_context('fork').Process(target=work)
child.start()
child.join(120)
print(child.exitcode)
if child.is_alive(): child.kill()
'''


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork here')
def test_a_forked_child_trains_to_the_end():
    "Where its parent has used several threads"
    env = {key: value for key, value in os.environ.items() if key != 'OMP_NUM_THREADS'}
    done = subprocess.run([sys.executable, '-W', 'ignore', '-c', FORKED], capture_output=True, text=True, env=env)
    assert done.stdout.split()[-1:] == ['0'], done.stderr[-500:]
