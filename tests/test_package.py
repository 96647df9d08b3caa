"The package: what the wheel holds, what its modules export, its front door, how fast it starts"
import ast
import builtins
import tomllib
import zipfile

import pytest
from common import ROOT, settings

FACTS = settings()
LIB = FACTS['lib_name']
# The modules that were here in 0.1.0 and only say where their names went
OLD = ['recommend']


def assigned(path, name):
    "The value of a name in a module, without importing it; None where it has none"
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name: return node.value


def exported(path):
    "The names in a module's `__all__`"
    names = assigned(path, '__all__')
    return ast.literal_eval(names) if names else []


FILES = [path for path in sorted((ROOT/LIB).glob('[!_]*.py')) if path.stem not in OLD]
MODULES = {path.stem: exported(path) for path in FILES if path.stem != 'all'}
HOMES = ast.literal_eval(assigned(ROOT/LIB/'__init__.py', '_HOMES'))
CONTRACTS = tomllib.loads((ROOT/'pyproject.toml').read_text())['tool']['importlinter']['contracts']
[FREE] = [one for one in CONTRACTS if one['type'] == 'forbidden']
# Modules that train, which others import when they do
TRAIN = {f'{LIB}.{name}' for name in ('als', 'compiling', 'inner_loops', 'kernel', 'gibbs', 'features')}
COURSE = {*FREE['forbidden_modules'], 'fastbook'}


def test_wheel_holds_the_package_only(dist):
    "Modules, stubs, the marker for type checkers, what the widgets need, and metadata"
    [wheel], [sdist] = dist.glob('*.whl'), dist.glob('*.tar.gz')
    release = f"{LIB}-{FACTS['version']}"
    assert wheel.name.startswith(release) and sdist.name.startswith(release)
    with zipfile.ZipFile(wheel) as z: names = z.namelist()
    inside = {name for name in names if not name.startswith(f'{release}.dist-info/')}
    folders = ROOT/LIB, ROOT/LIB/'checks'
    assert inside == {path.relative_to(ROOT).as_posix() for one in folders for path in one.iterdir() if path.is_file()}


PROBE = '''
import fastai.collab, numba, pandas, torch # which are not ours, once for all
import importlib, inspect, os, sys
for name in sys.argv[1:]:
    child = os.fork()
    if child:
        if os.waitpid(child, 0)[1]: sys.exit(f'{name} does not import alone')
        continue
    module = importlib.import_module(name)
    for name in getattr(module, '__all__', []):
        o = getattr(module, name)
        o = getattr(o, 'callback', o) # a click command's function
        ours = (inspect.isfunction(o) or inspect.isclass(o)) and o.__module__ == module.__name__
        if name.startswith('_') or not ours or not (o.__doc__ or '').strip(): print(name)
    sys.stdout.flush()
    os._exit(0)
'''


def test_modules(python):
    "Each imports alone, and exports documented functions and classes of its own, nothing else"
    assert python('-W', 'ignore', '-c', PROBE, *(f'{LIB}.{name}' for name in MODULES)) == ''


def test_no_name_is_exported_twice():
    "So that the order of imports does not matter"
    names = [name for exports in MODULES.values() for name in exports]
    assert sorted(names) == sorted(set(names))


def test_all_hands_on_the_public_names(python):
    "What any chapter exports is in the package's `all`, the command line's entry points aside"
    names = sorted({name for exports in MODULES.values() for name in exports} - {*MODULES['app']})
    script = f'import {LIB}.all as a\nfor n in {names}: assert hasattr(a, n), n\nprint(*dir(a))'
    handed_on = {name for name in python('-c', script).split() if name[0] != '_'}
    assert handed_on.isdisjoint({*dir(builtins), *MODULES['app']})


FRONT = f'''
import importlib, sys
import {LIB} as package
for name in sys.argv[1:]: importlib.import_module('{LIB}.' + name)
for name, home in package._HOMES.items():
    value = getattr(package, name)
    assert callable(value) and value.__module__ == '{LIB}.' + home, name
    assert getattr(importlib.import_module('{LIB}.' + home), name) is value, name
assert {{*package.__all__}} == {{*package._HOMES}} <= {{*dir(package)}}
from {LIB} import *
assert evaluate is package.evaluate
try: package.nothing
except AttributeError as e: print(e)
'''


def test_front_door(python):
    "Each name leads to its module's own, also when every module has been imported before"
    for modules in [], [*MODULES, 'all']:
        assert "has no attribute 'nothing'" in python('-c', FRONT, *modules)
    assert set(HOMES).isdisjoint(MODULES), 'a module would hide a name of the package'


def test_stub_says_what_the_front_door_says():
    "Name by name, module by module"
    nodes = ast.parse((ROOT/LIB/'__init__.pyi').read_text(encoding='utf-8')).body
    said = {alias.asname: node.module for node in nodes if isinstance(node, ast.ImportFrom)
            for alias in node.names}
    assert said == {name: f'{LIB}.{home}' for name, home in HOMES.items()}


def test_command_line_without_a_command(python):
    "`python -m collab_course`"
    assert 'Usage' in python('-m', LIB, '--help')
    assert 'train' in python('-m', LIB, 'train', '--help')


@pytest.mark.parametrize('name', OLD)
def test_old_module_names_the_new_ones(name, python):
    "It fails, and the error says where its names went"
    said = python('-c', f'try: import {LIB}.{name}\nexcept ImportError as e: print(e)')
    assert f'{LIB}.recommender' in said and 'from_0_1.html' in said


IMPORTED = '''
import sys, time
start = time.process_time()
{}
print(time.process_time() - start, *sys.modules)
'''


@pytest.mark.parametrize('line, share', [
    (f'import {LIB}', .1), (f'from {LIB} import load', 2), (f'from {LIB} import load_ratings', 2),
])
def test_starts_fast(line, share, python):
    "CPU time of the import as a share of pandas' own, the best of three; what it leaves alone"
    ours, pandas = [[python('-c', IMPORTED.format(o)).split() for _ in range(3)] for o in (line, 'import pandas')]
    assert COURSE.isdisjoint(ours[0]) and 'numba' not in ours[0]
    assert min(float(run[0]) for run in ours) < share*min(float(run[0]) for run in pandas)


@pytest.mark.parametrize('name', FREE['source_modules'])
def test_the_library_does_without_pytorch(name, python):
    "A module of the library imports neither PyTorch nor its company; numba only where it trains"
    loaded = python('-c', IMPORTED.format(f'import {name}')).split()
    if name in TRAIN: assert COURSE.isdisjoint({*loaded} - {'scipy'}) # which numba asks for
    else: assert COURSE.isdisjoint(loaded) and 'numba' not in loaded


def test_all_models_are_of_the_library():
    "What the package hands on does without PyTorch"
    assert {f'{LIB}.{home}' for home in HOMES.values()} <= {*FREE['source_modules']}
