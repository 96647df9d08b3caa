"fastai's verbs on our loaders: each does what it says, or refuses and says what to do"
import io
import subprocess
import sys
import warnings
from contextlib import redirect_stdout

import numpy as np
import pandas as pd
import pytest
import torch
from collab_course.bias import DotProductBias
from collab_course.dot_product import DotProduct
from collab_course.ids import RatingsError, UnknownIdError, tiny_ratings
from collab_course.loaders import TensorDL, collab_loaders
from collab_course.ratings import Ratings
from collab_course.train import fit_losses, mse_of
from fastai.callback import schedule # noqa: F401: gives `Learner` its `lr_find`
from fastai.collab import collab_learner
from fastai.learner import Learner, load_learner
from torch.nn.functional import mse_loss

TINY = tiny_ratings()
PAIRS = TINY[['user', 'movie']].iloc[::-1].reset_index(drop=True)


@pytest.fixture
def learn(tmp_path):
    "A Learner on our loaders, trained a little"
    torch.manual_seed(1)
    dls = collab_loaders(TINY, bs=4)
    learn = Learner(dls, DotProductBias(6, 6), loss_func=mse_loss, path=tmp_path)
    fit_losses(learn, 2, quiet=True)
    with learn.no_bar(): yield learn


def predicted(learn, df):
    "What the model says, pair by pair, without any loader"
    rows = np.stack([learn.dls.users[df.user], learn.dls.items[df.movie]], axis=1)
    learn.model.eval()
    with torch.no_grad(): return learn.model(torch.from_numpy(rows))


def said(f):
    "What is shown outside of a notebook"
    with redirect_stdout(io.StringIO()) as out: f()
    return out.getvalue()


def quietly(f, *args):
    with warnings.catch_warnings():
        warnings.simplefilter('ignore') # fastai's, of pickle
        return f(*args)


ROWS = {'frame': lambda df: df, 'with ratings': lambda df: df.assign(rating=3),
        'other columns': lambda df: df[['movie', 'user']].assign(rated_at=1).set_axis(df.user),
        'text ids': lambda df: df.astype(str), 'array': lambda df: df.to_numpy(),
        'pairs': lambda df: [*df.itertuples(index=False, name=None)],
        'rows': lambda df: [row for _, row in df.iterrows()], 'dicts': lambda df: df.to_dict('records')}


@pytest.mark.parametrize('kind', ROWS)
def test_test_dl_takes_new_rows_in_their_order(kind, learn):
    dl = learn.dls.test_dl(ROWS[kind](PAIRS))
    preds, targs = learn.get_preds(dl=dl)
    assert torch.equal(preds, predicted(learn, PAIRS)) and dl.n == len(PAIRS)
    assert targs.tolist() == [3.]*len(PAIRS) if kind == 'with ratings' else targs is None


def test_test_dl_takes_ratings_of_other_vocabularies(learn):
    few = TINY[TINY.user > 2]
    preds, targs = learn.get_preds(dl=learn.dls.test_dl(Ratings(few)))
    assert torch.equal(preds, predicted(learn, few)) and targs.tolist() == few.rating.tolist()


def test_test_dl_takes_the_columns_of_the_loaders():
    other = TINY.rename(columns={'user': 'who', 'movie': 'what', 'rating': 'stars'})
    dls = collab_loaders(other, 'who', 'what', 'stars')
    x, y = dls.test_dl(other.head(3)).one_batch()
    assert dls.users.ids[x[:, 0]].tolist() == other.who[:3].tolist()
    assert y.tolist() == other.stars[:3].tolist()
    with pytest.raises(RatingsError, match="'who' is missing"): dls.test_dl(TINY)


@pytest.mark.parametrize('rows, error, said', [
    ([(1, 999)], UnknownIdError, '999'), ([(99, 1)], UnknownIdError, '99'),
    (PAIRS[['user']], RatingsError, "'movie' is missing"), ([1, 2], TypeError, 'user id, item id'),
    (PAIRS.assign(rating='good'), RatingsError, 'not a number'),
    ('ratings.csv', TypeError, 'DataFrame'), (torch.zeros(3, 2), TypeError, 'DataFrame'),
    (PAIRS.astype(float).replace(1, np.nan), RatingsError, 'missing')])
def test_test_dl_refuses_what_it_cannot_look_up(rows, error, said, learn):
    with pytest.raises(error, match=said): learn.dls.test_dl(rows)


