"""All models and all questions, for a process in another environment: `python asking.py TASK FOLDER`

`answer` prints what the models saved in FOLDER answer, `train` what newly trained ones do."""
import json
import sys
import warnings
from pathlib import Path

import collab_course as cc
from collab_course.data import split_random
from collab_course.ratings import tiny_ratings

FEW = dict(n_factors=2)
MODELS = {
    'means': lambda: cc.DampedMeans(), 'popularity': lambda: cc.Popularity(),
    'mf': lambda: cc.BiasedMF(**FEW), 'bayes': lambda: cc.BayesianMF(**FEW, n_sweeps=8, burn_in=4),
    'ensemble': lambda: cc.Ensemble(cc.BiasedMF(**FEW), 2),
    'implicit': lambda: cc.ImplicitMF(**FEW), 'knn': lambda: cc.ItemKNN(k=3), 'ease': lambda: cc.EASE(),
    'ease 2': lambda: cc.EASE(keep=2, penalty=2.),
    'both': lambda: cc.PickAndLike(cc.EASE(weight='ones'), cc.BayesianMF(**FEW, n_sweeps=8, burn_in=4)),
    'choose': lambda: cc.Choose({'means': cc.DampedMeans(), 'mf': cc.BiasedMF(**FEW)}),
}
LIKES = {'Heat (1995)': 5, 'Emma (1996)': 1}


def trained():
    "One of each, on the table of six users"
    df = tiny_ratings()
    return {name: make().fit(df, quiet=True) for name, make in MODELS.items()}


def plain(value):
    "Something that JSON can hold"
    if hasattr(value, 'to_dict'): return value.to_dict('list')
    if isinstance(value, tuple): return [one.tolist() for one in value]
    return value.tolist()


def questions(model):
    "Each question, by name"
    user, items = model.ratings.users.ids[0], model.ratings.items.ids
    yield 'predict', lambda: model.predict(user, items)
    yield 'predict new', lambda: model.predict(LIKES, items)
    yield 'std', lambda: model.predict(user, items, return_std=True)
    yield 'interval', lambda: model.predict_interval(user, items, level=.5)
    yield 'interval new', lambda: model.predict_interval(LIKES, items, noise=False)
    yield 'recommend', lambda: model.recommend(user, 3, seen=True, min_ratings=2)
    yield 'recommend new', lambda: model.recommend(LIKES, 3, exclude=['Fargo (1996)'])
    yield 'surest', lambda: model.recommend(LIKES, 3, by='lower', min_ratings=0)
    yield 'recommend all', lambda: model.recommend_all(2, items=items[:4], min_ratings=0)
    yield 'similar', lambda: model.similar('Heat (1995)', min_ratings=0)
    yield 'find', lambda: model.find('a')
    yield 'explain', lambda: model.explain(user, 'Heat (1995)')
    yield 'explain new', lambda: model.explain(LIKES, 'Fargo (1996)')


def answers(model):
    "What a model answers to each; or that it cannot, which is an answer, too"
    found = {'repr': repr(model)}
    for name, ask in questions(model):
        try: found[name] = plain(ask())
        except NotImplementedError: found[name] = None
    return found


def scores(model):
    "What `evaluate` says of a model"
    df = tiny_ratings()
    return cc.evaluate(model, df, split_random(df), k=2).to_dict()


def train():
    "Answers and scores of new models, and the warnings on the way"
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        found = {name: answers(model) for name, model in trained().items()}
        judged = {name: scores(make()) for name, make in MODELS.items()}
    said = [str(one.message) for one in caught]
    return {'answers': found, 'scores': judged, 'warnings': said}


if __name__ == '__main__':
    task, folder = sys.argv[1], Path(sys.argv[2])
    if task == 'answer': found = {name: answers(cc.load(folder/name)) for name in MODELS}
    else: found = train()
    print(json.dumps({**found, 'modules': sorted(sys.modules)}))
