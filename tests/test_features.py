"FeatureMF: features read and saved, new films and people, no leak; bad input; the command line; MovieLens' users"
import subprocess
import sys
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from collab_course import FeatureMF, ImplicitMF, Person, load
from collab_course.bayes import BayesianMF
from collab_course.data import DataError, load_movies, load_users
from collab_course.ease import EASE
from collab_course.evaluation import Choose, Ensemble, evaluate
from collab_course.feature_frames import as_features, encode_features, feature_names, feature_reader, read_features, with_ids
from collab_course.features import draw_mean, sample_with_features
from collab_course.item_knn import ItemKNN
from collab_course.model_checks import check_frame, check_recommender
from collab_course.pick_and_like import PickAndLike
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans, Popularity
from collab_course.store import SavedModelError, load_folder, save_folder
from hypothesis import given
from synthetic import COLUMNS, frames, quick

FEW = {'n_factors': 2, 'n_sweeps': 24, 'burn_in': 4}


def people():
    "Some age, some work, of each user of `check_frame`"
    rng, users = np.random.default_rng(0), np.unique(check_frame().user)
    return pd.DataFrame({'user': users, 'age': rng.integers(10, 70, len(users)), 'work': rng.choice(['a', 'b', None], len(users))})


def films():
    "Genres of its items, one of them left out, and two items that nobody has rated, one without a title"
    items = np.unique(check_frame().movie)
    old = pd.DataFrame({'movie': items, 'genres': np.random.default_rng(1).choice(['x|y', 'y', 'z', ''], len(items))})
    return pd.concat([old[1:], pd.DataFrame({'movie': [1, 2000], 'genres': ['x', 'z'], 'title': ['New (2026)', None]})])


FULL = FeatureMF(people(), films(), **FEW)
MODELS = {'ids': FeatureMF(**FEW), 'full': FULL, 'frames alone': FULL.clone(chosen=False, noise_by_user=False),
          'ensemble': Ensemble(FULL, 2), 'choose': Choose({'means': DampedMeans(), 'features': FULL}),
          **{f'{type(o).__name__} and like': PickAndLike(o, FULL) for o in (ImplicitMF(weight='ones'), ItemKNN(k=5), EASE())}}


@pytest.fixture(scope='module')
def fitted():
    return FULL.clone().fit(check_frame(), quiet=True)


@pytest.mark.parametrize('name', MODELS)
def test_passes_all_checks(name):
    "Also inside other models, which then know the ids that have features"
    assert check_recommender(MODELS[name]).passed.all()


def test_ids_with_features_are_known_and_listed_where_asked_for(fitted):
    "Predicted with an interval that reflects the genre alone, flagged, and never on a list by themselves"
    user = check_frame().user[0]
    assert np.isfinite(fitted.predict(user, [1, 2000])).all()
    lower, upper = fitted.predict_interval(user, [1, 2000], noise=False)
    assert (lower < upper).all()
    assert fitted.ratings.titles[fitted.ratings.items[[1, 2000]]].tolist() == ['New (2026)', '2000']
    assert fitted.recommend(user, items=['New (2026)', 2000]).few_ratings.tolist() == [True, True]
    for top in (fitted.recommend(user, 50, min_ratings=0, seen=True), fitted.recommend_all(50, min_ratings=0),
                fitted.recommend(user, 50, exclude=[1000], min_ratings=0), fitted.recommend({1000: 5}, 50, by='lower')):
        assert len(top) and not {1, 2000} & {*top['item']}


@pytest.mark.parametrize('name', MODELS)
def test_what_nobody_has_rated_is_on_no_list_of_a_model_around_it(name):
    "Nor among neighbours, also where all have few ratings, nor on the lists that are judged"
    model, user = MODELS[name].clone().fit(check_frame(), quiet=True), check_frame().user[0]
    for ask in (lambda: model.recommend(user, 50, min_ratings=100), lambda: model.recommend({1000: 5}, 50, min_ratings=0),
                lambda: model.recommend_all(50, seen=True), lambda: model.similar(1000, 50, min_ratings=100)):
        try: top = ask()
        except NotImplementedError: continue
        assert len(top) and not {1, 2000} & {*top['item']}
    if name != 'ids': assert {*model.recommend(user, items=[1, 2000])['item']} == {1, 2000}
    train, valid = np.arange(400), np.arange(400, len(check_frame()))
    found = evaluate(MODELS[name], check_frame(), (train, valid), k=50)
    assert np.isfinite(found.novelty) and found.coverage == 1


