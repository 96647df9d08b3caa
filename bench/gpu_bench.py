"""How fast models are on a GPU: seconds, error, memory, two runs to the bit, the CPU beside them

`python bench/gpu.py bench`, on the GPU that is there, takes under five minutes on a large one, and
keeps its table in collab_course/gpu.json, which the page On a GPU shows. With `--small` it
measures nothing and tries itself in seconds, with `--device cpu` also where there is no GPU."""
import json
import math
import os
import platform
import time
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).resolve().parents[1]/'collab_course/gpu.json' # in the package, for the page
# Users, items, ratings, and by model what is done with them: factors, sweeps, epochs; the last tells
# for how many the CPU is tried, of sweeps and epochs
LARGE = {'ml-100k': (943, 1682, 100_000), '1M': (6040, 3706, 1_000_000), '25M': (162_541, 59_047, 25_000_000)}
SMALL = {'ml-100k': (60, 40, 900), '1M': (80, 50, 1500), '25M': (90, 60, 2000)}
KEEP = 20 # of each item's weights of EASE, where all would be too many to keep


def wait(device):
    "GPUs work on after a call has returned"
    import torch
    if device.type == 'cuda': torch.cuda.synchronize(device)


class Clock:
    "Seconds, and the most memory that was used on the device at once, in GB"
    def __init__(self, device): self.device, self.seconds, self.peak = device, None, None

    def __enter__(self):
        import torch
        if self.device.type == 'cuda':
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)
        wait(self.device)
        self.start = time.perf_counter()
        return self

    def __exit__(self, *error):
        import torch
        wait(self.device)
        self.seconds = time.perf_counter()-self.start
        if self.device.type == 'cuda': self.peak = torch.cuda.max_memory_allocated(self.device)/1e9


def chosen(n_users, n_items, n, gen, device):
    "Users and items, no pair twice: a power law and Zipf-Mandelbrot's, sorted by user"
    import torch
    def draw(k, m, power, shift):
        p = (torch.arange(1, m+1, device=device, dtype=torch.float64)+shift*m)**-power
        r = torch.rand(k, generator=gen, device=device)
        return torch.searchsorted((p.cumsum(0)/p.sum()).float(), r).clamp_(max=m-1)
    key = torch.zeros(0, dtype=torch.int64, device=device)
    while len(key) < n:
        k = int(1.2*(n-len(key)))+1000
        new = draw(k, n_users, .5, 0)*n_items + draw(k, n_items, 1.8, .02)
        key = torch.unique(torch.cat([key, new]))
    key = key[torch.randperm(len(key), generator=gen, device=device)[:n].sort().values]
    return key//n_items, key%n_items


def made_on(device, n_users, n_items, n, seed=0, rank=8, noise=.75):
    "Ratings of a planted rank, made on the device: rows (n,2), half stars, the truth's own RMSE"
    import torch
    gen = torch.Generator(device).manual_seed(seed)
    u, i = chosen(n_users, n_items, n, gen, device)
    def normal(*shape): return torch.randn(*shape, generator=gen, device=device)
    size = torch.tensor([1, .6, .4, .3, .2, .15, .1, .1], device=device)[:rank].sqrt()
    P, Q = normal(n_users, rank)*.5*size/size.norm(), normal(n_items, rank)
    user, item = .42*normal(n_users), .5*normal(n_items)
    stars, error = torch.empty(n, device=device), 0.
    for a in range(0, n, 2**22):
        b = slice(a, a+2**22)
        clean = 3.5 + user[u[b]] + item[i[b]] + (P[u[b]]*Q[i[b]]).sum(1)
        stars[b] = ((clean+noise*normal(len(clean)))*2).round().div(2).clamp(.5, 5)
        error += ((clean.clamp(.5, 5)-stars[b]).double()**2).sum().item()
    x = torch.stack([u, i], 1).int().cpu().numpy()
    return x, stars.cpu().numpy().astype(float), math.sqrt(error/n)


