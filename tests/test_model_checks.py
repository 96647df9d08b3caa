"Every model passes check_recommender; for each check a broken model fails that check and no other"
import time

import numpy as np
import pytest
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.ease import EASE
from collab_course.evaluation import Choose, Ensemble
from collab_course.feature_mf import FeatureMF
from collab_course.ids import UnknownIdError
from collab_course.implicit_mf import ImplicitMF
from collab_course.item_knn import ItemKNN
from collab_course.model_checks import check_recommender, model_checks
from collab_course.pick_and_like import PickAndLike
from collab_course.ranking import rank_items
from collab_course.ratings import Ratings
from collab_course.recommender import DampedMeans, Popularity
from pandas import DataFrame

SMALL = BiasedMF(n_factors=3, n_epoch=2)
PICK_AND_LIKE = PickAndLike(ImplicitMF(3, weight='ones'), BayesianMF(2, n_sweeps=12, burn_in=4))
MODELS = [DampedMeans(), DampedMeans(items=False, damping=0), Popularity(), BiasedMF(n_factors=5), BiasedMF(n_factors=0),
          BayesianMF(n_factors=3, n_sweeps=30, burn_in=5), Ensemble(SMALL, 3), Choose({'means': DampedMeans(), 'mf': SMALL}),
          Choose({'popular': Popularity(), 'means': DampedMeans()}, by='ndcg'),
          ImplicitMF(n_factors=3, n_epoch=4), ImplicitMF(n_factors=40, n_epoch=2, weight='ones'), ItemKNN(k=5), EASE(),
          EASE(penalty=3., keep=4, weight='ones'), PICK_AND_LIKE, Choose({'both': PICK_AND_LIKE}), Ensemble(PICK_AND_LIKE, 2),
          FeatureMF(n_factors=3, n_sweeps=30, burn_in=5)]


@pytest.mark.parametrize('model', MODELS, ids=repr)
def test_every_model_passes_all_checks(model):
    "A fresh process included"
    assert check_recommender(model).passed.all()


class OrderOfRows(DampedMeans):
    "Its mean depends on the first row"
    def fit(self, df=None, **columns):
        super().fit(df, **columns)
        self.mean += 1e-3*(1+self.ratings.x[0, 0])
        return self


class OrderOfColumns(DampedMeans):
    "It looks at the first column"
    def fit(self, df=None, **columns):
        super().fit(df, **columns)
        self.mean += 1e-3*(isinstance(df, DataFrame) and df.columns[0] != 'user')
        return self


class CloneAndRefit(DampedMeans):
    "Its clone has forgotten a setting"
    def clone(self, **changed): return type(self)()


class FailedFit(DampedMeans):
    "It forgets before it has learned"
    def fit(self, df=None, **columns):
        if 'ratings' in vars(self): self.mean = 0.
        return super().fit(df, **columns)


class Update(DampedMeans):
    "It learns the newer ratings only"
    def update(self, df, *, quiet=False): return self.fit(self.ratings.table_like(df), quiet=quiet)


class RowsAlone(DampedMeans):
    "A pair alone gets another prediction"
    def _predict(self, u, i): return super()._predict(u, i) + 1e-6*(len(u) == 1)


class EmptyInput(DampedMeans):
    "It always predicts something"
    def predict(self, who, items, **kwargs): return super().predict(who, items, **kwargs) if np.size(items) else np.zeros(1)


class Limits(DampedMeans):
    "Its predictions leave the scale"
    def _limited(self, preds): return preds+10


class UnknownIds(DampedMeans):
    "It has an answer for everybody"
    def predict(self, who, items, **kwargs):
        try: return super().predict(who, items, **kwargs)
        except UnknownIdError: return np.full(2, 3.)


class NewUsers(DampedMeans):
    "The first of a new user's ratings counts for more"
    def recommend(self, who, n=10, **kwargs):
        top = super().recommend(who, n, **kwargs)
        return top.assign(rating=top.rating - 1e-3*list(who.values())[0]) if isinstance(who, dict) else top


class SeenItems(DampedMeans):
    "It never lists what was seen, even when asked to"
    def recommend(self, who, n=10, **kwargs): return super().recommend(who, n, **{**kwargs, 'seen': False})


class FilteredItems(DampedMeans):
    "It lists what is excluded"
    def _among(self, items, exclude): super()._among(items, exclude)


class TitlesOnce(DampedMeans):
    "It takes ids for films"
    def rank(self, scores, rated, n, among=None, min_ratings=20, ties=False):
        few = self.ratings.counts < min_ratings
        return rank_items(scores, np.arange(len(few)), few, rated, n, among, ties)


class FewRatingsLast(DampedMeans):
    "It ranks by scores alone"
    def rank(self, scores, rated, n, among=None, min_ratings=20, ties=False):
        return super().rank(scores, rated, n, among, 0, ties)


class BestFirst(DampedMeans):
    "Its best two change places"
    def rank(self, scores, rated, n, among=None, min_ratings=20, ties=False):
        rows = super().rank(scores, rated, n, among, min_ratings, ties)
        return rows if (self.ratings.counts[rows[:2]] < min_ratings).any() else np.r_[rows[:2][::-1], rows[2:]]


class AllLists(DampedMeans):
    "Lists for all are other lists"
    def recommend_all(self, n=10, **kwargs): return super().recommend_all(n, **kwargs).iloc[::-1]


class SaveAndLoad(DampedMeans):
    "It keeps something where nothing is saved"
    def _fit(self, ratings):
        super()._fit(ratings)
        self._kept = True

    def _predict(self, u, i): return super()._predict(u, i) + .01*('_kept' in vars(self))


class Threads(DampedMeans):
    "It remembers whom it is asked about"
    def _scores(self, user):
        self._now = user
        time.sleep(1e-3)
        return super()._scores(self._now)


class Surroundings(DampedMeans):
    "It seeds the caller's random numbers"
    def _fit(self, ratings):
        super()._fit(ratings)
        np.random.seed(0)


BROKEN = [OrderOfRows(), OrderOfColumns(), CloneAndRefit(damping=3.), FailedFit(), Update(), RowsAlone(), EmptyInput(),
          Limits(), UnknownIds(), NewUsers(), SeenItems(), FilteredItems(), TitlesOnce(), FewRatingsLast(), BestFirst(),
          AllLists(), SaveAndLoad(), Threads(), Surroundings()]


@pytest.mark.parametrize('name, model', list(zip(model_checks(), BROKEN, strict=True)), ids=list(model_checks()))
def test_a_broken_model_fails_its_check_and_no_other(name, model):
    "So each check finds something that the others do not"
    failed = []
    for other, check in model_checks().items():
        try: check(model)
        except Exception: failed.append(other)
    assert failed == [name]


def test_fit_on_the_class_says_how_to_call_it():
    "Formerly `Recommender.fit(df)`"
    with pytest.raises(TypeError, match=r'BiasedMF\(\)\.fit\(df\)'): BiasedMF.fit(DataFrame())
    with pytest.raises(TypeError, match=r'BiasedMF\(\)\.fit\(df\)'): BiasedMF.fit(DataFrame(), user='user')


def test_a_ratings_is_taken_as_it_is():
    "And not checked or numbered again"
    df = DataFrame({'u': [1, 2], 'i': [3, 4], 'r': [1, 5]})
    table = Ratings(df, user='u', item='i', rating='r')
    assert DampedMeans().fit(table).ratings is table
    with pytest.raises(TypeError, match="leave out 'user'"): DampedMeans().fit(table, user='u')
