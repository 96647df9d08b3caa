"The command line as a process: every command, and what happens when something is wrong"
import csv
import io
import json
import multiprocessing
import os
import pty
import re
import resource
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import collab_course
from collab_course import BayesianMF, BiasedMF, ImplicitMF, PickAndLike, Popularity, Ratings, evaluate, load, read_ratings
from collab_course.app import cli, main
from collab_course.data import split_random, split_time
from collab_course.settings import setting_ranges
from collab_course.spark import FactorModel

COMMAND = Path(sys.executable).with_name('collab_course')
COMMANDS = ['data', 'evaluate', 'recommend', 'similar', 'spark-recommend', 'spark-train', 'tour', 'train', 'update']


def run(*args, cwd, code=0, **options):
    "Run `collab_course` to its end: what it printed, and what it said"
    options = {'cwd': cwd, 'capture_output': True, 'encoding': 'utf-8', **options}
    done = subprocess.run([COMMAND, *map(str, args)], **options)
    assert done.returncode == code, done.stderr
    return done.stdout, done.stderr


WARM = multiprocessing.get_context('forkserver')  # its processes find the library imported
WARM.set_forkserver_preload(['collab_course.evaluation', 'collab_course.bayes', 'collab_course.biased_mf', 'collab_course.kernel', 'collab_course.app', 'pytest'])


def child(args, cwd):
    "The command in a process of its own, its output in two files"
    os.chdir(cwd)
    for number, name in (1, '.out'), (2, '.err'): os.dup2(os.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    sys.argv = ['collab_course', *args]
    main()


def quick(*args, cwd, code=0):
    "`run`, in a process that starts at once"
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
    "Run `collab_course tour`: the finished process, and the CPU seconds it took"
    def seconds(): return sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])
    start = seconds()
    done = subprocess.run([COMMAND, 'tour', *args], cwd=cwd, capture_output=True, text=True)
    return done, seconds()-start


