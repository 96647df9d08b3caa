"""Does the course train on a GPU as on the CPU? Under a minute, with the Python that is there

Trains the course's models on CUDA, or MPS on a Mac, with the plain loop, with fastai's `Learner`,
by hand and compiled; compares losses with the CPU's and two runs bit by bit; trains in bfloat16;
times an epoch. It installs nothing, since Colab and machines without a network bring their own
PyTorch. `python bench/gpu.py notebooks` runs the cells of every notebook as well, or of those
that are named, in under ten minutes; `python bench/gpu.py bench` measures models for use, from
ML-100k to 25 million ratings, in under five. `--device cpu` tries the script itself."""
import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PATHS = [str(ROOT), str(ROOT/'tools'), str(ROOT/'bench')]
sys.path[:0] = PATHS
NEEDED = 'torch', 'fastai', 'pandas'
TOLERANCE = 5e-3 # between losses here and there, which sum up in another order
HALF = .05 # ... and with 8 bits of precision
EPOCHS, LARGE = 2, 4096
PAGE_SECONDS = 500
HIDDEN = r'#\| *(eval: *false|notest|slow)\b'


def find_device(torch):
    "CUDA where there is one, else a Mac's GPU, else None"
    if torch.cuda.is_available(): return torch.device('cuda', 0)
    return torch.device('mps', 0) if torch.backends.mps.is_available() else None


def chosen(torch, args, bench):
    "The device that was asked for, or the GPU; an error before anything is measured"
    if args.out and not Path(args.out).resolve().parent.is_dir():
        raise ValueError(f'--out {args.out}: there is no such folder')
    if bench and args.what[1:]: raise ValueError(f'bench takes no more words: {" ".join(args.what[1:])}')
    found = torch.device(args.device) if args.device else find_device(torch)
    if found is None or found.type == 'cpu' or not bench and found.type == 'mps': return found
    from collab_course import devices
    return devices.find_device(str(found)) # or it says why not


def gpu_name(torch, device):
    if device.type == 'cuda': return torch.cuda.get_device_name(device)
    return f'{platform.machine()} {device.type.upper()}'


def find_ratings(rows):
    "ML-100k, or synthetic ratings where it cannot be had or a number of rows is asked for"
    import numpy as np
    from collab_course.data import load_ratings
    from collab_course.files import DataError
    from made import planted
    try:
        if not rows: return load_ratings(), 'ML-100k'
    except DataError as e: print(str(e).splitlines()[0])
    df = planted(None, rows or 100_000, np.random.default_rng(0))
    return df, f'{len(df):,} synthetic ratings'


class Checks:
    "What is trained, here and on the CPU"
    def __init__(self, ratings, device):
        from collab_course.data import split_random
        self.ratings, self.device, self.failed = ratings, device, []
        self.split = split_random(ratings, seed=42)

    def check(self, name, f):
        "Print what `f` says, or its error"
        try: print(f'ok    {name}: {f()}', flush=True)
        except Exception as e:
            self.failed.append(name)
            first = (str(e).splitlines() or [''])[0][:150]
            print(f'FAIL  {name}: {type(e).__name__}: {first}', flush=True)

    def loaders(self, device, bs):
        from collab_course.loaders import collab_loaders
        return collab_loaders(self.ratings, split=self.split, bs=bs, device=device)

    def wait(self):
        "GPUs work on after a call has returned"
        import torch
        waits = {'cuda': torch.cuda.synchronize, 'mps': torch.mps.synchronize}
        waits.get(self.device.type, lambda: None)()

    def train(self, fit, kind, device, bs=LARGE, n_epoch=EPOCHS, **settings):
        "Final validation loss, seconds an epoch, and the model"
        from collab_course.train import isolated_rng
        dls = self.loaders(device, bs)
        with isolated_rng(42): model = kind(len(dls.users), len(dls.items), **settings)
        self.wait()
        start = time.perf_counter()
        losses = fit(model, dls, n_epoch)
        self.wait()
        seconds = (time.perf_counter()-start)/n_epoch
        places = {str(p.device) for p in model.parameters()} | {str(dls.device)}
        assert len(places) == 1, f'model and batches are on {places}'
        return losses.valid.iloc[-1], seconds, model

    def same(self, *args, tolerance=TOLERANCE, **settings):
        "The losses on the CPU and here, if they agree"
        a, there, _ = self.train(*args, 'cpu', **settings)
        b, here, _ = self.train(*args, self.device, **settings)
        assert abs(a-b) < tolerance, f'valid MSE {a:.4f} on the CPU, {b:.4f} on {self.device}'
        return f'valid MSE {a:.4f} and {b:.4f}, {there:.2f} and {here:.2f} s an epoch'

    def near(self, half, full, *args):
        "The loss in half precision here, if it is near that in full precision"
        a, b = (self.train(fit, *args, self.device) for fit in (half, full))
        assert abs(a[0]-b[0]) < HALF, f'valid MSE {a[0]:.4f}, and {b[0]:.4f} in full precision'
        return f'valid MSE {a[0]:.4f}, {a[1]:.2f} s an epoch'

    def twice(self, *args, **settings):
        import torch
        one, two = (self.train(*args, self.device, **settings)[2].state_dict() for _ in range(2))
        differ = [name for name in one if not torch.equal(one[name], two[name])]
        assert not differ, f'two runs differ in {differ}'
        return 'equal to the bit'