class Data:
    "Ratings, 2% of them held out, of users and items that are in the rest"
    def __init__(self, name, x, y, truth=None):
        self.name, self.truth, self.sizes = name, truth, tuple(map(int, x.max(axis=0)+1))
        key = x[:, 0]*np.int64(self.sizes[1]) + x[:, 1]
        if (np.diff(key) < 0).any():
            order = np.argsort(key, kind='stable')
            x, y = x[order], y[order]
        x = np.ascontiguousarray(x, 'int32')
        out = np.random.default_rng(1).random(len(x)) < .02
        for k in (0, 1): out &= np.bincount(x[~out, k], minlength=self.sizes[k])[x[:, k]] > 0
        self.x, self.y, self.held, self.stars = x[~out], y[~out], x[out], y[out]
        self.clicks = np.unique(x, axis=0).astype('int32') if len(x) < 5e6 else x

    def rmse(self, preds): return float(np.sqrt(((np.clip(preds, .5, 5)-self.stars)**2).mean()))


def load_data(device, shapes, real):
    "ML-100k from its file, or what stands for it; the others made on the device"
    for name, shape in shapes.items():
        if name == 'ml-100k' and real is not None:
            df, which = real
            users, u = np.unique(df.user, return_inverse=True)
            items, i = np.unique(df.movie, return_inverse=True)
            yield Data(which, np.stack([u, i], axis=1), df.rating.to_numpy(float))
        else:
            x, y, truth = made_on(device, *shape)
            yield Data(f'{name} planted', x, y, truth)


def measure_bias(data, device, small):
    "Biases and factors: two runs on the device, one by the compiled loop; a step is an epoch"
    from collab_course.captured import recipe_on, train_captured
    from collab_course.kernel import mean_squared_error, train_rows
    from collab_course.start import recipe
    cpu, n, d = recipe(len(data.y)), data.sizes[0], 4 if small else 50
    here, runs = recipe_on(len(data.y), cpu), []
    def start(): return np.random.default_rng(0).normal(0, .01, (sum(data.sizes), 1+d)).astype('float32')
    def rmse(W): return mean_squared_error(W, data.held, data.stars, n)**.5
    for _ in range(2):
        W, ends = start(), []
        with Clock(device) as clock:
            train_captured(device, W, data.x, data.y, n, 0, progress=lambda n: ends.append(time.perf_counter()), **here)
        runs.append(W)
    W, rng = start(), np.random.default_rng(0)
    train_rows(W.copy(), data.x[:100], data.y[:100], n, rng.permutation, n_epoch=1) # compiles
    begin = time.perf_counter()
    train_rows(W, data.x, data.y, n, rng.permutation, **cpu)
    return dict(what=f'biases and {d} factors, {here["n_epoch"]} epochs, batches of {here["bs"]:,}',
                seconds=clock.seconds, rmse=rmse(runs[1]), peak_gb=clock.peak,
                same_bits=runs[0].tobytes() == runs[1].tobytes(), step_seconds=(ends[-1]-ends[0])/(len(ends)-1),
                cpu_seconds=time.perf_counter()-begin, cpu_rmse=rmse(W))


@contextmanager
def one_order(on):
    "PyTorch's switch for sums in one order, and as it was afterwards"
    import torch
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(on)
    try: yield
    finally: torch.use_deterministic_algorithms(before)


def gibbs_on(data, device, k, sweeps, burn):
    "Held-out RMSE of a chain's mean, seconds a sweep, and its last noise"
    import torch
    from collab_course.gibbs_on_gpu import sample_on
    mean, sd = data.y.mean(), data.y.std()
    at = torch.tensor(data.held.astype('int64'), device=device)
    total, times = torch.zeros(len(at), device=device), []
    draws = sample_on(device, data.x, (data.y-mean)/sd, data.sizes, k, 0)
    for s in range(sweeps):
        begin = time.perf_counter()
        draw = next(draws)
        wait(device)
        times.append(time.perf_counter()-begin)
        if s < burn: continue
        u, v = draw.users[at[:, 0]], draw.items[at[:, 1]]
        total += (u[:, 1:]*v[:, 1:]).sum(1) + u[:, 0] + v[:, 0]
    preds = mean + sd*total.cpu().numpy()/(sweeps-burn)
    return data.rmse(preds), float(np.median(times)), preds.tobytes()


def compiled_sweep(data, k):
    "Seconds of a sweep by the compiled loops"
    from collab_course.gibbs import sample_gibbs
    draws = sample_gibbs(data.x, (data.y-data.y.mean())/data.y.std(), data.sizes, k, 0)
    next(draws) # compiles, and sorts
    begin, n = time.perf_counter(), 5 if len(data.y) < 5e6 else 1
    for _ in islice(draws, n): pass
    return (time.perf_counter()-begin)/n


