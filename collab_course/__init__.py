"""Collaborative filtering: one table of ratings, one protocol for all models.

    from collab_course import BiasedMF, read_ratings
    model = BiasedMF().fit(read_ratings('ratings.csv'))
    model.recommend(42)

Each name is imported from its module when it is first asked for, so that importing the package
costs next to nothing. Written by hand; `__init__.pyi` says the same to editors and type checkers."""
from importlib import import_module

__version__ = "0.2.0"

_HOMES = {
    'Ratings': 'ratings', 'read_ratings': 'data', 'load_ratings': 'data',
    'evaluate': 'evaluation', 'leaderboard': 'evaluation',
    'Recommender': 'recommender', 'load': 'recommender', 'check_recommender': 'model_checks',
    'DampedMeans': 'recommender', 'Popularity': 'recommender', 'BiasedMF': 'biased_mf',
    'BayesianMF': 'bayes', 'Ensemble': 'evaluation', 'Choose': 'evaluation',
}
__all__ = [*_HOMES]


def __getattr__(name):
    "What the package hands on, imported now and kept"
    if name not in _HOMES: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    return value


def __dir__(): return sorted({*globals(), *_HOMES})
