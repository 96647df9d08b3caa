"The package: what the wheel holds, where it works, what its modules export, how fast it starts"
import ast
import os
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from common import ROOT, copy_project, settings

FACTS = settings()
LIB = FACTS['lib_name']
SLOW_TO_IMPORT = {'torch', 'fastai', 'fastbook', 'matplotlib'}


def exported(path):
    "The names in a module's `__all__`, without importing it"
    for node in ast.parse(path.read_text(encoding='utf-8')).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == '__all__':
            return ast.literal_eval(node.value)
    return []


MODULES = {path.stem: exported(path) for path in sorted((ROOT/LIB).glob('[!_]*.py'))}


def run(*command, cwd):
    "A command that ended well, in an environment without Python's own variables"
    env = {key: value for key, value in os.environ.items() if not key.startswith('PYTHON')}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope='session')
def dist(tmp_path_factory):
    "The wheel and the sdist, built from a copy"
    folder = copy_project(tmp_path_factory.mktemp('build')/'project')
    done = run(sys.executable, '-m', 'build', cwd=folder)
    printed = done.stdout + done.stderr
    assert not re.search(r'(?i)warning|deprecat', printed), printed
    return folder/'dist'


def test_wheel_holds_the_package_only(dist):
    "Modules, the marker for type checkers, what the widgets need, and metadata"
    [wheel], [sdist] = dist.glob('*.whl'), dist.glob('*.tar.gz')
    release = f"{LIB}-{FACTS['version']}"
    assert wheel.name.startswith(release) and sdist.name.startswith(release)
    with zipfile.ZipFile(wheel) as z: names = z.namelist()
    modules = {f'{LIB}/{path.name}' for path in (ROOT/LIB).glob('*.py')}
    inside = {name for name in names if not name.startswith(f'{release}.dist-info/')}
    data = {f'{LIB}/{name}' for name in ('py.typed', 'bench.json', 'widgets.css', 'widgets.js')}
    assert inside == modules | data


TRY = f'''
import importlib, {LIB}, {LIB}.all
for name in {[*MODULES]}: importlib.import_module('{LIB}.'+name)
print({LIB}.__version__, {LIB}.__file__)
'''


def test_wheel_works_alone(dist, tmp_path):
    "Installed with pip in an empty environment, without the dev extra"
    folder, [wheel] = tmp_path/'venv', dist.glob('*.whl')
    pip = ['-m', 'pip', 'install', '--no-compile', '--quiet']
    try:
        run(sys.executable, '-m', 'venv', folder, cwd=tmp_path)
        run(folder/'bin/python', *pip, wheel, cwd=tmp_path)
        version, path = run(folder/'bin/python', '-c', TRY, cwd=tmp_path).stdout.split()
        assert version == FACTS['version'] and path.startswith(str(folder))
        assert 'Usage' in run(folder/'bin'/LIB, '--help', cwd=tmp_path).stdout
    finally: shutil.rmtree(folder, ignore_errors=True)


PROBE = '''
import importlib, inspect, sys
module = importlib.import_module(sys.argv[1])
for name in getattr(module, '__all__', []):
    o = getattr(module, name)
    ours = (inspect.isfunction(o) or inspect.isclass(o)) and o.__module__ == module.__name__
    if name.startswith('_') or not ours or not (o.__doc__ or '').strip(): print(name)
'''


@pytest.mark.parametrize('name', [name for name in MODULES if name != 'all'])
def test_module(name, python):
    "It imports alone, and exports documented functions and classes of its own, nothing else"
    assert python('-c', PROBE, f'{LIB}.{name}') == ''


def test_all_hands_on_the_public_names(python):
    "What any chapter exports is in the package's `all`"
    names = sorted({name for exports in MODULES.values() for name in exports})
    line = f'import {LIB}.all as a; print(*[n for n in {names} if not hasattr(a, n)])'
    assert python('-c', line).split() == []


COST = '''
import resource, sys
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, *sys.modules)
'''


@pytest.mark.parametrize('line, seconds', [
    (f'import {LIB}', 0.3), (f'from {LIB}.data import load_ratings', 1),
])
def test_starts_fast(line, seconds, python):
    "CPU seconds of a whole process, the best of three, and what it leaves alone"
    runs = [python('-c', line + COST).split() for _ in range(3)]
    assert SLOW_TO_IMPORT.isdisjoint(runs[0])
    assert min(float(run[0]) for run in runs) < seconds


def test_promises_of_speed(python):
    "At most 1/2, 1/12 and 1/400 of the CPU that an epoch takes with fastai's loader, each row once"
    printed = python('tools/bench.py', '--check')
    assert 'touched rows only' in printed
