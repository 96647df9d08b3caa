"Models on a GPU: what may be asked for, the same models there as on the CPU, nothing left behind"
import itertools
import json
import random
from contextlib import ExitStack
from threading import Event, Thread
from unittest import mock

import gpu as bench_gpu
import gpu_bench
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from collab_course import (EASE, BayesianMF, BiasedMF, Choose, DampedMeans, Ensemble, FeatureMF, ImplicitMF, ItemKNN,
                           PickAndLike, check_recommender, evaluate, load)
from collab_course.app import cli
from collab_course.captured import train_captured
from collab_course.data import split_random
from collab_course.devices import check_device, find_device, on_device
from collab_course.gibbs import sample_gibbs
from collab_course.gibbs_on_gpu import sample_on
from collab_course.ids import tiny_ratings
from collab_course.implicit import pair_weights
from collab_course.kernel import mean_squared_error, train_rows
from collab_course.large_products import item_weights_on
from collab_course.ratings import Ratings
from collab_course.sparse_sums import sparse_product, sparse_side
from collab_course.store import SavedModelError
from made import planted
from pretended import pretend

CPU = torch.device('cpu')
PLACES = 'biased_mf', 'bayes', 'implicit_mf', 'ease', 'questions'


@pytest.fixture(autouse=True)
def one_thread():
    n = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n)


@pytest.fixture
def by_torch(monkeypatch):
    "Models compute by PyTorch, on the CPU"
    for name in PLACES: monkeypatch.setattr(f'collab_course.{name}.find_device', lambda device, numbers=0: CPU)


@pytest.fixture
def gpu():
    with pretend('cuda:0') as gen: yield gen


def ratings(n=3000, seed=0): return planted(None, n, np.random.default_rng(seed))


MODELS = {
    'mf': lambda **o: BiasedMF(n_factors=4, n_epoch=3, **o),
    'bayes': lambda **o: BayesianMF(n_factors=3, n_sweeps=24, burn_in=4, **o),
    'implicit': lambda **o: ImplicitMF(n_factors=4, n_epoch=3, **o),
    'ease': lambda **o: EASE(**o), 'ease 5': lambda **o: EASE(keep=5, weight='ones', **o),
    'both': lambda **o: PickAndLike(ImplicitMF(n_factors=3, n_epoch=2, weight='ones'), BayesianMF(3, 24, 4), **o),
}


# What may be asked for

@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('device, says', [('gpu', "not 'gpu'"), ('mps', "no sparse matrices.*device='cpu' trains"),
                                          ('mps:0', 'no sparse'), ('cuda:x', 'device is'), ('cuda:00', 'device is'),
                                          ('cuda:٠', 'device is'), (None, 'not None'), (0, 'not 0')])
def test_a_device_is_one_of_some_words(name, device, says):
    with pytest.raises(ValueError, match=says): MODELS[name](device=device)


def test_pytorchs_own_devices_are_words_too():
    assert check_device(torch.device('cuda:1')) == 'cuda:1' and check_device(np.str_('auto')) == 'auto'
    with pytest.raises(ValueError, match='no sparse'): check_device(torch.device('mps'))


@pytest.mark.parametrize('name', MODELS)
def test_where_there_is_no_gpu_an_error_says_what_to_do(name):
    "By a fit, by lists, by `evaluate`; the model is as it was"
    model = MODELS[name]().fit(ratings(900), quiet=True)
    before, df = model.recommend_all(3), ratings(900, 1)
    model.device = 'cuda'
    says = "device='cuda' is not here: PyTorch .* finds no GPU; device='cpu' trains"
    for ask in (lambda: model.fit(df), lambda: model.update(df), lambda: model.recommend_all(3, device='cuda:1'),
                lambda: evaluate(model, df, split_random(df), quiet=True), lambda: model.recommend_all(3)):
        with pytest.raises(ValueError, match=says.replace("'cuda'", "'cuda(:1)?'")): ask()
    model.device = 'cpu'
    assert model.recommend_all(3).equals(before) and model.trained_on == 'cpu'
    model.device = 'gpu'
    with pytest.raises(ValueError, match="not 'gpu'"): model.fit(df)


