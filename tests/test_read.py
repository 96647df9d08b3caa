"Files of ratings of every kind, and what is said when one is wrong"
import bz2
import csv
import gzip
import json
import lzma
import os
import subprocess
import sys
import tempfile
import warnings
import zipfile
from decimal import Decimal
from threading import Thread

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as pq
import pytest

from collab_course.data import DataError, get_data, load_ratings, read_ratings
from collab_course.ids import RatingsError, tiny_ratings
from collab_course.ratings import Ratings
from collab_course.read import find_ratings, read_file, read_items, read_titles
from collab_course.store_of_ratings import ratings_store

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


def packed(pack, name='x.csv'):
    "A file of text, packed; its name does not say so"
    return lambda df, tmp: (tmp/name).write_bytes(pack(df.to_csv(index=False).encode())) and tmp/name


def in_a_pipe(df, tmp):
    "A named pipe, into which the file is written once"
    os.mkfifo(tmp/'pipe')
    Thread(target=(tmp/'pipe').write_bytes, args=[df.to_csv(index=False).encode()], daemon=True).start()
    return tmp/'pipe'


def among_others_in_a_zip(df, tmp):
    "Named as if the zip were a folder; what macOS adds is no table"
    with zipfile.ZipFile(tmp/'x.zip', 'w') as z:
        for name in 'other.csv', '__MACOSX/._mine.csv': z.writestr(name, 'a,b')
        z.writestr('mine.csv', df.to_csv(index=False))
    return tmp/'x.zip/mine.csv'


def beside_a_readme_in_a_zip(df, tmp):
    "The one table"
    with zipfile.ZipFile(tmp/'x.zip', 'w') as z:
        for name in 'README.txt', 'licence.pdf', '.DS_Store', '__MACOSX/._mine.csv': z.writestr(name, 'words')
        z.writestr('mine.csv', df.to_csv(index=False))
    return tmp/'x.zip'


def with_blank_lines(df, tmp):
    "Some of them with blanks, between the rows and around them"
    lines = df.to_csv(index=False).splitlines()
    return (tmp/'x.csv').write_text('\n \n' + '\n\n'.join(lines[:9]) + '\n  \n' + '\n'.join(lines[9:]) + '\n\n\n', encoding='utf-8') and tmp/'x.csv'


