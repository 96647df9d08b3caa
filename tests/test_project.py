"Modules, notebooks, facts and files agree with each other; the wheel works as it is published"
import os
import re
import shutil
import subprocess
import sys

import check_flow
import facts
import nbformat
import pytest
import yaml
from colab import lend, packages
from common import (BUGS, BUGS_NAME, NBS, PATH, PATH_NAME, ROOT, SEED_MAP, changed, notebooks, parts, project_files, reading_order, settings,
                    snapshot)
from conftest import PROJECT, clean_run
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
    ('min_python', '3.99', 'settings.ini'), ('min_python', '3.99', 'CONTRIBUTING.md'),
    ('install', '{lib_name}', '91_library.ipynb'), ('install', '{lib_name}', '16_bias.ipynb'),
    ('python_versions', '3.11 3.99', 'test.yml'), ('pandas_lines', '2.2 3.99', 'test.yml'),
    ('pandas_lines', '2.3 3.0', 'settings.ini'), ('version', '9.9', '16_bias.ipynb'),
])
def test_a_changed_fact_is_noticed(key, value, place):
    "The places that --write does not change, too"
    assert any(text.startswith((place, '.github')) or place in text
               for text in facts.problems({**settings(), key: value}))


def test_layers_follow_the_numbers(project, monkeypatch):
    "import-linter's list of modules is that of the notebooks, the last first"
    monkeypatch.setattr(facts, 'ROOT', project)
    path = project/'pyproject.toml'
    text = path.read_text(encoding='utf-8')
    first, second = re.search(r'(?m)^layers = \[\n(.*\n)(.*\n)', text).groups()
    path.write_text(text.replace(first + second, second + first), encoding='utf-8')
    assert any(one.startswith('pyproject.toml') for one in facts.problems(settings()))
    facts.write(settings())
    assert path.read_text(encoding='utf-8') == text


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
    "However they are written; a page that makes nothing may import what any page makes"
    folder = lessons(_00_early=['#| default_exp early', f'#| export\n{line}'],
                     _01_late=['#| default_exp late', 'from pack.early import y'],
                     _00_measures=['from pack import __version__, late', 'import pack.all'],
                     index=['from pack.all import *'])
    [problem] = check_flow.problems(folder, 'pack')
    assert problem.startswith('00_early.ipynb: pack.')


def test_imports_of_nothing_are_found(lessons):
    "Of what no page makes"
    [problem] = check_flow.problems(lessons(_00_measures=['from pack.gone import x']), 'pack')
    assert problem == '00_measures.ipynb: pack.gone is made later, if at all'


def test_front_door_counts_as_its_module(lessons, monkeypatch):
    "`from pack import Late` imports pack.late"
    monkeypatch.setattr(check_flow, 'front_door', lambda package: {'Late': 'late'})
    folder = lessons(_00_early=['#| default_exp early', 'from pack import Late'],
                     _01_late=['#| default_exp late'])
    [problem] = check_flow.problems(folder, 'pack')
    assert problem == '00_early.ipynb: pack.late is made later, if at all'


@pytest.mark.parametrize('line, fine', [
    ('from pack.early import _x', False), ('from .early import y, _x as x', False),
    ('import pack.early as e\ne._x()', False), ('from pack import early\nearly._x', False),
    ('import pack.early\npack.early._x', False), ('from pack import __version__', True),
    ('from pack.early import Early\nEarly()._x', True), ('from os import _exit', True),
])
def test_private_names_stay_at_home(line, fine):
    "However they are borrowed; what a class keeps for its subclasses is no module's private name"
    trees = {'late.py': [check_flow.ast.parse(line)]}
    assert (list(check_flow.private(trees, 'pack')) == []) is fine


