"Files of ratings of every kind, and what is said when one is wrong"
import csv
import gzip
import subprocess
import sys
import zipfile

import pandas as pd
import pytest

from collab_course.data import DataError, load_ratings, read_ratings
from collab_course.ids import RatingsError
from collab_course.read import find_ratings, read_file, read_items

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


def alone_in_a_zip(df, tmp):
    "One file in a zip, whatever it is called"
    with zipfile.ZipFile(tmp/'x.zip', 'w') as z: z.writestr('what/ever.txt', df.to_csv(index=False))
    return tmp/'x.zip'


KINDS = {
    'csv': lambda df, tmp: text(df, tmp/'x.csv'),
    'tsv': lambda df, tmp: text(df, tmp/'x.tsv', sep='\t'),
    'semicolons': lambda df, tmp: text(df, tmp/'x.txt', sep=';'),
    'other order': lambda df, tmp: text(by_number(df)[['timestamp', 'Rating', 'title', 'movie_id', 'userId']], tmp/'x.csv'),
    'saved index': lambda df, tmp: text(df, tmp/'x.csv', index=True),
    'saved index in a tsv': lambda df, tmp: text(df, tmp/'x.tsv', sep='\t', index=True),
    'byte order mark': lambda df, tmp: text(df, tmp/'x.csv', 'utf-8-sig'),
    'latin-1': lambda df, tmp: text(df, tmp/'x.csv', 'latin-1'),
    'utf-16': lambda df, tmp: text(df, tmp/'x.csv', 'utf-16', sep='\t'),
    'Windows lines': lambda df, tmp: text(df, tmp/'x.csv', lineterminator='\r\n'),
    'all quoted': lambda df, tmp: text(df, tmp/'x.csv', quoting=1),
    'parquet': lambda df, tmp: df.to_parquet(tmp/'x.parquet') or tmp/'x.parquet',
    'parquet, categories': lambda df, tmp: df.astype({'title': 'category'}).to_parquet(tmp/'x') or tmp/'x',
    'a zip of one file': alone_in_a_zip,
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
def test_every_kind_of_file_gives_the_same_frame(kind, films, tmp_path):
    "Ids as numbers, titles as text, accents whole, times as they were"
    path = KINDS[kind](films, tmp_path)
    df = read_ratings(path)
    pd.testing.assert_frame_equal(df[films.columns], films, check_dtype=False)
    assert df[['user', 'movie', 'rating', 'timestamp']].dtypes.eq('int64').all()
    assert sorted(df.attrs['columns']) == ['item', 'rating', 'time', 'title', 'user'] and str(path) in df.attrs['file']


@pytest.mark.parametrize('layout', [('ratings.csv', 'movies.csv'), ('ratings.dat', 'movies.dat')])
def test_load_ratings_reads_movielens_layouts_as_read_ratings_does(layout, films, tmp_path):
    "In a folder, and in a zip, which is unpacked into the cache"
    names = dict(user='userId', movie='movieId') if layout[0].endswith('csv') else {}
    folder = movielens(films, tmp_path/'a', *layout, **names)
    with pytest.MonkeyPatch.context() as m:
        m.setenv('FASTAI_HOME', str(tmp_path/'home'))
        for source in folder, zipped(folder):
            pd.testing.assert_frame_equal(load_ratings(source)[films.columns], read_ratings(source)[films.columns], check_dtype=False)


@pytest.mark.parametrize('name', ['ml-100k', 'ml-latest-small'])
def test_published_data_sets_are_read_alike(name):
    "Whole, by name, as `load_ratings` reads them"
    try: df = read_ratings(name)
    except DataError as e:
        if name == 'ml-100k': raise
        pytest.skip(str(e))
    pd.testing.assert_frame_equal(df[load_ratings(name).columns], load_ratings(name), check_dtype=False)
    assert len(df) == {'ml-100k': 100_000, 'ml-latest-small': 100_004}[name]


def test_ids_keep_type_and_value(tmp_path):
    "Codes with zeros, long numbers, numbers with a point, text that looks like nothing"
    def ids(*texts): return read_ratings(text(pd.DataFrame({'user': texts, 'item': 'x', 'rating': 4}), tmp_path/'x.csv')).user.tolist()
    assert ids('007', '7') == ['007', '7'] and ids('NA', 'nan') == ['NA', 'nan']
    assert ids('12345678901234567890123', '1') == [12345678901234567890123, 1]
    assert ids('9223372036854775808', '-1') == [9223372036854775808, -1]
    assert ids('7.0', '8') == [7, 8] and ids('7.5', '8') == ['7.5', '8']
    assert ids('1e3', '8') == ['1e3', '8'] and ids('True', 'False') == ['True', 'False']


def test_titles_come_from_the_file_beside_the_ratings(films, tmp_path):
    "An item that movies.csv does not have is called by its id; a movies.csv of another kind is left alone"
    folder = in_csv(films, tmp_path, 'a')
    lines = (folder/'movies.csv').read_text(encoding='utf-8').splitlines(keepends=True)
    (folder/'movies.csv').write_text(''.join(o for o in lines if not o.startswith('12,')), encoding='utf-8')
    df = read_ratings(folder)
    assert df.attrs['columns']['title'] == 'title in movies.csv'
    assert set(df.title[df.movie == 12]) == {'12'} and set(df.title[df.movie == 8]) == {'NA'}
    assert set(df.title[df.movie == 3]) == {'Twin'}
    (folder/'movies.csv').write_text('movieId,title\n' + ''.join(f'{m},Film {m}\n' for m in range(1, 31)) + 'x9,Odd\n')
    df = read_ratings(folder) # ids of ratings are numbers, those of movies are text now
    assert (df.title == 'Film ' + df.movie.map(str)).all()
    (folder/'movies.csv').write_text('a,b\n1,2\n')
    assert 'title' not in read_ratings(folder)


def test_blanks_and_line_ends_are_legal(films, tmp_path):
    "Ids with blanks around them; a blank title, shown by its id; a title with a line's end in it"
    (tmp_path/'x.csv').write_text('user, movie, rating, title\n1 , 2 , 5,\n1, 3, 4,Heat\n 2,2,3,\n')
    df = read_ratings(tmp_path/'x.csv')
    assert df.user.tolist() == [1, 1, 2] and df.title.tolist() == ['2', 'Heat', '2']
    films.assign(title=films.movie.map('Film\r{}'.format)).to_csv(tmp_path/'x.csv', index=False, quoting=csv.QUOTE_NONNUMERIC)
    assert len(read_ratings(tmp_path/'x.csv')) == len(films)


def test_times_are_numbers_or_iso_dates(tmp_path):
    "With and without a zone; a column of them is looked for by name, and may be left out"
    def times(*texts, **names):
        return read_ratings(text(pd.DataFrame({'user': 1, 'item': [1, 2], 'rating': 4, 'timestamp': texts}), tmp_path/'x.csv'), **names)
    assert times('12', '7.5').timestamp.tolist() == [12, 7.5]
    df = times('2020-01-01T01:00:00+02:00', '2019-12-31')
    assert df.timestamp.tolist() == [pd.Timestamp('2019-12-31 23:00'), pd.Timestamp('2019-12-31')]
    assert 'timestamp' not in times('soon', 'later', time=False)
    with pytest.raises(DataError, match="the time 'soon' is neither a number nor an ISO date"): times('soon', '1')


NO_COLUMNS = 'a,b,c\n1,2,3\n'
GOOD = 'user,item,rating\n1,1,5\n1,2,3\n2,1,4\n'


@pytest.mark.parametrize('content, names, says', [
    (None, {}, ['x.csv does not exist', 'ml-100k']),
    ('', {}, ['x.csv', 'it is empty']),
    ('\n \n', {}, ['it is empty']),
    ('user,item,rating\n', {}, ['x.csv', 'no ratings', '0 rows']),
    (b'\x1f\x8b\x08junk', {}, ['x.csv', 'no CSV, TSV, Parquet or zip', 'gzip']),
    (gzip.compress(GOOD.encode(), mtime=0), {}, ['x.csv', 'gzip: unpack it']),
    (b'PAR1 and then nothing', {}, ['x.csv cannot be read']),
    (b'PK\x03\x04\0\0', {}, ['x.csv is damaged', 'not a zip']),
    ('{"user": 1, "item": 2}\n', {}, ['x.csv', 'it is JSON']),
    (NO_COLUMNS, {}, ["no column is named user: say which with user=, or --user; the columns are 'a', 'b', 'c'"]),
    ('196,242,3,881250949\n', {}, ["the columns are '196', '242', '3', '881250949'", 'no header line?']),
    (NO_COLUMNS, dict(user='a', item='d'), ["no column 'd': say which with item=, or --item; the columns are 'a', 'b', 'c'"]),
    (NO_COLUMNS, dict(user='a', item='a', rating='c'), ["column 'a' cannot be user and item at once"]),
    (GOOD, dict(title='user'), ['user and title at once']),
    ('user,userId,item,rating\n1,1,1,1\n', {}, ["any of 'user', 'userId' may be the user"]),
    ('user,item,rating,rating\n1,1,1,1\n', {}, ["column 'rating' stands 2 times: say which with rating=, or --rating"]),
    ('user,item,timestamp\n1,1,880000000\n', {}, ['no column is named rating', "'timestamp'"]),
    (GOOD+'2,2,five\n', {}, ["'rating' is not a number in 1 of 4 rows; the first is row 3: 'five'"]),
    (GOOD+'2,2,\n', {}, ["'rating' is not a number", 'row 3']),
    (GOOD+'2,2,inf\n', {}, ["'rating' is not finite"]),
    (GOOD+',2,3\n', {}, ["'user' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2\n', {}, ["'item' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2,2,3,9\n', {}, ['x.csv cannot be read', 'line 5']),
    (GOOD.replace('\n', ',9\n').replace('rating,9', 'rating'), {}, ['more fields than its first line']),
    (GOOD+'2,"2,3\n', {}, ['x.csv cannot be read', 'EOF inside string']),
])
def test_a_wrong_file_is_an_error_that_names_it(content, names, says, tmp_path):
    "The file, and what is wrong there, in one line"
    path = tmp_path/'x.csv'
    if content is not None: path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises((DataError, RatingsError)) as e: read_ratings(path, **names)
    assert '\n' not in str(e.value) and str(path) in str(e.value)
    for words in says: assert words in str(e.value)


def test_a_wrong_folder_or_zip_is_an_error_that_names_it(tmp_path, films):
    "No ratings in it, damaged in the middle, damaged in its list, several files of other names, a spreadsheet"
    def refused(path, says):
        with pytest.raises(DataError, match=says) as e: read_ratings(path)
        assert path.name in str(e.value)
    refused(tmp_path, 'holds none of u.data, ratings.csv, ratings.dat')
    path = zipped(in_csv(films, tmp_path, 'a'))
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes(40) + whole[240:])
    refused(path, 'a.zip')
    path.write_bytes(whole.replace(b'PK\1\2', b'\0K\1\2'))
    refused(path, 'is damaged')
    for names, says in (['rating.csv', 'movie.csv'], "but 'rating.csv', 'movie.csv'"), (['xl/workbook.xml', 'x'], 'Excel'):
        with zipfile.ZipFile(path, 'w') as z:
            for name in names: z.writestr(name, GOOD)
        refused(path, says)


def test_a_pipe_is_named_as_one():
    "It could be read only once"
    code = "from collab_course.read import find_ratings; find_ratings('/dev/stdin')"
    done = subprocess.run([sys.executable, '-c', code], input=GOOD, capture_output=True, text=True)
    assert done.returncode and 'is a pipe or a device' in done.stderr


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, films):
    "One sentence"
    films.to_parquet(tmp_path/'x.parquet')
    code = "import sys; sys.modules['pyarrow'] = None; from collab_course.data import read_ratings; read_ratings('x.parquet')"
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode and 'x.parquet' in last and 'pip install pyarrow' in last


def test_inexact_reading_gives_the_same_for_plain_numbers(films, tmp_path):
    "What `load_ratings` asks for: faster, the same frame where ids are numbers"
    for kind in 'csv', 'ratings.dat in a folder', 'u.data in a zip', 'latin-1':
        (tmp_path/kind).mkdir()
        path = KINDS[kind](films, tmp_path/kind)
        exact, quick = read_file(path), read_file(path, exact=False)
        pd.testing.assert_frame_equal(exact, quick, check_dtype=False)
        assert (exact.select_dtypes('number').dtypes == quick.select_dtypes('number').dtypes).all()


def test_items_are_read_from_each_layout(films, tmp_path):
    "Ids as numbers, titles and genres as text; None where there is no such file"
    want = films.drop_duplicates('movie')[['movie', 'title']].to_numpy().tolist()
    for ratings, movies in ('ratings.csv', 'movies.csv'), ('ratings.dat', 'movies.dat'), ('u.data', 'u.item'):
        folder = movielens(films, tmp_path/ratings, ratings, movies, movie='movieId')
        items = read_items(find_ratings(folder))
        assert items[['item', 'title']].to_numpy().tolist() == want
        assert set(items.genres) == {'' if movies == 'u.item' else 'Drama'}
        assert read_items(find_ratings(zipped(folder))).equals(items)
        (folder/movies).unlink()
        assert read_items(find_ratings(folder)) is None


def test_a_home_folder_sign_is_expanded(films, tmp_path, monkeypatch):
    "As in a shell"
    monkeypatch.setenv('HOME', str(tmp_path))
    text(films, tmp_path/'x.csv')
    assert len(read_ratings('~/x.csv')) == len(read_file('~/x.csv')) == len(films)


def test_inexact_reading_of_a_column_that_turns_to_text_late(tmp_path):
    "pandas reads large files in pieces, and a piece of numbers as numbers"
    n = 400_000
    (tmp_path/'x.csv').write_text('user,item,rating,timestamp\n' + ''.join(f'{k},{k},3,{k}\n' for k in range(n)) + 'x,1,4,5\n')
    df = read_file(tmp_path/'x.csv', exact=False)
    assert len(df) == n+1 and df.user.iloc[-1] == 'x' and df.user.iloc[0] == '0' and df.rating.dtype == 'int64'
