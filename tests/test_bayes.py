"BayesianMF: promises of its lists and intervals, interruption, saved and loaded, also from 0.1.0"
import _thread
import json
import multiprocessing
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic import COLUMNS, example, frames, quick
from test_blocks import left_behind

from collab_course import bayes, gibbs, load
from collab_course.bayes import BayesianMF, chain_length
from collab_course.gibbs import sample_gibbs, split_rhat
from collab_course.ids import tiny_ratings
from collab_course.posterior import Prior
from collab_course.ratings import Ratings, RatingsError, UnknownIdError
from collab_course.recommender import DampedMeans, History
from collab_course.store import SavedModelError

OLD = Path(__file__).with_name('saved_0_1')


def fit(df, n_factors=2, n_sweeps=12, burn_in=2, n_keep=5, **settings):
    "A small one of a frame"
    model = BayesianMF(n_factors, n_sweeps, burn_in, n_keep=n_keep, **settings)
    return model.fit(df, **COLUMNS, quiet=True)


def every_pair(mf):
    "Each user with each item"
    users, items = mf.ratings.users.ids, mf.ratings.items.ids
    return users.repeat(len(items)), [*items]*len(users)


def answers(mf):
    "All that it answers: arrays as bytes, frames as text of full precision"
    pairs, items = every_pair(mf), mf.ratings.items.ids
    told = {items[0]: mf.ratings.rating_limits[0]}
    arrays = [mf.predict(*pairs), *mf.predict_interval(*pairs), *mf.predict(*pairs, return_std=True),
              mf.predict(told, items), *mf.predict_interval(told, items, noise=False)]
    lists = [mf.recommend_all(min_ratings=2), mf.recommend(told), mf.recommend(told, by='lower'),
             *[mf.recommend(user, by='lower', min_ratings=2) for user in mf.ratings.users.ids],
             *[mf.similar(item, min_ratings=2) for item in items], mf.explain(told, items[-1])]
    return [o.tobytes() for o in arrays], [o.to_csv(float_format='%.17g', errors='surrogatepass') for o in lists]


@quick
@given(frames())
def test_save_and_load_changes_nothing(tmp_path_factory, df):
    "Answers, settings and repr; another save leaves as many files; two without the ratings"
    mf = fit(df)
    folder = mf.save(tmp_path_factory.mktemp('saved'))
    again = load(folder)
    assert answers(again) == answers(mf)
    assert repr(again) == repr(mf) and again.settings() == mf.settings() and again.used == mf.used
    assert again.save(folder) == folder and len(list(folder.iterdir())) == 3
    again.save(folder, ratings=False)
    assert len(list(folder.iterdir())) == 2 and answers(load(folder)) == answers(mf)


