"Bayesian factorization: promises of the recommender, intervals, interruption, saved and loaded"
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_recommend import example, frames, quick, same

warnings.filterwarnings('ignore', message='.*torch.jit.script')

from collab_course import bayes  # noqa: E402
from collab_course.bayes import BayesianMF, Prior, gibbs, split_rhat  # noqa: E402
from collab_course.data import RatingsError  # noqa: E402
from collab_course.loaders import UnknownIdError  # noqa: E402
from collab_course.recommend import Recommender, SavedModelError  # noqa: E402

COLUMNS = ('who', 'what', 'stars', 'name')


def fit(df, n_factors=2, n_sweeps=12, burn_in=2, n_keep=5, min_ratings=2, **kwargs):
    "A small one of a frame"
    mf = BayesianMF(n_factors, n_sweeps, burn_in, n_keep=n_keep, **kwargs)
    return mf.fit(df, *COLUMNS, min_ratings=min_ratings, quiet=True)


def everything(mf):
    "Every pair of user and item"
    return mf.users.ids.repeat(len(mf.items)), [*mf.items.ids]*len(mf.users)


def equal(a, b):
    "Are two equal in all that they answer?"
    same(a, b)
    pairs = everything(a)
    for x, y in zip(a.predict_interval(*pairs), b.predict_interval(*pairs)):
        assert x.tobytes() == y.tobytes()
    for user in a.users.ids: assert a.recommend_sure(user).equals(b.recommend_sure(user))
    told = {a.items.ids[0]: a.limits[0]}
    assert a.predict_new(told, a.items.ids).equals(b.predict_new(told, b.items.ids))


@quick
@given(frames())
def test_save_and_load(tmp_path_factory, df):
    "A round trip changes nothing, and another save leaves two files"
    mf = fit(df)
    folder = mf.save(tmp_path_factory.mktemp('saved'))
    again = BayesianMF.load(folder)
    equal(mf, again)
    assert repr(again) == repr(mf) and bayes._settings(again) == bayes._settings(mf)
    assert again.save(folder) == folder and len(list(folder.iterdir())) == 2


@quick
@given(frames(), st.randoms(use_true_random=False))
def test_order_does_not_matter(df, rnd):
    "Rows, columns and index in another order: the same numbers"
    rows, cols = list(range(len(df))), [*df.columns]
    rnd.shuffle(rows)
    rnd.shuffle(cols)
    other = df.iloc[rows][cols]
    other.index = rows[::-1]
    equal(fit(df), fit(other))


@quick
@given(frames(), st.integers(1, 14))
def test_lists_and_intervals(df, n):
    "Nothing seen, nothing twice; one pair as in a batch; ends in order and on the scale"
    mf = fit(df)
    low, high = df.stars.min(), df.stars.max()
    pairs = everything(mf)
    rating, (lower, upper) = mf.predict(*pairs), mf.predict_interval(*pairs)
    assert ((low <= lower) & (lower <= rating) & (rating <= upper) & (upper <= high)).all()
    inner = mf.predict_interval(*pairs, noise=False)
    assert (lower <= inner[0]).all() and (inner[1] <= upper).all()
    one = [mf.predict_interval(u, i)[0][0] for u, i in list(zip(*pairs))[:5]]
    assert one == lower[:5].tolist()
    for user, mine in df.groupby('who'):
        for top in (mf.recommend(user, n), mf.recommend_sure(user, n)):
            assert not set(top.title) & set(mine.name) and top.title.is_unique
            assert len(top) == min(n, df.name.nunique()-mine.name.nunique())
            assert top.few.is_monotonic_increasing
            assert top.rating.tolist() == mf.predict(user, top['item']).tolist()
        for _, part in top.groupby('few'): assert part.lower.is_monotonic_decreasing


CODE = """
import sys, warnings; warnings.filterwarnings('ignore')
from collab_course.bayes import BayesianMF
mf = BayesianMF.load(sys.argv[1])
pairs = mf.users.ids.repeat(len(mf.items)), [*mf.items.ids]*len(mf.users)
for o in (mf.predict(*pairs), *mf.predict_interval(*pairs)): print(o.tobytes().hex())
"""


def test_another_process(tmp_path, python):
    "Saved here, loaded there: the same bytes"
    mf = fit(example())
    there = python('-c', CODE, mf.save(tmp_path/'saved')).split()
    pairs = everything(mf)
    here = [mf.predict(*pairs), *mf.predict_interval(*pairs)]
    assert [bytes.fromhex(o) for o in there] == [o.tobytes() for o in here]


