"Training in several threads: the same to the bit whichever is faster, and none left behind"
import _thread
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from collab_course import BiasedMF, load
from collab_course.blocks import Blocks, at_once, even_groups
from collab_course.ids import tiny_ratings
from collab_course.inner_loops import compiled_loops
from collab_course.kernel import mean_squared_error, train_rows
from test_fast import N_FACTORS, N_ITEMS, N_USERS, SETTINGS, data, start, trained


def left_behind(before):
    "How many threads there are more than before, those aside that are just ending"
    for _ in range(500):
        if _thread._count() <= before: break
        time.sleep(.01)
    return _thread._count()-before


def forwards(calls): return [o() for o in calls]
def backwards(calls): return forwards(calls[::-1])[::-1]


@pytest.mark.parametrize('settings', [*SETTINGS, {'threads': 3}, {'threads': 7, 'bs': 100}, {'threads': 16}, {'n': 3}], ids=str)
def test_order_of_threads_changes_no_bit(settings, monkeypatch):
    "At the same time, one after the other, the other first"
    settings = {'threads': 2, 'valid': data(300, seed=9), **settings}
    W, losses = trained(**settings)
    for run in (forwards, backwards):
        monkeypatch.setattr('collab_course.kernel.at_once', run)
        again, same = trained(**settings)
        assert (again == W).all() and (same == losses).all()


def test_order_of_threads_changes_no_bit_where_the_table_fits_no_cache(monkeypatch):
    "Beyond 32 MB the loops look ahead, also into what another thread is changing"
    n_users, n_rows, rng = 40_000, 44_000, np.random.default_rng(0)
    x = np.stack([rng.integers(n_users, size=30_000), rng.integers(n_rows-n_users, size=30_000)], axis=1)
    y, first = rng.integers(1, 6, 30_000), rng.normal(0, .1, (n_rows, 51)).astype('float32')

    def fit(bs):
        W = first.copy()
        train_rows(W, x, y, n_users, np.random.default_rng(1).permutation, n_epoch=2, lr=.005, bs=bs, threads=2)
        return W
    for bs in (64, 5000):
        W = fit(bs)
        with monkeypatch.context() as patch:
            patch.setattr('collab_course.kernel.at_once', backwards)
            assert (fit(bs) == W).all() and (W != first).any()


@pytest.mark.parametrize('settings', SETTINGS, ids=str)
def test_threads_match_numpy(settings, monkeypatch):
    W, losses = trained(threads=2, **settings)
    monkeypatch.setattr('collab_course.kernel.has_numba', lambda: False)
    plain, plain_losses = trained(threads=2, **settings)
    assert np.abs(W-plain).max() < 1e-4 and np.abs(W-start()).max() > .01
    assert np.allclose(losses, plain_losses, atol=1e-5, equal_nan=True)


def test_two_threads_learn_as_much_as_one():
    "Other weights, and nearly the same losses, on ratings trained on and held out"
    one, two = (trained(n=9000, n_epoch=10, valid=data(3000, seed=9), threads=k) for k in (1, 2))
    assert (one[0] != two[0]).any() and np.abs(one[1]-two[1])[-1].max() < .005
    assert np.isclose(two[1][-1, 0], mean_squared_error(two[0], *data(9000), N_USERS))
    assert (trained(threads=1)[0] == trained()[0]).all() and (trained(threads=2.)[0] == trained(threads=2)[0]).all()


def test_ratings_of_one_user_or_one_item_are_trained_on():
    "One block has all of them, and the other threads have nothing to do"
    for side in range(2):
        x = np.zeros((50, 2), int)
        x[:, side] = np.arange(50) % 20
        W, y = start(), np.tile([1, 5], 25)
        train_rows(W, x, y, N_USERS, np.random.default_rng(0).permutation, n_epoch=50, lr=.05, bs=8, threads=4)
        assert mean_squared_error(W, x, y, N_USERS) < 1


@pytest.mark.parametrize('threads', [0, 17, 1.5, -1, True, 'two', float('nan')])
def test_number_of_threads_is_checked_before_anything_changes(threads):
    W = start()
    with pytest.raises(ValueError, match='threads is a whole number from 1 to 16'):
        train_rows(W, *data(), N_USERS, np.arange, threads=threads)
    assert (W == start()).all()
    with pytest.raises(ValueError, match='threads is a whole number from 1 to 16'): BiasedMF(threads=threads)


def test_sizes_are_compared_before_threads_run():
    for wrong in ({'x': data(20)[0]+[N_USERS, 0]}, {'shuffle': lambda n: np.arange(n)+1}, {'shuffle': lambda n: np.arange(n+1)}):
        W, (x, y) = start(), data(20)
        with pytest.raises(ValueError, match='user rows go from|has to give'):
            train_rows(**{'W': W, 'x': x, 'y': y, 'n_users': N_USERS, 'shuffle': np.arange, 'threads': 2, **wrong})
        assert (W == start()).all()


