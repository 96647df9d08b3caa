"Evaluation on small random tables: what must hold whatever the ratings are"
import random
import tracemalloc
from itertools import permutations

import numpy as np
import pandas as pd
import pytest
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.data import split_random, split_time
from collab_course.evaluation import Choose, Ensemble, evaluate, leaderboard, predict_all
from collab_course.ids import RatingsError, UnknownIdError, as_ratings, tiny_ratings
from collab_course.metrics import expected_gains, mae, ndcg, recall, rmse
from collab_course.model_checks import check_frame, check_recommender
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans, Popularity, Recommender, load
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame
from sklearn.metrics import mean_absolute_error, ndcg_score, root_mean_squared_error

pairs = st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 9)), st.integers(1, 5),
                        min_size=8, max_size=50)
MEASURES = ['rmse', 'mae', 'ndcg', 'recall', 'coverage']


@st.composite
def frames(draw):
    "Ratings of a few users and movies, no pair twice, and a split of them"
    ratings = draw(pairs)
    df = DataFrame([(u, i, r) for (u, i), r in ratings.items()], columns=['user', 'movie', 'rating'])
    return df, split_random(df, .4, draw(st.integers(0, 9)))


def crowded(seed):
    "Some 35 users and 6 movies, of which some have 20 ratings to learn from, some share a title; and a split"
    rng = np.random.default_rng(seed)
    n_users, titles = int(rng.integers(30, 42)), rng.integers(0, 5, 6)
    df = DataFrame([(u, i, r) for u in range(n_users) for i, share in enumerate(rng.random(6)**.3)
                    for r in [rng.integers(1, 6)] if rng.random() < share],
                   columns=['user', 'movie', 'rating']).assign(title=lambda o: [f'T{titles[i]}' for i in o.movie])
    return df, split_random(df, .3, seed)


class Scored(Recommender):
    "Scores that depend on what user and item are called to begin with, by `names` of a renamed table"
    ranks_only = True
    def __init__(self, seed=0, levels=3, names=None): self.seed, self.levels, self.names = seed, levels, names
    def _fit(self, ratings): pass
    def score(self, user, item):
        rng = np.random.default_rng([self.seed, user, item])
        return float(rng.integers(self.levels)) if self.levels else rng.random()
    def _scores(self, user):
        def name(o): return (self.names or {}).get(o, o)
        user = name(('user', self.ratings.users.ids[user].item()))
        return np.array([self.score(user[1], name(('movie', i))[1]) for i in self.ratings.items])
    def _predict(self, u, i):
        return np.array([self._scores(int(a))[b] for a, b in zip(u, i)])


def films_in_order(df, scores, seen, among):
    "The films that a list may have, by place, with what decides: few ratings, then the score; best id first"
    counts, film = df.movie.value_counts(), dict(zip(df.movie, df.title))
    hidden, best = {film[i] for i in seen}, {}
    for i in sorted(among):
        if film[i] in hidden: continue
        place = counts[i] < 20, -scores[i]
        best[film[i]] = min(best.get(film[i], place), place)
    return best


def slow_list_quality(df, split, score, k, good):
    "The measures of lists, averaged over every order of all films; the definitions, spelled out"
    a, b = (df.iloc[o] for o in split)
    title = dict(zip(df.movie, df.title))
    films, found, missing, bits = {title[i] for i in a.movie}, [], {}, []
    rated, n_users = a.movie.map(title).value_counts(), a.user.nunique()
    for user in sorted({*a.user}):
        mine, later = a[a.user == user], b[(b.user == user) & (b.rating >= good)]
        find = {*later.title} - {*mine.title}
        if not find: continue
        places = films_in_order(a, {i: score(user, i) for i in {*a.movie}}, mine.movie, {*a.movie})
        orders = [sorted(places, key=lambda o: (places[o], order.index(o)))[:k]
                  for order in permutations(sorted(places))]
        ideal = sum(1/np.log2(2+j) for j in range(min(k, len(find))))
        gains = [sum(1/np.log2(2+j) for j, o in enumerate(top) if o in find)/ideal for top in orders]
        hits = np.array([sum(o in find for o in top) for top in orders])
        precise = [sum((top[j] in find)*sum(o in find for o in top[:j+1])/(j+1) for j in range(len(top))) for top in orders]
        found.append((np.mean(gains), hits.mean()/len(find), hits.mean()/k, np.mean(precise)/len(find), np.mean(hits > 0)))
        if orders[0]: bits.append(np.mean([[-np.log2(min(rated[o]/n_users, 1)) for o in top] for top in orders], axis=0))
        for o in films: missing[o] = missing.get(o, 1) * (1-np.mean([o in top for top in orders]))
    if not found: return 7*[np.nan] + [0]
    novelty = np.concatenate(bits).mean() if bits else np.nan
    return [*np.mean(found, axis=0), 1-np.mean([*missing.values()]), novelty, len(found)]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.sampled_from([1, 2, 3, None]), st.sampled_from([2, 4]))
