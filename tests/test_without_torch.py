"The built wheel without PyTorch: saved models answer, and with numba every model trains"
import json
import math
import os
import sys
from importlib.metadata import version
from pathlib import Path

import asking
import pytest
from conftest import clean_run

# In the releases that are here: others draw other numbers, and round in another way
NEEDS = [f'{name}=={version(name)}' for name in ('numpy', 'pandas', 'safetensors', 'click', 'tqdm')]
ASKING = Path(asking.__file__)


def environment(once, wheel, name, packages):
    "A virtual environment with some packages, and the wheel without its requirements"
    def make(folder):
        pip = [folder/'bin/python', '-m', 'pip', 'install', '--quiet']
        clean_run(sys.executable, '-m', 'venv', folder, cwd=folder.parent)
        clean_run(*pip, *packages, cwd=folder)
        clean_run(*pip, '--no-deps', wheel, cwd=folder)
    return once(name, make)/'bin'


@pytest.fixture(scope='session')
def bare(once, wheel):
    "What a saved model needs, and no more"
    return environment(once, wheel, 'bare', NEEDS)


@pytest.fixture(scope='session')
def compiled(once, wheel):
    "... and numba"
    return environment(once, wheel, 'compiled', [*NEEDS, f"numba=={version('numba')}"])


def ask(bin, task, folder):
    "What `asking.py` prints there, and the modules that it has loaded"
    found = json.loads(clean_run(bin/'python', ASKING, task, folder, cwd=folder).stdout)
    modules = {name.partition('.')[0] for name in found.pop('modules')}
    assert modules.isdisjoint({'torch', 'fastai', 'fastcore', 'sklearn', 'scipy', 'matplotlib'})
    return found, modules


def same(a, b):
    "Equal, numbers but for what another release of numpy may round in another way"
    if isinstance(a, dict): return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list): return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) or a != a and b != b
    return a == b


@pytest.fixture(scope='module')
def here():
    "Every model, trained in the full environment"
    return asking.trained()


def test_same_can_tell():
    "Numbers, lists, keys"
    assert same({'a': [1., 'x', None]}, {'a': [1+1e-9, 'x', None]})
    for other in {'a': [1.1, 'x', None]}, {'a': [1., 'x']}, {'b': [1., 'x', None]}, {'a': [1., 'y', None]}:
        assert not same({'a': [1., 'x', None]}, other)


def test_saved_models_answer_without_torch(here, bare, tmp_path):
    "With numpy, pandas, safetensors, click and tqdm alone: each question, each model, as here"
    for name, model in here.items(): model.save(tmp_path/name)
    there, modules = ask(bare, 'answer', tmp_path)
    assert 'numba' not in modules
    for name, model in here.items():
        expected = json.loads(json.dumps(asking.answers(model)))
        differ = [key for key in expected if not same(expected[key], there[name].get(key))]
        assert differ == [], f'{name}: {differ}'
        assert expected['predict'] is not None or model.ranks_only


def test_command_line_answers_without_torch(here, bare, tmp_path):
    "`collab_course recommend` and `similar`, as a program"
    here['mf'].save(tmp_path/'model')
    user = here['mf'].ratings.users.ids[0]
    line = [bare/'collab_course', 'recommend', tmp_path/'model', '--user', str(user)]
    assert 'rating' in clean_run(*line, cwd=tmp_path).stdout
    line = [bare/'collab_course', 'similar', tmp_path/'model', 'Heat (1995)']
    assert 'similarity' in clean_run(*line, cwd=tmp_path).stdout


def test_every_model_trains_without_torch(compiled, tmp_path):
    "With numba besides: the same models as here, and `evaluate` says the same of them"
    expected = json.loads(json.dumps(asking.train()))
    there, modules = ask(compiled, 'train', tmp_path)
    assert 'numba' in modules and there['warnings'] == expected['warnings'] == []
    assert same(expected['scores'], there['scores'])
    assert same(expected['answers'], there['answers'])


def test_every_model_trains_without_numba(bare, tmp_path):
    "Slowly, and with a warning that says what is missing"
    there, modules = ask(bare, 'train', tmp_path)
    expected = json.loads(json.dumps(asking.train()))
    assert 'numba' not in modules and any('numba' in text for text in there['warnings'])
    assert {name: scores.keys() for name, scores in there['scores'].items()} == {
        name: scores.keys() for name, scores in expected['scores'].items()}
    for name, scores in there['scores'].items():
        there_too = expected['scores'][name]['rmse']
        assert math.isclose(scores['rmse'], there_too, rel_tol=.01) or math.isnan(there_too)
