"Folders of saved models: savers and readers at once, kills, full disks, and files that say nonsense"
import errno
import json
import os
import random
import resource
import subprocess
import sys
import tracemalloc
import types
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from collab_course import store
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.ease import EASE
from collab_course.evaluation import Choose, Ensemble
from collab_course.files import DataError
from collab_course.ids import tiny_ratings
from collab_course.implicit_mf import ImplicitMF
from collab_course.item_knn import ItemKNN
from collab_course.pick_and_like import PickAndLike
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans, Popularity, Recommender, load
from collab_course.store import SavedModelError, load_folder, save_folder
from collab_course.store_of_ratings import ratings_store
from safetensors.numpy import load as load_tensors

FORMAT_2 = Path(__file__).with_name('saved_format_2')
# What loading may take: fifty times the folder's length, and what pandas needs at first
PER_BYTE, ANYWAY = 50, 2_000_000


def frame():
    "Text ids, dates, a title of two items, an item of two titles"
    df = tiny_ratings()
    df['user'], df['movie'] = [f'user {"abcdef"[u-1]}' for u in df.user], df.movie*10
    df['title'] = df.title.where(df.movie != 60, 'Heat (1995)').where(df.index != 0, 'Ein Film für Émile')
    return df.assign(timestamp=pd.to_datetime(df.timestamp, unit='s'))


MF = BiasedMF(n_factors=2, n_epoch=1)
MODELS = {'means': DampedMeans(), 'popularity': Popularity(), 'mf': MF,
          'bayes': BayesianMF(2, n_sweeps=8, burn_in=4), 'ensemble': Ensemble(MF, 2),
          'choose': Choose({'means': DampedMeans(), 'mf': MF}, valid_pct=.3, n_splits=1),
          'implicit': ImplicitMF(2), 'knn': ItemKNN(k=3), 'ease': EASE(), 'ease 2': EASE(2., keep=2),
          'both': PickAndLike(ImplicitMF(2, weight='ones'), BayesianMF(2, n_sweeps=8, burn_in=4))}


@pytest.fixture(scope='module')
def trained():
    "One of each, on the same frame"
    return {name: model.clone().fit(frame(), quiet=True) for name, model in MODELS.items()}


@pytest.fixture
def two(tmp_path):
    "Two models that answer differently, and a folder that holds the first"
    models = [MF.clone(seed=seed).fit(frame(), quiet=True) for seed in (1, 2)]
    return *models, models[0].save(tmp_path/'both')


def pairs(model):
    "Each user with each item"
    users, items = model.ratings.users.ids, model.ratings.items.ids
    return users.repeat(len(items)), [*items]*len(users)


def says(model): return model.predict(*pairs(model)).tobytes()


# Savers and readers at once

SAVERS = """
import os, random, signal, sys
from pathlib import Path
from collab_course import load, store
home, kills, seed = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
models, rng, folder = [load(home/name) for name in 'ab'], random.Random(seed), home/'both'
def says(model): return model.predict(model.ratings.users.ids[0], model.ratings.items.ids).tobytes()
known = [says(model) for model in models]
assert known[0] != known[1]

def save(model, at):
    "Save, and count the store's lines; at line `at` this process kills itself"
    count = [0]
    def line(frame, event, arg):
        if event == 'line':
            count[0] += 1
            if count[0] == at: os.kill(os.getpid(), signal.SIGKILL)
        return line
    sys.settrace(lambda frame, event, arg: line if frame.f_code.co_filename == store.__file__ else None)
    model.save(folder)
    sys.settrace(None)
    return count[0]

def child(act):
    pid = os.fork()
    if pid: return pid
    code = 1
    try: code = act() or 0
    finally: os._exit(code)

def killed_at_random(k): return child(lambda: save(models[k % 2], rng.randint(1, lines)) and 2)
def many(model):
    for _ in range(15): model.save(folder)

def held(): return known.index(says(load(folder)))

lines = save(models[0], 0)
found = []
for k in range(1, kills+1):
    rng.random()
    os.waitpid(killed_at_random(k), 0)
    found.append(held() == k % 2)
running, loads = {child(lambda: many(model)) for model in models}, 0
while running:
    k += 1
    rng.random()
    os.waitpid(killed_at_random(k), 0)
    held()
    loads += 1
    for pid in [*running]:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            assert status == 0, status
            running.remove(pid)
models[1].save(folder)
assert held() == 1
print(lines, sum(found), loads, *sorted(path.name.split('-')[0] for path in folder.iterdir()))
"""


