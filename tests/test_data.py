"Every road to the data, the accidents on each, and the splits"
import json
import os
import shutil
import subprocess
import sys
import zipfile
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from unittest.mock import patch

import numpy as np
import pandas as pd
import pytest

from collab_course import routes
from collab_course.data import (DataError, check_split, get_data, load_movies, load_ratings, read_ratings, split_folds,
                                split_random, split_time, verify_data)
from collab_course.ids import RatingsError, check_ratings, tiny_ratings
from collab_course.outside import check_members, file_md5
from collab_course.ratings import Ratings

pytestmark = pytest.mark.filterwarnings('ignore:.*torch.jit.script') # fastai's, on import
BYTES = 1_979_173 # of u.data


@pytest.fixture(scope='module')
def path(): return get_data()


@pytest.fixture
def home(tmp_path, monkeypatch):
    "An empty folder, with an empty fastai home in it, and no COLLAB_COURSE_DATA"
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path/'home'))
    monkeypatch.delenv('COLLAB_COURSE_DATA', raising=False)
    return tmp_path


@contextmanager
def serving(folder, handler=SimpleHTTPRequestHandler):
    "The address of a web server on this machine that serves `folder`"
    class Quiet(handler):
        def log_message(self, *args): pass
    with ThreadingHTTPServer(('127.0.0.1', 0), partial(Quiet, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try: yield f'http://127.0.0.1:{server.server_port}'
        finally: server.shutdown()


def pack(folder, archive, extra=()):
    "Zip three files of `folder`, with more members if asked"
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as z:
        for name in 'u.data', 'u.item', 'u.user': z.write(folder/name, f'ml-100k/{name}')
        for name in extra: z.writestr(name, 'boo')
    return archive


def download(url, archive=None):
    "The download of ML-100k, for which `archive` is the published one"
    sums = {'ml-100k': file_md5(archive)} if archive else {}
    with patch.dict(routes._zips, sums): return routes._from_web('ml-100k', url)

def left_over(): return [o.name for o in routes._cache().glob('**/*') if '.part' in o.name]


def test_cache_and_address_are_fastais():
    "We read its settings without importing it"
    from fastai.data.external import URLs, fastai_path
    assert routes._cache() == fastai_path('data')
    assert routes._url.format('ml-100k') == URLs.ML_100k


def test_cache_follows_fastais_config(home):
    "A `config.ini` in its home says where data sets lie"
    (home/'home').mkdir()
    (home/'home/config.ini').write_text('[DEFAULT]\ndata = elsewhere\n')
    assert routes._cache() == home/'home/elsewhere'


def test_every_road_leads_to_the_same_bytes(home, path):
    "A folder, a zip (unpacked once, found again), the variable, a download, the cache"
    archive = pack(path, home/'ml-100k.zip')
    roads = {'a folder': get_data(source=path), 'a zip': get_data(source=archive)}
    with patch.dict(os.environ, COLLAB_COURSE_DATA=str(home)): roads['COLLAB_COURSE_DATA'] = get_data()
    with serving(home) as address: roads['a download'] = download(f'{address}/ml-100k.zip', archive)
    roads['the cache'] = get_data()
    assert {(folder/'u.data').stat().st_size for folder in roads.values()} == {BYTES}
    assert roads['the cache'] == routes._cache()/'ml-100k'
    assert roads['a zip'] == roads['COLLAB_COURSE_DATA'] == get_data(source=archive)
    assert left_over() == []


def test_the_package_index_has_the_same_ratings_and_titles(home, path):
    "RecBole's copy, back in GroupLens' layout, reads the same"
    index = routes._from_index('ml-100k')
    assert (index/'u.data').stat().st_size == BYTES and left_over() == []
    pd.testing.assert_frame_equal(load_movies(index), load_movies(path))
    pd.testing.assert_frame_equal(load_ratings(index), load_ratings(path))
    with pytest.raises(DataError, match='no package is known'): routes._from_index('ml-1m')


class Breaks(SimpleHTTPRequestHandler):
    "Promises a million bytes, sends a thousand, hangs up"
    def do_GET(self):
        self.send_response(200)
        self.send_header('Content-Length', '1000000')
        self.end_headers()
        self.wfile.write(b'x'*1000)


def test_a_download_that_fails_leaves_nothing_behind(home, path):
    "A connection that breaks, half a zip, no such file, a trap in the archive, Ctrl-C"
    with serving(home, Breaks) as address:
        with pytest.raises(DataError, match='broke off before it was complete'): download(f'{address}/ml-100k.zip')
    with serving(home) as address:
        trap, half = pack(path, home/'ml-100k.zip', extra=['../escaped']), home/'half.zip'
        with pytest.raises(DataError, match='points outside'): download(f'{address}/ml-100k.zip', trap)
        with pytest.raises(DataError, match='is not the published file'): download(f'{address}/ml-100k.zip')
        half.write_bytes(trap.read_bytes()[:100_000])
        with pytest.raises(DataError, match='refused or damaged: BadZipFile'): download(f'{address}/half.zip', half)
        with pytest.raises(DataError, match='404'): download(f'{address}/none.zip')
    with patch('collab_course.routes.download', side_effect=KeyboardInterrupt):
        with pytest.raises(KeyboardInterrupt): routes._from_web('ml-1m')
    assert left_over() == [] and list(home.glob('**/escaped')) == []


class Silent(SimpleHTTPRequestHandler):
    "Accepts, and says nothing until the test is over"
    over = Event()
    def do_GET(self): self.over.wait(60)


class Drips(Silent):
    "An answer at once, and then a byte now and then"
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.drip()

    def drip(self):
        try:
            while not self.over.wait(.02): self.wfile.write(b'x')
        except OSError: pass # nobody listens any more


class DripsHeaders(Drips):
    "Not even an answer, byte by byte"
    def do_GET(self): self.drip()


@pytest.mark.parametrize('server', [Silent, Drips, DripsHeaders])
def test_a_server_that_gives_next_to_nothing_leads_to_the_next_road(server, home, path, monkeypatch):
    "However it goes about it"
    monkeypatch.setattr(routes, '_patience', .2)
    monkeypatch.setattr(server, 'over', Event())
    monkeypatch.setattr(routes, '_from_index', lambda name: path)
    with serving(home, server) as address:
        with pytest.raises(DataError, match='nothing, or next to nothing'): download(f'{address}/ml-100k.zip')
        monkeypatch.setattr(routes, '_url', address+'/{}.zip')
        assert get_data() == path
        server.over.set()
    assert left_over() == []


KILLED = """
import sys, time
from pathlib import Path
from collab_course import routes
def fetch(url, file, patience):
    Path(file).write_text('half')
    print('there', flush=True)
    time.sleep(600)
routes.download = fetch
routes._from_web('ml-1m')
"""


def test_what_a_killed_download_leaves_goes_with_the_next(home, path):
    "And what another one is at work on stays"
    archive, children = pack(path, home/'ml-100k.zip'), []
    for _ in range(2): children.append(subprocess.Popen([sys.executable, '-c', KILLED], stdout=subprocess.PIPE, text=True))
    for child in children: assert child.stdout.readline() == 'there\n'
    assert len([o for o in left_over() if o.endswith('.lock')]) == 2
    children[0].kill()
    children[0].communicate()
    with serving(home) as address: download(f'{address}/ml-100k.zip', archive)
    assert len([o for o in left_over() if o.endswith('.lock')]) == 1
    children[1].kill()
    children[1].communicate()
    get_data(source=archive)
    assert left_over() == []


SMALL = {'ratings.csv': 'userId,movieId,rating,timestamp\n1,31,2.5,1\n1,32,2.5,1\n', 'movies.csv': 'movieId,title,genres\n31,a,\n32,b,\n'}


def small_zip(archive, **changed):
    "A set in the newer layout, some of its files changed"
    with zipfile.ZipFile(archive, 'w') as z:
        for name, text in {**SMALL, **changed}.items(): z.writestr(f'ml/{name}', text)
    return archive


def test_a_set_that_changes_is_held_to_a_schema(home):
    "Columns, each movie once, all that are rated; on the way in, and where another program unpacked it"
    wrong = {'movies': ('31,a,\n', 'ratings of a movie that it does not have: 32'), 'twice': ('31,a,\n32,b,\n31,c,\n', '31 more than once')}
    for movies, says in wrong.values():
        archive = small_zip(home/'ml-latest.zip', **{'movies.csv': 'movieId,title,genres\n' + movies})
        with serving(home) as address:
            with pytest.raises(DataError, match=says): routes._from_web('ml-latest', f'{address}/ml-latest.zip')
        with pytest.raises(DataError, match=says): get_data('ml-latest', source=archive)
    archive = small_zip(home/'ml-latest.zip', **{'ratings.csv': 'a,b\n1,2\n'})
    with pytest.raises(DataError, match='no column is named user'): get_data('ml-latest', source=archive)
    (routes._cache()/'ml-latest').mkdir(parents=True)
    for name in SMALL: (routes._cache()/'ml-latest'/name).write_text(SMALL[name])
    assert get_data('ml-latest') == routes._cache()/'ml-latest'
    (routes._cache()/'ml-latest/movies.csv').write_text('movieId,title\n31,a\n')
    with pytest.raises(DataError, match='does not have: 32'): routes._from_cache('ml-latest')
    with pytest.raises(DataError, match='has 2 ratings of 2 movies, and ml-1m has 1,000,209 of 3,883'): get_data('ml-1m', source=small_zip(archive))


@pytest.mark.parametrize('name', list(SMALL))
def test_a_cache_that_changed_is_not_believed(home, name):
    "Neither what was downloaded nor what was unpacked from a zip of one's own"
    archive = small_zip(home/'ml-latest.zip')
    with serving(home) as address: folder = routes._from_web('ml-latest', f'{address}/ml-latest.zip')
    assert get_data('ml-latest') == folder and load_ratings(folder).title.tolist() == ['a', 'b']
    with open(folder/name, 'a') as f: f.write('1,31,3,3\n')
    with pytest.raises(DataError, match=f'{name} is not what was unpacked'): routes._from_cache('ml-latest')
    (folder/name).unlink()
    with pytest.raises(DataError, match=name.split('.')[0]): routes._from_cache('ml-latest')
    mine = get_data('ml-latest', source=archive)
    (mine/name).write_text('nonsense')
    assert get_data('ml-latest', source=archive) == mine and (mine/name).read_text() == SMALL[name] # unpacked again


@pytest.mark.parametrize('name', ['u.data', 'u.item', 'u.user'])
def test_ml_100k_is_whole_in_the_cache(home, path, name):
    "Titles and users, too"
    pack(path, home/'x.zip')
    folder = routes._cache()/'ml-100k'
    with zipfile.ZipFile(home/'x.zip') as z: z.extractall(routes._cache())
    assert get_data() == folder
    whole = (folder/name).read_bytes()
    (folder/name).write_bytes(whole[:-1])
    with pytest.raises(DataError, match=f'{name} is not the published file'): routes._from_cache('ml-100k')


def test_the_package_index_is_checked_file_by_file(home, monkeypatch):
    "A wheel in which a rating was changed"
    def fetch(cmd, **options):
        with zipfile.ZipFile(f'{cmd[-1]}/recbole.whl', 'w') as z:
            for o in 'inter', 'item', 'user': z.writestr(f'recbole/dataset_example/ml-100k/ml-100k.{o}', 'a\tb\n1\t1\n')
        return subprocess.CompletedProcess(cmd, 0, '', '')
    monkeypatch.setattr(subprocess, 'run', fetch)
    with pytest.raises(DataError, match='ml-100k.inter in recbole==1.2.1 is not what it was'): routes._from_index('ml-100k')
    assert left_over() == []


def with_flag(path, bit):
    "Set a bit in the flags of a zip's members, as a program does that encrypts them"
    raw = bytearray(path.read_bytes())
    for mark, at in (b'PK\3\4', 6), (b'PK\1\2', 8): raw[raw.index(mark)+at] |= bit
    path.write_bytes(raw)


def member(name, mode=0):
    "The head of a zip's member"
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    return info


TRAPS = {'absolute': ['/ratings.csv'], 'above': ['a/../../ratings.csv'], 'Windows': ['C:\\ratings.csv'], 'backslashes': ['..\\ratings.csv'],
         'a link': [member('ratings.csv', 0o120777)], 'a pipe': [member('ratings.csv', 0o010644)], 'twice': ['ratings.csv', 'ratings.csv'],
         'in capitals': ['ratings.csv', 'RATINGS.csv'], 'a file and a folder': ['a', 'a/ratings.csv'], 'deep': ['a/'*9 + 'ratings.csv'],
         'control characters': ['\x1b[2Jratings.csv'], 'many': [f'{k}.csv' for k in range(1001)], 'two sets': ['a/ratings.csv', 'b/ratings.csv']}


@pytest.mark.filterwarnings('ignore:Duplicate name')
@pytest.mark.parametrize('kind', [*TRAPS, 'encrypted', 'bomb', 'cut off', 'nested'])
def test_an_archive_with_a_trap_is_refused_before_anything_is_written(kind, home):
    "As a source, as a download; nothing is left, and the terminal is not written to"
    archive = home/'ml-latest.zip'
    with zipfile.ZipFile(archive, 'w', zipfile.ZIP_DEFLATED) as z:
        for name in TRAPS.get(kind, ['ratings.csv'] if kind != 'nested' else []): z.writestr(name, SMALL['ratings.csv'])
        z.writestr('movies.csv', SMALL['movies.csv'])
        if kind == 'bomb': z.writestr('zeros', bytes(2**27+1))
        if kind == 'nested': z.write(small_zip(home/'inner.zip'), 'inner.zip')
    if kind == 'encrypted': with_flag(archive, 1)
    if kind == 'cut off': archive.write_bytes(archive.read_bytes()[:-30])
    with serving(home) as address:
        for fetch in (lambda: get_data('ml-latest', source=archive), lambda: load_ratings(archive), lambda: routes._from_web('ml-latest', f'{address}/ml-latest.zip')):
            with pytest.raises(DataError, match='ml-latest.zip|holds neither') as e: fetch()
            assert '\x1b' not in str(e.value)
    assert not [o for o in routes._cache().glob('**/*') if o.is_file()]


def test_an_archive_cannot_bring_its_own_checksums(home):
    "They are ours to write"
    archive = small_zip(home/'ml-latest.zip', **{'.md5.json': json.dumps({'ratings.csv': '0'*32, 'movies.csv': '0'*32}), 'movies.csv': 'movieId,title\n31,a\n'})
    with pytest.raises(DataError, match='does not have: 32'): get_data('ml-latest', source=archive)


def test_published_archives_pass_the_limits():
    "Those that are at hand"
    for name in 'ml-100k', 'ml-latest-small':
        archive, _ = routes._named_by_env(name)
        if archive and archive.suffix == '.zip':
            with zipfile.ZipFile(archive) as z: assert check_members(z) is None


def test_a_name_that_is_a_path_is_no_data_set():
    "It would lead out of the cache"
    for name in '../x', '/etc', 'a b', '':
        with pytest.raises(DataError, match='is not the name of a data set'): get_data(name)


def test_a_bad_cache_is_neither_believed_nor_deleted(home, path):
    "What is downloaded then lies beside it"
    pack(path, home/'ml-100k.zip')
    (routes._cache()/'ml-100k').mkdir(parents=True)
    with pytest.raises(DataError, match='neither'): routes._from_cache('ml-100k')
    with serving(home) as address: assert download(f'{address}/ml-100k.zip', home/'ml-100k.zip') == routes.cache_folder()/'ml-100k'
    assert get_data() == routes.cache_folder()/'ml-100k'
    assert (routes._cache()/'ml-100k').is_dir()


def test_a_wrong_source_is_refused(home, path):
    "A zip that is none or has a trap in it, a changed rating, an empty folder, nothing, another file"
    def refused(name, says):
        with pytest.raises(DataError, match=says): get_data(source=home/name)
    (home/'bad.zip').write_text('not a zip at all')
    refused('bad.zip', 'bad.zip is refused or damaged')
    pack(path, home/'trap.zip', extra=['../../escaped'])
    refused('trap.zip', "member '../../escaped' points outside")
    shutil.copytree(path, home/'ml-100k')
    with open(home/'ml-100k/u.data', 'a') as f: f.write('1\t1\t5\t0\n')
    refused('ml-100k', 'is not the published file: its md5 is')
    with patch.dict(os.environ, COLLAB_COURSE_DATA=str(home)):
        with pytest.raises(DataError, match='not the published file'): get_data()
    refused('nowhere', 'does not exist')
    (home/'empty').mkdir()
    refused('empty', 'neither u.data nor ratings.csv')
    (home/'mine.csv').write_text('user,item,rating\n1,1,5\n')
    refused('mine.csv', 'neither a folder nor a zip of MovieLens: `read_ratings` reads other files')
    assert left_over() == [] and list(home.glob('**/escaped')) == []


def test_without_network_the_error_names_every_road(home, monkeypatch):
    "And says what to do"
    nowhere = 'http://127.0.0.1:9' # a port where nobody listens
    walls = dict(http_proxy=nowhere, https_proxy=nowhere, PIP_INDEX_URL=f'{nowhere}/simple', PIP_EXTRA_INDEX_URL='',
                 PIP_FIND_LINKS='', PIP_RETRIES='0', PIP_NO_CACHE_DIR='1')
    for name, value in walls.items(): monkeypatch.setenv(name, value)
    with pytest.raises(DataError) as e: get_data()
    for road in 'COLLAB_COURSE_DATA', 'cache', 'download', 'package index', 'as `source`': assert road in str(e.value), road
    assert left_over() == []


def test_a_layout_counts_as_data_and_ml_100k_only_with_its_checksum(tmp_path):
    "The three names of MovieLens' files of ratings"
    with pytest.raises(DataError, match='neither u.data nor ratings.csv nor ratings.dat'): verify_data(tmp_path)
    for name in 'ratings.dat', 'ratings.csv':
        (tmp_path/name).write_text('1::1::5::0\n')
        assert verify_data(tmp_path) == tmp_path
        with pytest.raises(DataError, match=f'holds {name}, and ml-100k is u.data'): verify_data(tmp_path, 'ml-100k')
    (tmp_path/'u.data').write_text('1\t1\t5\t0\n')
    with pytest.raises(DataError, match='is not the published file: its md5 is'): verify_data(tmp_path)


def test_titles_that_cannot_be_used_are_an_error(tmp_path):
    "None at all, ids twice, ids that are no numbers, ratings without a title or a time"
    (tmp_path/'ratings.csv').write_text('userId,movieId,rating,timestamp\n1,31,2.5,1\n1,32,2.5,1\n')
    with pytest.raises(DataError, match='no titles'): load_ratings(tmp_path)
    for movies, says in (('31,x\n31,y\n', '31 more than once'), ('a,x\n', 'cannot be read'), ('31,x\n,y\n', 'cannot be read')):
        (tmp_path/'movies.csv').write_text('movieId,title\n' + movies)
        with pytest.raises(DataError, match=says): load_ratings(tmp_path)
    (tmp_path/'movies.csv').write_text('movieId,title\n31,x\n')
    with pytest.raises(RatingsError, match="'movie' has no title in 1 of 2 rows; the first is row 1: 32"): load_ratings(tmp_path)
    (tmp_path/'ratings.csv').write_text('userId,movieId,rating\n1,31,2.5\n')
    with pytest.raises(RatingsError, match="no column 'timestamp'"): load_ratings(tmp_path)


def test_a_name_stands_for_a_data_set(path):
    "For all that read; what is neither a file nor a name says which names there are"
    pd.testing.assert_frame_equal(load_ratings('ml-100k'), load_ratings(path))
    assert len(load_movies('ml-100k')) == 1682
    for read in load_ratings, load_movies, read_ratings:
        with pytest.raises(DataError, match='ml-100 does not exist, nor is it one of ml-100k, '): read('ml-100')


@pytest.mark.parametrize('module', ['read', 'data'])
def test_reading_needs_no_heavy_library(module, python):
    "Neither to import the module nor to load ratings"
    heavy = 'torch', 'fastai', 'fastcore', 'fastbook', 'matplotlib', 'numba', 'scipy', 'sklearn'
    code = f'import sys, collab_course.{module}; from collab_course.data import load_ratings; load_ratings(); '
    assert python('-c', code + f'print(*[o for o in {heavy} if o in sys.modules])') == '\n'


def test_splits_take_a_frame_or_ratings_and_other_names():
    "All give the same rows, whatever columns are called, and also without ratings"
    tiny = tiny_ratings()
    other = tiny.rename(columns=dict(user='guest', movie='film', title='name', timestamp='seen', rating='points'))
    names = dict(user='guest', item='film', title='name')
    for split, more in (split_random, {}), (split_time, dict(time='seen')):
        want = split(tiny)
        for got in (split(Ratings(tiny)), split(other, **names, **more), split(tiny.drop(columns='rating')),
                    split(Ratings(other, **names, **more, rating='points')), split(tiny.set_index('title', drop=False)),
                    split(tiny[tiny.columns[::-1]])):
            for a, b in zip(got, want): assert a.dtype == 'int64' and a.tolist() == b.tolist()


def test_items_that_share_a_title_stay_on_one_side():
    "Also by two titles of one item"
    rows = [(u, m, t) for u in range(50) for m, t in ((1, 'a'), (2, 'a'), (2, 'b'), (3, 'b'), (4, 'c'), (5, 'd'))]
    df = pd.DataFrame(rows, columns=['user', 'movie', 'title']).assign(timestamp=np.arange(len(rows))*37%100)
    for split in split_random(df), split_time(df):
        a, b = [set(zip(df.user[o], df.movie[o].map({1: 1, 2: 1, 3: 1}).fillna(df.movie[o]))) for o in split]
        assert a and b and not a & b


def test_folds_are_u_datas_alone(path):
    "Refused for any other rows, order or values; other names of columns are no other values"
    df = load_ratings(path)
    folds = split_folds(df)
    assert [valid[0] for _, valid in folds] == [20_000*k for k in range(5)]
    other = df.rename(columns=dict(user='guest', timestamp='seen'))
    for same in (split_folds(other, user='guest', time='seen'), split_folds(Ratings(df)), split_folds(df.astype({'rating': float, 'user': str}))):
        for a, b in zip(same, folds): assert (a[1] == b[1]).all()
    changed = df.assign(rating=df.rating.where(df.index != 7, 4.5))
    for bad in (df[:-1], df[::-1], changed, Ratings(changed), df.assign(timestamp='soon'), Ratings(df.drop(columns='timestamp'))):
        with pytest.raises(RatingsError, match='this frame is not that'): split_folds(bad)


def test_times_that_do_not_sort_are_refused():
    "Missing ones, none at all, text that is no ISO date"
    tiny = tiny_ratings()
    for column, says in (([None, *range(29)], "'timestamp' is missing in 1 of 30"), (['9/1/2019']*30, 'neither a number nor an ISO date')):
        with pytest.raises(RatingsError, match=says): split_time(tiny.assign(timestamp=column))
    with pytest.raises(RatingsError, match="column 'timestamp' is missing"): split_time(tiny.drop(columns='timestamp'))
    with pytest.raises(RatingsError, match='no times'): split_time(Ratings(tiny.drop(columns='timestamp')))
    late = pd.Series(range(30)).map('{:d}'.format) # as text, '9' would come last
    assert split_time(tiny.assign(timestamp=late))[1].tolist() == [24, 25, 26, 27, 28, 29]


def test_random_split_holds_out_a_share_and_leaves_the_global_rng_untouched():
    "Of any size from none on, a share that is none is refused, and so is a frame without ratings"
    tiny, state = tiny_ratings(), np.random.get_state()[1].copy()
    assert [len(o) for o in split_random(tiny)] == [24, 6] and (np.random.get_state()[1] == state).all()
    assert [len(o) for o in split_random(tiny, 0)] == [30, 0]
    assert [len(o) for o in split_random(tiny, item='title')] == [24, 6]
    assert split_random(tiny.sample(frac=1, random_state=3).set_index('title', drop=False))[0].max() < 30
    for bad in 1, '0.2':
        with pytest.raises(ValueError, match='valid_pct'): split_random(tiny, bad)
    with pytest.raises(RatingsError, match="column 'user' is missing"): split_random(tiny.drop(columns='user'))
    with pytest.raises(RatingsError, match='no ratings'): split_random(tiny[:0])


def test_repeated_pairs_stay_on_one_side():
    "Every pair four times, under repeated index labels; and two ids with one title are one film"
    tiny = tiny_ratings()
    same_pair = pd.concat([tiny]*4)
    def pairs(rows): return set(zip(same_pair.user.values[rows], same_pair.movie.values[rows]))
    for split in [split_random(same_pair, seed=seed) for seed in range(5)]:
        a, b = map(pairs, split)
        assert a and b and not a & b
    a, b = map(pairs, split_time(same_pair))
    assert not a & b
    two_ids = pd.concat([tiny, tiny.assign(movie=tiny.movie+10)], ignore_index=True)
    a, b = [set(o%30) for o in split_random(two_ids)]
    assert not a & b


def test_folds_are_the_published_files(path):
    "As GroupLens cut them, where they are at hand"
    if not (path/'u1.test').exists(): pytest.skip('the published folds are not here')
    ratings, cols = load_ratings(path), ['user', 'movie', 'rating', 'timestamp']
    def rows(df): return list(df[cols].itertuples(index=False, name=None))
    place = {o: i for i, o in enumerate(rows(ratings))}
    def official(i): return {place[o] for o in rows(pd.read_csv(path/f'u{i}.test', sep='\t', names=cols))}
    folds = split_folds(ratings)
    for i, (_, valid) in enumerate(folds[:4]): assert official(i+1) == {*valid}
    assert len(official(5) ^ {*folds[4][1]}) <= 2 # some copies' u5.test repeats one row of u4.test


def test_time_split_reads_dates(path):
    "ISO dates in a column of another name; the same for a frame and a `Ratings`"
    tiny = tiny_ratings()
    when = tiny.assign(when=pd.to_datetime(tiny.timestamp, unit='s').astype(str)).drop(columns='timestamp')
    assert (split_time(when, time='when')[1] == split_time(tiny)[1]).all()
    assert [len(o) for o in split_time(tiny)] == [24, 6]
    ratings = load_ratings(path)
    assert (split_time(Ratings(ratings))[1] == split_time(ratings)[1]).all()


def test_the_small_set_of_2016_has_half_stars():
    "Where it is at hand"
    small, _ = routes._named_by_env('ml-latest-small')
    if not small: pytest.skip('ml-latest-small is not here')
    half = check_ratings(load_ratings(small), title='title', y_range=(.5, 5))
    if len(half) == 100_004: assert half[['user', 'movie', 'rating']].nunique().tolist() == [671, 9066, 10]
    assert (half.rating%1 == .5).any()


def test_titles_are_read_as_utf_8(tmp_path):
    (tmp_path/'ratings.csv').write_text('userId,movieId,rating,timestamp\n1,31,2.5,1\n')
    (tmp_path/'movies.csv').write_text('movieId,title,genres\n31,"Misérables, Les (1995)",Drama\n', encoding='utf-8')
    assert load_movies(tmp_path).title[0] == load_ratings(tmp_path).title[0] == 'Misérables, Les (1995)'


@pytest.mark.parametrize('split, says', [
    (([0, 1], [1, 2]), '1 rows are in the split more than once'), (([0], [30]), 'from row 0 to 30, and the rows from 0 to 29'),
    (([-1], []), 'from row -1'), (([], [0]), 'no rows to train on'), (([True], [False]), 'row numbers, not of bool'),
    (([.5], [1]), 'row numbers, not of float64')])
def test_a_wrong_split_is_refused(split, says):
    "With what is wrong"
    with pytest.raises(ValueError, match=says): check_split(split, 30)
    assert [o.tolist() for o in check_split(([2, 0], []), 3)] == [[2, 0], []]