def test_lists_are_judged_as_a_slow_reference_does(seed, k, levels, good):
    "With ties, shared titles and items with few ratings; None gives scores without ties"
    df, split = crowded(seed)
    got = evaluate(Scored(seed, levels), df, split, k=k, good=good)
    want = slow_list_quality(df, split, Scored(seed, levels).score, k, good)
    np.testing.assert_allclose(got[['ndcg', 'recall', 'precision', 'map', 'hit_rate', 'coverage', 'novelty', 'ranked_users']], want, atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7))
def test_without_ties_the_lists_are_those_of_recommend(seed, k):
    "Asked by id, one user after the other"
    df, (train, valid) = crowded(seed)
    m, held, found, listed = Scored(seed, None).fit(df.iloc[train]), df.iloc[valid], [], set()
    for user in m.ratings.users:
        find = {*held.title[(held.user == user) & (held.rating >= 4)]} - {*df.title.iloc[train][df.user.iloc[train] == user]}
        if not find: continue
        top = m.recommend(user, k).title
        found.append((ndcg(top.isin(find), np.ones(len(find)), k), recall(top.isin(find), len(find), k)))
        listed |= {*top}
    got = evaluate(Scored(seed, None), df, (train, valid), k=k)
    if found: np.testing.assert_allclose(got[['ndcg', 'recall']], np.mean(found, axis=0))
    assert got.ranked_users == len(found)
    if found: assert got.coverage == pytest.approx(len(listed)/df.title.iloc[train].nunique())


class Alone:
    "Before a model: its lists are made one by one"
    def _scores(self, user): return super()._scores(user)
    def __init__(self, model): self.model, self.ranks_only = model, model.ranks_only
    def _fit(self, ratings): vars(self).update({k: v for k, v in vars(self.model.clone().fit(ratings, quiet=True)).items() if k != 'ratings'})


class AloneMF(Alone, BiasedMF): pass
class AloneBayes(Alone, BayesianMF): pass
class AloneMeans(Alone, DampedMeans): pass
class AlonePopularity(Alone, Popularity): pass


@pytest.mark.parametrize('cls, model', [
    (AloneMF, BiasedMF(3, n_epoch=2)), (AloneMF, BiasedMF(0, n_epoch=1)), (AloneBayes, BayesianMF(2, n_sweeps=12, burn_in=2, n_keep=4)),
    (AloneMeans, DampedMeans()), (AloneMeans, DampedMeans(items=False)), (AlonePopularity, Popularity())], ids=repr)
def test_lists_by_blocks_are_judged_as_those_made_one_by_one(cls, model):
    "To the last bit"
    df = check_frame()
    for seed in (1, 2):
        split = split_random(df, .3, seed)
        for k in (1, 3, 10, 200):
            want = evaluate(cls(model), df, split, k=k)
            assert evaluate(model, df, split, k=k).equals(want) and want.ranked_users > 8