KINDS = {
    'gzip': packed(gzip.compress), 'gzip by name': packed(gzip.compress, 'x.csv.gz'), 'bzip2': packed(bz2.compress), 'xz': packed(lzma.compress),
    'gzip in two parts': packed(lambda data: gzip.compress(data[:777])+gzip.compress(data[777:])),
    'zst': packed(lambda data: pyarrow.compress(data, 'zstd', asbytes=True)),
    'zst in two parts': packed(lambda data: b''.join(pyarrow.compress(o, 'zstd', asbytes=True) for o in (data[:777], data[777:]))),
    'a pipe': in_a_pipe, 'named in a zip': among_others_in_a_zip, 'one table in a zip': beside_a_readme_in_a_zip, 'blank lines': with_blank_lines,
    'comments': lambda df, tmp: (tmp/'x.csv').write_text('# from, a shop, of, ours, in, 2026\n\n% "the\n' + df.to_csv(index=False), encoding='utf-8') and tmp/'x.csv',
    'Excel says the separator': lambda df, tmp: (tmp/'x.csv').write_text('sep=;\n' + df.to_csv(index=False, sep=';'), encoding='utf-8-sig') and tmp/'x.csv',
    'utf-32': lambda df, tmp: text(df, tmp/'x.csv', 'utf-32'),
    'quotes with backslashes': lambda df, tmp: text(df, tmp/'x.csv', sep=';', quoting=csv.QUOTE_NONNUMERIC, doublequote=False, escapechar='\\'),
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


@pytest.mark.filterwarnings('ignore:.* is not UTF-8') # which a test of its own looks at
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
    (b'\x1f\x8b\x08junk', {}, ['x.csv cannot be read', 'ended before']),
    (gzip.compress(GOOD.encode(), mtime=0)[:-9], {}, ['x.csv cannot be read', 'ended before']),
    (pyarrow.compress(GOOD.encode(), 'zstd', asbytes=True)[:-3], {}, ['x.csv cannot be read', 'Truncated']),
    (b'PAR1 and then nothing', {}, ['x.csv cannot be read']),
    (b'PK\x03\x04\0\0', {}, ['x.csv is damaged', 'not a zip']),
    ('{"user": 1, "item": 2}\n', {}, ['x.csv', 'it is JSON']),
    (NO_COLUMNS, {}, ["no column is named user: say which with user=, or --user; the columns are 'a', 'b', 'c'"]),
    ('196,242,3,881250949\n', {}, ["the columns are '196', '242', '3', '881250949'", 'no header line?']),
    (NO_COLUMNS, dict(user='a', item='d'), ["no column 'd': say which with item=, or --item; the columns are 'a', 'b', 'c'"]),
    (NO_COLUMNS, dict(user='a', item='a', rating='c'), ["column 'a' cannot be user and item at once"]),
    (GOOD, dict(title='user'), ['user and title at once']),
    ('user,userId,item,rating\n1,1,1,1\n', {}, ["any of 'user', 'userId' may be the user"]),
    ('user,item,rating,rating\n1,1,1,1\n', {}, ["column 'rating' is there 2 times: say which with rating=, or --rating"]),
    ('user,item,timestamp\n1,1,880000000\n', {}, ['no column is named rating', "'timestamp'"]),
    (GOOD+'2,2,five\n', {}, ["'rating' is not a number in 1 of 4 rows; the first is row 3: 'five'"]),
    (GOOD+'2,2,\n', {}, ["'rating' is not a number", 'row 3']),
    (GOOD+'2,2,inf\n', {}, ["'rating' is not finite"]),
    (GOOD+',2,3\n', {}, ["'user' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2\n', {}, ["'item' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2,2,3,9\n', {}, ['x.csv cannot be read', 'line 5']),
    (GOOD.replace('\n', ',9\n').replace('rating,9', 'rating'), {}, ['more fields than its first line']),
    (GOOD+'2,"2,3\n', {}, ['x.csv cannot be read', 'line 5 has a quote that is out of order']),
    (GOOD.encode('utf-16-le'), {}, ['there are zero bytes in it', 'encoding="utf-16-le"']),
    (GOOD.encode()+b'3,\0,4\n', {}, ['it is not text']),
    (b'\xef\xbb\xbf'+GOOD.encode()+b'\xe9,1,2\n', {}, ["can't decode byte 0xe9"]),
    (GOOD, dict(encoding='latin-99'), ["encoding='latin-99' is not known"]),
    (GOOD.encode()+'Амели,1,2\n'.encode('cp1251'), dict(encoding='utf-8'), ["can't decode byte"]),
    (GOOD, dict(header=False), ["'column 2' is not a number", "the first is row 0: 'rating'"]),
    ('1,2\n', dict(header=False), ['there are 2 columns without names', '--rating']),
    ('1,2,3,4,5\n', dict(header=False), ['there are 5 columns without names']),
    ('1,2,3\n', dict(header=False, user=7), ["no column 'column 7'", "'column 0', 'column 1', 'column 2'"]),
    ('1,2,3\n', dict(header=False, user=2), ["'column 2' cannot be user and rating at once"]),
    (GOOD, dict(drop=[3, 4, '5']), ['all of its 3 rows have ratings that are to be left out']),
    ('[{"user": 1, "item": 1, "rating": 4}]', {}, ['it is JSON, all of it one list']),
    ('[\n{"user": 1, "item": 1, "rating": 4}]', {}, ['it is JSON, all of it one list']),
    ('{"user": 1, "item": 1, "rating": 4}\n[3]\n', {}, ['it is JSON, and line 2 is not an object']),
    ('{"user": 1, "item": {"id": 7}, "rating": 4}\n', {}, ["line 1 of this JSON has {'id': 7} for a value"]),
    ("{'user': 1, 'item': 1, 'rating': 4}\n", {}, ['it is JSON, and there is no object in line 1']),
    ('{"user": 1, "rating": 4}\n', {}, ["it is JSON, with keys: no column is named item"]),
    ('user\titem\trating\nd\td\tc\n\t\tclass\n1\t1\t5\n', {}, ['a table of Orange', 'save it as CSV']),
    ('D#user\tD#item\tC#rating\n1\t1\t5\n', {}, ['a table of Orange']),
    ('user,'+','.join(f'joke{k}' for k in range(30))+'\nann,'+','.join('5' for k in range(30))+'\n', {}, ['Is it a wide table', 'pandas.melt']),
    (b'\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1', {}, ['it is an Excel file', 'as CSV']),
    (gzip.compress(b'\0'*257+b'ustar', mtime=0), {}, ['it is a tar archive']),
    (b'SQLite format 3\0', {}, ['SQLite']), (b'\x80\x04\x95', {}, ['pickle']), (b'\x89HDF\r\n', {}, ['HDF5']), (b'ARROW1\0\0', {}, ['Arrow']),
    ('\n<!DOCTYPE html>\n<html>', {}, ['it is a web page']), ('<?xml version="1.0"?>', {}, ['it is XML']),
    ('version https://git-lfs.github.com/spec/v1\n', {}, ['Git LFS']),
    ('%%MatrixMarket matrix coordinate real general\n2 2 1\n1 1 3\n', dict(header=False), ['MatrixMarket', 'scipy.io.mmread']),
    ('<table>\n<tr>', {}, ['it is XML']),
    ('1:\n5,3,2005-01-01\n7:,4,2005-01-01\n6,2,2005-01-01\n', {}, ["line 3 is no rating, nor an item such as 7:", "'7:,4,2005-01-01'"]),
    ('\n1:\n5,3,2005-01-01\n \na:\n6,2,2005-01-01\n', {}, ["line 5 is no rating, nor an item such as 7:", "'a:'"]),
    ('2::c::4::9\n\n1:2:3:4:5:6:7\n', dict(header=False), ["line 3 has colons that are not in pairs: '1:2:3:4:5:6:7'"]),
    ('user::item::rating\n2::c::4\n1::3:x:4\n', {}, ["line 3 has colons that are not in pairs"]),
    ('"user\nid",item,rating\n1,1,1\n', {}, ['line 1, its header, has a quote that is not closed', 'a line break in a name?']),
    ('user,item,rating,"my\ntitle"\n1,1,1,x\n', {}, ['line 1, its header']),
    (f'user,item,rating\n1,1,1\n{"9"*5000},1,1\n', {},
     ["'user' has more than 300 digits in 1 of 2 rows; the first is row 1: '999", '... (5,002 characters)']),
    (f'user,item,rating\n1,1,1\n2,1,{"9"*5000}\n', {}, ["'rating' is not a number in 1 of 2 rows; the first is row 1: '999", '... (5,002 characters)']),
    ('{"user": "a", "item": 1, "rating": 4}\n{"user": "\\ud800", "item": 1, "rating": 4}\n', {}, ["line 2 of this JSON has half a character in 'user'"]),
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
    for names, says in (([], 'is an empty zip'), (['u.data', 'a/ratings.csv'], "holds 'a/ratings.csv', 'u.data': name the file"),
                        (['xl/workbook.xml', 'x'], 'Excel'), (['mimetype', 'META-INF/manifest.xml', 'content.xml'], 'OpenDocument'), (['a.npy'], 'numpy'),
                        (['rating.csv', 'movie.csv'], "but 'rating.csv', 'movie.csv': name the file, as in a.zip/FILE")):
        with zipfile.ZipFile(path, 'w') as z:
            for name in names: z.writestr(name, GOOD)
        refused(path, says)
    with pytest.raises(DataError, match="holds no 'b.csv', but 'rating.csv', 'movie.csv'"): read_ratings(path/'b.csv')
    (tmp_path/'some.csv').touch()
    refused(tmp_path, "but '.*some.csv': name the file")
    for name in 'ratings.csv', 'u.data': (tmp_path/name).write_text(GOOD)
    refused(tmp_path, "holds 'u.data', 'ratings.csv': name the file")


def test_an_empty_name_is_not_the_current_folder(tmp_path, monkeypatch):
    "As a shell gives it where a variable is not set"
    (tmp_path/'ratings.csv').write_text(GOOD)
    (tmp_path/'movies.csv').write_text('movieId,title\n1,a\n2,b\n')
    monkeypatch.chdir(tmp_path)
    for read in (read_ratings, find_ratings, load_ratings, lambda name: read_ratings('ratings.csv', titles=name), lambda name: get_data(source=name)):
        with pytest.raises(DataError, match='^the name of the file is empty$'): read('')


def test_a_backslash_is_a_letter_unless_it_is_before_a_quote(tmp_path):
    "Ids with backslashes stay as they are, whatever the titles have"
    path = tmp_path/'x.csv'
    for title, want in ('x', 'x'), ('"a \\"q\\" b"', 'a "q" b'), ('"C:\\new \\"q\\""', 'C:\\new "q"'), ('"\\"q\\" C:\\\\"', '"q" C:\\'):
        path.write_text(f'user,item,rating,title\nDOM\\bob,2,3,{title}\nDOM\\ann,5,6,y\\\n')
        df = read_ratings(path)
        assert df.user.tolist() == ['DOM\\bob', 'DOM\\ann'] and df.title.tolist() == [want, 'y\\']
    path.write_text('user,item,rating,title\n' + ''.join(f'DOM\\{k},2,3,"a \\"q\\" b"\n' for k in range(60_000))) # in pieces
    df = read_ratings(path)
    assert df.user.tolist() == [f'DOM\\{k}' for k in range(60_000)] and set(df.title) == {'a "q" b'}


def test_a_column_in_angle_brackets_is_no_xml(tmp_path):
    (tmp_path/'x.csv').write_text('<id>,user,item,rating\n9,1,2,3\n')
    assert read_ratings(tmp_path/'x.csv').values.tolist() == [[1, 2, 3]]


@pytest.mark.parametrize('name', ['-', '/dev/stdin'])
def test_standard_input_is_read_once(name):
    "Small and large, packed or not"
    big = GOOD + ''.join(f'{k},{k%7},{k%5}\n' for k in range(3, 60_000))
    code = f"from collab_course import read_ratings; df = read_ratings({name!r}); print(len(df), df.rating.sum())"
    for text in GOOD, big:
        for data in text.encode(), gzip.compress(text.encode()):
            done = subprocess.run([sys.executable, '-c', code], input=data, capture_output=True)
            ratings = [int(o.split(',')[2]) for o in text.splitlines()[1:]]
            assert done.stdout.decode().split() == [str(len(ratings)), str(sum(ratings))], done.stderr


def test_a_device_is_refused():
    "One that never ends would be read for ever"
    for name in '/dev/zero', '/dev/null':
        with pytest.raises(DataError, match='is a device'): read_ratings(name)


def heard(path, **options):
    "The frame, and the warnings"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter('always')
        df = read_ratings(path, **options)
    return df, [str(o.message) for o in said if issubclass(o.category, UserWarning)]


def test_an_encoding_that_is_guessed_is_said(tmp_path):
    "Windows-1252 with its five unused bytes as Latin-1, the first such line; nothing is said of others"
    head, path = 'user,item,rating,title\n1,1,4,plain\n', tmp_path/'x.csv'
    for title, encoding in ('Amélie – “2” €', 'cp1252'), ('é\x81\x8d\x8f\x90\x9d', 'latin-1'):
        path.write_bytes((head+f'1,2,5,{title}\n').encode(encoding))
        df, said = heard(path)
        assert df.title[1] == title and len(said) == 1 and str(path) in said[0] and 'line 3 is not UTF-8' in said[0]
    for encoding, given in ('utf-8', None), ('utf-8-sig', None), ('utf-16', None), ('cp1251', 'cp1251'), ('shift_jis', 'shift_jis'), ('utf-16-le', 'utf-16-le'):
        path.write_bytes((head+'1,2,5,Амели\n').encode(encoding))
        df, said = heard(path, encoding=given)
        assert df.title[1] == 'Амели' and said == []


LONE = 'user,item,title,rating\n1,1,"Heat,5\n1,2,b,4\n2,1,"Heat,3\n2,2,b,1\n'


@pytest.mark.parametrize('sep', [',', ';', '\t', '|'])
@pytest.mark.parametrize('content, says', [
    (LONE, 4), # every line has four fields
    (LONE+'3,1,c,2\n', 5), (LONE+'3,1,"c",2\n', 'line 2'), # some field stands in quotes
    ('user,item,title,rating\n1,1,"Heat,5\n1,2,Heat",4\n1,3,c,2\n', 3), # two lines that a strict reader takes for one
    ('user,item,title,rating\n1,1,"a, b",5\n1,2,"Heat,4\n1,3,c,2\n1,4,Heat",2\n', 'line 3'),
    ('user,item,title,rating\n1,1,a,5\n1,2,"two\nlines, and 7",4\n', 2), # which is legal
    ('user,item,title,rating\n1,1,a,5\n1,2,5" disk,4\n1,3,6" disk,4\n', 3),
    ('user,item,title,rating\n1,1,a,5\n1,2,"b" c,4\n1,3,d,4\n', 3),
    ('user,item,title,rating\n1,1,a,5\n1,"2,b,4\n1,3,d,4\n', 'line 3'), # an id with a quote
    ('user,item,title,rating\n1,1,a,5\n1,2,"b,4', 2),
    ('user,item,title,rating\n1,1,"a ""b"", c",5\n1,2,"""b""",4', 2),
])
def test_a_lone_quote_swallows_no_row(content, says, sep, tmp_path):
    "All rows, or an error that names the line"
    (tmp_path/'x.txt').write_text(content.replace(',', sep) if sep != ',' else content)
    if isinstance(says, int):
        df = heard(tmp_path/'x.txt')[0]
        assert len(df) == says and df.rating.between(1, 5).all()
        return
    with pytest.raises(DataError, match=f'{says} has a quote that is out of order'): read_ratings(tmp_path/'x.txt')


def test_a_line_of_many_megabytes(tmp_path):
    "Is read, or refused in quotes; a name may be long, too"
    long = 'x'*30_000_000
    (tmp_path/'x.csv').write_text(f'user,item,rating,title\n1,1,4,{long}\n2,1,3,b\n')
    assert read_ratings(tmp_path/'x.csv').title.map(len).tolist() == [len(long), 1]
    (tmp_path/'x.csv').write_text(f'user,item,rating,title\n1,1,4,"{long}"\n2,1,3,b\n')
    with pytest.raises(DataError, match='line 2 has a field in quotes of more than'): read_ratings(tmp_path/'x.csv')
    (tmp_path/'x.csv').write_text(f'user,item,rating,{long[:300_000]}\n1,1,4,b\n')
    assert len(read_ratings(tmp_path/'x.csv')) == 1


def test_rows_without_a_header_line(films, tmp_path):
    "By place: the usual order of three or four columns, or as said, by number or as a shell says it"
    cols = ['user', 'movie', 'rating', 'timestamp']
    text(films[cols], tmp_path/'x.csv', header=False)
    for names in {}, dict(user=0, item=1, rating=2, time=3), dict(item='1', time='3'):
        df = read_ratings(tmp_path/'x.csv', header=False, **names)
        pd.testing.assert_frame_equal(df, films[cols], check_dtype=False)
    assert df.attrs['columns'] == {'user': 'column 0', 'item': 'column 1', 'rating': 'column 2', 'time': 'column 3'}
    assert 'timestamp' not in read_ratings(tmp_path/'x.csv', header=False, time=False)
    text(films[['title', 'rating', 'timestamp', 'movie', 'user']], tmp_path/'y.csv', header=False, sep=';')
    df = read_ratings(tmp_path/'y.csv', header=False, user=4, item=3, rating=1, title=0, time=2)
    pd.testing.assert_frame_equal(df[films.columns], films, check_dtype=False)
    with pytest.raises(RatingsError, match='say header=False, or --no-header'): read_ratings(tmp_path/'x.csv')


def test_comments_at_the_top_are_no_rows(tmp_path):
    "A row may begin with #; what is left out without a header line is said"
    path = tmp_path/'x.csv'
    path.write_text('% bip weighted\n1 1 5\n1 2 4\n')
    df, said = heard(path, header=False)
    assert len(df) == 2 and len(said) == 1 and '1 comment lines at its top were skipped' in said[0]
    path.write_text('#1,1,5\n#2,2,4\n3,1,3\n')
    df, said = heard(path, header=False)
    assert df.user.tolist() == ['#1', '#2', '3'] and said == []
    path.write_text('# a shop\n#user,item,rating\n1,1,5\n')
    assert heard(path)[0].values.tolist() == [[1, 1, 5]]
    path.write_text(GOOD+'# the end\n')
    with pytest.raises(RatingsError, match="'item' is missing"): read_ratings(path)


def test_ratings_to_leave_out(tmp_path):
    "As numbers or as they are written; how many went is kept; a file may have none of them"
    path = tmp_path/'x.csv'
    path.write_text('user,item,rating\n1,1,-1\n1,2,9\n2,1,-1.0\n2,2,NA\n3,1,0\n')
    df = read_ratings(path, drop=(-1, 'NA', '0', 99))
    assert df.values.tolist() == [[1, 2, 9]] and df.attrs['dropped'] == {-1: 2, 'NA': 1, '0': 1, 99: 0}
    path.write_text('user,item,rating\n1,1,99\n1,2,9\n')
    for drop in 99, '99', [99], ('99.0',): assert len(read_ratings(path, drop=drop)) == 1
    pd.DataFrame({'user': [1, 2], 'item': [1, 1], 'rating': [4., None]}).to_parquet(tmp_path/'x.parquet')
    assert len(read_ratings(tmp_path/'x.parquet', drop='nan')) == 1
    assert len(read_ratings(path, drop=None)) == 2
    for drop in object(), [0, None], [[0]], True, [False], np.True_:
        with pytest.raises(TypeError, match='^drop is for ratings'): read_ratings(path, drop=drop)
    for drop in 10**400, [0, -10**5000]:
        with pytest.raises(RatingsError, match='drop has a whole number that is too large'): read_ratings(path, drop=drop)


def test_titles_in_parquet_are_refused(films, tmp_path):
    "With what to do, whatever the file is called; packed or not"
    ratings = text(films[['user', 'movie', 'rating']], tmp_path/'r.csv')
    items = films[['movie', 'title']].drop_duplicates('movie')
    for name in 'items.parquet', 'movies.csv', 'u.item':
        items.to_parquet(tmp_path/name)
        with pytest.raises(DataError, match='it is Parquet, and titles are read from text: save them as CSV'):
            read_ratings(ratings, titles=tmp_path/name)


def test_titles_in_a_file_of_their_own(films, tmp_path):
    "By the name of the ratings' column, a known name or id; in any layout, packed, in a zip; or an error"
    ratings = text(films[['user', 'movie', 'rating', 'timestamp']].rename(columns={'movie': 'film'}), tmp_path/'r.csv')
    items = films[['movie', 'title']].drop_duplicates('movie')
    ways = {'a.csv': dict(film='movie'), 'b.tsv': dict(movie_id='movie'), 'c.csv': dict(id='movie')}
    for name, columns in ways.items():
        table = items.rename(columns={v: k for k, v in columns.items()}).assign(more=1)
        text(table, tmp_path/name, sep='\t' if name.endswith('tsv') else ',')
        assert read_ratings(ratings, titles=tmp_path/name).title.tolist() == films.title.tolist()
    packed(gzip.compress, 'd.gz')(items, tmp_path)
    assert read_ratings(ratings, titles=tmp_path/'d.gz').title.tolist() == films.title.tolist()
    text(items.rename(columns={'title': 'name'}), tmp_path/'e.csv')
    df = read_ratings(ratings, titles=tmp_path/'e.csv', title='name')
    assert df.title.tolist() == films.title.tolist() and df.attrs['columns']['title'] == 'title in e.csv'
    (tmp_path/'movie_titles.csv').write_bytes(''.join(f'{m},1999,{t}\n' for m, t in items.to_numpy()).encode('cp1252'))
    assert read_ratings(ratings, titles=tmp_path/'movie_titles.csv').title.tolist() == films.title.tolist()
    (tmp_path/'some.csv').write_text('film,title\n3,Three\n')
    assert set(read_ratings(ratings, titles=tmp_path/'some.csv').title) == {'Three', *map(str, set(films.movie)-{3})}
    for content, says in (('film,title\n99,x\n', 'has none of the items'), ('film,title\n3,x\n3,y\n', 'it has item 3 more than once'), ('a,title\n3,x\n', 'no column is named item'),
                          ('film,a\n3,x\n', 'no column is named title'), ('film,title\n,x\n', "'x' has no id"), ('film,title\n3,"x\n4,"y"\n', 'line 2 has a quote')):
        (tmp_path/'some.csv').write_text(content)
        with pytest.raises((DataError, RatingsError), match=says): read_ratings(ratings, titles=tmp_path/'some.csv')
    with pytest.raises(DataError, match='none.csv does not exist'): read_ratings(ratings, titles=tmp_path/'none.csv')


@pytest.mark.parametrize('content, says', [
    (b'', 'it is empty'), (b'passwd\n', "there is no title in 'passwd'"), (b'1|a\n1|b\n', 'it has item 1 more than once'), (b'1|a\n1|a\n', 'item 1 more than once'),
    (b'|a\n', "'a' has no id"), (b'1|a||||7\n', 'flags that are neither 0 nor 1'), (b'1|a'+30*b'|0'+b'\n', 'has 32 fields'), (b'\0'*9, 'it is not text'),
    (b'PK\3\4', 'it is a zip'), (b'\x1f\x8b\x08', 'cannot be read'), (b'<html>', 'a web page'),
])
def test_a_wrong_file_of_items_is_an_error_that_names_it(content, says, films, tmp_path):
    "Whoever reads it"
    folder = movielens(films, tmp_path/'a', 'u.data', 'u.item')
    (folder/'u.item').write_bytes(content)
    for read in read_ratings, lambda path: read_titles(path/'u.item'), lambda path: read_items(path/'u.data'):
        with pytest.raises(DataError, match=says) as e: read(folder)
        assert 'u.item' in str(e.value) and '\n' not in str(e.value)


def test_netflix_blocks(tmp_path):
    "Items in lines of their own, dates, titles from the file that Netflix gives"
    path = tmp_path/'combined_data_1.txt'
    path.write_text('1:\n1488844,3,2005-09-06\n822109,5,2005-05-13\n2:\n3:\n1488844,4,2005-10-19\n')
    df = read_ratings(path)
    assert df[['user', 'movie', 'rating']].values.tolist() == [[1488844, 1, 3], [822109, 1, 5], [1488844, 3, 4]]
    assert df.timestamp[0] == pd.Timestamp('2005-09-06')
    path.write_text('1:\n1488844\n')
    with pytest.raises(DataError, match="is user,rating,date, not '1488844'"): read_ratings(path)


def test_json_lines(films, tmp_path):
    "Keys by name; a title only if it is named, since it may be a review's"
    path = tmp_path/'reviews.jsonl'
    names = {'user': 'reviewerID', 'movie': 'asin', 'rating': 'overall', 'timestamp': 'unixReviewTime'}
    rows = films.assign(helpful='[2, 3]').rename(columns=names).to_dict('records')
    path.write_text('\n'.join(json.dumps(o) for o in rows) + '\n\n', encoding='utf-8')
    given = dict(user='reviewerID', item='asin', rating='overall', time='unixReviewTime')
    assert 'title' not in read_ratings(path, **given)
    df = read_ratings(path, title='title', **given)
    pd.testing.assert_frame_equal(df[films.columns], films, check_dtype=False)
    with pytest.raises(RatingsError, match="JSON, with keys: no column is named user: say which"): read_ratings(path)
    path.write_text('{"user": "a", "item": 7, "rating": "5.0"}\n{"user": "b", "rating": 4}\n')
    with pytest.raises(RatingsError, match="'item' is missing in 1 of 2 rows"): read_ratings(path)


def test_jester_is_wide(tmp_path):
    "A line for each person; 99 is no rating, which is said; a line that does not add up is named"
    rows = [[7.5 if (u+i) % 3 else 99 for i in range(100)] for u in range(5)]
    lines = [','.join(map(str, [sum(o != 99 for o in row), *row])) for row in rows]
    (tmp_path/'jester.csv').write_text('\n'.join(lines))
    df, said = heard(tmp_path/'jester.csv')
    want = [[u+1, i+1, 7.5] for u in range(5) for i in range(100) if (u+i) % 3]
    assert df.values.tolist() == want and f'{500-len(want)} cells of 99 are taken as not rated' in said[0]
    (tmp_path/'jester.csv').write_text('\n'.join([*lines[:3], '1'+lines[3]]))
    with pytest.raises(DataError, match='user 4 does not have as many ratings'): read_ratings(tmp_path/'jester.csv')


def test_parquet_columns_that_are_needed(tmp_path, monkeypatch):
    "Users that pandas kept as an index are found; columns that nobody asks for are not read"
    from pyarrow.parquet import ParquetFile
    asked, read = [], ParquetFile.read
    monkeypatch.setattr(ParquetFile, 'read', lambda file, columns: asked.append(columns) or read(file, columns))
    df = pd.DataFrame({'user': [1, 5, 6], 'item': [1, 1, 2], 'rating': [4., 3, 1], 'note': list('abc')})
    df.set_index('user').to_parquet(tmp_path/'x.parquet')
    assert read_ratings(tmp_path/'x.parquet').user.tolist() == [1, 5, 6]
    assert asked == [['user', 'item', 'rating']]
    (tmp_path/'x.parquet').write_bytes(b'PAR1' + bytes(9) + b'PAR1')
    with pytest.raises(DataError, match='x.parquet'): read_ratings(tmp_path/'x.parquet')


def test_titles_in_parquet_are_text(tmp_path):
    "Missing ones are blank, and so shown by their id; a number or a list is written out"
    for titles, want in ([None, 'NA'], ['1', 'NA']), ([1984, None], ['1984.0', '2']), ([['a'], ['b']], ["['a']", "['b']"]):
        pd.DataFrame({'user': [1, 2], 'item': [1, 2], 'rating': [4, 5], 'title': titles}).to_parquet(tmp_path/'x.parquet')
        assert read_ratings(tmp_path/'x.parquet').title.tolist() == want
    pq.write_table(pyarrow.table({'user': [1, 2], 'item': [1, 2], 'rating': [3, None], 'title': [1984, None]}), tmp_path/'x.parquet')
    df = read_ratings(tmp_path/'x.parquet', drop='nan') # an integer, and ratings as they were
    assert df.title.tolist() == ['1984'] and df.rating.tolist() == [3]
    pq.write_table(pyarrow.table({'user': [1, 2], 'item': [1, 2], 'rating': [3, 4], 'title': [1984, None]}), tmp_path/'x.parquet')
    assert read_ratings(tmp_path/'x.parquet').title.tolist() == ['1984', '2']


def test_a_byte_order_mark_is_no_letter(tmp_path):
    "Whatever encoding is said; it would make an id text"
    for mark, said in ('utf-8-sig', 'utf-8'), ('utf-16', 'utf-16-le'), ('utf-16', None):
        (tmp_path/'x.csv').write_bytes('1,1,5\n2,1,4\n'.encode(mark))
        assert read_ratings(tmp_path/'x.csv', header=False, encoding=said).user.tolist() == [1, 2]


@pytest.mark.parametrize('stored', [False, True])
def test_whole_decimals_in_parquet_are_numbers(tmp_path, stored):
    "As Snowflake and Oracle write ids, up to 38 digits; a fraction is refused"
    plain = tiny_ratings().drop(columns=['timestamp', 'title']).astype({'movie': object}).assign(movie=lambda df: df.movie.map(lambda o: 10**37+o))
    def table(user, movie=lambda o: Decimal(int(o))):
        types = {'user': pyarrow.decimal128(38, 0), 'movie': pyarrow.decimal128(38, 0), 'rating': pyarrow.decimal128(5, 2)}
        if user is not Decimal: types['user'] = pyarrow.decimal128(9, 1)
        pq.write_table(pyarrow.table({'user': pyarrow.array([user(int(o)) for o in plain.user], types['user']), 'movie': pyarrow.array([movie(o) for o in plain.movie], types['movie']),
                                      'rating': pyarrow.array([Decimal(int(o)) for o in plain.rating], types['rating'])}), tmp_path/'x.parquet')
    def read(): return ratings_store(tmp_path/'x.parquet', tmp_path/'store') if stored else Ratings(read_ratings(tmp_path/'x.parquet'))
    table(Decimal)
    found, expected = read(), Ratings(plain)
    assert found.users.ids.tolist() == [1, 2, 3, 4, 5, 6] and found.users.ids.dtype == 'int64' and found.items.ids.tolist() == expected.items.ids.tolist()
    assert (found.x == expected.x).all() and (found.y == expected.y).all() and found.users[Decimal(2)] == found.users[2]
    table(lambda o: Decimal(o)+Decimal('.5'))
    with pytest.raises(RatingsError, match="'user' is not a whole number in 30 of 30 rows; the first is row 0: Decimal"): read()


@pytest.mark.parametrize('column', ['user', 'movie', 'title'])
def test_bytes_in_parquet_are_refused_with_advice(tmp_path, column):
    "As Impala and Hive write text"
    df = tiny_ratings()
    df.assign(**{column: df[column].map(lambda o: str(o).encode())}).to_parquet(tmp_path/'x.parquet')
    words = f"'{column}' is (a bytes, not an id|not text) in 30 of 30 rows; the first is row 0: b'.*decode them: df.name..str.decode"
    with pytest.raises(RatingsError, match=words): read_ratings(tmp_path/'x.parquet')
    with pytest.raises(RatingsError, match=words): Ratings(pd.read_parquet(tmp_path/'x.parquet'))


def test_parquet_without_pyarrow_says_what_to_install(tmp_path, films):
    "One sentence"
    films.to_parquet(tmp_path/'x.parquet')
    code = "import sys; sys.modules['pyarrow'] = None; from collab_course.data import read_ratings; read_ratings('x.parquet')"
    done = subprocess.run([sys.executable, '-c', code], cwd=tmp_path, capture_output=True, text=True)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode and 'x.parquet' in last and 'pip install pyarrow' in last


@pytest.mark.filterwarnings('ignore:.* is not UTF-8')
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


LARGE = b'user,item,rating\n' + b'1,2,3\n'*25_000_000


@pytest.mark.parametrize('kind', ['gz', 'bz2', 'xz', 'zst', 'zip'])
def test_what_unpacks_out_of_all_proportion_is_refused(kind, tmp_path):
    "Some kilobytes that would fill the memory"
    packs = {'gz': gzip.compress, 'bz2': lambda data: bz2.compress(data, 1), 'xz': lambda data: lzma.compress(data, preset=0),
             'zst': lambda data: pyarrow.compress(data, 'zstd', asbytes=True)}
    path = tmp_path/f'x.{kind}'
    if kind == 'zip':
        with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as z: z.writestr('x.csv', LARGE)
    else: path.write_bytes(packs[kind](LARGE))
    with pytest.raises(DataError, match='out of all proportion|times its packed size') as e: read_ratings(path)
    assert str(path) in str(e.value)


def test_parquet_that_grows_out_of_all_proportion_is_refused(tmp_path):
    "Twenty million times the same row in a few kilobytes; as many different ones are none of that"
    same = pyarrow.array(np.ones(20_000_000, 'int64'))
    pq.write_table(pyarrow.table({'user': same, 'item': same, 'rating': same}), tmp_path/'x.parquet', row_group_size=10**7)
    with pytest.raises(DataError, match='x.parquet cannot be read: it unpacks to more .* out of all proportion'):
        read_ratings(tmp_path/'x.parquet')
    user, item = np.divmod(np.arange(6_000_000), 3000)
    pq.write_table(pyarrow.table({'user': user, 'item': item, 'rating': item%5}), tmp_path/'full.parquet')
    assert len(read_ratings(tmp_path/'full.parquet')) == 6_000_000


@pytest.mark.filterwarnings('ignore:Duplicate name')
def test_a_zip_with_the_same_file_twice_is_refused(tmp_path):
    "In two folders it may be either; under one name, too; also titles; one that is encrypted is said to be"
    movies = 'movieId,title\n1,a\n2,b\n'
    for names, says in ((['a/ratings.csv', 'b/ratings.csv'], "holds 'a/ratings.csv', 'b/ratings.csv': name the file"), (['ratings.csv']*2, 'name the file'),
                        (['x.csv']*2, "'x.csv', 'x.csv'"), (['ratings.csv', 'movies.csv', 'movies.csv'], 'in its zip more than once')):
        with zipfile.ZipFile(tmp_path/'x.zip', 'w') as z:
            for name in names: z.writestr(name, movies if 'movies' in name else GOOD)
        with pytest.raises(DataError, match=says): read_ratings(tmp_path/'x.zip')
    with zipfile.ZipFile(tmp_path/'x.zip', 'w') as z: z.writestr('x.csv', GOOD)
    raw = bytearray((tmp_path/'x.zip').read_bytes())
    for mark, at in (b'PK\3\4', 6), (b'PK\1\2', 8): raw[raw.index(mark)+at] |= 1
    (tmp_path/'x.zip').write_bytes(raw)
    with pytest.raises(DataError, match="'x.csv' is encrypted"): read_ratings(tmp_path/'x.zip')


def test_what_was_unpacked_aside_is_closed(tmp_path, monkeypatch):
    "zst is unpacked into a temporary file: whole, damaged, or out of all proportion, it is closed"
    made, make = [], tempfile.SpooledTemporaryFile
    monkeypatch.setattr(tempfile, 'SpooledTemporaryFile', lambda *args: made.append(make(*args)) or made[-1])
    path, packed = tmp_path/'x.zst', pyarrow.compress(GOOD.encode(), 'zstd', asbytes=True)
    path.write_bytes(packed)
    read_ratings(path)
    for data in packed[:len(packed)//2], packed+b'abcd', pyarrow.compress(LARGE, 'zstd', asbytes=True):
        path.write_bytes(data)
        with pytest.raises(DataError): read_ratings(path)
    assert len(made) >= 4 and all(o.closed for o in made)


def test_what_is_said_of_a_file_cannot_command_a_terminal(tmp_path):
    "Its name, its columns, the names in a zip, in errors and warnings"
    bad = '\x1b[31m\x07\x9b\u202e'
    path = tmp_path/f'{bad}.csv'
    path.write_bytes(b'user,item,rating,title\n1,2,3,\xe9\n')
    [said] = heard(path)[1]
    assert said.isprintable()
    with zipfile.ZipFile(tmp_path/f'{bad}.zip', 'w') as z:
        for name in 'a', 'b': z.writestr(f'{name}{bad}.csv', GOOD)
    path.write_text(f'user{bad},item,rating\n1,2,3\n')
    for source in (path, tmp_path/f'{bad}.zip', tmp_path/f'{bad}.zip/{bad}', tmp_path/f'no{bad}'):
        with pytest.raises((DataError, RatingsError)) as e: read_ratings(source)
        assert str(e.value).isprintable()
