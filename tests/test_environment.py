"What the environment says of others' packages: numba's settings, matplotlib's, no pyarrow"
import os
from pathlib import Path

import pandas as pd
import pytest

from collab_course import BiasedMF
from collab_course.ids import tiny_ratings

# As the console script does, from this checkout
RUN = 'from collab_course.app import main; main()'
TRAIN = 'train', 'ratings.csv', '--model', 'bayes', '--sweeps', '30', '--factors', '2', '--quiet'
SETTINGS = dict(n_epoch=2, n_factors=3, seed=1, lr=.05, bs=4, wd=.1)
FIT = f'''
import warnings
from collab_course import BiasedMF
from collab_course.ids import tiny_ratings
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    mf = BiasedMF(**{SETTINGS}).fit(tiny_ratings(), quiet=True)
print(*mf.predict(1, mf.ratings.items.ids))
print(*[one.message for one in caught if one.category is UserWarning], sep='|')
'''


@pytest.fixture
def ratings(tmp_path):
    "A folder with a file of ratings"
    rows = [(u, f'Film {m}', 1+(u*m)%5) for u in range(1, 31) for m in range(1, 21) if (u+m)%3]
    table = pd.DataFrame(rows, columns=['user', 'movie', 'rating'])
    table.to_csv(tmp_path/'ratings.csv', index=False)
    return tmp_path


NOWHERE = str(Path(os.devnull)/'cache')


@pytest.mark.parametrize('variables, says', [
    ({'NUMBA_NUM_THREADS': '1', 'NUMBA_CACHE_DIR': NOWHERE}, ''),
    ({'NUMBA_CPU_NAME': 'generic', 'NUMBA_BOUNDSCHECK': '1', 'NUMBA_CACHE_DIR': NOWHERE}, ''),
    ({'NUMBA_DISABLE_JIT': '1'}, 'NUMBA_DISABLE_JIT is set, so training is slow'),
    ({'NUMBA_NUM_THREADS': '0'}, 'numba does not start, so training is slow: '
                                 'Number of threads specified must be > 0.'),
], ids=str)
def test_settings_of_numba(variables, says, python):
    "Fits end where they end without; where numba is off, one line says why"
    mf = BiasedMF(**SETTINGS).fit(tiny_ratings(), quiet=True)
    there, said = python('-c', FIT, env={**os.environ, **variables}).splitlines()
    assert said == says
    assert [*map(float, there.split())] == pytest.approx(mf.predict(1, mf.ratings.items.ids), abs=1e-5)


@pytest.mark.parametrize('variables', [{'NUMBA_DISABLE_JIT': '1'}, {'NUMBA_CACHE_DIR': NOWHERE}],
                         ids=str)
def test_the_command_line_under_settings_of_numba(variables, ratings, python):
    "It trains the other compiled loop, too"
    env = {**os.environ, **variables, 'MPLBACKEND': 'nonsense'}
    python('-c', RUN, *TRAIN, '--out', 'model', cwd=ratings, env=env)
    assert (ratings/'model').is_dir()


BITS = """
import hashlib
from collab_course import BayesianMF, BiasedMF, ImplicitMF
from collab_course.ids import tiny_ratings
for m in (BiasedMF(5, n_epoch=3), BiasedMF(5, n_epoch=3, threads=2), BayesianMF(5, n_sweeps=30), ImplicitMF(5), ImplicitMF(32)):
    m.fit(tiny_ratings(), quiet=True)
    scores = b''.join(m.item_scores(user).tobytes() for user in range(6))
    print(type(m).__name__, hashlib.sha256(scores).hexdigest())
"""


def test_a_seed_means_the_same_compiled_or_from_the_cache(python, tmp_path):
    "To the last bit, of every model with compiled loops"
    env = {**os.environ, 'NUMBA_CACHE_DIR': str(tmp_path)}
    first, second = (python('-c', BITS, env=env) for _ in range(2))
    assert first == second and len(set(first.splitlines())) == 5


def test_a_tour_whatever_the_backend(ratings, python):
    "It draws into a file; fastai, too, imports matplotlib, which refuses a name that it does not know"
    table = pd.read_csv(ratings/'ratings.csv').assign(timestamp=1)
    table.movie = table.movie.str[5:]
    names = {'user': 'userId', 'movie': 'movieId'}
    table.rename(columns=names).to_csv(ratings/'ratings.csv', index=False)
    movies = [(m, f'Film {m} (1999)', 'Drama') for m in range(1, 21)]
    pd.DataFrame(movies, columns=['movieId', 'title', 'genres']).to_csv(ratings/'movies.csv', index=False)
    env = {**os.environ, 'MPLBACKEND': 'nonsense'}
    python('-c', RUN, 'tour', '--data', '.', '--epochs', '1', '--quiet', cwd=ratings, env=env)
    assert (ratings/'tour/tour.png').read_bytes().startswith(b'\x89PNG')


LIBRARY = '''
import sys
{before}
from collab_course import BiasedMF, evaluate, load, read_ratings
from collab_course.data import split_random
df = read_ratings('ratings.csv')
mf = BiasedMF(n_epoch=1, n_factors=3).fit(df, quiet=True)
mf.save('model')
print(*load('model').recommend(1).title, evaluate(mf, df, split_random(df)).round(6).to_dict())
'''


def test_without_pyarrow(ratings, python):
    "Text columns, which newer releases of pandas keep in it where it is there, are the same"
    with_it, without = (python('-c', LIBRARY.format(before=one), cwd=ratings)
                        for one in ('', "sys.modules['pyarrow'] = None"))
    assert with_it == without != ''