def test_wrong_files(tmp_path):
    "Each class refuses the other's; every cut is noticed"
    mf = fit(example())
    folder = mf.save(tmp_path/'bayes')
    plain = Recommender.fit(example(), *COLUMNS, n_factors=2, n_epoch=1, quiet=True)
    plain.save(tmp_path/'plain')
    with pytest.raises(SavedModelError, match='not a saved Recommender.*BayesianMF'): Recommender.load(folder)
    with pytest.raises(SavedModelError, match='not a saved BayesianMF'): BayesianMF.load(tmp_path/'plain')
    for file in list(folder.iterdir()):
        good = file.read_bytes()
        for size in np.linspace(0, len(good)-1, 7).astype(int):
            file.write_bytes(good[:size])
            with pytest.raises(SavedModelError, match=file.name): BayesianMF.load(folder)
        file.write_bytes(good)
    equal(BayesianMF.load(folder), mf)


def made(seed, n_users=80, n_items=60, share=.4):
    "Ratings of a world made by the model's rules, on a scale of 100; what is expected, and all"
    rng = np.random.default_rng(seed)
    U, V = rng.normal(size=(n_users, 3))*[.5, .7, .7], rng.normal(size=(n_items, 3))*[.5, .7, .7]
    expected = 50 + 12*(U[:, :1] + V[:, 0] + U[:, 1:]@V[:, 1:].T)
    given_ = expected + 12*.6*rng.normal(size=expected.shape)
    seen = rng.random(expected.shape) < share
    u, i = seen.nonzero()
    return pd.DataFrame({'who': u, 'what': i, 'stars': given_[u, i]}), seen, expected, given_


def within(ends, values): return ((ends[0] <= values) & (values <= ends[1])).mean()


def test_intervals_hold_what_they_say():
    "Over five made worlds, for ratings not seen, for what is expected, and for 40 new people each"
    hits, new_hits = [], []
    for seed in range(5):
        df, seen, expected, stars = made(seed, n_users=110)
        mf = BayesianMF(2, 220).fit(df[df.who < 70], 'who', 'what', 'stars', quiet=True)
        mf.y_range = (-np.inf, np.inf) # the ends of the scale are not what is tested
        u, i = np.argwhere(~seen[:70]).T
        cases = [(level, noise, o[u, i]) for noise, o in ((True, stars), (False, expected)) for level in (.5, .9)]
        hits.append([within(mf.predict_interval(u, i, level, noise), o) for level, noise, o in cases])
        for new in range(70, 110):
            told, rest = df[df.who == new].iloc[:10], np.flatnonzero(~seen[new])
            told = dict(zip(told.what, told.stars.clip(*mf.limits)))
            ends = [mf.predict_new(told, rest, noise=noise)[['lower', 'upper']].to_numpy().T for noise in (True, False)]
            new_hits.append([within(ends[0], stars[new, rest]), within(ends[1], expected[new, rest])])
    covered = [*np.mean(hits, axis=0), *np.mean(new_hits, axis=0)]
    assert abs(covered-np.array([.5, .9, .5, .9, .9, .9])).max() < .03, covered


def test_better_than_chance_and_than_few_sweeps():
    "It finds what is expected, to well within the noise, and the average helps"
    df, seen, expected, _ = made(9)
    u, i = np.argwhere(~seen).T
    def error(n_sweeps):
        mf = BayesianMF(2, n_sweeps).fit(df, 'who', 'what', 'stars', quiet=True)
        return np.mean((mf.predict(u, i)-expected[u, i])**2)**.5
    long = error(220)
    assert long < .45*expected.std() and long < error(23) - .2


def test_the_callers_chance():
    "The same seed gives the same, another does not; global random numbers go on as before"
    before = np.random.get_state()[1].copy()
    a = fit(example())
    equal(a, fit(example()))
    for seed in (1, None): assert not a.recommend_all().equals(fit(example(), seed=seed).recommend_all())
    assert (np.random.get_state()[1] == before).all()


def test_scale_and_kind():
    "Half points, text as ids, another unit: predictions follow; all equal is no trouble"
    df = example().assign(stars=lambda o: o.stars/2, who=lambda o: 'u'+o.who.astype(str))
    mf, hundred = fit(df), fit(df.assign(stars=df.stars*40))
    pairs = everything(mf)
    assert mf.limits == (.5, 2.5) and hundred.limits == (20, 100)
    assert np.allclose(40*mf.predict(*pairs), hundred.predict(*pairs), atol=.01)
    assert fit(df.assign(stars=.1)).predict('u1', 1).tolist() == [.1]
    wide = BayesianMF(2, 12, 2).fit(df, *COLUMNS, y_range=(0, 3), quiet=True)
    lower, upper = wide.predict_interval(*pairs, level=.999)
    assert lower.min() == 0 and upper.max() == 3
    with pytest.raises(RatingsError, match='outside'): mf.fit(df, *COLUMNS, y_range=(0, 2), quiet=True)
    with pytest.raises(RatingsError, match='outside'): mf.predict_new({1: 3}, 2)


