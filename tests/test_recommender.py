"The protocol and BiasedMF: frames of every kind, updates, other processes, and files that are wrong"
import json
import os
import random
import tracemalloc
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.evaluation import Choose, Ensemble
from collab_course.ids import RatingsError, UnknownIdError, tiny_ratings
from collab_course.implicit_mf import ImplicitMF
from collab_course.ratings import AmbiguousTitleError, Ratings
from collab_course.recommender import DampedMeans, History, Popularity, Recommender, load
from collab_course.store import SavedModelError, load_folder, save_folder
from collab_course.widgets import rate_widget
from hypothesis import given, settings
from hypothesis import strategies as st
from synthetic import COLUMNS, example, frames, quick

OLD = Path(__file__).with_name('saved_0_1')
FEW = 2


def fit(df, **settings):
    "A small model of a frame"
    return BiasedMF(**{'n_factors': 3, 'n_epoch': 1, **settings}).fit(df, **COLUMNS, quiet=True)


def weights(model): return model.user_weights.tobytes() + model.item_weights.tobytes()


def every_pair(model):
    "Each user with each item"
    users, items = model.ratings.users.ids, model.ratings.items.ids
    return users.repeat(len(items)), [*items]*len(users)


def answers(model):
    "What a model answers, to be compared to the bit"
    r = model.ratings
    some = {r.items.ids[0]: r.rating_limits[1]}
    near = [] if isinstance(model, Ensemble) else [model.similar(o, min_ratings=FEW) for o in r.items.ids]
    lists = [model.recommend_all(min_ratings=FEW), model.recommend(some, min_ratings=FEW), *near]
    return model.predict(*every_pair(model)).tobytes(), [o.to_json(double_precision=15) for o in lists]


def state(model):
    "What it answers, and what an update would start from"
    return answers(model), model.ratings.by_order().to_frame().to_json(double_precision=15)


# Lists

@quick
@given(frames(), st.integers(1, 14))
def test_list_keeps_its_promises(df, n):
    "Nothing seen by id or title, nothing twice, few ratings last, best first, the right length"
    rec = fit(df)
    count, titles = df.what.value_counts(), df.groupby('what').name.first()
    for user, mine in df.groupby('who'):
        seen = set(mine.name)
        top = rec.recommend(user, n, min_ratings=FEW)
        assert not set(top.title) & seen and not set(top['item']) & set(mine.what)
        assert top.title.is_unique and len(top) == min(n, df.name.nunique()-len(seen))
        assert top.few_ratings.tolist() == [bool(count[o] < FEW) for o in top['item']] == sorted(top.few_ratings)
        assert top.title.tolist() == titles.loc[top['item'].tolist()].tolist()
        for _, part in top.groupby('few_ratings'): assert part.rating.is_monotonic_decreasing
        assert top.rating.between(df.stars.min(), df.stars.max()).all()
        assert top.rating.tolist() == rec.predict(user, top['item']).tolist()
        assert top.equals(rec.recommend(user, 100, min_ratings=FEW).head(n))


@quick
@given(frames(), st.data())
def test_list_is_filtered_as_asked(df, data):
    "`items`, `exclude` and `seen`, alone and together, for one user and for all"
    rec = fit(df)
    some = st.lists(st.sampled_from(rec.ratings.items.ids.tolist()), unique=True)
    items, exclude, seen = data.draw(st.none() | some), data.draw(some), data.draw(st.booleans())
    name, options = df.groupby('what').name.first(), {'exclude': exclude, 'seen': seen, 'min_ratings': 0}
    gone = set(name.loc[exclude])
    for user, mine in df.groupby('who'):
        scores = rec.item_scores(int(rec.ratings.users[user]))
        rated = set() if seen else set(mine.name)
        left = [o for o in rec.ratings.items.ids.tolist() if name[o] not in rated | gone and (items is None or o in items)]
        left.sort(key=lambda o: (-scores[rec.ratings.items[o]], rec.ratings.items[o]))
        expected = pd.Series(left, dtype=object)[~pd.Series([name[o] for o in left]).duplicated().to_numpy()].tolist()
        assert rec.recommend(user, 100, items=items, **options)['item'].tolist() == expected
        every = rec.recommend_all(100, users=[user], items=items, **options)
        assert every['item'].tolist() == expected and (every.user == user).all()


@quick
@given(frames(), st.randoms(use_true_random=False))
def test_order_of_rows_and_columns_does_not_matter(df, rnd):
    "Rows, columns and index in another order, other columns beside them: the same model"
    rows, cols = list(range(len(df))), [*df.columns, 'user', 'rating']
    rnd.shuffle(rows)
    rnd.shuffle(cols)
    other = df.assign(user=0, rating=9).iloc[rows][cols]
    other.index = rows[::-1]
    assert answers(fit(df)) == answers(fit(other))


