"Models of lists: weights of clicks, alternating least squares, neighbours, EASE, picking and liking"
import numpy as np
import pandas as pd
import pytest
from collab_course import als
from collab_course.als import frequency_penalty, half_step, half_step_fast, side_of, train_factors
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.data import load_ratings, split_random
from collab_course.diversity import cosines
from collab_course.ease import EASE, ease_weights
from collab_course.evaluation import Choose, Ensemble, evaluate
from collab_course.ids import RatingsError, tiny_ratings
from collab_course.implicit import pair_weights, rating_weights
from collab_course.implicit_mf import ImplicitMF
from collab_course.item_knn import ItemKNN
from collab_course.model_checks import check_frame
from collab_course.pick_and_like import PickAndLike
from collab_course.ratings import History, Ratings
from collab_course.recommender import DampedMeans, Popularity, load
from lists import exactly, intra_list_diversity, ms_measures, stratified_split

LISTS = [ImplicitMF(4, n_epoch=4), ItemKNN(k=8), EASE(), EASE(penalty=3., keep=6)]


@pytest.fixture
def toy():
    "Clicks of 30 users on 20 items with weights, as a table of cells and sorted by user; factors of the items"
    rng = np.random.default_rng(0)
    cells = (rng.random((30, 20)) < .3)*rng.uniform(.1, 1, (30, 20))
    u, i = cells.nonzero()
    return cells, side_of(u, i, cells[u, i].astype('float32'), 30), rng.normal(size=(20, 5)).astype('float32')


def dense(items, confidence, goal, penalty):
    "The best users by the formula, with every cell written out"
    return np.array([np.linalg.solve((items.T*c)@items + p*np.eye(items.shape[1]), items.T@(c*g))
                     for c, g, p in zip(confidence, goal, penalty)])


def convention(name, cells, side):
    "Clicks, unobserved and penalty as the half step takes them; confidence and goal of all cells as the paper has them"
    ends, which, w, _ = side
    if name == 'rendle':
        return side, .4, frequency_penalty(ends, 20, .4, .01), .4+cells, cells/(.4+cells)
    clicks = ends, which, 5*w, 1+5*w # confidence c less 1, and c
    penalty = np.full(30, .3) if name == 'implicit' else .05*np.diff(ends)
    return clicks, 1., penalty.astype('float32'), 1+5*cells, cells > 0


@pytest.mark.parametrize('step', [half_step, lambda *args: half_step_fast(*args, n_steps=20)], ids=['exact', 'fast'])
@pytest.mark.parametrize('name', ['rendle', 'implicit', 'spark'])
def test_half_step_is_the_dense_solution(toy, name, step):
    "In each of the three ways to write the loss"
    cells, side, items = toy
    clicks, unobserved, penalty, confidence, goal = convention(name, cells, side)
    found = np.zeros((30, 5), 'float32')
    step(found, items, clicks, unobserved, penalty)
    np.testing.assert_allclose(found, dense(items.astype(float), confidence, goal, penalty), atol=2e-5)


def test_rows_without_clicks_become_zero(toy):
    "All that is known of them are blanks"
    _, (ends, which, left, right), items = toy
    found = np.ones((31, 5), 'float32')
    half_step_fast(found, items, (np.append(ends, ends[-1]), which, left, right), .4, np.ones(31, 'float32'), 20)
    np.testing.assert_allclose(found[-1], 0, atol=1e-5)


def test_training_without_numba_ends_in_the_same_scores(monkeypatch):
    "Exact half steps instead of three steps of conjugate gradients"
    x, w = pair_weights(Ratings(check_frame()), 'stars')
    def scores():
        users, items = train_factors(x, w, (40, 30), 3, 100, .4, .01, np.random.default_rng(0))
        return users@items.T
    fast = scores()
    monkeypatch.setattr(als, 'has_numba', lambda: False)
    np.testing.assert_allclose(fast, scores(), atol=.01)


def test_clicks_may_come_in_any_order():
    "Sides sort them"
    rng = np.random.default_rng(1)
    u, i = rng.integers(9, size=50), rng.integers(7, size=50)
    order = np.lexsort((np.arange(50), u))
    ends, which, w, _ = side_of(u, i, np.arange(50.), 9)
    assert which.tolist() == i[order].tolist() and w.tolist() == order.tolist() and ends[-1] == 50


