"Exercises: each as a triple of starter, mistakes and solution; whatever an answer does; progress"
import importlib
import inspect
import io
import json
import re
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from collab_course import EASE, exercises
from collab_course.exercises import Exercise, check, hint, judge, progress, solution, solutions
from common import BUGS, PATH, notebooks, page_name

NAMES = exercises._names()


def cells(path):
    "A notebook's cells: kind and source"
    return [(cell['cell_type'], ''.join(cell['source']))
            for cell in json.loads(path.read_text(encoding='utf-8'))['cells']]


# Their starters are wrong in place of empty
FAULTS = [path.stem for path in notebooks() if path.parent.name == BUGS]
# Every other page of the parts 1 to 7 that builds a module has three
BUILT = [path.stem for path in notebooks() if '1' <= path.name[0] <= '7'
         and any(source.startswith('#| default_exp ') for _, source in cells(path))]
# How many exercises a page has
PAGES = {**dict.fromkeys(BUILT, 3), **dict.fromkeys(PATH, 5), **dict.fromkeys(FAULTS, 1), '99_project': 10}
PATHS = {path.stem: path for path in notebooks()}
FAULTY = [page_name(PATHS[stem]) for stem in FAULTS]
STARTERS = {name: (text, source) for path in notebooks() if path.stem in PAGES
            for (_, text), (kind, source) in zip(cells(path), cells(path)[1:])
            for name in re.findall(r"^check\('([\w.]+)'", source, re.M) if kind == 'code'}


def starter(name):
    "What the starter's cell hands to `check`"
    handed = {}
    exec(STARTERS[name][1], {'check': handed.__setitem__, 'np': np, 'torch': torch, 'table': ..., 'model': ...})
    return handed[name]


@pytest.mark.parametrize('name', NAMES)
def test_exercise(name, tmp_path, monkeypatch):
    "The starter is not attempted, each mistake gets its sentence, the solution passes"
    monkeypatch.chdir(tmp_path) # the project writes files
    exercise = exercises._find(name)
    assert exercise.name == name and exercise.why
    assert len(exercise.hints) == 2 and all(exercise.hints)
    begun, right = starter(name), exercise.solution
    if name.partition('.')[0] in FAULTY: assert judge(exercise, begun).passed is False
    else: assert judge(exercise, begun).passed is None and exercise.mistakes
    if exercise.cases is None: right = right()
    else: assert [*inspect.signature(begun).parameters] == [*inspect.signature(right).parameters]
    for text, wrong in exercise.mistakes.items():
        passed, said = judge(exercise, wrong() if exercise.says else wrong)
        assert passed is False and said.endswith(f' {text}'), said
    assert judge(exercise, right).passed, judge(exercise, right).text


@pytest.mark.parametrize('path, n', PAGES.items())
def test_exercises_of_a_page(path, n):
    "With their minutes and how hard they are, and with their solutions"
    lesson = page_name(PATHS[path])
    names = [f'{lesson}.{k}' for k in range(1, n + 1)]
    assert [name for name in NAMES if name.startswith(f'{lesson}.')] == names
    for k, name in enumerate(names, 1):
        said = rf'(?m)^\*\*{k}\.\*\* \*\d+ minutes, (easy|medium|hard)\.\* '
        assert re.search(said, STARTERS[name][0]), name
    assert [text for _, text in cells(PATHS[path]) if f"solutions('{lesson}')" in text]


@pytest.mark.parametrize('path', PATHS)
def test_nothing_is_asked_without_an_answer(path):
    "Exercises are checked, choices explained; what is only to try says so"
    texts = [text for _, text in cells(PATHS[path])]
    assert ('## Exercises' in texts) <= (path in PAGES) and not any('.callout' in text for text in texts)


@pytest.mark.parametrize('answer', [None, 7, 'x', [], (1, 2), Exception, np.zeros(3), lambda: 1],
                         ids='None 7 text list tuple class array function'.split())