def renamed(df, rng):
    "The same ratings, rows and ids moved; where each row went; and the former name of each id"
    order, names, res = rng.permutation(len(df)), {}, df.copy()
    for column in ('user', 'movie'):
        old = df[column].unique()
        new = dict(zip(old.tolist(), rng.permutation(1000)[:len(old)].tolist()))
        names |= {(column, b): (column, a) for a, b in new.items()}
        res[column] = df[column].map(new)
    return res.iloc[order], np.argsort(order), names


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 7), st.sampled_from(['one', 'three', 'popularity']))
def test_no_measure_depends_on_what_ids_are_called(seed, k, kind):
    "Nor on the order of rows, with as many ties as you like"
    df, split = crowded(seed)
    other, moved, names = renamed(df, np.random.default_rng(seed))
    def model(names=None):
        return Popularity() if kind == 'popularity' else Scored(seed, 1 if kind == 'one' else 3, names)
    want = evaluate(model(), df, split, k=k)
    got = evaluate(model(names), other, [moved[rows] for rows in split], k=k)
    np.testing.assert_allclose(got.to_numpy(), want.to_numpy(), atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(frames(), st.sampled_from([DampedMeans(), Popularity(), DampedMeans(items=False)]))
def test_names_of_columns_kinds_of_ids_and_a_ratings_do_not_matter(case, model):
    "Text in place of numbers, columns in another order and under other names"
    df, split = case
    want = evaluate(model, df, split, k=3)
    other = df.assign(user='u'+df.user.astype(str), movie='m'+df.movie.astype(str))[['rating', 'movie', 'user']]
    other.columns = ['how', 'what', 'who']
    names = dict(user='who', item='what', rating='how')
    for got in (evaluate(model, other, split, k=3, **names), evaluate(model, Ratings(df), split, k=3),
                evaluate(model, Ratings(other, **names), split, k=3)):
        np.testing.assert_allclose(got.to_numpy(), want.to_numpy(), atol=1e-9)
        assert got.index.tolist() == want.index.tolist()


@settings(max_examples=40, deadline=None)
@given(frames(), st.integers(1, 12))
def test_counts_are_right_and_unknown_ids_get_damped_means(case, k):
    "And the model is asked for nothing that it does not know"
    df, (train, valid) = case
    a, b = df.iloc[train], df.iloc[valid]
    got = evaluate(Scored(3, None), df, (train, valid), k=k, good=min(4, df.rating.max()))
    assert got.n == len(b)
    assert got.unknown_users == len({*b.user} - {*a.user})
    assert got.unknown_items == len({*b.movie} - {*a.movie})
    known = b.user.isin(a.user) & b.movie.isin(a.movie)
    assert got.unknown_rows == (~known).sum()
    if got.ranked_users == 0: assert np.isnan(got[['ndcg', 'recall', 'coverage']]).all()
    else: assert 0 <= got.ndcg <= 1 and 0 <= got.recall <= 1 and 0 <= got.coverage <= 1
    r, mean = Ratings(df), a.rating.mean()
    left = a.rating-mean
    item = left.groupby(a.movie).sum() / (a.groupby('movie').size()+5)
    left = left - a.movie.map(item)
    user = left.groupby(a.user).sum() / (a.groupby('user').size()+5)
    by_hand = (mean + b.movie.map(item).fillna(0) + b.user.map(user).fillna(0)).clip(a.rating.min(), a.rating.max())
    np.testing.assert_allclose(predict_all(DampedMeans().fit(r.take(train)), r, valid), by_hand)
    preds = predict_all(Scored(3, None).fit(r.take(train)), r, valid)
    np.testing.assert_allclose(preds[~known], by_hand[~known])
    assert preds[known].tolist() == [Scored(3, None).score(*o) for o in zip(b.user[known], b.movie[known])]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=15), st.integers(1, 20), st.randoms())
def test_ndcg_is_that_of_scikit_learn(gains, k, random):
    "Wherever there is something to find; with ties, too, which both average over"
    scores = random.choices(range(len(gains)), k=len(gains))
    order = np.argsort(-np.array(scores), kind='stable')
    ranked, scores_ranked = np.array(gains)[order], np.array(scores)[order]
    expected = ndcg(expected_gains(ranked, scores_ranked), gains, k)
    if any(gains): assert expected == pytest.approx(ndcg_score([gains], [scores], k=k))
    else: assert np.isnan(expected)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-9, 9), st.floats(-9, 9)), min_size=1, max_size=9))
def test_errors_are_those_of_scikit_learn(pairs):
    "Of predictions and ratings"
    preds, targs = zip(*pairs)
    assert rmse(preds, targs) == pytest.approx(root_mean_squared_error(targs, preds))
    assert mae(preds, targs) == pytest.approx(mean_absolute_error(targs, preds))


def test_recall(): assert recall([True, False, True, True], 6, k=3) == pytest.approx(1/3)


class Oracle(Recommender):
    "Knows the ratings of the six friends, and ranks what they did not rate last"
    def __init__(self): self._truth = tiny_ratings().set_index(['user', 'movie']).rating
    def _fit(self, ratings): pass
    def _predict(self, u, i):
        ids = zip(self.ratings.users.ids[u], self.ratings.items.ids[i])
        return self._truth.reindex([*ids]).fillna(0).to_numpy(float)