@pytest.mark.parametrize('model', LISTS, ids=repr)
def test_a_table_with_every_row_twice_gives_the_same_model(model):
    "A pair that comes twice is one click"
    df = check_frame().drop_duplicates(['user', 'movie'])
    once, twice = [model.clone().fit(o, quiet=True) for o in (df, pd.concat([df, df], ignore_index=True))]
    for user in range(0, 40, 7): np.testing.assert_allclose(once.item_scores(user), twice.item_scores(user), atol=2e-5)


@pytest.mark.parametrize('model', LISTS, ids=repr)
def test_effects_add_up_to_the_score(model):
    "... of a new user, less that of one without any clicks"
    m = model.clone().fit(check_frame(), quiet=True)
    history = History(np.array([1, 4, 9, 20]), np.array([5., 1., 3., 4.]))
    gain = m.item_scores(history) - m.item_scores(History(np.zeros(0, int), np.zeros(0)))
    for item in (0, 4, 29): assert np.isclose(m._explain(*history, item).sum(), gain[item], atol=1e-6)


@pytest.mark.parametrize('model', [EASE(), EASE(keep=5), EASE(weight='ones')], ids=repr)
def test_ease_gives_a_new_user_a_little_of_the_mean_user(model):
    "The same for all of them: without clicks the list is the mean user's; known users have none of it"
    m = model.clone().fit(check_frame(), quiet=True)
    none = m.item_scores(History(np.zeros(0, int), np.zeros(0)))
    own = m.ratings.x[m.ratings.rows_of(5), 1]
    new = m.item_scores(History(np.sort(own), m.ratings.y[m.ratings.rows_of(5)][np.argsort(own)]))
    np.testing.assert_allclose(new - none, m.item_scores(5), atol=1e-6)
    share = m.ratings.counts/len(m.ratings.users)
    np.testing.assert_allclose(none, [.1*share@m._from(item) for item in range(len(share))], atol=1e-6)


def test_known_and_new_users_with_the_same_clicks_get_the_same_list():
    "Nothing is solved for either"
    m = ItemKNN(k=8).fit(check_frame(), quiet=True)
    user = m.ratings.users.ids[5]
    rows = m.ratings.rows_of(5)
    told = dict(zip(m.ratings.items.ids[m.ratings.x[rows, 1]].tolist(), m.ratings.y[rows].tolist()))
    assert m.recommend(user, min_ratings=0).equals(m.recommend(told, min_ratings=0))


def test_without_clicks_the_list_is_the_mean_users():
    m = ImplicitMF(4).fit(check_frame(), quiet=True)
    scores = (m.user_factors@m.item_factors.T).astype(float).mean(axis=0)
    expected = m.rank(scores, [], 10, min_ratings=0)
    assert m.recommend({}, min_ratings=0)['item'].tolist() == m.ratings.items.ids[expected].tolist()


@pytest.mark.parametrize('model', [*LISTS, ImplicitMF(4, weight='log')], ids=repr)
def test_interactions_and_a_list_of_items(model, tmp_path):
    "Without a column of ratings, fitted, asked, evaluated, saved"
    df = check_frame().drop(columns='rating')
    m = model.clone().fit(df, rating=None, quiet=True)
    assert m.used.get('weight', m.weight) == (m.weight or 'ones')
    told = m.ratings.items.ids[[3, 5]].tolist()
    top = m.recommend(told, 5, min_ratings=0)
    assert len(top) == 5 and not set(top['item']) & set(told)
    assert load(m.save(tmp_path)).recommend(told, 5, min_ratings=0).equals(top)
    found = evaluate(model, df, split_random(Ratings(df, rating=None)), rating=None)
    assert np.isnan(found.rmse) and found.ndcg > 0