@pytest.mark.parametrize('name', [name for name in NAMES if name.startswith('project.')])
def test_odd_answers_about_your_own_data(name, answer):
    "A sentence with the exercise's name, and no error"
    passed, said = judge(exercises._find(name), answer)
    assert passed is False and said.startswith(f'{name}: ') and said.endswith('.') and len(said) < 400


@pytest.mark.parametrize('serve, says', [
    (lambda request: loops(request), 'it did not end within 0.5 seconds.'),
    (lambda request: 'null', "{'user': 'c0000', 'n': 5}: it gives no list of 5."),
    (lambda request: '[null, null, null, null, null]', "{'user': 'c0000', 'n': 5}: not all of it are ids of items."),
    (lambda request: json.dumps(['b001']*5), "{'user': 'c0000', 'n': 5}: an item is in the list twice."),
    ('unknown', 'An unknown user gets an answer, and no error.'), ([], 'An unknown user gets an answer, and no error.'),
    (['error'], 'An unknown user gets an answer, and no error.'), (5, 'An unknown user gets an answer, and no error.'),
])
def test_services_that_answer_otherwise(serve, says, tmp_path, monkeypatch):
    "What comes back for an unknown user, or for anybody"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(exercises, '_try', partial(exercises._try, seconds=.5))
    ten = exercises._find('project.10')
    model, right = ten.solution()
    def otherwise(request): return json.dumps(serve) if request.get('user') == 'nobody at all' else right(request)
    assert judge(ten, (model, serve if callable(serve) else otherwise)).text == f'project.10: {says}'


def test_a_service_of_few_items(tmp_path, monkeypatch):
    "Fewer than five are left for anybody: the model's own number counts"
    monkeypatch.chdir(tmp_path)
    ten = exercises._find('project.10')
    _, right = ten.solution()
    pairs = [(user, item) for user in range(30) for item in range(12) if item >= 2 + user%2]
    frame = pd.DataFrame([(f'u{user}', f'i{item}', 1 + (user*item)%5) for user, item in pairs], columns=['user', 'movie', 'rating'])
    model = EASE().fit(frame, quiet=True)
    def serve(request):
        try: return json.dumps(model.recommend(request.get('user', request.get('likes')), request.get('n', 10))['item'].tolist())
        except KeyError as e: return json.dumps({'error': str(e)})
    assert judge(ten, (model, serve)).text == 'project.10 is right.'


def test_no_line_of_a_check_is_told(tmp_path, monkeypatch):
    "An answer of another form about one's own data: what was raised, and no code but the reader's"
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        if name.startswith('project.'): assert ' in the line ' not in judge(exercises._find(name), (1, (2, 3))).text


def test_the_bookshop_of_the_page_is_that_of_the_checks():
    "The page shows it, and the solutions use it"
    shop = inspect.getsource(importlib.import_module('collab_course.checks.project').make_shop)
    assert shop.strip() in [text for _, text in cells(PATHS['99_project'])]


def test_no_prose_names_a_solution():
    "nbdev would make a link of it that leads nowhere"
    known = {exercises._find(name).solution.__name__ for name in NAMES}
    said = {word for path in notebooks() for kind, text in cells(path) if kind == 'markdown'
            for word in re.findall(r'`(\w+)(?:\(\))?`', text)}
    assert known & said == set()


def test_checks_are_imported_when_they_are_asked_for():
    "Not with the package, not with the exercises, and no other lesson's"
    code = '''
import sys, collab_course, collab_course.all
from collab_course.exercises import hint
def lessons(): return [o for o in sys.modules if o.startswith('collab_course.checks.')]
assert not lessons()
hint('movielens.1')
assert lessons() == ['collab_course.checks.movielens']'''
    subprocess.run([sys.executable, '-c', code], check=True, stdout=subprocess.DEVNULL)


