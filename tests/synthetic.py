"Small frames of ratings for the tests of models: of every kind by hypothesis, and one example"
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

COLUMNS = {'user': 'who', 'item': 'what', 'rating': 'stars', 'title': 'name'}

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


def example(seed=0):
    "A frame of 20 users and 30 items"
    rng = np.random.default_rng(seed)
    who, what = rng.integers(20, size=300), rng.integers(30, size=300)
    return pd.DataFrame({'who': who, 'what': what, 'stars': rng.integers(1, 6, 300), 'name': [f'T{o}' for o in what]})
