"Stores of ratings: the table of the frame to the bit, from shards of any kind; kills, full disks, damage"
import gzip
import json
import resource
import shutil
import subprocess
import sys
import tracemalloc
from collections import namedtuple

import numpy as np
import pandas as pd
import pytest
from collab_course import shards, store_of_ratings
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.data import load_ratings, read_ratings
from collab_course.ease import EASE
from collab_course.evaluation import Ensemble
from collab_course.files import DataError
from collab_course.ids import RatingsError, tiny_ratings
from collab_course.implicit_mf import ImplicitMF
from collab_course.item_knn import ItemKNN
from collab_course.pick_and_like import PickAndLike
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans, Popularity, load
from collab_course.store_of_ratings import ratings_store
from hypothesis import given
from hypothesis import strategies as st
from synthetic import COLUMNS, frames, quick

NAMES = {k: COLUMNS[k] for k in ('user', 'item', 'rating')}
ALONE = dict(title=None, time=None)
MODELS = {'means': DampedMeans(), 'popularity': Popularity(), 'mf': BiasedMF(5, n_epoch=1),
          'threads': BiasedMF(5, n_epoch=1, threads=2), 'bayes': BayesianMF(2, n_sweeps=6, burn_in=3),
          'ensemble': Ensemble(BiasedMF(2, n_epoch=1), 2), 'implicit': ImplicitMF(4, n_epoch=2), 'knn': ItemKNN(),
          'ease': EASE(), 'both': PickAndLike(ImplicitMF(2, n_epoch=1, weight='ones'), BayesianMF(2, n_sweeps=6, burn_in=3))}


def write(df, folder, n=3, kind='parquet', names='abcdefgh'):
    "A frame in `n` shards"
    folder.mkdir(exist_ok=True)
    files = [folder/f'{names[k]}.{kind}' for k in range(n)]
    for file, part in zip(files, np.array_split(np.arange(len(df)), n)):
        some = df.iloc[part]
        if kind == 'parquet': some.to_parquet(file)
        else: some.to_csv(file, index=False)
    return files


def same(a, b):
    "Two tables agree in all that models ask for"
    assert a.x.tobytes() == b.x.tobytes() and a.y.tobytes() == b.y.tobytes() and a.x.dtype == b.x.dtype == 'int32'
    assert a.users.ids.tolist() == b.users.ids.tolist() and a.items.ids.tolist() == b.items.ids.tolist()
    assert a.users.ids.dtype == b.users.ids.dtype and a.items.text == b.items.text
    assert a.columns == b.columns and a.rating_limits == b.rating_limits and a.report == b.report
    assert repr(a) == repr(b) and a.titles.tolist() == b.titles.tolist()
    np.testing.assert_array_equal(a.order, b.order)
    np.testing.assert_array_equal(a.counts, b.counts)
    one, other = a.by_order(), b.by_order()
    assert one.x.tobytes() == other.x.tobytes() and one.y.tobytes() == other.y.tobytes()
    for user in range(min(len(b.users), 50)):
        np.testing.assert_array_equal(a.rows_of(user), b.rows_of(user))
        np.testing.assert_array_equal(a.seen(user), b.seen(user))
        np.testing.assert_array_equal(one.rows_of(user), other.rows_of(user))


@pytest.fixture
def small(tmp_path, monkeypatch):
    "The 30 ratings of six users as three shards, read seven rows at a time"
    for module in (shards, store_of_ratings): monkeypatch.setattr(module, '_rows', 7)
    return write(tiny_ratings().sample(frac=1, random_state=3), tmp_path/'shards')


@pytest.fixture(scope='module')
def both(tmp_path_factory):
    "ML-100k as a store and as a table"
    home = tmp_path_factory.mktemp('movielens')
    df = load_ratings()
    return ratings_store(write(df, home/'shards'), home/'store'), Ratings(df, **ALONE)


@pytest.mark.filterwarnings('ignore:.*worse than damped means')
@pytest.mark.parametrize('name', MODELS)
def test_model_learns_the_same_from_disk_to_the_bit(both, name, tmp_path):
    "All that a fit leaves, its lists, and what is saved"
    a, b = (MODELS[name].clone().fit(r, quiet=True) for r in both)
    (one, t), (other, u) = [(m.packed('', tensors), tensors) for m in (a, b) for tensors in [{}]]
    assert one == other and t.keys() == u.keys() and all(t[k].tobytes() == u[k].tobytes() for k in t)
    assert a.recommend(196).equals(b.recommend(196))
    if name != 'means': return
    assert load(a.save(tmp_path/'model')).recommend_all(3).equals(b.recommend_all(3))