@quick
@given(frames(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_makes_no_difference(df, rnd):
    "Rows, columns and index in another order: the same weights"
    rows, cols = list(range(len(df))), [*df.columns]
    rnd.shuffle(rows)
    rnd.shuffle(cols)
    other = df.iloc[rows][cols]
    other.index = rows[::-1]
    assert answers(fit(df)) == answers(fit(other))


@quick
@given(frames(), st.integers(1, 14))
def test_lists_and_intervals_keep_their_promises(df, n):
    "Nothing seen, nothing twice; one pair as in a batch; ends in order and on the scale"
    mf = fit(df)
    low, high = df.stars.min(), df.stars.max()
    pairs = every_pair(mf)
    rating, (lower, upper) = mf.predict(*pairs), mf.predict_interval(*pairs)
    assert ((low <= lower) & (lower <= rating) & (rating <= upper) & (upper <= high)).all()
    inner = mf.predict_interval(*pairs, noise=False)
    assert (lower <= inner[0]).all() and (inner[1] <= upper).all()
    one = [mf.predict_interval(u, i)[0][0] for u, i in list(zip(*pairs))[:5]]
    assert one == lower[:5].tolist()
    groups = Ratings(df, **COLUMNS)
    for user, mine in df.groupby('who'):
        seen = {*groups.title_group[groups.items[mine.what]]}
        for by in ('mean', 'lower'):
            top = mf.recommend(user, n, by=by, min_ratings=2)
            listed = groups.title_group[groups.items[top['item']]]
            assert not {*listed} & seen and len({*listed}) == len(top)
            assert len(top) == min(n, len({*groups.title_group})-len(seen))
            assert top.few_ratings.is_monotonic_increasing
            assert top.rating.tolist() == mf.predict(user, top['item']).tolist()
        for _, part in top.groupby('few_ratings'): assert part.lower.is_monotonic_decreasing


@quick
@given(frames(), st.data())
def test_a_new_user_is_answered_as_one(df, data):
    "In any order of their ratings, one item as in a batch, predictions as on the list"
    mf = fit(df)
    items = mf.ratings.items.ids
    rated = data.draw(st.lists(st.sampled_from(items.tolist()), unique=True))
    told = {o: data.draw(st.sampled_from(sorted(set(df.stars)))) for o in rated}
    top = mf.recommend(told, by='lower', min_ratings=2)
    assert top.equals(mf.recommend(dict(reversed(told.items())), by='lower', min_ratings=2))
    mean, std = mf.predict(told, items, return_std=True)
    assert mean.tobytes() == mf.predict(told, items).tobytes()
    assert top.rating.tolist() == mf.predict(told, top['item']).tolist()
    assert not {*top['item']} & {*rated} and np.isfinite(mean).all() and (std > 0).all()
    one = [mf.predict(told, o, return_std=True) for o in items]
    assert [o[0] for o, _ in one] == mean.tolist() and np.allclose([o[0] for _, o in one], std, rtol=1e-12)


def test_explained_effects_add_up():
    "To the score less that of a user without ratings; for a known user by the fold-in"
    mf = fit(example())
    items = mf.ratings.items.ids
    rows, stars, nobody = np.arange(6), np.array([1, 5, 3, 4, 2, 5.]), np.zeros(0)
    score = mf.item_scores(History(rows, stars)) - mf.item_scores(History(nobody.astype(int), nobody))
    for item, expected in zip(items, score):
        effect = mf.explain(dict(zip(items[rows], stars)), item, n=10).effect
        assert len(effect) == 6 and abs(effect).is_monotonic_decreasing
        assert np.isclose(effect.sum(), expected, atol=1e-5)
    assert len(mf.explain(mf.ratings.users.ids[0], items[3], n=3)) == 3


CODE = """
import sys, warnings
from collab_course import load
mf = load(sys.argv[1])
users, items = mf.ratings.users.ids, mf.ratings.items.ids
pairs = users.repeat(len(items)), [*items]*len(users)
for o in (mf.predict(*pairs), *mf.predict_interval(*pairs)): print(o.tobytes().hex())
assert not {'numba', 'torch', 'scipy', 'sklearn'} & set(sys.modules)
"""


def test_another_process_answers_the_same_bytes(tmp_path, python):
    "Saved here, loaded there, without numba"
    mf = fit(example())
    there = python('-c', CODE, mf.save(tmp_path/'saved')).split()
    pairs = every_pair(mf)
    here = [mf.predict(*pairs), *mf.predict_interval(*pairs)]
    assert [bytes.fromhex(o) for o in there] == [o.tobytes() for o in here]


def test_wrong_files_are_refused(tmp_path):
    "Each class refuses the other's; every cut is noticed"
    mf = fit(example())
    folder = mf.save(tmp_path/'bayes', ratings=False)
    DampedMeans().fit(example(), **COLUMNS).save(tmp_path/'means')
    with pytest.raises(SavedModelError, match='holds a BayesianMF and no DampedMeans'): DampedMeans.load(folder)
    with pytest.raises(SavedModelError, match='BayesianMF'): BayesianMF.load(tmp_path/'means')
    for file in list(folder.iterdir()):
        good = file.read_bytes()
        for size in np.linspace(0, len(good)-1, 7).astype(int):
            file.write_bytes(good[:size])
            with pytest.raises(SavedModelError, match=file.name): BayesianMF.load(folder)
        file.write_bytes(good)
    assert answers(BayesianMF.load(folder)) == answers(mf)


def of_0_1_0():
    "The frame that 0.1.0 was trained on before it saved `saved_0_1/bayes`"
    rng = np.random.default_rng(0)
    who, what = rng.integers(8, size=70), rng.integers(12, size=70)
    return pd.DataFrame({'user': [f'u{o}' for o in who], 'movie': what, 'rating': rng.integers(1, 6, 70),
                         'title': [f'T{o%11}' for o in what]})


@pytest.mark.parametrize('kind', ['loaded', 'trained'])
def test_answers_are_those_of_0_1_0(kind):
    "A folder of 0.1.0 answers as 0.1.0 did, and so does a model trained here with the same seed"
    old = json.loads((OLD/'bayes_answers.json').read_text())
    trained = BayesianMF(2, 12, 2, n_keep=5)
    mf = load(OLD/'bayes') if kind == 'loaded' else trained.fit(of_0_1_0(), quiet=True)
    near = {'rtol': 1e-6 if kind == 'loaded' else 1e-4, 'atol': 1e-6}
    pairs, told, items = every_pair(mf), dict(old['told']), old['items']
    assert mf.settings() == trained.settings() and mf.ratings.rating_limits == (1, 5)
    assert mf.ratings.users.ids.tolist() == old['users'] and mf.ratings.items.ids.tolist() == items
    assert np.allclose(mf.predict(*pairs), old['predict'], **near)
    assert np.allclose(mf.predict_interval(*pairs), old['interval'], **near)
    for noise, name in ((True, 'sd'), (False, 'sd_without_noise')):
        assert np.allclose(mf.predict(*pairs, return_std=True, noise=noise)[1], old[name], **near)
    lists = [('recommend', mf.recommend('u1', 5, min_ratings=5)), ('similar', mf.similar(3, 5, min_ratings=5)),
             ('recommend_sure', mf.recommend('u1', 5, by='lower', min_ratings=5)),
             ('recommend_new', mf.recommend(told, 5, min_ratings=5))]
    for name, found in lists:
        expected = pd.DataFrame(old[name]).rename(columns={'few': 'few_ratings'})
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, **near)
    new = pd.DataFrame(old['predict_new'])
    assert np.allclose(mf.predict(told, items), new.rating, rtol=near['rtol'], atol=1e-5)
    assert np.allclose(mf.predict_interval(told, items), new[['lower', 'upper']].T, rtol=near['rtol'], atol=1e-5)


def test_update_of_a_folder_of_0_1_0_says_to_fit_again():
    "It kept no ratings"
    with pytest.raises(SavedModelError, match='fit it again'): load(OLD/'bayes').update(of_0_1_0())


def test_update_is_a_fit_on_all_rows():
    "To the bit; the rest of a pair's old ratings is replaced"
    df = example().drop_duplicates(['who', 'what'])
    mf = fit(df.iloc[:150]).update(df.iloc[120:], quiet=True)
    assert answers(mf) == answers(fit(df))


def simulated(seed, n_users=80, n_items=60, share=.4):
    "Ratings simulated by the model's rules, on a scale of 100; what is expected, and all"
    rng = np.random.default_rng(seed)
    U, V = rng.normal(size=(n_users, 3))*[.5, .7, .7], rng.normal(size=(n_items, 3))*[.5, .7, .7]
    expected = 50 + 12*(U[:, :1] + V[:, 0] + U[:, 1:]@V[:, 1:].T)
    given_ = expected + 12*.6*rng.normal(size=expected.shape)
    seen = rng.random(expected.shape) < share
    u, i = seen.nonzero()
    return pd.DataFrame({'who': u, 'what': i, 'stars': given_[u, i]}), seen, expected, given_


NO_TITLE = {**COLUMNS, 'title': None}


def within(ends, values): return ((ends[0] <= values) & (values <= ends[1])).mean()


def test_intervals_hold_what_they_say():
    "Over five simulated data sets, for ratings not seen, for what is expected, and for 40 new users each"
    hits, new_hits = [], []
    for seed in range(5):
        df, seen, expected, stars = simulated(seed, n_users=110)
        mf = BayesianMF(2, 220).fit(df[df.who < 70], **NO_TITLE, quiet=True)
        mf.ratings.rating_limits = (-np.inf, np.inf) # the ends of the scale are not what is tested
        u, i = np.argwhere(~seen[:70]).T
        cases = [(level, noise, o[u, i]) for noise, o in ((True, stars), (False, expected)) for level in (.5, .9)]
        hits.append([within(mf.predict_interval(u, i, level, noise=noise), o) for level, noise, o in cases])
        for new in range(70, 110):
            told, rest = df[df.who == new].iloc[:10], np.flatnonzero(~seen[new])
            told = dict(zip(told.what, told.stars))
            ends = [mf.predict_interval(told, rest, noise=noise) for noise in (True, False)]
            new_hits.append([within(ends[0], stars[new, rest]), within(ends[1], expected[new, rest])])
    covered = [*np.mean(hits, axis=0), *np.mean(new_hits, axis=0)]
    assert abs(covered-np.array([.5, .9, .5, .9, .9, .9])).max() < .03, covered


def test_average_finds_what_is_expected():
    "To well within the noise, and many sweeps are better than few"
    df, seen, expected, _ = simulated(9)
    u, i = np.argwhere(~seen).T
    def error(n_sweeps):
        mf = BayesianMF(2, n_sweeps).fit(df, **NO_TITLE, quiet=True)
        return np.mean((mf.predict(u, i)-expected[u, i])**2)**.5
    long = error(220)
    assert long < .45*expected.std() and long < error(23) - .2


def test_seed_decides_and_global_rng_is_untouched():
    "The same seed gives the same, another does not; global random numbers go on as before"
    before = np.random.get_state()[1].copy()
    a = answers(fit(example()))
    assert a == answers(fit(example()))
    for seed in (1, None): assert a[0][0] != answers(fit(example(), seed=seed))[0][0]
    assert (np.random.get_state()[1] == before).all()


def test_fits_in_threads_are_fits():
    "Side by side, each with a seed of its own, as one after the other"
    alone = [answers(fit(example(k), seed=k)) for k in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda k: answers(fit(example(k), seed=k)), range(4))) == alone