def by_bias(named):
    "Once through the pairs: those with a bias, and the others"
    found = [], []
    for name, one in named: found['bias' not in name].append(one)
    return found


@pytest.mark.parametrize('name, repaired', [
    ('one_epoch.1', lambda n, bs, rng: np.split(rng.choice(n, n, replace=False), range(bs, n, bs))),
    ('three_parts.1', lambda n, rng: [part[::-1] for part in exercises._find('three_parts.1').solution(n, rng)]),
    ('weight_decay.4', lambda named, wd: [{'params': some, 'weight_decay': decay} for some, decay in zip(by_bias(named), (0, wd))]),
    ('three_parts.1', lambda n, rng: (lambda some: [np.setdiff1d(np.arange(n), some), *some])(rng.permutation(n)[:n//5*2].reshape(2, -1))),
    ('large_products.3', lambda a, bits: np.ldexp(np.floor(np.frexp(a)[0]*2**bits + .5)/2**bits, np.frexp(a)[1])),
    ('model_checks.2', lambda fit, rows: bool(np.array_equal(fit(rows), fit(np.roll(rows, 1, axis=0))))),
    ('als.2', lambda P, Q: np.einsum('uj,uk->jk', P, P).ravel() @ (Q.T @ Q).ravel()),
    ('bias_tables.1', lambda a, b, k, seed: {o: torch.zeros(n, d) for o, n, d in [
        ('user_factors', a, k), ('item_factors', b, k), ('user_bias', a, 1), ('item_bias', b, 1)]}),
])
def test_another_repair_is_as_good(name, repaired):
    "Where chance has a part, a check looks at what does not depend on it"
    assert judge(exercises._find(name), repaired).passed


def cosines(factors, k):
    "Of film `k` with all films"
    directions = factors/np.linalg.norm(factors, axis=1, keepdims=True)
    return directions @ directions[k]


def of_itself(factors, k):
    "Its own cosine is set to zero, which is more than that of what points away"
    alike = cosines(factors, k)
    alike[k] = 0
    return alike.argmax()


def by_products(factors, k):
    "A long row has a large product with any"
    products = factors @ factors[k]
    products[k] = -np.inf
    return products.argmax()


def in_its_batch(n, bs, rng):
    "A row is always in the same batch"
    return [rng.permutation(rows) for rows in np.split(np.arange(n), range(bs, n, bs))]


def whole_batches(n, bs, rng):
    "Batches in random order, each of neighbours"
    *full, rest = np.split(np.arange(n), range(bs, n, bs))
    return [*rng.permutation(full), rest] if full else [rest]


IN_ORDER = "it returned False, and True is right (for 'in random order')"
CUT = "it returned False, and True is right (for 'shuffled')"


@pytest.mark.parametrize('name, answer, says', [
    ('movielens.4', lambda df: ((df.user == df.user.shift()) & (df.title == df.title.shift())).sum(), 'one pair twice: it returned 0'),
    ('loaders.2', lambda n, bs, gen: (rows for rows in torch.randperm(n).split(bs)), 'it returned a generator, and a list is asked for'),
    ('one_epoch.1', lambda n, bs, rng: np.split(np.arange(n), range(bs, n, bs)), IN_ORDER),
    ('one_epoch.1', lambda n, bs, rng: np.split(np.arange(n)[::-1], range(bs, n, bs)), IN_ORDER),
    ('one_epoch.1', lambda n, bs, rng: np.split(np.random.default_rng(0).permutation(n), range(bs, n, bs)), "(for 'in an order drawn by rng')"),
    ('one_epoch.1', in_its_batch, IN_ORDER), ('one_epoch.1', whole_batches, IN_ORDER),
    ('three_parts.1', lambda n, rng: [*np.split(np.arange(n), [n - n//5*2, n - n//5])], CUT),
    ('three_parts.1', lambda n, rng: [np.flatnonzero(np.arange(n)%5 > 1), np.arange(n//5)*5, np.arange(n//5)*5 + 1], CUT),
    ('three_parts.1', lambda n, rng: [part + n for part in exercises._find('three_parts.1').solution(n, rng)], 'smallest and largest row'),
    ('most_alike.1', lambda factors, k: np.argsort(cosines(factors, k), kind='stable')[-2], 'a twin in a higher row: it returned 0, and 2 is right'),
    ('most_alike.1', by_products, 'rows of unequal length: it returned 2, and 1 is right'),
    ('als.2', lambda P, Q: ((P @ Q.T)**2).sum(), 'many: it raised MemoryError: 300000 by 100000 numbers are too many'),
    ('als.2', lambda P, Q: ((Q @ P.T)**2).sum(), 'many: it raised MemoryError: 100000 by 300000 numbers are too many'),
    ('als.2', lambda P, Q: (np.dot(P, Q.T)**2).sum(), 'numbers are too many'), ('als.2', lambda P, Q: (P.dot(Q.T)**2).sum(), 'numbers are too many'),
    ('als.2', lambda P, Q: ((P[:, None]*Q).sum(axis=2)**2).sum(), 'many: it raised MemoryError: 300000 by 100000 by 2 numbers are too many'),
    ('metrics.2', lambda hits, n: (hits.cumsum()/np.arange(1, 7))[hits].sum()/min(n, 6), 'more wanted than places'),
    ('most_alike.1', of_itself, 'two opposites: it returned 0, and 1 is right'),
])
def test_what_is_wrong_is_found(name, answer, says):
    "Answers that look right in most cases"
    passed, said = judge(exercises._find(name), answer)
    assert passed is False and says in said


def double(xs): return [2*x for x in xs]

def doubled():
    return Exercise('double.1', double, lambda: {'two numbers': ([1, 2],)}, why='', hints=('', ''))

def loops(xs):
    while True: xs = xs

def swallows(xs):
    while True:
        try: loops(xs)
        except BaseException: return xs

def raises(xs): return xs[2]

def interrupts(xs): raise KeyboardInterrupt

def leaves(xs): sys.exit(3)

def prints(xs): print(double(xs))

def also_prints(xs):
    print('hello')
    return xs

def changes(xs):
    xs += xs
    return [2, 4]

def asks_for_more(xs, n): return xs

def reads(xs): return open('nowhere.csv').read()

def reads_itself(xs): return double(xs) if Path(__file__).read_text(encoding='utf-8') else None

def recurses(xs): return recurses(xs)

def generates(xs): yield from double(xs)

def closes(xs):
    sys.stdout.close()
    return double(xs)

class Speechless(Exception):
    def __str__(self): raise self

def raises_that(xs): raise Speechless

class Strange:
    "What cannot be printed or compared"
    def __repr__(self): raise OSError
    __eq__ = __len__ = __repr__


@pytest.mark.parametrize('answer, says', [
    (loops, 'it did not end within 0.1 seconds.'),
    (raises, 'it raised IndexError: list index out of range in the line `def raises(xs): return xs[2]`.'),
    (interrupts, 'it raised KeyboardInterrupt in the line `def interrupts(xs): raise KeyboardInterrupt`.'),
    (leaves, 'it raised SystemExit: 3 in the line `def leaves(xs): sys.exit(3)`.'),
    (prints, "it printed '[2, 4]' and returned nothing. Write `return`."),
    (also_prints, 'it returned 1, and 2 is right (at place 0). It printed: hello.'),
    (changes, 'it changed what it was given. Work on a copy.'),
    (asks_for_more, "it raised TypeError: asks_for_more() missing 1 required positional argument: 'n'."),
    (generates, 'it returned a generator, and a list is asked for.'),
    (reads, "it raised FileNotFoundError: [Errno 2] No such file or directory: 'nowhere.csv' in the line `def reads(xs): return open('nowhere.csv').read()`."),
    (raises_that, 'it raised Speechless in the line `def raises_that(xs): raise Speechless`.'),
    (lambda xs: torch.eye(2).to_sparse(), 'it returned a tensor, and a list is asked for.'),
    (lambda xs: [2, torch.eye(2).to_sparse()], 'it returned a tensor, and a number is asked for (at place 1).'),
    (lambda xs: Strange(), 'it returned a Strange, and a list is asked for.'), (lambda xs: None, None), (sum, 'it returned a number, and a list is asked for.'),
    (lambda xs: [2], 'it returned 1 values, and there should be 2: [2].'),
    (lambda xs: [2, float('nan')], 'it returned nan, and 4 is right (at place 1).'),
])
def test_whatever_an_answer_does(answer, says, monkeypatch):
    "One sentence, with the case"
    monkeypatch.setattr(exercises, '_try', partial(exercises._try, seconds=.1))
    passed, said = judge(doubled(), answer)
    if says is None: assert passed is None
    else: assert passed is False and said == f'double.1, two numbers: {says}'


def test_an_answer_that_never_tires(monkeypatch):
    "It swallows the first alarm, and what it returns is judged; a recursion without end ends"
    monkeypatch.setattr(exercises, '_try', partial(exercises._try, seconds=.1))
    assert 'it returned 1, and 2 is right (at place 0)' in judge(doubled(), swallows).text
    assert 'it raised RecursionError' in judge(doubled(), recurses).text


def test_an_answer_that_checks_itself(monkeypatch):
    "One limit for all of it, and none is left over; another exercise may be checked within, and the output closed"
    monkeypatch.setattr(exercises, '_try', partial(exercises._try, seconds=.2))
    def itself(*args): judge(two_cases, itself)
    again, two_cases, start = doubled(), exercises._find('movielens.1'), time.monotonic()
    assert judge(two_cases, itself).text == 'movielens.1, ML-100k: it did not end within 0.2 seconds.'
    assert time.monotonic() - start < 2
    assert judge(again, lambda xs: double(xs) if judge(doubled(), double).passed else None).passed
    assert judge(again, closes).passed and judge(again, reads_itself).passed
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0) and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


def test_an_alarm_at_the_end(monkeypatch):
    "It rings when the answer has just returned: the timer ends all the same"
    ring, stopped = signal.setitimer, []
    def late(which, seconds, again=0):
        if not seconds and not stopped:
            stopped.append(1)
            raise exercises._TimeUp
        return ring(which, seconds, again)
    monkeypatch.setattr(signal, 'setitimer', late)
    assert 'it did not end within' in judge(doubled(), double).text
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0) and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize('value', [1j, 10**5000], ids=['complex', 'long'])
def test_a_number_that_cannot_be_compared(value):
    "It is no answer, and no error"
    some = Exercise('some.1', lambda: 3.5, why='', hints=('', ''))
    assert judge(some, value).text == 'some.1: this is a number of another form than what is asked for.'


def test_numbers_in_an_array_of_objects():
    "They count as numbers, rounding and all"
    tenths = Exercise('tenths.1', lambda n: np.arange(n)/10, lambda: {'four': (4,)}, why='', hints=('', ''))
    assert judge(tenths, lambda n: np.array([k*.1 for k in range(n)], dtype=object)).passed
    assert judge(tenths, lambda n: np.array(['x']*n, dtype=object)).text == 'tenths.1, four: it returned an array of another form than what is asked for.'


def test_a_result_that_cannot_be_read():
    "A sparse tensor where one with its numbers is asked for"
    eye = Exercise('eye.1', torch.eye, lambda: {'two': (2,)}, why='', hints=('', ''), mistakes={'Ones.': lambda n: torch.ones(n, n)})
    assert judge(eye, lambda n: torch.eye(n).to_sparse()).text == 'eye.1, two: it returned a tensor of another form than what is asked for.'


NOT_READ = [lambda: torch.ones(3, dtype=torch.bfloat16), lambda: torch.ones(3).to_sparse(), lambda: torch.ones(3, device='meta'),
            lambda: torch.tensor(3., dtype=torch.bfloat16), lambda: torch.tensor(3., device='meta'),
            lambda: torch.Tensor, io.StringIO, io.BytesIO, lambda: open(__file__)]


@pytest.mark.parametrize('make', NOT_READ, ids='bfloat16 sparse meta bfloat16-number meta-number class text-stream bytes file'.split())
@pytest.mark.parametrize('name', ['movielens.1', 'movielens.2', 'project.1'])
def test_what_numpy_cannot_read(name, make):
    "As a value, as a result, about one's own data: a sentence"
    value, asked = make(), exercises._find(name)
    answer = (lambda *args: value) if asked.cases else value
    passed, said = judge(asked, answer)
    assert passed is False and said.startswith(name) and said.endswith('.')
    if hasattr(value, 'close'): value.close()


def test_without_a_timer(monkeypatch, capsys):
    "In a thread there is no limit, which is said once"
    monkeypatch.setattr(exercises, '_told', [])
    found = []
    thread = threading.Thread(target=lambda: found.extend(judge(doubled(), double) for _ in range(2)))
    thread.start()
    thread.join()
    assert [one.passed for one in found] == [True, True]
    assert capsys.readouterr().out.count('nothing stops') == 1


@pytest.fixture
def home(tmp_path, monkeypatch):
    "A reader's own cache"
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path))
    return tmp_path/'data/collab_course/exercises.txt'


def solve(name):
    "Give the right answer"
    exercise = exercises._find(name)
    check(name, exercise.solution if exercise.cases else exercise.solution())


def test_progress(home, capsys):
    "What is solved is kept once; what is wrong or not attempted is not"
    for name in 'movielens.1', 'movielens.3', 'movielens.1': solve(name)
    check('movielens.4', ...)
    check('movielens.5', 7)
    assert home.read_text().split() == ['movielens.1', 'movielens.3']
    capsys.readouterr()
    progress()
    said = capsys.readouterr().out
    assert re.search(r'movielens +2 of 5 \(1, 3\)', said) and f'Kept in {home}' in said
    assert 'Colab' not in said


@pytest.mark.parametrize('damage', [b'\xff\x00\nmovielens.1\nmovielens.99\n{"half', b'', b'movielens.1'])
def test_a_damaged_file_of_progress(home, damage, capsys):
    "What can be read of it counts, and more is added"
    home.parent.mkdir(parents=True)
    home.write_bytes(damage)
    solve('movielens.3')
    assert 'is right' in capsys.readouterr().out
    progress()
    assert f'{1 + (b"movielens.1" in damage)} of 5' in capsys.readouterr().out


@pytest.mark.parametrize('spoil', [lambda file: file.mkdir(parents=True),
                                   lambda file: file.parents[1].write_text('')])
def test_progress_that_cannot_be_kept(home, spoil, capsys):
    "The answer is right all the same, and the reason is said"
    spoil(home)
    solve('movielens.1')
    said = capsys.readouterr().out
    assert 'movielens.1 is right' in said and f'could not be kept in {home}' in said
    progress()


@pytest.mark.parametrize('settings, why', [
    (None, 'Could not determine home directory.'), (b'no section', 'File contains no section headers.'),
    (b'\xff\xfe', "'utf-8' codec can't decode"), (b'[DEFAULT]\ndata = %x', "'%' must be followed by"),
])
def test_progress_without_a_folder(tmp_path, monkeypatch, settings, why, capsys):
    "No home, or fastai's own settings are damaged: the answer is right all the same"
    monkeypatch.setenv('FASTAI_HOME', str(tmp_path if settings else '~nobody-at-all/x'))
    if settings: (tmp_path/'config.ini').write_bytes(settings)
    solve('movielens.1')
    assert f'is right, in all of 2 cases. (This could not be kept in a file: {why}' in capsys.readouterr().out
    progress()
    assert f'Kept nowhere: {why.rstrip(".")}' in capsys.readouterr().out


SOLVE = '''
import sys
from collab_course import exercises
for name in sys.argv[1:]: exercises.check(name, exercises._find(name).solution)
'''


def test_two_notebooks_at_once(home):
    "Neither loses what the other has solved"
    names = [['movielens.1', 'movielens.4'], ['movielens.3', 'movielens.5']]
    line = [sys.executable, '-c', SOLVE]
    running = [subprocess.Popen([*line, *some], stdout=subprocess.DEVNULL) for some in names]
    assert [one.wait() for one in running] == [0, 0]
    assert sorted(home.read_text().split()) == sorted(sum(names, []))


@pytest.mark.parametrize('name, error, says', [
    ('movielens.11', ValueError, 'the nearest are movielens.1'), ('movielen.2', ValueError, 'movielens.2'),
    ('xyz', ValueError, "there is no exercise 'xyz'; the nearest are "),
    (3, TypeError, "such as 'bias.1', and not a number"), (double, TypeError, 'and not a function'),
])
def test_a_name_that_is_none(name, error, says):
    "Whoever is asked"
    for ask in hint, solution, partial(check, answer=3):
        with pytest.raises(error) as found: ask(name)
        assert says in str(found.value)


def test_hints_one_by_one(capsys, monkeypatch):
    "The first, the second, and the second again; a solution shows itself, as text and as HTML"
    monkeypatch.setattr(exercises, '_hinted', {})
    for _ in range(3): hint('movielens.1')
    assert re.findall(r'Hint (\d)', capsys.readouterr().out) == ['1', '2', '2']
    assert repr(solution('movielens.1')).startswith('def filled_share(')
    assert solutions('movielens')._repr_html_().count('<details class="solution">') == 5


QUESTION = re.compile(r'<div class="question" role="group" aria-label="Question (\d) of (\d)">\n<p><b>.+</b></p>\n((?:<details.*\n)+)</div>')
CHOICE = re.compile(r'<details name="q(\d)"( class="right")?><summary>(.+)</summary><b>(Right|No)\.</b> (.+)</details>')


# Pages that are as long as a page may be, and pages to look things up
UNASKED = {'05_exercises', '41_questions', '42_evaluation', '91_library', '96_from_0_1'}


def test_the_right_choice_may_stand_anywhere():
    "About as often first as second and third"
    texts = [text for path in PATHS.values() for _, text in cells(path) if '<div class="question"' in text]
    found = [choices for text in texts for *_, choices in QUESTION.findall(text)]
    places = [[' class="right"' in line for line in choices.splitlines()].index(True) for choices in found]
    assert len(places) > 150 and all(.25 < places.count(k)/len(places) < .42 for k in range(3))


@pytest.mark.parametrize('path', [stem for stem in PATHS if stem[0].isdigit() and stem not in UNASKED])
def test_questions_explain_each_choice(path):
    "Three choices or more, one of them right, a word to each; without a script they fold open, too"
    [text] = [text for _, text in cells(PATHS[path]) if '<div class="question"' in text]
    found = QUESTION.findall(text)
    assert [int(k) for k, _, _ in found] == [*range(1, text.count('<div') + 1)]
    for number, all_, choices in found:
        lines = [CHOICE.fullmatch(line).groups() for line in choices.splitlines()]
        assert int(all_) == len(found) and len(lines) >= 3
        assert {k for k, *_ in lines} == {number} and len({choice for _, _, choice, *_ in lines}) == len(lines)
        assert [said == 'Right' for *_, said, _ in lines] == [bool(right) for _, right, *_ in lines]
        assert sum(bool(right) for _, right, *_ in lines) == 1
