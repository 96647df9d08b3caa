"Spark for real: a cluster of one master and two workers on this machine, one of which is killed, and Spark in one program"
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from collab_course.data import load_ratings, split_folds
from collab_course.ids import tiny_ratings
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans, load
from common import ROOT
from conftest import JAVA, NO_JAVA, clean_run

HERE = {'SPARK_LOCAL_IP': '127.0.0.1'}


@pytest.fixture(scope='session')
def spark_python(once):
    "A Python with PySpark and what Spark's workers need, and no more; one process of the tests installs it"
    if not JAVA: pytest.skip(NO_JAVA)
    def make(folder):
        folder.mkdir()
        clean_run('make', '.venv-spark/installed', f"PYTHON={Path(sys.base_prefix)/'bin/python3'}", cwd=ROOT)
    once('spark', make)
    return ROOT/'.venv-spark/bin/python'


def env_of(python): return {**os.environ, **HERE, 'PYSPARK_PYTHON': str(python), 'PYTHONPATH': str(ROOT/'tests')}


def lake(folder, df, n=3):
    "Ratings in several Parquet files"
    folder.mkdir(parents=True)
    for k in range(n): df.iloc[k::n].to_parquet(folder/f'{k}.parquet', index=False)


@contextmanager
def daemon(python, log, what, *args):
    "A part of a cluster, in a process group of its own"
    home = subprocess.run([python, '-c', 'import pyspark; print(pyspark.__path__[0])'], capture_output=True, text=True, check=True).stdout.strip()
    line = [f'{home}/bin/spark-class', f'org.apache.spark.deploy.{what}', '--host', '127.0.0.1', '--webui-port', '0', *args]
    with open(log, 'w') as f:
        process = subprocess.Popen(line, stdout=f, stderr=f, env=env_of(python), start_new_session=True)
    try: yield process
    finally:
        if process.poll() is None: os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(found, seconds=900):
    "What `found` returns once it is something"
    end = time.monotonic() + seconds
    while not (res := found()):
        assert time.monotonic() < end, 'it never came'
        time.sleep(.05)
    return res


def said(log, pattern):
    "What the log says, once it does"
    def found(): return re.search(pattern, log.read_text(errors='replace'))
    return wait_for(found)


@contextmanager
def cluster(python, folder):
    "The address of a master, and its two workers"
    folder.mkdir()
    with daemon(python, folder/'master', 'master.Master', '--port', '0'):
        address = said(folder/'master', r'Starting Spark master at (spark://\S+)')[1]
        more = '--cores', '1', '--memory', '1g'
        with daemon(python, folder/'one', 'worker.Worker', *more, '--work-dir', str(folder/'work1'), address) as one, \
             daemon(python, folder/'two', 'worker.Worker', *more, '--work-dir', str(folder/'work2'), address) as two:
            for log in ('one', 'two'): said(folder/log, 'Successfully registered with master')
            yield address, one, two


