"The recommender: another process, frames of every kind, and files that are wrong"
import os
import random
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

warnings.filterwarnings('ignore', message='.*torch.jit.script')

from collab_course.evaluate import rating_range  # noqa: E402
from collab_course.recommend import Recommender, SavedModelError  # noqa: E402

quick = settings(max_examples=25, deadline=None, derandomize=True, database=None,
                 suppress_health_check=list(HealthCheck))

IDS = {'gaps': lambda k: 7+k*k*1000, 'huge': lambda k: 2**40+k, 'negative': lambda k: -3-k,
       'text': lambda k: 'item '+'abcdefgh'[k%8]*(1+k//8), 'digits': lambda k: f'{k:03}',
       'mixed': lambda k: f'{k}' if k%2 else f'x{k}', 'odd': lambda k: f'é"<{k}>\ud7ff\\'}


@st.composite
def frames(draw):
    "A small frame of ratings: ids of any kind, repeated pairs, titles that items may share"
    user, item = IDS[draw(st.sampled_from(sorted(IDS)))], IDS[draw(st.sampled_from(sorted(IDS)))]
    pairs = draw(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 11)), min_size=1, max_size=40))
    low, step = draw(st.sampled_from([(1, 1), (.5, .5), (0, 10)]))
    title = draw(st.lists(st.sampled_from(['Heat', 'Fargo', 'Alien', 'NA', '1', 'x0', '<b>']),
                          min_size=12, max_size=12)) if draw(st.booleans()) else list('ABCDEFGHIJKL')
    stars = [low + step*draw(st.integers(0, 4)) for _ in pairs]
    return pd.DataFrame({'who': [user(u) for u, _ in pairs], 'what': [item(i) for _, i in pairs],
                         'stars': stars, 'name': [title[i] for _, i in pairs]})


def fit(df, **kwargs):
    "A small recommender of a frame"
    options = {'n_factors': 3, 'n_epoch': 1, 'min_ratings': 2, 'quiet': True, **kwargs}
    return Recommender.fit(df, 'who', 'what', 'stars', 'name', **options)


def same(a, b):
    "Are two recommenders equal in all that they answer?"
    assert a.recommend_all().equals(b.recommend_all())
    for user in a.users.ids:
        assert a.predict(user, a.items.ids).tobytes() == b.predict(user, b.items.ids).tobytes()
    for item in a.items.ids: assert a.similar(item).equals(b.similar(item))
    some = {a.items.ids[0]: a.limits[1]}
    assert a.recommend_new(some).equals(b.recommend_new(some))


@quick
@given(frames(), st.integers(1, 14))
def test_a_list_keeps_its_promises(df, n):
    "Nothing seen by id or title, nothing twice, few ratings last, best first, the right length"
    rec = fit(df)
    count, titles = df.what.value_counts(), df.groupby('what').name.first()
    for user, mine in df.groupby('who'):
        seen = set(mine.name)
        top = rec.recommend(user, n)
        assert not set(top.title) & seen and not set(top['item']) & set(mine.what)
        assert top.title.is_unique and len(top) == min(n, df.name.nunique()-len(seen))
        assert top.few.tolist() == [bool(count[o] < 2) for o in top['item']] == sorted(top.few)
        assert top.title.tolist() == titles.loc[top['item'].tolist()].tolist()
        for _, part in top.groupby('few'): assert part.rating.is_monotonic_decreasing
        low, high = rating_range(df.stars)
        assert top.rating.between(low, high).all()
        assert top.rating.tolist() == rec.predict(user, top['item']).tolist()
        assert top.equals(rec.recommend(user, 100).head(n))


@quick
@given(frames(), st.randoms(use_true_random=False))
def test_order_does_not_matter(df, rnd):
    "Rows, columns and index in another order, other columns beside them: the same recommender"
    rows, cols = list(range(len(df))), [*df.columns, 'user', 'rating']
    rnd.shuffle(rows)
    rnd.shuffle(cols)
    other = df.assign(user=0, rating=9).iloc[rows][cols]
    other.index = rows[::-1]
    same(fit(df), fit(other))


@quick
@given(frames())
def test_save_and_load(tmp_path_factory, df):
    "A round trip changes nothing"
    rec = fit(df)
    folder = rec.save(tmp_path_factory.mktemp('saved'))
    again = Recommender.load(folder)
    same(rec, again)
    assert again.users.ids.tolist() == rec.users.ids.tolist()
    assert again.titles.tolist() == rec.titles.tolist() and (again.pairs == rec.pairs).all()
    assert again.save(folder) == folder and len(list(folder.iterdir())) == 2


