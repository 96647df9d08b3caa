"One rule for devices: nothing moves to a GPU unless asked, what is asked for moves as a whole"
import copy
import json

import gpu as bench_gpu
import numpy as np
import pytest
import torch
from collab_course.bayes import BayesianMF
from collab_course.bias import DotProductBias
from collab_course.biased_mf import BiasedMF
from collab_course.by_hand import fit_by_hand
from collab_course.collab_nn import CollabNN
from collab_course.compare import copy_weights
from collab_course.dot_product import DotProduct
from collab_course.fast import fit_fast
from collab_course.ids import tiny_ratings
from collab_course.loaders import TensorDL, collab_loaders
from collab_course.params import DotProductBiasParams
from collab_course.tour import tour_models, tour_one
from collab_course.train import (fit_loop, fit_losses, fit_together, isolated_rng, mse_of,
                                 one_cycle)
from fastai.collab import CollabDataLoaders, collab_learner
from fastai.data.core import DataLoaders
from fastai.learner import Learner
from fastai.torch_core import default_device
from pretended import CPU, full, pretend
from torch import nn
from torch.nn.functional import embedding, mse_loss

GPUS = 'mps:0', 'cuda:0'


@pytest.fixture(params=GPUS)
def gpu(request):
    "A pretended GPU, which fastai takes for its default device"
    with pretend(request.param): yield full(request.param)


def new_model(kind=DotProductBias, **settings):
    torch.manual_seed(1)
    return kind(6, 6, **settings)


def loaders(device=None, **settings):
    return collab_loaders(tiny_ratings(), **{'bs': 4, 'device': device, **settings})


def places(model): return {p.device for p in model.parameters()}


def by_learner(model, dls, n_epoch, **settings):
    return fit_losses(Learner(dls, model, loss_func=mse_loss), n_epoch, quiet=True, **settings)


def by_torch_adam(model, dls, n_epoch):
    "PyTorch's optimizer in its other form, all tables at once"
    model.to(dls.device)
    opt = torch.optim.AdamW(model.parameters(), foreach=True)
    for _ in range(n_epoch):
        for x, y in dls.train:
            opt.zero_grad()
            mse_loss(model(x), y).backward()
            opt.step()
    return mse_of(model, dls.train), mse_of(model, dls.valid)


WAYS = {'fit_loop': lambda *o: fit_loop(*o, quiet=True), 'fit_by_hand': fit_by_hand,
        'fit_fast': lambda *o: fit_fast(*o, quiet=True), 'fit_losses': by_learner,
        'fit_together': lambda m, dls, n: fit_together([m], [dls], n, quiet=True)[0],
        'foreach': by_torch_adam}


# The pretended GPU itself

def test_tensors_keep_their_place(gpu):
    "Through operations, views, gradients, copies, optimizers; with the values of the CPU"
    x = torch.arange(6.).to(gpu)
    w = nn.Parameter(torch.ones(6, device=gpu))
    y = ((x*w)[2:].view(2, 2).T.exp()*2).sum()
    y.backward()
    opt = torch.optim.AdamW([w], fused=True)
    opt.step()
    made = [x, w, w.grad, w.data, x[1:], x.detach(), x.float(), x.new_zeros(3), x.long(), x.clone(),
            torch.zeros_like(x), torch.zeros(2, device=gpu), torch.tensor(1, device=gpu), y,
            copy.deepcopy(w), torch.as_tensor([1, 2], device=gpu), x*torch.tensor(2.),
            x[torch.tensor([0, 1])], torch.cat([x, x]), *opt.state[w].values()]
    assert {t.device for t in made} == {gpu}
    assert {t.device for t in (x.cpu(), x.to('cpu'), torch.zeros(2), torch.zeros_like(x.cpu()),
                               torch.zeros_like(x, device='cpu'))} == {CPU}
    assert w.grad.cpu().allclose(2*torch.arange(6.)*torch.tensor([0, 0, 1, 1, 1, 1]) *
                                 torch.arange(6.).exp())
    assert x.sum().item() == 15 and x.tolist() == [0, 1, 2, 3, 4, 5]
    assert x.cpu().numpy().sum() == 15 and default_device() == gpu