def test_a_second_gpu_has_to_be_there(gpu):
    assert find_device('cuda:0') == torch.device('cuda:0')
    with pytest.raises(ValueError, match="'cuda:1' is not here: there are 1, from cuda:0 on"): find_device('cuda:1')


def test_auto_is_a_gpu_where_it_pays(gpu):
    assert find_device('auto', 1e9) is None and find_device('auto', 1e10) == torch.device('cuda:0')
    assert BiasedMF(n_factors=2, device='auto').fit(tiny_ratings(), quiet=True).trained_on == 'cpu'


@pytest.mark.parametrize('name', MODELS)
def test_without_a_gpu_auto_is_the_cpu_to_the_bit(name, monkeypatch):
    monkeypatch.setattr('collab_course.devices._enough', 0)
    plain, auto = [MODELS[name](device=o).fit(ratings(900), quiet=True) for o in ('cpu', 'auto')]
    assert plain.recommend_all(5).equals(auto.recommend_all(5)) and auto.trained_on == 'cpu'


def test_the_cpu_needs_no_pytorch(python):
    "Nor does 'auto', where it does not pay"
    script = ('import sys\nfrom collab_course import *\nfrom collab_course.ids import tiny_ratings\n'
              "for d in ('cpu', 'auto'):\n    for m in (BiasedMF(2, device=d), ImplicitMF(2, device=d), EASE(device=d)):\n"
              "        m.fit(tiny_ratings()).recommend_all(2)\nprint('torch' in sys.modules)")
    assert python('-c', script) == 'False\n'


def test_a_gpu_without_pytorch_is_an_error_that_says_so(monkeypatch):
    monkeypatch.setitem(__import__('sys').modules, 'torch', None)
    with pytest.raises(ValueError, match='needs PyTorch.*pip install torch'): find_device('cuda')
    assert find_device('auto', 1e12) is None


# The same models there

@pytest.mark.parametrize('name', MODELS)
def test_models_on_a_gpu(name, gpu, tmp_path):
    "All tensors there; two runs to the bit; saved, loaded and asked as any other"
    df, make, state = ratings(900), MODELS[name], gpu.get_state()
    one, two = (make(device='cuda').fit(df, quiet=True) for _ in range(2))
    assert 'cuda (Pretended GPU)' in one.trained_on and "device='cuda'" in repr(one)
    lists = one.recommend_all(4)
    assert torch.equal(gpu.get_state(), state) # a caller's random numbers there
    assert lists.equals(two.recommend_all(4)) and lists.equals(one.recommend_all(4, device='cpu'))
    one.save(tmp_path/'m')
    again = load(tmp_path/'m')
    assert again.device == 'cpu' and again.trained_on == one.trained_on and 'device' not in repr(again)
    assert again.recommend_all(4).equals(lists)
    assert b'"device"' not in (tmp_path/'m'/'recommender.json').read_bytes()
    assert again.clone().device == 'cpu' and one.clone().device == 'cuda'
    newer = again.update(ratings(300, 5), quiet=True)
    assert newer.trained_on == 'cpu'
    newer.device = 'cuda'
    assert 'cuda' in newer.update(ratings(300, 6), quiet=True).trained_on
    scores = evaluate(one, df, split_random(df), k=5, quiet=True)
    assert np.isfinite(scores.ndcg)


@pytest.mark.parametrize('name', MODELS)
def test_models_keep_their_promises_by_pytorch(name, by_torch):
    "Those that every recommender makes"
    assert check_recommender(MODELS[name]()).passed.all()


@pytest.mark.parametrize('make', [lambda: BiasedMF(n_factors=0), lambda: BiasedMF(n_factors=1, bs=10**6), lambda: ImplicitMF(1, 2),
                                  lambda: BayesianMF(1, 8, 4), EASE])