def test_table_on_disk_is_the_one_in_memory(both):
    "Also where rows are taken from it"
    same(*both)
    rows = np.arange(0, 100_000, 7)
    same(*(r.take(rows) for r in both))


@pytest.mark.parametrize('place', [0, 1, 3])
def test_a_shard_without_rows_is_of_any_type(small, place, tmp_path):
    "As pandas 2 writes an empty column; one with rows is still refused where nothing is in it"
    pytest.importorskip('pyarrow.parquet')
    import pyarrow
    empty = {name: pyarrow.array([], pyarrow.null()) for name in pd.read_parquet(small[0])}
    pyarrow.parquet.write_table(pyarrow.table(empty), tmp_path/'empty.parquet')
    files = [*small[:place], tmp_path/'empty.parquet', *small[place:]]
    assert len(ratings_store(files, tmp_path/'store')) == 30
    pyarrow.parquet.write_table(pyarrow.table({name: pyarrow.nulls(2) for name in empty}), tmp_path/'empty.parquet')
    with pytest.raises(RatingsError, match='missing'): ratings_store(files, tmp_path/'other')


@quick
@given(frames(), st.integers(1, 5), st.sampled_from(['parquet', 'csv']), st.integers(1, 40))
def test_any_ids_in_any_shards_are_numbered_as_in_memory(tmp_path_factory, df, n, kind, piece):
    "Gaps, huge and negative numbers, text; in pieces of any length"
    home = tmp_path_factory.mktemp('any')
    with pytest.MonkeyPatch.context() as patch:
        for module in (shards, store_of_ratings): patch.setattr(module, '_rows', piece)
        stored = ratings_store(write(df, home/'shards', n, kind), home/'store', **NAMES)
        if kind == 'csv':
            df.to_csv(home/'all.csv', index=False)
            df = read_ratings(home/'all.csv', **NAMES).rename(columns={'user': 'who', 'movie': 'what', 'rating': 'stars'})
        same(stored, Ratings(df, **NAMES, **ALONE))


def test_numbers_beyond_64_bits_and_packed_files(tmp_path):
    "Ids as CSV says them; gzip, tabs, a byte order mark"
    text = 'user\tmovie\trating\n' + ''.join(f'{2**70+k%3}\t{k}\t{k%5+1}\n' for k in range(9))
    pd.Series([0]).to_csv(tmp_path/'x.csv') # not among the files that are named
    file = tmp_path/'a.tsv.gz'
    file.write_bytes(gzip.compress(text.encode('utf-8-sig')))
    stored = ratings_store(file, tmp_path/'store')
    assert stored.users.ids.tolist() == [2**70, 2**70+1, 2**70+2] and len(stored) == 9
    same(Ratings.open(tmp_path/'store'), stored)


def test_interactions_have_no_ratings_on_disk(tmp_path):
    "Ones, as in memory"
    df = tiny_ratings().sample(frac=1, random_state=3)
    stored = ratings_store(write(df, tmp_path/'shards'), tmp_path/'store', rating=None)
    same(stored, Ratings(df, rating=None, **ALONE))
    assert sorted(o.name for o in (tmp_path/'store').glob('rows-*/*')) == ['items', 'order', 'sorted_x', 'users', 'x']
    a, b = (ImplicitMF(2).fit(r, quiet=True) for r in (stored, Ratings(df, rating=None, **ALONE)))
    assert a.recommend([1, 2], min_ratings=0).equals(b.recommend([1, 2], min_ratings=0))


def test_sorted_files_are_not_written_again(tmp_path):
    "Rows by user and item are the store's own"
    stored = ratings_store(write(tiny_ratings(), tmp_path/'shards'), tmp_path/'store')
    assert sorted(o.name for o in (tmp_path/'store').glob('rows-*/*')) == ['items', 'users', 'x', 'y']
    assert stored.by_order() is stored
    same(stored, Ratings(tiny_ratings(), **ALONE))


