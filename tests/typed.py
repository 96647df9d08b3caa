"Every public method of the models, with the types that a caller has: read by mypy, never run"
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

import collab_course
from collab_course import (EASE, BayesianMF, BiasedMF, Choose, DampedMeans, Ensemble, FactorModel, FeatureMF, ImplicitMF,
                           ItemKNN, Person, PickAndLike, Popularity, Ratings, Recommender, check_recommender, evaluate,
                           leaderboard, load, load_ratings, ratings_store, read_ratings)


def models() -> Mapping[str, Recommender]:
    "One of each, with settings of every kind"
    return {'means': DampedMeans(damping=5.), 'popular': Popularity(),
            'mf': BiasedMF(n_factors=50, wd=.1, seed=42, y_range=(0, 5.5), n_epoch=None),
            'bayes': BayesianMF(n_factors=10, n_sweeps=None, seed=1),
            'ensemble': Ensemble(BiasedMF(), 3), 'choose': Choose({'mf': BiasedMF()}),
            'implicit': ImplicitMF(n_factors=32, n_epoch=16, unobserved=.4, penalty=.01, weight='ones', seed=1),
            'knn': ItemKNN(k=100, shrink=20., weight='log'), 'ease': EASE(penalty=None, max_items=10_000, keep=50),
            'both': PickAndLike(ImplicitMF(weight='ones'), BayesianMF(), good=4., power=.5)}


def train(model: BiasedMF, df: pd.DataFrame) -> BiasedMF:
    "A fit has the type of what was fitted"
    fitted: BiasedMF = model.fit(df, user='who', item='what', rating='stars', title=None, time=None, quiet=True)
    again: BiasedMF = model.clone(wd=.2).fit(Ratings(df))
    updated: BiasedMF = again.update(df)
    shown: dict[str, object] = model.widget_data({'Fargo (1996)': 5})
    toy: dict[str, object] = ImplicitMF().fit(df).widget_data({}, 5, presets={'x': {'Fargo (1996)': 5}}, n_items=9)
    return fitted if fitted.used and shown and toy else updated


def ask(model: Recommender, likes: dict[str, int]) -> pd.DataFrame:
    "Each question"
    stars: np.ndarray = model.predict(1, [1, 2])
    mean, std = model.predict(1, [1, 2], return_std=True, noise=False)
    low, high = model.predict_interval(1, 2, level=.5, noise=False)
    if model.ranks_only or model.trained_on != model.device: print(stars, mean, std, low, high)
    found: list[pd.DataFrame] = [
        model.recommend(1), model.recommend(likes, 5, items=[1, 2], exclude=['Fargo (1996)'], seen=True),
        model.recommend(likes, by='lower', level=.8, min_ratings=0, diversity=.2),
        model.recommend_all(3, users=[1], items=None, exclude=(), seen=False, min_ratings=5, diversity=.2, device='cpu'),
        model.similar('Fargo (1996)', n=3, min_ratings=1), model.find('fargo', 5), model.explain(1, 2, n=3),
    ]
    return pd.concat(found)


def keep(model: Recommender, folder: Path) -> Recommender:
    "Saved and loaded, by its class and by the file's"
    where: Path = model.save(folder, ratings=False)
    mine: BiasedMF = BiasedMF.load(where)
    known: Recommender = load(str(folder), classes=[BiasedMF])
    settings: dict[str, object] = model.settings()
    return mine if settings else known


def factors(folder: Path) -> FactorModel:
    "Those that another program has trained"
    plain: FactorModel = FactorModel.from_factors(users=[1], user_factors=np.ones((1, 2)), items=[7], item_factors=np.ones((1, 2)),
                                                  mean=3., link='identity', rating_limits=(1, 5), titles={7: 'Heat'}, penalty=.1)
    saved: FactorModel = FactorModel.from_spark(folder, users=['ada'], implicit=True, alpha=2.)
    return plain if plain.settings() else saved


def features(df: pd.DataFrame, users: pd.DataFrame) -> pd.DataFrame:
    "What is known of users, and somebody new of whom only that is known"
    model: FeatureMF = FeatureMF(user_features=users, item_features=None, chosen=True, noise_by_user=False).fit(df)
    top: pd.DataFrame = model.recommend(Person({7: 5.}, age=23), 5)
    return top if len(top) else model.feature_effects('users')


def judge(df: pd.DataFrame) -> pd.DataFrame:
    "Measures, and a table of them"
    row: pd.Series = evaluate(BiasedMF(), df, (np.arange(8), np.arange(8, 10)), k=None, good=4.)
    check_recommender(DampedMeans())
    print(row, collab_course.__version__)
    return leaderboard(dict(models()), df, seeds=(1, 2), k=10)


def table() -> Ratings:
    "What they learn from"
    ratings = Ratings(load_ratings(), title=None)
    part: Ratings = ratings.take([0, 1])
    stored: Ratings = ratings_store(['a.parquet', Path('b.parquet')], 'store', user='who', rating=None, quiet=True)
    part = part if len(stored) else Ratings.open('store')
    frame: pd.DataFrame = read_ratings('ratings.csv')
    return part if len(ratings) and len(frame) else Ratings(frame, user='who', rating=None)