def test_the_truth_is_perfect():
    "A model that knows the answers has no error, and the best lists"
    df = tiny_ratings()
    got = evaluate(Oracle(), df, split_random(df, .4, seed=2))
    assert got.unknown_rows == 0
    assert got.rmse == got.mae == 0 and got.ndcg == got.recall == 1


def test_interactions_have_no_ratings():
    "All that was held out is to be found; the same as for ratings that are all good"
    df = check_frame()
    split = split_random(df)
    got = evaluate(Popularity(), df.drop(columns='rating'), split, rating=None)
    assert np.isnan(got[['rmse', 'mae']]).all()
    want = evaluate(Popularity(), df, split, good=0)
    assert got.equals(want) and want.equals(evaluate(Popularity(), Ratings(df, rating=None), split))
    board = leaderboard({'chance': Scored(0, None), 'popularity': Popularity()}, df.drop(columns='rating'), rating=None)
    assert board.model.tolist() == ['popularity', 'chance'] and board.rmse.isna().all()


@pytest.mark.parametrize('quiet', [True, False])
def test_bar_counts_the_users_who_are_ranked(quiet, monkeypatch):
    "And there is none where it should be quiet, nor without lists"
    made = []
    class Bar:
        def __init__(self, total, desc, quiet, **kwargs):
            self.total, self.quiet, self.done = total, quiet, 0
            made.append(self)
        def __enter__(self): return self
        def __exit__(self, *args): pass
        def update(self, n): self.done += n
    monkeypatch.setattr('collab_course.evaluation.progress_bar', Bar)
    df = check_frame()
    got = evaluate(BiasedMF(2, n_epoch=1), df, split_random(df), quiet=quiet)
    assert [(o.total, o.done, o.quiet) for o in made] == [(got.ranked_users, got.ranked_users, quiet)]
    evaluate(BiasedMF(2, n_epoch=1), df, split_random(df), k=None, quiet=quiet)
    assert len(made) == 1


def test_without_lists_no_list_is_made():
    "k=None: neither measures nor scores of all items"
    class Pairs(DampedMeans):
        def _scores(self, user): raise AssertionError('asked for a list')
    got = evaluate(Pairs(), check_frame(), split_random(check_frame()), k=None)
    assert got.index.tolist() == ['rmse', 'mae', 'n', 'unknown_users', 'unknown_items', 'unknown_rows']


@pytest.mark.parametrize('model', [DampedMeans(), DampedMeans(items=False), BiasedMF(3, n_epoch=1)], ids=repr)
def test_evaluate_needs_no_memory_for_all_pairs(model):
    "500 users times 20,000 items are 80 MB; nor where all of them tie"
    n, rng = 20_000, np.random.default_rng(0)
    df = DataFrame({'user': np.arange(3*n) % 500, 'movie': np.r_[np.arange(n), rng.integers(0, n, 2*n)],
                    'rating': rng.integers(1, 6, 3*n)}).drop_duplicates(['user', 'movie'])
    r = Ratings(df)
    split = split_random(r, .05)
    tracemalloc.start()
    try: got = evaluate(model, r, split)
    finally: peak = (tracemalloc.get_traced_memory()[1], tracemalloc.stop())[0]
    assert got.ranked_users > 300 and peak < 30e6


@pytest.mark.parametrize('kwargs, says', [
    (dict(k=0), 'at least 1, not 0'), (dict(k=2.5), 'whole number'), (dict(user='nobody'), "'nobody' is missing"),
    (dict(split=([0], [])), 'no rows to judge by'), (dict(split=([0, 1], [1])), 'more than once'),
    (dict(split=([], [1])), 'no rows to train on'), (dict(split=([0], [30])), 'rows from 0 to 29'),
    (dict(split=None), r'a split is a pair \(train, valid\) of row numbers, not None'),
    (dict(split=(24, 6)), r'not \(24, 6\)'), (dict(split=[([0], [1])]*5), 'not 5 of them'),
    (dict(split={'train': [0], 'valid': [1]}), 'not 2 of them'), (dict(split='ab'), 'not 2 of them'),
    (dict(split=(['a'], ['b'])), 'of row numbers'), (dict(split=([.5], [1])), 'of row numbers'),
    (dict(good=np.nan), 'good is a rating, a finite number, not nan'), (dict(good='4'), "not '4'"),
    (dict(good=-np.inf), 'not -inf'), (dict(rating=None, good=4), 'leave out `good`')])