@pytest.mark.parametrize('df', [tiny_ratings()[:1], tiny_ratings()[:2].assign(rating=3), tiny_ratings()], ids=len)
@pytest.mark.filterwarnings('ignore:.*fits its own ratings worse')
def test_few_ratings_and_few_factors(make, df, by_torch):
    assert len(make().fit(df, quiet=True).recommend_all(2, min_ratings=0, seen=True))


def test_models_inside_move_along(gpu):
    df = ratings(900)
    pick = Ensemble(ImplicitMF(2, 2, weight='ones'), 2)
    both = PickAndLike(pick, BayesianMF(2, 12, 4), device='cuda').fit(df, quiet=True)
    assert both.liking.device == 'cuda' and both.picking.members[0].trained_on == 'cuda (Pretended GPU)'
    chosen = Choose({'a': BiasedMF(2, device='cuda'), 'b': DampedMeans()}, n_splits=1).fit(df, quiet=True)
    assert chosen.models['a'].device == 'cuda'
    assert ItemKNN().moved('cuda').device == 'cpu' # it has none
    assert FeatureMF(n_factors=2, n_sweeps=8, burn_in=2).fit(df, quiet=True).trained_on == 'cpu'


def test_a_graph_repeats_a_step(gpu):
    "What is recorded once gives what steps one after the other give, to the bit"
    r, out = Ratings(ratings(1500)), []
    for device in ('cuda', 'cpu'):
        W = np.random.default_rng(1).normal(0, .1, (len(r.users)+len(r.items), 5)).astype('float32')
        orders = itertools.chain(*[[np.random.default_rng(k).permutation(len(r))] for k in range(9)])
        train_captured(torch.device(device), W, r.x, r.y, len(r.users), 0, n_epoch=3, bs=400,
                       order=lambda n: torch.tensor(next(orders), device=device))
        out.append(W)
    assert abs(out[0]-out[1]).max() < 1e-6 and abs(out[0]).max() > .1


def test_a_captured_step_asks_for_nothing(gpu):
    graph = torch.cuda.CUDAGraph()
    with pytest.raises(RuntimeError, match='not permitted'), torch.cuda.graph(graph): torch.ones(2, device='cuda').sum().item()


def start(r, d=20, seed=0):
    return np.random.default_rng(seed).normal(0, .01, (len(r.users)+len(r.items), 1+d)).astype('float32')


@pytest.mark.parametrize('bs', [64, 1000, 10**6])
def test_biases_and_factors_end_where_the_compiled_loop_ends(bs):
    "From the same start in the same order, last batches that are smaller and single steps, too"
    r = Ratings(ratings(20_000))
    here, there = start(r), start(r)
    orders = [np.random.default_rng(k).permutation(len(r)) for k in range(2)]
    one, two = iter(orders), iter(orders)
    losses = train_rows(here, r.x, r.y, len(r.users), lambda n: next(one), n_epoch=2, bs=bs)
    loss = train_captured(CPU, there, r.x, r.y, len(r.users), 0, n_epoch=2, bs=bs, order=lambda n: torch.as_tensor(next(two)))
    assert abs(losses[-1, 0]-loss) < .002 and abs(loss-mean_squared_error(there, r.x, r.y, len(r.users))) < 1e-5


def test_biases_and_factors_are_as_good_as_on_the_cpu():
    "Held-out RMSE at a hundred thousand planted ratings, from one start in one order, within .001"
    r = Ratings(ratings(100_000))
    train, valid = split_random(r, seed=1)
    orders = [np.random.default_rng(k).permutation(len(train)) for k in range(5)]
    def rmse(W): return mean_squared_error(W, r.x[valid], r.y[valid], len(r.users))**.5
    here, there, one, two = start(r), start(r), iter(orders), iter(orders)
    data = r.x[train], r.y[train], len(r.users)
    train_rows(here, *data, lambda n: next(one), bs=512)
    train_captured(CPU, there, *data, 0, bs=512, order=lambda n: torch.as_tensor(next(two)))
    assert abs(rmse(here)-rmse(there)) < .001