def test_memory_does_not_grow_with_the_rows(tmp_path, monkeypatch):
    "A build and an opening take less than four bytes a row beside what pieces take"
    for module in (shards, store_of_ratings): monkeypatch.setattr(module, '_rows', 2**12)
    rng, peaks = np.random.default_rng(0), []
    for n in (50_000, 250_000):
        df = pd.DataFrame({'user': rng.integers(1000, size=n), 'movie': rng.integers(500, size=n), 'rating': rng.integers(1, 6, n)})
        files = write(df, tmp_path/f'{n}')
        del df
        tracemalloc.start()
        stored = ratings_store(files, tmp_path/f'store {n}')
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert len(stored) == n
    assert peaks[1]-peaks[0] < 4*200_000, peaks


# What is refused

BAD = {'text': ('rating', [3, 1, 'x', 2, 'y', 5]), 'infinite': ('rating', [1., np.inf, 2., 3., 4., 5.]), 'no rating': ('rating', [1, 2, None, 4, None, 5]),
       'no user': ('user', [1, 2, None, 4, 5, 6]), 'no item': ('movie', ['a', 'b', 'c', None, 'd', None]),
       'fraction': ('user', [1., 2., 3., 4., 5.5, 6.5]), 'true': ('rating', [True, False]*3), 'true user': ('user', [True, False]*3)}


@pytest.mark.parametrize('case', BAD)
def test_bad_values_are_refused_in_the_words_of_a_table(tmp_path, monkeypatch, case):
    "Counted over all files; the store that was there stays"
    for module in (shards, store_of_ratings): monkeypatch.setattr(module, '_rows', 2)
    column, values = BAD[case]
    df = pd.DataFrame({'user': [1, 2, 3, 4, 5, 6], 'movie': ['a', 'b', 'c', 'd', 'e', 'f'], 'rating': [1, 2, 3, 4, 5, 5]})
    old = ratings_store(write(df, tmp_path/'good'), tmp_path/'store')
    df[column] = pd.Series(values, dtype='str' if case == 'text' else None)
    with pytest.raises(RatingsError) as expected: Ratings(df, **ALONE)
    with pytest.raises(RatingsError) as found: ratings_store(write(df, tmp_path/'bad'), tmp_path/'store')
    words, place = str(found.value).rsplit('; in ', 1)
    assert words == str(expected.value) and '.parquet it is row' in place
    same(Ratings.open(tmp_path/'store'), old)


def test_files_of_several_kinds_are_refused_by_name(small, tmp_path):
    "Another type of id, a column less, CSV beside Parquet, no rows, no files"
    df, store = tiny_ratings(), tmp_path/'store'
    def refused(words, files, error=RatingsError, **names):
        with pytest.raises(error, match=words): ratings_store(files, store, **names)
        assert not (store/'ratings.json').exists()
    other = tmp_path/'other.parquet'
    df.assign(user=df.user.map(str)).to_parquet(other)
    refused(r"other.parquet has text in column 'user', and .*a.parquet has numbers: write all files with one", [*small, other])
    df.drop(columns='rating').to_parquet(other)
    refused(r"other.parquet: column 'rating' is missing; the columns are \['user', 'movie'", [*small, other])
    df.to_csv(tmp_path/'x.csv', index=False)
    refused('x.csv is CSV, and .*a.parquet is not: give files of one kind', [*small, tmp_path/'x.csv'], DataError)
    df.iloc[:0].to_parquet(other)
    refused('1 files have 0 rows', [other])
    refused('there are no files', [], DataError)
    (tmp_path/'empty').mkdir()
    refused('empty holds no file of Parquet or CSV', tmp_path/'empty', DataError)
    refused('nowhere.csv cannot be read: No such file', [*small, tmp_path/'nowhere.csv'], DataError)
    refused("three columns, not 'user', 'user'", small, item='user')
    (tmp_path/'x.csv').write_text('user,movie,rating\n1,2,3\n1,2\n')
    refused('x.csv cannot be read: CSV parse error: Row #3: Expected 3 columns, got 2', [tmp_path/'x.csv'], DataError)
    for text, encoding in (('user,movie,rating\né,2,3\n', 'latin-1'), ('user,movie,rating,prénom\n1,2,3,4\n', 'latin-1'), ('user,movie,rating\n1,2,3\n', 'utf-16')):
        (tmp_path/'x.csv').write_bytes(text.encode(encoding))
        refused('x.csv cannot be read: it is not text in UTF-8: write it so, as `iconv', [tmp_path/'x.csv'], DataError)
    (tmp_path/'x.csv').write_text('<html>')
    refused('x.csv cannot be read: it is a web page', [tmp_path/'x.csv'], DataError)