def test_mistakes_are_named(kwargs, says):
    "Before a model is trained"
    class Never(DampedMeans):
        def _fit(self, ratings): raise AssertionError('trained')
    df = tiny_ratings()
    with pytest.raises(ValueError, match=says): evaluate(Never(), df, **{'split': split_random(df), **kwargs})


@pytest.mark.parametrize('wrong, says', [
    (BiasedMF, r'not BiasedMF: write BiasedMF\(\)'), (lambda df: df, r'such as BiasedMF\(\), not <lambda>'),
    ('BiasedMF', 'not str'), (None, 'not NoneType')])
def test_what_is_no_model_is_refused(wrong, says):
    "With what to write"
    df = tiny_ratings()
    for ask in (lambda: evaluate(wrong, df, split_random(df)), lambda: leaderboard({'it': wrong}, df),
                lambda: Choose({'it': wrong}), lambda: Ensemble(wrong)):
        with pytest.raises(TypeError, match=says): ask()


def test_a_score_that_is_not_a_number_is_refused():
    "It would empty the list without a word"
    class Broken(Popularity):
        def _scores(self, user): return np.full(len(self.ratings.items), np.nan)
    df = tiny_ratings()
    with pytest.raises(ValueError, match=r'Broken\(\) gives a score that is not a number'):
        evaluate(Broken(), df, split_random(df), good=1)


def test_neither_model_nor_ratings_nor_random_state_change():
    "A clone is trained"
    df = check_frame()
    model, split, copy = BiasedMF(2, n_epoch=1, seed=3), split_random(df), df.copy()
    random.seed(1)
    np.random.seed(1)
    before = random.getstate(), str(np.random.get_state())
    first = evaluate(model, df, split)
    assert (random.getstate(), str(np.random.get_state())) == before and df.equals(copy)
    assert 'ratings' not in vars(model)
    trained = model.fit(df, quiet=True)
    answer = trained.predict(3, [1000])
    assert evaluate(trained, df, split).equals(first) and trained.predict(3, [1000]) == answer


def test_only_training_rows_are_seen():
    "And their titles"
    seen = []
    class Noting(DampedMeans):
        def _fit(self, ratings):
            seen.append(ratings.to_frame())
            super()._fit(ratings)
    df = check_frame()
    train, valid = split_random(df)
    evaluate(Noting(), df, (train, valid))
    want = df.iloc[train].sort_values(['user', 'movie', 'rating'], ignore_index=True)
    pd.testing.assert_frame_equal(seen[0][want.columns], want, check_dtype=False)


def test_a_film_is_to_be_found_under_its_other_id():
    "Also where that id has no training row; and not if it was rated under the first"
    df = DataFrame([(1, 10, 5, 'A'), (2, 20, 5, 'B'), (1, 21, 5, 'B'), (2, 11, 5, 'A'), (2, 21, 5, 'B')],
                   columns=['user', 'movie', 'rating', 'title'])
    got = evaluate(LowestFirst(), df, ([0, 1], [2, 3, 4]), k=1)
    assert (got.ranked_users, got.ndcg, got.recall, got.unknown_items) == (2, 1, 1, 2)


class LowestFirst(Recommender):
    ranks_only = True
    def __init__(self): pass
    def _fit(self, ratings): pass
    def _scores(self, user): return -np.arange(len(self.ratings.items))


class Seeded(DampedMeans):
    "Notes its seed and how many rows it was trained on"
    made = []
    def __init__(self, seed=42, shift=0):
        super().__init__()
        self.seed, self.shift = seed, shift
    def _fit(self, ratings):
        super()._fit(ratings)
        self.made.append((self.seed, len(ratings)))
        self.mean += self.shift + self.seed % 1000/1e4


@pytest.fixture
def made():
    "What `Seeded` notes"
    Seeded.made = []
    return Seeded.made


def test_leaderboard():
    "A row for each protocol and model, lowest RMSE first"
    df = tiny_ratings()
    models = {'popularity': Popularity(), 'one mean': DampedMeans(False, False), 'both': DampedMeans()}
    board = leaderboard(models, df, seeds=(1, 2), k=2)
    assert board.protocol.unique().tolist() == ['random 80/20'] and board.fits.tolist() == [2, 2, 2]
    assert board.rmse.dropna().is_monotonic_increasing and board.model.iloc[-1] == 'popularity'
    assert (board.sd.dropna() > 0).all()
    by_hand = [evaluate(DampedMeans(), df, split_random(df, seed=o), k=2) for o in (1, 2)]
    row = board.set_index('model').loc['both']
    np.testing.assert_allclose(row[MEASURES].astype(float), DataFrame(by_hand)[MEASURES].mean())
    assert row.sd == pytest.approx(np.std([o.rmse for o in by_hand], ddof=1))