@quick
@given(frames(), st.data())
def test_new_user_is_served_and_forgotten(df, data):
    "The same person in any order of their ratings; nothing they rated comes back; nothing changes"
    rec = fit(df)
    before = rec.recommend_all()
    items = data.draw(st.lists(st.sampled_from(rec.ratings.items.ids.tolist()), unique=True))
    told = {o: data.draw(st.sampled_from(sorted(set(df.stars)))) for o in items}
    top = rec.recommend(told, 20)
    assert top.equals(rec.recommend(dict(reversed(told.items())), 20))
    seen = set(df.name[df.what.isin(items)])
    assert not set(top.title) & seen and len(top) == df.name.nunique()-len(seen)
    assert np.isfinite(top.rating).all() and rec.recommend_all().equals(before)
    assert top.rating.tolist() == rec.predict(told, top['item']).tolist()


# Lists of many users

WEIGHTS = { # user's bias and factors, item's bias and factors
    'any': lambda rng, n: rng.normal(size=(n, 4)),
    'few values': lambda rng, n: rng.integers(-1, 2, (n, 4)),
    'all equal': lambda rng, n: np.ones((n, 4)),
    'one step apart': lambda rng, n: np.c_[1 + rng.integers(0, 3, n)*2.**-23, np.tile([1e-3, -1e-3, 0], (n, 1))],
    'nearly cancelled': lambda rng, n: np.c_[rng.normal(size=n), np.tile([3e2, 3e2, 0], (n, 1))*[1, -1, 0]],
    'beside a large bias': lambda rng, n: rng.normal(size=(n, 4))*[1e9, 1e-3, 1e-3, 1e-3],
    'huge': lambda rng, n: rng.normal(size=(n, 4))*1e17, 'too large': lambda rng, n: rng.normal(size=(n, 4))*1e30,
    'small': lambda rng, n: rng.normal(size=(n, 4))*1e-15, 'vanishing': lambda rng, n: rng.normal(size=(n, 4))*1e-23}


def made(kind, n_items, seed, users='any'):
    "A `BiasedMF` whose weights are of a kind, for 14 users, of whom the first has rated everything; some titles are shared"
    rng = np.random.default_rng(seed)
    who, what = rng.integers(0, 14, 6*n_items), (rng.random(6*n_items)**2*n_items).astype(int)
    who, what = np.r_[who, np.arange(14), np.zeros(n_items, int)], np.r_[what, np.arange(14) % n_items, np.arange(n_items)]
    names = rng.integers(0, 8*n_items, n_items)
    df = pd.DataFrame({'who': who, 'what': what, 'stars': rng.integers(1, 6, len(who)), 'name': [f'T{names[o]}' for o in what]})
    rec = BiasedMF(3)
    parts = [WEIGHTS[o](rng, n).astype('float32') for o, n in ((users, 14), (kind, n_items))]
    vars(rec).update(ratings=Ratings(df, **COLUMNS), used={'y_range': (0, 5.5)}, user_weights=parts[0], item_weights=parts[1])
    return rec


def one_by_one(rec, n=10, users=None, **options):
    "What `recommend_all` should give"
    users = rec.ratings.users.ids if users is None else users
    tops = [rec.recommend(o, n, **options) for o in users]
    res = pd.concat(tops, ignore_index=True)
    res.insert(0, 'user', np.repeat(users, [len(o) for o in tops]))
    return res


def same_lists(rec, *args, **options):
    "Equal to the last bit"
    pd.testing.assert_frame_equal(rec.recommend_all(*args, **options), one_by_one(rec, *args, **options),
                                  check_exact=True, check_dtype=False)
    return True


@settings(quick, max_examples=100)
@given(st.sampled_from(sorted(WEIGHTS)), st.sampled_from(sorted(WEIGHTS)), st.sampled_from([15, 60, 500]),
       st.integers(0, 10**6), st.sampled_from([1, 3, 10, 70]), st.sampled_from([0, 3, 20]), st.booleans(), st.data())
def test_lists_of_all_are_those_of_each(users, kind, n_items, seed, n, min_ratings, seen, data):
    "Whatever the scores are like: lists, their order, and every bit of the ratings"
    rec = made(kind, n_items, seed, users)
    some = st.lists(st.integers(0, n_items-1), unique=True, max_size=n_items)
    options = {'items': data.draw(st.none() | some), 'exclude': data.draw(st.just([]) | some)}
    assert same_lists(rec, n, min_ratings=min_ratings, seen=seen, **options)
    scores = dict(zip(map(int, rec.ratings.users.ids), map(rec.item_scores, range(14))))
    for some, user, rows, score in rec.rank_many(np.arange(14), n, None, seen, min_ratings, ties=True):
        for k, u in enumerate(some.tolist()):
            want = rec.rank(scores[u], [] if seen else rec.ratings.seen(u), n, None, min_ratings, ties=True)
            assert rows[user == k].tolist() == want.tolist()
            assert score[user == k].tobytes() == scores[u][want].tobytes()