def test_a_file_named_twice_is_refused(small, tmp_path):
    "By its path, by a link, packed and not; also in a folder"
    (tmp_path/'link.parquet').symlink_to(small[0])
    one = write(tiny_ratings(), tmp_path/'csv', 1, 'csv')[0]
    packed = one.with_name('a.csv.gz')
    packed.write_bytes(gzip.compress(one.read_bytes()))
    for files in ([*small, small[1]], [str(small[0]), tmp_path/'shards'/'..'/'shards'/small[0].name], [small[0], tmp_path/'link.parquet'], [one, packed], one.parent):
        with pytest.raises(DataError, match='are one file, and its rows would count twice: name it once'): ratings_store(files, tmp_path/'store')
    other = tmp_path/'a.csv'
    shutil.copy(one, other) # the same name elsewhere is another file
    assert len(ratings_store([one, other], tmp_path/'store')) == 60


@pytest.mark.parametrize('block', [1 << 12, 1 << 24])
def test_line_breaks_in_quotes_are_part_of_a_text(tmp_path, monkeypatch, block):
    "Wherever a block ends; in an id and in a column that is not read"
    monkeypatch.setattr(shards, '_block', block)
    df = pd.DataFrame({'user': [f'u{k%9}' for k in range(600)], 'movie': [f'a\n"b", {k%50}' for k in range(600)], 'rating': [1+k%5 for k in range(600)],
                       'review': ['good\n\n, "very"\n'*(k % 8) for k in range(600)]})
    stored = ratings_store(write(df, tmp_path/'shards', 2, 'csv'), tmp_path/'store')
    same(stored, Ratings(df, **ALONE))


@pytest.mark.parametrize('share', [.01, .3, .9, .999])
def test_truncated_parquet_is_refused_by_name(small, tmp_path, share):
    "Before anything is read, and the store that was there stays"
    old = ratings_store(small, tmp_path/'store')
    data = small[1].read_bytes()
    small[1].write_bytes(data[:int(share*len(data))])
    with pytest.raises(DataError, match='b.parquet cannot be read: it begins like a Parquet file but is incomplete: write or fetch it again'):
        ratings_store(small, tmp_path/'store')
    same(Ratings.open(tmp_path/'store'), old)


def test_damage_in_the_middle_of_a_parquet_file_is_refused_by_name(small, tmp_path):
    "The file's end is whole, and a page of it is not"
    data = bytearray(small[1].read_bytes())
    data[4:60] = bytes(56)
    small[1].write_bytes(data)
    with pytest.raises((DataError, RatingsError), match='b.parquet'): ratings_store(small, tmp_path/'store')


def test_file_that_changes_between_the_passes_is_refused(small, tmp_path, monkeypatch):
    "Other ids, another number of rows, other ratings, a column less, one item; the store that was there stays"
    old = ratings_store(write(tiny_ratings(), tmp_path/'shards'), tmp_path/'store')
    for change in (lambda df: df.assign(user=99), lambda df: df.iloc[:-1], lambda df: pd.concat([df, df]), lambda df: df.assign(rating=df.rating+10),
                   lambda df: df.drop(columns='rating'), lambda df: df.assign(rating='many'), lambda df: df.assign(user=None), lambda df: df.assign(user=6.5)):
        files, real = write(tiny_ratings(), tmp_path/'shards'), store_of_ratings.survey_shards

        def survey(*args):
            res = real(*args)
            change(pd.read_parquet(files[2])).to_parquet(files[2])
            return res
        monkeypatch.setattr(store_of_ratings, 'survey_shards', survey)
        with pytest.raises(DataError, match='c.parquet has changed while it was read: build the store again'):
            ratings_store(files, tmp_path/'store')
        monkeypatch.setattr(store_of_ratings, 'survey_shards', real)
        assert sorted(o.name[:5] for o in (tmp_path/'store').iterdir()) == ['.lock', 'ratin', 'rows-']
        same(Ratings.open(tmp_path/'store'), old)