def test_leaderboard_seeds_models_and_fits_those_without_once_a_split(made):
    "A split that comes again with another seed is no new one"
    df = tiny_ratings()
    splits = [split_random(df, .2, o) for o in range(3)]
    smaller = splits[0][0][:-5], splits[0][1]
    protocols = {'fixed': lambda df, seed: splits, 'learning': lambda df, seed: [splits[0], smaller]}
    board = leaderboard({'plain': DampedMeans(), 'seeded': Seeded(7), 'two': Ensemble(Seeded(7), 2)}, df, protocols, k=None)
    fits = board.set_index(['protocol', 'model']).fits
    assert fits.loc[[('fixed', 'plain'), ('learning', 'plain')]].tolist() == [3, 2]
    assert fits.loc[[('fixed', 'seeded'), ('fixed', 'two')]].tolist() == [9, 9]
    seeds = [seed for seed, _ in made]
    assert {42, 43, 44} < {*seeds} and 7 not in seeds and len({*seeds} - {42, 43, 44}) == 6


def test_leaderboard_takes_other_names_of_columns():
    "Its own protocol, too; a protocol of yours gets what you gave"
    tiny, given = tiny_ratings(), []
    other = tiny.rename(columns=dict(user='guest', movie='film', rating='points', title='name'))
    names = dict(user='guest', item='film', rating='points', title='name')
    models = {'means': DampedMeans(), 'popularity': Popularity()}
    want = leaderboard(models, tiny, k=2)
    assert leaderboard(models, other, k=2, **names).equals(want)
    assert leaderboard(models, Ratings(other, **names), k=2).equals(want)
    def mine(df, seed):
        given.append(df)
        return [split_random(tiny, seed=seed)]
    board = leaderboard(models, other, {'mine': mine}, k=2, **names)
    assert all(o is other for o in given) and board.drop(columns='protocol').equals(want.drop(columns='protocol'))


@pytest.mark.parametrize('kwargs, says', [
    (dict(models={}), 'no models'), (dict(models=[DampedMeans()]), 'each by its name, not a list'),
    (dict(protocols={'odd': lambda df, seed: split_random(df)}), "protocol 'odd' should be a function of"),
    (dict(protocols={'none': lambda df, seed: []}), "protocol 'none' should be a function of ratings and a seed"),
    (dict(protocols={'time': split_time}), "protocol 'time' should be .* pairs: valid_pct is a share"),
    (dict(protocols=[1]), 'protocols are a dict'), (dict(seeds='x'), 'seed is a whole number'),
    (dict(seeds=()), 'no seeds'), (dict(k=0), 'at least 1'), (dict(good=np.nan), 'good is a rating')])
def test_leaderboard_names_mistakes(kwargs, says):
    "Of models, protocols, seeds"
    with pytest.raises((ValueError, TypeError), match=says):
        leaderboard(**{'models': {'means': DampedMeans()}, 'df': tiny_ratings(), **kwargs})


def test_choosing_sees_training_rows_only(made):
    "The candidates never meet a validation row, and the winner is trained on all the others"
    df = tiny_ratings()
    train, valid = split_random(df, .3, seed=4)
    picky = Choose({'seeded': Seeded(), 'off': Seeded(shift=3)}, valid_pct=.2, n_splits=3)
    m = picky.clone().fit(df.iloc[train])
    assert m.chosen == 'seeded' and {*m.measures} == {'seeded', 'off'} and m.measures['off'] > 2
    assert [n for _, n in made].count(len(train)) == 1 and len(made) == 7
    assert {seed for seed, _ in made} == {42} and max(n for _, n in made) == len(train)
    assert evaluate(picky, df, (train, valid), k=None).n == len(valid)
    assert picky.reseeded(5).models['off'].seed == 5
    assert Choose({'seeded': Seeded()}, n_splits=1, seed=9).fit(df).model.seed == 9


