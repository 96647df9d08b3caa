"""Lists of other libraries on our splits, judged by our `evaluate`, every setting that we tried; and an
iteration of `ImplicitMF` beside one of `implicit`, both on one thread"""
from importlib.metadata import version as version_of

import numpy as np
from common import cpu
from collab_course import __version__, EASE, ImplicitMF, Ratings, Recommender, evaluate, load_ratings
from collab_course.data import split_random
from lists import stratified_split
from made import SHAPES, pairs


def version(package): return __version__ if package == 'collab_course' else version_of(package)


def matrix(ratings, weight):
    "Users by items, each click with its weight"
    from collab_course.implicit import pair_weights
    from scipy.sparse import csr_matrix
    x, w = pair_weights(ratings, weight)
    return csr_matrix((w, x.T), shape=(len(ratings.users), len(ratings.items)))


class Peer(Recommender):
    "Another library's model: `make` gives scores of all users for all items, shape (n_users,n_items)"
    ranks_only = True
    def __init__(self, make, settings): self.make, self.how = make, settings
    def _fit(self, ratings):
        X = matrix(ratings, 'ones')
        self.seconds, self.table = cpu(lambda: np.asarray(self.make(X, ratings, **self.how)))
    def _scores(self, user): return self.table[user].astype(float)
    def clone(self): return self # so that what was fitted can be asked for its time
    def fit(self, df, quiet=True):
        self.ratings = df
        self._fit(df.by_order())
        return self


def irspack_ials(X, r, **how):
    from irspack import IALSRecommender
    return IALSRecommender(X, n_threads=1, **how).learn().get_score_block(0, X.shape[0])


def irspack_ease(X, r, **how):
    from irspack import DenseSLIMRecommender
    return DenseSLIMRecommender(X, **how).learn().get_score_block(0, X.shape[0])


def implicit_als(X, r, **how):
    from implicit.als import AlternatingLeastSquares
    m = AlternatingLeastSquares(num_threads=1, random_state=42, **how)
    m.fit(X, show_progress=False)
    return m.user_factors@m.item_factors.T


def implicit_bpr(X, r, **how):
    from implicit.bpr import BayesianPersonalizedRanking
    m = BayesianPersonalizedRanking(num_threads=1, random_state=42, **how)
    m.fit(X, show_progress=False)
    return m.user_factors@m.item_factors.T


def cornac_model(X, r, name='EASE', **how):
    import cornac
    rows = [(int(u), int(i), float(w)) for u, i, w in zip(*X.nonzero(), X.data)]
    data = cornac.data.Dataset.from_uir(rows, seed=42)
    m = getattr(cornac.models, name)(verbose=False, **how).fit(data)
    res = np.full(X.shape, -np.inf)
    column = [data.iid_map[i] for i in range(X.shape[1]) if i in data.iid_map]
    known = [i for i in range(X.shape[1]) if i in data.iid_map]
    for u in range(X.shape[0]): res[u, known] = np.ravel(m.score(data.uid_map[u]))[column]
    return np.where(np.isfinite(res), res, res[np.isfinite(res)].min()-1)


def lenskit_als(X, r, **how):
    from lenskit.als import ImplicitMFScorer
    from lenskit.data import from_interactions_df
    from lenskit.training import TrainingOptions
    import pandas as pd
    u, i = X.nonzero()
    data = from_interactions_df(pd.DataFrame({'user_id': u, 'item_id': i}))
    m = ImplicitMFScorer(**how)
    m.train(data, TrainingOptions(rng=42))
    res = np.zeros(X.shape)
    res[np.ix_(data.users.ids(), data.items.ids())] = np.asarray(m.user_embeddings)@np.asarray(m.item_embeddings).T
    return res