BAD = {'no stars': (lambda: ImplicitMF(weight='stars').fit(check_frame(), rating=None), 'interactions have no stars'),
       'zeros': (lambda: EASE(weight=lambda y: 0*y).fit(check_frame()), 'a weight of 0'),
       'negative': (lambda: ItemKNN(weight=lambda y: -y).fit(check_frame()), r'gives -\S+ for a rating of'),
       'counts': (lambda: ImplicitMF(weight='log').fit(check_frame().assign(rating=-2)), 'at least 1, and one is -2'),
       'too many': (lambda: EASE(max_items=29).fit(check_frame()), r'30 of them would take \S+ GB of memory.*ImplicitMF'),
       'penalty lost to rounding': (lambda: EASE(penalty=1e-300).fit(check_frame()), 'penalty=1e-300 is too small .* take more than'),
       'liking clicks': (lambda: PickAndLike().fit(check_frame(), rating=None), 'interactions do not say what is liked')}


@pytest.mark.parametrize('part, whole', [(.9, 1), (.1, 0)])
def test_penalty_just_above_rounding_is_taken(part, whole):
    "Nearby ones on both sides"
    df = check_frame()
    least = 1e-12*np.bincount(pd.factorize(df.movie)[0], rating_weights(df.rating, 'stars', (.5, 5))**2).max()
    if whole: EASE(penalty=least/part).fit(df, quiet=True)
    else:
        with pytest.raises(ValueError, match='is too small'): EASE(penalty=least*part).fit(df, quiet=True)


@pytest.mark.parametrize('name', BAD)
def test_bad_input_is_refused(name):
    fit, words = BAD[name]
    with pytest.raises(ValueError, match=words): fit()


def test_a_new_users_counts_have_no_upper_end():
    "Who has played an item more often than anybody in the table; below 1 it is no count; a name is said plainly"
    model = ImplicitMF(2, 3, weight="log").fit(tiny_ratings(), quiet=True)
    assert model.recommend({1: 700}, 3).score.is_monotonic_decreasing
    for wrong in 0, -3:
        with pytest.raises(RatingsError, match=f'counts of at least 1, and one is {wrong}'): model.recommend({1: wrong})
    clicks = ImplicitMF(2, 3).fit(tiny_ratings()[['user', 'movie']], rating=None, quiet=True)
    with pytest.raises(ValueError, match='^1 is rated twice'): clicks.recommend([np.int64(1)]*2)


def test_counts_below_one_are_the_datas_fault():
    with pytest.raises(RatingsError, match='one is 0'): rating_weights([3, 0], 'log')


@pytest.mark.parametrize('model', LISTS, ids=repr)
def test_one_item_one_user_and_a_user_with_everything(model):
    "Nothing is left to list, and nothing fails"
    df = pd.DataFrame({'user': [1, 1, 2], 'movie': [7, 8, 8], 'rating': [3., 4., 5.]})
    m = model.clone().fit(df, quiet=True)
    assert len(m.recommend(1)) == 0 and m.recommend(2, min_ratings=0)['item'].tolist() == [7]
    one = model.clone().fit(df[:1], quiet=True)
    assert len(one.recommend(1)) == 0 and np.isfinite(one.predict(1, 7)).all()


def test_ctrl_c_leaves_the_model_as_it_was(monkeypatch):
    "Between two epochs"
    m = ImplicitMF(3).fit(check_frame(), quiet=True)
    before = m.user_factors.copy()
    def interrupted(*args): raise KeyboardInterrupt
    monkeypatch.setattr(als, 'half_step_fast', interrupted)
    with pytest.raises(KeyboardInterrupt): m.fit(check_frame(1), quiet=True)
    assert np.array_equal(m.user_factors, before)


def test_a_function_as_weight_is_not_saved(tmp_path):
    "No code goes into a file"
    m = ImplicitMF(2, weight=np.sqrt).fit(check_frame(), quiet=True)
    with pytest.raises(TypeError, match='cannot be saved: it is a ufunc'): m.save(tmp_path)


def test_seed_decides():
    "The same seed to the bit, another seed otherwise; neighbours and EASE have none"
    a, b, c = [ImplicitMF(3, seed=o).fit(check_frame(), quiet=True).user_factors for o in (1, 1, 2)]
    assert np.array_equal(a, b) and not np.allclose(a, c)
    assert not (ItemKNN().has_seed() or EASE().has_seed()) and PickAndLike().has_seed()


