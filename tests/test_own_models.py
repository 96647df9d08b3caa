"Models that somebody else writes, and models made of models"
import numpy as np
import pandas as pd
import pytest
from collab_course.bayes import BayesianMF
from collab_course.biased_mf import BiasedMF
from collab_course.evaluation import Choose, Ensemble, evaluate
from collab_course.gibbs import sample_gibbs
from collab_course.model_checks import check_frame, check_recommender
from collab_course.recommender import DampedMeans, Popularity, Recommender, load


class NoSettings(Recommender):
    "Two lines, and no constructor"
    def _fit(self, ratings): self.mean = float(ratings.y.mean())
    def _predict(self, u, i): return np.full(len(u), self.mean)


class Nothing(Recommender):
    "It learns, and says nothing"
    def _fit(self, ratings): pass


class TooShort(NoSettings):
    "One number for all pairs"
    def _predict(self, u, i): return [3.]


class Blend(Recommender):
    "The mean of models in a list"
    def __init__(self, models): self.models = models

    def _fit(self, ratings): self.members = [o.clone().fit(ratings, quiet=True) for o in self.models]
    def _predict(self, u, i): return np.mean([o.predict_rows(u, i) for o in self.members], axis=0)


class Part(Recommender):
    "A model of half of the rows inside"
    def __init__(self): pass

    def _fit(self, ratings): self.inner = DampedMeans().fit(ratings.take(np.arange(len(ratings)//2)), quiet=True)
    def _predict(self, u, i): return np.full(len(u), self.inner.mean)


def test_model_without_a_constructor_passes_all_checks(): assert check_recommender(NoSettings()).passed.all()


def test_models_in_a_list_are_cloned_and_reseeded():
    "As those in a dict are"
    model = Blend([BiasedMF(n_factors=2, n_epoch=1), DampedMeans()])
    assert model.has_seed() and model.clone().models[0] is not model.models[0]
    assert model.reseeded(7).models[0].seed == 7
    assert check_recommender(model).passed.all()


def test_model_that_says_nothing_is_told_what_to_write():
    with pytest.raises(NotImplementedError, match='`_predict`, nor `_scores`'):
        Nothing().fit(check_frame()).predict(3, 1000)


def test_numbers_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r'TooShort gives numbers of shape \(1,\) for 2'):
        TooShort().fit(check_frame()).predict([3, 10], 1000)


def test_model_of_other_rows_inside_cannot_be_saved(tmp_path):
    "It would be loaded with rows that are not its own"
    with pytest.raises(TypeError, match='inner was trained on other rows'): Part().fit(check_frame()).save(tmp_path)


def test_counts_and_ratings_have_no_mean():
    "Seeds choose either"
    class Either(Choose):
        def _fit(self, ratings):
            self.models = {'one': Popularity() if self.seed % 2 else DampedMeans()}
            self.chosen, self.model = 'one', self.models['one'].fit(ratings)
            self.ranks_only = self.model.ranks_only
    with pytest.raises(ValueError, match='no mean of these'): Ensemble(Either({'one': DampedMeans()}), 9).fit(check_frame())


def test_names_of_models_are_text():
    with pytest.raises(TypeError, match='is text, not 1'): Choose({1: DampedMeans()})


@pytest.mark.parametrize('names', [np.arange(3), [('a', 'who'), ('a', 'what'), ('b', 'stars')]], ids=['numbers', 'tuples'])
def test_columns_of_any_name_are_saved(names, tmp_path):
    df = check_frame()[['user', 'movie', 'rating']].set_axis(pd.Index(list(names), tupleize_cols=False), axis=1)
    user, item, rating = df.columns
    model = DampedMeans().fit(df, user=user, item=item, rating=rating)
    model.save(tmp_path)
    assert load(tmp_path).update(df.head(9)).predict(3, 1000) == model.update(df.head(9)).predict(3, 1000)


def test_ctrl_c_is_not_swallowed_inside_of_other_models(monkeypatch):
    "They would take a few draws for all"
    def interrupted(*args, **kwargs):
        for k, draw in enumerate(sample_gibbs(*args, **kwargs)):
            if k == 9: raise KeyboardInterrupt
            yield draw
    monkeypatch.setattr('collab_course.gibbs.sample_gibbs', interrupted)
    model = BayesianMF(n_factors=2, n_sweeps=20, burn_in=2)
    df, split = check_frame(), (np.arange(300), np.arange(300, 320))
    for fit in (lambda: Ensemble(model, 2).fit(df), lambda: Choose({'one': model}).fit(df), lambda: evaluate(model, df, split)):
        with pytest.raises(KeyboardInterrupt), pytest.warns(UserWarning): fit()
    with pytest.warns(UserWarning, match='interrupted'): model.fit(check_frame())


def test_filters_may_be_sets_and_none():
    model = DampedMeans().fit(check_frame())
    some = set(model.recommend(3, 4)['item'])
    assert not some & set(model.recommend(3, 9, exclude=some)['item'])
    assert set(model.recommend(3, 9, items=some, exclude=None)['item']) == some