def ways():
    "How models are trained, by name: functions of model, loaders and epochs"
    from collab_course.by_hand import fit_by_hand
    from collab_course.fast import fit_fast
    from collab_course.train import fit_loop, fit_losses, fit_together
    from fastai.learner import Learner
    from torch.nn.functional import mse_loss
    def learner(model, dls, n, half=False):
        learn = Learner(dls, model, loss_func=mse_loss)
        return fit_losses(learn.to_bf16() if half else learn, n, wd=.1, quiet=True)
    return {'fit_loop': lambda m, dls, n: fit_loop(m, dls, n, wd=.1, quiet=True),
            'Learner': learner, 'Learner, bf16': lambda *args: learner(*args, half=True),
            'fit_together': lambda m, dls, n: fit_together([m], [dls], n, quiet=True)[0],
            'fit_by_hand': fit_by_hand, 'fit_fast': lambda *args: fit_fast(*args, quiet=True)}


def in_half(fit, device):
    "`fit` under autocast to bfloat16"
    import torch
    def half(*args):
        with torch.autocast(device.type, torch.bfloat16): return fit(*args)
    return half


def check_training(checks):
    "Every model and every way to train, against the CPU"
    from collab_course.bias import DotProductBias
    from collab_course.collab_nn import CollabNN
    from collab_course.dot_product import DotProduct
    from collab_course.params import DotProductBiasParams
    fits, bias = ways(), DotProductBias
    checks.train(fits['fit_loop'], bias, checks.device, n_epoch=1) # the first call prepares a GPU
    for kind in (DotProduct, bias, DotProductBiasParams, CollabNN):
        checks.check(f'{kind.__name__}, bs {LARGE}', lambda: checks.same(fits['fit_loop'], kind))
    for name in ('fit_loop', 'Learner'):
        checks.check(f'{name}, bs 64', lambda: checks.same(fits[name], bias, bs=64, n_epoch=1))
    for name in ('Learner', 'fit_together', 'fit_by_hand', 'fit_fast'):
        checks.check(f'{name}, bs {LARGE}', lambda: checks.same(fits[name], bias))
    half = in_half(fits['fit_loop'], checks.device)
    checks.check('fit_loop, bf16', lambda: checks.same(half, CollabNN, tolerance=HALF))
    if checks.device.type == 'cuda': # fastai's own callback asks for it
        half = fits['Learner, bf16']
        checks.check('Learner, bf16', lambda: checks.near(half, fits['Learner'], CollabNN))
    for name in ('fit_loop', 'Learner', 'fit_by_hand'):
        checks.check(f'{name} twice', lambda: checks.twice(fits[name], bias))