def test_killed_savers_and_two_at_once_leave_one_of_the_models(two, tmp_path, python):
    "Killed at a random line of the store, then so while two others save; the next save leaves three files"
    for name, model in zip('ab', two): model.save(tmp_path/name)
    kills = 60
    lines, new, loads, *names = python('-c', SAVERS, tmp_path, str(kills), '42').split()
    assert int(lines) > 100 and 0 < int(new) < kills and int(loads) > 0
    assert names == ['collab_course', 'ratings', 'recommender.json']


def test_reader_reads_again_when_somebody_saves(two, monkeypatch):
    "Between the head and its weights another model comes; a head without weights is an error"
    _, b, folder = two
    real, times = store._checked_head, []

    def checked(*args):
        head = real(*args)
        times.append(1)
        if len(times) == 1: b.save(folder)
        return head
    monkeypatch.setattr(store, '_checked_head', checked)
    assert says(load(folder)) == says(b) and len(times) == 2
    weights, = folder.glob('collab_course-*')
    weights.unlink()
    with pytest.raises(SavedModelError, match='is missing'): load(folder)
    assert len(times) == 3


def test_ratings_of_a_model_that_was_saved_over_are_missed(two):
    "The loaded model answers on, and says why it cannot be updated"
    a, b, folder = two
    again = load(folder)
    b.clone().fit(frame().tail(20), quiet=True).save(folder)
    assert says(again) == says(a)
    with pytest.raises(SavedModelError, match='is missing; was another model saved there since'): again.update(frame())


HOLD = """
import sys
from pathlib import Path
from collab_course import store
with store._alone(Path(sys.argv[1])):
    print('held', flush=True)
    sys.stdin.read()
"""


def test_lock_ends_with_its_process(two, monkeypatch):
    "Whoever waits too long is told; a lock that a killed process had is none"
    a, b, folder = two
    monkeypatch.setattr(store, '_patience', 0)
    with subprocess.Popen([sys.executable, '-c', HOLD, folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b'held\n'
        with pytest.raises(TimeoutError, match='another process has been saving to'): b.save(folder)
        assert says(load(folder)) == says(a)
        other.kill()
    assert (folder/'.lock').exists()
    b.save(folder)
    assert says(load(folder)) == says(b) and len(list(folder.iterdir())) == 3


def test_lock_of_a_removed_file_is_none(tmp_path, monkeypatch):
    "Who waited for a file that its owner has removed since waits for the new one"
    monkeypatch.setattr(store, '_patience', 0)
    with open(tmp_path/'.lock', 'ab') as old:
        (tmp_path/'.lock').unlink()
        assert not store._try_lock(old, tmp_path/'.lock')
        with open(tmp_path/'.lock', 'ab') as new:
            assert store._try_lock(new, tmp_path/'.lock') and not store._try_lock(old, tmp_path/'.lock')
            with pytest.raises(TimeoutError), store._alone(tmp_path): pass
    with store._alone(tmp_path): assert (tmp_path/'.lock').exists()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(('error', 'locked'), [(None, True), (errno.EACCES, False), (errno.EDEADLK, False), (errno.ENOSYS, True)])
def test_windows_has_its_own_lock(tmp_path, monkeypatch, error, locked):
    "One byte, without waiting; a file system without locks is used without"
    def locking(number, how, size):
        assert (how, size) == ('nonblocking', 1) and os.fstat(number)
        if error: raise OSError(error, os.strerror(error))
    monkeypatch.setitem(sys.modules, 'msvcrt', types.SimpleNamespace(locking=locking, LK_NBLCK='nonblocking'))
    with open(tmp_path/'.lock', 'ab') as f:
        monkeypatch.setattr(os, 'name', 'nt')
        assert store._try_lock(f, tmp_path/'.lock') == locked


def test_windows_may_refuse_for_a_moment(two, monkeypatch):
    "A file that somebody reads is replaced a little later, if not too much later"
    _, b, folder = two
    real, refused = os.replace, []

    def replace(*args):
        refused.append(1)
        if len(refused) % 3: raise PermissionError('in use')
        return real(*args)
    monkeypatch.setattr(os, 'replace', replace)
    monkeypatch.setattr(store, '_tries', 3)
    b.save(folder)
    assert says(load(folder)) == says(b) and len(refused) == 9
    monkeypatch.setattr(store, '_tries', 2)
    with pytest.raises(PermissionError): b.save(folder)


@pytest.mark.parametrize('share', [0, .1, .5, .99])
def test_full_disk_leaves_the_old_model_alone(two, monkeypatch, share):
    "No byte more than a share of the weights can be written; nothing new is left"
    a, b, folder = two
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    size = max(map(len, before.values()))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(share*size), hard))
    try:
        with pytest.raises(OSError, match='File too large'): b.save(folder)
    finally: resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert says(load(folder)) == says(a)


