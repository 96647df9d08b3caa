"Training loops: the seed is all that a fit takes, the bar moves, and what cannot be trained is refused"
from unittest import mock

import numpy as np
import pytest
import torch
from collab_course.data import load_ratings
from collab_course.dot_product import DotProduct
from collab_course.ids import tiny_ratings
from collab_course.loaders import collab_loaders
from collab_course.train import fit_loop, fit_losses, fit_together
from fastai.collab import CollabDataLoaders
from fastai.learner import Learner
from torch.nn.functional import mse_loss
from tqdm import tqdm

TINY = tiny_ratings()


@pytest.fixture(scope='module')
def ratings(): return load_ratings()


def new_model(dls, seed=42, **kwargs):
    "A new model, the same for the same seed"
    torch.manual_seed(seed)
    return DotProduct(len(dls.users), len(dls.items), **kwargs)


def new_learner(dls, **kwargs): return Learner(dls, new_model(dls, **kwargs), loss_func=mse_loss)


def test_a_seed_decides_a_fit(ratings):
    "The same seed gives the same losses"
    a, b = [fit_losses(new_learner(collab_loaders(ratings.iloc[:2000])), 1, quiet=True) for _ in range(2)]
    assert (a.values == b.values).all()


@pytest.mark.parametrize('n', range(1, 6))
def test_few_steps_end_at_a_number(ratings, n):
    "One cycle over one to five steps"
    few = collab_loaders(ratings, split=(range(64*n), []))
    assert np.isfinite(fit_loop(new_model(few), few, 1, quiet=True).train[0])


@pytest.mark.parametrize('fit', [lambda dls: fit_loop(new_model(dls), dls, 0),
                                 lambda dls: fit_losses(new_learner(dls), 0)], ids=['loop', 'Learner'])
def test_no_epoch_is_refused(fit):
    with pytest.raises(ValueError, match='n_epoch is'): fit(collab_loaders(TINY))


def test_models_that_cannot_step_together_are_refused(ratings):
    "Loaders of other lengths or on other devices, the same model twice, too few rates"
    some = ratings.iloc[:4000]
    a, b = [collab_loaders(some, bs=bs) for bs in (64, 128)]
    with pytest.raises(ValueError, match='unequal'): fit_together([new_model(a), new_model(b)], [a, b])
    b = collab_loaders(some, device='meta')
    with pytest.raises(ValueError, match=r"one device: \['cpu', 'meta'\]"):
        fit_together([new_model(a), new_model(b)], [a, b])
    model = new_model(a)
    for models, lr in ([], 1e-3), ([model, model], 1e-3), ([model], [1e-3, 2e-3]):
        with pytest.raises(ValueError, match='its own'): fit_together(models, [a for _ in models], 1, lr)


def test_model_has_a_row_for_each_id(ratings):
    assert sum(p.numel() for p in new_model(collab_loaders(ratings)).parameters()) == 50*(943+1682)


def test_fit_losses_gives_a_row_an_epoch():
    losses = fit_losses(new_learner(collab_loaders(TINY)), 2, quiet=True)
    assert (list(losses.columns), len(losses)) == (['train', 'valid'], 2)


def test_fit_losses_names_a_rate_that_is_too_high():
    wild = new_learner(collab_loaders(TINY), y_range=None)
    with pytest.raises(FloatingPointError, match='is lr=1 too high'): fit_losses(wild, 400, lr=1, wd=10, quiet=True)


def test_fit_losses_refuses_a_loader_without_batches():
    "fastai drops the last short batch, here the only one"
    none = CollabDataLoaders.from_df(TINY, item_name='movie', rating_name='rating', bs=64)
    model = new_model(collab_loaders(TINY))
    with pytest.raises(ValueError, match='has no batches'): fit_losses(Learner(none, model, loss_func=mse_loss), 2)


def test_learner_predicts_every_training_row():
    learn, train = new_learner(collab_loaders(TINY)), collab_loaders(TINY).train
    with learn.no_bar(): preds, targs = learn.get_preds(dl=train)
    assert len(preds) == 24 and torch.equal(targs.sort()[0], train.y.sort()[0])


def test_bar_moves_with_each_step_and_threads_come_back():
    learn, moved, threads = new_learner(collab_loaders(TINY)), [], torch.get_num_threads()
    with mock.patch.object(tqdm, 'update', lambda bar, n=1: moved.append(n)): fit_losses(learn, 3)
    assert moved == [1]*3*len(learn.dls.train)
    assert torch.get_num_threads() == threads
