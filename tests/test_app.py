"The command line as a process: every command, every kind of file, and what happens when something is wrong"
import csv
import io
import json
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from collab_course.app import _cli, main, read_ratings
from collab_course.data import DataError, RatingsError, load_ratings, split_random, split_time

warnings.filterwarnings('ignore', message='.*torch.jit.script')
COMMAND = Path(sys.executable).with_name('collab_course')
COMMANDS = ['data', 'evaluate', 'recommend', 'similar', 'tour', 'train']


def run(*args, cwd, code=0, **options):
    "Run `collab_course` to its end: what it printed, and what it said"
    options = {'cwd': cwd, 'capture_output': True, 'encoding': 'utf-8', **options}
    done = subprocess.run([COMMAND, *map(str, args)], **options)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


WARM = multiprocessing.get_context('forkserver')  # its processes find PyTorch imported, which takes seconds
WARM.set_forkserver_preload(['collab_course.recommend', 'collab_course.app', 'pytest'])


def child(args, cwd):
    "The command in a process of its own, its output in two files"
    os.chdir(cwd)
    for number, name in (1, '.out'), (2, '.err'): os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ['collab_course', *args]
    main()


def quick(*args, cwd, code=0):
    "`run` for commands that need PyTorch"
    process = WARM.Process(target=child, args=([*map(str, args)], cwd))
    process.start()
    process.join()
    out, err = [(Path(cwd)/name).read_text(encoding='utf-8') for name in ('.out', '.err')]
    for name in '.out', '.err': (Path(cwd)/name).unlink()
    assert process.exitcode == code, err
    return out, err


def refused(*args, cwd):
    "Run `collab_course` on a mistake: exit code 2, and the one line that it says"
    out, err = quick(*args, cwd=cwd, code=2)
    assert out == '' and err.count('\n') == 1 and err.startswith('collab_course: ')
    return err


def tour(*args, cwd):
    "Run `collab_course tour`: the finished process, and the seconds it took"
    start = time.perf_counter()
    done = subprocess.run([COMMAND, 'tour', *args], cwd=cwd, capture_output=True, text=True)
    return done, time.perf_counter()-start


