"Fast training: with numba and without, on arrays and on models, whatever the processor is set to"
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from collab_course.ids import tiny_ratings
from collab_course.kernel import mean_squared_error, one_cycle_rates, train_rows

N_USERS, N_ITEMS, N_FACTORS = 40, 30, 5


def data(n=1500, seed=0):
    "Rows and ratings of random pairs, a few users and items with most of them"
    rng = np.random.default_rng(seed)
    u, i = (rng.random(n)**2*N_USERS).astype(int), (rng.random(n)**3*N_ITEMS).astype(int)
    y = np.clip(3 + u/N_USERS - i/N_ITEMS + rng.normal(0, .5, n), 1, 5)
    return np.stack([u, i], axis=1), y


def start(seed=1):
    shape = N_USERS+N_ITEMS, 1+N_FACTORS
    return np.random.default_rng(seed).normal(0, .1, shape).astype('float32')


def trained(n=1500, seed=2, **settings):
    "Weights and losses after a fit"
    W, (x, y) = start(), data(n)
    shuffle = np.random.default_rng(seed).permutation
    return W, train_rows(W, x, y, N_USERS, shuffle, **{'lr': .01, 'bs': 16, **settings})


SETTINGS = [{}, {'catch_up': False}, {'biased': False}, {'y_range': None, 'lr': .01}, {'wd': 0.},
            {'bs': 1, 'n_epoch': 6, 'lr': .005}, {'bs': 10_000}, {'n_epoch': 1},
            {'y_range': (.5, 5.5)},
            {'n': 9000, 'bs': 1, 'n_epoch': 2, 'lr': .005}] # more than 4,096 steps an epoch