def test_an_explanation_is_of_somebody_with_features():
    "Effects are what a Person's ratings add to what is expected of their age alone"
    model = FULL.clone(chosen=False).fit(check_frame(), quiet=True)
    def score(who): return model.item_scores(model._history(who))[model.ratings.items[978]]
    likes = {1000: 5, 989: 1}
    assert abs(score({**likes})-score({})-model.explain(likes, 978).effect.sum()) < 1e-4
    assert abs(score(Person(likes, age=60))-score(Person(age=60))-model.explain(Person(likes, age=60), 978).effect.sum()) < 1e-4
    assert (model.explain(Person(likes, age=60), 978).effect != model.explain(likes, 978).effect).all()
    assert not len(model.explain(Person(age=60), 978))


@pytest.mark.parametrize('threads', [2, 3])
def test_threads_make_no_difference(fitted, threads):
    other = FULL.clone(threads=threads).fit(check_frame(), quiet=True)
    assert other.user_rows.tobytes() == fitted.user_rows.tobytes()
    assert other.user_variance.tobytes() == fitted.user_variance.tobytes()


def test_without_features_the_mean_is_that_of_the_plain_sampler():
    rows = np.random.default_rng(0).normal(size=(9, 3))
    mean, precision, at = draw_mean(rows, [], np.random.default_rng(1))
    assert (at == mean).all() and precision.shape == (3, 3)


def test_what_is_held_out_tells_nothing():
    "Other pairs and other stars on the held-out side: the same predictions for the same pairs"
    df, train = check_frame(), np.arange(400)
    other = df.copy()
    other.loc[400:, 'movie'] = df.movie[400:].to_numpy()[::-1]
    other.loc[400:, 'rating'] = 1.
    first, again = [FULL.clone().fit(Ratings(o).take(train), quiet=True) for o in (df, other)]
    user, items = df.user[0], first.ratings.items.ids
    assert (first.predict(user, items) == again.predict(user, items)).all()
    shuffled = df.assign(rating=np.random.default_rng(0).permutation(df.rating))
    found = evaluate(FULL, shuffled, (train, np.arange(400, len(df))), k=None)
    assert found.rmse > .95*df.rating.std() # there is nothing to be found


@quick
@given(frames())
def test_any_frame_is_fitted_saved_and_loaded(tmp_path_factory, df):
    "With an age for some of the users and one more item"
    users, items = df.who.unique(), df.what.unique()
    extra = {str: 'new one'}.get(type(items[0]), 5)
    ages = pd.DataFrame({'who': users, 'age': [20+k if k%3 else None for k in range(len(users))]})
    mf = FeatureMF(ages, pd.DataFrame({'what': [*items, extra], 'kind': 'a'}), **FEW).fit(df, **COLUMNS, quiet=True)
    again = load(mf.save(tmp_path_factory.mktemp('saved')))
    ask = users[0], mf.ratings.items.ids
    assert (again.predict(*ask) == mf.predict(*ask)).all() and np.isfinite(mf.predict(*ask)).all()
    assert repr(again) == repr(mf) and again.settings() == mf.settings()
    told = Person({items[0]: df.stars.max()}, age=30)
    assert (again.predict(told, ask[1]) == mf.predict(told, ask[1])).all()
    assert again.update(df, quiet=True).user_rows.tobytes() == mf.user_rows.tobytes()


def test_answers_need_neither_numba_nor_torch(fitted, tmp_path):
    code = ("import sys; from collab_course import Person, load; m = load(sys.argv[1]); m.recommend(Person(age=60)); "
            "m.recommend_all(3); m.feature_effects(); print({'numba', 'torch', 'scipy'} & {*sys.modules})")
    done = subprocess.run([sys.executable, '-c', code, fitted.save(tmp_path/'m')], capture_output=True, text=True)
    assert done.stdout.strip() == 'set()', done.stderr