def measure_gibbs(data, device, small, k, sweeps=60, burn=20, cpu=True):
    "The sampler: two runs, some sweeps in one order, some by the compiled loops; a step is a sweep"
    if small: sweeps, burn, k = 6, 2, 2
    runs = []
    for _ in range(2):
        with Clock(device) as clock: runs.append(gibbs_on(data, device, k, sweeps, burn))
    with one_order(True): fixed = [gibbs_on(data, device, k, 4, 1) for _ in range(2)]
    return dict(what=f'Gibbs sampler, {k} factors, {sweeps} sweeps', seconds=clock.seconds,
                rmse=runs[1][0], peak_gb=clock.peak, same_bits=runs[0][2] == runs[1][2],
                step_seconds=runs[1][1], cpu_step_seconds=compiled_sweep(data, k) if cpu else None,
                one_order_seconds=fixed[1][1], one_order_bits=fixed[0][2] == fixed[1][2])


def click_factors(data, device, d, epochs, n=None):
    "Factors of the first `n` clicks by ALS: on a device, or compiled where it is None"
    from collab_course.als import train_factors
    x, rng = data.clicks[:n], np.random.default_rng(0)
    return train_factors(x, np.ones(len(x), 'float32'), data.sizes, d, epochs, .1, .003, rng, device=device)


def measure_als(data, device, small):
    "Seconds an epoch, from runs of two lengths; the same on the CPU"
    d, n, times = 4 if small else 64, 1 if len(data.y) > 5e6 else 4, {}
    for epochs in (2, 8):
        with Clock(device) as clock: last = click_factors(data, device, d, epochs)
        times[epochs] = clock.seconds
    click_factors(data, None, d, 1, 100) # compiles
    begin = time.perf_counter()
    one = click_factors(data, None, d, n)
    spent = time.perf_counter()-begin
    apart = max(float(abs(a-b).max()) for a, b in zip(one, click_factors(data, device, d, n)))
    again = click_factors(data, device, d, 8)
    same = all(a.tobytes() == b.tobytes() for a, b in zip(last, again))
    return dict(what=f'clicks, ALS, {d} factors, an epoch', seconds=(times[8]-times[2])/6,
                peak_gb=clock.peak, same_bits=same, cpu_seconds=spent/n, apart=apart), last


def lists_by(blocks, factors, seen, users):
    "Item rows of lists of some users, block by block"
    P, Q = factors
    found = []
    for a in range(0, len(users), blocks.size):
        some = users[a:a+blocks.size]
        def score(u, i): return np.einsum('ij,ij->i', P[some[u]].astype(float), Q[i].astype(float))
        user, rows, _, there = blocks(P[some], Q, np.zeros(len(some)), [seen[u] for u in some], score)
        found.append((some[user], rows))
    return [np.concatenate(o) for o in zip(*found)]