def test_what_others_left_behind_goes_and_other_files_stay(two):
    "Weights of no head, parts of files; not what has another name"
    a, _, folder = two
    left = ['collab_course-0123456789abcdef.safetensors', 'ratings-0123456789abcdef.safetensors', '.recommender.json.part',
            '.collab_course-0123456789abcdef.safetensors.part', '.lock']
    kept = ['notes.txt', 'collab_course-mine.safetensors', '.hidden', 'x.part']
    for name in (*left, *kept): (folder/name).write_text('x')
    a.save(folder)
    names = {path.name for path in folder.iterdir()}
    assert names.isdisjoint(left) and names.issuperset(kept) and len(names) == 3 + len(kept)


def test_home_folder_sign_is_expanded(two, tmp_path, monkeypatch):
    "On saving and on loading"
    monkeypatch.setenv('HOME', str(tmp_path))
    monkeypatch.chdir(tmp_path)
    two[1].save('~/here')
    assert says(load('~/here')) == says(load(tmp_path/'here')) == says(two[1]) and not Path('~').exists()


# Files that are whole and say nonsense

def memory(act):
    "What an action gives, or the `SavedModelError` that it raises, and how much memory it takes at most"
    tracemalloc.start()
    try: res = act()
    except SavedModelError as e: res = e
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return res, peak


def length(folder): return sum(path.stat().st_size for path in folder.iterdir())


def test_arrays_are_read_once(tmp_path):
    "As safetensors reads them, without a second copy in memory"
    rng = np.random.default_rng(0)
    arrays = {kind: rng.integers(0, 2, (3, 50_000)).astype(kind) for kind in store._dtypes.values()}
    arrays.update(none=np.zeros((0, 3)), scalar=np.array(7.))
    folder = save_folder(tmp_path, {}, arrays)
    weights, = folder.glob('collab_course-*')
    saved, peak = memory(lambda: load_folder(folder))
    theirs = load_tensors(weights.read_bytes())
    del theirs['.info']
    assert saved.tensors.keys() == theirs.keys() == arrays.keys()
    for name, value in saved.tensors.items():
        assert value.dtype == theirs[name].dtype == arrays[name].dtype and (value == arrays[name]).all()
        assert value.shape == theirs[name].shape and value.flags.writeable and value.flags.aligned
    assert peak < 1.1*length(folder)


def put(folder, data, head=None):
    "Weights of some bytes, with a head that names their checksum"
    sha = store._sha(data)
    for old in folder.glob('*.safetensors'): old.unlink()
    (folder/f'collab_course-{sha[:16]}.safetensors').write_bytes(data)
    text = head or '{"format": "collab_course", "version": 3, "sha256": {"collab_course": "SHA"}, "info": {}}'
    (folder/'recommender.json').write_text(text.replace('SHA', sha))


def tensors_file(head, size=16):
    "Bytes in the form of safetensors"
    head = head if isinstance(head, bytes) else json.dumps(head).encode()
    return len(head).to_bytes(8, 'little') + head + bytes(size)


def one(**keys): return {'a': {'dtype': 'F64', 'shape': [2], 'data_offsets': [0, 16], **keys}}