def test_predictions_follow_scale_and_kind_of_ratings():
    "Half points, text as ids, another unit; all equal is no trouble; limits are kept to"
    df = example().assign(stars=lambda o: o.stars/2, who=lambda o: 'u'+o.who.astype(str))
    mf, hundred = fit(df), fit(df.assign(stars=df.stars*40))
    pairs = every_pair(mf)
    assert mf.ratings.rating_limits == (.5, 2.5) and hundred.ratings.rating_limits == (20, 100)
    assert np.allclose(40*mf.predict(*pairs), hundred.predict(*pairs), atol=.01)
    assert fit(df.assign(stars=.1)).predict('u1', 1).tolist() == [.1]
    lower, upper = mf.predict_interval(*pairs, level=.999)
    assert lower.min() == .5 and upper.max() == 2.5
    with pytest.raises(RatingsError, match='outside'): mf.predict({1: 3}, 2)
    mf.ratings.rating_limits = (0, 3)
    lower, upper = mf.predict_interval(*pairs, level=.999)
    assert lower.min() == 0 and upper.max() == 3


def test_interactions_are_ratings_of_one():
    "Without a column of ratings each row counts as 1, and a history is a list of items"
    df = example()
    ones = BayesianMF(2, 12, 2).fit(df, **{**COLUMNS, 'rating': None}, quiet=True)
    assert ones.predict(*every_pair(ones)).tolist() == [1.]*600
    assert len(ones.recommend([1, 2, 3], 4)) == 4