def test_the_whole_tour(tmp_path):
    "ML-100k, every model, five epochs: the table, the files, the order of the models, the time"
    done, seconds = tour(cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert seconds < 120
    table = pd.read_csv(tmp_path/'tour/tour.csv').set_index('model')
    assert (tmp_path/'tour/tour.png').read_bytes().startswith(b'\x89PNG')
    for name in table.index: assert name in done.stdout
    assert 'tour/tour.csv' in done.stdout and 'tour/tour.png' in done.stdout
    assert '100%' in done.stderr or 'batch' in done.stderr or 'it/s' in done.stderr
    valid = table['valid MSE']
    ours = {'DotProduct, no range': .868, 'DotProduct': .866, 'DotProductBias': .887, 'CollabNN': .856,
            'DotProductBias, wd 0.1': .813, 'DotProductBiasParams, wd 0.2': .824, 'EmbeddingDotBias': .813}
    assert valid.to_dict() == pytest.approx(ours, abs=.008)
    assert (table['train MSE'] < valid).all()
    assert table.parameters.to_list() == [131_250]*2 + [133_875]*4 + [141_451]
    assert (table.published.dropna().between(.8, .9)).all() and table.published.isna().sum() == 1


@pytest.fixture(scope='module')
def small(tmp_path_factory):
    "A small data set in MovieLens' newer layout"
    folder = tmp_path_factory.mktemp('small')
    rows = [(u, m, 1+(u*m)%5, u+m) for u in range(1, 41) for m in range(1, 31) if (u+m)%4]
    pd.DataFrame(rows, columns=['userId', 'movieId', 'rating', 'timestamp']).to_csv(folder/'ratings.csv', index=False)
    movies = [(m, f'Film {m} (1999)', 'Drama') for m in range(1, 31)]
    pd.DataFrame(movies, columns=['movieId', 'title', 'genres']).to_csv(folder/'movies.csv', index=False)
    return folder


def test_options(tmp_path, small):
    "--data, --out, --epochs, --seed, --quiet"
    tables = []
    for seed in '7', '7', '8':
        done, _ = tour('--data', small, '--out', 'here', '--epochs', '1', '--seed', seed, '--quiet', cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, '')
        tables.append(pd.read_csv(tmp_path/'here/tour.csv').drop(columns=['seconds', 'published']).to_numpy().tolist())
    assert tables[0] == tables[1] != tables[2]
    assert {path.name for path in tmp_path.iterdir()} == {'here'}
    assert {path.name for path in (tmp_path/'here').iterdir()} == {'tour.csv', 'tour.png'}


@pytest.mark.parametrize('args, says', [
    (['--data', 'nowhere'], 'nowhere'), (['--data', '.'], 'neither u.data nor ratings.csv'),
    (['--sed', '1'], "--sed"), (['--epochs', '0'], '--epochs'), (['--epochs', 'x'], '--epochs'),
    (['--seed', '-1'], '--seed'), (['--out', 'file/x'], 'cannot write to file/x'), (['extra'], 'extra'),
])
def test_a_mistake_is_one_line(tmp_path, args, says):
    "Exit code 2, one line that names it, nothing on standard output, nothing made"
    (tmp_path/'file').touch()
    done, _ = tour(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count('\n')) == (2, '', 1)
    assert says in done.stderr and done.stderr.startswith('collab_course: ')
    assert not (tmp_path/'tour/tour.csv').exists()


@pytest.mark.parametrize('seconds', [.5, 6])
def test_ctrl_c(tmp_path, seconds):
    "While it starts and while it trains: one line, exit code 130, no traceback"
    process = subprocess.Popen([COMMAND, 'tour', '--quiet'], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err.strip()) == (130, '', 'collab_course: interrupted')
    assert not (tmp_path/'tour/tour.csv').exists()


TITLES = {3: 'Twin', 4: 'Twin', 5: '7', 6: 'A=B (1999)', 8: 'NA', 9: '1984', 10: 'Misérables, Les "1"', 11: 'E: T'}


@pytest.fixture(scope='module')
def films():
    "Ratings whose titles are the awkward ones"
    rows = [(u, m, 1+(u*m)%5, TITLES.get(m, f'Film {m}'), 900_000_000+(u*37+m*11)%600)
            for u in range(1, 41) for m in range(1, 31) if (u+m)%4]
    return pd.DataFrame(rows, columns=['user', 'movie', 'rating', 'title', 'timestamp'])


def movielens(df, folder, ratings, movies, **names):
    "Write the two tables of a MovieLens layout"
    folder.mkdir()
    for file, cols in (ratings, ['user', 'movie', 'rating', 'timestamp']), (movies, ['movie', 'title']):
        table = df[cols].drop_duplicates(cols[:2]).assign(**{'genres': 'Drama'} if file == movies else {})
        if file.endswith('.csv'): text = table.rename(columns=names).to_csv(index=False)
        else:
            sep = {'u.data': '\t', 'u.item': '|'}.get(file, '::')
            text = ''.join(sep.join(map(str, row))+'\n' for row in table.to_numpy())
        (folder/file).write_bytes(text.encode('utf-8' if file.endswith('.csv') else 'latin-1'))
    return folder


def zipped(folder, inside='deep/'):
    "A folder as a zip, its files in a folder within"
    with zipfile.ZipFile(folder.with_suffix('.zip'), 'w') as z:
        for path in folder.iterdir(): z.write(path, inside+path.name)
    return folder.with_suffix('.zip')


def text(df, path, encoding='utf-8', **options):
    "A frame as a file of text"
    path.write_bytes(df.to_csv(**{'index': False, **options}).encode(encoding))
    return path


def by_number(df): return df.rename(columns={'user': 'userId', 'movie': 'movie_id', 'rating': 'Rating'})

def in_csv(df, tmp, name): return movielens(df, tmp/name, 'ratings.csv', 'movies.csv', user='userId', movie='movieId')


KINDS = {
    'csv': lambda df, tmp: text(df, tmp/'x.csv'),
    'tsv': lambda df, tmp: text(df, tmp/'x.tsv', sep='\t'),
    'semicolons': lambda df, tmp: text(df, tmp/'x.txt', sep=';'),
    'other order': lambda df, tmp: text(by_number(df)[['timestamp', 'Rating', 'title', 'movie_id', 'userId']], tmp/'x.csv'),
    'saved index': lambda df, tmp: text(df, tmp/'x.csv', index=True),
    'byte order mark': lambda df, tmp: text(df, tmp/'x.csv', 'utf-8-sig'),
    'latin-1': lambda df, tmp: text(df, tmp/'x.csv', 'latin-1'),
    'Windows lines': lambda df, tmp: text(df, tmp/'x.csv', lineterminator='\r\n'),
    'all quoted': lambda df, tmp: text(df, tmp/'x.csv', quoting=1),
    'parquet': lambda df, tmp: df.to_parquet(tmp/'x.parquet') or tmp/'x.parquet',
    'parquet, categories': lambda df, tmp: df.astype({'title': 'category'}).to_parquet(tmp/'x') or tmp/'x',
    'ratings.csv in a folder': lambda df, tmp: in_csv(df, tmp, 'a'),
    'ratings.csv alone': lambda df, tmp: in_csv(df, tmp, 'a')/'ratings.csv',
    'ratings.csv in a zip': lambda df, tmp: zipped(in_csv(df, tmp, 'a')),
    'u.data in a folder': lambda df, tmp: movielens(df, tmp/'b', 'u.data', 'u.item'),
    'u.data in a zip': lambda df, tmp: zipped(movielens(df, tmp/'b', 'u.data', 'u.item'), ''),
    'a fold': lambda df, tmp: movielens(df, tmp/'b', 'u.data', 'u.item').joinpath('u.data').rename(tmp/'b/u1.base'),
    'ratings.dat in a folder': lambda df, tmp: movielens(df, tmp/'c', 'ratings.dat', 'movies.dat'),
    'ratings.dat in a zip': lambda df, tmp: zipped(movielens(df, tmp/'c', 'ratings.dat', 'movies.dat')),
}


@pytest.mark.parametrize('kind', KINDS)
def test_kinds_of_file(kind, films, tmp_path):
    "Each gives the same frame: ids as numbers, titles as text, accents whole, times as they were"
    path = KINDS[kind](films, tmp_path)
    pd.testing.assert_frame_equal(read_ratings(path)[films.columns], films, check_dtype=False)
    assert read_ratings(path)[['user', 'movie', 'rating', 'timestamp']].dtypes.eq('int64').all()
    seen = json.loads(run('data', path, '--json', cwd=tmp_path)[0])
    assert [seen[o] for o in ('rows', 'users', 'items', 'titles')] == [900, 40, 30, 29]
    assert {o['rating']: o['rows'] for o in seen['histogram']} == films.rating.value_counts().to_dict()
    assert '1 titles stand for several items' in seen['odd'] and seen['mean'] == films.rating.mean()


@pytest.mark.parametrize('name', ['ml-100k', 'ml-latest-small'])
def test_movielens_itself(name, tmp_path):
    "The published data sets, whole, as `load_ratings` reads them"
    try: folder = Path(read_ratings(name).attrs['file']).parent
    except DataError as e:
        if name == 'ml-100k': raise
        pytest.skip(str(e))
    pd.testing.assert_frame_equal(read_ratings(name)[load_ratings(folder).columns], load_ratings(folder), check_dtype=False)
    rows = {'ml-100k': '100,000', 'ml-latest-small': '100,004'}[name]
    out, err = run('data', name, cwd=tmp_path)
    assert str(folder) in out and rows in out and err == ''


def test_ids_keep_type_and_value(tmp_path):
    "Codes with zeros, long numbers, numbers with a point, text that looks like nothing"
    def ids(*texts): return read_ratings(text(pd.DataFrame({'user': texts, 'item': 'x', 'rating': 4}), tmp_path/'x.csv')).user.tolist()
    assert ids('007', '7') == ['007', '7'] and ids('NA', 'nan') == ['NA', 'nan']
    assert ids('12345678901234567890123', '1') == [12345678901234567890123, 1]
    assert ids('9223372036854775808', '-1') == [9223372036854775808, -1]
    assert ids('7.0', '8') == [7, 8] and ids('7.5', '8') == ['7.5', '8']
    assert ids('1e3', '8') == ['1e3', '8'] and ids('True', 'False') == ['True', 'False']


def test_titles_beside_the_ratings(films, tmp_path):
    "An item that movies.csv does not have is called by its id; a movies.csv of another kind is left alone"
    folder = in_csv(films, tmp_path, 'a')
    lines = (folder/'movies.csv').read_text(encoding='utf-8').splitlines(keepends=True)
    (folder/'movies.csv').write_text(''.join(o for o in lines if not o.startswith('12,')), encoding='utf-8')
    df = read_ratings(folder)
    assert set(df.title[df.movie == 12]) == {'12'} and set(df.title[df.movie == 8]) == {'NA'}
    assert '1 items have no title but their id' in run('data', folder, cwd=tmp_path)[0]
    (folder/'movies.csv').write_text('a,b\n1,2\n')
    assert 'title' not in read_ratings(folder)


NO_COLUMNS = 'a,b,c\n1,2,3\n'
GOOD = 'user,item,rating\n1,1,5\n1,2,3\n2,1,4\n'


@pytest.mark.parametrize('content, args, says', [
    (None, [], ['x.csv does not exist', 'ml-100k']),
    ('', [], ['x.csv', 'it is empty']),
    ('\n \n', [], ['it is empty']),
    ('user,item,rating\n', [], ['x.csv', 'no ratings', '0 rows']),
    (b'\x1f\x8b\x08junk', [], ['x.csv', 'no CSV, TSV, Parquet or zip']),
    (b'PAR1 and then nothing', [], ['x.csv cannot be read']),
    (b'PK\x03\x04\0\0', [], ['x.csv', 'no CSV, TSV, Parquet or zip']),
    (NO_COLUMNS, [], ["no column is named user: say which with --user; the columns are 'a', 'b', 'c'"]),
    ('196,242,3,881250949\n', [], ["the columns are '196', '242', '3', '881250949'"]),
    (NO_COLUMNS, ['--user', 'a', '--item', 'd'], ["no column 'd': say which with --item; the columns are 'a', 'b', 'c'"]),
    (NO_COLUMNS, ['--user', 'a', '--item', 'a', '--rating', 'c'], ["column 'a' cannot be user and item at once"]),
    ('user,userId,item,rating\n1,1,1,1\n', [], ["any of 'user', 'userId' may be the user"]),
    ('user,item,rating,rating\n1,1,1,1\n', [], ["column 'rating' stands 2 times: say which with --rating"]),
    ('user,item,timestamp\n1,1,880000000\n', [], ['no column is named rating', "'timestamp'"]),
    (GOOD+'2,2,five\n', [], ["'rating' is not a number in 1 of 4 rows; the first is row 3: 'five'"]),
    (GOOD+'2,2,\n', [], ["'rating' is not a number", 'row 3']),
    (GOOD+'2,2,inf\n', [], ["'rating' is not finite"]),
    (GOOD+',2,3\n', [], ["'user' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2\n', [], ["'item' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2,2,3,9\n', [], ['x.csv cannot be read', 'line 5']),
    (GOOD.replace('\n', ',9\n').replace('rating,9', 'rating'), [], ['more fields than its first line']),
    (GOOD+'2,"2,3\n', [], ['x.csv cannot be read', 'EOF inside string']),
])
def test_a_file_that_is_wrong(content, args, says, tmp_path):
    "One line, which names the file and what is wrong there"
    if content is not None: (tmp_path/'x.csv').write_bytes(content if isinstance(content, bytes) else content.encode())
    out, err = run('data', 'x.csv', *args, cwd=tmp_path, code=2)
    assert out == '' and err.count('\n') == 1 and err.startswith('collab_course: ')
    for words in says: assert words in err
    assert refused('train', 'x.csv', *args, '--out', 'model', cwd=tmp_path) == err
    assert not (tmp_path/'model').exists()


def test_a_folder_or_zip_that_is_wrong(tmp_path, films):
    "No ratings in it, damaged in the middle"
    assert 'holds none of u.data, ratings.csv, ratings.dat' in refused('data', '.', cwd=tmp_path)
    path = zipped(in_csv(films, tmp_path, 'a'))
    data = bytearray(path.read_bytes())
    data[200:240] = bytes(40)
    path.write_bytes(data)
    assert 'a.zip' in refused('data', 'a.zip', cwd=tmp_path)


def test_parquet_without_pyarrow(tmp_path, films):
    "Says what to install"
    films.to_parquet(tmp_path/'x.parquet')
    code = "import sys; sys.modules['pyarrow'] = None; from collab_course.app import main; main()"
    done = subprocess.run([sys.executable, '-c', code, 'data', 'x.parquet'], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count('\n')) == (2, '', 1)
    assert 'x.parquet' in done.stderr and 'pip install pyarrow' in done.stderr


def test_data_of_many_values(tmp_path):
    "Points from 0 to 100 are counted in ten parts; --csv is the histogram"
    df = pd.DataFrame({'user': range(101), 'item': 1, 'rating': range(101)})
    out, _ = run('data', text(df, tmp_path/'x.csv'), '--csv', cwd=tmp_path)
    table = pd.read_csv(io.StringIO(out))
    assert table.columns.to_list() == ['rating', 'rows'] and len(table) == 10 and table['rows'].sum() == 101


@pytest.mark.parametrize('command', COMMANDS)
def test_help_names_every_option(command, tmp_path):
    "And there is an example, which the command line accepts"
    out, err = run(command, '--help', cwd=tmp_path)
    params = _cli.commands[command].params
    for param in params:
        for name in param.opts: assert name in out if name.startswith('-') else name.upper() in out
    assert f'collab_course {command}' in out and 'Example' in out and err == ''
    assert all(param.help for param in params if param.param_type_name == 'option')


def test_top_of_the_command_line(tmp_path):
    "--help has a whole line for each command, --version is quick, and nothing at all is help, too"
    out, _ = run('--help', cwd=tmp_path)
    lines = [line.split(None, 1) for line in out.partition('Commands:')[2].splitlines() if line]
    assert [o[0] for o in lines] == COMMANDS and all(o[1].endswith('.') and '...' not in o[1] for o in lines)
    version, _ = run('--version', cwd=tmp_path)
    assert version == '0.1.0\n'
    done = subprocess.run([COMMAND], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and out == done.stdout + done.stderr
    code = 'import sys, collab_course.app; print(*sys.modules)'
    loaded = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True).stdout.split()
    assert not {'torch', 'fastai', 'matplotlib', 'pandas', 'numpy'} & set(loaded)


@pytest.fixture(scope='module')
def model(tmp_path_factory, films):
    "A folder with films.csv and a model of it, and what `train` printed and said"
    folder = tmp_path_factory.mktemp('model')
    text(films, folder/'films.csv')
    return folder, *run('train', 'films.csv', '--out', 'made/model', '--factors', 3, '--epochs', 2, cwd=folder)


@pytest.fixture(scope='module')
def rec(model):
    "What Python loads from that folder"
    from collab_course.recommend import Recommender
    return Recommender.load(model[0]/'made/model')


def test_train(model, rec, films):
    "One line printed; the columns taken and the progress on standard error; what Python would have trained"
    from collab_course.recommend import Recommender
    folder, out, err = model
    assert out == 'Saved to made/model: Recommender of 40 users, 30 items, 900 ratings\n'
    assert 'user = user, item = movie, rating = rating, title = title' in err and 'it/s' in err
    same = Recommender.fit(films, n_factors=3, n_epoch=2, quiet=True)
    assert same.recommend_all().equals(rec.recommend_all())


def test_train_by_its_options(films, tmp_path):
    "Every option arrives, --quiet is quiet, and columns that were named need no remark"
    from collab_course.recommend import Recommender
    odd = films.rename(columns={'user': 'who', 'movie': 'what', 'rating': 'how', 'title': 'name'})
    text(odd, tmp_path/'x.tsv', sep='\t')
    names = '--user who --item what --rating how --title name'.split()
    recipe = '--factors 2 --epochs 1 --lr 0.02 --wd 0.3 --seed 7 --min-ratings 29 --quiet'.split()
    _, err = quick('train', 'x.tsv', *names, '--out', 'm', *recipe, cwd=tmp_path)
    assert err == ''
    rec = Recommender.fit(films, n_factors=2, n_epoch=1, lr=.02, wd=.3, seed=7, min_ratings=29, quiet=True)
    assert rec.recommend_all().equals(Recommender.load(tmp_path/'m').recommend_all())
    text(odd[odd.who < 20], tmp_path/'x.tsv', sep='\t')
    quick('train', 'x.tsv', *names, '--out', 'm', *recipe, cwd=tmp_path)
    assert len(Recommender.load(tmp_path/'m').users) == 19 and len(list((tmp_path/'m').iterdir())) == 2


LIKES = {'A=B (1999)': 5, 'NA': 2, 'Misérables, Les "1"': 4.5, '20': 1}


def test_recommend(model, rec):
    "Users and likes; JSON and CSV give what Python gives, to the bit; a table gives its rows"
    at = model[0]
    ask = [('--user', 7, '-n', 4), rec.recommend(7, 4)], [[o for k, v in LIKES.items() for o in ('--like', f'{k}={v}')], rec.recommend_new(LIKES)]
    for args, top in ask:
        out, err = run('recommend', 'made/model', *args, '--json', cwd=at)
        assert pd.DataFrame(json.loads(out)).equals(top) and err == ''
        out, err = quick('recommend', 'made/model', *args, '--csv', cwd=at)
        rows = [{**row, 'item': int(row['item']), 'rating': float(row['rating']), 'few': row['few'] == 'True'}
                for row in csv.DictReader(io.StringIO(out))]
        assert pd.DataFrame(rows).equals(top) and err == ''
    lines = quick('recommend', 'made/model', '--user', 7, '-n', 4, cwd=at)[0].splitlines()
    assert len(lines) == 5
    for line, title in zip(lines[1:], rec.recommend(7, 4).title): assert title in line


def test_similar(model, rec):
    "By title, by id; with --ids, 7 is the id and not the film of that name"
    at = model[0]
    for item, args in ('A=B (1999)', []), (7, ['--ids']):
        out, err = quick('similar', 'made/model', item, '-n', 3, '--json', *args, cwd=at)
        assert pd.DataFrame(json.loads(out)).equals(rec.similar(item, 3)) and err == ''


@pytest.mark.parametrize('args, says', [
    (['recommend', 'made/model', '--user', '41'], ['--user', 'unknown: 41; close to 41: [40, 39, 38]']),
    (['recommend', 'made/model', '--like', 'Film 1999=3'], ['--like', "'Film 1999'", "'Film 19'"]),
    (['recommend', 'made/model', '--like', 'Twin=3'], ['--like', "'Twin' may be any of 3, 4: say the id"]),
    (['recommend', 'made/model', '--like', 'Film 1=9'], ["ratings go from 1 to 5, and 'Film 1' has 9"]),
    (['recommend', 'made/model', '--like', 'Film 1=5', '--like', '1=5'], ['is rated twice']),
    (['recommend', 'made/model', '--like', 'Film 1'], ["'Film 1' is not ITEM=RATING"]),
    (['recommend', 'made/model', '--like', 'Film 1=3', '--ids'], ["unknown: 'Film 1'"]),
    (['similar', 'made/model', '7'], ["'7' may be any of 5, 7"]),
    (['similar', 'made/model', 'film 2'], ["'film 2'", "'Film 2'"]),
    (['recommend', '.', '--user', '1'], ['. holds no recommender.json']),
])
def test_what_the_recommender_refuses(model, args, says):
    "Comes through as one line, with what is close"
    err = refused(*args, cwd=model[0])
    for words in says: assert words in err


@pytest.mark.parametrize('args, says', [
    (['recommend', 'made/model'], 'either --user ID, or --like ITEM=RATING'),
    (['recommend', 'made/model', '--user', '1', '--like', 'Film 1=3'], 'either --user ID, or --like'),
    (['recommend', 'made/model', '--user', '1', '-n', '0'], "'-n'"), (['recommend', 'no', '--user', '1'], "'no' does not exist"),
    (['recommend', 'films.csv', '--user', '1'], 'films.csv'), (['similar', 'made/model'], 'ITEM'), (['similar'], 'MODEL'),
    (['train', 'films.csv'], '--out'), (['train', 'films.csv', '--out', 'films.csv/x'], 'cannot write to films.csv/x'),
    (['train', 'films.csv', '--out', 'm', '--lr', 'nan'], '--lr'), (['train', 'films.csv', '--out', 'm', '--wd', '-1'], '--wd'),
    (['train', 'films.csv', '--out', 'm', '--epochs', '0'], '--epochs'), (['evaluate', 'films.csv', '--share', '1'], '--share'),
    (['evaluate', 'films.csv', '--protocol', 'leave-one-out'], "'random', 'folds', 'time'"), (['evaluate', 'films.csv', '-k', '0'], "'-k'"),
    (['evaluate', 'films.csv', '--protocol', 'time', '--time', 'when'], "no column 'when': say which with --time"),
    (['evaluate', 'wordy.csv', '--protocol', 'time', '--time', 'when'], "the time 'soon' is neither a number nor an ISO date"),
    (['evaluate', 'untimed.csv', '--protocol', 'time'], 'there is no column timestamp: say which with --time'),
    (['evaluate', 'untimed.csv', '--share', '0.1'], '3 rows are too few to hold some back'), (['trian'], 'trian'),
])
def test_other_mistakes(model, args, says):
    "Exit code 2, one line that names it, and no folder is left"
    (model[0]/'untimed.csv').write_text(GOOD)
    (model[0]/'wordy.csv').write_text('user,movie,rating,when\n1,2,3,soon\n2,3,4,later\n')
    assert says in refused(*args, cwd=model[0])
    assert not (model[0]/'m').exists()


def test_a_damaged_model(model, tmp_path):
    "Cut off, or of another kind"
    folder = shutil.copytree(model[0]/'made/model', tmp_path/'m')
    weights, = folder.glob('*.safetensors')
    weights.write_bytes(weights.read_bytes()[:-1])
    assert 'not what was saved' in refused('recommend', 'm', '--user', 1, cwd=tmp_path)
    (folder/'recommender.json').write_text('{}')
    assert 'not a saved Recommender' in refused('similar', 'm', 'Film 1', cwd=tmp_path)


def test_evaluate(films, tmp_path):
    "What is printed is the error of a model that has not seen those rows; all forms agree"
    from collab_course.recommend import Recommender
    path, recipe = text(films, tmp_path/'x.csv'), ['--factors', 3, '--seed', 5, '--quiet']
    shown, err = run('evaluate', path, *recipe, '--json', cwd=tmp_path)
    row, = json.loads(shown)
    train, valid = split_random(films, .2, seed=5)
    rest = films.iloc[valid]
    rec = Recommender.fit(films.iloc[train], n_factors=3, seed=5, quiet=True)
    error = rec.predict(rest.user, rest.movie) - rest.rating
    assert row['rmse'] == pytest.approx(np.sqrt((error**2).mean()), abs=1e-6)
    assert row['mae'] == pytest.approx(error.abs().mean(), abs=1e-6)
    assert (row['split'], row['n'], row['unknown_users'], row['unknown_items'], err) == ('random', len(valid), 0, 0, '')
    assert all(0 <= row[o] <= 1 for o in ('ndcg', 'recall', 'coverage'))
    assert isinstance(row['n'], int)
    for args, less in (['--good', 4], 0), (['--good', 5], 1), (['-k', 3], 1):
        other = json.loads(quick('evaluate', path, *recipe, '--json', *args, cwd=tmp_path)[0])[0]
        assert other['rmse'] == row['rmse'] and (other['recall'] != row['recall']) == less


def test_evaluate_by_folds_and_time(films, tmp_path):
    "Five parts that are all rows, and their mean; the latest rows, by a column of another name"
    path = text(films, tmp_path/'x.csv')
    shown, err = quick('evaluate', path, '--protocol', 'folds', '--epochs', 1, '--factors', 2, '--csv', cwd=tmp_path)
    table = pd.read_csv(io.StringIO(shown)).set_index('split')
    assert table.index.to_list() == [f'fold {k}' for k in range(1, 6)] + ['mean'] and 'it/s' in err
    assert table.n[:5].sum() == len(films) and table.rmse['mean'] == pytest.approx(table.rmse[:5].mean())
    when = pd.to_datetime(films.timestamp, unit='s').dt.strftime('%Y-%m-%dT%H:%M:%S')
    text(films.drop(columns='timestamp').assign(seen=when), path)
    shown, _ = quick('evaluate', path, '--protocol', 'time', '--time', 'seen', '--share', .1, '--epochs', 1, '--json', cwd=tmp_path)
    assert json.loads(shown)[0]['n'] == len(split_time(films, .1)[1])
    shown, _ = quick('evaluate', path, '--protocol', 'random', '--epochs', 1, '--quiet', cwd=tmp_path)
    assert shown.split()[:3] == ['split', 'rmse', 'mae'] and len(shown.splitlines()) == 2


def test_titles_cannot_command_the_terminal(films, tmp_path):
    "A table shows no control characters; a terminal that lacks a letter is no reason to fail"
    bad = films.replace({'Film 1': '\x1b[2J\x07Film 1', 'Film 2': 'Film \u202e2', 'Film 12': '\u4e2d'})
    text(bad, tmp_path/'x.csv')
    quick('train', 'x.csv', '--out', 'm', '--epochs', 1, '--quiet', cwd=tmp_path)
    env = {**os.environ, 'PYTHONIOENCODING': 'latin-1'}
    out, _ = run('similar', 'm', 3, '-n', 30, cwd=tmp_path, env=env, encoding='latin-1')
    for words in '?[2J?Film 1', 'Film ?2', '\\u4e2d', 'Misérables, Les': assert words in out
    assert not any(ord(c) < 32 and c != '\n' for c in out)


@pytest.mark.parametrize('args', [('--help',), ('data', 'films.csv'), ('data', 'films.csv', '--json')])
def test_a_pipe_that_closes(model, args):
    "`| head` has seen enough: not a word"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([COMMAND, *args], cwd=model[0], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.stderr == b'' and done.returncode == 1


def test_ctrl_c_in_training(model, tmp_path):
    "130, and the model that was there is still there"
    shutil.copytree(model[0]/'made/model', tmp_path/'m')
    before = {path.name: path.read_bytes() for path in (tmp_path/'m').iterdir()}
    args = 'train', model[0]/'films.csv', '--out', 'm', '--epochs', '100000'
    process = subprocess.Popen([COMMAND, *args], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        seen = b''
        while b'it/s' not in seen and process.poll() is None: seen += process.stderr.read(1)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    finally: process.kill()
    assert process.returncode == 130 and out == b'' and b'Traceback' not in err
    assert err.strip().endswith(b'collab_course: interrupted')
    assert {path.name: path.read_bytes() for path in (tmp_path/'m').iterdir()} == before


def test_mistakes_that_show_late(films, tmp_path):
    "Training that runs away, one pair again and again, a column in two roles, a broken zip: one line each"
    films.to_csv(tmp_path/'films.csv', index=False)
    films.assign(rating=1e39*films.rating).to_csv(tmp_path/'huge.csv', index=False)
    (tmp_path/'same.csv').write_text('user,movie,rating\n' + 12*'1,1,5\n')
    with zipfile.ZipFile(tmp_path/'films.zip', 'w') as z: z.write(tmp_path/'films.csv', 'ratings.csv')
    data = (tmp_path/'films.zip').read_bytes().replace(b'PK\1\2', b'\0K\1\2')
    (tmp_path/'films.zip').write_bytes(data)
    for args, says in [
            (['train', 'films.csv', '--out', 'm', '--lr', 1, '--wd', 10, '--epochs', 400, '--quiet'], 'ran away'),
            (['evaluate', 'same.csv', '--quiet'], 'nothing is left to hold back'),
            (['evaluate', 'same.csv', '--protocol', 'folds', '--quiet'], 'nothing is left to hold back'),
            (['evaluate', 'films.csv', '--protocol', 'time', '--time', 'rating'], 'rating and time at once'),
            (['data', 'films.csv', '--title', 'user'], 'user and title at once'), (['data', 'films.zip'], 'films.zip'),
            (['data', 300*'x'], 'name too long')]:
        assert says in refused(*args, cwd=tmp_path), args
    assert not (tmp_path/'m/recommender.json').exists()


def test_tables_that_are_legal(films, tmp_path):
    "A saved index in a TSV, ids with blanks, titles for ids of another kind, a title with a line's end in it"
    films.to_csv(tmp_path/'films.tsv', sep='\t')
    want = json.loads(quick('data', 'films.tsv', '--json', cwd=tmp_path)[0])
    assert want['rows'] == len(films)
    (tmp_path/'blanks.csv').write_text('user, movie, rating\n1 , 2 , 5\n1, 3, 4\n 2,2,3\n')
    assert json.loads(quick('data', 'blanks.csv', '--json', cwd=tmp_path)[0])['users'] == 2
    (tmp_path/'ml').mkdir()
    films[['user', 'movie', 'rating', 'timestamp']].to_csv(tmp_path/'ml/ratings.csv', index=False)
    (tmp_path/'ml/movies.csv').write_text('movieId,title\n' + ''.join(f'{m},Film {m}\n' for m in range(1, 31)) + 'x9,Odd\n')
    assert 'no title' not in quick('data', 'ml', cwd=tmp_path)[0]
    films.assign(title=films.movie.map('Film\r{}'.format)).to_csv(tmp_path/'lines.csv', index=False, quoting=csv.QUOTE_NONNUMERIC)
    quick('train', 'lines.csv', '--out', 'm', '--epochs', 1, '--factors', 2, '--quiet', cwd=tmp_path)
    shown = quick('recommend', 'm', '--user', 1, '--csv', cwd=tmp_path)[0]
    rows = list(csv.reader(io.StringIO(shown, newline='')))
    assert all(len(row) == len(rows[0]) for row in rows) and any('\n' in row[1] for row in rows) # as it was read back