def bombs():
    "Weights, and a head where it is not the usual one"
    for shape in ([10**12, 60], [2**63], [2**62, 4], [-1], [-1, -2], [1.5], ['2'], [True, 2.5], 2, None, [3], [], [2]*70):
        yield tensors_file(one(shape=shape)), None
    for offsets in ([0, 8], [8, 24], [-8, 8], [0, 16, 32], [16, 0], '01', None, [0, 2**70], [0., 16.5]):
        yield tensors_file(one(data_offsets=offsets)), None
    for dtype in ('F8', 'BF16', 'O', '<U4', None, [], 'F32'): yield tensors_file(one(dtype=dtype)), None
    yield from ((data, None) for data in (
        b'', b'abc', bytes(8), (2**63).to_bytes(8, 'little'), b'\xff'*8 + b'{}', tensors_file(b'[]', 0), tensors_file(b'7', 0),
        tensors_file({'a': {}}), tensors_file({**one(), 'b': one()['a']}), tensors_file(one(), 15), tensors_file(one(), 17),
        tensors_file(b'{"a":' + b'['*50_000, 0), tensors_file(b'{"a":[' + b'{},'*50_000 + b'0]}', 0)))
    good = tensors_file(one())
    for info in ('NaN', '{"a": NaN}', '{"a": 1e999}', '{"a": -Infinity}', '[]', 'null', '7', '"x"', '{"a": ' + '9'*5000 + '}',
                 '{"a": ' + '['*900 + ']'*900 + '}', '{"a": [' + '{"":{}},'*50_000 + '0]}', '{"a": [' + '0,'*90_000 + '0]}', '{}'):
        yield good, '{"format": "collab_course", "version": 3, "sha256": {"collab_course": "SHA"}, "info": ' + info + '}'


def test_files_made_for_the_purpose_are_refused_within_the_bound(tmp_path):
    "Shapes that ask for more than there is, deep and long lists, numbers that JSON does not have"
    tmp_path.joinpath('recommender.json').write_text('{}')
    memory(lambda: load_folder(tmp_path))
    for data, head in bombs():
        put(tmp_path, data, head)
        found, peak = memory(lambda: load(tmp_path))
        assert isinstance(found, SavedModelError) and len(str(found)) < 1000, (data[:99], head)
        assert peak < PER_BYTE*length(tmp_path) + ANYWAY, (data[:99], head, peak)


VALUES = [None, True, False, -1, 0, 1, 2, 7, .5, 10**10, 10**30, -1e308, 1e308, 'x', '', '10', 'DampedMeans', 'Choose', [], {},
          [1, 2], {'float': 'nan'}, {'float': 'inf'}, {'array': 'none'}, {'array': '.x'}, {'list': []}, {'tuple': [0, 9]},
          {'dict': []}, {'dict': [['a', 1]]}, {'model': 'os.system'}, {'list': [{'list': []}]}]


def places(value, path=()):
    "The way to each part of what JSON holds"
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*path, key)
        yield from places(part, (*path, key))


def other_info(rng, info):
    "One part of the head exchanged, removed or doubled"
    info = json.loads(json.dumps(info))
    *way, last = rng.choice(list(places(info)))
    part = info
    for key in way: part = part[key]
    how = rng.randrange(6)
    if how == 0: del part[last]
    elif how == 1 and isinstance(part, list): part.insert(last, part[last])
    elif how == 1: part[rng.choice(['predict', '__class__', '_average', 'x', 'ratings', 'used'])] = part[last]
    else: part[last] = rng.choice(VALUES)
    return info


def element(rng, a):
    "One number is another"
    a, at = a.copy(), rng.randrange(a.size)
    whole = a.dtype.kind in 'iu'
    ends = [np.iinfo(a.dtype).min, np.iinfo(a.dtype).max] if whole else [1e14, -1e14, 1e-300]
    a.flat[at] = rng.choice([0, 1, a.flat[0], a.flat[-1], a.flat[at] + 1, *ends, *([] if whole else [-a.flat[at]])])
    return a


def swapped(rng, a):
    "Two neighbours have changed places"
    a = a.copy()
    if len(a) > 1:
        at = rng.randrange(len(a)-1)
        a[[at, at+1]] = a[[at+1, at]]
    return a


def not_finite(rng, a):
    a = a.copy()
    if a.dtype.kind == 'f': a.flat[rng.randrange(a.size)] = rng.choice([np.nan, np.inf, -np.inf])
    else: a = a.astype(float)
    return a


def misshapen(rng, a):
    "A row less, a row more, another dimension, another type, nothing"
    return rng.choice([a[:-1], np.concatenate([a, a[-1:]]), a[None], a[..., None], a.astype(bool), a[:0], None])


def other_arrays(rng, arrays):
    "The arrays of which one is another, and whether that has to be noticed"
    name, change = rng.choice(sorted(arrays)), rng.choice([element, swapped, not_finite, misshapen])
    new = {**arrays, name: change(rng, arrays[name])}
    must = change in (not_finite, misshapen)
    if new[name] is None:
        del new[name]
        must = name != 'time_unit' # without it the times are numbers
    return new, must, (name, change.__name__)