@pytest.mark.parametrize('error', [KeyboardInterrupt, RuntimeError])
def test_interrupted_threads_leave_usable_weights(error, monkeypatch):
    "From the caller's functions, and from within either thread"
    def stop(*_): raise error
    before = _thread._count()
    for when in ('progress', 'on_epoch'):
        W = start()
        with pytest.raises(error):
            train_rows(W, *data(), N_USERS, np.arange, lr=.01, bs=16, threads=2, **{when: stop})
        assert np.isfinite(W).all() and (W != start()).any() and not left_behind(before)
    for broken in range(2):
        W, calls = start(), []
        def fails(these, broken=broken, calls=calls):
            calls.append(len(these))
            return at_once([stop if len(calls) == 3 and k == broken else o for k, o in enumerate(these)])
        with monkeypatch.context() as patch, pytest.raises(error):
            patch.setattr('collab_course.kernel.at_once', fails)
            train_rows(W, *data(), N_USERS, np.arange, lr=.01, bs=16, threads=2)
        assert len(calls) == 3 and np.isfinite(W).all() and not left_behind(before)


def test_weights_that_run_away_in_threads_are_not_kept():
    W = start()
    with pytest.raises(FloatingPointError, match='lr=1 too high'):
        train_rows(W, *data(), N_USERS, np.arange, lr=1, wd=10., threads=2)
    assert (W == start()).all()


def test_progress_counts_every_rating_once():
    done = []
    trained(threads=3, n_epoch=2, progress=done.append)
    assert sum(done) == 3000 and len(done) > 10


def test_fits_side_by_side_are_alike():
    "Four fits of two threads each at the same time"
    with ThreadPoolExecutor(4) as pool: fits = list(pool.map(lambda _: trained(threads=2)[0], range(8)))
    assert all((W == fits[0]).all() for W in fits)


def test_no_two_blocks_of_a_stratum_share_a_row():
    "Ids in no order, and rows without ratings"
    (x, y), rng = data(5000), np.random.default_rng(3)
    x = np.stack([rng.permutation(2*N_USERS)[x[:, 0]], rng.permutation(3*N_ITEMS)[x[:, 1]]], axis=1).astype('int32')
    for threads in (2, 3, 5):
        o = Blocks(x, np.arange(len(y)), (2*N_USERS, 3*N_ITEMS), 32, threads)
        order = o.order(rng.permutation)
        assert sorted(o.y[order]) == [*range(len(y))] and sorted(o.rows) == [*range(2*N_USERS+3*N_ITEMS)]
        for s in o.strata:
            for side in range(2):
                rows = [{*o.x[order[cut[0]:cut[-1]], side]} for cut in s.cuts]
                assert len(set.union(*rows)) == sum(map(len, rows))


def test_groups_are_even():
    counts = np.random.default_rng(0).zipf(1.5, 1000).clip(max=5000)
    for n in (2, 3, 16):
        sizes = np.bincount(even_groups(counts, n), counts)
        assert sizes.max()-sizes.min() <= max(counts.max(), 1)


