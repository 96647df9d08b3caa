"Modules, notebooks, facts and files agree with each other"
import re

import check_flow
import facts
import nbformat
import pytest
from common import ROOT, project_files, settings, snapshot
from nbformat.v4 import new_code_cell, new_notebook

ABSOLUTE = re.compile(rb'(?<![\w.:/~-])/(?:home|root|tmp|work|Users)/\w')
LARGEST = 1_500_000


def changed(before, after):
    "The names of files that are not the same in two snapshots"
    return sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))


@pytest.mark.parametrize('command', ['nbdev-export', 'nbdev-clean'])
def test_nothing_left_to_do(command, project, python):
    "Modules are in step with the notebooks, and notebooks are clean"
    before = snapshot(project)
    python(command=command, cwd=project)
    assert changed(before, snapshot(project)) == []


def test_facts(): assert facts.problems(settings()) == []


def test_facts_are_renewed(project, monkeypatch):
    "Another owner, repository and version reach every place"
    monkeypatch.setattr(facts, 'ROOT', project)
    new = {**settings(), 'user': 'someone', 'repo': 'elsewhere', 'branch': 'trunk', 'description': 'Other words'}
    wrong = '\n'.join(facts.problems(new))
    rules = [*facts.needed(new), *facts.allowed(new)]
    for name in ('pyproject.toml', 'nbs/_quarto.yml', 'nbs/index.ipynb', 'docs.yml'): assert name in wrong
    for rule in rules: facts.renew(*rule)
    assert facts.problems(new) == []


@pytest.mark.parametrize('key, value, place', [
    ('version', '9.9', 'CHANGELOG.md'), ('version', '9.9', '__init__.py'), ('min_python', '3.99', 'test.yml'),
])
def test_a_changed_fact_is_noticed(key, value, place):
    "The places that --write does not change, too"
    assert any(place in text for text in facts.problems({**settings(), key: value}))


def test_flow(): assert check_flow.problems() == []


@pytest.fixture
def lessons(tmp_path):
    "Write notebooks of code cells, by name"
    def write(**cells):
        for name, sources in cells.items():
            nb = new_notebook(cells=[new_code_cell(source) for source in sources], nbformat_minor=5)
            nbformat.write(nb, tmp_path/f'{name.lstrip("_")}.ipynb')
        return tmp_path
    return write


@pytest.mark.parametrize('line', [
    'from pack.late import x', 'import pack.late as l', 'from pack import late', 'from pack.all import *',
    'def f():\n    from pack.late import x', 'from .late import x',
])
def test_backward_imports_are_found(lessons, line):
    "However they are written"
    folder = lessons(_00_early=['#| default_exp early', f'#| export\n{line}'], _01_late=['#| default_exp late'],
                     _02_end=['from pack import __version__', 'from pack.late import y', 'import pack.all'], index=['from pack.all import *'])
    [problem] = check_flow.problems(folder, 'pack')
    assert problem.startswith('00_early.ipynb: pack.')


@pytest.mark.parametrize('source, fine', [
    ('import os\nimport re', True), ('%matplotlib inline\nimport os', False), ('import os\nos.getcwd()', False),
    ('#| export\nimport os\nx = 1', False), ('#| export\ndef f():\n    import os', True),
    ('def f():\n    import os', False), ('#| eval: false\nimport os\n! ls', True), ('! ls', True),
])
def test_mixed_cells_are_found(lessons, source, fine):
    "Imports stand alone, but for those inside an exported function"
    assert (check_flow.problems(lessons(_00_one=[source]), 'pack') == []) is fine


def test_files():
    "No file names a folder of one machine, and none is very large"
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in project_files()}
    assert [name for name, data in files.items() if ABSOLUTE.search(data)] == []
    assert [name for name, data in files.items() if len(data) > LARGEST] == []