def test_choose_answers_as_the_chosen_one_does():
    "Every question; and by nDCG it may choose one that only ranks"
    df = check_frame()
    m = Choose({'mf': BiasedMF(2, n_epoch=8), 'flat': DampedMeans(False, False)}).fit(df, quiet=True)
    one = BiasedMF(2, n_epoch=8).fit(df, quiet=True)
    assert m.chosen == 'mf'
    for ask in (lambda o: o.recommend(3), lambda o: o.similar(1000), lambda o: o.explain(3, 1000),
                lambda o: o.recommend({1000: 5, 901: 1}), lambda o: DataFrame(o.predict([3, 10], [1000, 901]))):
        pd.testing.assert_frame_equal(ask(m), ask(one))
    ranks = Choose({'popularity': Popularity(), 'flat': DampedMeans(False, False)}, by='ndcg').fit(df)
    assert ranks.chosen == 'popularity' and ranks.recommend(3).columns.tolist() == ['item', 'title', 'score', 'few_ratings']
    with pytest.raises(ValueError, match="'popularity' has no rmse"): Choose({'popularity': Popularity()}).fit(df)
    with pytest.raises(ValueError, match="'popularity' has no rmse"): Choose({'popularity': Popularity()}).fit(df, rating=None)


def test_an_ensemble_is_a_mean_of_seeds(made):
    "And every member has a seed of its own"
    df = tiny_ratings()
    m = Ensemble(Seeded(), 4, seed=7).fit(df)
    seeds = [seed for seed, _ in made]
    assert len({*seeds}) == 4
    want = np.mean([Seeded(o).fit(df).predict(1, [2, 3]) for o in seeds], axis=0)
    np.testing.assert_allclose(m.predict(1, [2, 3]), want)
    assert [o.seed for o in Ensemble(Seeded(), 4, seed=7).fit(df).members] == seeds
    assert not {*seeds} & {o.seed for o in Ensemble(Seeded(), 4, seed=8).fit(df).members}
    none = [Ensemble(Seeded(), 2, seed=None).fit(df).members[0].seed for _ in range(2)]
    assert none[0] != none[1]
    assert all(0 <= o.seed < 2**63 for o in Ensemble(Seeded(), 3, seed=2**63-1).fit(df).members)


def test_an_ensemble_averages_before_it_limits():
    "Items that all members like best do not tie at the highest rating"
    df = check_frame()
    rated = df.assign(rating=np.where(df.rating > 3.5, 5., df.rating))
    m = Ensemble(BiasedMF(2, wd=0, n_epoch=30, bs=8), 3).fit(rated, quiet=True)
    some = [np.unique(m.item_scores(u)).size for u in range(len(m.ratings.users))]
    assert min(some) == len(m.ratings.items)
    assert max(m.item_scores(u).max() for u in range(len(some))) > 5 and m.recommend(3).rating.max() <= 5


@pytest.mark.parametrize('make, says', [
    (lambda: Ensemble(BiasedMF(), 0), 'n is a whole number from 1'), (lambda: Ensemble(DampedMeans()), 'has no seed'),
    (lambda: Ensemble(BiasedMF(), seed=-1), 'seed is'), (lambda: Choose({}), 'no models'),
    (lambda: Choose({'a': DampedMeans()}, by='mae'), "by is 'rmse' or 'ndcg'"),
    (lambda: Choose({'a': DampedMeans()}, valid_pct=0), 'above 0 and below 1, not 0'),
    (lambda: Choose({'a': DampedMeans()}, valid_pct=1.5), 'above 0 and below 1'),
    (lambda: Choose({'a': DampedMeans()}, n_splits=0), 'n_splits is a whole number from 1'),
    (lambda: Choose({'a': DampedMeans()}, seed='x'), 'seed is')])
def test_settings_are_checked_at_once(make, says):
    "Before anything is trained"
    with pytest.raises(ValueError, match=says): make()


@pytest.mark.parametrize('model', [
    Ensemble(BiasedMF(2, n_epoch=1), 2), Choose({'means': DampedMeans(), 'one': DampedMeans(users=False)}),
    Choose({'popularity': Popularity(), 'means': DampedMeans()}, by='ndcg'),
    Choose({'one': BiasedMF(1, n_epoch=1), 'two': Ensemble(BiasedMF(2, n_epoch=1), 2)}, n_splits=1),
    Ensemble(Choose({'a': BiasedMF(1, n_epoch=1), 'b': BiasedMF(2, n_epoch=1)}, n_splits=1), 2)], ids=repr)
def test_models_of_models_keep_all_promises(model, tmp_path):
    "`check_recommender`; and what was chosen is saved, too"
    check_recommender(model)
    m = model.fit(check_frame(), quiet=True)
    m.save(tmp_path)
    again = load(tmp_path)
    for name in ('chosen', 'measures', 'ranks_only'): assert getattr(again, name, None) == getattr(m, name, None)


