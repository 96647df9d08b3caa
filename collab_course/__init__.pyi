# What `__init__.py` hands on when it is asked, for editors and type checkers
from collab_course.bayes import BayesianMF as BayesianMF
from collab_course.biased_mf import BiasedMF as BiasedMF
from collab_course.data import load_ratings as load_ratings, read_ratings as read_ratings
from collab_course.ease import EASE as EASE
from collab_course.evaluation import (Choose as Choose, Ensemble as Ensemble, evaluate as evaluate,
                                      leaderboard as leaderboard)
from collab_course.feature_mf import FeatureMF as FeatureMF, Person as Person
from collab_course.implicit_mf import ImplicitMF as ImplicitMF
from collab_course.item_knn import ItemKNN as ItemKNN
from collab_course.model_checks import check_recommender as check_recommender
from collab_course.pick_and_like import PickAndLike as PickAndLike
from collab_course.ratings import Ratings as Ratings
from collab_course.recommender import (DampedMeans as DampedMeans, Popularity as Popularity,
                                       Recommender as Recommender, load as load)
from collab_course.spark import FactorModel as FactorModel
from collab_course.store_of_ratings import ratings_store as ratings_store

__version__: str
__all__: list[str]