BROKEN = {'user_variance': lambda o: -o, 'new_variance': lambda o: o*np.nan, 'choice_scale': lambda o: 0*o,
          'user_weights': lambda o: o[:, 1:], 'item_weights': lambda o: o[1:], 'choosing': lambda o: o.clone(),
          'user_reader': lambda o: {}, 'item_reader': lambda o: {k: {**v, 'labels': [1]*len(v['labels'])} for k, v in o.items()}}


@pytest.mark.parametrize('name', BROKEN)
def test_what_does_not_belong_together_is_not_saved(fitted, tmp_path, name):
    "Nor loaded: both are the same check"
    broken = FULL.clone()
    broken.__dict__.update(vars(fitted), **{name: BROKEN[name](getattr(fitted, name))})
    with pytest.raises((ValueError, AttributeError, KeyError)): broken.save(tmp_path/'m')
    assert not (tmp_path/'m').exists()


@pytest.mark.parametrize('changed', [{'ids': [3, 2]}, {'key': 5, 'columns': {'age': np.zeros(1)}}, {'columns': {'age': np.full(40, np.inf)}},
                                     {'columns': {'w': {'words': ['a'], 'rows': np.array([99], 'i4'), 'which': np.zeros(1, 'i4')}}}])
def test_damaged_frames_are_refused(fitted, changed):
    with pytest.raises(ValueError): type(fitted.user_features)(**{**fitted.user_features._parts(), **changed})


def test_a_folder_of_features_alone_is_no_model(fitted, tmp_path):
    saved = load_folder(fitted.save(tmp_path/'m'))
    table = dict(saved.info['settings']['dict'])['user_features']
    save_folder(tmp_path/'m', {**table, 'ratings': saved.info['ratings']}, saved.tensors)
    with pytest.raises(SavedModelError, match='holds a FeatureTable and no model'): load(tmp_path/'m')


# Bad input, or odd


def test_missing_values_have_no_feature():
    df = pd.DataFrame({'id': [1, 2, 3, 4, 5], 'n': [1, 1, None, 2, 2], 'c': ['a', 'a', None, '', np.nan], 'w': [['x', 'y'], ['x'], None, [], ['y']]})
    table = as_features(df.astype({'n': 'Float64'}))
    F, names = encode_features(feature_reader(table), table), feature_names(feature_reader(table))
    assert names.value.tolist() == ['1', '2', 'a', 'x', 'y']
    assert F.tolist() == [[1, 0, 1, 1, 1], [1, 0, 1, 1, 0], [0]*5, [0, 1, 0, 0, 0], [0, 1, 0, 0, 1]]


def test_numbers_of_any_type_are_numbers():
    "Beyond 64 bits, numpy's among objects, decimals, large ones that are close; tenths of huge ones are finite"
    for one, other in ((10**30, 5), (np.int64(1), np.float32(2)), (Decimal('1.5'), Decimal(2)), (2.5, np.float64(3)), (880606923, 880606924)):
        table = as_features(pd.DataFrame({'id': range(6), 'n': pd.Series([one, one, other, other, Decimal('sNaN'), pd.NA], dtype=object)}))
        reader = feature_reader(table)
        assert table.columns['n'].dtype == float and len({*reader['n']['labels']}) == 2
    huge = [sign*(1.7e308-k*1e300) for sign in (-1, 1) for k in range(6)]
    assert np.isfinite(feature_reader(as_features(pd.DataFrame({'id': range(12), 'n': huge})))['n']['edges']).all()


def test_missing_words_in_lists_and_an_index_that_is_a_column_too():
    df = pd.DataFrame({'id': [1, 2, 3], 'w': [['a', pd.NA], ['a', None], np.array(['a', 'b'])]})
    assert as_features(df).columns['w']['words'] == ['a', 'b']
    assert as_features(df.set_index('id', drop=False)) == as_features(df)