def test_no_rows_in_no_rows_out(learn):
    dl = learn.dls.test_dl(PAIRS.head(0))
    assert list(dl) == [] and len(dl) == dl.n == 0
    with pytest.raises(ValueError, match='no rows'): dl.one_batch()
    with pytest.raises(ValueError, match='no rows'): learn.dls.test_dl([]).show_batch()


@pytest.mark.parametrize('rows', [PAIRS.head(1), TINY.tail(1)], ids=['alone', 'with its rating'])
def test_get_preds_of_one_row_are_arrays_of_one(rows, learn):
    dl = learn.dls.test_dl(rows)
    want = predicted(learn, rows)
    inputs, preds, targs = learn.get_preds(dl=dl, with_input=True)
    assert torch.equal(preds, want) and preds.shape == (1,) and inputs.shape == (1, 2)
    if targs is None: return
    assert targs.tolist() == rows.rating.tolist()
    *_, losses = learn.get_preds(dl=dl, with_loss=True)
    assert torch.equal(losses, (want-targs)**2) and losses.shape == (1,)
    assert learn.validate(dl=dl)[0] == pytest.approx(losses.item())


def test_one_row_is_predicted_as_in_a_batch(learn):
    "A pair, a row of a frame, a dict: item with its title, prediction for it"
    want = predicted(learn, TINY)[0]
    for item in ((TINY.user[0], TINY.movie[0]), TINY.iloc[0], {'user': 1, 'movie': TINY.movie[0]}):
        decoded, _, pred = learn.predict(item)
        assert decoded == pred == want
    row, *_ = learn.predict((TINY.user[0], TINY.movie[0]), with_input=True)
    assert row == (TINY.user[0], TINY.title[0])
    with pytest.raises(UnknownIdError, match='12345'): learn.predict((12345, 1))


@pytest.mark.parametrize('ds_idx', [0, 1])
def test_get_preds_and_validate_take_every_row_in_order(ds_idx, learn):
    dl = learn.dls[ds_idx]
    preds, targs, losses = learn.get_preds(ds_idx=ds_idx, with_loss=True)
    assert torch.equal(targs, dl.y) and torch.allclose(losses, (preds-targs)**2)
    assert mse_loss(preds, targs).item() == pytest.approx(mse_of(learn.model, dl))
    assert learn.validate(ds_idx)[0] == pytest.approx(mse_of(learn.model, dl))
    assert learn.validate(dl=learn.dls.test_dl(TINY))[0] > 0


def test_get_preds_of_a_loader_with_another_order(learn):
    "Predictions come in the order of the loader's rows"
    dl = learn.dls.valid.new(shuffle=True, bs=2)
    preds, targs = learn.get_preds(dl=dl)
    assert torch.equal(targs, learn.dls.valid.y) and torch.equal(preds, learn.get_preds()[0])


def test_export_is_loaded_in_another_process(learn):
    "Without any ratings, and it predicts the same"
    want = predicted(learn, PAIRS)
    before = learn.dls
    learn.export('model.pkl')
    assert learn.dls is before and learn.dls.train.n == 24
    fit_losses(learn, 1, quiet=True) # goes on
    code = ('import sys, warnings; warnings.simplefilter("ignore")\n'
            'from collab_course.ids import tiny_ratings\n'
            'from fastai.learner import load_learner\n'
            'learn = load_learner(sys.argv[1])\n'
            'pairs = tiny_ratings()[["user", "movie"]].iloc[::-1]\n'
            'preds, _ = learn.get_preds(dl=learn.dls.test_dl(pairs))\n'
            'print(learn.dls.train.n, learn.dls.valid.n, len(learn.dls.users), preds.tolist())')
    line = [sys.executable, '-c', code, learn.path/'model.pkl']
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split('\n')[-2] == f'0 0 6 {want.tolist()}'


def test_exported_learner_predicts_in_whole_batches(learn):
    learn.export('model.pkl')
    loaded = quietly(load_learner, learn.path/'model.pkl')
    assert loaded.dls.test_dl(TINY).bs == 30 and loaded.dls.valid.max_bs == 4096
    with loaded.no_bar(): assert loaded.predict((1, 1))[2] == learn.predict((1, 1))[2]
    assert str(loaded.dls.device) == 'cpu'


def test_save_and_load_restore_model_and_optimizer(learn):
    want = predicted(learn, PAIRS)
    learn.save('here')
    fit_losses(learn, 1, quiet=True)
    assert not torch.equal(predicted(learn, PAIRS), want)
    learn.load('here')
    assert torch.equal(predicted(learn, PAIRS), want)
    def fresh(model): return Learner(learn.dls, model, loss_func=mse_loss, path=learn.path)
    assert torch.equal(predicted(fresh(DotProductBias(6, 6)).load('here'), PAIRS), want)
    with pytest.raises(RuntimeError, match='size mismatch'):
        fresh(DotProductBias(7, 6)).load('here')