def test_ease_has_the_lowest_loss():
    "Any small change of a weight off the diagonal raises it"
    rng = np.random.default_rng(0)
    clicks = (rng.random((40, 8)) < .4).astype(float)
    weights = ease_weights(clicks.T@clicks, 2.)
    def loss(b): return ((clicks-clicks@b)**2).sum() + 2*(b**2).sum()
    for i, j in np.argwhere(~np.eye(8, dtype=bool)):
        for change in (.01, -.01):
            moved = weights.copy()
            moved[i, j] += change
            assert loss(moved) > loss(weights)


def test_picking_and_liking_answer_as_their_models_do():
    "Predictions and intervals of the one, explanations and neighbours of the other, also within other models"
    m = PickAndLike(ItemKNN(weight='ones'), BayesianMF(2, n_sweeps=12, burn_in=4)).fit(check_frame(), quiet=True)
    like, pick = m.liking, m.picking
    told, items = dict(zip(m.ratings.items.ids[[3, 9]].tolist(), (5., 1.))), m.ratings.items.ids
    for who in (m.ratings.users.ids[3], told):
        assert np.array_equal(m.predict(who, items), like.predict(who, items))
        assert np.array_equal(m.predict_interval(who, items), like.predict_interval(who, items))
        assert m.explain(who, items[1]).equals(pick.explain(who, items[1]))
        assert m.recommend(who, by='lower').equals(like.recommend(who, by='lower'))
    assert m.similar(items[4]).equals(pick.similar(items[4]))
    assert m.threshold == .5 + .75*4.5 - .25 # half stars from .5 to 5


SURE = BayesianMF(2, n_sweeps=12, burn_in=4)


@pytest.mark.parametrize('like', [DampedMeans(), Ensemble(BiasedMF(2), 2), Choose({'a': SURE, 'b': DampedMeans()}),
                                  Choose({'a': SURE, 'b': Choose({'c': ImplicitMF(2)})}, by='ndcg')], ids=repr)
def test_a_model_that_is_not_sure_cannot_like(like):
    "Also where it may be chosen: that is said before anything is trained"
    with pytest.raises(TypeError, match='knows how sure it is'): PickAndLike(like=like)


@pytest.mark.parametrize('pick', [Ensemble(ImplicitMF(2, n_epoch=1), 2), Ensemble(BiasedMF(2, n_epoch=1), 2), Choose({'a': ItemKNN()}, by='ndcg'),
                                  Choose({'a': DampedMeans()}), BiasedMF(2, n_epoch=1)], ids=repr)
@pytest.mark.filterwarnings('ignore:.*worse than damped means')
def test_whatever_picks_is_saved(pick, tmp_path):
    "A model whose lists are of scores or of ratings, which an Ensemble or a Choose learns from its members"
    m = PickAndLike(pick, Choose({'sure': SURE})).fit(check_frame(), quiet=True)
    again = load(m.save(tmp_path))
    assert again.picking.ranks_only is m.picking.ranks_only and again.recommend_all(3).equals(m.recommend_all(3))


def test_what_no_rating_reaches_cannot_be_good():
    "The highest one can; of another scale, too"
    for good, stretch, words in ((50, 1, 'good=50 is above all ratings, which go to 5'), (5.2, 1, 'go to 5'), (10, 2, None), (5, 1, None), (11, 2, 'go to 10')):
        fit = lambda: PickAndLike(ItemKNN(), SURE, good=good).fit(check_frame().assign(rating=lambda df: stretch*df.rating), quiet=True)
        if words is None: assert fit().item_scores(0).max() > 0
        else:
            with pytest.raises(ValueError, match=words): fit()


@pytest.fixture(scope='module')
def movielens():
    "Ratings and one split"
    ratings = Ratings(load_ratings())
    return ratings, split_random(ratings, seed=42)


def test_lists_are_far_better_than_popularity(movielens):
    "MovieLens, random 80/20"
    quality = {repr(m): evaluate(m, *movielens, quiet=True).ndcg for m in (Popularity(), ImplicitMF(), EASE(), ItemKNN())}
    popular = quality.pop('Popularity()')
    assert min(quality['ImplicitMF()'], quality['EASE()']) > max(.37, 2*popular) and quality['ItemKNN()'] > 1.8*popular