@pytest.mark.parametrize('model, wrong, says', [
    (BayesianMF(), {'n_sweeps': 30}, r"'n_sweeps': settings belong in the constructor, BayesianMF\(n_sweeps=30\).fit\(df\)"),
    (DampedMeans(), {'damping': 3.}, r'DampedMeans\(damping=3.0\)'), (DampedMeans(), {'wd': .1}, r"fit has no argument 'wd'$"),
], ids=str)
def test_settings_in_fit_are_sent_to_the_constructor(model, wrong, says):
    "And what no model has is no argument; nothing is trained"
    with pytest.raises(TypeError, match=says): model.fit(example(), **COLUMNS, quiet=True, **wrong)
    assert 'ratings' not in vars(model)


@pytest.mark.parametrize('model', [BayesianMF(2, n_sweeps=12, burn_in=2, n_keep=5), DampedMeans(), Popularity(),
                                   Choose({'it': BiasedMF(2, n_epoch=1)}), Ensemble(BiasedMF(2, n_epoch=1), 2)], ids=repr)
def test_lists_of_all_are_those_of_each_for_every_model(model):
    model.fit(example(), **COLUMNS, quiet=True)
    for n in (1, 4, 50):
        for min_ratings in (0, 9, 20): assert same_lists(model, n, min_ratings=min_ratings)
    twice = [*model.ratings.users.ids]*2
    assert same_lists(model, 3, users=twice, min_ratings=0) and same_lists(model, 3, users=[5, 3], seen=True)


@pytest.mark.parametrize('offset, scale', [(1e12, 1.), (-3., 1e-9), (0., 1e250)])
def test_posterior_means_far_from_zero_are_ranked_as_each(offset, scale):
    "Where the unit of the ratings makes ties of scores that differ"
    model = BayesianMF(2, n_sweeps=12, burn_in=2, n_keep=5).fit(example(), **COLUMNS, quiet=True)
    model.offset, model.scale = offset, scale
    for n in (1, 5): assert same_lists(model, n, min_ratings=0)


def test_users_are_not_asked_one_by_one(monkeypatch):
    "Where scores differ; and where they do not they are"
    monkeypatch.setattr(BiasedMF, '_scores', lambda self, user: 1/0)
    rec = made('any', 500, 0)
    users = range(1, 14) # 0 has rated everything
    for options in ({}, {'exclude': [3]}, {'seen': True}): assert len(rec.recommend_all(5, users=users, min_ratings=0, **options)) == 13*5
    for kind in ('all equal', 'too large'):
        with pytest.raises(ZeroDivisionError): made(kind, 500, 0, 'huge').recommend_all(5, users=users, min_ratings=0)
    with pytest.raises(ZeroDivisionError): rec.recommend_all(5, users=[1, 2]) # too few to lay out the items
    with pytest.raises(ZeroDivisionError): rec.recommend_all(5, users=users, min_ratings=10**6) # no item has as many