def test_gradients_find_the_way_back(gpu):
    w = nn.Parameter(torch.ones(2))
    (w.to(gpu)*torch.ones(2, device=gpu)).sum().backward()
    assert w.grad.device == CPU


def stale_optimizer(gpu):
    "The model is moved between two steps, and what the optimizer keeps stays behind"
    model = new_model().cpu()
    opt, _ = one_cycle(model.parameters(), 10, .01, .1)
    for device in ('cpu', gpu):
        model.to(device)
        x, y = loaders(device).one_batch()
        mse_loss(model(x), y).backward()
        opt.step()
        opt.zero_grad()


class Forgetful(DotProduct):
    "Makes a tensor without saying where"
    def score(self, x): return super().score(x) + torch.zeros(len(x))


class Recalling(DotProduct):
    "Has a table that is no parameter and no buffer"
    def __init__(self, *sizes):
        super().__init__(*sizes)
        self.means = torch.zeros(6)

    def score(self, x): return super().score(x) + self.means[x[:, 0]]


PLANTED = {
    'model on the CPU': lambda gpu: new_model()(loaders(gpu).one_batch()[0]),
    'batch on the CPU': lambda gpu: new_model().to(gpu)(loaders().one_batch()[0]),
    'ratings on the CPU': lambda gpu: mse_loss(torch.zeros(3, device=gpu), torch.zeros(3)),
    'table on the CPU': lambda gpu: torch.zeros(3)[torch.tensor([1], device=gpu)],
    'rows on the CPU': lambda gpu: embedding(torch.tensor([1]), torch.zeros(3, 2, device=gpu)),
    'optimizer left behind': stale_optimizer,
    'tensor without a device': lambda gpu: fit_loop(new_model(Forgetful), loaders(gpu), 1),
    'table left behind': lambda gpu: fit_loop(new_model(Recalling), loaders(gpu), 1),
    'generator of the CPU': lambda gpu: torch.randperm(3, generator=torch.Generator(), device=gpu),
    'written to the CPU': lambda gpu: torch.zeros(()).add_(torch.ones((), device=gpu)),
    'joined': lambda gpu: torch.cat([torch.zeros(1), torch.zeros(1, device=gpu)]),
    'to NumPy': lambda gpu: torch.zeros(3, device=gpu).numpy(),
    'to NumPy, indirectly': lambda gpu: np.asarray(torch.zeros(3, device=gpu)),
    'in a gradient': lambda gpu: torch.ones(2, requires_grad=True).to(gpu).backward(torch.ones(2)),
}


@pytest.mark.parametrize('bug', PLANTED)
def test_planted_bug_is_seen(bug, gpu):
    with pytest.raises((RuntimeError, TypeError), match='device'): PLANTED[bug](gpu)


def test_mps_has_no_float64():
    with pretend('mps:0'), pytest.raises(TypeError, match='float64'):
        torch.zeros(2).double().to('mps')


# The rule

@pytest.mark.parametrize('way', WAYS)
def test_unnamed_device_is_the_cpu(way, gpu):
    "Whatever fastai's default is, and wherever the model was"
    dls = loaders()
    assert {dls.device, dls.one_batch()[0].device, dls.valid.one_batch()[1].device} == {CPU}
    for model in (new_model(), new_model().to(gpu)):
        WAYS[way](model, dls, 1)
        assert places(model) == {CPU}


