"Ids, titles and the table: columns of every type, look-ups, what is close to what is unknown"
import difflib
import io
import sys
import warnings
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from threading import Barrier

import numpy as np
import pandas as pd
import pytest
from collab_course.ids import (
    RatingsError, UnknownIdError, Vocab, as_ids, as_ratings, as_times, as_titles, check_ratings, closest_texts,
    distinct_values, number_ids, tiny_ratings)
from collab_course.ratings import AmbiguousTitleError, Ratings
from collab_course.recommender import DampedMeans
from hypothesis import given
from hypothesis import strategies as st
from synthetic import quick

pa = pytest.importorskip('pyarrow')
WORDS = [f'film {k}' for k in range(40)]


def arrow(values, kind):
    "A column of Arrow's"
    values = pa.array(values).dictionary_encode() if pa.types.is_dictionary(kind) else pa.array(values).cast(kind)
    return pd.Series(values, dtype=pd.ArrowDtype(values.type))


def text_columns(texts):
    "The same texts in each type that a frame may have them in"
    dictionary = pa.dictionary(pa.int32(), pa.string())
    shared = np.array(sorted(set(texts)), dtype=object)[np.unique(texts, return_inverse=True)[1]]
    return {'objects': pd.Series([o[:1]+o[1:] for o in texts], dtype=object), 'shared objects': pd.Series(shared, dtype=object),
            'list': list(texts), 'numpy': np.array(texts), 'category': pd.Categorical(texts),
            'backwards': pd.Categorical(texts, categories=sorted(set(texts))[::-1]),
            'string': pd.Series(texts, dtype=pd.StringDtype('python')), 'arrow': arrow(texts, pa.string()),
            'string of arrow': pd.Series(texts, dtype=pd.StringDtype('pyarrow')), 'large': arrow(texts, pa.large_string()),
            'dictionary': arrow(texts, dictionary), 'index': pd.Series(texts, index=np.zeros(len(texts), int))}


def number_columns(numbers):
    "The same whole numbers in each type"
    x = np.array(numbers)
    return {**{kind: x.astype(kind) for kind in ('int8', 'int64', 'uint16', 'float32', 'float64', 'longdouble')},
            **{kind: pd.Series(x, dtype=kind) for kind in ('Int64', 'Int8', 'Float64', 'category')},
            'objects': pd.Series(x.tolist(), dtype=object), 'floats': pd.Series(x.astype(float).tolist(), dtype=object),
            'both': pd.Series([7, 7., *x.tolist()], dtype=object)[2:], 'arrow': arrow(numbers, pa.int32()),
            'arrow floats': arrow(numbers, pa.float64()), 'dictionary': arrow(numbers, pa.dictionary(pa.int8(), pa.int64()))}


def calls(f):
    "How many functions are called, in Python or from it"
    count = [0]
    def note(frame, event, arg): count[0] += event in ('call', 'c_call')
    before = sys.getprofile()
    sys.setprofile(note)
    try: f()
    finally: sys.setprofile(before)
    return count[0]


def same_calls(f, few, many):
    "Do six times as many rows with the same values take as many calls, but for a few dozen?"
    f(few)
    return calls(lambda: f(many)) < calls(lambda: f(few))+100


# Columns of every type

@quick
@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=30))
def test_texts_are_one_whatever_their_type(texts):
    "As ids, as titles, numbered, and looked up"
    vocab, rows = number_ids(texts)
    assert vocab.ids[rows].tolist() == texts and vocab.ids.tolist() == sorted(set(texts))
    for name, column in text_columns(texts).items():
        assert as_ids(column).tolist() == as_titles(column, 'title').tolist() == texts, name
        assert [type(o) for o in as_ids(column)] == [str]*len(texts) or name == 'numpy', name
        assert number_ids(column)[1].tolist() == vocab[column].tolist() == rows.tolist(), name