def run(code):
    "What a new process prints"
    line = [sys.executable, '-W', 'ignore', '-c', code]
    done = subprocess.run(line, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


FORK = '''
import os, sys
sys.path.insert(0, {tests!r})
from test_fast import trained
expected = trained(threads=2)[0]
def child():
    if os.fork(): return os.wait()[1]
    os._exit(0 if (trained(threads=2)[0] == expected).all() else 1)
codes, pids = [child()], []
def fork_and_go_on(epoch, train, valid): # both processes go on with this fit
    if epoch == 0: pids.append(os.fork())
W = trained(threads=2, on_epoch=fork_and_go_on)[0]
same = (W == expected).all()
if pids == [0]: os._exit(0 if same else 1)
print(*codes, os.waitpid(pids[0], 0)[1], same)
'''


@pytest.mark.skipif(not hasattr(os, 'fork'), reason='there is no fork')
def test_forked_children_train():
    "Forked after a fit in threads, and in the middle of one"
    assert run(FORK.format(tests=os.path.dirname(__file__))) == '0 0 True'


CTRL_C = '''
import _thread, time
import numpy as np
from collab_course.kernel import train_rows
rng = np.random.default_rng(0)
x, y = rng.integers(0, 2000, (1_000_000, 2)), rng.integers(1, 6, 1_000_000)
first = rng.normal(0, .01, (4000, 51)).astype('float32')
train_rows(first.copy(), x[:99], y[:99], 2000, rng.permutation, threads=2) # compiles
W, told = first.copy(), []
def progress(n):
    if not told: print('trains', flush=True)
    told.append(n)
try: train_rows(W, x, y, 2000, rng.permutation, n_epoch=1000, threads=2, progress=progress)
except KeyboardInterrupt:
    kept = W.copy()
    time.sleep(1) # a call that went on would show
    print(_thread._count(), np.isfinite(W).all(), (W != first).any(), (W == kept).all())
'''


def test_ctrl_c_ends_all_threads():
    process = subprocess.Popen([sys.executable, '-W', 'ignore', '-c', CTRL_C], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline() == 'trains\n'
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=120)
    finally: process.kill()
    assert (process.returncode, out.strip()) == (0, '0 True True True')


def test_at_once_calls_in_threads_of_their_own():
    before, meet = _thread._count(), threading.Barrier(4, timeout=60)
    assert sorted(at_once([meet.wait]*4)) == [0, 1, 2, 3]
    assert at_once([lambda k=k: (k, threading.get_ident()) for k in range(2)])[0] == (0, threading.get_ident())
    assert not left_behind(before)


STORM = '''
import _thread, signal, time
import numpy as np
from collab_course import blocks
working, left = [0]*3, []
def work(k):
    working[k] += 1
    try: time.sleep(.002)
    finally: working[k] -= 1
def ctrl_c(_, frame): # only while `at_once` is at work
    while frame := frame.f_back:
        if frame.f_code is blocks.at_once.__code__: raise KeyboardInterrupt
signal.signal(signal.SIGALRM, ctrl_c)
for delay in np.linspace(1e-5, 6e-3, 400):
    signal.setitimer(signal.ITIMER_REAL, delay) # at any moment
    try: blocks.at_once([lambda k=k: work(k) for k in range(3)])
    except KeyboardInterrupt: left.append(sum(working[1:]))
    signal.setitimer(signal.ITIMER_REAL, 0)
begun, ended = [], []
def slow():
    begun.append(1)
    ended.append(time.sleep(1))
def pressed():
    while not begun: time.sleep(.01)
    signal.setitimer(signal.ITIMER_REAL, .3) # and again, while it waits for the other
    raise KeyboardInterrupt
try: blocks.at_once([pressed, slow])
except KeyboardInterrupt: left.append(len(begun)-len(ended))
time.sleep(1)
print(len(left) > 100, set(left), _thread._count())
'''


@pytest.mark.skipif(not hasattr(signal, 'setitimer'), reason='there is no such timer')
def test_ctrl_c_at_any_moment_leaves_no_call_running():
    assert run(STORM) == 'True {0} 0'


def test_fit_fast_and_train_rows_agree_in_threads():
    import torch
    from collab_course.bias import DotProductBias
    from collab_course.by_hand import flat_weights
    from collab_course.fast import fit_fast
    from collab_course.loaders import collab_loaders
    dls, same = (collab_loaders(tiny_ratings(), bs=4) for _ in range(2))
    torch.manual_seed(1)
    model = DotProductBias(6, 6)
    W = flat_weights(model).numpy()
    losses = fit_fast(model, dls, 7, lr=.05, quiet=True, threads=2)
    train, valid = [(dl.x.numpy(), dl.y.numpy()) for dl in same]
    def shuffle(n): return torch.randperm(n, generator=same.train.gen, dtype=torch.int32).numpy()
    mine = train_rows(W, *train, 6, shuffle, n_epoch=7, lr=.05, bs=4, valid=valid, threads=2)
    assert (W == flat_weights(model).numpy()).all() and (mine == losses.values).all()


def frame():
    import pandas as pd
    x, y = data()
    df = pd.DataFrame({'user': x[:, 0], 'movie': x[:, 1], 'rating': y.round()})
    return df.drop_duplicates(['user', 'movie'])


def test_threads_are_a_setting_of_biased_mf(tmp_path):
    "A seed and a number of threads make one model, before and after it is saved"
    one, two, again = (BiasedMF(N_FACTORS, threads=k).fit(frame(), quiet=True) for k in (1, 2, 2))
    assert (two.user_weights == again.user_weights).all() and (one.user_weights != two.user_weights).any()
    assert repr(two) == f'BiasedMF(n_factors={N_FACTORS}, threads=2)' and two.clone().threads == 2
    assert two.reseeded(3).threads == 2
    loaded = load(two.save(tmp_path/'two'))
    assert loaded.settings() == two.settings() and loaded.recommend(1).equals(two.recommend(1))


def test_folders_saved_before_there_were_threads_load(tmp_path, monkeypatch):
    old = BiasedMF(N_FACTORS).fit(frame(), quiet=True)
    expected, settings = old.recommend(1), old.settings()
    del old.threads, settings['threads']
    with monkeypatch.context() as patch:
        patch.setattr(BiasedMF, 'settings', lambda self: settings)
        folder = old.save(tmp_path/'old')
    assert 'threads' not in next(folder.glob('*.json')).read_text()
    loaded = load(folder)
    assert loaded.threads == 1 and loaded.recommend(1).equals(expected)


def test_kernel_calls_compiled_loops_without_pythons_lock():
    assert all(loop.targetoptions['nogil'] for loop in compiled_loops())