def test_both_answers_are_better_than_either(movielens):
    assert evaluate(PickAndLike(), *movielens, quiet=True).ndcg > .385


WITH_ITEMS = [*LISTS, BiasedMF(4, n_epoch=2), BayesianMF(2, n_sweeps=12, burn_in=4), Choose({'knn': ItemKNN(k=8)}, by='ndcg'),
              PickAndLike(ItemKNN(weight='ones'), BayesianMF(2, n_sweeps=12, burn_in=4))]


@pytest.mark.parametrize('model', WITH_ITEMS, ids=repr)
def test_diversity_of_one_and_of_many_lists(model):
    "The same films one by one and for all; the first stays; few ratings stay last; nothing is on a list that may not be"
    m = model.clone().fit(check_frame(), quiet=True)
    plain = m.recommend_all(5, min_ratings=5)
    assert plain.equals(m.recommend_all(5, min_ratings=5, diversity=0)) and plain.equals(m.recommend_all(5, min_ratings=5, diversity=0.))
    for d in (.3, 1):
        many = m.recommend_all(5, min_ratings=5, diversity=d, exclude=m.ratings.items.ids[3])
        assert m.ratings.items.ids[3] not in many['item'].to_list() and not many.equals(m.recommend_all(5, min_ratings=5, exclude=m.ratings.items.ids[3]))
        for user, top in list(many.groupby('user'))[:8]:
            one = m.recommend(user, 5, min_ratings=5, diversity=d, exclude=m.ratings.items.ids[3])
            assert one.equals(top.drop(columns='user').reset_index(drop=True)) and one['item'].is_unique
            assert one['item'][0] == m.recommend(user, 1, min_ratings=5, exclude=m.ratings.items.ids[3])['item'][0]
            assert one.few_ratings.is_monotonic_increasing
    user = m.ratings.users.ids[2]
    assert m.recommend_all(3, users=[user, user], diversity=.5, min_ratings=0).user.to_list() == [user]*6


@pytest.mark.parametrize('d', [0, .5])
def test_diversity_of_lists_by_the_lower_end(d):
    "Chosen by the lower end, and as long as there are films"
    m = BayesianMF(2, n_sweeps=12, burn_in=4).fit(check_frame(), quiet=True)
    top = m.recommend({}, 99, by='lower', min_ratings=0, diversity=d)
    assert len(top) == top.title.nunique() == m.ratings.title_group.max()+1
    assert top.lower[0] == top.lower.max() and top.lower.is_monotonic_decreasing == (d == 0)


def test_diverse_lists_are_less_alike(movielens):
    "Mean cosine of the pairs on lists of ten falls, and with it, slowly, what is found"
    ratings, (train, _) = movielens
    m = ImplicitMF().fit(ratings.take(train), quiet=True)
    def alike(d):
        top, factors = m.recommend_all(users=range(1, 60), diversity=d), m.item_factors
        rows = m.ratings.items[top['item']].reshape(-1, 10)
        return np.mean([(cosines(factors[o]).sum()-10)/90 for o in rows])
    found = [alike(d) for d in (0, .3, .6, 1)]
    assert found == sorted(found, reverse=True) and found[0] > 2*found[-1]


@pytest.mark.parametrize('model', [Popularity(), DampedMeans()], ids=repr)
def test_diversity_without_likeness_is_refused(model):
    m = model.clone().fit(check_frame(), quiet=True)
    with pytest.raises(NotImplementedError, match='has no factors to compare items by'): m.recommend(m.ratings.users.ids[0], diversity=.1)


@pytest.mark.parametrize('bad', [-.1, 1.01, float('nan'), '.5', None], ids=repr)
def test_diversity_out_of_range_is_refused(bad):
    m = ItemKNN(k=8).fit(check_frame(), quiet=True)
    for ask in (lambda: m.recommend(3, diversity=bad), lambda: m.recommend_all(diversity=bad)):
        with pytest.raises(ValueError, match='diversity is a number from 0, for none, to 1'): ask()


