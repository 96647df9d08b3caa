"""The training cells of the course's pages, on a machine with a GPU that is not there

Each page runs as it is, in its order, with two things left out: an epoch is one batch (`lr_find`
looks at fifteen) of 4,096 rows at most, and what only checks a figure is skipped, since figures
come out otherwise then.
With fastai's default device the GPU, everything else has to run to its end. With `device=` named
in every call that makes loaders, what trains has to; sums of a page's own, written for the CPU,
may want a `.cpu()` and then stop.
"""
import ast
import json
import sys
import traceback
import types
import warnings
from itertools import islice

import matplotlib
import pytest
from collab_course import loaders
from common import NBS
from fastai.callback import schedule # noqa: F401: gives `Learner` its `lr_find`
from fastai.data.load import DataLoader
from fastai.learner import Learner
from fastai.tabular.core import TabWeightedDL
from fastai.torch_core import default_device
from pretended import CPU, full, pretend

GPU = 'mps:0'
FIRST, LAST = '13', '34'
PAGES = [path for path in sorted(NBS.glob('*.ipynb')) if FIRST <= path.name[:2] <= LAST]
PAGES = [path for path in [*PAGES, NBS/'90_tour.ipynb'] if 'fit' in path.read_text('utf-8')]
# Four train in compiled loops alone, on arrays or by `fit_fast`; one takes a minute for networks
# that page 24 trains as well
LEFT_OUT = '21_film_map', '22_stability', '31_kernel', '34_millions', '25_network_or_product'
PAGES = [path for path in PAGES if path.stem not in LEFT_OUT]
# Many models, all trained as on other pages: once is enough
MANY = '15_train', '15_trials', '17_weight_decay', '33_speed', '34_accuracy', '34_millions'
CASES = [(path, named) for named in (False, True) for path in PAGES
         if not (named and path.stem in MANY)]
TRAINING = {'fit_loop', 'fit_losses', 'fit_together', 'fit_by_hand', 'fit_fast', 'mse_of', 'fit',
            'tour_one', 'get_preds', 'validate', 'collab_loaders', 'copy_weights'}
CHECKS = 'test_eq', 'test_close', 'test_ne', 'expect_fail'


def code_cells(path):
    "Sources of the cells that a reader runs, without lines for nbdev and IPython"
    for cell in json.loads(path.read_text('utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] != 'code' or '#| eval: false' in source: continue
        yield cell['id'], source


def only_checks(statement):
    "An assertion, a test, an error that is expected, or a loop over such"
    if isinstance(statement, ast.For): return all(map(only_checks, statement.body))
    names = {getattr(o.func, 'id', None) for o in ast.walk(statement) if isinstance(o, ast.Call)}
    return isinstance(statement, ast.Assert) or isinstance(statement, (ast.Expr, ast.With)) and (
        not names.isdisjoint(CHECKS))


def trains(error):
    "Was it raised inside of a function that trains or measures?"
    return not TRAINING.isdisjoint(f.name for f in traceback.extract_tb(error.__traceback__))


def run(path, namespace, may_stop=False):
    "Run a page's cells, statement by statement; how many ran, and how many stopped"
    done = stopped = 0
    for i, source in code_cells(path):
        for statement in ast.parse(source).body:
            if only_checks(statement): continue
            try: exec(compile(ast.Module([statement], []), f'{path.stem} {i}', 'exec'), namespace)
            except Exception as e:
                if not may_stop or trains(e): raise
                stopped += 1
            done += 1
    return done, stopped


class Short:
    "Ends an epoch after its first batch, and `lr_find` after fifteen"
    def __init__(self, patch):
        self.batches, find = 1, Learner.lr_find
        def lr_find(learn, **settings):
            self.batches = 15
            try: return find(learn, num_it=15, **settings)
            finally: self.batches = 1
        patch.setattr(Learner, 'lr_find', lr_find)
        validate = Learner._do_epoch_validate
        def briefly(learn, ds_idx=1, dl=None): # within a fit no loader is named
            validate(learn, ds_idx, [*islice(learn.dls[ds_idx], 1)] if dl is None else dl)
        patch.setattr(Learner, '_do_epoch_validate', briefly)
        for kind in (DataLoader, TabWeightedDL):
            patch.setattr(kind, 'get_idxs', self.rows(kind.get_idxs))
        patch.setattr(loaders.TensorDL, '__iter__', self.first(loaders.TensorDL.__iter__))

    def rows(self, get_idxs):
        def first(dl):
            rows = get_idxs(dl)
            return rows[:self.batches*dl.bs] if dl.shuffle else rows
        return first

    def first(self, batches): # of a kind with another `get_idxs`, too
        return lambda dl: islice(batches(dl), self.batches if dl.shuffle else None)


def other_loaders(patch, named, many):
    "Loaders of few rows; `named`: on the GPU where no device is named; `many`: few to check, too"
    def make(*args, device=None, **kwargs):
        dls = plain(*args, device=GPU if named and device is None else device, **kwargs)
        for i in range(1+many): # losses are measured on all of them
            dls.loaders[i] = dls[i].new(x=dls[i].x[:4096>>i], y=dls[i].y[:4096>>i])
        return dls
    plain = loaders.collab_loaders
    for name, module in list(sys.modules.items()):
        if name.startswith('collab_course') and hasattr(module, 'collab_loaders'):
            patch.setattr(module, 'collab_loaders', make)


@pytest.mark.parametrize('path, named', CASES, ids=lambda o: getattr(o, 'stem', o))
def test_training_cells_run_on_a_gpu(path, named, monkeypatch, tmp_path):
    page = types.ModuleType('page')
    monkeypatch.setitem(sys.modules, 'page', page)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv('TQDM_DISABLE', '1')
    matplotlib.use('agg')
    Short(monkeypatch)
    other_loaders(monkeypatch, named, path.stem in MANY)
    with pretend(GPU), warnings.catch_warnings():
        warnings.simplefilter('ignore')
        assert default_device() == full(GPU)
        done, stopped = run(path, page.__dict__, may_stop=named)
    assert done > 10 and stopped < done/5
    assert default_device() == CPU
    matplotlib.pyplot.close('all')