def stopped_after(n, monkeypatch):
    "From now on Ctrl-C is pressed after `n` sweeps"
    class Bar:
        left = n
        def __enter__(self): return self
        def __exit__(self, *args): pass
        def update(self):
            self.left -= 1
            if not self.left: raise KeyboardInterrupt
    monkeypatch.setattr(bayes, 'progress_bar', lambda *args: Bar())


@pytest.mark.parametrize('n', [1, 2, 4])
def test_early_interrupt_changes_nothing(n, monkeypatch):
    "Before two draws are kept, whether it was trained before or not"
    mf, new, df = fit(example()), BayesianMF(2, 12, 2, n_keep=5), example()
    stopped_after(n, monkeypatch)
    with pytest.raises(KeyboardInterrupt): mf.fit(example(1), **COLUMNS)
    with pytest.raises(KeyboardInterrupt): new.fit(df, **COLUMNS)
    with pytest.raises(AttributeError, match='call `fit` first'): new.predict(1, 1)
    monkeypatch.undo()
    assert answers(mf) == answers(fit(df))


def test_late_interrupt_keeps_the_draws_so_far(tmp_path, monkeypatch):
    "It says so, and goes on with the draws that are there, the first that all would have had"
    df = example()
    whole = fit(df)
    stopped_after(8, monkeypatch)
    with pytest.warns(UserWarning, match='the 3 of 5 draws'): part = fit(df)
    assert part.noise.tolist() == whole.noise[:3].tolist()
    assert answers(part) == answers(load(part.save(tmp_path/'part')))