def test_microsofts_split_and_measures_are_met_to_six_digits():
    "The numbers of recommenders 1.2.1: python_stratified_split by item, and its ranking metrics, on made ratings and lists by popularity"
    rng = np.random.default_rng(7)
    user, item = np.divmod(rng.choice(25*40, 400, replace=False), 40)
    df = pd.DataFrame(dict(user=user, item=item, rating=rng.integers(1, 6, 400).astype(float)))
    train, test = stratified_split(df, .75, 42, by='item')
    assert (len(train), len(test), test.sum()) == (299, 101, 19670)
    assert test[:12].tolist() == [120, 383, 88, 241, 249, 33, 119, 146, 352, 104, 80, 395]
    assert (test*np.arange(1, 102)).sum() == 1029422
    m = Popularity().fit(df.iloc[train], item='item', quiet=True)
    found = ms_measures(m.recommend_all(10, min_ratings=0), df.iloc[test])
    theirs = dict(ndcg=.3708471422826905, recall=.477991341991342, precision=.196, map=.22728873771730917)
    assert found == pytest.approx(theirs, abs=1e-6)


def test_intra_list_diversity_by_hand():
    "Two items of the same users are no different, two without a common one are"
    r = Ratings(pd.DataFrame(dict(user=[1, 1, 2, 2, 3], movie=[1, 2, 1, 2, 3], rating=5)))
    def lists(*items): return pd.DataFrame([(user, o) for user, some in enumerate(items, 1) for o in some], columns=['user', 'item'])
    assert intra_list_diversity(lists([1, 2]), r) == pytest.approx(0, abs=1e-6)
    assert intra_list_diversity(lists([1, 3]), r) == pytest.approx(1)
    assert intra_list_diversity(lists([1, 2, 3], [1, 3], [2]), r) == pytest.approx((2/3 + 1)/2)


def test_microsofts_protocol_on_movielens(movielens):
    "Clicks alone, seed 42: above every row that they publish (BiVAE: nDCG .475, MAP .146, precision .412, recall .220)"
    df = load_ratings()
    found = exactly(ImplicitMF(weight='ones'), Ratings(df, title=None), stratified_split(df))
    least = dict(ndcg=.478, map=.148, precision=.415, recall=.225)
    assert all(found[k] >= v for k, v in least.items()), found


@pytest.mark.parametrize('model', [*LISTS, ImplicitMF(64, n_epoch=2)], ids=repr)
def test_more_factors_than_items_and_two_items(model):
    "Nothing is singular, every number is finite"
    df = pd.DataFrame({'user': [1, 1, 2, 3], 'movie': [7, 8, 8, 7], 'rating': [3., 4., 5., 1.]})
    m = model.clone().fit(df, quiet=True)
    assert m.recommend(2, min_ratings=0)['item'].to_list() == [7] and np.isfinite(m.item_scores(0)).all()
    assert m.recommend({7: 5}, min_ratings=0, diversity=.5)['item'].to_list() == [8]


def test_ease_says_how_much_memory_340_000_items_would_take():
    "Before any of it is asked for"
    items = np.arange(340_000)
    r = Ratings(pd.DataFrame(dict(user=items % 1000, movie=items, rating=1+items % 5)))
    with pytest.raises(ValueError, match=r'340,000 of them would take 4,624.0 GB of memory.*ImplicitMF\(\) does without'): EASE().fit(r, quiet=True)


@pytest.mark.parametrize('model', [ItemKNN(k=8), EASE()], ids=repr)
def test_ctrl_c_leaves_models_of_neighbours_as_they_were(model, monkeypatch):
    "Between two items"
    m = model.clone().fit(check_frame(), quiet=True)
    before = m.recommend_all(3, min_ratings=0)
    def interrupted(*args): raise KeyboardInterrupt
    monkeypatch.setattr('collab_course.item_knn.co_occurrence', interrupted)
    monkeypatch.setattr('collab_course.ease.co_occurrence', interrupted)
    with pytest.raises(KeyboardInterrupt): m.fit(check_frame(1), quiet=True)
    assert m.recommend_all(3, min_ratings=0).equals(before)


def test_no_column_of_ratings_and_none_meant():
    "An error that names the columns, and not interactions by a guess"
    df = check_frame().drop(columns='rating')
    for model in LISTS:
        with pytest.raises(RatingsError, match="column 'rating' is missing"): model.clone().fit(df, quiet=True)
