"Learner notebooks as Colab runs them, each alone, and the cell that installs the course there"
import sys
from pathlib import Path
from unittest import mock

import facts
import nbformat
import pytest
from colab import VERSIONS, needs, pinned, resolve
from common import DOCS, NBS, copy_project, repo_url, settings
from IPython.core.inputtransformer2 import TransformerManager
from packaging.requirements import Requirement

FACTS = settings()
QUICK = ['index', '11_crosstab']


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="Colab's numpy has no wheel for this Python")
def test_colab(python):
    """Two of them to the end, with the wheel of this checkout and the PyTorch that is here; `make
    colab` runs all, with Colab's"""
    notebooks = (DOCS/f'notebooks/{name}.ipynb' for name in QUICK)
    printed = python('tools/colab.py', '--here', '--jobs', '1', *notebooks)
    assert 'installs nothing elsewhere' in printed and printed.count(' ok\n') == len(QUICK)


def test_colab_has_what_we_ask_for():
    "Each release in the list is allowed by settings.ini, so that an install replaces none"
    has = dict(line.split('==') for line in sum(pinned(), []) if '==' in line)
    for one in map(Requirement, FACTS['requirements'].split()):
        assert one.specifier.contains(has[one.name]), f'{one}, and Colab has {has[one.name]}'
    assert 'August 2026' in VERSIONS.read_text() and {'ipykernel', 'ipython'} <= has.keys()


def test_what_a_package_needs():
    "Itself, its requirements and theirs, by one name; what is in `leave` aside, with all below it"
    found = {one.name.lower() for one in needs(['fastai'], {'torch', 'spacy'})}
    assert {'fastai', 'fastcore', 'pandas', 'numpy'} <= found and found.isdisjoint({'torch', 'spacy', 'sympy'})
    assert [one.name for one in needs(['no-such-package'], set())] == []


def read(name): return nbformat.read(NBS/f'{name}.ipynb', 4)

def first(name): return next(cell for cell in read(name).cells if cell.cell_type == 'code')


def test_the_wheel_takes_the_place_of_github():
    "In the first code cell, which must say what is to be installed"
    nb, wheel = read('16_bias'), Path('/somewhere/course.whl')
    assert resolve(nb, FACTS, wheel) is None
    [cell] = [cell for cell in nb.cells if 'pip install' in cell.source]
    assert wheel.as_uri() in cell.source and repo_url(FACTS) not in cell.source
    assert 'does not install' in resolve(nb, FACTS, wheel)
    assert 'does not install' in resolve(read('16_bias'), {**FACTS, 'version': '9.9'}, wheel)


@pytest.mark.parametrize('here', [True, False])
def test_the_first_cell_asks_for_colab(here, monkeypatch):
    "It runs pip where `google.colab` is loaded, and otherwise nothing"
    shell, source = mock.Mock(), TransformerManager().transform_cell(first('16_bias').source)
    monkeypatch.delitem(sys.modules, 'google.colab', raising=False)
    if here: monkeypatch.setitem(sys.modules, 'google.colab', sys)
    exec(source, {'get_ipython': lambda: shell})
    assert shell.run_line_magic.called is here
    if not here: return
    magic, line = shell.run_line_magic.call_args.args
    assert magic == 'pip' and line.endswith(f"@v{FACTS['version']}\"")
    assert not {'-U', '--upgrade', '-Uqq'} & {*line.split()} # it would replace what is loaded


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    "A notebook in a copy of the project, changed, and what the facts say of it before and after"
    project = copy_project(tmp_path/'project')
    monkeypatch.setattr(facts, 'ROOT', project)
    path = project/'nbs/16_bias.ipynb'
    def change(how):
        nb = nbformat.read(path, 4)
        how(nb.cells)
        nbformat.write(nb, path)
        wrong = facts.problems(FACTS)
        facts.write(FACTS)
        return wrong, facts.problems(FACTS), nbformat.read(path, 4).cells == read('16_bias').cells
    return change


def code(cells): return [i for i, cell in enumerate(cells) if cell.cell_type == 'code']

def later(cells): cells.insert(code(cells)[2], cells.pop(code(cells)[0]))

def old(cells):
    cells[code(cells)[0]].source = '#| hide\n#| eval: false\n! [ -e /content ] && pip install x'


@pytest.mark.parametrize('how', [later, old])
def test_an_install_cell_is_put_right(lesson, how):
    "One that stands later, or says something else"
    wrong, left, same = lesson(how)
    assert wrong == ['nbs/16_bias.ipynb: its first code cell should install the course, alone']
    assert left == [] and same