@pytest.mark.parametrize('change', [lambda df: df.assign(movie=1), lambda df: df.assign(user=1), lambda df: df.assign(rating=3)])
@pytest.mark.parametrize('kind', ['parquet', 'csv'])
def test_a_store_is_not_replaced_by_another_table_than_was_checked(tmp_path, monkeypatch, change, kind):
    "An id or a limit that no row has any longer: no one file is to blame"
    store, real = tmp_path/'store', store_of_ratings.survey_shards
    files = write(tiny_ratings(), tmp_path/'shards', 1, kind)
    old = ratings_store(files, store)

    def survey(*args):
        res = real(*args)
        write(change(tiny_ratings()), tmp_path/'shards', 1, kind)
        return res
    monkeypatch.setattr(store_of_ratings, 'survey_shards', survey)
    with pytest.raises(DataError, match='one of the files has changed while it was read: build the store again'): ratings_store(files, store)
    same(Ratings.open(store), old)


# Disks, kills, two at once

@pytest.mark.parametrize('share', [0, .1, .5, .99])
def test_full_disk_leaves_the_old_store_alone(tmp_path, share):
    "No byte more than a share of the rows can be written; nothing new is left"
    df = pd.concat([tiny_ratings()]*500, ignore_index=True).sample(frac=1, random_state=0)
    files = write(df, tmp_path/'shards')
    old = ratings_store(files[:1], tmp_path/'store')
    before = {path: path.read_bytes() for path in (tmp_path/'store').rglob('*') if path.is_file()}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share*8*len(df)), hard))
    try:
        with pytest.raises(DataError, match='store cannot hold the store: File too large; what was there before is whole. Make room'):
            ratings_store(files, tmp_path/'store')
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path: path.read_bytes() for path in (tmp_path/'store').rglob('*') if path.is_file()} == before
    same(Ratings.open(tmp_path/'store'), old)


@pytest.mark.parametrize('free', [0, 16*30, 36*30-1])
def test_room_is_looked_for_before_rows_are_written(small, tmp_path, monkeypatch, free):
    "For the rows, then for the sorted ones"
    usage, left = namedtuple('usage', 'free'), [free]

    def disk(folder):
        now = left[0]
        left[0] -= 16*30
        return usage(now)
    monkeypatch.setattr(shutil, 'disk_usage', disk)
    with pytest.raises(DataError, match='cannot hold the store: it takes .* GB, and .* GB are free. Make room, or name'):
        ratings_store(small, tmp_path/'store')
    assert [o.name for o in (tmp_path/'store').iterdir()] == ['.lock']


KILLS = """
import os, random, signal, sys
from pathlib import Path
from collab_course import Ratings, ratings_store, shards, store_of_ratings
store_of_ratings._rows = shards._rows = 7
home, kills = Path(sys.argv[1]), int(sys.argv[2])
sets, rng, folder = [home/'a', home/'b'], random.Random(42), home/'store'

def build(files, at):
    "Build, and count the store's lines; at line `at` this process kills itself"
    count = [0]
    def line(frame, event, arg):
        if event == 'line':
            count[0] += 1
            if count[0] == at: os.kill(os.getpid(), signal.SIGKILL)
        return line
    sys.settrace(lambda frame, event, arg: line if frame.f_code.co_filename == store_of_ratings.__file__ else None)
    ratings_store(files, folder)
    sys.settrace(None)
    return count[0]

lines, sizes, new = build(sets[0], 0), [], 0
for k in range(1, kills+1):
    at = rng.randint(1, lines)
    pid = os.fork()
    if not pid:
        try: build(sets[k % 2], at)
        finally: os._exit(2)
    os.waitpid(pid, 0)
    found = len(Ratings.open(folder))
    assert found in (30, 60), found
    new += found == (30, 60)[k % 2]
ratings_store(sets[1], folder)
print(lines, new, len(Ratings.open(folder)), *sorted(o.name[:5] for o in folder.iterdir()))
"""


def test_killed_builds_leave_one_of_the_stores_and_the_next_cleans_up(tmp_path, python):
    "Killed at a random line; the store is the old one or the new one"
    df = tiny_ratings().sample(frac=1, random_state=3)
    for name, times in (('a', 1), ('b', 2)): write(pd.concat([df]*times), tmp_path/name)
    lines, new, rows, *names = python('-c', KILLS, tmp_path, '30').split()
    assert int(lines) > 200 and 0 < int(new) < 30 and rows == '60' and names == ['.lock', 'ratin', 'rows-']