@pytest.mark.parametrize('way', WAYS)
def test_model_moves_to_the_named_device_and_stays(way, gpu):
    "... and learns there what it learns on the CPU"
    ends = []
    for device in (None, gpu):
        model, dls = new_model(), loaders(device)
        losses = WAYS[way](model, dls, 2)
        assert places(model) == {device or CPU} == {dls.device, dls.train.one_batch()[0].device}
        ends.append([np.asarray(losses), *(p.detach().cpu() for p in model.parameters())])
    for on_cpu, on_gpu in zip(*ends): assert (np.asarray(on_cpu) == np.asarray(on_gpu)).all()


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('named', [False, True])
def test_torchs_default_device_changes_nothing(way, named):
    "`torch.set_default_device`: models are made there, and go to where the loaders are"
    with pretend('cuda:0', default='cuda:0'):
        dls, model = loaders('cuda' if named else None), new_model()
        assert places(model) == {full('cuda')} and dls.device == (full('cuda') if named else CPU)
        WAYS[way](model, dls, 1)
        assert places(model) == {dls.device} and np.isfinite(mse_of(model, dls.valid))


@pytest.mark.parametrize('kind', [DotProduct, DotProductBias, DotProductBiasParams, CollabNN])
def test_models_of_the_course_train_on_a_gpu(kind, gpu):
    model, dls = new_model(kind), loaders(gpu)
    assert np.isfinite(fit_loop(model, dls, 1, quiet=True).valid[0]) and places(model) == {gpu}
    by_learner(model, dls, 1)


def test_losses_and_predictions_are_computed_where_the_model_is(gpu):
    for model, dls in ((new_model().to(gpu), loaders()), (new_model(), loaders(gpu))):
        assert mse_of(model, dls.valid) == mse_of(new_model(), loaders().valid)
        preds, targs = Learner(dls, model, loss_func=mse_loss).get_preds()
        assert mse_loss(preds, targs).item() == pytest.approx(mse_of(model, dls.valid))
    class Mean(nn.Module): # has no parameters
        def forward(self, x): return x[:, 0]*0. + 3
    assert mse_of(Mean(), loaders(gpu).train) == mse_of(Mean(), loaders().train)


def test_order_of_batches_is_the_same_everywhere(gpu):
    here, there = loaders(), loaders(gpu)
    for _ in range(2):
        assert [y.tolist() for _, y in here.train] == [y.tolist() for _, y in there.train]


def test_loaders_move(gpu):
    "All of it and back, also as fastai's `cuda` and `cpu` do; copies stay where they are made"
    dls = loaders()
    assert dls.cuda().device == gpu == dls.train.new(bs=2).one_batch()[0].device
    assert dls.cpu().device == CPU == dls.valid.one_batch()[0].device
    assert dls.train.to(gpu) is dls.train and dls.train.device == gpu
    parts = DataLoaders(TensorDL(dls.valid.x, dls.valid.y), dls.valid) # nothing said of a device
    model = new_model().to(gpu)
    fit_loop(model, parts, 1, quiet=True)
    assert places(model) == {CPU}


def test_models_trained_together_stand_together(gpu):
    models = [new_model(), new_model()]
    with pytest.raises(ValueError, match='more than one device'):
        fit_together(models, [loaders(), loaders(gpu)], 1)
    assert places(models[1]) == {CPU}
    with pytest.raises(ValueError, match='n_epoch is a whole number'): fit_loop(models[0], loaders(gpu), 0)
    with pytest.raises(ValueError, match='n_epoch is a whole number'): fit_fast(models[0], loaders(gpu), 0)
    assert places(models[0]) == {CPU}


def test_fastais_own_model_goes_where_fastai_says(gpu):
    "... and weights are copied across, there and back"
    df = tiny_ratings()
    theirs = CollabDataLoaders.from_df(df, item_name='movie', rating_name='rating', bs=4, seed=1,
                                       device=gpu)
    learn = collab_learner(theirs, n_factors=50, y_range=(0, 5.5))
    fit_losses(learn, 1, quiet=True)
    assert places(learn.model) == {gpu}
    dls, ours = loaders(), new_model()
    copy_weights(ours, learn.model, dls.users, dls.items)
    assert places(ours) == {CPU}
    copy_weights(ours, learn.model, dls.users, dls.items, back=True)
    rows = torch.tensor([[0, 0]])
    assert places(learn.model) == {gpu} and ours(rows).shape == (1,)