@pytest.mark.parametrize('wrong, words', [
    ({'n_factors': 0}, 'n_factors is a whole number of at least 1, not 0'),
    ({'n_factors': 2.5}, 'not 2.5'), ({'n_factors': None}, 'not None'), ({'burn_in': -1}, 'burn_in .* not -1'),
    ({'n_keep': 1}, 'n_keep is a whole number from 2 .* not 1'), ({'n_sweeps': True}, 'not True'),
    ({'n_sweeps': 21}, 'n_sweeps=21 and burn_in=20 leave fewer than 2 draws: n_sweeps has to be at least 22'),
    ({'threads': 0}, 'threads is a whole number from 1 to 16, not 0'), ({'threads': None}, 'not None'), ({'seed': -1}, 'seed .* not -1'), ({'seed': 'x'}, "not 'x'"),
    ({'prior': Prior(scale=0)}, 'above 0'), ({'prior': Prior(extra=-1)}, 'at least 0'),
    ({'prior': Prior(rate=float('nan'))}, 'above 0'),
])
def test_impossible_settings_are_refused(wrong, words):
    "When it is made"
    with pytest.raises(ValueError, match=words): BayesianMF(**wrong)


def test_settings_of_numpy_and_none_work():
    "Numbers of numpy are numbers; no number of sweeps is the usual one, and `used` says which"
    a, b = [BayesianMF(k(2), k(12), k(2), seed=k(3), n_keep=k(5)) for k in (int, np.int64)]
    assert answers(a.fit(example(), **COLUMNS, quiet=True)) == answers(b.fit(example(), **COLUMNS, quiet=True))
    mf = fit(example(), n_sweeps=None)
    assert mf.used == {'n_sweeps': 300} and mf.n_sweeps is None and mf.settings()['n_sweeps'] is None
    assert answers(mf) == answers(fit(example(), n_sweeps=300)) and fit(example()).used == {}


def test_settings_left_out_follow_from_size():
    "Each on its own; a given one stays; a long burn-in has draws after it; never fewer than the bars ask for"
    mf = BayesianMF(2).fit(example(), **COLUMNS, quiet=True)
    assert mf.used == {'n_sweeps': 300, 'n_keep': 50} and mf.settings() == BayesianMF(2).settings() and len(mf.noise) == 50
    late = BayesianMF(2, burn_in=290, n_keep=7).fit(example(), **COLUMNS, quiet=True)
    assert late.used == {'n_sweeps': 330} and len(late.noise) == 7
    assert len(BayesianMF(2, 30).fit(example(), **COLUMNS, quiet=True).noise) == 10
    rules = [chain_length(n) for n in (1, 1_000_000, 1_000_001, 3_000_000, 10_000_000, 25_000_000, 10**9)]
    sweeps, keep = np.array([[o['n_sweeps'], o['n_keep']] for o in rules]).T
    assert (np.diff(sweeps) <= 0).all() and (np.diff(keep) <= 0).all() and sweeps[-2] == 60
    assert (keep <= sweeps-20).all() and keep[-1] == 20


def random_ratings(n=40_000):
    "Enough for several slices"
    rng = np.random.default_rng(0)
    return pd.DataFrame({'user': rng.integers(900, size=n), 'movie': rng.integers(600, size=n), 'rating': rng.integers(1, 6, n)})


def arrays(mf):
    "All that a fit has drawn"
    return [getattr(mf, o).tobytes() for o in 'user_rows item_rows user_bias item_bias means precisions noise'.split()]


@pytest.fixture(scope='module')
def random_table(): return Ratings(random_ratings())


@pytest.mark.parametrize('compiled', [True, False])
def test_threads_change_nothing(compiled, random_table, monkeypatch):
    "To the last bit, with and without numba; none is left running"
    if not compiled: monkeypatch.setattr(gibbs, 'has_numba', lambda: False)
    counts = [np.r_[0, np.bincount(o).cumsum()] for o in random_table.x.T]
    assert all(len(gibbs._slices(o)) >= 5 for o in counts)
    running = _thread._count()
    first, *rest = [BayesianMF(2, 4, 1, threads=o).fit(random_table, quiet=True) for o in (1, 2, 5, 16)]
    assert all(arrays(o) == arrays(first) for o in rest) and not left_behind(running)
    assert rest[0].settings()['threads'] == 2 and repr(rest[0]) == 'BayesianMF(n_factors=2, n_sweeps=4, burn_in=1, threads=2)'