def measure_lists(data, device, factors):
    "Ten items for every user; on the CPU for a thousand of them, and the time that all would take"
    from collab_course.large_products import BlocksOn
    from collab_course.ranking import BlockLists
    n_users, n_items = data.sizes
    ends = np.searchsorted(data.clicks[:, 0], np.arange(n_users+1))
    seen = [data.clicks[a:b, 1] for a, b in zip(ends, ends[1:])]
    few = np.zeros(n_items, bool)
    args, n = (np.arange(n_items), few, min(10, n_items//4)), min(1000, n_users)
    for _ in range(2):
        with Clock(device) as clock:
            found = lists_by(BlocksOn(device, *args), factors, seen, np.arange(n_users))
    begin = time.perf_counter()
    plain = lists_by(BlockLists(*args), factors, seen, np.arange(n))
    spent = (time.perf_counter()-begin)*n_users/n
    mine = found[0] < n
    def pairs(o): return np.unique(o[0]*np.int64(n_items)+o[1])
    differ = np.setxor1d(pairs([o[mine] for o in found]), pairs(plain))
    return dict(what=f'lists for all {n_users:,} users', seconds=clock.seconds, peak_gb=clock.peak,
                cpu_seconds=spent, apart=len(differ))


def measure_ease(data, device, small):
    "Weights of EASE; the CPU's where there are few items"
    from collab_course.ease import ease_weights
    from collab_course.large_products import item_weights_on
    w, (n_users, n) = np.ones(len(data.clicks), 'float32'), data.sizes
    keep = KEEP if n > 10_000 else None
    with Clock(device) as clock:
        _, B = item_weights_on(device, data.clicks, w, data.sizes, 300., keep)
    row = dict(what=f'EASE, {n:,} items', seconds=clock.seconds, peak_gb=clock.peak)
    if n > 10_000: return row
    begin = time.perf_counter()
    X = np.zeros(data.sizes, 'float32')
    X[data.clicks[:, 0], data.clicks[:, 1]] = 1
    plain = ease_weights((X.T@X).astype(float), 300.)
    return row | dict(cpu_seconds=time.perf_counter()-begin, apart=float(abs(B-plain).max()))


def measure_implicit(data, device, d=64):
    "implicit's own CUDA kernels, where they run: an iteration, and lists for all"
    try:
        import implicit.gpu
        from implicit.gpu.als import AlternatingLeastSquares
        from scipy.sparse import csr_matrix
    except ImportError as e: return print(f'left out: implicit ({e})')
    if device.type != 'cuda' or not implicit.gpu.HAS_CUDA:
        return print('left out: implicit (its CUDA kernels do not run here)')
    x, times = data.clicks, {}
    X = csr_matrix((np.ones(len(x), 'float32'), x.T), data.sizes)
    for n in (2, 8):
        model = AlternatingLeastSquares(factors=d, regularization=.01, iterations=n, random_state=0)
        with Clock(device) as clock: model.fit(X, show_progress=False)
        times[n] = clock.seconds
    with Clock(device) as clock: model.recommend(np.arange(data.sizes[0]), X, N=10)
    yield dict(what=f'implicit {implicit.__version__}: ALS, {d} factors, an iteration',
               seconds=(times[8]-times[2])/6)
    yield dict(what='implicit: lists for all', seconds=clock.seconds)


def rows_of(data, device, small):
    "All that is measured on some data, a row after the other"
    yield measure_bias(data, device, small)
    yield measure_gibbs(data, device, small, 8)
    if len(data.y) > 5e6: yield measure_gibbs(data, device, small, 16, cpu=False)
    row, factors = measure_als(data, device, small)
    yield row
    yield measure_lists(data, device, factors)
    yield measure_ease(data, device, small)
    if len(data.y) > 5e5: yield from measure_implicit(data, device) or ()


def shown(row):
    "A row in a line"
    def number(o): return o if isinstance(o, (str, bool, int)) else f'{o:.4g}'
    return ', '.join(f'{k} {number(v)}' for k, v in row.items() if k not in ('what', 'data') and v is not None)


def machine(device):
    "The card, or the processor, and the releases"
    import torch
    name = torch.cuda.get_device_name(device) if device.type == 'cuda' else platform.machine()
    return dict(card=name, torch=torch.__version__, cuda=torch.version.cuda, numpy=np.__version__,
                cores=os.cpu_count(), python=platform.python_version())


def run(device, small=False, real=None, out=None):
    "Measure, print, and keep the table where it is of a GPU; 1 where something failed"
    os.environ.setdefault('CUBLAS_WORKSPACE_CONFIG', ':4096:8') # for `one_order`; read at the start
    begin, rows, failed = time.perf_counter(), [], 0
    for data in load_data(device, SMALL if small else LARGE, None if small else real):
        truth = '' if data.truth is None else f', truth RMSE {data.truth:.4f}'
        print(f'{data.name}: {len(data.y):,} ratings{truth}', flush=True)
        try:
            for row in rows_of(data, device, small):
                rows.append(dict(data=data.name, ratings=len(data.y), **row))
                print(f"  {row['what']}: {shown(row)}", flush=True)
        except Exception as e: # the other sizes may fit
            failed += 1
            print(f'  FAIL: {type(e).__name__}: {str(e)[:200]}', flush=True)
    out = RESULTS if out is None and device.type == 'cuda' and not small else out
    if out is not None and not failed:
        Path(out).write_text(json.dumps(dict(machine=machine(device), rows=rows), indent=1)+'\n', encoding='utf-8')
        print(f'kept in {out}')
    print(f'{failed} failed' if failed else 'all measured', f'in {time.perf_counter()-begin:.0f} s')
    return int(failed > 0)
