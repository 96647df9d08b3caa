"Factors from elsewhere: what Spark saved and said, new users by hand, and all that a recommender has to hold to"
import json
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from collab_course.als import frequency_penalty, half_step, side_of
from collab_course.evaluation import evaluate
from collab_course.files import DataError
from collab_course.ids import RatingsError, UnknownIdError, tiny_ratings
from collab_course.model_checks import check_frame, check_recommender
from collab_course.ratings import Ratings
from collab_course.recommender import Recommender, load
from collab_course.spark import FactorModel
from collab_course.store import SavedModelError
from synthetic import example

SAVED = Path(__file__).with_name('saved_spark')
SETTINGS = {'explicit': dict(penalty=.1), 'implicit': dict(penalty=.1, implicit=True, alpha=2.)}


def said(name): return pd.read_csv(SAVED/f'{name}.csv')


def spark(name, **kwargs):
    "What Spark saved, with the ratings that it was trained on"
    return FactorModel.from_spark(SAVED/name, **{'ratings': said(name).drop(columns='prediction'), **SETTINGS[name], **kwargs})


def some(seed=0, d=3, biased=True, **kwargs):
    "Random factors of five users and seven items, text and numbers"
    rng = np.random.default_rng(seed)
    bias = dict(user_bias=rng.normal(size=5), item_bias=rng.normal(size=7), mean=3.) if biased else {}
    return FactorModel.from_factors(users=list('edcba'), user_factors=rng.normal(size=(5, d)), items=np.arange(70, 0, -10),
                                    item_factors=rng.normal(size=(7, d)), **{**bias, **kwargs})


@pytest.mark.parametrize('name', SETTINGS)
def test_predictions_are_those_of_spark(name):
    "As `transform` gave them, in float32, where no limit cuts them off; pyspark is not imported"
    df, model = said(name), spark(name, rating_limits=(-99, 99))
    np.testing.assert_allclose(model.predict(df.user, df.movie), df.prediction, atol=1e-6*abs(df.prediction).max())
    assert 'pyspark' not in sys.modules and model.ranks_only is (name == 'implicit')


@pytest.mark.parametrize('name', SETTINGS)
def test_known_users_folded_in_are_themselves(name):
    "Spark's last half step was the users': their own ratings give its factors back"
    df, model = said(name), spark(name, rating_limits=(-99, 99))
    items = model.ratings.items.ids
    for user, rows in df.groupby('user'):
        mine = dict(zip(rows.movie, rows.rating))
        np.testing.assert_allclose(model.predict(mine, items), model.predict(user, items), atol=2e-6)
        assert model.recommend(mine, 3, min_ratings=0)['item'].tolist() == model.recommend(user, 3, min_ratings=0)['item'].tolist()


def test_lists_hide_what_was_rated_only_where_it_is_known():
    "And `repr` says which it is, also of a loaded model"
    df, model, bare = said('explicit'), spark('explicit'), spark('explicit', ratings=None)
    user = df.user[0]
    seen = set(df.movie[df.user == user])
    assert seen.isdisjoint(model.recommend(user, 20)['item']) and seen <= set(bare.recommend(user, 20)['item'])
    assert repr(model) == 'FactorModel(penalty=0.1)'
    assert repr(bare) == 'FactorModel(penalty=0.1) without ratings: what was rated is not hidden'
    assert not bare.recommend(user).few_ratings.any() and len(bare.recommend_all(2)) == 60
    assert len(bare.explain(user, 16)) == 0 and len(model.explain(user, 16)) == 5


@pytest.mark.parametrize('name', SETTINGS)
@pytest.mark.parametrize('known', [True, False])
def test_saved_model_is_the_same_when_loaded(name, known, tmp_path):
    "With the ratings and without, by the front door and by the class"
    model = spark(name, **({} if known else {'ratings': None}))
    for again in (load(model.save(tmp_path/'a')), FactorModel.load(model.save(tmp_path/'b', ratings=False))):
        assert repr(again) == repr(model) and again.settings() == model.settings()
        assert again.recommend_all(5).equals(model.recommend_all(5))
        assert again.recommend({16: 5, 27: 1}).equals(model.recommend({16: 5, 27: 1}))
        assert again.similar(16).equals(model.similar(16))
    assert load(tmp_path/'a').explain(3, 16).equals(model.explain(3, 16))