@pytest.mark.parametrize('text, problem', [
    ('x = 1\n'*450, None), ('x = 1\n'*451, '451 lines'), ('def f():\n' + '    1\n'*24, None),
    ('class A:\n    def f(self):\n' + '        1\n'*25, 'f has 26 lines'), ('#'*100, None),
    ('#'*101, 'line 1: 101'), (f'"""{"a"*200}"""\n__all__ = ["{"a"*100}"]', None),
])
def test_long_pieces_are_found(tmp_path, text, problem):
    "Modules, functions, lines; the two lines that nbdev writes may be as long as it likes"
    path = tmp_path/'one.py'
    path.write_text(text)
    found = list(check_flow.long(path))
    assert found == [] if problem is None else len(found) == 1 and problem in found[0]


LINT = 'lint-imports', '--no-cache', '--no-logo'


def test_layers_and_walls(python): assert 'KEPT' in python(*LINT[1:], command=LINT[0])


@pytest.mark.parametrize('module, line, says', [
    ('ratings', 'import torch', 'The library does without PyTorch BROKEN'),
    ('ratings', 'from collab_course.bias import DotProductBias', 'has a lower number BROKEN'),
    ('extra', '', 'has a lower number'),
])
def test_walls_hold(project, module, line, says):
    "An import that goes against them, or a module without a number, is found"
    with open(project/f'collab_course/{module}.py', 'a', encoding='utf-8') as file:
        file.write(f'\ndef _inside():\n    {line or "pass"}\n')
    command = [shutil.which(LINT[0], path=os.path.dirname(sys.executable)), *LINT[1:]]
    env = {**os.environ, 'PYTHONPATH': str(project)}
    done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True)
    assert done.returncode and says in re.sub(r'\s+', ' ', done.stdout), done.stdout


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


def test_every_page_has_its_part():
    "Numbers of two digits, the core path, then part by part, the ground floor last; the seed map is in none"
    named = dict(parts(NBS))
    assert all(re.match(r'\d\d[a-h]?_\w+$', path.stem) for path in notebooks() if path.name[0].isdigit())
    assert [name for name in named if name][-1] == 'Ground floor'
    listed = [path for _, paths in parts(NBS) for path in paths]
    assert sorted(path.name for path in listed) == sorted(path.name for path in notebooks() if path.stem != SEED_MAP)
    assert [path.stem for path in named[PATH_NAME]] == PATH and reading_order()[:-1] == listed
    assert named[BUGS_NAME] == sorted((NBS/BUGS).glob('*.ipynb')) and len(named[BUGS_NAME]) == 8
    assert all(check_flow.module_of(check_flow.code_cells(path)) is None for path in named[BUGS_NAME])


def imported(path):
    "The packages that a file of tests imports"
    nodes = [*check_flow.ast.walk(check_flow.ast.parse(path.read_text(encoding='utf-8')))]
    names = {alias.name for node in nodes if isinstance(node, check_flow.ast.Import)
             for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, check_flow.ast.ImportFrom)}
    return {name.partition('.')[0] for name in names}


def test_library_tests_need_only_what_the_extra_test_brings():
    "Every test that `make library` runs, and what all tests share"
    facts = settings()
    listed = f"{facts['requirements']} {facts['test_requirements']}"
    brought = {name.replace('-', '_') for name in re.findall(r'(?:^| )([\w-]+)', listed)}
    brought |= {facts['lib_name'], 'sklearn', 'fastcore', 'common', 'lists', 'made', *sys.stdlib_module_names}
    files = [*(ROOT/'tests').glob('*.py')]
    for path in files:
        if path.name in PROJECT: continue
        assert imported(path) <= brought | {one.stem for one in files}, path.name


def test_workflows():
    "Docs are published after the tests; all that is declared runs the library's tests"
    folder = ROOT/'.github/workflows'
    test, docs = (yaml.safe_load((folder/f'{name}.yml').read_text()) for name in ('test', 'docs'))
    assert test['jobs']['library']['strategy']['matrix']['python'] == settings()['python_versions'].split()
    besides = [one['with'] for one in test['jobs']['library']['strategy']['matrix']['include']]
    lines = [f'pandas=={line}.*' for line in settings()['pandas_lines'].split()]
    assert besides == ['lowest', *lines]
    assert docs[True]['workflow_run']['workflows'] == [test['name']] # YAML reads `on` as true
    assert "conclusion == 'success'" in docs['jobs']['publish']['if']