HOLD = """
import sys
from pathlib import Path
from collab_course import store_of_ratings
with store_of_ratings._alone(Path(sys.argv[1])):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_second_build_is_refused_until_the_first_ends(small, tmp_path):
    "However it ends; readers are not kept out"
    old = ratings_store(small, tmp_path/'store')
    with subprocess.Popen([sys.executable, '-c', HOLD, tmp_path/'store'], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b'held\n'
        with pytest.raises(DataError, match='store: another program is building a store there: wait until it is done, or name another'):
            ratings_store(small[:1], tmp_path/'store')
        same(Ratings.open(tmp_path/'store'), old)
        other.kill()
    assert len(ratings_store(small[:1], tmp_path/'store')) == 10


def test_open_table_outlives_its_store(small, tmp_path):
    "Whoever reads an old store goes on while a new one takes its place"
    old = ratings_store(small, tmp_path/'store')
    assert len(ratings_store(small[:1], tmp_path/'store')) == 10 and len(Ratings.open(tmp_path/'store')) == 10
    same(old, Ratings(pd.concat(map(pd.read_parquet, small)), **ALONE))


# What is opened

def test_store_of_another_version_is_refused(small, tmp_path):
    "And says what to do; likewise what is no store"
    folder = tmp_path/'store'
    ratings_store(small, folder)
    head = json.loads((folder/'ratings.json').read_text())
    (folder/'ratings.json').write_text(json.dumps({**head, 'version': 2}))
    with pytest.raises(DataError, match='ratings.json has format 2, and this program knows 1: upgrade collab_course, or build the store again'):
        Ratings.open(folder)
    assert len(ratings_store(small, folder)) == 30
    with pytest.raises(DataError, match=r'holds no store of ratings: ratings_store\(files, folder\) builds one'): Ratings.open(tmp_path)
    with pytest.raises(DataError, match='is a file; a store is a folder'): ratings_store(small, small[0])


def test_damaged_store_is_refused(small, tmp_path):
    "A byte less, a byte more, a file less; rows that point nowhere or are out of order, other ratings"
    folder = tmp_path/'store'
    ratings_store(small, folder)
    rows, = folder.glob('rows-*')
    names = sorted(o.name for o in rows.iterdir())
    assert names == ['items', 'order', 'sorted_x', 'sorted_y', 'users', 'x', 'y']
    for name in names:
        data = (rows/name).read_bytes()
        for other in (data[:-1], data[:-8], data + bytes(8), b'', b'\xff'*len(data), bytes(len(data)), data[8:16]*(len(data)//8), None):
            (rows/name).unlink()
            if other is not None: (rows/name).write_bytes(other)
            with pytest.raises(DataError, match='store is damaged: .*build the store again'): Ratings.open(folder)
            (rows/name).write_bytes(data)
    assert len(Ratings.open(folder)) == 30


VALUES = [None, True, -1, 0, 7, .5, 10**30, 'x', '', '../..', 'numbers', 'text', [], {}, [1, 5], {'user': 'a'}, float('nan')]


def test_head_that_says_nonsense_is_refused(small, tmp_path):
    "Every value of it replaced by others: an error of one kind, or the same table"
    folder = tmp_path/'store'
    ratings_store(small, folder)
    text, seen = (folder/'ratings.json').read_text(), 0
    head = json.loads(text)
    for place in ([k] for k in head), (['info', k] for k in head['info']), (['info', 'columns', k] for k in head['info']['columns']):
        for *path, key in place:
            for value in VALUES:
                changed = json.loads(text)
                inner = changed
                for k in path: inner = inner[k]
                inner[key] = value
                (folder/'ratings.json').write_text(json.dumps(changed))
                try: r = Ratings.open(folder)
                except DataError: seen += 1
                else: assert len(r) == 30 and r.x.max() == 5
    for junk in ('', '[]', '7', '{"format": "collab_course.ratings", "version": 1}', '\x00'):
        (folder/'ratings.json').write_text(junk)
        with pytest.raises(DataError): Ratings.open(folder)
    assert seen > 150
    assert len(ratings_store(small, folder)) == 30