def test_saved_model_is_checked_when_loaded(tmp_path):
    "Factors of another shape or type, biases that are not finite"
    model = some(penalty=.1)
    for name, value in {'item_factors': model.item_factors[:, :1], 'user_factors': model.user_factors.astype('float64'),
                        'user_bias': np.full(5, np.nan), 'mean': np.inf}.items():
        real = getattr(model, name)
        setattr(model, name, value)
        with pytest.raises(ValueError): model.save(tmp_path)
        setattr(model, name, real)
    for name in ('link', 'alpha'):
        folder = model.save(tmp_path)
        head = json.loads((folder/'recommender.json').read_text())
        head['info']['settings']['dict'] = [[k, 'x' if k == name else v] for k, v in head['info']['settings']['dict']]
        (folder/'recommender.json').write_text(json.dumps(head))
        with pytest.raises(SavedModelError): load(folder)


class TrainedHere(FactorModel):
    "A model of factors that trains itself, by the half steps of the page on ALS"
    fit = Recommender.fit

    def _fit(self, ratings):
        sizes = len(ratings.users), len(ratings.items)
        rng = np.random.default_rng(0)
        F, y = [rng.normal(0, .3, (n, 3)) for n in sizes], ratings.y - ratings.y.mean()
        for k in [1, 0]*5:
            ends, which, sorted_y, _ = side_of(ratings.x[:, k], ratings.x[:, 1-k], y, sizes[k])
            half_step(F[k], F[1-k], (ends, which, np.ones(len(y)), sorted_y), 0., frequency_penalty(ends, 0, 0., self.penalty))
        self.mean, self.user_bias, self.item_bias = float(ratings.y.mean()), None, np.zeros(sizes[1])
        self.user_factors, self.item_factors = (o.astype('float32') for o in F)


def test_it_holds_to_all_that_a_recommender_has_to():
    "A class with a fit of its own is put to every check"
    assert check_recommender(TrainedHere(penalty=.1)).passed.all()
    m = TrainedHere(penalty=.1).fit(check_frame(), quiet=True)
    r = m.ratings
    same = FactorModel.from_factors(users=r.users.ids, user_factors=m.user_factors, items=r.items.ids, item_factors=m.item_factors,
                                    item_bias=m.item_bias, mean=m.mean, ratings=check_frame(), penalty=.1)
    assert same.recommend_all(5).equals(m.recommend_all(5)) and same.recommend({1000: 5}).equals(m.recommend({1000: 5}))


@pytest.mark.parametrize('biased', [True, False])
def test_new_user_solves_the_normal_equations(biased):
    "ALS-WR by hand, with a bias of their own where users have one; effects add up"
    model = some(biased=biased, penalty=.2)
    items, y = np.array([10, 30, 70]), np.array([5., 1., 4.])
    rows = model.ratings.items[items]
    q, b = model.item_factors.astype(float)[rows], (model.item_bias[rows] if biased else 0)
    X = np.insert(q, 0, 1, axis=1) if biased else q
    theta = np.linalg.solve(X.T@X + .2*3*np.eye(X.shape[1]), X.T@(y-model.mean-b))
    every = model.item_factors.astype(float)
    scores = model.mean + (np.insert(every, 0, 1, axis=1) if biased else every)@theta + (model.item_bias if biased else 0)
    ratings = dict(zip(items.tolist(), y))
    np.testing.assert_allclose(model.predict(ratings, model.ratings.items.ids), scores, rtol=1e-9)
    start = model.mean + (model.item_bias if biased else np.zeros(7))
    for k, item in enumerate(model.ratings.items.ids):
        assert abs(model.explain(ratings, item).effect.sum() - (scores-start)[k]) < 1e-9
    np.testing.assert_allclose(model.predict({}, [10, 20]), start[:2])


def test_penalty_is_asked_for_by_name():
    "Known users are answered without"
    model = some()
    assert len(model.recommend('a')) == 7
    for ask in (lambda: model.recommend({10: 5}), lambda: model.predict({10: 5}, 20), lambda: model.explain({10: 5}, 20)):
        with pytest.raises(ValueError, match='give penalty= with the factors'): ask()