@quick
@given(frames(), st.data())
def test_a_new_user(df, data):
    "The same person in any order of their ratings; nothing they rated comes back; nothing changes"
    rec = fit(df)
    before = rec.recommend_all()
    items = data.draw(st.lists(st.sampled_from(rec.items.ids.tolist()), unique=True))
    told = {o: data.draw(st.sampled_from(sorted(set(df.stars)))) for o in items}
    top = rec.recommend_new(told, 20)
    assert top.equals(rec.recommend_new(dict(reversed(told.items())), 20))
    seen = set(df.name[df.what.isin(items)])
    assert not set(top.title) & seen and len(top) == df.name.nunique()-len(seen)
    assert np.isfinite(top.rating).all() and rec.recommend_all().equals(before)


@quick
@given(frames())
def test_similar(df):
    "Never itself, by id or title; finite"
    rec = fit(df)
    for item, name in zip(rec.items.ids, rec.titles):
        near = rec.similar(item, 100)
        assert item not in set(near['item']) and name not in set(near.title)
        assert len(near) == df.name.nunique()-1 and near.similarity.between(-1, 1).all()


def example(seed=0):
    "A frame of 20 users and 30 items"
    rng = np.random.default_rng(seed)
    who, what = rng.integers(20, size=300), rng.integers(30, size=300)
    return pd.DataFrame({'who': who, 'what': what, 'stars': rng.integers(1, 6, 300), 'name': [f'T{o}' for o in what]})


CODE = """
import sys, warnings; warnings.filterwarnings('ignore')
from collab_course.recommend import Recommender
rec = Recommender.load(sys.argv[1])
users = rec.users.ids.repeat(len(rec.items))
print(rec.predict(users, [*rec.items.ids]*len(rec.users)).tobytes().hex())
"""


def test_another_process(tmp_path, python):
    "Saved here, loaded there: the same bytes"
    rec = fit(example(), n_epoch=3)
    here = rec.predict(rec.users.ids.repeat(len(rec.items)), [*rec.items.ids]*len(rec.users))
    there = python('-c', CODE, rec.save(tmp_path/'saved'))
    assert bytes.fromhex(there.strip()) == here.tobytes()


def test_the_callers_chance():
    "The same seed gives the same; global random numbers go on as if nothing had happened"
    def draws():
        random.seed(1), np.random.seed(1), torch.manual_seed(1)
        yield
        yield random.random(), np.random.rand(), torch.rand(1).item()
    plain = draws()
    next(plain)
    expected = next(plain)
    ours = draws()
    next(ours)
    a, b, c = fit(example()), fit(example(), seed=1), fit(example(), seed=None)
    assert next(ours) == expected
    same(a, fit(example()))
    assert not a.recommend_all().equals(b.recommend_all())
    assert not a.recommend_all().equals(c.recommend_all())


def test_loading_leaves_chance_alone(tmp_path):
    "Loading draws no random number of the caller's"
    folder = fit(example()).save(tmp_path/'saved')
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    Recommender.load(folder)
    assert torch.rand(1) == expected


@pytest.mark.parametrize('call', ['fsync', 'replace'])
@pytest.mark.parametrize('times', [0, 1])
def test_a_full_disk(tmp_path, monkeypatch, call, times):
    "An error while saving leaves the old one whole, and the next save cleans up"
    old, new = fit(example()), fit(example(1))
    folder, real, left = old.save(tmp_path/'saved'), getattr(os, call), [times]

    def failing(*args):
        left[0] -= 1
        if left[0] < 0: raise OSError('no space left on device')
        return real(*args)
    with monkeypatch.context() as m:
        m.setattr(os, call, failing)
        with pytest.raises(OSError, match='no space'): new.save(folder)
    same(Recommender.load(folder), old)
    assert not list(folder.glob('.*'))
    same(Recommender.load(new.save(folder)), new)
    assert len(list(folder.iterdir())) == 2


def test_every_cut_is_noticed(tmp_path):
    "Files cut off anywhere raise one clear error"
    folder = fit(example()).save(tmp_path/'saved')
    for file in list(folder.iterdir()):
        good = file.read_bytes()
        for size in np.linspace(0, len(good)-1, 15).astype(int):
            file.write_bytes(good[:size])
            with pytest.raises(SavedModelError, match=file.name): Recommender.load(folder)
        file.write_bytes(good)
    Recommender.load(folder)


def test_every_changed_bit_is_noticed(tmp_path):
    "Weights of which a single bit is another raise it, too"
    folder = fit(example()).save(tmp_path/'saved')
    file, = folder.glob('*.safetensors')
    good = file.read_bytes()
    for at in np.linspace(0, len(good)-1, 15).astype(int):
        bad = bytearray(good)
        bad[at] ^= 4
        file.write_bytes(bad)
        with pytest.raises(SavedModelError, match=file.name): Recommender.load(folder)