def test_tour_trains_every_model(tmp_path):
    "ML-100k, every model, five epochs: the table, the files, the order of the models, the CPU time"
    done, seconds = tour(cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert seconds < 120
    table = pd.read_csv(tmp_path/'tour/tour.csv').set_index('model')
    assert (tmp_path/'tour/tour.png').read_bytes().startswith(b'\x89PNG')
    for name in table.index: assert name in done.stdout
    assert 'tour/tour.csv' in done.stdout and 'tour/tour.png' in done.stdout
    assert 'likes Star Wars (1977), PickAndLike recommends: Return of the Jedi (1983); ' in done.stdout
    assert 'it/s' not in done.stderr # no bars in a file
    valid = table['valid MSE']
    ours = {'DotProduct, no range': .858, 'DotProduct': .866, 'DotProductBias': .887, 'CollabNN': .856,
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


def test_tour_takes_its_options(tmp_path, small):
    "--data, --out, --epochs, --seed, --quiet"
    tables = []
    for seed in '7', '7', '8':
        done, _ = tour('--data', small, '--out', 'here', '--epochs', '1', '--seed', seed, '--quiet', cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, '') and 'PickAndLike recommends: Film ' in done.stdout
        tables.append(pd.read_csv(tmp_path/'here/tour.csv').drop(columns=['seconds', 'published']).to_numpy().tolist())
    assert tables[0] == tables[1] != tables[2]
    assert {path.name for path in tmp_path.iterdir()} == {'here'}
    assert {path.name for path in (tmp_path/'here').iterdir()} == {'tour.csv', 'tour.png'}


@pytest.mark.parametrize('args, says', [
    (['--data', 'nowhere'], 'nowhere'), (['--data', '.'], 'neither u.data nor ratings.csv'),
    (['--sed', '1'], "--sed"), (['--epochs', '0'], '--epochs'), (['--epochs', 'x'], '--epochs'),
    (['--seed', '-1'], '--seed'), (['--out', 'file/x'], 'cannot write to file/x'), (['extra'], 'extra'),
])
def test_a_mistake_in_a_tour_is_one_line(tmp_path, args, says):
    "Exit code 2, one line that names it, nothing on standard output, nothing made"
    (tmp_path/'file').touch()
    done, _ = tour(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr.count('\n')) == (2, '', 1)
    assert says in done.stderr and done.stderr.startswith('collab_course: ')
    assert not (tmp_path/'tour/tour.csv').exists()


def starting(process):
    "Wait until PyTorch is being imported: Python says when the first of its modules is there"
    while process.poll() is None and b' torch.' not in process.seen: see(process)


def training(process):
    "Wait until the first model is being trained: its bar has moved"
    while process.poll() is None and b'it/s]' not in process.seen.replace(b'?it/s]', b''): see(process)


def see(process):
    "What a command says to its terminal, as far as it is there; is there more?"
    try: said = os.read(process.terminal, 4096)
    except OSError: said = b'' # it has ended
    process.seen += said
    return said


def on_terminal(*args, cwd, **more):
    "A command whose messages go to a terminal, with `more` in its environment"
    ours, theirs = pty.openpty()
    process = subprocess.Popen([COMMAND, *args], cwd=cwd, stdout=subprocess.PIPE, stderr=theirs,
                               env={**os.environ, 'PYTHONFAULTHANDLER': '1', **more})
    os.close(theirs)
    process.terminal, process.seen = ours, b''
    return process


def interrupted(process, when):
    "Ctrl-C at that moment ends it: one line, exit code 130, no traceback"
    try:
        when(process)
        process.send_signal(signal.SIGINT)
        while see(process): pass
        out, _ = process.communicate(timeout=60)
    finally: process.kill()
    os.close(process.terminal)
    assert (process.returncode, out) == (130, b'') and b'Traceback' not in process.seen, process.seen[-3000:]
    assert process.seen.strip().endswith(b'collab_course: interrupted')


@pytest.mark.parametrize('when', [starting, training])
def test_ctrl_c_ends_a_tour(tmp_path, when):
    "While it starts and while it trains"
    log = {'PYTHONPROFILEIMPORTTIME': '1'} if when == starting else {}
    interrupted(on_terminal('tour', cwd=tmp_path, **log), when)
    assert not (tmp_path/'tour/tour.csv').exists()


TITLES = {3: 'Twin', 4: 'Twin', 5: '7', 6: 'A=B (1999)', 8: 'NA', 9: '1984', 10: 'Misérables, Les "1"', 11: 'E: T'}


@pytest.fixture(scope='module')
def films():
    "Ratings whose titles are the awkward ones"
    rows = [(u, m, 1+(u*m)%5, TITLES.get(m, f'Film {m}'), 900_000_000+(u*37+m*11)%600)
            for u in range(1, 41) for m in range(1, 31) if (u+m)%4]
    return pd.DataFrame(rows, columns=['user', 'movie', 'rating', 'title', 'timestamp'])


def text(df, path, encoding='utf-8', **options):
    "A frame as a file of text"
    path.write_bytes(df.to_csv(**{'index': False, **options}).encode(encoding))
    return path


GOOD = 'user,item,rating\n1,1,5\n1,2,3\n2,1,4\n'


@pytest.mark.parametrize('content, args, says', [
    (None, [], ['x.csv does not exist', 'ml-100k']),
    ('', [], ['x.csv', 'it is empty']),
    ('user,item,rating\n', [], ['x.csv', 'no ratings', '0 rows']),
    ('a,b,c\n1,2,3\n', [], ["no column is named user: say which with user=, or --user; the columns are 'a', 'b', 'c'"]),
    (GOOD+'2,2,five\n', [], ["'rating' is not a number in 1 of 4 rows; the first is row 3: 'five'"]),
    (GOOD+',2,3\n', [], ["'user' is missing in 1 of 4 rows; the first is row 3"]),
    (GOOD+'2,2,3,9\n', [], ['x.csv cannot be read', 'line 5']),
])
def test_a_file_that_is_wrong_is_one_line(content, args, says, tmp_path):
    "Which names the file and what is wrong there (more files: test_read.py)"
    if content is not None: (tmp_path/'x.csv').write_bytes(content if isinstance(content, bytes) else content.encode())
    out, err = run('data', 'x.csv', *args, cwd=tmp_path, code=2)
    assert out == '' and err.count('\n') == 1 and err.startswith('collab_course: ')
    for words in says: assert words in err
    assert refused('train', 'x.csv', *args, '--out', 'model', cwd=tmp_path) == err
    assert not (tmp_path/'model').exists()


def test_parquet_without_pyarrow(tmp_path, films):
    "Says what to install"
    films.to_parquet(tmp_path/'x.parquet')
    code = "import sys; sys.modules['pyarrow'] = None; from collab_course.app import main; main()"
    done = subprocess.run([sys.executable, '-c', code, 'data', 'x.parquet'], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr.count('\n')) == (2, '', 1)
    assert 'x.parquet' in done.stderr and 'pip install pyarrow' in done.stderr


def test_data_reports_a_published_data_set(tmp_path):
    "Where it lies, how many rows, and what is odd"
    out, err = run('data', 'ml-100k', cwd=tmp_path)
    assert 'u.data' in out and '100,000' in out and 'odd: 18 titles belong to several items' in out and err == ''


def test_data_counts_titles(films, tmp_path):
    "Titles of several items, items whose only title is their id; --json has all of it"
    seen = json.loads(run('data', text(films, tmp_path/'x.csv'), '--json', cwd=tmp_path)[0])
    assert [seen[o] for o in ('rows', 'users', 'items', 'titles')] == [900, 40, 30, 29]
    assert {o['rating']: o['rows'] for o in seen['histogram']} == films.rating.value_counts().to_dict()
    assert '1 titles belong to several items' in seen['odd'] and seen['mean'] == films.rating.mean()
    films = films.assign(title=films.title.where(films.movie != 12, ''))
    assert '1 items have no title but their id' in run('data', text(films, tmp_path/'x.csv'), cwd=tmp_path)[0]


def test_data_counts_many_values_in_ten_parts(tmp_path):
    "Points from 0 to 100 are counted in ten parts; --csv is the histogram"
    df = pd.DataFrame({'user': range(101), 'item': 1, 'rating': range(101)})
    out, _ = run('data', text(df, tmp_path/'x.csv'), '--csv', cwd=tmp_path)
    table = pd.read_csv(io.StringIO(out))
    assert table.columns.to_list() == ['rating', 'rows'] and len(table) == 10 and table['rows'].sum() == 101


@pytest.mark.parametrize('ratings, says', [
    ([0]*30+[7, 8, 9, 10]*5, '30 ratings are 0, the others go from 7 to 10'), ([-1]*12+[6, 7, 8, 9, 10]*8, '--drop -1'),
    ([99]*5+[1, 2, 3, 4, 5]*9, '--drop 99'), ([1]*50, 'all ratings are 1'), ([1]*40+[2, 3, 5, 8, 900], 'the highest rating is 900'),
    ([1, 2, 3, 4, 5]*9, None), ([.5*k for k in range(1, 11)]*5, None), ([0, 1]*9, None),
])
def test_ratings_that_are_none_are_pointed_out(ratings, says, tmp_path):
    "By `data` and by `train`"
    rows = [(k % 10, k//10, r) for k, r in enumerate(ratings)]
    text(pd.DataFrame(rows, columns=['user', 'item', 'rating']), tmp_path/'x.csv')
    odd = json.loads(quick('data', 'x.csv', '--json', cwd=tmp_path)[0])['odd']
    _, err = quick('train', 'x.csv', '--out', 'm', '--model', 'damped-means', cwd=tmp_path)
    if says is None: assert not any('rating' in o for o in odd) and 'odd' not in err
    else: assert says in odd[0] and f'collab_course: odd: {odd[0]}\n' in err


def test_train_says_what_was_read(tmp_path):
    "A guessed encoding, rows left out, pairs that come twice; whatever Python does with warnings; --quiet is quiet"
    lines = ''.join(f'{u},Amélie {i},{r}\n' for u in range(9) for i in range(6) for r in (1, 5, -1))
    (tmp_path/'x.csv').write_bytes(('user,item,rating\n'+lines).encode('cp1252'))
    code = 'from collab_course.app import main; main()'
    args = [sys.executable, '-W', 'ignore', '-c', code, 'train', 'x.csv', '--out', 'm', '--model', 'damped-means', '--drop', '-1']
    done = subprocess.run(args, cwd=tmp_path, capture_output=True, text=True)
    said = done.stderr.splitlines()
    assert done.returncode == 0 and len(said) == 5 and all(o.startswith('collab_course: ') for o in said)
    for words, line in zip(('line 2 is not UTF-8', 'user = user', 'left out: 54 rows rated -1', 'odd: 54 pairs .* more than once', 'odd: 54 of these pairs'), said):
        assert re.search(words, line)
    assert subprocess.run([*args, '--quiet'], cwd=tmp_path, capture_output=True, text=True).stderr == ''


def test_reading_options_are_the_librarys(films, tmp_path):
    "--no-header, --titles, --drop, --encoding, in every command that reads"
    rows = films[['rating', 'user', 'movie']].assign(rating=films.rating.where(films.movie != 3, 99))
    text(rows, tmp_path/'x.csv', header=False)
    items = films[['movie', 'title']].drop_duplicates('movie').assign(title=lambda o: 'Амели '+o.title)
    items = items[~items.title.str.contains('é')].rename(columns={'movie': 'id', 'title': 'name'})
    text(items, tmp_path/'films.csv', 'cp1251')
    args = '--no-header --user 1 --item 2 --rating 0 --drop 99 --drop 98 --titles films.csv --title name --encoding cp1251'.split()
    out, err = quick('train', 'x.csv', *args, '--out', 'm', '--model', 'damped-means', cwd=tmp_path)
    df = read_ratings(tmp_path/'x.csv', 1, 2, 0, 'name', header=False, titles=tmp_path/'films.csv', drop=(99, 98), encoding='cp1251')
    assert f'{len(df)} ratings' in out and 'left out: 30 rows rated 99' in err and 'left out: 0 rows rated 98' in err
    assert 'Амели Twin' in set(df.title) == {*load(tmp_path/'m').ratings.titles}
    seen = json.loads(quick('data', 'x.csv', *args, '--json', cwd=tmp_path)[0])
    assert seen['rows'] == len(df) and seen['columns']['title'] == 'title in films.csv'
    quick('update', 'm', 'x.csv', *args, '--quiet', cwd=tmp_path)
    quick('evaluate', 'x.csv', *args, '--model', 'damped-means', '--quiet', cwd=tmp_path)
    assert "encoding='klingon' is not known" in refused('data', 'x.csv', '--encoding', 'klingon', cwd=tmp_path)
    assert 'none.csv does not exist' in refused('data', 'x.csv', *args[:7], '--titles', 'none.csv', cwd=tmp_path)


@pytest.mark.parametrize('name', ['-', '/dev/stdin'])
def test_standard_input_is_a_file_of_ratings(name, films, tmp_path):
    "For every command that reads one"
    data = films.to_csv(index=False)
    assert json.loads(run('data', name, '--json', cwd=tmp_path, input=data)[0])['rows'] == len(films)
    out, _ = run('train', name, '--out', 'm', '--model', 'damped-means', '--quiet', cwd=tmp_path, input=data)
    assert '900 ratings' in out
    assert 'it is empty' in run('data', name, cwd=tmp_path, input='', code=2)[1]


def test_names_cannot_command_the_terminal(tmp_path):
    "Of files and of columns, in answers and in errors"
    bad = '\x1b[2Jred\x07.csv'
    (tmp_path/bad).write_text('\x1b]user,\x9bitem,rating\na,b,3\n')
    out, _ = run('data', bad, cwd=tmp_path)
    assert '?[2Jred?.csv' in out and 'user = ?]user, item = ?item' in out
    _, err = quick('train', bad, '--out', 'm', '--model', 'popularity', cwd=tmp_path)
    for missing in bad[1:], '\x1b]0;x':
        err += refused('data', missing, cwd=tmp_path)
    assert not any(ord(c) < 32 and c != '\n' or 127 <= ord(c) < 160 for c in out+err)


@pytest.mark.parametrize('command', COMMANDS)
def test_help_names_every_option(command, tmp_path):
    "And there is an example, which the command line accepts"
    out, err = run(command, '--help', cwd=tmp_path)
    params = cli.commands[command].params
    for param in params:
        for name in param.opts: assert name in out if name.startswith('-') else name.upper() in out
    assert f'collab_course {command}' in out and 'Example' in out and err == ''
    assert all(param.help for param in params if param.param_type_name == 'option')


def test_help_and_version_are_quick(tmp_path):
    "--help has a whole line for each command, --version is quick, and nothing at all is help, too"
    out, _ = run('--help', cwd=tmp_path)
    lines = [line.split(None, 1) for line in out.partition('Commands:')[2].splitlines() if line]
    assert [o[0] for o in lines] == COMMANDS and all(o[1].endswith('.') and '...' not in o[1] for o in lines)
    version, _ = run('--version', cwd=tmp_path)
    assert version == f'{collab_course.__version__}\n'
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
    return folder, *run('train', 'films.csv', '--out', 'made/model', '--model', 'biased-mf', '--factors', 3, '--epochs', 2, cwd=folder)


@pytest.fixture(scope='module')
def mf(model):
    "What Python loads from that folder"
    return load(model[0]/'made/model')


def test_train_prints_one_line_and_says_what_it_took(model, mf, films):
    "The columns taken, the settings that a rule chose and the progress on standard error; what Python would have trained"
    folder, out, err = model
    assert out == 'Saved to made/model: BiasedMF(n_factors=3, n_epoch=2) of 40 users, 30 items, 900 ratings\n'
    assert 'user = user, item = movie, rating = rating, title = title' in err and 'it/s' not in err
    rule = ', '.join(f'{k} = {v}' for k, v in mf.used.items())
    assert {'lr', 'wd'} <= {*mf.used} and f'collab_course: chosen by rule: {rule}\n' in err
    same = BiasedMF(n_factors=3, n_epoch=2).fit(films, quiet=True)
    assert same.recommend_all().equals(mf.recommend_all()) and same.used == mf.used


def test_train_passes_every_option_on(films, tmp_path):
    "--quiet is quiet, and columns that were named need no remark"
    odd = films.rename(columns={'user': 'who', 'movie': 'what', 'rating': 'how', 'title': 'name'})
    text(odd, tmp_path/'x.tsv', sep='\t')
    names = '--user who --item what --rating how --title name'.split()
    recipe = '--model biased-mf --factors 2 --epochs 1 --lr 0.02 --wd 0.3 --seed 7 --quiet'.split()
    _, err = quick('train', 'x.tsv', *names, '--out', 'm', *recipe, cwd=tmp_path)
    assert err == ''
    same = BiasedMF(n_factors=2, n_epoch=1, lr=.02, wd=.3, seed=7).fit(films, quiet=True)
    assert same.recommend_all().equals(load(tmp_path/'m').recommend_all())
    text(odd[odd.who < 20], tmp_path/'x.tsv', sep='\t')
    quick('train', 'x.tsv', *names, '--out', 'm', *recipe, cwd=tmp_path)
    assert len(load(tmp_path/'m').ratings.users) == 19 and len(list((tmp_path/'m').iterdir())) == 3


@pytest.mark.parametrize('args, same', [
    ([], PickAndLike()), (['--seed', '5', '--sweeps', '30', '--threads', '2'],
                          PickAndLike(ImplicitMF(weight='ones', seed=5), BayesianMF(n_sweeps=30, threads=2, seed=5))),
    (['--model', 'implicit-mf', '--factors', '3', '--epochs', '2', '--seed', '5'], ImplicitMF(n_factors=3, n_epoch=2, seed=5)),
    (['--model', 'item-knn'], collab_course.ItemKNN()), (['--model', 'ease'], collab_course.EASE()),
    (['--model', 'bayes', '--factors', '2', '--sweeps', '30', '--seed', '5'], BayesianMF(n_factors=2, n_sweeps=30, seed=5)),
    (['--model', 'biased-mf', '--epochs', '2', '--threads', '2'], BiasedMF(n_epoch=2, threads=2)),
    (['--model', 'bayes'], BayesianMF()), (['--model', 'biased-mf', '--wd', '0.2'], BiasedMF(wd=.2)),
    (['--model', 'damped-means'], collab_course.DampedMeans()), (['--model', 'popularity'], Popularity()),
], ids=lambda o: ' '.join(o) if isinstance(o, list) else '')
def test_train_makes_every_kind_of_model(args, same, films, tmp_path):
    "The one that Python makes, and it can be asked"
    out, _ = quick('train', text(films, tmp_path/'x.csv'), '--out', 'm', *args, '--quiet', cwd=tmp_path)
    assert out == f'Saved to m: {same!r} of 40 users, 30 items, 900 ratings\n'
    top = same.clone().fit(films, quiet=True).recommend(7)
    for ask in ['--user', 7], ['--user', 7, '-n', 10, '--min-ratings', 20]:
        shown, err = quick('recommend', 'm', *ask, '--json', cwd=tmp_path)
        assert json.loads(shown) == top.to_dict('records') and err == ''
    shown, _ = quick('recommend', 'm', '--like', 'NA=4', '--json', cwd=tmp_path)
    assert len(json.loads(shown)) == 10


@pytest.mark.parametrize('args, says', [
    (['--model', 'bayes', '--epochs', '3'], '--epochs is an option of implicit-mf and biased-mf, not of bayes'),
    (['--wd', '.1'], '--wd is an option of biased-mf, not of pick-and-like'),
    (['--model', 'biased-mf', '--sweeps', '90'], '--sweeps is an option of pick-and-like, bayes and features, not of biased-mf'),
    (['--model', 'popularity', '--factors', '3'], '--factors is an option of implicit-mf, bayes, features and biased-mf, not of popularity'),
    (['--model', 'ease', '--threads', '2'], '--threads is an option of pick-and-like, bayes, features and biased-mf, not of ease'),
    (['--no-rating', '--threads', '2'], '--threads is an option of pick-and-like, bayes, features and biased-mf, not of implicit-mf'),
    (['--no-rating', '--model', 'bayes'], '--no-rating is an option of implicit-mf, item-knn, ease and popularity, not of bayes'),
    (['--counts', 'n', '--model', 'popularity'], '--counts is an option of implicit-mf, item-knn and ease, not of popularity'),
    (['--threads', '17'], '17 is not a whole number from 1 to 16'),
    (['--model', 'damped-means', '--lr', '.1'], '--lr is an option of biased-mf, not of damped-means'),
    (['--model', 'svd'], "'pick-and-like', 'implicit-mf', 'item-knn', 'ease', 'bayes', 'features', 'biased-mf', 'damped-means', 'popularity'"),
    (['--sweeps', '21'], 'leave fewer than 2 draws: --sweeps has to be at least 22'), (['--model', 'bayes', '--factors', '0'], '--factors is a whole number of at least 1'),
    (['--lr', 'nan'], 'nan is not a number above 0 to 1'), (['--lr', '0'], '--lr'), (['--wd', '-1'], '--wd'), (['--wd', '11'], '--wd'),
    (['--epochs', '0'], '--epochs'), (['--epochs', '1.5'], '--epochs'), (['--factors', '-1'], '--factors'), (['--seed', '-1'], '--seed'),
    (['--sweeps', '1'], '--sweeps'), (['--min-ratings', '3'], '--min-ratings'),
])
@pytest.mark.parametrize('command', ['train', 'evaluate'])
def test_settings_that_a_model_does_not_have_are_refused(command, args, says, model):
    "By name, with the models that have them; ranges are the library's"
    out = ['--out', 'm'] if command == 'train' else []
    assert says in refused(command, 'films.csv', *out, *args, cwd=model[0])
    assert not (model[0]/'m').exists()


@pytest.mark.parametrize('args, says', [
    (['train', '--out', 'm', '--model', 'popularity', '--seed', '1'], '--seed is an option of pick-and-like, implicit-mf, bayes, features and biased-mf, not of popularity'),
    (['evaluate', '--protocol', 'time', '--model', 'damped-means', '--seed', '1'], '--seed is an option of pick-and-like, implicit-mf, bayes, features and biased-mf'),
    (['evaluate', '--time', 'timestamp'], '--time has no effect with --protocol random'),
    (['evaluate', '--protocol', 'folds', '--share', '.3'], '--share has no effect with --protocol folds'),
    (['evaluate', '--no-lists', '-k', '3'], '-k has no effect with --no-lists'),
    (['evaluate', '--no-lists', '--good', '3'], '--good has no effect with --no-lists'),
    (['evaluate', '--no-rating', '--good', '3'], '--good has no effect with --no-rating'),
    (['evaluate', '--no-rating', '--no-lists'], 'there is nothing but lists to measure: leave out --no-lists'),
    (['evaluate', '--counts', 'rating', '--no-lists'], 'there is nothing but lists to measure'),
    (['train', '--out', 'm', '--no-rating', '--rating', 'x'], '--rating has no effect with --no-rating'),
    (['train', '--out', 'm', '--no-rating', '--drop', '0'], '--drop has no effect with --no-rating'),
    (['train', '--out', 'm', '--no-rating', '--counts', 'x'], '--counts has no effect with --no-rating'),
    (['train', '--out', 'm', '--counts', 'x', '--rating', 'y'], '--rating has no effect with --counts'),
    *[([*command, '--json', '--csv'], '--json has no effect with --csv') for command in (['evaluate'], ['data'])],
])
def test_options_without_effect_are_refused(args, says, model):
    "Before anything is read or trained"
    command, *rest = args
    assert says in refused(command, 'films.csv', *rest, cwd=model[0])
    assert not (model[0]/'m').exists()


@pytest.mark.parametrize('command', [['recommend', 'made/model', '--user', '7'], ['similar', 'made/model', '1']], ids=lambda o: o[0])
def test_answers_have_one_form(command, model):
    "JSON or CSV, in either order"
    for forms in ['--json', '--csv'], ['--csv', '--json']:
        assert '--json has no effect with --csv' in refused(*command, *forms, cwd=model[0])


def test_a_seed_of_the_split_is_one_for_every_model(films, tmp_path):
    "Where a split is random"
    ask = 'evaluate', text(films, tmp_path/'x.csv'), '--model', 'damped-means', '--no-lists', '--json', '--quiet'
    def rmse(*args): return json.loads(quick(*ask, *args, cwd=tmp_path)[0])[0]['rmse']
    assert rmse() == rmse('--seed', 42) != rmse('--seed', 1)


def test_ranges_are_the_librarys():
    "Of each setting that can be given"
    params = {o.name: o.type for o in cli.commands['train'].params}
    names = dict(factors='n_factors', epochs='n_epoch', lr='lr', wd='wd', sweeps='n_sweeps', seed='seed', threads='threads')
    assert {params[o].range for o in names} == {setting_ranges()[o] for o in names.values()}


LIKES = {'A=B (1999)': 5, 'NA': 2, 'Misérables, Les "1"': 4.5, '20': 1}


def test_recommend_gives_what_python_gives(model, mf):
    "Users and likes; JSON and CSV to the bit; a table gives its rows"
    at = model[0]
    likes = [o for k, v in LIKES.items() for o in ('--like', f'{k}={v}')]
    ask = [('--user', 7, '-n', 4), mf.recommend(7, 4)], [likes, mf.recommend(LIKES)], [
        ('--user', 7, '--seen', '--exclude', 'Film 20', '--exclude', '2', '--min-ratings', 31),
        mf.recommend(7, seen=True, exclude=[2, 20], min_ratings=31)]
    for args, top in ask:
        out, err = run('recommend', 'made/model', *args, '--json', cwd=at)
        assert pd.DataFrame(json.loads(out)).equals(top) and err == ''
        out, err = quick('recommend', 'made/model', *args, '--csv', cwd=at)
        rows = [{**row, 'item': int(row['item']), 'rating': float(row['rating']), 'few_ratings': row['few_ratings'] == 'True'}
                for row in csv.DictReader(io.StringIO(out))]
        assert pd.DataFrame(rows).equals(top) and err == ''
    lines = quick('recommend', 'made/model', '--user', 7, '-n', 4, cwd=at)[0].splitlines()
    assert len(lines) == 5
    for line, title in zip(lines[1:], mf.recommend(7, 4).title): assert title in line


def test_recommend_by_the_lower_end(films, tmp_path):
    "For a model that knows it"
    quick('train', text(films, tmp_path/'x.csv'), '--out', 'm', '--model', 'bayes', '--sweeps', 30, '--quiet', cwd=tmp_path)
    for ask, who in (['--user', 3], 3), (['--like', 'NA=4'], {'NA': 4}):
        shown = json.loads(quick('recommend', 'm', *ask, '--by', 'lower', '--json', cwd=tmp_path)[0])
        assert shown == load(tmp_path/'m').recommend(who, by='lower').to_dict('records') and 'lower' in shown[0]


def test_similar_gives_what_python_gives(model, mf):
    "By title, by id; with --ids, 7 is the id and not the film of that name"
    at = model[0]
    for item, args in ('A=B (1999)', []), (7, ['--ids']), (7, ['--ids', '--min-ratings', 31]):
        out, err = quick('similar', 'made/model', item, '-n', 3, '--json', *args, cwd=at)
        top = mf.similar(item, 3, min_ratings=31 if '--min-ratings' in args else 20)
        assert pd.DataFrame(json.loads(out)).equals(top) and err == ''


def test_models_of_interactions_can_be_asked(films, tmp_path):
    "Saved from Python; --like is then an item alone"
    m = Popularity().fit(films, rating=None, quiet=True)
    m.save(tmp_path/'m')
    shown = json.loads(quick('recommend', 'm', '--like', 'A=B (1999)', '--like', 1, '--json', cwd=tmp_path)[0])
    assert shown == m.recommend(['A=B (1999)', 1]).to_dict('records')


def test_text_ids(films, tmp_path):
    "An id goes before a title, and numbers stay the text that they are"
    odd = films.assign(movie='0'+films.movie.astype(str), user='u'+films.user.astype(str))
    quick('train', text(odd, tmp_path/'x.csv'), '--out', 'm', '--model', 'biased-mf', '--epochs', 1, '--quiet', cwd=tmp_path)
    m = load(tmp_path/'m')
    shown = json.loads(quick('recommend', 'm', '--user', 'u7', '--exclude', '01', '--json', cwd=tmp_path)[0])
    assert shown == m.recommend('u7', exclude=['01']).to_dict('records')
    assert "'u7'" in refused('recommend', 'm', '--user', '7', cwd=tmp_path)


@pytest.mark.parametrize('args, says', [
    (['recommend', 'made/model', '--user', '41'], ['--user', 'unknown: 41; close to 41: [40, 39, 38]']),
    (['recommend', 'made/model', '--like', 'Film 1999=3'], ['--like', "'Film 1999'", "'Film 19'"]),
    (['recommend', 'made/model', '--like', 'Twin=3'], ['--like', "'Twin' may be any of 3, 4: say the id"]),
    (['recommend', 'made/model', '--like', 'Film 1=9'], ["ratings go from 1 to 5, and 'Film 1' has 9"]),
    (['recommend', 'made/model', '--like', 'Film 1=5', '--like', '1=5'], ['is rated twice']),
    (['recommend', 'made/model', '--like', 'Film 1'], ["'Film 1' is not ITEM=RATING"]),
    (['recommend', 'made/model', '--like', 'Film 1=3', '--ids'], ["unknown: 'Film 1'"]),
    (['recommend', 'made/model', '--user', '1', '--exclude', 'Film 1999'], ['--exclude', "'Film 19'"]),
    (['recommend', 'made/model', '--user', '1', '--by', 'lower'], ['BiasedMF does not know how sure it is; BayesianMF does']),
    (['similar', 'made/model', '7'], ["'7' may be any of 5, 7"]),
    (['similar', 'made/model', 'film 2'], ["'film 2'", "'Film 2'"]),
    (['similar', 'means', '1'], ['DampedMeans has no factors to compare items by']),
    (['recommend', '.', '--user', '1'], ['. holds no recommender.json']),
])
def test_what_a_model_refuses_is_one_line(model, films, args, says):
    "With what is close"
    if 'means' in args: collab_course.DampedMeans().fit(films, quiet=True).save(model[0]/'means')
    err = refused(*args, cwd=model[0])
    for words in says: assert words in err


@pytest.mark.parametrize('args, says', [
    (['recommend', 'made/model'], 'either --user ID, or --like ITEM=RATING'),
    (['recommend', 'made/model', '--user', '1', '--like', 'Film 1=3'], 'either --user ID, or --like'),
    (['recommend', 'made/model', '--user', '1', '-n', '0'], "'-n'"), (['recommend', 'no', '--user', '1'], "'no' does not exist"),
    (['recommend', 'made/model', '--user', '1', '--min-ratings', '-1'], '--min-ratings'),
    (['recommend', 'made/model', '--user', '1', '--by', 'upper'], "'mean', 'lower'"),
    (['recommend', 'films.csv', '--user', '1'], 'films.csv'), (['similar', 'made/model'], 'ITEM'), (['similar'], 'MODEL'),
    (['train', 'films.csv'], '--out'), (['train', 'films.csv', '--out', 'films.csv/x'], 'cannot write to films.csv/x'),
    (['evaluate', 'films.csv', '--share', '1'], '--share'), (['evaluate', 'films.csv', '--share', 'nan'], '--share'),
    (['evaluate', 'films.csv', '--good', 'inf'], '--good'),
    (['evaluate', 'films.csv', '--protocol', 'leave-one-out'], "'random', 'folds', 'time'"), (['evaluate', 'films.csv', '-k', '0'], "'-k'"),
    (['evaluate', 'films.csv', '--protocol', 'time', '--time', 'when'], "no column 'when': say which with time=, or --time"),
    (['evaluate', 'wordy.csv', '--protocol', 'time', '--time', 'when'], "the time 'soon' is neither a number nor an ISO date"),
    (['evaluate', 'untimed.csv', '--protocol', 'time'], 'say which column has them with --time'),
    (['evaluate', 'untimed.csv', '--share', '0.1'], '3 rows are too few to hold some out'), (['trian'], 'trian'),
    (['update', 'made/model'], 'RATINGS'), (['update', 'no', 'films.csv'], "'no' does not exist"),
    (['update', '.', 'films.csv'], '. holds no recommender.json'), (['update', 'made/model', 'no.csv'], 'no.csv does not exist'),
])
def test_other_mistakes_are_one_line(model, args, says):
    "Exit code 2, one line that names it, and no folder is left"
    (model[0]/'untimed.csv').write_text(GOOD)
    (model[0]/'wordy.csv').write_text('user,movie,rating,when\n1,2,3,soon\n2,3,4,later\n')
    assert says in refused(*args, cwd=model[0])
    assert not (model[0]/'m').exists()


def test_a_damaged_model_is_one_line(model, tmp_path):
    "Cut off, or of another kind"
    folder = shutil.copytree(model[0]/'made/model', tmp_path/'m')
    weights, = folder.glob('collab_course-*.safetensors')
    weights.write_bytes(weights.read_bytes()[:-1])
    assert 'not what was saved' in refused('recommend', 'm', '--user', 1, cwd=tmp_path)
    (folder/'recommender.json').write_text('{}')
    assert 'is not a saved model of collab_course' in refused('similar', 'm', 'Film 1', cwd=tmp_path)


SAVED = [path for path in sorted((Path(__file__).parent/'saved_0_1').iterdir()) if path.is_dir()]


@pytest.mark.parametrize('folder', SAVED, ids=lambda path: path.name)
def test_folders_of_0_1_answer(folder, tmp_path):
    "Users, likes and items as in Python; update says to fit again"
    folder = shutil.copytree(folder, tmp_path/'m')
    m = load(folder)
    user, item = [next(iter(vocab)) for vocab in (m.ratings.users, m.ratings.items)]
    best = round(m.ratings.rating_limits[1])
    for args, top in [(['recommend', 'm', '--user', user], m.recommend(user)), (['similar', 'm', item, '--ids'], m.similar(item)),
                      (['recommend', 'm', '--like', f'{item}={best}', '--ids'], m.recommend({item: best}))]:
        assert json.loads(quick(*args, '--json', cwd=tmp_path)[0]) == top.to_dict('records')
    (tmp_path/'new.csv').write_text(GOOD)
    assert 'fit it again' in refused('update', 'm', 'new.csv', '--quiet', cwd=tmp_path)


def test_update_is_a_fit_on_the_joined_ratings(films, tmp_path):
    "New rows replace the old ones of a user and an item; settings stay, the folder is replaced"
    old, new = films[films.user < 35], films[films.user > 30].assign(rating=lambda df: 6-df.rating)
    quick('train', text(old, tmp_path/'old.csv'), '--out', 'm', '--model', 'biased-mf', '--factors', 3, '--seed', 5, '--quiet', cwd=tmp_path)
    text(new.rename(columns={'user': 'guest'}), tmp_path/'new.csv')
    out, err = quick('update', 'm', 'new.csv', '--user', 'guest', cwd=tmp_path)
    assert out == 'Saved to m: BiasedMF(n_factors=3, seed=5) of 40 users, 30 items, 900 ratings\n'
    assert 'item = movie' in err and 'chosen by rule' in err
    both = BiasedMF(n_factors=3, seed=5).fit(pd.concat([old[old.user < 31], new]), quiet=True)
    assert load(tmp_path/'m').recommend_all().equals(both.recommend_all())
    assert len(list((tmp_path/'m').iterdir())) == 3


def test_update_of_a_model_saved_from_python(films, tmp_path):
    "Its columns have other names, and it has times; the file's rows get theirs"
    odd = films.rename(columns={'user': 'who', 'movie': 'what', 'rating': 'how', 'title': 'name', 'timestamp': 'when'})
    columns = dict(user='who', item='what', rating='how', title='name', time='when')
    m = BiasedMF(n_factors=2, n_epoch=1).fit(odd[odd.who < 39], **columns, quiet=True)
    m.save(tmp_path/'m')
    _, err = quick('update', 'm', text(films[films.user > 37], tmp_path/'x.csv'), '--quiet', cwd=tmp_path)
    r = load(tmp_path/'m').ratings
    assert err == '' and r.columns == columns and len(r) == len(films)
    assert sorted(r.time) == sorted(films.timestamp)
    (tmp_path/'clicks.csv').write_text('user,movie\n1,2\n')
    assert 'no column is named rating' in refused('update', 'm', 'clicks.csv', cwd=tmp_path)
    m.save(tmp_path/'m', ratings=False)
    assert 'holds no ratings' in refused('update', 'm', 'x.csv', '--quiet', cwd=tmp_path)


def test_evaluate_judges_by_rows_that_the_model_has_not_seen(films, tmp_path):
    "All forms agree; damped means and popularity stand beside it"
    path, recipe = text(films, tmp_path/'x.csv'), ['--model', 'biased-mf', '--factors', 3, '--seed', 5, '--quiet']
    shown, err = run('evaluate', path, *recipe, '--json', cwd=tmp_path)
    row, means, popular = json.loads(shown)
    train, valid = split_random(films, .2, seed=5)
    rest = films.iloc[valid]
    for got, m in (row, BiasedMF(n_factors=3, seed=5)), (means, collab_course.DampedMeans()):
        error = m.fit(films.iloc[train], quiet=True).predict(rest.user, rest.movie) - rest.rating
        assert got['rmse'] == pytest.approx(np.sqrt((error**2).mean()), abs=1e-6)
        assert got['mae'] == pytest.approx(error.abs().mean(), abs=1e-6)
    assert (row['split'], row['n'], row['unknown_users'], row['unknown_items'], err) == ('random', len(valid), 0, 0, '')
    assert [o['model'] for o in (row, means, popular)] == ['biased-mf', 'damped-means', 'popularity']
    assert popular['rmse'] is popular['mae'] is None
    assert all(0 <= o[key] <= 1 for o in (row, means, popular) for key in ('ndcg', 'recall', 'coverage'))
    assert isinstance(row['n'], int)
    same = collab_course.evaluate(BiasedMF(n_factors=3, seed=5), films, (train, valid))
    assert {key: row[key] for key in same.index} == same.to_dict() # as `recommend` ranks
    for args, less in (['--good', 4], 0), (['--good', 5], 1), (['-k', 3], 1):
        other = json.loads(quick('evaluate', path, *recipe, '--json', *args, cwd=tmp_path)[0])[0]
        assert other['rmse'] == row['rmse'] and (other['recall'] != row['recall']) == less


def test_evaluate_by_folds_and_time(films, tmp_path):
    "Five parts that are all rows, and their mean; the latest rows, by a column of another name"
    path = text(films, tmp_path/'x.csv')
    shown, err = quick('evaluate', path, '--protocol', 'folds', '--model', 'biased-mf', '--epochs', 1, '--factors', 2, '--csv', cwd=tmp_path)
    table = pd.read_csv(io.StringIO(shown))
    assert len(table) == 18 and 'it/s' not in err
    for name, rows in table.groupby('model'):
        rows = rows.set_index('split')
        assert rows.index.to_list() == [f'fold {k}' for k in range(1, 6)] + ['mean']
        assert rows.n[:5].sum() == len(films)
        assert rows.rmse['mean'] == pytest.approx(rows.rmse[:5].mean(), nan_ok=True)
    when = pd.to_datetime(films.timestamp, unit='s').dt.strftime('%Y-%m-%dT%H:%M:%S')
    text(films.drop(columns='timestamp').assign(seen=when), path)
    shown, _ = quick('evaluate', path, '--protocol', 'time', '--time', 'seen', '--share', .1, '--model', 'biased-mf', '--epochs', 1, '--json', cwd=tmp_path)
    assert json.loads(shown)[0]['n'] == len(split_time(films, .1)[1])
    shown, _ = quick('evaluate', path, '--protocol', 'random', '--model', 'biased-mf', '--epochs', 1, '--quiet', cwd=tmp_path)
    assert shown.split()[:4] == ['split', 'model', 'rmse', 'mae'] and len(shown.splitlines()) == 4


@pytest.mark.parametrize('args', [['bayes', '--sweeps', 30, '--factors', 2], ['popularity'], ['damped-means']], ids=lambda o: o[0])
def test_evaluate_takes_every_model(args, films, tmp_path):
    "The means and popularity stand there once"
    shown, _ = quick('evaluate', text(films, tmp_path/'x.csv'), '--model', *args, '--json', '--quiet', cwd=tmp_path)
    assert [o['model'] for o in json.loads(shown)] == list(dict.fromkeys([args[0], 'damped-means', 'popularity']))


def test_evaluate_without_lists_has_errors_alone(films, tmp_path):
    "The same errors, and no popularity, which has none"
    path = text(films, tmp_path/'x.csv')
    recipe = ['--model', 'biased-mf', '--epochs', 1, '--factors', 2, '--json', '--quiet']
    full, short = (json.loads(quick('evaluate', path, *recipe, *o, cwd=tmp_path)[0]) for o in ([], ['--no-lists']))
    names = ['split', 'model', 'rmse', 'mae', 'n', 'unknown_users', 'unknown_items', 'unknown_rows']
    assert [[*o] for o in short] == [names]*2
    assert short == [{name: o[name] for name in names} for o in full[:2]]


def test_a_frame_is_checked_once(films, tmp_path, monkeypatch):
    "By `evaluate`, however many models and splits there are"
    made = []
    def count(self, *args, **kwargs):
        made.append(1)
        return init(self, *args, **kwargs)
    init = Ratings.__init__
    monkeypatch.setattr(Ratings, '__init__', count)
    cli(['evaluate', str(text(films, tmp_path/'x.csv')), '--protocol', 'folds', '--model', 'biased-mf', '--epochs', '1', '--quiet'], standalone_mode=False)
    assert len(made) == 1


def test_titles_cannot_command_the_terminal(films, tmp_path):
    "A table shows no control characters; a terminal that lacks a letter is no reason to fail"
    bad = films.replace({'Film 1': '\x1b[2J\x07Film 1', 'Film 2': 'Film \u202e2', 'Film 12': '\u4e2d'})
    text(bad, tmp_path/'x.csv')
    quick('train', 'x.csv', '--out', 'm', '--model', 'biased-mf', '--epochs', 1, '--quiet', cwd=tmp_path)
    env = {**os.environ, 'PYTHONIOENCODING': 'latin-1'}
    out, _ = run('similar', 'm', 3, '-n', 30, cwd=tmp_path, env=env, encoding='latin-1')
    for words in '?[2J?Film 1', 'Film ?2', '\\u4e2d', 'Misérables, Les': assert words in out
    assert not any(ord(c) < 32 and c != '\n' for c in out)


def test_names_of_folders_cannot_command_the_terminal(tmp_path):
    "In what is printed at the end, too"
    (tmp_path/'x.csv').write_text(GOOD)
    said = run('train', 'x.csv', '--out', '\x1b[2Jm\x9b', '--model', 'popularity', cwd=tmp_path)
    assert 'Saved to ?[2Jm?' in said[0] and all(line.isprintable() for text in said for line in text.split('\n'))


@pytest.mark.parametrize('command', ['train', 'update', 'evaluate', 'data'])
def test_ratings_that_may_be_none_are_said(command, model, tmp_path):
    "Whichever command reads them"
    shutil.copytree(model[0]/'made/model', tmp_path/'m')
    (tmp_path/'x.csv').write_text('user,item,title,rating\n' + ''.join(f'{k%9},{k%8},{k%8},{0 if k%3 else 5+k%6}\n' for k in range(72)))
    args = {'train': ['x.csv', '--out', 'new'], 'update': ['m', 'x.csv'], 'evaluate': ['x.csv'], 'data': ['x.csv']}[command]
    assert '48 ratings are 0, the others go from 5 to 8' in ''.join(run(command, *args, cwd=tmp_path))


HEAVY = {'torch', 'fastai', 'fastcore', 'numba', 'sklearn', 'scipy', 'matplotlib', 'IPython'}


@pytest.mark.parametrize('args', [('recommend', '--user', 7), ('recommend', '--like', 'NA=4'), ('similar', 1)], ids=lambda o: o[0])
def test_a_question_imports_nothing_heavy(args, model):
    "And takes less than three times the CPU time that `import pandas` takes"
    code = "import atexit, sys, time; atexit.register(lambda: print(time.process_time(), *sys.modules, file=sys.stderr)); "
    command, *rest = map(str, args)
    def runs(line): return [subprocess.run([sys.executable, '-c', code + line, command, 'made/model', *rest], cwd=model[0], capture_output=True, text=True) for _ in range(3)]
    def least(done): return min(float(o.stderr.split()[0]) for o in done)
    ours, pandas = runs('from collab_course.app import main; main()'), runs('import pandas')
    modules = ours[0].stderr.split()
    assert ours[0].returncode == 0 and HEAVY.isdisjoint(modules) and 'pandas' in modules
    assert least(ours) < 3*least(pandas)


@pytest.mark.parametrize('command', ['train', 'evaluate', 'update'])
def test_training_imports_no_pytorch(command, model, tmp_path):
    "Whichever command trains"
    shutil.copytree(model[0]/'made/model', tmp_path/'m')
    code = "import atexit, sys; atexit.register(lambda: print(*sys.modules, file=sys.stderr)); from collab_course.app import main; main()"
    args = {'train': ['--out', 'm'], 'evaluate': [], 'update': []}[command]
    where = ['m'] if command == 'update' else []
    line = [sys.executable, '-c', code, command, *where, model[0]/'films.csv', *args, '--quiet']
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and (HEAVY-{'numba', 'scipy'}).isdisjoint(done.stderr.split())


@pytest.mark.parametrize('args', [('--help',), ('data', 'films.csv'), ('data', 'films.csv', '--json')])
def test_a_pipe_that_closes_ends_it_silently(model, args):
    "`| head` has seen enough"
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([COMMAND, *args], cwd=model[0], stdout=write, stderr=subprocess.PIPE)
    os.close(write)
    assert done.stderr == b'' and done.returncode == 0


@pytest.mark.parametrize('to', ['a full disk', 'a closed pipe', 'nowhere'])
def test_messages_that_cannot_be_written_do_not_cost_the_model(to, model, tmp_path):
    "Nor does standard error that is closed"
    read, write = os.pipe()
    os.close(read)
    if to == 'a full disk': os.dup2(os.open('/dev/full', os.O_WRONLY), write)
    line = f'exec "{sys.executable}" -m collab_course train "{model[0]}/films.csv" --out m --model damped-means'
    line += ' 2>&-' if to == 'nowhere' else ''
    done = subprocess.run(['sh', '-c', line], cwd=tmp_path, stdout=subprocess.PIPE, stderr=write)
    os.close(write)
    assert done.returncode == 0 and b'Saved to m' in done.stdout and load(tmp_path/'m').ratings


INTERRUPTED = """
import atexit, os, signal, sys
when, *args = sys.argv[1:]
def stop(*_): os.kill(os.getpid(), signal.SIGINT)
class Importing:
    def find_spec(self, name, path=None, target=None):
        if name == when: stop()
        if when == 'in a destructor' and name == 'numpy': Lost()
        if when == 'in exec' and name == 'numpy': exec('stop()') # as collections and dataclasses do it
class Lost:
    def __del__(self):
        stop()
        for _ in range(1000): pass # it arrives in here, and Python cannot raise it
def compiling():
    import numba.core.compiler as c
    compile = c.compile_extra
    c.compile_extra = lambda *args, **kwargs: (stop(), compile(*args, **kwargs))[1]
sys.meta_path.insert(0, Importing())
if when == 'at the end': atexit.register(stop)
if when == 'compiling': compiling()
from collab_course.__main__ import main
sys.argv = ['collab_course', 'train', *args]
main()
"""


@pytest.mark.parametrize('when', ['collab_course.app', 'click', 'collab_course.settings', 'pandas', 'numpy', 'collab_course.read',
                                  'numba', 'llvmlite.binding', 'safetensors', 'compiling', 'in a destructor', 'in exec', 'at the end'])
def test_ctrl_c_is_one_line_wherever_it_arrives(when, model, films, tmp_path):
    "In imports, in the compiler, where Python cannot raise it; and it changes nothing once all is done"
    text(films, tmp_path/'x.csv')
    kind = ['--model', 'damped-means'] if when == 'at the end' else ['--model', 'biased-mf', '--epochs', '1000']
    (tmp_path/'interrupted_when.py').write_text(INTERRUPTED)
    line = [sys.executable, '-W', 'ignore', '-m', 'interrupted_when', when, 'x.csv', '--out', 'm', *kind, '--quiet']
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, 'NUMBA_CACHE_DIR': str(tmp_path/'cache')})
    expected = (0, []) if when == 'at the end' else (130, ['collab_course: interrupted'])
    assert (done.returncode, done.stderr.strip().splitlines()) == expected


LONG_TRAINING = {'biased-mf': ['--model', 'biased-mf', '--epochs', '1000'], 'bayes': ['--model', 'bayes', '--sweeps', '1000000'],
                 'pick-and-like': ['--sweeps', '1000000'], 'implicit-mf': ['--no-rating', '--epochs', '1000', '--factors', '100']}


@pytest.mark.parametrize('kind', LONG_TRAINING)
def test_ctrl_c_in_training_keeps_the_model(kind, model, films, tmp_path):
    "130, and the model that was there is still there"
    shutil.copytree(model[0]/'made/model', tmp_path/'m')
    text(pd.concat([films]*100), tmp_path/'films.csv')
    before = {path.name: path.read_bytes() for path in (tmp_path/'m').iterdir()}
    args = 'train', 'films.csv', '--out', 'm', *LONG_TRAINING[kind]
    interrupted(on_terminal(*args, cwd=tmp_path), training)
    assert {path.name: path.read_bytes() for path in (tmp_path/'m').iterdir()} == before


def test_mistakes_that_show_late_are_one_line(films, tmp_path):
    "Training that runs away, one pair again and again, a column in two roles, a broken zip"
    films.to_csv(tmp_path/'films.csv', index=False)
    (tmp_path/'same.csv').write_text('user,movie,rating\n' + 12*'1,1,5\n')
    with zipfile.ZipFile(tmp_path/'films.zip', 'w') as z: z.write(tmp_path/'films.csv', 'ratings.csv')
    data = (tmp_path/'films.zip').read_bytes().replace(b'PK\1\2', b'\0K\1\2')
    (tmp_path/'films.zip').write_bytes(data)
    for args, says in [
            (['train', 'films.csv', '--out', 'm', '--model', 'biased-mf', '--lr', 1, '--wd', 10, '--epochs', 400, '--quiet'], 'training diverged'),
            (['evaluate', 'films.csv', '--model', 'biased-mf', '--lr', 1, '--wd', 10, '--epochs', 400, '--quiet'], 'training diverged'),
            (['evaluate', 'same.csv', '--quiet'], 'nothing is left to hold out'),
            (['evaluate', 'same.csv', '--protocol', 'folds', '--quiet'], 'nothing is left to hold out'),
            (['evaluate', 'films.csv', '--protocol', 'time', '--time', 'rating'], 'rating and time at once'),
            (['data', 'films.csv', '--title', 'user'], 'user and title at once'), (['data', 'films.zip'], 'films.zip'),
            (['data', 300*'x'], 300*'x')]:
        assert says in refused(*args, cwd=tmp_path), args
    assert not (tmp_path/'m/recommender.json').exists()


def test_tables_that_are_legal(films, tmp_path):
    "A saved index in a TSV, titles for ids of another kind, a title with a line's end in it"
    films.to_csv(tmp_path/'films.tsv', sep='\t')
    want = json.loads(quick('data', 'films.tsv', '--json', cwd=tmp_path)[0])
    assert want['rows'] == len(films)
    (tmp_path/'ml').mkdir()
    films[['user', 'movie', 'rating', 'timestamp']].to_csv(tmp_path/'ml/ratings.csv', index=False)
    (tmp_path/'ml/movies.csv').write_text('movieId,title\n' + ''.join(f'{m},Film {m}\n' for m in range(1, 31)) + 'x9,Odd\n')
    assert 'no title' not in quick('data', 'ml', cwd=tmp_path)[0]
    films.assign(title=films.movie.map('Film\r{}'.format)).to_csv(tmp_path/'lines.csv', index=False, quoting=csv.QUOTE_NONNUMERIC)
    quick('train', 'lines.csv', '--out', 'm', '--model', 'biased-mf', '--epochs', 1, '--factors', 2, '--quiet', cwd=tmp_path)
    shown = quick('recommend', 'm', '--user', 1, '--csv', cwd=tmp_path)[0]
    rows = list(csv.reader(io.StringIO(shown, newline='')))
    assert all(len(row) == len(rows[0]) for row in rows) and any('\n' in row[1] for row in rows) # as it was read back


def test_a_warning_is_one_line(films, tmp_path):
    "Such as that numba is not there"
    films.to_csv(tmp_path/'films.csv', index=False)
    code = "import sys; sys.modules['numba'] = None; from collab_course.app import main; main()"
    args = ['train', 'films.csv', '--out', 'm', '--model', 'biased-mf', '--epochs', '1', '--factors', '2', '--quiet']
    done = subprocess.run([sys.executable, '-c', code, *args], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == 'collab_course: numba is not here, so training is slow: pip install numba\n'


@pytest.fixture(scope='module')
def plays(tmp_path_factory):
    "Who listened to what and how often, in files with and without a header and counts; a model of each"
    folder = tmp_path_factory.mktemp('plays')
    rng = np.random.default_rng(3)
    df = pd.DataFrame(dict(user=rng.integers(1, 41, 500), track=rng.integers(1, 31, 500), plays=rng.integers(1, 9, 500)))
    df = df.drop_duplicates(['user', 'track']).reset_index(drop=True).assign(title=lambda o: 'Song '+o.track.astype(str))
    df.to_csv(folder/'counted.csv', index=False)
    df.drop(columns='plays').to_csv(folder/'plays.csv', index=False)
    df[['user', 'track']].to_csv(folder/'bare.csv', index=False, header=False)
    quick('train', 'plays.csv', '--item', 'track', '--no-rating', '--out', 'clicks', '--quiet', cwd=folder)
    quick('train', 'counted.csv', '--item', 'track', '--counts', 'plays', '--out', 'counts', '--quiet', cwd=folder)
    return folder, df


def test_train_without_ratings_is_implicit_mf(plays):
    "The model that Python makes of the same interactions, or counts"
    folder, df = plays
    clicks = ImplicitMF().fit(df, item='track', rating=None, quiet=True)
    assert load(folder/'clicks').recommend_all().equals(clicks.recommend_all())
    counts = ImplicitMF(weight='log').fit(df, item='track', rating='plays', quiet=True)
    assert load(folder/'counts').recommend_all().equals(counts.recommend_all())
    assert not counts.recommend_all().equals(clicks.recommend_all())


@pytest.mark.parametrize('kind', ['implicit-mf', 'item-knn', 'ease', 'popularity'])
def test_a_file_of_two_columns_without_names_is_users_and_items(kind, plays, tmp_path):
    "--no-header --no-rating"
    folder, df = plays
    quick('train', folder/'bare.csv', '--no-header', '--no-rating', '--model', kind, '--out', 'm', '--quiet', cwd=tmp_path)
    r = load(tmp_path/'m').ratings
    assert r.interactions and len(r) == len(df) and r.users.ids.tolist() == sorted(df.user.unique())


def test_likes_without_a_number(plays):
    "Items alone where there were no ratings; a model of ratings asks for one"
    folder, _ = plays
    told = json.loads(quick('recommend', 'clicks', '--like', 'Song 3', '--like', 4, '--json', cwd=folder)[0])
    assert [o['item'] for o in told] == load(folder/'clicks').recommend(['Song 3', 4])['item'].to_list()
    assert "'Song 3' is not ITEM=RATING" in refused('recommend', 'counts', '--like', 'Song 3', cwd=folder)
    assert "counts are at least 1, and 'Song 3' has 0" in refused('recommend', 'counts', '--like', 'Song 3=0', cwd=folder)
    assert quick('recommend', 'counts', '--like', 'Song 3=70000', cwd=folder)[0]


@pytest.mark.parametrize('args', [['clicks', '--user', 7], ['counts', '--like', 'Song 3=2', '--like', '9=1']], ids=lambda o: o[0])
def test_why_names_what_speaks_most(args, plays):
    "A title that was taken, the one with the largest effect; nothing else about the list changes"
    folder, df = plays
    plain, told = (json.loads(quick('recommend', *args, *why, '--json', cwd=folder)[0]) for why in ([], ['--why']))
    assert plain == [{k: v for k, v in o.items() if k != 'why'} for o in told]
    m, who = load(folder/args[0]), 7 if args[1] == '--user' else {3: 2, 9: 1}
    for o in told:
        effects = m.explain(who, o['item'], 30)
        assert o['why'] == effects.loc[effects.effect.idxmax(), 'title']


def test_why_of_a_model_that_cannot_explain_is_refused(films, tmp_path):
    quick('train', text(films, tmp_path/'x.csv'), '--model', 'popularity', '--out', 'm', '--quiet', cwd=tmp_path)
    assert 'Popularity cannot explain' in refused('recommend', 'm', '--user', 7, '--why', '--min-ratings', 0, cwd=tmp_path)
    assert 'Popularity has no factors to compare items by' in refused('recommend', 'm', '--user', 7, '--diversity', .5, cwd=tmp_path)


def test_diversity_gives_what_python_gives(plays):
    folder, _ = plays
    shown, _ = quick('recommend', 'clicks', '--user', 7, '--diversity', .4, '--json', cwd=folder)
    assert json.loads(shown) == load(folder/'clicks').recommend(7, diversity=.4).to_dict('records')
    for bad in ('-0.1', '1.5', 'nan'): assert '--diversity' in refused('recommend', 'clicks', '--user', 7, '--diversity', bad, cwd=folder)


@pytest.mark.parametrize('file, args, how', [('plays.csv', ['--no-rating'], dict(rating=None)),
                                            ('counted.csv', ['--counts', 'plays'], dict(rating='plays', good=1))], ids=['clicks', 'counts'])
def test_evaluate_without_ratings(file, args, how, plays):
    "Lists alone, beside popularity, as Python measures them"
    folder, df = plays
    rows = json.loads(quick('evaluate', file, '--item', 'track', *args, '--json', '--quiet', cwd=folder)[0])
    assert [(o['model'], o['rmse']) for o in rows] == [('implicit-mf', None), ('popularity', None)]
    model = ImplicitMF(weight='log' if 'good' in how else None)
    split = split_random(Ratings(df, item='track', rating=None), seed=42)
    assert rows[0]['ndcg'] == pytest.approx(evaluate(model, df, split, item='track', quiet=True, **how).ndcg, abs=1e-9)


def test_update_of_interactions_takes_interactions(plays, tmp_path):
    "The model knows that there are no ratings"
    folder, df = plays
    shutil.copytree(folder/'clicks', tmp_path/'m')
    (tmp_path/'new.csv').write_text('user,track,title\n99,3,Song 3\n99,4,Song 4\n')
    out, _ = quick('update', 'm', 'new.csv', '--item', 'track', '--quiet', cwd=tmp_path)
    assert f'of {df.user.nunique()+1} users' in out and load(tmp_path/'m').ratings.interactions
    assert '--rating has no effect where the model has no ratings' in refused('update', 'm', 'new.csv', '--rating', 'track', cwd=tmp_path)


def test_a_file_without_ratings_is_not_guessed_to_be_one(plays):
    "Neither what a column of counts is, nor that there should be none"
    folder, _ = plays
    for file in 'plays.csv', 'counted.csv':
        said = refused('train', file, '--item', 'track', '--out', 'm', cwd=folder)
        assert 'no column is named rating: say which with rating=, or --rating, or say rating=False, --no-rating, if there is none' in said


@pytest.mark.parametrize('bad', [0, -2, .5])
@pytest.mark.parametrize('command', ['train', 'evaluate', 'update'])
def test_counts_below_one_are_refused(command, bad, plays, tmp_path):
    "With the file, its column, the row, the number, and what to do, which works"
    folder, df = plays
    df[['user', 'track', 'plays']].assign(plays=df.plays.astype(object).where(df.index != 7, bad)).to_csv(tmp_path/'x.csv', index=False)
    shutil.copytree(folder/'counts', tmp_path/'m')
    args = {'train': ['x.csv', '--counts', 'plays', '--out', 'new'], 'evaluate': ['x.csv', '--counts', 'plays'],
            'update': ['m', 'x.csv', '--rating', 'plays']}[command] + ['--item', 'track', '--quiet']
    said = refused(command, *args, cwd=tmp_path)
    for words in 'x.csv', f"'plays' is below 1 in 1 of {len(df)} rows; the first is row 7: {bad}; leave it out with --drop {bad}": assert words in said
    assert not (tmp_path/'new').exists()
    quick(command, *args, '--drop', bad, cwd=tmp_path)


def test_numbers_beyond_all_scales_are_said_of_their_column(tmp_path):
    "And a refused fit leaves no folder behind, nor the folders above it"
    (tmp_path/'x.csv').write_text('user,item,plays\n1,1,3\n1,2,1e300\n2,1,4\n')
    assert "x.csv: 'plays' goes from 3.0 to 1e+300" in refused('train', 'x.csv', '--counts', 'plays', '--out', 'a/b', '--quiet', cwd=tmp_path)
    assert not (tmp_path/'a').exists()


@pytest.fixture
def wide(tmp_path):
    "A file with more items than EASE takes"
    text(pd.DataFrame(dict(user=np.arange(10_002) % 9, item=range(10_002), rating=np.arange(10_002) % 5)), tmp_path/'wide.csv')
    return tmp_path


@pytest.mark.parametrize('command, args, says', [
    ('train', ['wide.csv', '--model', 'ease', '--out', 'a/b'], '; --model implicit-mf does without'),
    ('evaluate', ['wide.csv', '--model', 'ease', '--share', '.0001'], '; --model implicit-mf does without'),
    ('update', ['m', 'wide.csv'], '; train --model implicit-mf does without')])
def test_what_a_fit_refuses_is_one_line(command, args, says, wide, films):
    "In words of options that there are, and what was there is still there"
    collab_course.EASE().fit(films, quiet=True).save(wide/'m')
    said = refused(command, *args, '--quiet', cwd=wide)
    assert says in said and 'max_items' not in said and 'ImplicitMF' not in said
    assert not (wide/'a').exists() and len(load(wide/'m').ratings) == 900


@pytest.mark.parametrize('ratings', [True, False])
def test_update_of_a_model_that_is_not_trained_here_is_one_line(ratings, films, tmp_path):
    "With ratings or without"
    m = FactorModel.from_factors(users=range(1, 41), user_factors=np.ones((40, 2)), items=range(1, 31), item_factors=np.ones((30, 2)),
                                   **dict(ratings=films) if ratings else {})
    m.save(tmp_path/'m')
    said = refused('update', 'm', text(films.assign(title=films.movie), tmp_path/'x.csv'), '--quiet', cwd=tmp_path)
    assert 'FactorModel holds what another program has trained' in said


def test_update_says_what_it_replaces_and_stretches(films, tmp_path):
    "How many older rows, and a scale that goes beyond the old one; of counts and of what is within, nothing"
    text(films, tmp_path/'x.csv')
    quick('train', 'x.csv', '--out', 'm', '--model', 'damped-means', '--quiet', cwd=tmp_path)
    (tmp_path/'new.csv').write_text('user,movie,rating\n1,1,50\n1,2,3\n99,1,4\n')
    _, err = quick('update', 'm', 'new.csv', cwd=tmp_path)
    assert 'newer ratings go from 3 to 50, and the ones of the model from 1 to 5: the scale is now 1 to 50' in err
    assert 'replaced: 2 older rows' in err
    _, err = quick('update', 'm', 'new.csv', cwd=tmp_path)
    assert 'scale' not in err and 'replaced: 3 older rows' in err
    assert quick('update', 'm', 'new.csv', '--quiet', cwd=tmp_path)[1] == ''
    assert 'replaces the older one' in run('update', '--help', cwd=tmp_path)[0]


def test_update_of_counts_replaces_and_of_clicks_adds(plays, tmp_path):
    folder, df = plays
    for name in 'counts', 'clicks': shutil.copytree(folder/name, tmp_path/name)
    user, track = df.user[0], df.track[0]
    (tmp_path/'new.csv').write_text(f'user,track,plays\n{user},{track},90\n')
    _, err = quick('update', 'counts', 'new.csv', '--item', 'track', '--rating', 'plays', cwd=tmp_path)
    assert 'replaced: 1 older rows' in err and 'scale' not in err and len(load(tmp_path/'counts').ratings) == len(df)
    _, err = quick('update', 'clicks', 'new.csv', '--item', 'track', cwd=tmp_path)
    assert 'replaced' not in err and len(load(tmp_path/'clicks').ratings) == len(df)+1


def test_advice_is_of_options_that_there_are(plays, model, tmp_path):
    "`update` has no --no-rating; `data` has one"
    folder, df = plays
    for m in folder/'counts', model[0]/'made/model':
        said = refused('update', m, 'plays.csv', '--item', 'track', cwd=folder)
        assert 'say which with rating=, or --rating;' in said and '--no-rating' not in said
    assert '--no-rating' in refused('data', 'plays.csv', '--item', 'track', cwd=folder)
    for command in (['train', 'plays.csv', '--out', 'x'], ['evaluate', 'plays.csv']):
        said = refused(*command, '--item', 'track', '--counts', 'none', cwd=folder)
        assert "there is no column 'none': say which with --counts;" in said and '--rating' not in said
    seen = json.loads(quick('data', 'plays.csv', '--item', 'track', '--no-rating', '--json', cwd=folder)[0])
    assert seen['rows'] == len(df) and 'histogram' not in seen and 'mean' not in seen
    out, err = quick('data', 'plays.csv', '--item', 'track', '--no-rating', cwd=folder)
    assert f'rows {len(df)}' in ' '.join(out.split()) and 'mean' not in out and err == ''
    for more, says in (['--csv'], '--csv has'), (['--rating', 'track'], '--rating has'), (['--drop', '0'], '--drop has'):
        assert says+' no effect with --no-rating' in refused('data', 'plays.csv', '--item', 'track', '--no-rating', *more, cwd=folder)


def test_update_takes_the_column_of_times(films, tmp_path):
    "Where the model has times, and not where it has none"
    df = films.rename(columns={'timestamp': 'when'})
    m = collab_course.DampedMeans().fit(df[df.user < 39], time='when', quiet=True)
    m.save(tmp_path/'m')
    quick('update', 'm', text(df[df.user > 38], tmp_path/'x.csv'), '--time', 'when', '--quiet', cwd=tmp_path)
    assert sorted(load(tmp_path/'m').ratings.time) == sorted(df.when)
    m.fit(df, time=None, quiet=True).save(tmp_path/'m')
    assert '--time has no effect where the model has no times' in refused('update', 'm', 'x.csv', '--time', 'when', cwd=tmp_path)


@pytest.mark.parametrize('args', [['train', 'films.csv', '--out', ''], ['tour', '--out', '']], ids=lambda o: o[0])
def test_a_folder_without_a_name_is_refused(args, model):
    "As an empty variable of a shell gives it"
    before = {*model[0].iterdir()}
    assert "'--out': it is empty" in refused(*args, cwd=model[0])
    assert {*model[0].iterdir()} == before


def test_diversity_of_items_with_few_ratings_says_that_it_has_no_effect(model):
    "And how it would have one"
    ask = 'recommend', 'made/model', '--user', 7, '--json'
    plain, _ = quick(*ask, '--min-ratings', 99, cwd=model[0])
    same, err = quick(*ask, '--min-ratings', 99, '--diversity', .5, cwd=model[0])
    assert same == plain and '--diversity has no effect: all of these have fewer than 99 ratings; say --min-ratings 0' in err
    assert quick(*ask, '--min-ratings', 0, '--diversity', .5, cwd=model[0])[1] == ''


@pytest.mark.parametrize('args, says', [(['--good', '50'], '--good=50 is above all ratings, which go from 1 to 5'), (['--model', 'item-knn', '--good', '5.5'], '--good=5.5 is above')])
def test_good_above_all_ratings_is_refused(args, says, model):
    assert says in refused('evaluate', 'films.csv', *args, '--quiet', cwd=model[0])


def test_nobody_to_make_lists_for_is_no_warning(films, tmp_path):
    "All users but one are held out"
    _, err = quick('evaluate', text(films, tmp_path/'x.csv'), '--model', 'damped-means', '--share', '.9999', '--json', cwd=tmp_path)
    assert 'slice' not in err and 'divide' not in err


def test_data_says_what_was_left_out(films, tmp_path):
    "As text and as JSON, also where it is nothing, or an empty text"
    df = films.assign(rating=films.rating.astype(object).where(films.index > 2, ''))
    args = 'data', text(df, tmp_path/'x.csv'), '--drop', 1, '--drop', '', '--drop', 'x'
    left = {'1': int((df.rating == 1).sum()), '': 3, 'x': 0}
    assert json.loads(quick(*args, '--json', cwd=tmp_path)[0])['dropped'] == left
    out, _ = quick(*args, cwd=tmp_path)
    for value, n in left.items(): assert f"left out: {n} rows rated {value or repr(value)}\n" in out+'\n'


@pytest.mark.parametrize('args, says', [(['--like', '1', '--like', 'Song 1'], "'Song 1' is given twice"), (['--like', 'Song 1=4'], "leave out =4, and say 'Song 1'")])
def test_likes_of_clicks_are_items_told_once(args, says, plays):
    assert says in refused('recommend', 'clicks', *args, cwd=plays[0])


def test_help_says_from_where_on_a_number_works():
    "Not only what some model takes"
    from click.testing import CliRunner
    from collab_course.app import cli
    said = ' '.join(CliRunner().invoke(cli, ['train', '--help']).output.split())
    assert 'at least 22, as the first 20 are not used' in said and '0 for biased-mf alone' in said