def check_rule(checks):
    "Nothing moves unless asked; what is asked for moves as a whole"
    import torch
    from collab_course.bias import DotProductBias
    from collab_course.by_hand import fit_by_hand
    from collab_course.train import fit_loop, isolated_rng, mse_of
    from fastai.callback import progress # noqa: F401: gives `Learner` its `no_bar`
    from fastai.learner import Learner
    from torch.nn.functional import mse_loss
    def new(dls): return DotProductBias(len(dls.users), len(dls.items))
    def unnamed():
        dls = checks.loaders(None, LARGE)
        model = new(dls).to(checks.device)
        fit_loop(model, dls, 1, quiet=True)
        places = {str(p.device) for p in model.parameters()} | {str(dls.device)}
        assert places == {'cpu'}, places
        return 'all on the CPU'
    def elsewhere():
        here, there = checks.loaders(checks.device, LARGE), checks.loaders(None, LARGE)
        model = new(here)
        found = [mse_of(model.to(device), dls.valid) for device in ('cpu', checks.device)
                 for dls in (here, there)]
        learn = Learner(there, model, loss_func=mse_loss)
        with learn.no_bar(): preds, targs = learn.get_preds()
        found.append(mse_loss(preds, targs).item())
        assert max(found)-min(found) < 1e-4, found
        return f'MSE {found[0]:.4f} in {len(found)} ways'
    def random_state():
        gpu = {'cuda': torch.cuda, 'mps': torch.mps}.get(checks.device.type, torch)
        before = [torch.get_rng_state(), gpu.get_rng_state()]
        with isolated_rng(3): torch.rand(3, device=checks.device)
        dls = checks.loaders(checks.device, LARGE)
        checks.train(ways()['fit_loop'], DotProductBias, checks.device, n_epoch=1)
        with isolated_rng(3): model = new(dls)
        fit_by_hand(model, dls, 1)
        assert all(map(torch.equal, before, [torch.get_rng_state(), gpu.get_rng_state()]))
        return 'as it was, on both'
    checks.check('no device named', unnamed)
    checks.check('model and batches apart', elsewhere)
    checks.check('random state', random_state)


def check_models(checks):
    "Models for use, which need CUDA: as good as on the CPU, two runs to the bit, the same lists"
    from collab_course import EASE, BayesianMF, BiasedMF, ImplicitMF, evaluate
    def same(model, measure, tolerance):
        def judged(m): return evaluate(m, checks.ratings, checks.split, quiet=True)[measure]
        a, b = judged(model), judged(model.moved(str(checks.device)))
        assert abs(a-b) < tolerance, f'{measure} {a:.4f} on the CPU, {b:.4f} on {checks.device}'
        return f'{measure} {a:.4f} and {b:.4f}'
    def twice(model):
        one, two = (model.moved(str(checks.device)).fit(checks.ratings, quiet=True) for _ in range(2))
        lists = one.recommend_all(10)
        assert lists.equals(one.recommend_all(10, device='cpu')), 'lists differ from the CPU\'s'
        return 'equal to the bit' if lists.equals(two.recommend_all(10)) else 'two runs differ'
    for model, *how in ((BiasedMF(bs=1024), 'rmse', .01), (BayesianMF(n_sweeps=120), 'rmse', .01),
                        (ImplicitMF(), 'ndcg', .01), (EASE(), 'ndcg', .001)):
        checks.check(f'{model!r}', lambda: same(model, *how))
        checks.check(f'{model!r} twice', lambda: twice(model))


def run_cells(path):
    "Run a notebook's cells in this process, without IPython's own commands"
    import matplotlib
    matplotlib.use('agg')
    warnings.simplefilter('ignore')
    names = {'__name__': '__main__'}
    for cell in json.loads(Path(path).read_text('utf-8'))['cells']:
        source = ''.join(cell['source'])
        if cell['cell_type'] == 'code' and not re.search(HIDDEN, source):
            exec(compile(source, f'{Path(path).stem} cell {cell["id"]}', 'exec'), names)


