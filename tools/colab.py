"Run learner notebooks as Colab would: alone, with what Colab has, the course installed by them"
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from packaging.requirements import Requirement

from common import DOCS, copy_project, notebooks, repo_url, settings
from run_notebooks import CELL_SECONDS, ENV, failure, kernel_config, kernel_env

# What stands in for Colab: a module that is there before the first cell runs
STAND_IN = {'google/__init__.py': '', 'google/colab/__init__.py': '',
            'sitecustomize.py': 'import google.colab'}
# What Colab has, a release a line, and its Python
VERSIONS = Path(__file__).with_name('colab_versions.txt')
COLAB_PYTHON = 'python3.13'
# PyTorch, and what each release of it wants in another release
TORCH = ['torch', 'torchvision', 'setuptools']
# A Colab kernel has these loaded before the first cell, which installs: what it replaces breaks
LOADED = '''
import numpy, pandas
def _releases():
    from importlib.metadata import distributions
    return {(one.name, one.version) for one in distributions()}
_had_before = _releases()
'''
# The course comes from this notebook's own environment, it and, where asked for, fastbook alone
# are new, and nbdev is in none
PROVE = '''
import importlib.util, sys, {lib}
assert {lib}.__file__.startswith(sys.prefix), {lib}.__file__
assert importlib.util.find_spec('nbdev') is None
_new = {{one for one in _releases() - _had_before if one[0] != 'fastbook'}}
assert _new == {{('{lib}', '{version}')}} and _had_before <= _releases(), _new
'''
ABSENT = '''
import importlib.util, sys
assert 'google.colab' not in sys.modules
assert importlib.util.find_spec('{lib}') is None, 'installed outside Colab'
'''


def run(*command, cwd=None):
    "A command that ended well"
    env = {key: value for key, value in os.environ.items() if not key.startswith('PYTHON')}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode: sys.exit(done.stdout[-2000:] + done.stderr[-2000:])


def build(folder):
    "The wheel of this checkout"
    project = copy_project(folder/'project')
    run(sys.executable, '-m', 'build', '--wheel', '--outdir', folder/'dist', cwd=project)
    [wheel] = (folder/'dist').glob('*.whl')
    return wheel


def packages(env):
    "An environment's site-packages"
    return next(env.glob('lib/python*/site-packages'))


def colab_python():
    "The Python that Colab has where there is one, or this one; its name is printed"
    found = shutil.which(COLAB_PYTHON)
    there = found and not subprocess.run([found, '--version'], capture_output=True).returncode
    return found if there else sys.executable


def pinned():
    "The lines of the list, and the releases of PyTorch among them"
    lines = VERSIONS.read_text(encoding='utf-8').splitlines()
    lines = [line for line in lines if line and not line.startswith('#')]
    torch = [line for line in lines if line.partition('==')[0] in TORCH]
    return [line for line in lines if line not in torch], torch


def plain(name):
    "A package's name as all spell it"
    return re.sub('[-_.]+', '-', name).lower()


def needs(names, leave):
    "The packages here that `names` stand for, and all that they need, those in `leave` aside"
    found, left = {}, [*map(Requirement, names)]
    def asked(one, extra): return not one.marker or one.marker.evaluate({'extra': extra})
    while left:
        wanted = left.pop()
        name, extras = plain(wanted.name), tuple(sorted(wanted.extras)) or ('',)
        if name in leave or (name, extras) in found: continue
        try: found[name, extras] = one = distribution(name)
        except PackageNotFoundError: continue
        for line in map(Requirement, one.requires or []):
            if any(asked(line, extra) for extra in extras): left.append(line)
    return list({one.name: one for one in found.values()}.values())


def lend(folder, names, leave=()):
    "Links from `folder` to packages of this environment, and to what they need"
    for one in needs(names, leave):
        for name in {path.parts[0] for path in one.files} - {'..', '__pycache__'}:
            link = folder/name
            if not link.exists(): link.symlink_to(one.locate_file(name))


def base(folder, python, here):
    "An environment with what Colab has, which all notebooks read and none changes"
    releases, torch = pinned()
    run(python, '-m', 'venv', folder)
    pip = [folder/'bin/python', '-m', 'pip', 'install', '--quiet', '--no-compile']
    if not here: run(*pip, *torch)
    run(*pip, '--no-deps', *releases)
    if here: lend(packages(folder), TORCH, {plain(line.partition('==')[0]) for line in releases})
    print(f"{python} {'with the PyTorch that is here' if here else ' '.join(torch)}", flush=True)
    return folder