@quick
@given(st.lists(st.integers(0, 99), min_size=1, max_size=30))
def test_numbers_are_one_whatever_their_type(numbers):
    "As ids, as ratings, numbered, and looked up in a vocabulary of numbers or of text"
    vocab, rows = number_ids(numbers)
    text = Vocab([str(o) for o in numbers])
    for name, column in number_columns(numbers).items():
        assert as_ids(column).tolist() == as_ratings(column).tolist() == numbers and as_ids(column).dtype == 'int64', name
        assert number_ids(column)[1].tolist() == vocab[column].tolist() == rows.tolist(), name
        assert text.ids[text[column]].tolist() == [str(o) for o in numbers], name
    assert vocab[[str(o) for o in numbers]].tolist() == rows.tolist()


def test_large_ids_stay_whole():
    "As `int64` where they fit, else as Python's; no id comes back as a float"
    for ids in [2**62, 2**63-1], [2**64, 2**70], np.array([2**64-1, 1], 'uint64'):
        assert as_ids(ids).tolist() == [int(o) for o in ids]
    assert as_ids(pd.Series([7, 7., 2**70]*3, dtype=object)).tolist() == [7, 7, 2**70]*3
    assert as_ids(np.arange(3, dtype='uint64')).dtype == 'int64' and as_ids([]).tolist() == []
    assert as_ids(pd.Series([1, 2.], dtype=object)).tolist() == [1, 2]
    assert as_ids(np.array([1, 2], 'float32')).tolist() == [1, 2]


@pytest.mark.parametrize('bad', [
    [1, True], [1, True]*9, [1.5, 1.5, 1]*9, [Decimal('sNaN')], ['\ud800', 'a'], [Decimal('1.5')], [Decimal('inf')], [Decimal('1e999999')], [Decimal(1), 'a'], [b'a'], [bytearray(b'a')], [1, 1.5],
    [float('inf')], [1+0j], pd.to_datetime(['2020-01-01'])], ids=repr)
def test_what_is_no_id_is_refused(bad):
    with pytest.raises(RatingsError): as_ids(pd.Series(bad, dtype=object))


@pytest.mark.parametrize('column', [np.array([2**24], 'float32'), pd.array([1, None], 'Int64'),
                                    pd.to_datetime(['2020-01-01'])], ids=['float32', 'Int64', 'dates'])
def test_columns_that_hold_no_ids_are_refused(column):
    "Floats that are too large for their type, missing values, dates"
    with pytest.raises(RatingsError): as_ids(column)


def test_ids_that_are_wrong_are_counted():
    with pytest.raises(RatingsError, match="'user' is a truth value, not an id in 3 of 3 rows"): as_ids([True]*3, 'user')
    with pytest.raises(RatingsError, match='missing in 3 of 6 rows; the first is row 1: None'):
        as_ids(pd.Series([1, None]*3, dtype=object))


@pytest.mark.parametrize('bad', [
    [1+2j], ['inf'], ['nan'], [4, True], [''], [None], pd.to_datetime(['2020-01-01']), pd.to_timedelta(['1s'])], ids=repr)
def test_what_is_no_rating_is_refused(bad):
    with pytest.raises(RatingsError): as_ratings(bad)


def test_ratings_keep_their_kind():
    "Categories and nullable integers are numbers, and no ratings are none"
    assert as_ratings(pd.Categorical(['4', '5'])).tolist() == [4, 5]
    assert as_ratings(pd.array([4, 5], 'Int64')).dtype == 'int64'
    assert as_ratings([]).tolist() == []


def spoil(col, row, val):
    "The tiny frame with one value replaced"
    return tiny_ratings().astype({col: object}).assign(**{col: lambda d: d[col].where(d.index != row, val)})


def test_titles_stay_text_whatever_they_look_like():
    titles = ['NA', 'None', 'null', 'nan', '1984']
    assert {*check_ratings(tiny_ratings().assign(title=titles*6), title='title').title} == {*titles}
    assert check_ratings(spoil('title', 0, 1984), title='title').title[0] == '1984'