# The library, and every setting that we tried, its defaults first
PEERS = {'irspack iALS': ('irspack', irspack_ials, [
             {'alpha0': .1}, {'n_components': 32, 'alpha0': .4, 'reg': .01}, {'n_components': 64, 'alpha0': .2, 'reg': .01},
             {'n_components': 32, 'alpha0': .2, 'reg': .005}]),
         'irspack EASE': ('irspack', irspack_ease, [{}, {'reg': 200}, {'reg': 300}, {'reg': 500}]),
         'implicit ALS': ('implicit', implicit_als, [
             {}, {'factors': 32}, {'factors': 32, 'alpha': 2.}, {'factors': 32, 'alpha': 2., 'regularization': 5.}]),
         'implicit BPR': ('implicit', implicit_bpr, [
             {}, {'factors': 64, 'learning_rate': .05}, {'factors': 64, 'learning_rate': .05, 'iterations': 200}]),
         'Cornac EASE': ('cornac', cornac_model, [{}, {'posB': False, 'lamb': 300}]),
         'Cornac BPR': ('cornac', lambda X, r, **how: cornac_model(X, r, 'BPR', num_threads=1, seed=42, **how), [
             {}, {'k': 64, 'max_iter': 200, 'learning_rate': .05, 'lambda_reg': .005}]),
         'LensKit ALS': ('lenskit', lenskit_als, [{}, {'embedding_size': 32}, {'embedding_size': 32, 'weight': 10}, {'embedding_size': 32, 'weight': 2}])}


def measure_accuracy():
    "On Microsoft's split, and on a random one, where what has 4 stars or more counts"
    df = load_ratings()
    r, rows = Ratings(df), []
    cases = [('Microsoft', stratified_split(df), 1.), ('random 80/20', split_random(r, seed=42), None)]
    for protocol, split, good in cases:
        def add(name, package, model, settings, tries):
            found = evaluate(model, r, split, good=good, quiet=True)
            rows.append({'protocol': protocol, 'library': f'{name} {version(package)}', 'settings': settings, 'tries': tries,
                         'seconds': model.seconds, **{o: float(found[o]) for o in ('ndcg', 'recall', 'precision', 'map')}})
            print(rows[-1], flush=True)
        ours = {'ImplicitMF': ImplicitMF(weight='ones'), 'EASE': EASE(weight='ones')}
        for name, model in ours.items():
            model.fit(r, quiet=True) # compiles
            model.seconds = cpu(lambda: model.clone().fit(r.take(split[0]), quiet=True))[0]
            add(name, 'collab_course', model, {}, 1)
        for name, (package, make, tries) in PEERS.items():
            for settings in tries:
                try: add(name, package, Peer(make, settings), settings, len(tries))
                except Exception as e: print(f'{name} {settings}: {e!r}', flush=True)
    return rows


def measure_iterations(shapes=('ml-1m', 'ml-10m', 'ml-25m'), n_factors=64, most=4):
    "CPU seconds of an iteration with so many factors: (time of `most` - time of one)/(most-1), in turn"
    from collab_course.als import train_factors
    from implicit.als import AlternatingLeastSquares
    from scipy.sparse import csr_matrix
    rows = []
    for shape in shapes:
        u, i = pairs(shape, np.random.default_rng(0))
        n_users, n_items, n = SHAPES[shape]
        order = np.lexsort((i, u))
        x, w = np.stack([u[order], i[order]], axis=1).astype('int32'), np.ones(n, 'float32')
        X = csr_matrix((w, x.T), shape=(n_users, n_items))
        def ours(n_epoch): train_factors(x, w, (n_users, n_items), n_factors, n_epoch, .4, .01, np.random.default_rng(0))
        def theirs(n_epoch):
            m = AlternatingLeastSquares(n_factors, num_threads=1, iterations=n_epoch, random_state=0)
            m.fit(X, show_progress=False)
        ours(1)
        taken = {name: [cpu(lambda: run(k))[0] for k in (1, most)] for name, run in (('ImplicitMF', ours), ('implicit', theirs))}
        rows.append({'shape': shape, 'factors': n_factors} | {k: (b-a)/(most-1) for k, (a, b) in taken.items()})
        rows[-1]['ratio'] = rows[-1]['ImplicitMF']/rows[-1]['implicit']
        print(rows[-1], flush=True)
    return rows


def measure(): return measure_accuracy() + measure_iterations()