def stopped_after(n, monkeypatch):
    "From now on somebody presses Ctrl-C after `n` sweeps"
    class Bar:
        left = n
        def __enter__(self): return self
        def __exit__(self, *args): pass
        def update(self):
            self.left -= 1
            if not self.left: raise KeyboardInterrupt
    monkeypatch.setattr(bayes, 'progress_bar', lambda *args: Bar())


@pytest.mark.parametrize('n', [1, 2, 4])
def test_interrupted_too_early(n, monkeypatch):
    "Before two draws are kept nothing changes, whether it was trained before or not"
    mf, new, df = fit(example()), BayesianMF(2, 12, 2, n_keep=5), example()
    stopped_after(n, monkeypatch)
    with pytest.raises(KeyboardInterrupt): mf.fit(example(1), *COLUMNS)
    with pytest.raises(KeyboardInterrupt): new.fit(df, *COLUMNS)
    with pytest.raises(AttributeError, match='call `fit` first'): new.predict(1, 1)
    monkeypatch.undo()
    equal(mf, fit(df))


def test_interrupted_later(tmp_path, monkeypatch):
    "It says so, and goes on with the draws that are there, the first that all would have had"
    df = example()
    whole = fit(df)
    stopped_after(8, monkeypatch)
    with pytest.warns(UserWarning, match='the 3 of 5 draws'): part = fit(df)
    assert part.noise.tolist() == whole.noise[:3].tolist() and '3 draws' in repr(part)
    equal(part, BayesianMF.load(part.save(tmp_path/'part')))


@pytest.mark.parametrize('wrong, words', [
    ({'n_factors': 0}, 'n_factors is a whole number of at least 1, not 0'),
    ({'n_factors': 2.5}, 'not 2.5'), ({'burn_in': -1}, 'at least 0'), ({'n_keep': 1}, 'at least 2'),
    ({'n_sweeps': True}, 'not True'), ({'n_sweeps': 21}, 'fewer than 2 draws'),
    ({'prior': Prior(scale=0)}, 'above 0'), ({'prior': Prior(extra=-1)}, 'at least 0'),
])
def test_settings(wrong, words):
    "Refused when it is made"
    with pytest.raises(ValueError, match=words): BayesianMF(**wrong)


def test_errors():
    "Unknown ids, levels, frames; not trained; too short a walk"
    mf = fit(example())
    for ask in (mf.predict, mf.predict_interval, mf.predict_sd):
        with pytest.raises(UnknownIdError, match='unknown: 99'): ask(99, 1)
        with pytest.raises(UnknownIdError, match='unknown: 77'): ask(1, [1, 77])
    for level in (0, 1, 90, -.5, float('nan')):
        with pytest.raises(ValueError, match='between 0 and 1'): mf.predict_interval(1, 1, level)
        with pytest.raises(ValueError, match='between 0 and 1'): mf.recommend_sure(1, level=level)
    with pytest.raises(ValueError, match='rated twice'): mf.predict_new({1: 3, '1': 4}, 2)
    with pytest.raises(RatingsError, match='missing'): BayesianMF().fit(example(), quiet=True)
    with pytest.raises(ValueError, match='at least 4'): split_rhat(np.zeros((2, 3)))
    for name in ('recommend', 'recommend_sure', 'similar', 'save', 'find'):
        with pytest.raises(AttributeError, match='call `fit` first'): getattr(BayesianMF(), name)('x')
    with pytest.raises(AttributeError, match="no 'shoes'$"): mf.shoes


def test_nobody_rated():
    "Rows without ratings are drawn from the prior that the draw has learned from all rows"
    x, y = np.array([[u, i] for u in range(50) for i in range(40)]), np.random.default_rng(0).normal(size=2000)
    standard = []
    for k, o in zip(range(600), gibbs(x, y, (60, 40), 2, 0)):
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
from collab_course.data import tiny_ratings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    mf = BayesianMF(2, 40).fit(tiny_ratings(), quiet=True)
print(*mf.predict(1, mf.items.ids), *[o.message for o in caught if 'numba' in str(o.message)], sep='|')
'''


def test_without_numba(python):
    "It says so, and draws the same"
    fast, slow = [python('-W', 'ignore', '-c', WITHOUT.format(before=o)).strip().split('|')
                  for o in ('', "sys.modules['numba'] = None")]
    assert len(fast) == 6 and 'collab_course[fast]' in slow[6]
    assert np.allclose(np.array(fast, float), np.array(slow[:6], float), atol=1e-6)
