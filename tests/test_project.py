"Modules, notebooks, facts and files agree with each other"
import re

import check_flow
import facts
import nbformat
import pytest
from common import ROOT, changed, project_files, settings, snapshot
from nbformat.v4 import new_code_cell, new_notebook

ABSOLUTE = re.compile(rb'(?<![\w.:/~-])/(?:home|root|tmp|work|Users)/\w')
LARGEST = 1_500_000


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
    new = settings() | {'user': 'someone', 'repo': 'elsewhere', 'branch': 'trunk'}
    wrong = '\n'.join(facts.problems(new))
    names = ['pyproject.toml', 'nbs/_quarto.yml', 'nbs/index.ipynb', '.github/workflows/docs.yml']
    assert [name for name in names if name not in wrong] == []
    facts.write(new)
    assert facts.problems(new) == []


@pytest.mark.parametrize('key, value, place', [
    ('version', '9.9', 'CHANGELOG.md'), ('version', '9.9', '__init__.py'),
    ('min_python', '3.99', 'test.yml'),
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
            nb = new_notebook(cells=[new_code_cell(source) for source in sources])
            nbformat.write(nb, tmp_path/f'{name.lstrip("_")}.ipynb')
        return tmp_path
    return write


@pytest.mark.parametrize('line', [
    'from pack.late import x', 'import pack.late as l', 'from pack import late',
    'from .late import x', 'from pack.all import *', 'def f():\n    from pack.late import x',
])
def test_backward_imports_are_found(lessons, line):
    "However they are written"
    folder = lessons(_00_early=['#| default_exp early', f'#| export\n{line}'],
                     _01_late=['#| default_exp late', 'from pack.early import y'],
                     _02_end=['from pack import __version__, late', 'import pack.all'],
                     index=['from pack.all import *'])
    [problem] = check_flow.problems(folder, 'pack')
    assert problem.startswith('00_early.ipynb: pack.')


@pytest.mark.parametrize('source, fine', [
    ('import os\nimport re', True), ('import os\nos.getcwd()', False), ('! ls', True),
    ('%matplotlib inline\nimport os', False), ('#| export\nimport os\nx = 1', False),
    ('def f():\n    import os', False), ('#| export\ndef f():\n    import os', True),
    ('#| eval: false\nimport os\n! ls', True),
])
def test_mixed_cells_are_found(lessons, source, fine):
    "Imports stand alone, but for those inside an exported function"
    assert (check_flow.problems(lessons(_00_one=[source]), 'pack') == []) is fine


def test_files():
    "No file names a folder of one machine, and none is very large"
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in project_files()}
    assert [name for name, data in files.items() if ABSOLUTE.search(data)] == []
    assert [name for name, data in files.items() if len(data) > LARGEST] == []