def asked(model):
    "What a model answers to each question, and the table that an update would start from"
    r, few = model.ratings, {'min_ratings': 2}
    users, items = pairs(model)
    told = {r.items.ids[0]: r.rating_limits[1]}
    questions = [
        lambda: model.predict(users, items), lambda: model.predict(told, r.items.ids), lambda: model.recommend_all(3, **few),
        lambda: model.recommend(told, 3, **few), lambda: model.similar(r.items.ids[1], **few), lambda: model.find(''),
        lambda: model.predict_interval(users[:4], items[:4]), lambda: model.explain(users[0], r.items.ids[0]),
        lambda: model.explain(told, r.items.ids[1]), lambda: r.to_frame()]
    found = []
    for ask in questions:
        try: answer = ask()
        except NotImplementedError: answer = 'it cannot'
        found.append(answer)
        if isinstance(answer, np.ndarray): assert np.isfinite(answer).all()
        if isinstance(answer, pd.DataFrame): assert np.isfinite(answer.select_dtypes('number')).all(axis=None)
    if not model.ranks_only:
        assert found[0].min() >= r.rating_limits[0] and found[0].max() <= r.rating_limits[1]
    return [o.to_json(date_format='iso') if isinstance(o, pd.DataFrame) else np.array(o).tolist() for o in found]


@pytest.mark.parametrize('name', MODELS)
def test_nonsense_is_refused_or_answers_as_any_model(name, trained, tmp_path):
    """One number or word of a good folder is another, and the checksums are right again: an error at once,
    or a model that answers each question soundly, and the same once more when it is saved and loaded"""
    rng = random.Random(name)
    saved = load_folder(trained[name].save(tmp_path/'good'))
    ratings, expected = saved.ratings(), asked(load(tmp_path/'good'))
    refused = 0
    for k in range(75):
        info, arrays, rest, must, what = saved.info, saved.tensors, ratings, False, 'head'
        if k % 3 == 0: info = other_info(rng, info)
        elif k % 6 == 1: rest, must, what = other_arrays(rng, rest)
        else: arrays, must, what = other_arrays(rng, arrays)
        folder = save_folder(tmp_path/'other', info, arrays, rest)
        model, peak = memory(lambda: load(folder))
        assert peak < PER_BYTE*length(folder) + ANYWAY, (what, peak)
        try:
            if isinstance(model, SavedModelError): raise model
            with warnings.catch_warnings(), np.errstate(all='ignore'):
                warnings.simplefilter('ignore')
                found = asked(model)
                assert asked(load(model.save(tmp_path/'again'))) == found
            assert not must, what
        except SavedModelError as e:
            assert str(folder) in str(e), e
            refused += 1
    assert refused > 30
    assert asked(load(save_folder(tmp_path/'other', saved.info, saved.tensors, ratings))) == expected


def told(model, *way):
    "A change of the head: what is at the end of a way through it, its last part the new value"
    def change(info):
        *path, name, value = way
        part = info
        for key in path: part = part[key]
        part[name] = value
    return model, change


COLUMN = ('ratings', 'columns', 'dict')
NONSENSE = {
    'not trained': (*told('mf', 'used', None), 'the BiasedMF in it is not trained'),
    'no such model': (*told('mf', 'model', 'os'), "holds a 'os', which is not a model of collab_course"),
    'scores for stars': (*told('mf', 'fitted', 'ranks_only', True), "'ranks_only'.* is nothing that a fit of BiasedMF leaves"),
    'weight': (*told('mf', 'fitted', 'weight', 'log'), "'weight'.* is nothing that a fit of BiasedMF leaves"),
    'shown by score': (*told('both', 'fitted', 'lists_by_score', False), "'lists_by_score'.* is nothing that a fit"),
    'not a bool': (*told('ensemble', 'fitted', 'ranks_only', 0), 'ranks_only is neither True nor False'),
    'no ratings': (*told('mf', *COLUMN, 2, ['rating', None]), 'there are limits of ratings and no column of them'),
    'stars of none': (*told('implicit', *COLUMN, 2, ['rating', None]), 'there are limits of ratings'),
    'counts': (*told('knn', 'settings', 'dict', 2, ['weight', 'log']), "holds settings that no rule chose"),
    'NaN': (*told('mf', *COLUMN, 0, ['user', {'float': 'nan'}]), 'are not names of columns'),
    'truth': (*told('mf', *COLUMN, 3, ['title', True]), 'are not names of columns'),
    'title and user': (*told('mf', *COLUMN, 3, ['title', 'user']), 'are not names of columns'),
    'twice': (*told('mf', *COLUMN, slice(5, None), [['user', 'x']]), 'a name is there twice'),
    **{f'{name} {limits}': (*told(name, 'ratings', 'rating_limits', limits), words)
       for limits, words in (([1e308, 1e308], 'are too large'), ([2, 3], 'are not those of this fit'))
       for name in ('mf', 'means', 'bayes', 'both', 'ensemble', 'choose') if limits != [2, 3] or name in ('mf', 'ensemble')},
    'below the mean': (*told('means', 'ratings', 'rating_limits', [1, 2]), 'are not those of this fit'),
    'narrower': (*told('bayes', 'ratings', 'rating_limits', [3.4, 3.7]), 'are not those of this fit')}