def test_biased_mf_takes_what_it_is_given(by_torch):
    "Settings that a rule chooses, and those that are given; another seed, another order"
    df = ratings(3000)
    models = [BiasedMF(n_factors=4, **o).fit(df, quiet=True) for o in ({}, {}, {'seed': 1}, {'n_epoch': 2., 'bs': np.int64(50)})]
    lists = [m.recommend_all(5) for m in models]
    assert lists[0].equals(lists[1]) and not lists[0].equals(lists[2])
    assert models[0].used == BiasedMF().fit(df, quiet=True).used and {*models[3].used} == {'lr', 'wd', 'y_range'}


def test_als_gives_the_factors_of_the_compiled_loop(by_torch):
    df = ratings(20_000)
    there = ImplicitMF(n_epoch=16).fit(df, quiet=True)
    with mock.patch('collab_course.implicit_mf.find_device', lambda *o: None): here = ImplicitMF(n_epoch=16).fit(df, quiet=True)
    for name in ('user_factors', 'item_factors'): assert abs(getattr(here, name)-getattr(there, name)).max() < 1e-4


@pytest.mark.parametrize('weight', ['ones', 'stars'])
def test_ease_gives_the_weights_of_the_cpu(weight):
    r = Ratings(ratings(20_000))
    x, w = pair_weights(r, weight)
    here = EASE(weight=weight, penalty=100.).fit(r, quiet=True)
    _, there = item_weights_on(CPU, x, w, (len(r.users), len(r.items)), 100.)
    assert abs(here.weights-there).max() < 1e-4


def test_conditionals_are_those_of_the_compiled_sampler():
    "With the same random numbers ten sweeps end at the same draw"
    r, rng = Ratings(ratings(5000)), np.random.default_rng(3)
    y, sizes = (r.y-r.y.mean())/r.y.std(), (len(r.users), len(r.items))
    there = sample_on(CPU, r.x, y, sizes, 4, rng, dtype=torch.float64, normal=lambda *shape: torch.tensor(rng.standard_normal(shape)))
    here = sample_gibbs(r.x, y, sizes, 4, seed=3)
    for a, b in itertools.islice(zip(here, there), 10):
        b = b.arrays()
        for one, two in ((a.users, b.users), (a.items, b.items), (a.noise, b.noise)): assert np.abs(one-two).max() < 1e-9


def test_posterior_means_agree():
    "Of pairs' predictions, by chains of both samplers, within what chains differ by"
    r = Ratings(ratings(2000))
    y, sizes, pairs = (r.y-r.y.mean())/r.y.std(), (len(r.users), len(r.items)), r.x[::100]
    def chain(seed, on): # its mean, and those of its four quarters
        draws = sample_on(CPU, r.x, y, sizes, 2, seed) if on else sample_gibbs(r.x, y, sizes, 2, seed)
        kept = itertools.islice(draws, 100, 1300)
        return np.array([(o.arrays() if on else o).scores(pairs) for o in kept]).reshape(4, 300, -1).mean(axis=1)
    a, b = (np.concatenate([chain(seed, on) for seed in (1, 2)]) for on in (False, True))
    error = np.sqrt((a.var(axis=0, ddof=1)+b.var(axis=0, ddof=1))/8)
    z = (a.mean(axis=0)-b.mean(axis=0))/error
    assert abs(z).max() < 5 and (z**2).mean() < 3, z


def test_intervals_cover_what_they_say(by_torch):
    "90% intervals of held-out ratings, whose noise is normal"
    rng, hits = np.random.default_rng(0), []
    df = ratings(20_000)
    P, Q, bias = rng.normal(size=(df.user.max()+1, 3)), rng.normal(size=(df.movie.max()+1, 3)), rng.normal(size=df.movie.max()+1)
    df['rating'] = (P[df.user]*Q[df.movie]).sum(axis=1)*.5 + .5*bias[df.movie] + .7*rng.normal(size=len(df))
    train, valid = split_random(df, seed=2)
    known = df.iloc[train]
    held = df.iloc[valid].query('user in @known.user and movie in @known.movie')
    mf = BayesianMF(n_factors=3, n_sweeps=150).fit(known, quiet=True)
    lower, upper = mf.predict_interval(held.user.to_numpy(), held.movie.to_numpy(), .9)
    assert mf.trained_on == 'cpu, by PyTorch' and .88 < held.rating.between(lower, upper).mean() < .92


