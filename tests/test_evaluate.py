"Evaluation on small random frames: what must hold whatever the ratings are"
import random

import numpy as np
import pytest
from collab_course.all import (RatingsError, Recommender, UnknownIdError, as_ratings, biased_mf,
                               check_ratings, choose, collab_loaders, ensemble, evaluate,
                               leaderboard, means, ndcg, popularity, recall, split_random,
                               split_time, tiny_ratings)
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas import DataFrame
from sklearn.metrics import ndcg_score

pairs = st.dictionaries(st.tuples(st.integers(0, 7), st.integers(0, 9)), st.integers(1, 5),
                        min_size=8, max_size=50)


@st.composite
def frames(draw):
    "Ratings of a few users and movies, no pair twice, and a split of them"
    ratings = draw(pairs)
    df = DataFrame([(u, i, r) for (u, i), r in ratings.items()], columns=['user', 'movie', 'rating'])
    return df, split_random(df, .4, draw(st.integers(0, 9)))


def chance(seed):
    "A method that answers by chance, though always the same for a pair"
    def predict(users, items):
        pair = 1000*np.asarray(users) + np.asarray(items)
        return np.array([np.random.default_rng([seed, o]).random() for o in pair])
    return lambda train, _: predict


@settings(max_examples=40, deadline=None)
@given(frames(), st.randoms())
def test_order_of_rows_and_kind_of_ids_do_not_matter(case, random):
    "Rows shuffled, ids turned into text"
    df, split = case
    want = evaluate(means(), df, split, k=3)
    order = random.sample(range(len(df)), len(df))
    moved = np.argsort(order)
    other = df.iloc[order].assign(user=lambda o: 'u'+o.user.astype(str),
                                  movie=lambda o: 'm'+o.movie.astype(str))
    got = evaluate(means(), other, [moved[rows] for rows in split], k=3)
    np.testing.assert_allclose(got.values, want.values, atol=1e-9)


@settings(max_examples=40, deadline=None)
@given(frames(), st.integers(1, 12))
def test_lists_are_drawn_from_what_was_not_rated(case, k):
    "Every list is the best of what the user has not rated in training, and counts are right"
    df, (train, valid) = case
    asked = []

    def spying(rows, seed):
        inner = chance(3)(rows, seed)
        def predict(users, items):
            asked.extend(zip(users, items))
            return inner(users, items)
        return predict
    got = evaluate(spying, df, (train, valid), k=k, good=4)
    a, b = df.iloc[train], df.iloc[valid]
    assert {u for u, _ in asked} <= {*a.user} and {i for _, i in asked} <= {*a.movie}
    assert got.n == len(b)
    assert got.unknown_users == len({*b.user} - {*a.user})
    assert got.unknown_items == len({*b.movie} - {*a.movie})
    if got.ranked_users == 0: assert np.isnan(got.ndcg)
    else: assert 0 <= got.ndcg <= 1 and 0 <= got.recall <= 1
    by_hand = []
    for user in {*a.user} & {*b.user[b.rating >= 4]}:
        left = sorted({*a.movie} - {*a.movie[a.user == user]})
        scores = chance(3)(a, 0)([user]*len(left), left) if left else []
        best = [left[j] for j in np.argsort(-np.asarray(scores, float), kind='stable')[:k]]
        liked = {*b.movie[(b.user == user) & (b.rating >= 4)]}
        by_hand.append(len(liked & {*best}) / len(liked))
    if by_hand: assert got.recall == pytest.approx(np.mean(by_hand))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 4), min_size=2, max_size=15), st.integers(1, 20), st.randoms())
def test_ndcg_is_that_of_scikit_learn(gains, k, random):
    "Wherever there is something to find, and no tie"
    scores = random.sample(range(len(gains)), len(gains))
    ranked = np.array(gains)[np.argsort(-np.array(scores))]
    if any(gains): assert ndcg(ranked, k=k) == pytest.approx(ndcg_score([gains], [scores], k=k))
    else: assert np.isnan(ndcg(ranked, k=k))


def test_the_truth_is_perfect():
    "A method that knows the answers has no error, and the best lists"
    df = tiny_ratings()
    truth = df.set_index(['user', 'movie']).rating
    def oracle(train, seed):
        return lambda users, items: truth.reindex(list(zip(users, items))).fillna(0).to_numpy(float)
    got = evaluate(oracle, df, split_random(df, .4, seed=2))
    assert got.unknown_rows == 0
    assert got.rmse == got.mae == 0 and got.ndcg == got.recall == 1