def test_slices_hold_every_row_once():
    "In order, whatever the counts are, none at all and one row with nearly all ratings among them"
    rng = np.random.default_rng(0)
    for counts in ([0], [0]*50_000, [1], [10**6, *[0]*9], [*[0]*9, 10**6], rng.integers(0, 300, 5000)):
        ends = np.r_[0, np.cumsum(counts)]
        slices = gibbs._slices(ends)
        assert len(slices) <= 64 and np.concatenate([np.arange(*o) for o in slices]).tolist() == [*range(len(counts))]


@pytest.mark.parametrize('error', [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize('in_main', [True, False])
def test_an_error_ends_all_threads(error, in_main, random_table, monkeypatch):
    "In whichever thread it comes up; the model stays as it was"
    mf = fit(example())
    before, calls, draw = answers(mf), [], gibbs._draw_rows
    def failing(*args):
        here = threading.get_ident() == threading.main_thread().ident
        calls.append(here)
        if here == in_main and calls.count(here) == 3: raise error('here')
        return draw(*args)
    monkeypatch.setattr(gibbs, '_draw_rows', failing)
    vars(mf)['threads'], running = 3, _thread._count()
    with pytest.raises(error): mf.fit(random_table, quiet=True)
    assert not left_behind(running) and answers(mf) == before


def test_two_threads_share_the_work(random_table, monkeypatch):
    "The busier of them has at most .6 of it"
    seconds, draw = {}, gibbs._draw_rows
    def timed(*args):
        start, here = time.thread_time(), threading.current_thread() is threading.main_thread()
        error = draw(*args)
        seconds[here] = seconds.get(here, 0) + time.thread_time() - start
        return error
    gibbs.draw_rows_fast(np.zeros((1, 11)), np.zeros((1, 11)), (np.zeros(2, int), np.zeros(0, 'int32'), np.zeros(0)),
                         (np.zeros(11), np.eye(11)), 1., np.zeros((1, 11))) # compiled
    monkeypatch.setattr(gibbs, '_draw_rows', timed)
    BayesianMF(n_sweeps=60, threads=2).fit(random_table, quiet=True)
    assert max(seconds.values()) <= .6*sum(seconds.values())


def fitted_in_child(table, answer): answer.send(arrays(BayesianMF(2, 4, 1, threads=2).fit(table, quiet=True)))


def test_a_forked_child_fits_like_its_parent(random_table):
    "After a fit with threads, and it does not hang"
    here = arrays(BayesianMF(2, 4, 1, threads=2).fit(random_table, quiet=True))
    context = multiprocessing.get_context('fork')
    mine, its = context.Pipe()
    child = context.Process(target=fitted_in_child, args=(random_table, its))
    child.start()
    assert mine.poll(120) and mine.recv() == here
    child.join()


def test_draws_are_kept_once(random_table):
    "The peak of a fit beyond its ratings and the model itself is less than the draws: no copy of them"
    import tracemalloc
    peaks = []
    for n_keep in (2, 200):
        tracemalloc.start()
        mf = BayesianMF(n_sweeps=202, burn_in=1, n_keep=n_keep).fit(random_table, quiet=True)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    draws = sum(getattr(mf, o).nbytes for o in ('user_rows', 'item_rows', 'user_bias', 'item_bias'))
    assert draws > 12e6 and peaks[1]-peaks[0] < 1.25*draws


def test_errors_name_what_is_wrong():
    "Unknown ids, levels, frames; not trained; too short a chain"
    mf = fit(example())
    for ask in (mf.predict, mf.predict_interval):
        with pytest.raises(UnknownIdError, match='unknown: 99'): ask(99, 1)
        with pytest.raises(UnknownIdError, match='unknown: 77'): ask(1, [1, 77])
    for level in (0, 1, 90, -.5, float('nan')):
        with pytest.raises(ValueError, match='between 0 and 1'): mf.predict_interval(1, 1, level)
        with pytest.raises(ValueError, match='between 0 and 1'): mf.recommend(1, by='lower', level=level)
    with pytest.raises(ValueError, match='rated twice'): mf.predict({1: 3, '1': 4}, 2)
    with pytest.raises(RatingsError, match='missing'): BayesianMF().fit(example(), quiet=True)
    with pytest.raises(ValueError, match='at least 4'): split_rhat(np.zeros((2, 3)))
    for name in ('recommend', 'similar', 'save', 'find'):
        with pytest.raises(AttributeError, match='call `fit` first'): getattr(BayesianMF(), name)('x')
    with pytest.raises(AttributeError, match="no 'shoes'$"): mf.shoes


def test_rows_without_ratings_follow_the_prior():
    "They are drawn from the prior that the draw has learned from all rows"
    x, y = np.array([[u, i] for u in range(50) for i in range(40)]), np.random.default_rng(0).normal(size=2000)
    standard = []
    for k, o in zip(range(600), sample_gibbs(x, y, (60, 40), 2, 0)):
        mean, precision = o.user_prior
        if k >= 100: standard.append((o.users[50:]-mean) @ np.linalg.cholesky(precision))
    standard = np.concatenate(standard)
    assert np.allclose(standard.mean(axis=0), 0, atol=.06)
    assert np.allclose(np.cov(standard.T), np.eye(3), atol=.08)


WITHOUT = '''
import sys, warnings
{before}
import numpy as np
from collab_course.bayes import BayesianMF
from collab_course.ratings import tiny_ratings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    mf = BayesianMF(2, 40).fit(tiny_ratings(), quiet=True)
print(*mf.predict(1, mf.ratings.items.ids), *[o.message for o in caught if 'numba' in str(o.message)], sep='|')
'''


def test_without_numba_it_says_so_and_draws_the_same(python):
    "Slowly"
    fast, slow = [python('-W', 'ignore', '-c', WITHOUT.format(before=o)).strip().split('|')
                  for o in ('', "sys.modules['numba'] = None")]
    assert len(fast) == 6 and 'pip install numba' in slow[6]
    assert np.allclose(np.array(fast, float), np.array(slow[:6], float), atol=1e-6)


def test_one_pair_is_a_batch_of_one():
    "The first releases of numpy 2 make a scalar of one float64"
    mf = BayesianMF(n_factors=2, n_sweeps=12, burn_in=2, n_keep=5).fit(tiny_ratings(), quiet=True)
    assert mf.predict(1, 6).shape == mf.predict({1: 5}, 6).shape == (1,)
    assert mf.predict(1, 6)[0] == mf.predict([2, 1], [1, 6])[1]
    assert [one.shape for one in mf.predict(1, 6, return_std=True)] == [(1,), (1,)]


ROOM = [dict(n_factors=120, n_sweeps=30, n_keep=10), dict(n_factors=40, n_sweeps=24, n_keep=3), dict(n_factors=1, n_sweeps=420, n_keep=400)]


@pytest.mark.parametrize('settings', ROOM)
@pytest.mark.parametrize('kind', ['BayesianMF', 'FeatureMF'])
def test_memory_that_is_asked_for_is_what_a_fit_takes(kind, settings, monkeypatch):
    "At least that, and at most about twice"
    import tracemalloc

    import collab_course
    from collab_course import bayes
    rng, asked = np.random.default_rng(0), []
    df = pd.DataFrame(dict(user=rng.integers(0, 60, 400), movie=rng.integers(0, 40, 400), rating=rng.integers(1, 6, 400)))
    model = getattr(collab_course, kind)(**settings)
    model.clone(n_sweeps=22, n_keep=2).fit(df, quiet=True) # imports and compiles
    monkeypatch.setattr(bayes, 'check_memory', lambda n, what: asked.append(n))
    tracemalloc.start()
    try:
        model.fit(df, quiet=True)
        peak = tracemalloc.get_traced_memory()[1]
    finally: tracemalloc.stop()
    assert peak <= asked[0] <= 2.2*peak


def test_chain_that_no_memory_holds_is_not_begun():
    "Ten thousand factors: the priors' precisions alone are gigabytes"
    df = pd.DataFrame(dict(user=[1, 2], movie=[1, 2], rating=[1, 2]))
    with pytest.raises(MemoryError, match='draws of 4 rows of 10,000 factors would take'):
        BayesianMF(10_000, n_sweeps=1_000_000, n_keep=100_000).fit(df, quiet=True)