def alone(folder, under):
    "An environment of its own over that of `under`, and the kernel that runs in it"
    run(under/'bin/python', '-m', 'venv', '--without-pip', folder/'env')
    (packages(folder/'env')/'base.pth').write_text(f'{packages(under)}\n', encoding='utf-8')
    spec = folder/'jupyter/kernels/python3/kernel.json'
    spec.parent.mkdir(parents=True)
    argv = [f'{folder}/env/bin/python', '-m', 'ipykernel_launcher', '-f', '{connection_file}']
    spec.write_text(json.dumps({'argv': argv, 'display_name': 'Python 3', 'language': 'python'}),
                    encoding='utf-8')
    return spec


def stand_in(folder):
    "Write the module that only Colab has; the folder to put on the path"
    for name, text in STAND_IN.items():
        path = folder/'colab'/name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')
    return folder/'colab'


def resolve(nb, facts, wheel):
    "Let the first code cell install the wheel instead of what is on GitHub"
    first = next(cell for cell in nb.cells if cell.cell_type == 'code')
    source = f"git+{repo_url(facts)}@v{facts['version']}"
    if first.source.count(source) != 1: return f'its first code cell does not install {source}'
    first.source = first.source.replace(source, wheel.as_uri())


def execute(nb, folder, under, colab):
    "Run all cells in an empty folder, whatever their directives say; what went wrong, or None"
    spec, work = alone(folder, under), folder/'content'
    work.mkdir()
    env = {**kernel_env(folder), **ENV, 'HOME': str(folder),
           'PATH': f"{folder}/env/bin:{os.environ['PATH']}", 'PYTHONPATH': ''}
    if colab: env |= {'PYTHONPATH': str(stand_in(folder)), 'COLAB_RELEASE_TAG': 'stand-in'}
    client = NotebookClient(nb, timeout=CELL_SECONDS, kernel_name='python3',
                            config=kernel_config(folder))
    client.create_kernel_manager()
    client.km.kernel_spec_manager.kernel_dirs = [str(spec.parents[1])]
    try: client.execute(cwd=str(work), env=env)
    except Exception as e: return failure(nb) or f'{type(e).__name__}: {e}'


def visit(path, facts, wheel, under):
    "Run one notebook as a reader in Colab would; its name, the seconds, what went wrong"
    start, nb = time.perf_counter(), nbformat.read(path, 4)
    problem = resolve(nb, facts, wheel)
    prove = PROVE.format(lib=facts['lib_name'], version=facts['version'])
    nb.cells = [new_code_cell(LOADED), *nb.cells, new_code_cell(prove)]
    with tempfile.TemporaryDirectory() as folder:
        problem = problem or execute(nb, Path(folder).resolve(), under, colab=True)
    took = f'{path.name} {time.perf_counter()-start:.1f}s'
    print(f'{took} FAILED\n{problem}' if problem else f'{took} ok', flush=True)
    return bool(problem)


def elsewhere(path, facts, under):
    "Whether a notebook's first code cell installs anything where there is no Colab"
    nb = nbformat.read(path, 4)
    first = next(cell for cell in nb.cells if cell.cell_type == 'code')
    nb.cells = [first, new_code_cell(ABSENT.format(lib=facts['lib_name']))]
    with tempfile.TemporaryDirectory() as folder:
        problem = execute(nb, Path(folder).resolve(), under, colab=False)
    print(problem or f'{path.name} installs nothing elsewhere', flush=True)
    return bool(problem)


def main():
    "Read the command line, make what all share, run the notebooks"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('notebooks', nargs='*', type=Path, help='all when none is named')
    parser.add_argument('-j', '--jobs', type=int, default=2, help='how many to run at once')
    parser.add_argument('--python', default=colab_python(), help='one like that of Colab')
    parser.add_argument('--here', action='store_true',
                        help="quick: this Python, and its PyTorch in the place of Colab's")
    args = parser.parse_args()
    paths, facts = args.notebooks or notebooks(DOCS/'notebooks'), settings()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(args.jobs) as pool:
        folder, python = Path(name).resolve(), sys.executable if args.here else args.python
        wheel, under = build(folder), base(folder/'base', python, args.here)
        failed = elsewhere(paths[0], facts, under)
        failed += sum(pool.map(lambda path: visit(path, facts, wheel, under), paths))
    sys.exit(bool(failed))


if __name__ == '__main__': main()