def test_titles_stay_text(tmp_path):
    "Numbers, bars; also from a file. Among numbers of a file, NA is a missing one"
    for titles in ([1984, 1917], ['Face|Off', 'A']):
        more = with_ids(Ratings(check_frame()), None, as_features(pd.DataFrame({'movie': [1, 1000], 'title': titles})))
        assert more.titles[0] == str(titles[0])
    (tmp_path/'u.csv').write_text('user,age,work\n1,NA,NA\n2,30,x\n')
    found = read_features(tmp_path/'u.csv')
    assert found.age.dtype == float and found.work.tolist() == ['NA', 'x']


def test_a_feature_file_without_a_header_is_refused(tmp_path):
    "Else its first row would be lost"
    for sep in ',', '|', '\t':
        (tmp_path/'u.csv').write_text(sep.join(['1', '24', 'M', 'technician']) + '\n' + sep.join(['2', '53', 'F', 'other']) + '\n')
        with pytest.raises(DataError, match="u.csv cannot be read: its first line begins with '1', which looks like an id"):
            read_features(tmp_path/'u.csv')


def test_titles_of_the_frame_where_the_ratings_have_none(tmp_path):
    "Of all items; they are kept in a folder and by an update"
    df, names = check_frame().drop(columns='title'), pd.DataFrame({'movie': [1, 1000, 989], 'kind': ['a', 'a', 'b'], 'title': ['New', 'Old', None]})
    model = FeatureMF(None, names, **FEW).fit(df, quiet=True)
    for again in (model, load(model.save(tmp_path/'m')).update(df[:3], quiet=True)):
        r = again.ratings
        assert r.titles[r.items[[1, 1000, 989, 978]]].tolist() == ['New', 'Old', '989', '978']
        assert (again.predict(3, 'Old') == again.predict(3, 1000)).all()
    assert FeatureMF(None, names[1:], **FEW).fit(df, quiet=True).ratings.titles[-1] == 'Old'


def test_memory_is_computed_before_features_are(monkeypatch):
    monkeypatch.setattr('collab_course.settings.free_memory', lambda: 100)
    with pytest.raises(MemoryError, match='features of 40 ids'): FULL.clone(chosen=False).fit(check_frame(), quiet=True)


def test_a_person_may_say_anything(fitted):
    "Columns of any name, values of any type"
    assert Person({1000: 5}, ratings=3, self=4).about == {'ratings': 3, 'self': 4}
    assert Person({1000: 5}, age=3).copy().about == {'age': 3}
    same = [fitted.predict(Person(age=o), 1000) for o in (30, np.array(30), Decimal(30), np.float32(30))]
    assert len({o.tobytes() for o in same}) == 1
    assert fitted.predict(Person(work=np.array(['a', 'b'])), 1000) == fitted.predict(Person(work=['b', 'a']), 1000)
    assert np.isfinite(fitted.predict(Person(age=10**30), 1000)).all()
    for odd in (np.inf, 10**400, 'old', {}, pd.Series([3])):
        with pytest.raises(ValueError, match="'age' holds"): fitted.predict(Person(age=odd), 1000)


@pytest.mark.parametrize('column', [3, 'same', None, [['a', 'b']]*40, range(40), [f'text {k}' for k in range(40)]], ids=repr)
def test_columns_that_say_nothing_change_nothing_else(column):
    "Constant, empty, or different for each: the last two have no word that two share; tenths of numbers do"
    table = as_features(people().assign(extra=column if isinstance(column, (int, str, type(None))) else [*column]))
    reader = feature_reader(table)
    assert len(reader['extra']['labels']) == (10 if isinstance(column, range) else 0)
    assert np.isfinite(FULL.clone(user_features=table).fit(check_frame(), quiet=True).predict(3, 1000)).all()


def test_text_of_many_words_takes_the_frequent_ones():
    words = [[f'w{k}' for k in range(10_000)]]*2
    reader = feature_reader(as_features(pd.DataFrame({'movie': [1, 2, 3], 'plot': [*words, ['w1']]})))
    assert len(reader['plot']['labels']) == 500
    one = ' '.join(words[0])
    assert not len(feature_names(feature_reader(as_features(pd.DataFrame({'movie': [1, 2], 'plot': [one, 'short']})))))