def run_page(path):
    "A notebook in a process of its own: None, or why it failed, or what this Python has not"
    env = {**os.environ, 'OMP_NUM_THREADS': '1', 'TQDM_DISABLE': '1', 'PYTHONHASHSEED': '0',
           'MPLBACKEND': 'agg', 'PYTHONPATH': os.pathsep.join(PATHS)}
    line = [sys.executable, '-W', 'ignore', str(Path(__file__).resolve()), '--cells', str(path)]
    with tempfile.TemporaryDirectory() as folder:
        try:
            done = subprocess.run(line, cwd=folder, env=env, capture_output=True, text=True,
                                  timeout=PAGE_SECONDS)
        except subprocess.TimeoutExpired: return f'took more than {PAGE_SECONDS} s'
    if done.returncode: return (done.stderr.strip().splitlines() or ['no message'])[-1]


def run_pages(names):
    "Run the notebooks, several at once, on the machine as it is; the failed ones"
    from common import NBS, data_env, notebooks
    os.environ.update(data_env())
    paths = [path for path in notebooks() if not names or path.stem in names]
    missing = set(names)-{path.stem for path in paths}
    if missing: sys.exit(f'no notebook {sorted(missing)[0]!r} in {NBS}')
    failed = []
    with ThreadPoolExecutor(max(1, (os.cpu_count() or 2)//2)) as pool:
        for path, why in zip(paths, pool.map(run_page, paths)):
            absent = why and why.startswith('ModuleNotFoundError')
            if why and not absent: failed.append(path.stem)
            state = 'left out' if absent else 'FAIL' if why else 'ok'
            print(f'{state:5} {path.stem}' + (f': {why[:300]}' if why else ''), flush=True)
    return failed


def arguments(argv):
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('what', nargs='*', metavar='notebooks',
        help='`notebooks`: run their cells, too; names after it, such as 15_train, choose some; '
             '`bench`: measure how fast models are, beside the CPU')
    parser.add_argument('--small', action='store_true', help='with `bench`: try it, in seconds')
    parser.add_argument('--out', help='with `bench`: file for the results')
    parser.add_argument('--device', help='instead of the GPU found, such as cpu or cuda:1')
    parser.add_argument('--rows', type=int, help='train on so many synthetic ratings')
    parser.add_argument('--cells', help=argparse.SUPPRESS)
    args = parser.parse_args(argv)
    if args.what and args.what[0] not in ('notebooks', 'bench'):
        parser.error(f'{args.what[0]!r} is neither notebooks nor bench')
    return args


def main(argv=None):
    "Check, print, and give the exit status: 0 all is well, 1 something failed, 2 nothing to check"
    args = arguments(argv)
    if args.cells:
        run_cells(args.cells)
        return 0
    absent = [name for name in NEEDED if find_spec(name) is None]
    if absent:
        print(f'this Python has no {", no ".join(absent)}')
        return 2
    import torch
    bench = args.what[:1] == ['bench']
    try: device = chosen(torch, args, bench)
    except (ValueError, RuntimeError) as e:
        print(e)
        return 2
    if device is None:
        print(f'no GPU here: PyTorch {torch.__version__} finds neither CUDA nor MPS')
        return 2
    warnings.simplefilter('ignore')
    from common import data_env
    os.environ.update(data_env())
    start = time.perf_counter()
    if bench:
        from gpu_bench import run
        print(f'{gpu_name(torch, device)}, PyTorch {torch.__version__}', flush=True)
        return run(device, args.small, None if args.small else find_ratings(args.rows), args.out)
    ratings, which = find_ratings(args.rows)
    print(f'{gpu_name(torch, device)}, PyTorch {torch.__version__}, {which}', flush=True)
    checks = Checks(ratings, device)
    check_training(checks)
    check_rule(checks)
    if device.type == 'cuda': check_models(checks)
    if args.what: checks.failed += run_pages(args.what[1:])
    bad = checks.failed
    result = f'{len(bad)} failed: {", ".join(bad)}' if bad else 'all fine'
    print(f'{result}, in {time.perf_counter()-start:.0f} s')
    return int(bool(bad))


if __name__ == '__main__': sys.exit(main())