@pytest.mark.parametrize('case', NONSENSE)
def test_head_that_says_what_no_fit_leaves(case, trained, tmp_path):
    "A folder that is whole, with the right checksums"
    name, change, words = NONSENSE[case]
    saved = load_folder(trained[name].save(tmp_path))
    change(saved.info)
    save_folder(tmp_path, saved.info, saved.tensors, saved.ratings())
    with pytest.raises(SavedModelError, match=words) as e: load(tmp_path)
    assert str(tmp_path) in str(e.value)


@pytest.mark.parametrize('kind', ['numbers', 'text', 'long numbers'])
def test_ids_have_an_order_and_rows_point_to_them(kind, tmp_path):
    "Of any kind: exchanged, there twice, or fewer than rows say"
    df = tiny_ratings()
    if kind == 'text': df['user'], df['movie'] = df.user.map('u{}'.format), df.movie.map('é{}'.format)
    if kind == 'long numbers': df['user'], df['movie'] = df.user.astype(object) + 2**70, df.movie.astype(object) - 2**80
    saved = load_folder(Popularity().fit(df).save(tmp_path))
    assert [saved.info['ratings'][side] for side in ('users', 'items')] == [kind, kind]
    rows = saved.tensors['.x']
    far, low, later = rows.copy(), rows.copy(), rows.copy()
    far[-1, 0], low[3, 1], later[:2] = 6, -1, later[1::-1]
    changes = [({'.x': far}, 'a row points nowhere'), ({'.x': low}, 'a row points nowhere|rows are out of order'),
               ({'.x': later}, 'rows are out of order'), ({'.x': rows.astype('int64')}, 'rows are not pairs')]
    for side in ('.users', '.items'):
        ids = saved.tensors[side]
        first = ids.reshape(6, -1).copy()
        for order in ([1, 0, 2, 3, 4, 5], [0, 0, 2, 3, 4, 5]):
            changes.append(({side: first[order].reshape(ids.shape)}, 'missing, repeated or out of order'))
    for changed, message in changes:
        save_folder(tmp_path, saved.info, {**saved.tensors, **changed})
        with pytest.raises(SavedModelError, match=message): load(tmp_path)


def test_model_that_would_not_load_is_not_saved(two):
    "An error that says why, and the folder is as it was"
    a, b, folder = two
    b.user_weights[1, 2] = np.nan
    with pytest.raises(ValueError, match='user_weights is not finite'): b.save(folder)
    b.user_weights = b.user_weights[:, :2]
    with pytest.raises(ValueError, match=r'user_weights is not an array of type float32 and shape \(6, 3\)'): b.save(folder)
    assert says(load(folder)) == says(a)


class Odd(Recommender):
    "A model of somebody's own, with arrays of every kind"
    def __init__(self, size=3): self.size = size

    def _fit(self, ratings):
        self.x, self.info, self.holes = np.arange(3), np.array([True]), np.array([np.nan, np.inf])
        self.nested = {'a': [np.zeros(2, 'int8'), (1, None)]}

    def _predict(self, u, i): return np.full(len(u), 3.)


@pytest.mark.parametrize('model, words', [(ItemKNN(weight=np.sqrt), 'settings.weight cannot be saved: it is a ufunc'),
    (Ensemble(ImplicitMF(2, n_epoch=1, weight=np.sqrt), 2), 'settings.weight cannot be saved')], ids=repr)