def test_a_frame_is_checked_by_its_names():
    "Twice the same name, an array, one column for two; numbers as names; a saved index is another column"
    tiny = tiny_ratings()
    with pytest.raises(RatingsError, match='is there 2 times'): check_ratings(pd.concat([tiny, tiny[['user']]], axis=1))
    with pytest.raises(TypeError, match='not numpy.ndarray'): check_ratings(tiny.values)
    with pytest.raises(RatingsError, match='three columns'): check_ratings(tiny, 'user', 'user')
    assert check_ratings(tiny, item='title', title='title').title.tolist() == tiny.title.tolist()
    numbered = tiny.rename(columns={'user': 0, 'movie': 1, 'rating': 2})
    assert check_ratings(numbered, 0, 1, 2)[2].tolist() == tiny.rating.tolist()
    saved = pd.read_csv(io.StringIO(tiny.to_csv()))
    assert check_ratings(saved, title='title')[tiny.columns].values.tolist() == tiny.values.tolist()


def test_vocab_sorts_and_tells_text_from_numbers():
    "Look-ups by the other kind only where nothing is lost: '07' is not 7"
    for ids in ['b', 'a'], pd.Categorical(['b', 'a'], categories=['b', 'a']): assert Vocab(ids).ids.tolist() == ['a', 'b']
    text = Vocab(['7', '07', 'x'])
    assert text[[7]].tolist() == text[['7']].tolist()
    with pytest.raises(UnknownIdError): Vocab([7])['07']
    with pytest.raises(UnknownIdError, match='unknown: 1, 2, 3, 4, 5 and 2 more'): Vocab([10, 11])[list(range(1, 8))]
    with pytest.raises(UnknownIdError, match=r'close to 12: \[11, 10\]'): Vocab([10, 11])[12]
    with pytest.raises(RatingsError, match='mixes'): Vocab([1, '1'])
    with pytest.raises(RatingsError, match='missing'): Vocab([10, 11])[[None]]
    assert Vocab([10, 11])[[]].tolist() == [] and len(Vocab([])) == 0
    assert Vocab([2**70, 1])[2**70] == 1 and Vocab(np.array([2**63+1, 2**63+2], 'uint64'))[2**63+2] == 1
    assert str(UnknownIdError(3)) == '3'


def test_missing_values_are_counted_in_every_type():
    "Rows are counted, not distinct values"
    for column in (pd.Categorical(['a', None]*4), pd.Series(['a', None]*4, dtype='string'), arrow(['a', None]*4, pa.string()),
                   pd.Series([1, None]*4, dtype='Int64'), pd.Series([1, None]*4, dtype='Float64'), arrow([1, None]*4, pa.int64()),
                   pd.Series([1, None]*4, dtype=object), pd.Series(['a', np.nan]*4, dtype=object), [1., np.nan]*4,
                   pd.Series([Decimal('sNaN'), None]*4, dtype=object)):
        for check in (as_ids, as_ratings, as_times, as_titles, number_ids):
            with pytest.raises(RatingsError, match="'x' is missing in 4 of 8 rows; the first is row 1"): check(column, 'x')


def test_wrong_ids_are_counted_by_rows():
    "Mixed, fractional and odd ones, though each is looked at once"
    for values, says in (([1, 'a', 'a', 'a', 1], 'mixes number and text in 2 of 5 rows; the first is row 0: 1'),
                         ([1, 2.5, 2.5, 1], 'is not a whole number in 2 of 4 rows; the first is row 1: 2.5'),
                         ([True]*3, 'is a truth value, not an id in 3 of 3 rows'),
                         ([1, True]*5, 'mixes number and truth value in 5 of 10 rows'),
                         ([2.**60, 1]*2, 'is not a whole number that floats tell apart in 2 of 4 rows'),
                         (['a', 'b\udcff']*9, 'is not valid text in 9 of 18 rows'), ([b'a']*3, 'is a bytes, not an id'),
                         ([Decimal('sNaN')]*2, 'is not a whole number'), ([(1, 2)]*3, 'is a tuple, not an id')):
        with pytest.raises(RatingsError, match=says): as_ids(pd.Series(values, dtype=object))
    with pytest.raises(RatingsError, match='is not valid text in 1 of 2 rows'): as_titles(pd.Series(['a', '\ud800'], dtype=object), 'title')


def test_ids_of_long_floats_are_right_or_refused():
    "Those that are beyond 64 bits, too"
    x = np.array([2**62], dtype=np.longdouble)
    assert as_ids(x).tolist() == [2**62] or np.finfo(x.dtype).nmant < 63
    with pytest.raises(RatingsError, match='floats tell apart'): as_ids(np.array([2**63+2048], dtype=np.longdouble))