def test_it_is_not_trained_here():
    "Not by fit, update, evaluate or a clone"
    model, df = some(penalty=.1), tiny_ratings()
    for act in (lambda: model.fit(df), lambda: model.clone().fit(df, user='user'), lambda: evaluate(model, df, (range(20), range(20, 30)), quiet=True)):
        with pytest.raises(NotImplementedError, match='is not trained itself: BiasedMF is'): act()
    assert len(model.recommend('a')) == 7


def test_sigmoid_reaches_from_limit_to_limit():
    "Predictions of another link; a new user is then refused"
    model, plain = some(link='sigmoid', rating_limits=(1, 5), penalty=.1), some()
    scores = plain.predict(['a']*7, plain.ratings.items.ids)
    np.testing.assert_allclose(model.predict(['a']*7, plain.ratings.items.ids), 1 + 4/(1+np.exp(-scores)))
    assert model.recommend('a')['item'].tolist() == plain.recommend('a')['item'].tolist()
    with pytest.raises(NotImplementedError, match="only with link='identity'"): model.recommend({10: 5})
    with pytest.raises(ValueError, match='say rating_limits='): some(link='sigmoid')


def test_titles_and_limits_come_from_where_they_are_said():
    "By id or one for each item; else those of the ratings, else ids"
    df = example().rename(columns={'who': 'user', 'what': 'movie', 'stars': 'rating', 'name': 'title'})
    r = Ratings(df)
    def made(**kwargs):
        rng = np.random.default_rng(0)
        return FactorModel.from_factors(users=r.users.ids, user_factors=rng.normal(size=(20, 2)), items=[*r.items, 99],
                                        item_factors=rng.normal(size=(31, 2)), **kwargs)
    assert made().ratings.titles[[0, -1]].tolist() == ['0', '99']
    assert made(ratings=df).ratings.titles[[0, -1]].tolist() == ['T0', '99']
    assert made(ratings=r, titles={99: 'New', 12345: 'elsewhere'}).ratings.titles[[0, -1]].tolist() == ['T0', 'New']
    assert made(titles=[f'Film {k}' for k in range(31)]).similar('Film 3', 30)['title'].iloc[0].startswith('Film')
    assert made(titles=pd.Series({0: 'Heat'})).ratings.titles[:2].tolist() == ['Heat', '1']
    assert made(ratings=df).ratings.rating_limits == (1, 5) and made(ratings=df, rating_limits=(0, 9)).ratings.rating_limits == (0, 9)
    with pytest.raises(ValueError, match='do not hold the ratings, which go from 1 to 5'): made(ratings=df, rating_limits=(2, 5))
    with pytest.raises(ValueError, match='there are 2 titles and 31 items: give one for each, or titles by id'): made(titles=['too', 'few'])
    for none in ({'x1': 'Heat'}, {12345: 'Heat'}, pd.Series({'x1': 'Heat'})):
        with pytest.raises(ValueError, match='titles are of none of the items: the first is of .*, and the items begin with 0'): made(titles=none)
    assert made(titles={}).ratings.titles[0] == '0' and made(titles=map(str, range(31, 62))).ratings.titles[0] == '31'
    with pytest.raises(UnknownIdError, match='user unknown: 77'): made(ratings=pd.concat([df, df[:1].assign(user=77)]))
    with pytest.raises(UnknownIdError, match='item unknown: 98'): made(ratings=df).predict(0, 98)


def test_biases_by_id_are_those_in_order():
    "A dict or a Series, in any order; one that is missing is named"
    rng = np.random.default_rng(1)
    bias = dict(zip(range(70, 0, -10), rng.normal(size=7)))
    a, b, c = (some(item_bias=o, user_bias=None) for o in (list(bias.values()), dict(sorted(bias.items())), pd.Series(bias).sort_values()))
    assert a.recommend_all(7).equals(b.recommend_all(7)) and a.recommend_all(7).equals(c.recommend_all(7))
    del bias[30]
    with pytest.raises(ValueError, match='item 30 has no finite factors and bias'): some(item_bias=bias)


def test_ids_are_matched_by_value():
    "Numbers, and text that says them"
    model = FactorModel.from_factors(users=['1', '2', '007'], user_factors=np.eye(3), items=[10., 20.], item_factors=np.ones((2, 3)))
    assert model.predict(1, 10) == model.predict('1', '10') == 1 and model.ratings.users.text
    with pytest.raises(UnknownIdError): model.predict(7, 10)