def test_the_recommender_is_a_method():
    "Whatever predicts for ids can be judged"
    df = tiny_ratings()
    def fit(train, seed): return Recommender.fit(train, seed=seed, n_epoch=1, quiet=True).predict
    got = evaluate(fit, df, split_random(df), k=3)
    assert 0 < got.rmse < 4
    split = split_random(df)
    new = df[~df.user.isin(df.user.iloc[split[1]])]
    rows = df.reset_index(drop=True).index[df.user.isin(new.user)].to_numpy()
    rest = np.setdiff1d(np.arange(len(df)), rows)
    if len(rows): assert evaluate(fit, df, (rest, rows)).unknown_users == new.user.nunique()
    with pytest.raises(UnknownIdError): fit(df, 0)(['nobody'], df.movie[:1])


def test_choosing_sees_training_rows_only():
    "The candidates never meet a validation row, and the winner is trained on all the others"
    df, seen = tiny_ratings(), []

    def noting(train, seed):
        seen.append(len(train))
        return means()(train, seed)
    train, valid = split_random(df, .3, seed=4)
    picky = choose({'noting': noting, 'one mean': means(False, False)}, .2, n_splits=3)
    predict = picky(df.iloc[train], 42)
    assert predict.chosen in ('noting', 'one mean') and set(predict.errors) == {'noting', 'one mean'}
    assert max(seen) <= len(train) and len([n for n in seen if n < len(train)]) == 3
    assert evaluate(picky, df, (train, valid), k=None).n == len(valid)


def test_an_ensemble_is_a_mean_of_seeds():
    "And every member has a seed of its own"
    seeds = []

    def fit(train, seed):
        seeds.append(seed)
        return lambda users, items: np.full(len(users), float(seed))
    assert ensemble(fit, 4)(None, 7)([1], [1]) == np.mean(seeds) and len({*seeds}) == 4
    with pytest.raises(ValueError, match='at least 1'): ensemble(fit, 0)


def test_leaderboard():
    "A row for each protocol and method, best first"
    df = tiny_ratings()
    methods = {'popularity': popularity, 'one mean': means(False, False), 'both': means()}
    board = leaderboard(methods, df, seeds=(1, 2), k=2)
    assert board.protocol.unique().tolist() == ['random 80/20'] and board.fits.tolist() == [2, 2, 2]
    assert board.rmse.dropna().is_monotonic_increasing and board.method.iloc[-1] == 'popularity'
    assert (board.sd.dropna() > 0).all()


@pytest.mark.parametrize('wrong', [dict(k=0), dict(user='nobody'), dict(split=([0], [])),
                                   dict(split=([0, 1], [1]))])
def test_mistakes_are_named(wrong):
    "Before a method is trained"
    def never(train, seed): raise AssertionError('trained')
    df = tiny_ratings()
    with pytest.raises(ValueError): evaluate(never, df, **{'split': split_random(df), **wrong})


def test_recall(): assert recall([True, False, True, True], 6, k=3) == pytest.approx(1/3)


@pytest.mark.parametrize('factor', [.01, .2, 20, 1e6])
def test_the_unit_of_the_ratings_does_not_matter(factor):
    "Shares, points, stars: the same model, in another unit"
    df = tiny_ratings()
    kwargs = dict(n_factors=3, quiet=True)
    stars = Recommender.fit(df, **kwargs).predict(df.user, df.movie)
    other = Recommender.fit(df.assign(rating=factor*df.rating), **kwargs).predict(df.user, df.movie)
    np.testing.assert_allclose(other, factor*stars, rtol=1e-4)
    with pytest.raises(ValueError, match='lowest to highest'):
        Recommender.fit(df.assign(rating=3), y_range=(3, 3))


def test_nothing_of_the_callers_chance_is_used(): # fastai's loaders draw from `random`
    "Neither by evaluation nor by loaders"
    df = tiny_ratings()
    random.seed(1)
    state = random.getstate()
    evaluate(biased_mf(2, 1), df, split_random(df), seed=np.int64(3))
    collab_loaders(df).train.new(seed=3)
    assert random.getstate() == state


def test_a_mistyped_title_and_missing_times_are_errors():
    "Pairs would be split, and rows without a time be taken for the latest"
    df = tiny_ratings()
    for f in (split_random, collab_loaders):
        with pytest.raises(RatingsError, match="'titel' is missing"): f(df, title='titel')
    with pytest.raises(RatingsError, match="'timestamp' is missing"):
        split_time(df.assign(timestamp=[None, *range(len(df)-1)]))


def test_blank_titles_are_no_titles():
    "Items without a title are not one film: a split leaves no user empty"
    df = DataFrame([(u, i, 3) for u in range(10) for i in range(20)], columns=['user', 'movie', 'rating'])
    train, valid = split_random(df.assign(title=''), seed=1)
    want = split_random(df, seed=1)
    assert (train == want[0]).all() and (valid == want[1]).all()
    assert check_ratings(df.assign(title=''), title='title').attrs['report']['repeated_pairs'] == 0


def test_huge_ratings_do_not_wrap():
    "Whole numbers too large for int64 stay positive"
    assert (as_ratings([2**63+5, 1]) > 0).all()