def test_ratings_no_float_can_hold_are_refused():
    "Far too large, or a NaN that may not be looked at"
    for values, says in (([10**400, 3], 'is not finite in 1 of 2 rows'), ([-10**400], 'is not finite'),
                         ([Decimal('1e400')], 'is not finite'), ([Decimal('sNaN'), 3], 'is not a number in 1 of 2 rows'),
                         ([np.complex64(1)], 'is not a number')):
        with pytest.raises(RatingsError, match=says): as_ratings(pd.Series(values, dtype=object))


@pytest.mark.parametrize('check, says', [
    (as_ids, 'has more than 300 digits'), (as_titles, 'has more than 300 digits'), (as_times, 'has more than 300 digits'), (as_ratings, 'is not finite')])
def test_numbers_that_python_does_not_write_are_refused(check, says):
    "And a long text is shortened in a message"
    for values in [10**5000, 2], [-10**5000, 2]:
        with pytest.raises(RatingsError, match=f'{says} in 1 of 2 rows; the first is row 0: a whole number of thousands of digits'): check(values, 'x')
    if check in (as_ratings, as_times):
        with pytest.raises(RatingsError, match=r"row 0: 'z{59}[.]{3} .5,002 characters.$"): check(['z'*5000, 'z'], 'x')


def test_times_no_float_can_hold_are_refused():
    "Far too large for a number, and no date"
    for values in [10**400], [-10**400]:
        with pytest.raises(RatingsError, match='has more than 300 digits in 1 of'):
            as_times(pd.Series(values, dtype=object))


def test_threads_may_ask_first():
    "A vocabulary that nobody has asked yet: pandas makes a table at the first question"
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for ids in [np.arange(20_000), np.array([f'{k:05}' for k in range(2000)], dtype=object)]*25:
            vocab, ready = Vocab.of_sorted(ids), Barrier(4)
            def last(_):
                ready.wait()
                return vocab.rows(ids[-2:]).tolist()
            with ThreadPoolExecutor(4) as pool: found = [*pool.map(last, range(4))]
            assert found == [[len(ids)-2, len(ids)-1]]*4
    finally: sys.setswitchinterval(interval)


def test_times_of_arrow_are_numpys():
    "With a time zone, without, and with a gap"
    times = pd.to_datetime(['2020-01-01 12:00', '2021-01-01 00:00'])
    for column in (times, arrow(times, pa.timestamp('us')), pd.Series(times, dtype='category')):
        assert as_times(column).astype('datetime64[h]').tolist() == times.to_pydatetime().tolist()
    zoned = pd.Series(times.tz_localize('Asia/Tokyo')).astype(pd.ArrowDtype(pa.timestamp('us', 'Asia/Tokyo')))
    assert str(as_times(zoned)[0])[:13] == '2020-01-01T03'
    with pytest.raises(RatingsError, match='neither a number nor an ISO date'): as_times([True, False])


# Nothing is asked of each row

@pytest.mark.parametrize('name', [o for o in text_columns(WORDS) if o not in ('list', 'numpy')])
def test_texts_take_no_call_per_row(name):
    "Ids, titles, ratings, times, numbering and looking up, in each type"
    numbers = [str(k) for k in range(40)]
    vocab, table = Vocab(WORDS), Ratings(pd.DataFrame({'user': 1, 'movie': range(40), 'title': WORDS, 'rating': 1}))
    for f, texts in ((number_ids, WORDS), (as_ids, WORDS), (lambda o: as_titles(o, 't'), WORDS), (vocab.rows, WORDS),
                     (table.item_rows, WORDS), (table.item_rows, numbers), (as_ratings, numbers), (as_times, numbers)):
        few, many = [text_columns(np.resize(texts, n).tolist())[name] for n in (500, 3000)]
        assert same_calls(f, few, many), texts[0]