def test_what_cannot_be_saved_is_named(model, words, tmp_path):
    "By the setting, and not by its number"
    with pytest.raises(TypeError, match=words): model.clone().fit(frame(), quiet=True).save(tmp_path)


def test_head_that_is_nested_too_deep_is_damage(two, tmp_path):
    "Of a model and of a store of ratings; both can be written again"
    deep = '['*100_000
    folder, store = two[0].save(tmp_path/'model'), tmp_path/'store'
    tiny_ratings().to_parquet(tmp_path/'x.parquet')
    ratings_store(tmp_path/'x.parquet', store)
    for head in (deep, '[]', '7', '{"sha256": 1}'):
        next(folder.glob('*.json')).write_text(head)
        (store/'ratings.json').write_text(head)
        with pytest.raises(SavedModelError): load(folder)
        with pytest.raises(DataError, match='is damaged: .*build the store again'): Ratings.open(store)
        assert len(load(two[0].save(folder)).ratings) == len(ratings_store(tmp_path/'x.parquet', store)) == 30


def test_own_models_may_hold_anything(tmp_path):
    "Names that the folder itself uses, numbers that are not finite; but not the names of methods"
    a = Odd(np.ones(2)).fit(tiny_ratings())
    b = Odd.load(a.save(tmp_path))
    assert b.x.tolist() == [0, 1, 2] and b.info.tolist() == [True] and np.isnan(b.holes[0]) and b.size.tolist() == [1, 1]
    assert b.nested['a'][1] == (1, None) and b.nested['a'][0].dtype == 'int8'
    saved = load_folder(tmp_path)
    for name in ('predict', 'ratings', 'used', 'size', '_who', '__class__', 'a b', ''):
        info = {**saved.info, 'fitted': {**saved.info['fitted'], name: 1}}
        save_folder(tmp_path, info, saved.tensors)
        with pytest.raises(SavedModelError, match='is not a name for what a fit leaves'): Odd.load(tmp_path)


def test_folder_of_format_2_answers_as_it_did(tmp_path):
    "Ids and titles in the head; saved again it has today's form"
    old = json.loads((FORMAT_2/'ensemble_answers.json').read_text(encoding='utf-8'))
    for folder in (FORMAT_2/'ensemble', tmp_path):
        rec = load(folder)
        assert np.allclose(rec.predict(old['users'], old['items']), old['predict'], rtol=0, atol=1e-6)
        assert rec.recommend_all(9, seen=True, min_ratings=4)['item'].tolist() == old['lists']
        assert rec.ratings.titles.tolist() == old['titles']
        table = rec.ratings.to_frame()
        assert table.assign(timestamp=table.timestamp.astype(str)).to_dict('list') == old['frame']
        rec.save(tmp_path)
    assert load_folder(tmp_path).version == 3 and load_folder(FORMAT_2/'ensemble').version == 2


def test_what_is_said_of_a_folder_cannot_command_a_terminal(tmp_path):
    "Its name, and what its head says"
    folder = tmp_path/'\x1b[2Jred\x9b'
    with pytest.raises(SavedModelError) as e: load_folder(folder)
    assert str(e.value).isprintable()
    folder.mkdir()
    for head in '{', json.dumps({'format': '\x1b[2J'}), json.dumps({'format': 'collab_course', 'version': 3, 'info': {}, 'sha256': {'\x1b[2J': '0'}}):
        (folder/'recommender.json').write_text(head)
        with pytest.raises(SavedModelError) as e: load_folder(folder)
        assert str(e.value).isprintable()
    (folder/'x').touch()
    with pytest.raises(FileExistsError) as e: save_folder(folder/'x', {}, {})
    assert str(e.value).isprintable()


@pytest.mark.parametrize('name', ['recommender.json', '.lock'])
@pytest.mark.parametrize('make', [os.mkdir, os.mkfifo])
def test_what_is_in_the_way_is_named(two, name, make):
    "A folder, or a pipe that would never open"
    (two[2]/name).unlink(missing_ok=True)
    make(two[2]/name)
    with pytest.raises(FileExistsError, match=f'{name} is no file and is in the way'): two[1].save(two[2])


def test_folder_without_a_name_is_an_error(two, tmp_path, monkeypatch):
    "And not the current folder"
    monkeypatch.chdir(two[2])
    with pytest.raises(ValueError, match='the folder to save to has no name'): two[1].save('')
    with pytest.raises(SavedModelError, match='the folder has no name'): load('')
    assert says(load('.')) == says(two[0])