def test_long_lists_of_ties_come_in_parts():
    "Where all items tie, those of 40 users are not held at once; every user has a list, in order"
    n = 20_000
    df = pd.DataFrame({'who': np.arange(n) % 40, 'what': np.arange(n), 'stars': np.arange(n) % 5})
    model = DampedMeans(items=False).fit(df, user='who', item='what', rating='stars', quiet=True)
    asked, sizes = [], []
    for some, user, rows, scores in model.rank_many(np.arange(40), 5, min_ratings=0, ties=True):
        asked.extend(some.tolist())
        sizes.append(len(rows))
        assert user.tolist() == np.arange(len(some)).repeat(n - n//40).tolist()
        for k, u in enumerate(some.tolist()): assert rows[user == k].tolist() == [i for i in range(n) if i % 40 != u]
    assert asked == [*range(40)] and max(sizes) < 8*n and len(sizes) > 4


class Backwards(BiasedMF):
    "The worst first"
    def _scores(self, user): return -super()._scores(user)


class Shy(BiasedMF):
    "The best is not shown"
    def rank(self, scores, rated, n, *args, **kwargs): return super().rank(scores, rated, n+1, *args, **kwargs)[1:]


class Moody(DampedMeans):
    "Every user likes something else"
    def _predict(self, u, i): return super()._predict(u, i) + np.sin(u+7*i)


@pytest.mark.parametrize('cls', [Backwards, Shy, Moody])
def test_changed_scores_and_ranks_change_all_lists(cls):
    "A subclass need not know of blocks"
    model = cls().fit(example(), **COLUMNS, quiet=True)
    assert same_lists(model, 4, min_ratings=0)
    assert not model.recommend_all(4, min_ratings=0).equals(cls.__base__().fit(example(), **COLUMNS).recommend_all(4, min_ratings=0))


def test_many_lists_need_no_memory_for_all_pairs():
    "2,000 users times 30,000 items are 240 MB of float32"
    rng = np.random.default_rng(0)
    df = pd.DataFrame({'who': np.arange(60_000) % 2000, 'what': np.arange(60_000) % 30_000, 'stars': rng.integers(1, 6, 60_000)})
    rec = BiasedMF(3)
    vars(rec).update(ratings=Ratings(df, user='who', item='what', rating='stars'), used={'y_range': (0, 5.5)},
                     user_weights=rng.normal(size=(2000, 4)).astype('float32'),
                     item_weights=rng.normal(size=(30_000, 4)).astype('float32'))
    rec.recommend(0)
    tracemalloc.start()
    try: top = rec.recommend_all(5, min_ratings=0)
    finally: peak = (tracemalloc.get_traced_memory()[1], tracemalloc.stop())[0]
    assert len(top) == 10_000 and peak < 40e6


@quick
@given(frames())
def test_similar_items_are_others(df):
    "Never itself, by id or title; finite"
    rec = fit(df)
    for item, name in zip(rec.ratings.items.ids, rec.ratings.titles):
        near = rec.similar(item, 100)
        assert item not in set(near['item']) and name not in set(near.title)
        assert len(near) == df.name.nunique()-1 and near.similarity.between(-1, 1).all()


@quick
@given(frames(), st.data())
def test_effects_add_up(df, data):
    "For a new user, and for those of the table: the folded-in score less the average user's"
    rec = fit(df, n_epoch=3)
    ids = rec.ratings.items.ids
    items = sorted(data.draw(st.lists(st.sampled_from(range(len(ids))), unique=True, min_size=1)))
    who = History(np.array(items), np.array([data.draw(st.sampled_from(sorted(set(df.stars)))) for _ in items], float))
    told = dict(zip(ids[who.items].tolist(), who.ratings))
    lead = rec.item_scores(who) - rec.item_scores(History(np.zeros(0, int), np.zeros(0)))
    for row, item in enumerate(ids):
        why = rec.explain(told, item, 100)
        assert np.isclose(why.effect.sum(), lead[row], atol=1e-7) and len(why) == len(items)
        assert why.effect.abs().is_monotonic_decreasing and dict(zip(why['item'], why.rating)) == told
        assert rec.explain(told, item, 1).equals(why.head(1))
    user = df.who[0]
    assert len(rec.explain(user, ids[0], 100)) == (df.who == user).sum()


def test_who_may_be_an_id_or_a_dict():
    "Anything else is refused with a word of help"
    rec = fit(example())
    for many in ([1, 2], np.array([1]), pd.Series([3., 4.], index=[1, 2])):
        with pytest.raises(TypeError, match='a dict of item: rating'): rec.recommend(many)
    assert len(rec.predict(pd.Series([3, 4], index=[7, 8]), [1, 2])) == 2
    with pytest.raises(UnknownIdError): rec.recommend('nobody')
    with pytest.raises(ValueError, match='one item, not of 2'): rec.explain(1, [1, 2])
    assert BiasedMF().fit(tiny_ratings(), quiet=True).predict({'Heat (1995)': '5'}, 1).shape == (1,)


def test_interactions_have_lists_as_histories():
    "`rating=None`; a list of items is somebody, and what they have is not offered"
    df = example().drop_duplicates(['who', 'what'])
    columns = {**COLUMNS, 'rating': None}
    popular = Popularity().fit(df, **columns, quiet=True)
    assert popular.ratings.interactions and (popular.ratings.y == 1).all()
    top = popular.recommend([3, 'T5'], 40)
    assert len(top) == 28 and not {3, 5} & set(top['item']) and list(top.columns)[2] == 'score'
    assert top.equals(popular.recommend({3: 1, 5: 1}, 40))
    assert popular.recommend([], 40).score.is_monotonic_decreasing


# Fit and update

def test_predictions_are_within_the_limits():
    "... though the sigmoid goes further"
    df = pd.DataFrame([(u, i, [1, 4, 5][(i < 3) + 2*(u < 5)], f'T{i}') for u in range(15) for i in range(10) if u > 4 or i > 2],
                      columns=['who', 'what', 'stars', 'name']) # films 0 to 2 are better, users 0 to 4 kinder
    rec = fit(df, n_factors=0, n_epoch=60, lr=.05, wd=0)
    preds = rec.predict(*every_pair(rec))
    assert rec.used['y_range'] == (0, 5.5) and preds.min() >= 1 and preds.max() == 5
    assert rec.to_ratings(rec.item_scores(0)).max() > 5.1
    assert rec.recommend(0).rating.tolist() == [5]*3


def test_fit_on_the_class_says_what_to_write():
    "As `Recommender.fit(df)` was called in 0.1.0"
    for call in (lambda: BiasedMF.fit(example()), lambda: Recommender.fit(example(), quiet=True),
                 lambda: DampedMeans.fit(example(), **COLUMNS)):
        with pytest.raises(TypeError, match=r'BiasedMF\(\).fit\(df\)'): call()


def test_fit_and_update_are_all_or_nothing(monkeypatch):
    "An error, a loss that is no number, Ctrl-C: the model is as it was, and can be trained again"
    rec, df = fit(example()), example(1)
    before, table = state(rec), rec.ratings
    with pytest.raises(RatingsError): rec.fit(df.assign(stars='good'), **COLUMNS)
    with pytest.raises(RatingsError): rec.update(df.assign(stars=np.nan))
    with pytest.raises(RatingsError): rec.update(df.drop(columns='what'))
    with pytest.raises(RatingsError, match='mixes'): rec.update(df.assign(who='x'))
    with pytest.raises(TypeError): rec.update([1, 2])
    with monkeypatch.context() as m:
        def stop(self, ratings):
            self.user_weights = None
            raise KeyboardInterrupt
        m.setattr(BiasedMF, '_fit', stop)
        for change in (lambda: rec.fit(df, **COLUMNS), lambda: rec.update(df)):
            with pytest.raises(KeyboardInterrupt): change()
    assert state(rec) == before and rec.ratings is table
    assert state(rec.update(df, quiet=True)) == state(fit(pd.concat([
        example()[~pair(example()).isin(pair(df))], df])))


def pair(df): return df.who.astype(str) + ' ' + df.name


@quick
@given(frames(), st.data())
def test_update_equals_a_fit_on_the_joined_frame(df, data):
    "To the bit, rows of a user and title replaced; the tables of before stay as they are"
    at = data.draw(st.integers(0, len(df)))
    old, new = df[:at], df[at:]
    if not len(old) or not len(new): return
    joined = pd.concat([old[~pair(old).isin(pair(new))], new])
    table = Ratings(old, **COLUMNS)
    frame = table.to_frame()
    rec = BiasedMF(n_factors=3, n_epoch=1).fit(table, quiet=True).update(new, quiet=True)
    assert weights(rec) == weights(fit(joined)) and state(rec) == state(fit(joined))
    assert len(table) == len(old) and table.to_frame().equals(frame)
    also = BiasedMF(n_factors=3, n_epoch=1).fit(table, quiet=True).update(Ratings(new, **COLUMNS), quiet=True)
    assert weights(also) == weights(rec)


def test_update_says_that_the_scale_grows():
    "Stars that are percent now; nothing within the scale, and nothing of counts"
    old = tiny_ratings()
    new = old.head(3).assign(rating=[40, 50, 1])
    with pytest.warns(UserWarning, match='newer ratings go from 1 to 50, and the ones of the model from .* to 5: the scale is now'):
        DampedMeans().fit(old).update(new)
    counts = ImplicitMF(weight='log').fit(old, quiet=True)
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        DampedMeans().fit(old).update(old.head(3))
        counts.update(new, quiet=True)


def test_update_replaces_what_has_the_same_title():
    "Another id with the title, and every one of several older rows"
    old = pd.DataFrame({'who': [1, 1, 1, 2], 'what': [10, 10, 20, 10], 'stars': [1, 2, 3, 4], 'name': ['A', 'A', 'B', 'A']})
    new = pd.DataFrame({'who': [1, 1], 'what': [11, 11], 'stars': [5, 4], 'name': ['A', 'A']})
    rec = fit(old).update(new, quiet=True)
    assert sorted(rec.ratings.to_frame().values.tolist()) == [[1, 11, 4, 'A'], [1, 11, 5, 'A'], [1, 20, 3, 'B'], [2, 10, 4, 'A']]
    with pytest.raises(AmbiguousTitleError): rec.similar('A')


def test_update_joins_times_or_says_why_not():
    "Dates keep their day whatever their unit; one that the other side's unit does not reach is refused, as are ids of another kind"
    def at(date, unit): return tiny_ratings().assign(timestamp=np.array([date]*len(tiny_ratings()), f'datetime64[{unit}]'))
    for old, new in ('s', 'ns'), ('ns', 's'), ('D', 'us'):
        times = DampedMeans().fit(at('2001-02-03', old)).update(at('2020-01-01', new)[:1]).ratings.time
        assert {str(o)[:10] for o in times} == {'2001-02-03', '2020-01-01'}
    for old, new in (('9999-12-31', 's'), ('2020-01-01', 'ns')), (('2020-01-01', 'ns'), ('0001-01-01', 's')):
        rec = DampedMeans().fit(at(*old))
        with pytest.raises(RatingsError, match=r"'timestamp' holds dates .* datetime64\[n?s\] and datetime64\[n?s\]"): rec.update(at(*new)[:1])
        with pytest.raises(RatingsError, match="'user' mixes two kinds of ids: newer ones as bob, older as 1"):
            rec.update(at(*old)[:1].assign(user='bob'))


def test_update_may_leave_out_titles_and_times():
    "Known items keep their titles; new users and items come in"
    df = tiny_ratings()
    rec = BiasedMF(n_factors=2).fit(df, quiet=True)
    rec.update(pd.DataFrame({'user': [1, 99], 'movie': [2, 77], 'rating': [5, 4]}), quiet=True)
    assert len(rec.ratings) == 31 and 99 in rec.ratings.users and rec.find('77')['item'].tolist() == [77]
    assert rec.find('fargo').title.tolist() == ['Fargo (1996)']


def test_untrained_model_says_so():
    "Whatever it is asked"
    for ask in (lambda m: m.recommend(1), lambda m: m.predict(1, 1), lambda m: m.update(tiny_ratings()),
                lambda m: m.save('nowhere'), lambda m: m.find('a'), lambda m: m.used):
        with pytest.raises(AttributeError, match='not trained yet, call `fit` first'): ask(BiasedMF())
    assert not Path('nowhere').exists()


def test_random_state_of_the_caller_is_untouched():
    "The same seed gives the same; global random numbers go on as if nothing had happened"
    def draws():
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        yield
        yield random.random(), np.random.rand(), torch.rand(1).item()
    plain = draws()
    next(plain)
    expected = next(plain)
    ours = draws()
    next(ours)
    a, b, c = fit(example()), fit(example(), seed=1), fit(example(), seed=None)
    assert next(ours) == expected
    assert answers(a) == answers(fit(example()))
    assert not a.recommend_all().equals(b.recommend_all())
    assert not a.recommend_all().equals(c.recommend_all())


def test_widget_data_are_what_the_widget_takes():
    "By name; unknown items, rare ones and a scale of its own"
    rec = fit(example().assign(stars=example().stars*10))
    items = rec.ratings.items.ids[rec.ratings.counts >= 8].tolist()
    data = rate_widget(**rec.widget_data({f'T{items[0]}': 50, items[3]: 10.}, 4, min_ratings=8)).data
    assert data['titles'] == [f'T{o}' for o in items] and data['rated'] == [[0, 50.], [3, 10.]]
    assert data['stars'] == [10, 20, 30, 40, 50] and data['n'] == 4
    with pytest.raises(UnknownIdError): rec.widget_data({'T99': 30})
    with pytest.raises(RatingsError, match='outside'): rec.widget_data({items[0]: 5}, min_ratings=8)
    rare = rec.ratings.items.ids[rec.ratings.counts < 8][0]
    with pytest.raises(ValueError, match='fewer than 8 ratings, and is not on the page'):
        rec.widget_data({rare: 50}, min_ratings=8)
    with pytest.raises(ValueError, match='no item has 1000 ratings'): rec.widget_data(min_ratings=1000)


# Saved and loaded

@quick
@given(frames())
def test_saved_model_answers_the_same(tmp_path_factory, df):
    "A round trip changes nothing; saved again, it leaves the same files"
    rec = fit(df)
    folder = rec.save(tmp_path_factory.mktemp('saved'))
    again = load(folder)
    assert state(rec) == state(again) and repr(again) == repr(rec) and again.used == rec.used
    assert again.ratings.users.ids.tolist() == rec.ratings.users.ids.tolist()
    assert (again.ratings.titles == rec.ratings.titles).all() and again.ratings.rating_limits == rec.ratings.rating_limits
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert again.save(folder) == folder and {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert len(before) == 3
    new = df.tail(3).assign(stars=df.stars.max())
    assert state(load(folder).update(new, quiet=True)) == state(fit(df).update(new, quiet=True))


@quick
@given(frames())
def test_model_saved_without_ratings_answers(tmp_path_factory, df):
    "All questions but those that need them, of which it says so; it can be saved on"
    rec = fit(df)
    folder = rec.save(tmp_path_factory.mktemp('saved'), ratings=False)
    again = load(folder)
    assert answers(again) == answers(rec) and len(list(folder.iterdir())) == 2
    item = df.what[0]
    assert again.explain({item: df.stars[0]}, item).equals(rec.explain({item: df.stars[0]}, item))
    for ask in (lambda: again.update(df), lambda: again.explain(df.who[0], item)):
        with pytest.raises(SavedModelError, match='holds no ratings: they were left out when it was saved'): ask()
    with pytest.raises(SavedModelError, match='ratings=False'): again.save(folder)
    assert answers(load(again.save(folder, ratings=False))) == answers(rec)


def test_times_come_back_in_their_unit(tmp_path):
    "Numbers as numbers, dates as dates"
    for times in (tiny_ratings().timestamp, pd.to_datetime(tiny_ratings().timestamp, unit='s')):
        rec = DampedMeans().fit(tiny_ratings().assign(timestamp=times))
        again = load(rec.save(tmp_path))
        assert again.ratings.time.dtype == rec.ratings.time.dtype
        assert again.ratings.to_frame().equals(rec.ratings.by_order().to_frame())


def test_models_made_of_models_are_saved(tmp_path):
    "With the untrained models among their settings"
    small = BiasedMF(n_factors=2, n_epoch=1)
    for model in (Ensemble(small, 2), Choose({'means': DampedMeans(), 'mf': small})):
        model.fit(tiny_ratings(), quiet=True)
        again = load(model.save(tmp_path))
        assert repr(again) == repr(model) and again.used == model.used
        assert again.recommend_all(3).equals(model.recommend_all(3))
        again.update(tiny_ratings().tail(1), quiet=True)
        assert again.recommend_all(3).equals(model.recommend_all(3))


def test_ids_beyond_64_bits_are_saved(tmp_path):
    "Whole numbers of any size"
    df = tiny_ratings()
    df['user'], df['movie'] = df.user.astype(object) + 2**70, df.movie*10**9
    a = BiasedMF(n_factors=2).fit(df, quiet=True)
    b = load(a.save(tmp_path))
    assert a.recommend_all().equals(b.recommend_all())
    assert b.ratings.users.ids.tolist() == a.ratings.users.ids.tolist()


CODE = """
import sys
from collab_course import load
rec = load(sys.argv[1])
users = rec.ratings.users.ids.repeat(len(rec.ratings.items))
print(rec.predict(users, [*rec.ratings.items.ids]*len(rec.ratings.users)).tobytes().hex())
print([name for name in ('torch', 'fastai', 'numba', 'sklearn', 'scipy') if name in sys.modules])
"""


def test_another_process_answers_the_same_bytes(tmp_path, python):
    "Saved here, loaded there, without what only training needs"
    rec = fit(example(), n_epoch=3)
    there, modules = python('-c', CODE, rec.save(tmp_path/'saved')).split('\n')[:2]
    assert bytes.fromhex(there) == rec.predict(*every_pair(rec)).tobytes() and modules == '[]'


def test_loading_draws_no_random_number(tmp_path):
    "Of the caller's"
    folder = fit(example()).save(tmp_path/'saved')
    torch.manual_seed(3), np.random.seed(3)
    expected = torch.rand(1), np.random.rand()
    torch.manual_seed(3), np.random.seed(3)
    load(folder)
    assert (torch.rand(1), np.random.rand()) == expected


def test_class_is_looked_up_and_never_imported(tmp_path):
    "By the package's own table, or among those that are handed over"
    class Mine(DampedMeans): pass
    means = DampedMeans().fit(example(), **COLUMNS)
    folder = means.save(tmp_path/'means')
    assert type(load(folder)) is type(Recommender.load(folder)) is type(DampedMeans.load(folder)) is DampedMeans
    with pytest.raises(SavedModelError, match='holds a DampedMeans and no BiasedMF'): BiasedMF.load(folder)
    mine = Mine().fit(example(), **COLUMNS).save(tmp_path/'mine')
    with pytest.raises(SavedModelError, match='not a model of collab_course; give its class'): load(mine)
    assert type(load(mine, classes=[Mine])) is type(Mine.load(mine)) is Mine
    for name in ('os.system', 'system', 'Recommender', 'load', '__class__'):
        saved = load_folder(folder)
        save_folder(tmp_path/'odd', {**saved.info, 'model': name}, saved.tensors)
        with pytest.raises(SavedModelError, match='is not a model of collab_course; give its class'): load(tmp_path/'odd')


@pytest.mark.parametrize('kind', [OSError, KeyboardInterrupt])
def test_failure_at_any_step_of_saving_leaves_a_whole_model(tmp_path, monkeypatch, kind):
    "The old one until the head is renamed, which is the sixth step; the next save cleans up"
    old, new = fit(example()), fit(example(1))
    folder, real = old.save(tmp_path/'saved'), {name: getattr(os, name) for name in ('fsync', 'replace')}
    for step in range(6):
        left = [step]

        def failing(name):
            def call(*args):
                left[0] -= 1
                if left[0] < 0: raise kind('no space left on device')
                return real[name](*args)
            return call
        with monkeypatch.context() as m:
            for name in real: m.setattr(os, name, failing(name))
            with pytest.raises(kind, match='no space'): new.save(folder)
        assert state(load(folder)) == state(old)
        assert not list(folder.glob('.*'))
    assert state(load(new.save(folder))) == state(new)
    assert len(list(folder.iterdir())) == 3


def damaged(folder, file, data):
    "What `load` and `update` say of a folder in which a file holds `data`, None for no such file"
    good = file.read_bytes()
    if data is None: file.unlink()
    else: file.write_bytes(data)
    try:
        load(folder).update(example().tail(1), quiet=True)
        return 'it was loaded'
    except SavedModelError as e: return str(e)
    finally: file.write_bytes(good)


def test_every_cut_is_noticed(tmp_path):
    "Files cut off anywhere raise one clear error, when they are read"
    folder = fit(example()).save(tmp_path/'saved')
    for file in list(folder.iterdir()):
        size = file.stat().st_size
        for end in np.linspace(0, size-1, 15).astype(int):
            assert file.name in damaged(folder, file, file.read_bytes()[:end])
    load(folder)


def test_every_changed_bit_is_noticed(tmp_path):
    "Weights or ratings of which a single bit is another raise it, too"
    folder = fit(example()).save(tmp_path/'saved')
    files = list(folder.glob('*.safetensors'))
    assert len(files) == 2
    for file in files:
        for at in np.linspace(0, file.stat().st_size-1, 15).astype(int):
            bad = bytearray(file.read_bytes())
            bad[at] ^= 4
            assert f'{file.name} is not what was saved: cut off, or changed' in damaged(folder, file, bytes(bad))


def test_files_that_do_not_belong_are_refused(tmp_path):
    "Other titles, other ids, a later version, something else altogether, or nothing"
    folder = fit(example()).save(tmp_path/'saved')
    head = folder/'recommender.json'
    weights_file, = folder.glob('collab_course-*')
    ratings_file, = folder.glob('ratings-*')
    whole = json.loads(head.read_bytes())

    def changed(**keys): return json.dumps({**whole, **keys}).encode()
    expected = [
        (weights_file, None, 'is missing'), (ratings_file, None, 'is missing'),
        (head, head.read_bytes()[:-10], 'is damaged'),
        (head, changed(info={**whole['info'], 'model': 'DampedMeans'}), 'has other settings than its weights'),
        (head, changed(version=4), 'upgrade collab_course'), (head, changed(version=1), 'is damaged'),
        (head, b'{"format": "a cookbook"}', 'is not a saved model'),
        (head, b'\x80\x04\x95', 'is damaged'), (head, b'['*100_000, 'is damaged'),
        (head, None, 'holds no recommender.json'),
        (head, changed(sha256={'collab_course': '0'*64, 'ratings': '0'*64}), 'is missing'),
        *[(head, changed(sha256=o), 'is damaged') for o in (
            {'collab_course': '../../x', 'ratings': '../../x'}, {'collab_course': 7}, {'ratings': '0'*64}, {}, [], 7,
            {**whole['sha256'], 'more': '0'*64})],
        *[(head, changed(version=o), 'is damaged') for o in (0, '1', None, True)],
        *[(head, o, 'is not a saved model') for o in (b'[]', b'null', b'7')]]
    for file, data, words in expected: assert words in damaged(folder, file, data), words
    assert damaged(folder, head, head.read_bytes()) == 'it was loaded'


# Folders of version 0.1.0

def test_folder_of_0_1_0_answers_as_it_did():
    "Predictions, lists, new users and neighbours; the order of the file's keys is JSON's"
    rec, old = load(OLD/'biased_mf'), json.loads((OLD/'biased_mf_answers.json').read_text())
    users, items, told = old['users'], old['items'], dict(old['told'])
    assert type(rec) is BiasedMF and type(BiasedMF.load(OLD/'biased_mf')) is BiasedMF
    assert rec.settings() == BiasedMF(3, y_range=(0., 5.5)).settings() and rec.ratings.rating_limits == (1, 5)
    near = {'rtol': 0, 'atol': 1e-6}
    assert np.allclose(rec.predict(np.repeat(users, len(items)), items*len(users)), np.clip(old['predict'], 1, 5), **near)
    for user, (ids, stars, few) in old['recommend'].items():
        top = rec.recommend(user, 20, min_ratings=4)
        assert top['item'].tolist() == ids and top.few_ratings.tolist() == few
        assert np.allclose(top.rating, np.clip(stars, 1, 5), **near)
    new, (ids, stars) = rec.recommend(told, 20, min_ratings=4), old['new']
    assert new['item'].tolist() == ids and np.allclose(new.rating, np.clip(stars, 1, 5), **near)
    close = rec.similar(items[1], 20, min_ratings=4)
    assert close['item'].tolist() == old['similar_items'] and np.allclose(close.similarity, old['similar'], **near)
    assert len(rec.explain(told, items[0])) == 3


def test_folder_of_0_1_0_kept_no_ratings(tmp_path):
    "`update` says to fit again, and leaves the model as it was; it can be saved in today's form"
    rec = load(OLD/'biased_mf')
    before = answers(rec)
    for ask in (lambda: rec.update(tiny_ratings()), lambda: rec.explain('u1', 3), lambda: rec.save(tmp_path)):
        with pytest.raises(SavedModelError, match='kept no ratings: fit it again'): ask()
    with pytest.raises(SavedModelError, match='holds a BiasedMF and no Popularity'): Popularity.load(OLD/'biased_mf')
    assert answers(rec) == answers(load(rec.save(tmp_path, ratings=False))) == before


def test_numbers_of_any_size_and_type_are_taken_or_refused():
    "Lists longer than any number of C's, arrays of one, booleans, a level that is 1 in floats"
    m = DampedMeans().fit(example(), **COLUMNS)
    assert m.recommend_all(10**19).equals(m.recommend_all(len(m.ratings.items)))
    for settings in ({'n_factors': np.array([3])}, {'lr': np.array([.1])}, {'seed': np.array([[1]])}):
        with pytest.raises(ValueError, match='is a .*number.* not array'): BiasedMF(**settings)
    with pytest.raises(ValueError, match='a whole number, at least 1, not array'): m.recommend(m.ratings.users.ids[0], np.array([3]))
    with pytest.raises(ValueError, match='diversity is a number'): m.recommend_all(diversity=True)
    with pytest.raises(ValueError, match=r'level is between 0 and 1 \(at most'):
        m.recommend(m.ratings.users.ids[0], by='lower', level=1-1e-16)


def test_min_ratings_may_be_a_number_of_torch():
    "As `n` may"
    torch, m = pytest.importorskip('torch'), BiasedMF(n_factors=2, n_epoch=1).fit(example(), **COLUMNS, quiet=True)
    user, item, few = m.ratings.users.ids[0], m.ratings.items.ids[0], torch.tensor(2)
    assert m.recommend(user, 2, min_ratings=few).equals(m.recommend(user, 2, min_ratings=2))
    assert m.recommend_all(2, min_ratings=few).equals(m.recommend_all(2, min_ratings=2))
    assert m.similar(item, 2, min_ratings=few).equals(m.similar(item, 2, min_ratings=2))