@pytest.mark.parametrize('name', [o for o in number_columns([1]) if o != 'both'])
def test_numbers_take_no_call_per_row(name):
    "Ids, ratings, numbering and looking up, in each type"
    for f in (number_ids, as_ids, as_ratings, Vocab(range(40)).rows, Vocab([str(k) for k in range(40)]).rows):
        few, many = [number_columns(np.resize(range(40), n))[name] for n in (500, 3000)]
        assert same_calls(f, few, many)


def test_distinct_values_are_told_apart_by_type():
    "What Python calls equal is not one value; what stands for it is in the order of the rows"
    values = [1, True, 1., '1', np.int64(1), Decimal(1)]
    rows, found = distinct_values(pd.Series(values*9, dtype=object))
    assert [type(o) for o in found.to_numpy()[rows]] == [type(o) for o in values]*9
    rows, found = distinct_values(pd.Series(['b', 'a', 'b'], dtype='category').astype(pd.CategoricalDtype(['a', 'b', 'c'])))
    assert (rows.tolist(), found.tolist()) == ([0, 1, 0], ['b', 'a'])


# Looking up

def test_items_are_asked_for_in_any_mixture():
    "Ids and titles, repeated, in each form of their accents; the first that is wrong is named"
    df = tiny_ratings().assign(title=lambda d: d.title.str.replace('Emma', 'Emma\u0301').where(d.movie < 6, 'Heat (1995)'))
    table = Ratings(df)
    asked = ['Emm\u00e1 (1996)', 2, '3', 'Fargo (1996)', 4., 'Emma\u0301 (1996)']*30
    assert table.item_rows(asked).tolist() == [3, 1, 2, 1, 3, 3]*30
    with pytest.raises(AmbiguousTitleError, match=r"'Heat \(1995\)' may be any of 1, 6: say the id"): table.item_rows(asked + ['Heat (1995)'])
    with pytest.raises(UnknownIdError, match=r"item unknown: 'Hear \(1995\)'; close to it: \['Heat \(1995\)'"): table.item_rows(asked + ['Hear (1995)', 'x'])
    with pytest.raises(RatingsError, match='missing'): table.item_rows([None, 'Fargo (1996)'])
    text = Ratings(df.assign(movie=['Fargo (1996)' if o == 1 else str(o) for o in df.movie]))
    assert text.items.ids[text.item_rows(['Fargo (1996)', 2])].tolist() == ['Fargo (1996)', '2'] # an id goes before a title


def test_title_that_is_another_items_id_is_ambiguous():
    "Unless both are the same item"
    table = Ratings(pd.DataFrame({'user': 1, 'movie': [7, 8, 9], 'rating': 3, 'title': ['8', '11', '9']}))
    assert table.item_rows(['9', '7', '11']).tolist() == [2, 0, 1]
    with pytest.raises(AmbiguousTitleError, match="'8' may be any of 7, 8"): table.item_rows('8')


def test_messages_say_whose_id_and_what_was_asked():
    "A user or an item; what is no id at all; nothing of what is near where nothing is"
    model = DampedMeans().fit(tiny_ratings())
    for ask, says in ((lambda: model.recommend(99), r"user unknown: 99; close to 99: \[6, 5, 4\]"),
                      (lambda: model.predict(1, [1, 99]), r"item unknown: 99; close to 99: \[6, 5, 4\]"),
                      (lambda: model.predict(1, 'qqqq'), r"item unknown: 'qqqq'$"),
                      (lambda: model.predict('qqqq', 1), r"user unknown: 'qqqq'$")):
        with pytest.raises(UnknownIdError) as e: ask()
        e.match(says)
        assert str(e.value).count('unknown') == 1
    for odd in (None, 1.5, True, {1}, np.nan):
        with pytest.raises(RatingsError, match='is not a valid user id: ids are whole numbers or text'): model.ratings.users[odd]
    with pytest.raises(RatingsError, match='None is not a valid user id'): model.recommend(None)
    with pytest.raises(RatingsError, match='None is not a valid item id'): model.similar(None)
    with pytest.raises(UnknownIdError, match="^unknown: 'x'$"): Vocab(['abc'])['x']


@pytest.mark.parametrize('known', [[f'The film {k*7919 % 10**6} of 1995' for k in range(3000)],
                                   [f'u{k*7919:08}' for k in range(3000)], [f'{chr(65+k % 26)}\nline {k}' for k in range(3000)]])