def test_actions_are_pinned():
    "By commit, which nobody can move as one can a tag; the release is said beside it"
    files = [*(ROOT/'.github/workflows').glob('*.yml')]
    used = [line for path in files for line in path.read_text().splitlines() if 'uses:' in line]
    pinned = re.compile(r' uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$')
    assert used and [line for line in used if not pinned.search(line)] == []


LIBRARY = 'make --no-print-directory --dry-run library VENV=environment'.split()


def library(with_):
    "What `make library WITH=...` would run"
    command = [*LIBRARY, f'PYTHON={sys.executable}', f'WITH={with_}']
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_library_with_other_releases():
    "An environment for each; `lowest` stands for every lower bound, declared for the tests, too"
    folders = [re.search(r'(\S+)/bin/python -m pytest --library', library(one))[1]
               for one in ('', 'lowest', 'pandas==3.0.*', 'pandas==3.1.*')]
    assert len({*folders}) == 4 and all(one.startswith('environment-library-') for one in folders)
    facts, printed = settings(), library('lowest')
    for name in f"{facts['requirements']} {facts['test_requirements']}".split():
        assert f"'{name.replace('>=', '==')}'" in printed
    assert "'pandas==3.0.*' 'numpy==2.1.*'" in library('pandas==3.0.* numpy==2.1.*')
    assert '==' not in library('')


def test_hooks(project):
    "pre-commit's cleaning and exporting leave a clean project as it is; git knows notebooks"
    lines = (ROOT/'.gitattributes').read_text().splitlines()
    assert {'*.ipynb merge=jupyternotebook', '*.ipynb diff=jupyternotebook'} <= {*lines}
    hooks = yaml.safe_load((ROOT/'.pre-commit-config.yaml').read_text())['repos'][0]['hooks']
    for hook in hooks:
        program = hook['entry'].split()[0]
        assert shutil.which(os.path.basename(program), path=os.path.dirname(sys.executable)), program
    assert [hook['id'] for hook in hooks] == ['nbdev-clean', 'nbdev-export', 'facts']


TRY = '''
import importlib, pathlib, {lib}
for path in pathlib.Path({lib}.__file__).parent.glob('[!_]*.py'):
    if path.stem not in {old}: importlib.import_module('{lib}.' + path.stem)
print({lib}.__version__, {lib}.__file__)
'''


def test_wheel_works_alone(wheel, tmp_path):
    "In an environment with what it requires and no more; the packages are those that are here"
    facts, folder = settings(), tmp_path/'venv'
    pip = [folder/'bin/python', '-m', 'pip']
    try:
        clean_run(sys.executable, '-m', 'venv', folder, cwd=tmp_path)
        clean_run(*pip, 'install', '--no-deps', '--quiet', wheel, cwd=tmp_path)
        with pytest.raises(AssertionError, match="requires"): clean_run(*pip, 'check', cwd=tmp_path)
        lend(packages(folder), facts['requirements'].split())
        clean_run(*pip, 'check', cwd=tmp_path)
        assert 'nbdev' not in clean_run(*pip, 'list', cwd=tmp_path).stdout.split()
        script = TRY.format(lib=facts['lib_name'], old=['recommend'])
        version, path = clean_run(folder/'bin/python', '-c', script, cwd=tmp_path).stdout.split()
        assert version == facts['version'] and path.startswith(str(folder))
        assert 'Usage' in clean_run(folder/'bin'/facts['lib_name'], '--help', cwd=tmp_path).stdout
    finally: shutil.rmtree(folder, ignore_errors=True)


def test_promises_of_speed(python):
    "At most 1/2, 1/12 and 1/400 of the CPU that an epoch takes with fastai's loader, each row once"
    printed = python('bench/bench.py', '--check')
    assert 'touched rows only' in printed