def test_the_recommender_is_a_model_of_unknown_ids():
    "Users without a training row are counted, asked of damped means, and in no list"
    df = tiny_ratings()
    rows = np.flatnonzero(df.user == 3)
    rest = np.setdiff1d(np.arange(len(df)), rows)
    got = evaluate(BiasedMF(2, n_epoch=1), df, (rest, rows), k=3)
    assert got.unknown_users == 1 and got.unknown_rows == len(rows) and got.ranked_users == 0
    assert 0 < got.rmse < 4 and got.rmse == evaluate(DampedMeans(), df, (rest, rows), k=3).rmse
    with pytest.raises(UnknownIdError): BiasedMF(2, n_epoch=1).fit(df.iloc[rest]).predict(3, df.movie[:1])
    with pytest.raises(RatingsError): evaluate(DampedMeans(), df.assign(rating='good'), (rest, rows))


def test_a_film_counts_once_on_a_list():
    "Two items that a third one, held out, has the titles of: the model knows them as two films"
    df = DataFrame([(1, 40, 3, 'C'), (2, 10, 3, 'A'), (2, 20, 3, 'B'), (1, 30, 5, 'A'), (2, 30, 1, 'B')],
                   columns=['user', 'movie', 'rating', 'title'])
    got = evaluate(LowestFirst(), df, ([0, 1, 2], [3, 4]), k=2)
    assert (got.ranked_users, got.ndcg, got.recall, got.coverage) == (1, 1, 1, 2/3)


@pytest.mark.parametrize('factor', [.01, .2, 20, 1e6])
def test_the_unit_of_the_ratings_does_not_matter(factor):
    "Shares, points, stars: the same model, in another unit"
    df = tiny_ratings()
    stars = BiasedMF(3).fit(df, quiet=True).predict(df.user, df.movie)
    other = BiasedMF(3).fit(df.assign(rating=factor*df.rating), quiet=True).predict(df.user, df.movie)
    np.testing.assert_allclose(other, factor*stars, rtol=1e-4)
    with pytest.raises(ValueError, match='lowest to highest'): BiasedMF(y_range=(3, 3))


def test_a_mistyped_title_is_an_error():
    "Pairs would be split"
    for ask in (lambda: split_random(tiny_ratings(), title='titel'),
                lambda: evaluate(DampedMeans(), tiny_ratings(), ([0], [1]), title='titel')):
        with pytest.raises(RatingsError, match="'titel' is missing"): ask()


def test_blank_titles_are_no_titles():
    "Items without a title are not one film: a split leaves no user empty, and lists are the same"
    df = DataFrame([(u, i, 3) for u in range(10) for i in range(20)], columns=['user', 'movie', 'rating'])
    blank = df.assign(title='')
    for a, b in zip(split_random(blank, seed=1), split_random(df, seed=1)): assert (a == b).all()
    assert Ratings(blank).report['repeated_pairs'] == 0
    split = split_random(df, seed=1)
    assert evaluate(Popularity(), blank, split).equals(evaluate(Popularity(), df, split))


def test_huge_ratings_do_not_wrap():
    "Whole numbers too large for int64 stay positive"
    assert (as_ratings([2**63+5, 1]) > 0).all()


@pytest.mark.parametrize('model', [Popularity(), Choose({'a': Popularity(), 'b': DampedMeans()})], ids=['one', 'chosen'])
def test_good_above_all_ratings_is_refused(model):
    "By `evaluate` and `leaderboard`; the highest rating is good"
    df = tiny_ratings()
    split = split_random(df, seed=1)
    for good in 5.1, 50:
        with pytest.raises(ValueError, match=f'good={good:g} is above all ratings, which go from 1 to 5'): evaluate(model, df, split, good=good)
        with pytest.raises(ValueError, match='above all ratings'): leaderboard({'a': Popularity()}, df, good=good)
    assert evaluate(Popularity(), df, split, good=5).n == len(split[1])


def test_novelty_of_lists_that_are_empty_is_none(recwarn):
    "Whoever is asked has rated every item that the model knows"
    df = DataFrame({'user': [1, 1, 2], 'movie': [1, 2, 1], 'rating': [5, 5, 5]})
    res = evaluate(Popularity(), df, ([2, 0], [1]))
    assert res.ranked_users == 1 and np.isnan(res.novelty) and not [*recwarn]