def test_results_are_shown_with_ids_titles_and_predictions(learn):
    shown = said(lambda: learn.show_results(max_n=3))
    assert shown.count('\n') == 4 and shown.split()[:4] == ['user', 'item', 'rating', 'prediction']
    assert any(title in shown for title in TINY.title)
    assert 'prediction' in said(lambda: learn.show_results(ds_idx=0))
    no_ratings = learn.dls.test_dl(PAIRS)
    shown = said(lambda: learn.show_results(dl=no_ratings, max_n=100))
    assert shown.split()[:3] == ['user', 'item', 'prediction'] and shown.count('\n') == 31


def test_batches_are_shown(learn):
    assert said(lambda: learn.dls.show_batch(max_n=2)).count('\n') == 3
    batch = learn.dls.valid.one_batch()
    assert said(lambda: learn.dls.show_batch(b=batch)) == said(lambda: learn.dls.valid.show_batch())
    assert 'rating' not in said(lambda: learn.dls.test_dl(PAIRS).show_batch())
    plain = TensorDL(torch.tensor([[0, 1]]), torch.tensor([3.])) # without names: row numbers
    assert said(plain.show_batch).split()[-3:] == ['0', '1', '3.0']


def test_datasets_are_rows_and_ratings(learn):
    dls = learn.dls
    assert (len(dls.train_ds), len(dls.valid_ds), len(dls.new_empty().train_ds)) == (24, 6, 0)
    x, y = dls.valid_ds[0]
    assert torch.equal(x, dls.valid.x[0]) and y == dls.valid.y[0]
    assert dls.new_empty().users is dls.users


def test_looking_leaves_the_order_of_batches(learn):
    dls, same = (collab_loaders(TINY, bs=4) for _ in range(2))
    dls.one_batch()
    said(dls.show_batch)
    looking = Learner(dls, learn.model, loss_func=mse_loss)
    with looking.no_bar():
        looking.get_preds(ds_idx=0)
        said(lambda: looking.show_results(ds_idx=0))
    for _ in range(2):
        assert [y.tolist() for _, y in dls.train] == [y.tolist() for _, y in same.train]


def test_new_takes_settings_and_refuses_others(learn):
    dl = learn.dls.train
    assert dl.new(bs=100).bs == 24 and dl.new().new(bs=5).bs == 5 and dl.new(num_workers=2).bs == 4
    assert torch.equal(dl.new(shuffle=False, bs=24).one_batch()[1], dl.y)
    plain = learn.dls.new(shuffle=False, bs=24) # of the training rows
    assert torch.equal(plain.one_batch()[1], dl.y)
    class Backwards(TensorDL):
        def get_idxs(self): return torch.arange(self.n).flip(0)
    back = dl.new(cls=Backwards)
    assert type(back) is type(back.new()) is Backwards and back.one_batch()[1][0] == dl.y[-1]
    with pytest.raises(TypeError, match="'batchsize' is not a setting"): dl.new(batchsize=3)
    with pytest.raises(ValueError, match='drop_last'): dl.new(drop_last=True)
    with pytest.raises(ValueError, match='at least one row'): dl.new(bs=0)
    with pytest.raises(ValueError, match='knows no ids'): TensorDL(dl.x, dl.y).new(TINY)


def test_lr_find_leaves_the_model(learn):
    want = predicted(learn, PAIRS)
    found = learn.lr_find(show_plot=False, num_it=30)
    assert 0 < found.valley < 10 and torch.equal(predicted(learn, PAIRS), want)


def test_collab_learner_is_refused_with_what_to_do(learn):
    with pytest.raises(TypeError, match=r'Learner\(dls, DotProductBias'): collab_learner(learn.dls)


def test_model_without_ratings_to_check_is_not_scored(learn):
    new = learn.dls.test_dl(PAIRS)
    with pytest.raises(ValueError, match='no ratings'): mse_of(learn.model, new)
    assert np.isnan(mse_of(learn.model, learn.dls.valid.new(TINY.head(0))))


def test_own_model_trains_on_any_loader(learn):
    other = Learner(learn.dls, DotProduct(6, 6), loss_func=mse_loss, metrics=mse_loss)
    with other.no_bar(), other.no_logging(): other.fit(1)
    assert other.recorder.values[0][1] == pytest.approx(other.recorder.values[0][2])
