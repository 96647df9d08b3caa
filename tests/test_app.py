"The command line as a process: the tour of real data, and what happens when something is wrong"
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

COMMAND = Path(sys.executable).with_name('collab_course')


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