def test_labels_stand_for_the_numbers_of_spark():
    "As a StringIndexer gives them"
    df, plain = said('explicit'), spark('explicit', ratings=None)
    names = [f'item {k}' for k in range(300)]
    model = spark('explicit', ratings=None, items=names)
    user, item = int(df.user[0]), int(df.movie[0])
    assert model.predict(user, f'item {item}') == plain.predict(user, item) and model.ratings.items.text
    for labels in (dict(enumerate(names)), pd.Series(names[::-1], index=range(299, -1, -1)), iter(names), tuple(names), np.array(names)):
        assert spark('explicit', ratings=None, items=labels).recommend_all(3).equals(model.recommend_all(3))
    number = sorted(model.ratings.items.ids, key=lambda o: int(o[5:]))[7][5:]
    with pytest.raises(ValueError, match='items has 100 labels, and there are factors of number'): spark('explicit', items=names[:100])
    with pytest.raises(ValueError, match=f'there are factors of number {number}, which has none'):
        spark('explicit', items={k: o for k, o in enumerate(names) if k != int(number)})
    with pytest.raises(TypeError, match='items come in the order .* type set'): spark('explicit', items={*names})


def test_live_model_is_asked_for_its_factors():
    "Whatever has `userFactors` and `itemFactors` as Spark's frames"
    def frame(side):
        file, = (SAVED/'explicit'/f'{side}Factors').glob('part-*')
        df = pd.read_parquet(file)
        return types.SimpleNamespace(select=lambda *names: types.SimpleNamespace(toPandas=lambda: df[[*names]]))
    live = types.SimpleNamespace(userFactors=frame('user'), itemFactors=frame('item'))
    a, b = (FactorModel.from_spark(o, penalty=.1) for o in (live, SAVED/'explicit'))
    assert a.recommend_all(5).equals(b.recommend_all(5))
    with pytest.raises(TypeError, match='an ALSModel, or the folder that its save wrote, not int'): FactorModel.from_spark(7)


def test_folders_that_are_no_model_are_refused(tmp_path):
    "No metadata, another class, a truncated table, another rank, a table less"
    folder = tmp_path/'als'
    def refused(words, change):
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(SAVED/'explicit', folder)
        change()
        with pytest.raises(DataError, match=words): FactorModel.from_spark(folder)
    meta = next((SAVED/'explicit'/'metadata').iterdir()).name
    table, = (SAVED/'explicit'/'itemFactors').iterdir()
    text = (SAVED/'explicit'/'metadata'/meta).read_text()
    def put(old, new): return lambda: (folder/'metadata'/meta).write_text(text.replace(old, new))
    refused('holds no metadata: it is not a model that Spark saved', lambda: shutil.rmtree(folder))
    refused('holds no metadata', lambda: shutil.rmtree(folder/'metadata'))
    refused('holds a org.apache.spark.ml.PipelineModel, not an ALSModel; .* is a folder in stages', put('recommendation.ALSModel', 'PipelineModel'))
    refused('cannot be read', put('{', ''))
    refused(r'rows have \{4\} factors, and the model 5', put('"rank":4', '"rank":5'))
    refused('itemFactors cannot be read', lambda: (folder/'itemFactors'/table.name).write_bytes(table.read_bytes()[:-9]))
    refused('userFactors cannot be read: it is missing', lambda: shutil.rmtree(folder/'userFactors'))


BAD = {'has two rows': dict(users=list('aabcd')), 'it has a row for each': dict(users=list('abcd')), 'has no finite factors and bias': dict(item_factors=np.full((7, 3), np.nan)),
       'users have 3 factors, and items 2': dict(item_factors=np.ones((7, 2))), 'user_bias has shape': dict(user_bias=[1.]),
       'item_factors has shape': dict(item_factors=np.ones(7)), 'link is': dict(link='log'), 'penalty is a number above 0': dict(penalty=0),
       'alpha is a number': dict(alpha=-1), 'rating_limits are the lowest': dict(rating_limits=(5, 1)), 'factors alone make scores': dict(implicit=True, mean=3.),
       'mean is a finite number': dict(mean=np.nan), 'is missing in 1 of 5': dict(users=['a', 'b', None, 'c', 'd'])}


@pytest.mark.parametrize('words', BAD)
def test_what_does_not_fit_is_refused(words):
    "Each with its reason"
    given = dict(users=list('abcde'), user_factors=np.ones((5, 3)), items=range(7), item_factors=np.ones((7, 3)))
    with pytest.raises(ValueError, match=words): FactorModel.from_factors(**{**given, **BAD[words]})