@pytest.mark.parametrize('settings', SETTINGS, ids=str)
def test_loops_match_numpy(settings, monkeypatch):
    "Compiled and in NumPy, the same start and order end at the same weights, up to rounding"
    W, losses = trained(**settings)
    monkeypatch.setattr('collab_course.kernel.has_numba', lambda: False)
    plain, plain_losses = trained(**settings)
    assert np.abs(W-plain).max() < 1e-4 and np.abs(W-start()).max() > .01
    assert np.allclose(losses, plain_losses, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize('bs', [16, 300, 5000])
def test_loops_match_numpy_where_the_table_fits_no_cache(bs, monkeypatch):
    "Beyond 32 MB the loops look ahead, and must not look beyond the end of anything"
    n_users, n_rows, rng = 40_000, 44_000, np.random.default_rng(0)
    x = np.stack([rng.integers(n_users, size=3000), rng.integers(n_rows-n_users, size=3000)], axis=1)
    x[:600] = x[0] // [1, 100] # some rows come often
    y, first = rng.integers(1, 6, 3000), rng.normal(0, .1, (n_rows, 51)).astype('float32')

    def fit():
        W = first.copy()
        shuffle = np.random.default_rng(1).permutation
        return W, train_rows(W, x, y, n_users, shuffle, n_epoch=2, lr=.005, bs=bs)
    W, losses = fit()
    monkeypatch.setattr('collab_course.kernel.has_numba', lambda: False)
    plain, plain_losses = fit()
    assert np.abs(W-plain).max() < 1e-4 and np.abs(W-first).max() > .001
    assert np.allclose(losses[:, 0], plain_losses[:, 0], atol=1e-5)


def test_training_lowers_the_loss_and_reports_it():
    W, losses = trained(n_epoch=10, valid=data(300, seed=9))
    assert losses.shape == (10, 2) and losses[-1, 0] < losses[0, 0] and np.isfinite(losses).all()
    assert np.isclose(losses[-1, 0], mean_squared_error(W, *data(), N_USERS))
    assert np.isclose(losses[-1, 1], mean_squared_error(W, *data(300, seed=9), N_USERS))


def test_arrays_of_any_layout_and_type_give_the_same_weights():
    "Other integers, other floats, columns first, a frame's slices"
    W, (x, y) = trained()[0], data()
    for xs, ys in ((x.astype('int64'), y.tolist()), (np.asfortranarray(x.astype('uint16')), y),
                   (np.repeat(x, 2, axis=0)[::2], np.repeat(y, 2)[::2])):
        again = start()
        train_rows(again, xs, ys, N_USERS, np.random.default_rng(2).permutation, lr=.01, bs=16)
        assert (again == W).all()
    wide = np.zeros((N_USERS+N_ITEMS, 2*(1+N_FACTORS)), 'float32')
    wide[:, ::2] = start()
    train_rows(wide[:, ::2], x, y, N_USERS, np.random.default_rng(2).permutation, lr=.01, bs=16)
    assert (wide[:, ::2] == W).all() and not wide[:, 1::2].any()


X, Y = data(20)


@pytest.mark.parametrize('wrong, said', [
    ({'x': X+[N_USERS, 0]}, 'user rows go from 0 to 39 in the table'),
    ({'x': X+[0, N_ITEMS]}, 'item rows go from 0 to 29 in the table'),
    ({'x': X-1-X.max(axis=0)}, 'user rows'), ({'x': X[:, 0]}, 'two integers'),
    ({'x': X[:5]}, 'two integers'), ({'x': X.astype(float)}, 'two integers'),
    ({'y': Y[:5]}, 'two integers'), ({'valid': (X+N_USERS, Y)}, 'user rows'),
    ({'n_users': 10}, 'user rows'), ({'n_users': 99}, '99 of 70 rows'),
    ({'W': start().astype(float)}, 'float32'), ({'W': start()[0]}, 'float32'),
    ({'n_epoch': 0}, 'n_epoch is'), ({'bs': 0}, 'bs is'),
    ({'x': X[:0], 'y': Y[:0]}, 'nothing to train'),
    ({'n_users': 2.5}, 'n_users is'), ({'lr': 0}, 'lr is'), ({'wd': -1}, 'wd is'),
    ({'W': np.broadcast_to(start()[:1], (N_USERS+N_ITEMS, 1+N_FACTORS))}, 'read-only'),
    ({'W': start()*np.float32('nan')}, 'finite'), ({'y': Y*1e300}, 'float32'),
    ({'y_range': (5, 1)}, 'y_range'), ({'valid': ([[N_USERS, 0]], [1])}, 'user rows'),
    ({'shuffle': lambda n: np.arange(n)+1}, r'shuffle\(20\)'),
    ({'shuffle': lambda n: np.arange(n-1)}, r'shuffle\(20\)'),
])
def test_sizes_are_compared_before_compiled_code_runs(wrong, said):
    W = start()
    args = {'W': W, 'x': X, 'y': Y, 'n_users': N_USERS, 'shuffle': np.arange}
    with pytest.raises(ValueError, match=said): train_rows(**{**args, **wrong})
    assert (W == start()).all()


@pytest.mark.parametrize('bs', [1, 2, 3, 5, 9, 20, 21])
def test_batches_of_all_sizes(bs):
    "Held-out ratings that are the training ones have the same loss; all ratings are counted"
    done = []
    losses = train_rows(start(), X, Y, N_USERS, np.random.default_rng(0).permutation, n_epoch=2, bs=bs,
                        valid=(X, Y), progress=done.append)
    assert np.isfinite(losses).all() and sum(done) == 2*len(Y)
    assert np.allclose(losses[:, 0], losses[:, 1], atol=1e-9)


@pytest.mark.parametrize('error', [KeyboardInterrupt, RuntimeError])
def test_interrupted_fit_leaves_usable_weights(error):
    "Ctrl-C, or an error of the caller's: what was learned so far is kept"
    def stop(*_): raise error
    for when in ('progress', 'on_epoch'):
        W = start()
        with pytest.raises(error):
            train_rows(W, *data(), N_USERS, np.arange, lr=.01, bs=16, **{when: stop})
        assert np.isfinite(W).all() and (W != start()).any()


def test_weights_that_run_away_are_not_kept():
    W = start()
    with pytest.raises(FloatingPointError, match='lr=1 too high'):
        train_rows(W, *data(), N_USERS, np.arange, lr=1, wd=10)
    assert (W == start()).all()


def test_fits_in_threads_are_alike():
    with ThreadPoolExecutor(4) as pool: fits = list(pool.map(lambda _: trained()[0], range(8)))
    assert all((W == fits[0]).all() for W in fits)


def test_denormal_numbers_change_neither_weights_nor_time():
    "Long epochs, in which rare rows fade away, with the processor's switch on and off"
    import torch
    rng = np.random.default_rng(0)
    n_items, n = 2000, 60_000
    items = np.r_[np.arange(n_items), rng.integers(0, 20, n-n_items)] # most have one rating
    x, y = np.stack([rng.integers(0, 100, n), items], axis=1), rng.integers(1, 6, n)
    def fit(flush):
        W = np.random.default_rng(1).normal(0, .01, (100+n_items, 33)).astype('float32')
        torch.set_flush_denormal(flush)
        try:
            begun = time.process_time()
            train_rows(W, x, y, 100, np.random.default_rng(2).permutation, n_epoch=2, bs=4, wd=.3)
            return time.process_time()-begun, W
        finally: torch.set_flush_denormal(False)
    runs = [(fit(True), fit(False)) for _ in range(5)]
    on, off = (min(run[k][0] for run in runs) for k in (0, 1))
    assert np.allclose(*[o[1] for o in runs[0]], rtol=0, atol=1e-6) and off < 1.5*on


def test_fit_fast_and_train_rows_end_at_the_same_weights():
    "A course's model and its arrays, given the same start and order"
    import torch
    from collab_course.bias import DotProductBias
    from collab_course.by_hand import flat_weights
    from collab_course.fast import fit_fast
    from collab_course.loaders import collab_loaders
    dls, same = (collab_loaders(tiny_ratings(), bs=4) for _ in range(2))
    torch.manual_seed(1)
    model = DotProductBias(6, 6)
    W = flat_weights(model).numpy()
    losses = fit_fast(model, dls, 7, lr=.05, quiet=True)
    train, valid = [(dl.x.numpy(), dl.y.numpy()) for dl in same]
    mine = train_rows(W, *train, 6, lambda n: same.train.get_idxs().numpy(), n_epoch=7, lr=.05,
                      bs=4, valid=valid)
    assert np.abs(W-flat_weights(model).numpy()).max() < 1e-6
    assert np.allclose(mine, losses.values, atol=1e-6)


@pytest.mark.parametrize('dtype', ['int8', 'uint8', 'int64', 'float64'])
@pytest.mark.parametrize('loop', ['fit_loop', 'fit_by_hand', 'fit_fast'])
def test_loops_take_ratings_of_any_dtype(loop, dtype):
    "They end where those of float32 end; fastai's own loaders have int8 with some releases of pandas"
    import torch
    from collab_course import by_hand, fast, train
    from collab_course.bias import DotProductBias
    from collab_course.ids import tiny_ratings
    from collab_course.loaders import TensorDL
    from fastai.data.core import DataLoaders
    [fit] = [getattr(one, loop) for one in (train, by_hand, fast) if loop in one.__all__]
    df = tiny_ratings()
    x = torch.tensor(df[['user', 'movie']].apply(lambda o: o.factorize()[0]).to_numpy())
    def losses(dtype):
        y = torch.tensor(df.rating.to_numpy(dtype))
        parts = [TensorDL(x, y, 4, shuffle=True), TensorDL(x, y)]
        torch.manual_seed(1)
        return fit(DotProductBias(6, 6), DataLoaders(*parts, device='cpu'), 2)
    assert losses('float32').equals(losses(dtype))


def test_one_cycle_rates_rise_for_a_quarter():
    lrs, moms = one_cycle_rates(100, .01)
    assert lrs.argmax() == moms.argmin() == 24 and np.isclose(lrs.max(), .01)
    assert np.isclose(lrs[[0, -1]], [.01/25, .01/1e5]).all() and np.isclose(moms.min(), .85)


def run(code):
    "What a new process prints"
    line = [sys.executable, '-W', 'ignore', '-c', code]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_kernel_needs_neither_torch_nor_fastai():
    code = '''
import sys
for name in ('torch', 'fastai', 'fastcore', 'pandas'): sys.modules[name] = None
import numpy as np
from collab_course.kernel import train_rows
W = np.full((4, 3), .1, 'float32')
train_rows(W, [[0, 0], [1, 1]], [1, 5], 2, np.random.default_rng(0).permutation)
print(np.isfinite(W).all())
'''
    assert run(code) == 'True'


FIT = '''
import sys, warnings
{before}
import torch
from collab_course.bias import DotProductBias
from collab_course.fast import fit_fast
from collab_course.ids import tiny_ratings
from collab_course.loaders import collab_loaders
torch.manual_seed(1)
dls = collab_loaders(tiny_ratings(), bs=4)
model = DotProductBias(6, 6)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    epochs = []
    losses = fit_fast(model, dls, 3, lr=.05, seed=5, quiet=True,
                      on_epoch=lambda *o: epochs.append(o))
assert [o[0] for o in epochs] == [0, 1, 2] and epochs[-1][2] == losses.valid.iloc[-1]
print(*losses.valid, *[o.message for o in caught if 'numba' in str(o.message)], sep='|')
'''


def fit(before=''):
    "Validation losses of a small fit in a new process, and what it said of numba"
    said = run(FIT.format(before=before)).split('|')
    return [float(loss) for loss in said[:3]], said[3:]


def test_fit_fast_without_numba_warns_and_ends_at_the_same_losses():
    fast, silent = fit()
    slow, said = fit("sys.modules['numba'] = None")
    assert silent == [] and len(said) == 1 and 'pip install numba' in said[0]
    assert np.allclose(fast, slow, atol=1e-4)


KEPT = """
import sys
sys.path.insert(0, '.')
import numpy as np
import numba.core.caching as caching
def full(*args): raise OSError(28, 'No space left on device')
if sys.argv[1:] == ['full disk']: caching.IndexDataCacheFile._save_data = full
if sys.argv[1:] == ['other version']: caching.numba.__version__ = '0'
from mine import double
print(double(21), double(np.arange(3)).tolist(), sum(double.stats.cache_hits.values()))
"""


@pytest.fixture(scope='module')
def kept(tmp_path_factory):
    "A function and what a first process has kept of it; `ask` calls it in a new process, and says how often it was found"
    pytest.importorskip('numba')
    folder = tmp_path_factory.mktemp('kept')
    (folder/'mine.py').write_text('from collab_course.compiling import compiled\n\n\n@compiled\ndef double(x): return 2*x\n')

    def ask(*args):
        env = {**os.environ, 'NUMBA_CACHE_DIR': str(folder/'cache'), 'PYTHONPATH': os.pathsep.join(filter(None, sys.path))}
        done = subprocess.run([sys.executable, '-W', 'ignore', '-c', KEPT, *args], cwd=folder, env=env, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.split(']')
    assert ask()[1] == ' 0\n' and ask()[1] == ' 2\n'
    shutil.copytree(folder/'cache', folder/'whole')
    return folder, ask


@pytest.mark.parametrize('damage', [lambda path: path.write_bytes(b''), lambda path: path.write_bytes(path.read_bytes()[:60]),
                                    lambda path: path.write_bytes(b'no pickle'), lambda path: path.unlink() or path.mkdir(),
                                    lambda path: path.write_bytes(path.read_bytes()[::-1])],
                         ids=['empty', 'cut off', 'no pickle', 'folder', 'backwards'])
@pytest.mark.parametrize('kind', ['nbi', 'nbc'])
def test_damaged_compiler_cache_is_made_anew(kind, damage, kept):
    "Where it can be written: a third process finds it whole"
    folder, ask = kept
    shutil.rmtree(folder/'cache')
    shutil.copytree(folder/'whole', folder/'cache')
    files = list((folder/'cache').rglob(f'*.{kind}'))
    assert files
    for path in files: damage(path)
    said = ask()
    assert said[0] == '42 [0, 2, 4' and said[1] == ' 0\n'
    if not any(path.is_dir() for path in files): assert ask()[1] == ' 2\n'


@pytest.mark.parametrize('what', ['full disk', 'other version'])
def test_a_compiler_cache_that_cannot_be_used_is_done_without(what, kept):
    folder, ask = kept
    shutil.rmtree(folder/'cache', ignore_errors=True)
    if what == 'other version': shutil.copytree(folder/'whole', folder/'cache')
    assert ask(what)[0] == '42 [0, 2, 4'