def test_ids_without_features_and_words_not_seen_before(fitted):
    "An item whose genres are missing; a new person whose work nobody has"
    assert np.isfinite(fitted.predict(3, np.unique(check_frame().movie)[0])).all()
    assert (fitted.predict(Person(work='pilot'), 1000) == fitted.predict({}, 1000)).all()
    assert (fitted.predict(Person(work='a'), 1000) != fitted.predict({}, 1000)).all()
    oldest, older = [fitted.predict(Person(age=o), 1000) for o in (69, 1e9)]
    assert (oldest == older).all()


@pytest.mark.parametrize('frame, error, words', [
    ([1, 2], TypeError, 'user_features is a DataFrame'), (people().user, TypeError, 'is a DataFrame'),
    (people()[['user']], ValueError, 'then what is known'), (people()[:0], ValueError, 'has 0 rows'),
    (people()[['age', 'user']], ValueError, 'more than once'), (people()[['work', 'user']], ValueError, 'user_features'),
    (people().assign(user=1.5), ValueError, 'user_features'),
    (people().assign(at=pd.Timestamp('2026-01-01')), ValueError, "'at' holds dates"),
    (people().assign(at=[pd.Timestamp('2026-01-01').date()]*40), ValueError, "'at' holds dates"),
    (people().assign(age=np.inf), ValueError, "'age' holds an infinite"), (people().assign(age=pd.Series([10**400]*40, dtype=object)), ValueError, "'age' holds an infinite"),
    (people().assign(more=[[b'a']]*40), ValueError, 'holds a bytes'), (people().assign(more=1j), ValueError, 'holds a complex'),
    (people().assign(more=[{}]*40), ValueError, 'holds a dict')], ids=lambda o: str(o)[:30])
def test_frames_that_cannot_be_read_are_refused(frame, error, words):
    with pytest.raises(error, match=words): FeatureMF(frame)


@pytest.mark.parametrize('settings, words', [
    ({'user_features': people().assign(user=-people().user)}, 'none of its 40 ids'),
    ({'user_features': pd.DataFrame({'user': ['3', 'abc'], 'age': 1})}, "has text among its 2 ids, such as 'abc'"),
    ({'item_features': people()}, 'these are the others'),
    ({'item_features': films().assign(movie='x'+films().movie.map(str))}, 'none of its 31 ids')])
def test_features_of_other_ids_are_refused(settings, words):
    "And the model is as it was"
    with pytest.raises(ValueError, match=words): FULL.clone(**settings).fit(check_frame(), quiet=True)


def test_the_frame_may_change_afterwards():
    df = people()
    mf = FeatureMF(df, **FEW)
    df['age'] = 0
    assert mf.user_features == as_features(people()) and mf.clone().user_features is mf.user_features


@pytest.mark.parametrize('model', [DampedMeans(), Popularity(), BayesianMF(**FEW), ImplicitMF(2), PickAndLike(like=BayesianMF(**FEW))], ids=repr)
def test_other_models_do_not_ignore_what_they_are_told(model):
    model.fit(check_frame(), quiet=True)
    with pytest.raises(NotImplementedError, match="knows nothing of 'age'"): model.recommend(Person({1000: 5}, age=3))
    assert len(model.recommend(Person({1000: 5})))


def test_settings_are_checked():
    for name in ('chosen', 'noise_by_user'):
        for value in (None, 1, 'yes'):
            with pytest.raises(ValueError, match=f'{name} is True or False'): FeatureMF(**{name: value})
    with pytest.raises(ValueError, match='leave fewer than 2 draws'): FeatureMF(n_sweeps=5)
    same = [FULL.clone(seed=o, n_factors=o-3).fit(check_frame(), quiet=True).user_rows.tobytes() for o in (5, 5.)]
    assert same[0] == same[1]


def test_list_factors_are_fitted_once(monkeypatch):
    "Also with another seed; other settings of the model of lists need a fit of their own"
    fits = []
    real = ImplicitMF._fit
    monkeypatch.setattr(ImplicitMF, '_fit', lambda self, ratings: (fits.append(1), real(self, ratings))[1])
    PickAndLike(like=FeatureMF(**FEW)).reseeded(5).fit(check_frame(), quiet=True)
    assert len(fits) == 1
    PickAndLike(ImplicitMF(3), FeatureMF(**FEW)).fit(check_frame(), quiet=True)
    assert len(fits) == 3


