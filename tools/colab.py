"Run notebooks as Colab would: alone, with fastai and without nbdev, the course installed by them"
import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from common import copy_project, notebooks, repo_url, settings
from run_notebooks import CELL_SECONDS, ENV, failure, kernel_config, kernel_env

# What stands in for Colab: a module that is there before the first cell runs
STAND_IN = {'google/__init__.py': '', 'google/colab/__init__.py': '',
            'sitecustomize.py': 'import google.colab'}
# Without the course's requirements, which are for the notebook's first cell to bring
COLAB_HAS = ['fastai', 'ipykernel']
# The course comes from this notebook's own environment, and nbdev is in none
PROVE = '''
import importlib.util, sys, {lib}
assert {lib}.__file__.startswith(sys.prefix), {lib}.__file__
assert importlib.util.find_spec('nbdev') is None
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


def base(folder):
    "An environment with the newest fastai, which all notebooks read and none changes"
    run(sys.executable, '-m', 'venv', folder)
    run(folder/'bin/python', '-m', 'pip', 'install', '--quiet', '--no-compile', *COLAB_HAS)
    return folder


def alone(folder, under):
    "An environment of its own over that of `under`, and the kernel that runs in it"
    run(sys.executable, '-m', 'venv', '--without-pip', folder/'env')
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
    source = f"git+{repo_url(facts)}@{facts['branch']}"
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
    nb.cells.append(new_code_cell(PROVE.format(lib=facts['lib_name'])))
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
    parser.add_argument('notebooks', nargs='*', type=Path, help='all in nbs/ when none is named')
    parser.add_argument('-j', '--jobs', type=int, default=2, help='how many to run at once')
    args = parser.parse_args()
    paths, facts = args.notebooks or notebooks(), settings()
    with tempfile.TemporaryDirectory() as name, ThreadPoolExecutor(args.jobs) as pool:
        folder = Path(name).resolve()
        wheel, under = build(folder), base(folder/'base')
        failed = elsewhere(paths[0], facts, under)
        failed += sum(pool.map(lambda path: visit(path, facts, wheel, under), paths))
    sys.exit(bool(failed))


if __name__ == '__main__': main()