NO_ORDER = {'a set': ('users', {*'abcde'}, 'users come in the order of .* type set'), 'a frozenset': ('items', frozenset(range(7)), 'items come .* type frozenset'),
            'titles as a set': ('titles', {*'abcdefg'}, 'titles come .* type set'), 'a table': ('users', np.array([[*'abcde']]).T, r'type ndarray of shape \(5, 1\)'),
            'a frame': ('users', pd.DataFrame({'user': [*'abcde']}), r'type DataFrame of shape \(5, 1\)'), 'a number': ('items', 7, 'items come .* type int'),
            'none': ('users', None, 'type NoneType')}
NO_NUMBERS = {'ragged': ('item_factors', [[1, 2, 3]]*6 + [[1]], 'item_factors is not an array of numbers'), 'complex': ('item_factors', np.ones((7, 3))*1j, 'are complex'),
              'complex list': ('user_bias', [1, 2, 3, 4, 5j], 'user_bias is not .* complex'), 'text': ('user_bias', dict(zip('abcde', 'vwxyz')), 'user_bias is not an array of numbers'),
              'set': ('user_factors', {1., 2.}, 'user_factors is not an array of numbers'), 'twice': ('user_bias', pd.Series(range(6), [*'abcdea']), 'user_bias is not an array'),
              'no mean': ('mean', None, 'mean is a finite number, not None'), 'text mean': ('mean', 'x', "not 'x'"), 'complex mean': ('mean', 1j, 'not 1j')}


@pytest.mark.parametrize('case', [*NO_ORDER, *NO_NUMBERS])
def test_what_has_no_order_or_is_no_number_is_named(case):
    "Before a factor goes to the wrong id"
    name, value, words = {**NO_ORDER, **NO_NUMBERS}[case]
    given = dict(users=list('abcde'), user_factors=np.ones((5, 3)), items=range(7), item_factors=np.ones((7, 3)))
    with pytest.raises(TypeError if case in NO_ORDER else ValueError, match=words): FactorModel.from_factors(**{**given, name: value})


def test_table_without_ratings_answers_as_others_do():
    "Its report, its frame, newer ratings; nothing and nothing are no ratings"
    r = some().ratings
    assert r.report['rows'] == r.report['repeated_pairs'] == 0 and r.odd == [] and len(r.pair_numbers()) == 0 and len(r.to_frame()) == 0
    newer = Ratings(tiny_ratings().assign(user=lambda df: df.user.map(str)), time=None)
    assert len(r.updated(newer)) == 30 and r.updated(newer).rating_limits == (1, 5)
    assert len(newer.updated(r)) == 30
    with pytest.raises(RatingsError, match='there are no ratings on either side'): r.updated(r)


def test_interactions_are_folded_in_as_lists():
    "And as counts, where nothing limits them"
    model = spark('implicit', ratings=None)
    assert model.recommend([16, 27]).equals(model.recommend({16: 1, 27: 1}))
    assert not model.recommend({16: 30, 27: 1}).equals(model.recommend([16, 27]))


def test_answers_need_neither_numba_nor_pyarrow(tmp_path):
    "A saved model, in a process of its own"
    folder = spark('explicit').save(tmp_path/'model')
    code = ('import sys; sys.modules.update(numba=None, pyarrow=None, torch=None); from collab_course import load; m = load(sys.argv[1]); '
            'print(len(m.recommend_all(3)), len(m.recommend({16: 5})))')
    done = subprocess.run([sys.executable, '-c', code, folder], capture_output=True, text=True)
    assert done.stdout.split() == ['90', '10'], done.stderr


def test_items_are_listed_by_their_factors_with_few_ratings_or_none():
    "`ratings` may hold some items only; the others have factors, too"
    rng, df = np.random.default_rng(3), tiny_ratings()
    parts = dict(users=range(1, 7), user_factors=rng.normal(size=(6, 2)), items=range(1, 7), item_factors=rng.normal(size=(6, 2)))
    for ratings in None, df[df.movie < 3]:
        model = FactorModel.from_factors(**parts, ratings=ratings)
        seen = set() if ratings is None else set(ratings.movie[ratings.user == 1])
        assert set(model.recommend(1, min_ratings=0)['item']) == set(range(1, 7)) - seen