def test_the_sampler_refuses_what_does_not_fit():
    x, y = np.zeros((2, 2), int), np.zeros(2)
    with pytest.raises(ValueError): sample_with_features(x, y[:1], (1, 1))
    with pytest.raises(MemoryError, match='features'): sample_with_features(x, y, (10**7, 1), ([np.broadcast_to(0., (10**7, 10**6))], []))


# Files


def test_a_file_gives_what_its_frame_gives(tmp_path):
    "CSV, TSV, packed, Parquet"
    for name, write in {'a.csv': lambda p: films().to_csv(p, index=False), 'a.tsv.gz': lambda p: films().to_csv(p, index=False, sep='\t'),
                        'a.parquet': lambda p: films().to_parquet(p)}.items():
        write(tmp_path/name)
        assert as_features(read_features(tmp_path/name)) == as_features(films()), name


def command(*args, cwd):
    return subprocess.run([sys.executable, '-m', 'collab_course', *map(str, args)], cwd=cwd, capture_output=True, text=True)


def test_command_line(tmp_path):
    "Train, and ask for a film that nobody has rated; errors are one line"
    check_frame().to_csv(tmp_path/'r.csv', index=False)
    people().to_csv(tmp_path/'u.csv', index=False)
    films().to_csv(tmp_path/'m.csv', index=False)
    train = 'train', 'r.csv', '--out', 'm', '--sweeps', 24, '--factors', 2, '--quiet', '--model', 'features'
    done = command(*train, '--user-features', 'u.csv', '--item-features', 'm.csv', cwd=tmp_path)
    assert done.returncode == 0 and 'FeatureTable(40 ids, 2 columns)' in done.stdout, done.stderr
    assert 2000 in load(tmp_path/'m').ratings.items
    (tmp_path/'bad.csv').write_text('user,age\n1,20\n1,30\n')
    for args, words in {('--user-features', 'bad.csv'): '--user-features has 1 more than once',
                        ('--item-features', 'none.csv'): 'does not exist',
                        ('--model', 'bayes', '--item-features', 'm.csv'): '--item-features is an option of features, not of bayes'}.items():
        done = command(*train, *args, cwd=tmp_path)
        assert done.returncode == 2 and words in done.stderr and 'Traceback' not in done.stderr, done.stderr
    done = command('evaluate', 'r.csv', '--model', 'features', '--sweeps', 24, '--item-features', 'm.csv', '--no-lists', '--csv', '--quiet', cwd=tmp_path)
    assert done.returncode == 0 and 'features' in done.stdout, done.stderr


def test_users_of_movielens(tmp_path):
    "In both layouts; where there are none, or they cannot be read, the error says so"
    assert load_users().shape == (943, 5) and load_movies().shape == (1682, 4)
    (tmp_path/'ratings.dat').write_text('1::5::3::880000000\n')
    (tmp_path/'movies.dat').write_text('5::Heat (1995)::Crime\n')
    with pytest.raises(DataError, match='has no users'): load_users(tmp_path)
    (tmp_path/'users.dat').write_text('1::F::25::3::48067\n2::M::56::16::70072\n')
    assert load_users(tmp_path).values.tolist() == [[1, 25, 'F', '3', '48067'], [2, 56, 'M', '16', '70072']]
    for text in ('1::F::old::3::4\n', '1::F\n', '1::F::25::3::48067\n'*2):
        (tmp_path/'users.dat').write_text(text)
        with pytest.raises(DataError): load_users(tmp_path)


def test_a_table_without_new_ids_is_handed_back():
    r = Ratings(check_frame())
    assert with_ids(r, as_features(people())) is r
    more = with_ids(r, None, as_features(films()))
    assert more.rating_limits == r.rating_limits and (more.items.ids[more.x[:, 1]] == r.items.ids[r.x[:, 1]]).all()
    assert more.report | {'items': 0, 'titles': 0} == r.report | {'items': 0, 'titles': 0}
    with pytest.raises(SavedModelError): load(__file__)