def start(python, master, folder):
    line = [python, ROOT/'tests/on_spark.py', master, folder]
    return subprocess.Popen(line, env=env_of(python), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def ended(process):
    printed = process.communicate(timeout=900)[0]
    assert process.returncode == 0, printed[-3000:]
    return printed


def lists_of(folder):
    "What Spark wrote, in order"
    df = pd.read_parquet(folder/'lists')
    return df.sort_values(['userId', 'rating', 'movieId'], ascending=[True, False, True], ignore_index=True)


def test_spark_on_a_cluster_does_what_it_does_here(spark_python, tmp_path):
    "To the bit, and with a worker killed while the lists are made"
    df = load_ratings()
    train, valid = split_folds(Ratings(df))[0]
    rows = df.iloc[train].rename(columns={'user': 'userId', 'movie': 'movieId'})[['userId', 'movieId', 'rating']]
    for name in ('here', 'there'): lake(tmp_path/name/'lake', rows)
    printed = ended(start(spark_python, 'local[2]', tmp_path/'here'))
    assert re.search('Saved to .*FactorModel.*943 users, 1,650 items', printed)
    assert all(re.match('WARNING: Using incubator modules|netlib-|Saved to|Lists of', line) for line in printed.splitlines()), printed
    with cluster(spark_python, tmp_path/'cluster') as (address, one, two):
        run = start(spark_python, address, tmp_path/'there')
        wait_for(lambda: run.poll() is not None or next((tmp_path/'there').glob('lists/_temporary/**/part-*'), None))
        os.killpg(two.pid, signal.SIGKILL)
        assert run.poll() is None
        ended(run)
        assert one.poll() is None
        said(tmp_path/'cluster/master', 'Removing worker')
    here, there = (load(tmp_path/name/'model') for name in ('here', 'there'))
    for name in ('user_factors', 'item_factors', 'user_bias', 'item_bias', 'mean'):
        assert np.array_equal(getattr(here, name), getattr(there, name)), name
    pd.testing.assert_frame_equal(lists_of(tmp_path/'here'), lists_of(tmp_path/'there'), check_exact=True)
    check_model(here, Ratings(df.iloc[train]), df.iloc[valid])
    check_lists(here, rows, lists_of(tmp_path/'here'))


def check_model(model, train, valid):
    "Its biases are damped means, and its factors help"
    usual = DampedMeans().fit(train)
    np.testing.assert_allclose(model.user_bias, usual.user_effect, atol=1e-12)
    np.testing.assert_allclose(model.item_bias, usual.item_effect, atol=1e-12)
    valid = valid[valid.movie.isin(train.items.ids)]
    def rmse(m): return np.sqrt(np.mean((m.predict(valid.user, valid.movie) - valid.rating)**2))
    assert rmse(model) < .945 < .955 < rmse(usual) < .96
    assert model.ratings.rating_limits == (1, 5)


def check_lists(model, rows, lists):
    "Ten for each user, which the model gives here, too, and none that the user has rated"
    assert lists.groupby('userId').size().tolist() == [10]*943
    assert not len(lists.merge(rows, on=['userId', 'movieId']))
    for user in (1, 405, 943):
        seen = rows[rows.userId == user].movieId.tolist()
        mine, found = model.recommend(user, 10, exclude=seen), lists[lists.userId == user]
        assert dict(zip(mine['item'], mine.rating)) == dict(zip(found.movieId, found.rating))


ODD = '''
import warnings
import pyarrow as pa
from collab_course.ids import RatingsError, UnknownIdError
from collab_course.spark_cluster import spark_lists, spark_session, spark_train

spark = spark_session()
df = spark.read.parquet(FOLDER + '/lake')
model = spark_train(df, 'who', 'a.b', 'stars', n_factors=2)
model.save(FOLDER + '/model')
spark_lists(df, model, 2, user='who', item='a.b').write.parquet(FOLDER + '/lists')

def wrong(error, ask):
    try: ask()
    except error as e: print('SAID', e)
    else: raise AssertionError(error)

rows = spark.createDataFrame
table = dict(who=['ann', 'bob'], film=[1, 2])
wrong(RatingsError, lambda: spark_train(df, 'who', 'film', 'stars'))
wrong(RatingsError, lambda: spark_train(rows(pa.table(table | {'stars': ['4', 'good']})), 'who', 'film', 'stars'))
wrong(RatingsError, lambda: spark_train(rows(pa.table(table | {'stars': [4., float('nan')]})), 'who', 'film', 'stars'))
wrong(RatingsError, lambda: spark_train(rows(pa.table(table | {'stars': [4., None]})), 'who', 'film', 'stars'))
wrong(RatingsError, lambda: spark_train(rows(pa.table({'who': ['ann', None], 'film': [1, 2], 'stars': [1, 2]})), 'who', 'film', 'stars'))
wrong(RatingsError, lambda: spark_train(df.limit(0), 'who', 'a.b', 'stars'))
wrong(ValueError, lambda: spark_train(df, 'who', 'a.b', 'stars', n_factors=0))
wrong(UnknownIdError, lambda: spark_lists(rows(pa.table({'who': ['eve'], 'a.b': [1]})), model, user='who', item='a.b'))
wrong(RuntimeError, lambda: spark_session('local[3]'))
wrong(RatingsError, lambda: spark_lists(rows(pa.table({'Rating': ['ann'], 'x': [1]})), model, user='Rating', item='x'))
swapped = spark_lists(df.withColumnsRenamed({'who': 'item', 'a.b': 'user'}), model, 2, user='item', item='user')
assert swapped.columns == ['item', 'user', 'rating'] and sorted(map(tuple, swapped.collect())) == sorted(
    map(tuple, spark.read.parquet(FOLDER + '/lists').collect()))
same = spark_train(rows(pa.table(table | {'stars': [3, 3]})), 'who', 'film', 'stars', n_factors=1)
print('SAME', same.predict('ann', 2))
assert not spark.sparkContext.getCheckpointDir()
spark_train(df, 'who', 'a.b', 'stars', n_factors=2, n_epoch=26)
print('BETWEEN', spark.sparkContext.getCheckpointDir())
kept = str(spark.sparkContext._jsc.sc().getPersistentRDDs().toString())
assert kept.count('->') == kept.count('ALS.scala'), kept # ALS keeps its own until they are collected

import resource
from pathlib import Path
import collab_course.spark_cluster
from click.testing import CliRunner
from collab_course.training_on_spark import spark_commands
train, lists = spark_commands()
def shell(command, line):
    done = CliRunner().invoke(command, line)
    print('SHELL', done.exit_code, done.output.splitlines()[-1] if done.output else repr(done.exception))

for command, *line in ((train, FOLDER + '/none', '--out', FOLDER + '/m2'), (train, FOLDER + '/lake', '--out', FOLDER + '/m2', '--user', 'who'),
                       (lists, FOLDER + '/model', FOLDER + '/lake', '--user', 'who', '--item', 'a.b', '--out', FOLDER + '/lists'),
                       (lists, FOLDER + '/model', FOLDER + '/new', '--user', 'who', '--item', 'a.b', '--out', FOLDER + '/m2')):
    shell(command, line)

def on_a_full_disk(*args):
    session = spark_session(*args)
    resource.prlimit(session.sparkContext._gateway.proc.pid, resource.RLIMIT_FSIZE, (ROOM, resource.RLIM_INFINITY))
    return session

collab_course.spark_cluster.spark_session = on_a_full_disk
saved = {o.name: o.read_bytes() for o in Path(FOLDER + '/model').iterdir()}
names = '--user', 'who', '--item', 'a.b'
for ROOM, command, *line in ((100, lists, FOLDER + '/model', FOLDER + '/lake', *names, '--out', FOLDER + '/again'),
                             (100, train, FOLDER + '/lake', *names, '--rating', 'stars', '--out', FOLDER + '/model'),
                             (resource.RLIM_INFINITY, train, FOLDER + '/cut', *names, '--rating', 'stars', '--out', FOLDER + '/model'),
                             (resource.RLIM_INFINITY, lists, FOLDER + '/model', FOLDER + '/lake', *names, '--out', FOLDER + '/again')):
    shell(command, line)
    assert saved == {o.name: o.read_bytes() for o in Path(FOLDER + '/model').iterdir()}
'''


def test_spark_takes_any_ids_and_says_what_is_wrong(spark_python, tmp_path):
    "Text, numbers beyond 32 bits, names with dots; what is not there, a full disk, half a file; many rounds"
    df = tiny_ratings()
    rows = pd.DataFrame({'who': 'user ' + df.user.astype(str), 'a.b': df.movie + 10**12, 'stars': df.rating.astype(str)})
    lake(tmp_path/'lake', rows)
    lake(tmp_path/'new', rows.head(3).assign(who='eve'))
    shutil.copytree(tmp_path/'lake', tmp_path/'cut')
    os.truncate(tmp_path/'cut/1.parquet', (tmp_path/'cut/1.parquet').stat().st_size//2)
    script = ODD.replace('FOLDER', repr(str(tmp_path)))
    done = subprocess.run([spark_python, '-c', script], env=env_of(spark_python), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    model, lists = load(tmp_path/'model'), pd.read_parquet(tmp_path/'lists')
    assert model.ratings.users.ids.tolist() == [f'user {k}' for k in range(1, 7)]
    assert model.ratings.items.ids.tolist() == [10**12 + k for k in range(1, 7)]
    assert list(lists) == ['who', 'a.b', 'rating'] and not len(lists.merge(rows, on=['who', 'a.b']))
    assert lists.who.nunique() == (df.groupby('user').size() < 6).sum()
    messages = re.findall('SAID (.*)', done.stdout)
    for said_, part in zip(messages, (
        "column 'film' is missing", "no number in 1 of 2 rows of column 'stars'; one of them has 'good'",
        "one of them has nan", 'one of them has None', "column 'who'", 'there are no ratings', 'n_factors', "'eve'",
        'local[2] is running already', "a column of ids is named 'rating'"), strict=True):
        assert part in said_
    assert re.search(r'SAME \[3\.?\]', done.stdout)
    between = re.search(r'BETWEEN (?:file:)?(/\S+)', done.stdout)[1]
    assert not Path(between).exists()
    none, columns, there, new, full, stopped, cut, again = re.findall('SHELL (.*)', done.stdout)
    assert none.startswith('2 Error: [PATH_NOT_FOUND]') and 'none' in none and not (tmp_path/'m2').exists()
    assert 'RatingsError' in columns and 'item' in columns
    assert there.startswith('2 Error: [PATH_ALREADY_EXISTS]')
    assert new.startswith("2 Error: user unknown: 'eve'")
    assert all(o.startswith('2 Error: ') and 'File too large' in o for o in (full, stopped))
    assert cut.startswith('2 Error: ') and 'cut/1.parquet is not a Parquet file' in cut
    assert again.startswith('0 Lists of') and 'Spark: ' not in done.stderr
