"Run notebooks as a reader would, and save what they show or, with --check, compare it"
import argparse
import math
import os
import re
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import zip_longest
from pathlib import Path

import nbformat
from fastcore.nbio import write_nb
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from nbdev.clean import clean_nb
from nbdev.test import nb_test_cells
from traitlets.config import Config

from common import data_env, notebooks
from warm_kernels import ENV, WarmKernel

# Trained figures differ a little between processors and releases of PyTorch, by up to about 1%
RTOL = 1e-2
# ... and figures near zero by a few thousandths, which 1% of them would not cover
ATOL = 2e-3

SKIP = ['notest', 'slow']
CELL_SECONDS = 600

# A full stop at the end of a line ends a sentence, anywhere else `3.` is a float
NUMBER = re.compile(r'(?<![\w.])[-+]?(?:\d+\.\d+|\d+\.(?! *$)|\.\d+|\d+)(?:[eE][-+]?\d+)?', re.M)
ANSI = re.compile(r'\x1b\[[0-9;]*[A-Za-z]')


class RunError(Exception):
    "A notebook that did not run to its end"


def kernel_env(folder):
    "The environment of a kernel: ours, without the user's IPython profile"
    return {**os.environ, **data_env(), **ENV, 'IPYTHONDIR': f'{folder}/ipython'}


def kernel_config(folder):
    "Sockets in the file system, so that notebooks run side by side cannot meet on a port"
    return Config(KernelManager={'transport': 'ipc', 'ip': f'{folder}/kernel'})


def run(path, nb, warm=False):
    """Run `nb`, read from `path`, in an empty folder, leaving out what nbdev's tests leave out; if
    `warm`, in a kernel that has imported already what takes long"""
    chosen = {cell.id for cell in nb_test_cells(path, SKIP)}
    for cell in nb.cells:
        if cell.id not in chosen: cell.metadata.tags = ['skip-execution']
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(nb, timeout=CELL_SECONDS, kernel_name='python3',
                                record_timing=False, store_widget_state=False,
                                coalesce_streams=True, config=kernel_config(folder),
                                kernel_manager_class=WarmKernel if warm else AsyncKernelManager)
        work = Path(folder)/'work'
        work.mkdir()
        try: client.execute(cwd=str(work), env=kernel_env(folder))
        except CellExecutionError as e: raise RunError(failure(nb) or str(e)) from e
        except Exception as e: raise RunError(f'{type(e).__name__}: {e}') from e
    clean_nb(nb)


def failure(nb):
    "The cell that failed, the line in it, and the traceback's end"
    for cell in nb.cells:
        for out in cell.get('outputs', []):
            if out.output_type != 'error': continue
            trace = ANSI.sub('', '\n'.join(out.traceback))
            # frames of functions that other cells define are left out
            found = re.findall(rf'Cell In\[{cell.execution_count}\], line (\d+)', trace)
            line = int(found[-1]) if found else 1
            source = cell.source.splitlines()[line-1].strip()
            return f'cell {cell.id}, line {line}: {source}\n' + '\n'.join(trace.splitlines()[-12:])


def warned(nb):
    "The cells that wrote to stderr, with what they wrote"
    return [f'cell {cell.id} wrote to stderr:\n{out.text.rstrip()}' for cell in nb.cells
            for out in cell.get('outputs', []) if out.get('name') == 'stderr']


def shown(outputs):
    "What a cell shows: each kind and its text, None where only its presence counts"
    for out in outputs:
        if out.output_type == 'stream': yield out.name, out.text
        for mime, data in sorted(out.get('data', {}).items()):
            yield f'{out.output_type} {mime}', data if mime.startswith('text/') else None


def words(text):
    "`text` with its numbers cut out and its spacing, which depends on their widths, made even"
    text = re.sub(r'[ \t]+', ' ', NUMBER.sub('#', text))
    return [re.sub(r' ?# ?', '#', line).strip() for line in text.splitlines()]


def near(a, b):
    "Whole numbers must be equal, the others equal within the tolerance"
    whole = [re.fullmatch(r'[-+]?\d+', x) is not None for x in (a, b)]
    if all(whole): return int(a) == int(b)
    return not any(whole) and math.isclose(float(a), float(b), rel_tol=RTOL, abs_tol=ATOL)


def text_difference(saved, fresh):
    "The first difference between two texts, or None"
    for a, b in zip_longest(words(saved), words(fresh), fillvalue='(nothing)'):
        if a != b: return f'{a!r} is now {b!r}'
    for a, b in zip(NUMBER.findall(saved), NUMBER.findall(fresh), strict=True):
        if not near(a, b): return f'{a} is now {b}'


def difference(saved, fresh):
    "The first difference between two cells' outputs, or None"
    a, b = list(shown(saved)), list(shown(fresh))
    kinds = [[kind for kind, _ in c] for c in (a, b)]
    if kinds[0] != kinds[1]: return f'it showed {kinds[0]}, and now {kinds[1]}'
    for (kind, x), (_, y) in zip(a, b):
        found = text_difference(x, y) if x is not None else None
        if found: return f'{kind}: {found}'


def compare(path, fresh):
    "Where the outputs saved in `path` differ from the fresh ones, cells marked volatile aside"
    saved = {cell.id: cell for cell in nbformat.read(path, as_version=4).cells}
    def words(cell): return [*cell.directives, *cell.metadata.get('tags', [])]
    chosen = [cell for cell in nb_test_cells(path, SKIP) if 'volatile' not in words(cell)]
    now = {cell.id: cell for cell in fresh.cells}
    ids = [cell.id for cell in chosen]
    found = {i: difference(saved[i].outputs, now[i].outputs) for i in ids}
    return [f'cell {i}: {text}' for i, text in found.items() if text]


def process(path, check, warm=False):
    "Run one notebook; save it if all is well, or compare it; the problems found"
    nb = nbformat.read(path, as_version=4)
    try: run(path, nb, warm)
    except RunError as e: return [str(e)]
    problems = warned(nb)
    if check: return problems + compare(path, nb)
    if not problems: write_nb(nb, path)
    return problems


def timed(path, check):
    "Process one notebook and print how it went"
    start = time.perf_counter()
    problems = process(path, check)
    seconds = time.perf_counter() - start
    lines = [f'{path.name}: {problem}' for problem in problems]
    result = f"{path.name} {seconds:.1f}s {'FAILED' if problems else 'ok'}"
    print('\n'.join([result, *lines]), flush=True)
    return bool(problems)


def main():
    "Read the command line, run the notebooks, and fail if one of them fails"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('notebooks', nargs='*', type=Path, help='all in nbs/ when none is named')
    parser.add_argument('--check', action='store_true', help='compare, and change nothing')
    parser.add_argument('-j', '--jobs', type=int, default=2, help='how many to run at once')
    args = parser.parse_args()
    paths = args.notebooks or notebooks()[::-1] # the short ones are first: they fill the end
    with ThreadPoolExecutor(args.jobs) as pool:
        failed = sum(pool.map(lambda path: timed(path, args.check), paths))
    sys.exit(bool(failed))


if __name__ == '__main__': main()