def test_misspelt_text_is_found_with_few_comparisons(known, monkeypatch):
    "The best is as near as the best that `difflib` finds among all, and 50 are looked at"
    count = [0]
    real = difflib.SequenceMatcher.real_quick_ratio
    def counted(self):
        count[0] += 1
        return real(self)
    rng = np.random.default_rng(0)
    for text in rng.choice(known, 8):
        at = int(rng.integers(1, len(text)-1))
        for asked in (text[:at]+text[at+1:], text[:at]+'x'+text[at:], text[:at-1]+text[at]+text[at-1]+text[at+1:]):
            best = difflib.get_close_matches(asked, known, 1)
            with monkeypatch.context() as m:
                m.setattr(difflib.SequenceMatcher, 'real_quick_ratio', counted)
                count[0] = 0
                near = closest_texts(asked, known)
            assert text in near and count[0] <= 50
            assert difflib.SequenceMatcher(None, near[0], asked).ratio() == difflib.SequenceMatcher(None, best[0], asked).ratio()


def test_nearest_numbers_are_those_nearest_by_value():
    "At both ends, between, and beyond 64 bits"
    vocab = Vocab([10, 20, 30, 41, 2**40])
    for asked, near in ((-2**70, [10, 20, 30]), (26, [30, 20, 41]), (25, [20, 30, 10]), (2**70, [2**40, 41, 30])):
        with pytest.raises(UnknownIdError) as e: vocab[asked]
        assert str(e.value) == f'unknown: {asked}; close to {asked}: {near}'


def test_find_folds_case_and_accents():
    "Words in any order; titles with line breaks; the most rated first"
    titles = ['Le Thé', 'THÉ\nvert', 'Stra\u00dfe', '\u2103 the', 'The\u0301 noir']
    table = Ratings(pd.DataFrame({'user': 1, 'movie': [0, 1, 1, 2, 3, 4], 'rating': 3, 'title': [titles[k] for k in (0, 1, 1, 2, 3, 4)]}))
    for text, found in (('the', [1, 0, 3, 4]), ('VERT thé', [1]), ('strasse', [2]), ('\u00b0c', []), ('', [1, 0, 2, 3, 4]), ('xyz', [])):
        assert table.find(text)['item'].tolist() == found, text
    assert table.find('the', 2)['item'].tolist() == [1, 0]


# The table

@pytest.mark.parametrize('size', [5, 2**31-1])
def test_order_is_by_user_item_rating_and_row(monkeypatch, size):
    "However many users and items there are"
    rng = np.random.default_rng(0)
    df = pd.DataFrame({'user': rng.integers(5, size=300), 'movie': rng.integers(5, size=300), 'rating': rng.integers(3, size=300)})
    table = Ratings(df)
    monkeypatch.setattr(Vocab, '__len__', lambda self: size)
    assert table.order.tolist() == np.lexsort((np.arange(300), df.rating, df.movie, df.user)).tolist()


def test_rows_that_are_not_there_are_named():
    "Beyond either end, among others; those from the end count"
    table = Ratings(tiny_ratings())
    for rows, first in (([500], 500), ([0, -31, 77], -31), (30, 30)):
        with pytest.raises(IndexError, match=f'row {first} is not in a table of 30 rows'): table.take(rows)
    assert table.take([-1]).to_frame().equals(table.take([29]).to_frame())
    assert len(table.take(np.arange(30) < 4)) == 4
    with pytest.raises(IndexError, match='a mask of 3 for 30 rows'): table.take([True]*3)


def test_table_is_not_made_of_a_table():
    "It is to be used as it is"
    with pytest.raises(TypeError, match='this is a Ratings already: use it as it is'): Ratings(Ratings(tiny_ratings()))


def test_more_ids_than_rows_of_32_bits_are_refused(monkeypatch):
    "With the number of them"
    monkeypatch.setattr(Vocab, 'most', 5)
    with pytest.raises(RatingsError, match='6 ids are more than 5'): Ratings(tiny_ratings())


