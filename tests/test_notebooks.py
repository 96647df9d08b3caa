"Every notebook runs, and shows what it showed when it was saved; the comparison itself can tell"
import json
import sys
import time
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from common import DOCS, notebooks
from nbformat.v4 import new_code_cell, new_notebook, new_output
from run_notebooks import difference, process


def training(path):
    "How often a notebook trains, which is what takes long"
    return path.read_text(encoding='utf-8').count('fit')


LONGEST_FIRST = sorted(notebooks(), key=training, reverse=True)


@pytest.mark.parametrize('path', LONGEST_FIRST, ids=lambda path: path.stem)
def test_notebook(path):
    "Fresh outputs equal the saved ones; what takes long to import is there already"
    problems = process(path, check=True, warm=sys.platform == 'linux')
    assert not problems, '\n'.join(problems)


@pytest.mark.parametrize('name', ['10_movielens', '14_dot_product', '16_bias'])
def test_learner_notebook(name):
    "Some of the core path: without checks and hidden cells, they run, and show what the pages show"
    problems = process(DOCS/f'notebooks/{name}.ipynb', check=True)
    assert not problems, '\n'.join(problems)


def text(shown): return [new_output('execute_result', {'text/plain': shown})]

def display(mime, shown): return [new_output('display_data', {mime: shown})]

def stream(shown): return [new_output('stream', text=shown)]


@pytest.mark.parametrize('saved, fresh', [
    ('loss 0.812', 'loss 0.8125'),
    ('tensor([[ 0.001, -0.11]])', 'tensor([[-0.0004,  -0.1101]])'),
    ('in 5 of 100,000.', 'in 5 of 100,000.'),
    ('nan', 'nan'),
])
def test_same(saved, fresh):
    "Numbers within the tolerance, however wide they are printed"
    assert difference(text(saved), text(fresh)) is None


@pytest.mark.parametrize('saved, fresh', [
    (text('loss 0.812'), text('loss 0.846')),
    (text('24 rows'), text('25 rows')),
    (text('in 80000.'), text('in 80001.')),
    (text('3'), text('3.001')),
    (text('1.0 2.0'), text('1.0')),
    (text('Fargo 4.1'), text('Alien 4.1')),
    (text('a\nb'), text('a')),
    (text('0.5'), text('nan')),
    (text('a'), stream('a')),
    (text('a'), []),
    ([], stream('a')),
    (text('a'), display('image/png', '')),
    (display('text/html', '<td>1</td>'), display('text/html', '<td>2</td>')),
])
def test_different(saved, fresh):
    "Other words, whole numbers, numbers beyond the tolerance, and other kinds of output"
    assert difference(saved, fresh)


def test_pictures_by_presence():
    "Two pictures of one kind are the same"
    assert difference(display('image/png', 'one'), display('image/png', 'two')) is None


@pytest.fixture
def save(tmp_path):
    "Write a notebook of code cells"
    def write(*sources, outputs=()):
        cells = [new_code_cell(source, id=f'cell{i}') for i, source in enumerate(sources)]
        for cell, shown in zip(cells, outputs): cell.outputs = deepcopy(shown)
        nbformat.write(new_notebook(cells=cells, nbformat_minor=5), tmp_path/'lesson.ipynb')
        return tmp_path/'lesson.ipynb'
    return write


def test_a_fault_in_another_cells_function(save):
    "Its line number is not one of the cell that called it"
    path = save('def far():\n' + '    x = 1\n'*9 + '    raise OSError("gone")', 'x = 1\nfar()')
    [found] = process(path, check=True)
    assert 'cell1, line 2: far()' in found and 'OSError: gone' in found


def test_wrong_output_is_found(save):
    "A number changed by hand"
    path = save('print(6*7)', '1/4', outputs=[stream('42\n'), text('0.35')])
    assert process(path, check=True) == ["cell cell1: execute_result text/plain: 0.35 is now 0.25"]


def test_failing_cell_is_named(save):
    "The cell, the line, the end of the traceback"
    [problem] = process(save('x = 1', 'y = 2\nx/0'), check=False)
    assert problem.startswith('cell cell1, line 2: x/0\n')
    assert problem.endswith('ZeroDivisionError: division by zero')


@pytest.mark.skipif(sys.platform != 'linux', reason='kernels are forked on Linux alone')
def test_a_warm_kernel_is_like_any_other(save, tmp_path):
    "PyTorch is there, fastai and the course are not; the folder is empty; a failure is named, and nothing is left behind"
    said = tmp_path/'said'
    path = save('import json, os, sys', f"""there = [name in sys.modules for name in ('torch', 'fastai', 'collab_course')]
with open({str(said)!r}, 'w') as f: json.dump([os.getpid(), os.listdir(), there], f)""", 'open("x", "w").close()', '1/0')
    for _ in range(2):
        [problem] = process(path, check=False, warm=True)
        assert problem.startswith('cell cell3, line 1: 1/0\n') and problem.endswith('ZeroDivisionError: division by zero')
        pid, files, there = json.loads(said.read_text())
        assert files == [] and there == [True, False, False]
        end = time.monotonic() + 60
        while Path(f'/proc/{pid}').exists(): assert time.monotonic() < end and not time.sleep(.05)


def test_warning_is_a_failure(save):
    "What a reader should not see"
    [problem] = process(save('import warnings; warnings.warn("mind the gap")'), check=False)
    assert 'cell cell0 wrote to stderr' in problem and 'mind the gap' in problem


def test_flags_are_honoured(save):
    "Cells that are not run, and one that is run but not compared"
    skipped = [f'#| {flag}\n1/0' for flag in ('eval: false', 'notest', 'slow')]
    assert process(save(*skipped, '#| volatile\nprint(id([]))'), check=True) == []


def test_saving_twice_gives_the_same_bytes(save, python):
    "... which nbdev-clean leaves alone, and which the check accepts"
    path = save('import os; os.listdir()', 'object()', 'print("\\r".join("ab"))')
    assert process(path, check=False) == []
    once = path.read_bytes()
    assert process(path, check=False) == []
    python('--fname', str(path), command='nbdev-clean')
    assert path.read_bytes() == once and b'"[]"' in once
    assert process(path, check=True) == []