@pytest.mark.parametrize('how', [{}, {'seen': True}, {'n': 40}, {'items': [1, 2, 3, 5, 8]}, {'diversity': .4}, {'min_ratings': 0},
                                 {'exclude': [1, 2]}, {'users': [3, 1, 4]}])
def test_lists_are_those_of_the_cpu(how, gpu):
    df = ratings(3000).assign(title=lambda o: 'T'+(o.movie//2).astype(str))
    for model in (ImplicitMF(4, 3), BiasedMF(4, 2), DampedMeans(), EASE()):
        if 'diversity' in how and isinstance(model, DampedMeans): continue # which items are alike it cannot say
        model.fit(df, quiet=True)
        assert model.recommend_all(**how, device='cuda').equals(model.recommend_all(**how))


def test_sums_in_one_order_are_the_same_sums():
    "PyTorch's switch asks for them, and they are equal however often they are asked for"
    rng = np.random.default_rng(0)
    rows, others = torch.tensor(np.sort(rng.integers(0, 30, 9000)**2//30)), torch.tensor(rng.integers(0, 70, 9000))
    side, _ = sparse_side(rows, others, (31, 70))
    values, table = torch.randn(9000), torch.randn(70, 6)
    plain = sparse_product(side, values, table)
    torch.use_deterministic_algorithms(True)
    try: fixed = [sparse_product(side, values, table) for _ in range(2)]
    finally: torch.use_deterministic_algorithms(False)
    assert torch.equal(*fixed) and (fixed[0]-plain).abs().max() < 1e-3


# Nothing left behind

def switches():
    "What a caller has set, and where their random numbers are"
    matmul = torch.backends.cuda.matmul
    return (torch.get_rng_state().tolist(), np.random.get_state()[1].tolist(), random.getstate(), torch.is_grad_enabled(),
            torch.are_deterministic_algorithms_enabled(), getattr(matmul, 'fp32_precision', None) or matmul.allow_tf32)


@pytest.mark.parametrize('name', MODELS)
@pytest.mark.parametrize('error', [None, KeyboardInterrupt, torch.OutOfMemoryError, ZeroDivisionError])
def test_random_states_and_settings_are_as_they_were(name, error, by_torch):
    "After a fit, an error, a card that is full, Ctrl-C; and so is the model"
    df, model = ratings(900), MODELS[name]().fit(ratings(900, 1), quiet=True)
    before, state = model.recommend_all(3), switches()
    def fails(*args, **kwargs): raise error('in the middle')
    with ExitStack() as stack:
        if error:
            for what in ('torch.sigmoid', 'torch.linalg.cholesky', 'torch.linalg.cholesky_ex', 'torch.sparse.sampled_addmm'):
                stack.enter_context(mock.patch(what, fails))
            stack.enter_context(pytest.raises(MemoryError if error is torch.OutOfMemoryError else error))
        model.fit(df, quiet=True)
    assert switches() == state
    if error: assert model.recommend_all(3).equals(before)


@pytest.mark.parametrize('name', MODELS)
def test_what_a_caller_has_set_changes_nothing(name, by_torch):
    "Autocast, float64 as the default: the same numbers as without"
    df = ratings(900)
    def asked():
        model = MODELS[name]().fit(df, quiet=True)
        return model.recommend_all(5, device='cuda')
    plain = asked()
    with torch.autocast('cpu', dtype=torch.bfloat16): assert asked().equals(plain)
    torch.set_default_dtype(torch.float64)
    try:
        assert asked().equals(plain)
        assert torch.get_default_dtype() == torch.float64
    finally: torch.set_default_dtype(torch.float32)


def test_threads_take_turns_with_pytorchs_switches():
    "The second waits until the first has put them back"
    matmul, seen, inside, go_on = torch.backends.cuda.matmul, [], Event(), Event()
    def now(): return getattr(matmul, 'fp32_precision', None) or matmul.allow_tf32
    def first():
        with on_device():
            inside.set()
            go_on.wait(60)
    def second():
        with on_device(tf32=True): seen.append(now())
    before, threads = now(), [Thread(target=first), Thread(target=second)]
    threads[0].start()
    inside.wait(60)
    threads[1].start()
    threads[1].join(.2)
    assert not seen
    go_on.set()
    for thread in threads: thread.join()
    assert seen in (['tf32'], [True]) and now() == before


@pytest.mark.skipif(not hasattr(torch.backends, 'fp32_precision'), reason='this PyTorch has no general switch')
def test_the_general_switch_is_still_followed():
    "What a product followed before it follows afterwards"
    before = torch.backends.fp32_precision
    try:
        torch.backends.fp32_precision = 'tf32'
        with on_device(): pass
        torch.backends.fp32_precision = 'ieee'
        assert torch.backends.cuda.matmul.fp32_precision == 'ieee'
    finally: torch.backends.fp32_precision = before


def test_what_holds_models_says_where_they_learned(gpu):
    df = ratings(900)
    for model in (Ensemble(MODELS['mf'](device='cuda'), 2), Choose({'one': MODELS['mf'](device='cuda')})):
        assert 'cuda' in model.fit(df, quiet=True).trained_on
    assert Ensemble(MODELS['mf'](), 2).fit(df, quiet=True).trained_on == 'cpu'


@pytest.mark.parametrize('precision', ['high', 'highest'])
def test_a_callers_precision_is_kept(precision):
    "Whichever of PyTorch's ways it was chosen by"
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision(precision)
    try:
        with on_device(): pass
        assert torch.get_float32_matmul_precision() == precision
    finally: torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize('name', MODELS)
def test_memory_of_the_card_is_worked_out_before_a_fit(name, gpu, monkeypatch):
    "Both numbers are named, and nothing has begun"
    monkeypatch.setattr('torch.cuda.mem_get_info', lambda device: (1000, 8*10**9))
    model = MODELS[name](device='cuda')
    with pytest.raises(MemoryError, match=r'would take \S+ GB on the GPU, and 1e-06 GB are there'): model.fit(ratings(900), quiet=True)
    assert 'ratings' not in vars(model)
    here = MODELS[name]().fit(ratings(900), quiet=True)
    if name in ('mf', 'implicit'):
        with pytest.raises(MemoryError, match='on the GPU'): here.recommend_all(3, device='cuda')


def test_twenty_five_million_ratings_fit_into_six_gigabytes(monkeypatch):
    "Worked out as before a fit: the sampler with 16 factors, and biases and 50 factors"
    asked, n, sizes = [], 25_000_000, (162_541, 59_047)
    for module in ('captured', 'gibbs_on_gpu'):
        monkeypatch.setattr(f'collab_course.{module}.check_card', lambda n_bytes, what, device: asked.append(n_bytes))
    x, y = np.broadcast_to(np.int32(0), (n, 2)), np.broadcast_to(0., n)
    monkeypatch.setattr('collab_course.gibbs_on_gpu.check_rows', lambda *args: (x, y))
    sample_on(CPU, x, y, sizes, 16) # which begins when it is first asked for a draw
    monkeypatch.setattr('collab_course.captured.on_device', mock.Mock(side_effect=ZeroDivisionError))
    W = np.broadcast_to(np.float32(0), (sum(sizes), 51))
    with pytest.raises(ZeroDivisionError): train_captured(CPU, W, x, y, sizes[0], 0, bs=65_536)
    assert len(asked) == 2 and all(2e8 < size < 6e9 for size in asked), asked


def test_ease_of_more_than_ten_thousand_items_is_saved_with_keep(tmp_path, gpu, monkeypatch):
    "The card's memory is the limit of a fit there, and not `max_items`"
    model = EASE(max_items=20, device='cuda').fit(ratings(900), quiet=True)
    assert len(model.weights) > 20
    with pytest.raises(ValueError, match='max_items=20 allows'): EASE(max_items=20).fit(ratings(900), quiet=True)
    model.weights = np.broadcast_to(np.float32(0), (10_001, 10_001))
    with pytest.raises(SavedModelError, match=r'10,001 items are 0\.4 GB.*clone\(keep=100\)'): model.save(tmp_path/'m')
    assert not (tmp_path/'m').exists()
    EASE(max_items=20, keep=3, device='cuda').fit(ratings(900), quiet=True).save(tmp_path/'m')
    assert load(tmp_path/'m').trained_on == 'cuda (Pretended GPU)'


def test_where_it_was_trained_is_a_text(tmp_path):
    model = DampedMeans().fit(tiny_ratings(), quiet=True)
    model.trained_on = 'cuda (some card)'
    model.save(tmp_path/'m')
    assert load(tmp_path/'m').trained_on == 'cuda (some card)'
    model.trained_on = 3
    with pytest.raises(ValueError, match='trained_on'): model.save(tmp_path/'m')


def test_weights_that_run_away_are_an_error(by_torch):
    with pytest.raises(FloatingPointError, match='lr=1'): BiasedMF(n_factors=4, lr=1, wd=10, n_epoch=60).fit(ratings(900), quiet=True)


# The command line

def command(*args):
    "Exit code, and what it said"
    done = CliRunner().invoke(cli, [str(o) for o in args])
    return done.exit_code, done.output


@pytest.mark.parametrize('device, says', [('gpu', "--device is 'cpu', 'cuda'"), ('mps', 'no sparse matrices'),
                                          ('cuda', "--device='cuda' is not here")])
@pytest.mark.parametrize('name', ['train', 'evaluate'])
def test_the_command_line_says_what_is_wrong_in_a_line(name, device, says, tmp_path):
    tiny_ratings().to_csv(tmp_path/'r.csv', index=False)
    out = ('--out', tmp_path/'m') if name == 'train' else ()
    code, said = command(name, tmp_path/'r.csv', '--model', 'biased-mf', '--device', device, *out, '--quiet')
    assert code == 2 and says in said and not (tmp_path/'m').exists()


@pytest.mark.parametrize('kind', ['biased-mf', 'bayes', 'implicit-mf', 'ease', 'pick-and-like'])
def test_the_command_line_trains_on_a_gpu(kind, gpu, tmp_path):
    tiny_ratings().to_csv(tmp_path/'r.csv', index=False)
    line = 'train', tmp_path/'r.csv', '--model', kind, '--out', tmp_path/'m', '--quiet', '--device'
    assert command(*line, 'cuda')[0] == 0
    assert 'cuda' in load(tmp_path/'m').trained_on
    assert command(*line, 'auto')[0] == 0
    assert load(tmp_path/'m').trained_on == 'cpu'


def test_the_command_line_knows_who_has_a_device(tmp_path):
    tiny_ratings().to_csv(tmp_path/'r.csv', index=False)
    code, said = command('train', tmp_path/'r.csv', '--model', 'item-knn', '--device', 'cuda', '--out', tmp_path/'m')
    assert code == 2 and '--device is an option of pick-and-like' in said and 'not of item-knn' in said


def test_an_update_may_run_elsewhere(gpu, tmp_path):
    "A loaded model is on the CPU, unless the command says otherwise"
    tiny_ratings().to_csv(tmp_path/'r.csv', index=False)
    for name, kind in (('mf', 'biased-mf'), ('knn', 'item-knn')):
        assert command('train', tmp_path/'r.csv', '--model', kind, '--out', tmp_path/name, '--quiet')[0] == 0
    for device, there in ((None, 'cpu'), ('cuda', 'cuda (Pretended GPU)'), ('auto', 'cpu')):
        more = () if device is None else ('--device', device)
        assert command('update', tmp_path/'mf', tmp_path/'r.csv', '--quiet', *more)[0] == 0
        assert load(tmp_path/'mf').trained_on == there
    for name, device, says in (('mf', 'gpu', "--device is 'cpu'"), ('mf', 'cuda:3', 'is not here'), ('knn', 'cuda', 'not of ItemKNN')):
        code, said = command('update', tmp_path/name, tmp_path/'r.csv', '--quiet', '--device', device)
        assert code == 2 and says in said, said


# bench/gpu.py bench

def test_the_bench_tries_itself(capsys, tmp_path):
    "Without a GPU it keeps nothing, unless asked"
    before = gpu_bench.RESULTS.exists()
    assert bench_gpu.main(['bench', '--device', 'cpu', '--small', '--out', str(tmp_path/'r.json')]) == 0
    printed, kept = capsys.readouterr().out, json.loads((tmp_path/'r.json').read_text())
    assert 'FAIL' not in printed and 'all measured' in printed and gpu_bench.RESULTS.exists() == before
    rows = kept['rows']
    assert len(rows) == 15 and {*kept['machine']} >= {'card', 'torch', 'cuda'}
    assert all(row['seconds'] >= 0 for row in rows) and all(row.get('same_bits', True) for row in rows)
    assert max(row.get('apart', 0) for row in rows) < 1e-4


def test_the_bench_runs_on_a_gpu(gpu, capsys, tmp_path):
    assert bench_gpu.main(['bench', '--small', '--out', str(tmp_path/'r.json')]) == 0
    assert 'FAIL' not in capsys.readouterr().out
    assert json.loads((tmp_path/'r.json').read_text())['machine']['card'] == 'Pretended GPU'


def test_make_gpu_checks_models_for_use(gpu, capsys):
    "... and says that lists are the same, and that two runs are"
    checks = bench_gpu.Checks(ratings(2000), torch.device('cuda:0'))
    bench_gpu.check_models(checks)
    printed = capsys.readouterr().out
    assert printed.count('ok ') == 8 and printed.count('equal to the bit') == 4 and not checks.failed, printed


def test_the_bench_says_what_failed(capsys, monkeypatch, tmp_path):
    def full(*args): raise MemoryError('a sweep would take 9 GB on the GPU, and 8 GB are there')
    monkeypatch.setattr(gpu_bench, 'measure_gibbs', full)
    assert bench_gpu.main(['bench', '--device', 'cpu', '--small', '--out', str(tmp_path/'r.json')]) == 1
    assert capsys.readouterr().out.count('FAIL: MemoryError: a sweep would take') == 3 and not (tmp_path/'r.json').exists()


def test_ratings_made_on_a_device_are_planted():
    "No pair twice, by user, half stars; the truth's own error is that of the noise"
    x, y, truth = gpu_bench.made_on(CPU, 200, 100, 5000)
    key = x[:, 0]*100+x[:, 1]
    assert len(x) == 5000 and (np.diff(key) > 0).all() and {*(2*y)} <= {*range(1, 11)} and .6 < truth < .8
    again = gpu_bench.made_on(CPU, 200, 100, 5000)
    assert (again[0] == x).all() and (again[1] == y).all()


@pytest.mark.parametrize('words, says', [
    ('bench --device cuda', "device='cuda' is not here"), ('--device cuda:7', "'cuda:7' is not here"),
    ('bench --device mps', 'no sparse matrices'), ('bench --device xyz', 'xyz'), ('bench foo', 'bench takes no more words: foo'),
    ('bench --device cpu --small --out no/such/x.json', 'there is no such folder')])
def test_the_bench_says_at_once_what_cannot_be(words, says, capsys):
    "Before minutes are spent"
    assert bench_gpu.main(words.split()) == 2
    assert says in capsys.readouterr().out


def test_a_sampler_that_runs_away_is_not_told_of_a_learning_rate(tmp_path):
    "Which it does not have"
    ratings(900).to_csv(tmp_path/'x.csv', index=False)
    def away(*args, **kwargs): raise FloatingPointError('a draw is no longer a number')
    with mock.patch('collab_course.bayes.BayesianMF._fit', away):
        done = CliRunner().invoke(cli, ['train', f'{tmp_path}/x.csv', '--out', f'{tmp_path}/m', '--model', 'bayes', '--quiet'])
    assert done.exit_code == 2 and 'training diverged' in done.output and '--lr' not in done.output