def test_ratings_that_may_be_none_are_told():
    "As the command line does; interactions have no ratings to be odd"
    def odd(y): return Ratings(pd.DataFrame({'user': range(len(y)), 'movie': 1, 'rating': y})).odd
    for y, says in (([1]*5, 'all ratings are 1'), ([0]*60+[*range(1, 11)]*4, '60 ratings are 0'), ([-1]*9+[*range(11)]*3, '9 ratings are -1'),
                    ([99]*3+[1, 2, 3, 4, 5]*9, '3 ratings are 99'), ([1]*90+[2]*9+[400], 'take their logarithms')):
        [line] = odd(y)
        assert says in line
    assert odd([1, 2, 3, 4, 5]) == [] and Ratings(pd.DataFrame({'user': [1, 2], 'movie': 1}), rating=None).odd == []


COMMANDS = '\x1b[31m\x07\x9b\u202e\r'


def test_messages_and_reprs_cannot_command_a_terminal():
    "Whatever ids, titles and columns are called; what no terminal obeys stays as it is"
    df = tiny_ratings().astype({'user': str, 'movie': str}).assign(title=lambda o: o.title+COMMANDS).rename(columns={'rating': COMMANDS})
    df[['user', 'movie']] = COMMANDS + df[['user', 'movie']]
    r = Ratings(df, rating=COMMANDS)
    asks = {'user': lambda: r.users['x'+COMMANDS], 'item': lambda: r.item_rows(COMMANDS), 'column': lambda: Ratings(df, user=COMMANDS+'x'),
            'rating': lambda: Ratings(df.assign(**{COMMANDS: COMMANDS}), rating=COMMANDS), 'other ids': lambda: Ratings(df.assign(user=[1, 'a'+COMMANDS]*15), rating=COMMANDS)}
    texts = [repr(r), repr(r.users), repr(r.items)]
    for name, ask in asks.items():
        with pytest.raises((RatingsError, UnknownIdError)) as e: ask()
        texts.append(str(e.value))
    assert all(text.isprintable() for text in texts), [ascii(text) for text in texts]
    assert repr(Vocab(['Amélie', '七人の侍'])) == 'Vocab of 2 ids: Amélie, 七人の侍'


@pytest.mark.parametrize('odd', [10**400, -10**400, Decimal('sNaN'), Decimal('inf'), np.longdouble('1e4000'), np.void(b'abc'), np.array(1), [1], {},
                                 (1, 2), 1+2j, b'a', '\ud800', True, None, pd.NA, pd.NaT, pd.Timedelta('1s'), len, ...], ids=repr)
@pytest.mark.parametrize('column', ['user', 'movie', 'rating', 'timestamp', 'title'])
def test_values_that_are_none_of_a_column_are_refused(column, odd):
    "By name, or taken for what they are: a fit ends with finite numbers, without a warning of numpy's"
    df = tiny_ratings()
    for values in [odd]*len(df), [odd, *df[column][1:]]:
        with warnings.catch_warnings():
            warnings.simplefilter('error', RuntimeWarning)
            try: r = Ratings(df.assign(**{column: pd.Series(values, dtype=object)}))
            except RatingsError as e: assert column in str(e)
            else: assert np.isfinite(r.y).all() and len(r) == len(df)


def test_times_are_a_copy():
    df = tiny_ratings()
    assert not np.shares_memory(Ratings(df).time, df.timestamp.to_numpy())


def test_newer_ratings_replace_and_newer_interactions_are_added():
    "Of a user and a film that the older rows have, too"
    df, new = tiny_ratings(), pd.DataFrame({'user': [1, 9], 'movie': [2, 2], 'rating': [1, 5]})
    both = Ratings(df).updated(Ratings(new))
    assert len(both) == len(df)+1 and both.to_frame().query('user==1 and movie==2').rating.to_list() == [1]
    old = Ratings(df, rating=None)
    both = old.updated(Ratings(new, rating=None))
    assert len(both) == len(df)+2 and len(both.to_frame().query('user==1 and movie==2')) == 2 and len(old) == len(df)
    assert both.counts.tolist() == [len(o) + 2*(movie == 2) for movie, o in df.groupby('movie')]