def test_tour_stays_on_the_cpu(gpu):
    for model in tour_models():
        row, _ = tour_one(loaders(), *model, n_epoch=1, quiet=True)
        assert np.isfinite(row['valid MSE'])


@pytest.mark.parametrize('device', [None, *GPUS])
def test_fits_leave_the_random_state_of_every_device(device):
    model = new_model()
    with pretend(device or 'cuda:0') as gen:
        torch.manual_seed(3)
        gen.manual_seed(4)
        states = torch.get_rng_state(), gen.get_state()
        drawn = []
        for _ in range(2):
            with isolated_rng(5):
                drawn.append([torch.rand(2, generator=o).tolist() for o in (None, gen)])
        assert drawn[0] == drawn[1]
        with pytest.raises(KeyError), isolated_rng(None): raise KeyError
        for way in WAYS.values(): way(copy.deepcopy(model), loaders(device), 1)
        for row in tour_models()[:2]: tour_one(loaders(device), *row, n_epoch=1, quiet=True)
        assert all(map(torch.equal, states, (torch.get_rng_state(), gen.get_state())))


USED = BiasedMF(n_epoch=2), BayesianMF(n_sweeps=6, burn_in=2)

@pytest.mark.parametrize('model', USED, ids=repr)
def test_models_for_use_look_at_no_default(model):
    df, pairs = tiny_ratings(), ([1, 2, 3], [1, 2, 3])
    items = sorted(set(df.movie))[:3]
    here = model.clone().fit(df, quiet=True).predict([1, 2, 3], items)
    with pretend('cuda:0', default='cuda:0'):
        there = model.clone().fit(df, quiet=True).predict([1, 2, 3], items)
    assert (here == there).all()


# bench/gpu.py

def test_gpu_bench_runs_on_a_gpu(capsys):
    with pretend('mps:0'): status = bench_gpu.main(['--rows', '900'])
    printed = capsys.readouterr().out
    assert status == 0 and 'FAIL' not in printed and ' MPS, PyTorch' in printed.splitlines()[0]
    assert printed.count('equal to the bit') == 3 and printed.splitlines()[-1][:8] == 'all fine'


def test_gpu_bench_says_what_failed(capsys, monkeypatch):
    def forget_to_move(model, dls, n): raise RuntimeError('Expected all tensors on one device')
    made = bench_gpu.ways()
    monkeypatch.setattr(bench_gpu, 'ways', lambda: {**made, 'fit_together': forget_to_move})
    assert bench_gpu.main(['--device', 'cpu', '--rows', '400']) == 1
    printed = capsys.readouterr().out
    assert 'FAIL  fit_together, bs 4096: RuntimeError: Expected all tensors' in printed
    assert '1 failed: fit_together' in printed.splitlines()[-1]


def test_gpu_bench_without_a_gpu_is_one_line(capsys, monkeypatch):
    monkeypatch.setattr(bench_gpu, 'find_device', lambda torch: None)
    assert bench_gpu.main([]) == 2
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith('no GPU here: PyTorch')


def test_gpu_bench_runs_cells_of_pages(tmp_path):
    "... and tells what fails from what cannot run here"
    cases = {'1+1': None, '1/0': 'ZeroDivisionError: division by zero', '#| eval: false\n1/0': None,
             'import no_such_package': "ModuleNotFoundError: No module named 'no_such_package'"}
    for i, (source, said) in enumerate(cases.items()):
        path = tmp_path/f'{i}.ipynb'
        cell = {'cell_type': 'code', 'id': 'a', 'source': [source]}
        path.write_text(json.dumps({'cells': [cell]}))
        assert bench_gpu.run_page(path) == said
