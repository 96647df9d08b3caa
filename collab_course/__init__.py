"""Learn and use collaborative filtering in Python: a course on MovieLens whose notebooks are also a library

Names that most programs need are imported from the package itself:

```python
from collab_course import BayesianMF, read_ratings
model = BayesianMF().fit(read_ratings('ratings.csv'))
model.recommend(42)
```

Modules:

- `collab_course.all`: Every public name of the course in one place: `from collab_course.all import *`
- `collab_course.als`: A loss over all cells, blanks too, at the cost of the clicks alone.
- `collab_course.app`: Train, evaluate and ask a recommender from a shell, on a file of ratings of your own.
- `collab_course.asking`: What you type is text; what the model needs is ids, titles and numbers.
- `collab_course.bayes`: Average over many sets of weights that fit, and say how sure the prediction is.
- `collab_course.bias`: Some films are liked by almost everyone, and some people like almost everything.
- `collab_course.biased_mf`: Matrix factorization with biases: the model of this course, trained and put to use.
- `collab_course.blocks`: Two threads can train one model at the same time, as long as they never touch the same row.
- `collab_course.by_hand`: The gradient of a batch in a few lines, checked by autograd.
- `collab_course.captured`: A GPU multiplies faster than Python can ask it to. So we ask once, and have it repeat itself.
- `collab_course.chosen`: The films that users choose to rate say something about their taste, before any star is read.
- `collab_course.collab_nn`: Put the two rows side by side and let a small neural network do the rest. Does it?
- `collab_course.compare`: fastai's model beside ours: with the same weights it gives the same predictions, to the last bit.
- `collab_course.compiling`: Plain loops over numbers, as fast as the machine allows.
- `collab_course.crosstab`: A table with holes, and how to fill them: latent factors, first by hand, then by gradient descent.
- `collab_course.data`: MovieLens in one call, and your own ratings in another.
- `collab_course.devices`: The CPU, unless you ask for a GPU: so a seed means the same result everywhere.
- `collab_course.diversity`: Ten films of one kind are one recommendation.
- `collab_course.dot_product`: Two short rows of numbers, multiplied and added up: a model of taste in one line.
- `collab_course.ease`: One ridge regression for all items at once: ten lines, no factors, no seed.
- `collab_course.embedding`: Looking up a row is a matrix product in disguise, and that is why rows can be learned.
- `collab_course.escapes`: Text from a file is shown and never carried out as a command.
- `collab_course.evaluation`: How good is it? There are as many answers as ways to ask.
- `collab_course.exercises`: An answer is tried on cases, and a sentence says which of them fails, and how.
- `collab_course.fast`: The compiled loop for the course's models: hundreds of times faster than fastai's `Learner`, and as accurate.
- `collab_course.feature_frames`: Age, occupation, genres, year: a frame becomes columns of zeros and ones.
- `collab_course.feature_mf`: The sampler with features as a model for use: new films by their genres, new users by what they are.
- `collab_course.features`: A film without ratings still has genres. Let the prior's mean be a regression on them.
- `collab_course.few_rows`: A row that no batch touches catches up, all at once, when it is next needed.
- `collab_course.files`: Compressed, piped, in any encoding: you get the same lines, or an error that says what the file is.
- `collab_course.fitting`: One thread, its own random state, and a loss that is still a number.
- `collab_course.fold_in`: A new user signed up a minute ago and is not in the model.
- `collab_course.frame`: Are the number 7, the text "7" and the float 7.0 the same user? The program has to decide, once.
- `collab_course.gibbs`: Draw each side given the other, again and again, and the draws are distributed as the posterior is.
- `collab_course.gibbs_on_gpu`: All matrices in one product, all roots in one call: Gibbs sampling on a GPU.
- `collab_course.ids`: From ids to the rows of a table and back; for an unknown id, the known ones that look most like it.
- `collab_course.implicit`: A click says something. A blank says little, but it has to count, too.
- `collab_course.implicit_mf`: The factors of this course, trained for another question: what will a user pick?
- `collab_course.inner_loops`: The arithmetic of a batch written as on paper, compiled, and equal to NumPy.
- `collab_course.interpret`: What do the weights of a trained model mean?
- `collab_course.item_knn`: Films that the same people picked are alike, and that alone makes good lists.
- `collab_course.kernel`: One call trains biases and factors, on plain arrays, in compiled loops.
- `collab_course.large_products`: Lists for all users, and EASE, are each one large product, and a GPU is made for that.
- `collab_course.lines`: Commas, comments, a stray quote: every row is read, or an error names the line.
- `collab_course.loaders`: fastai's default loader skips 37% of the rows in each epoch. Ours shows every row once.
- `collab_course.metrics`: How wrong is a prediction, and how good is a list?
- `collab_course.model_checks`: A function that checks whether a recommender keeps its promises.
- `collab_course.odd`: All equal, far from the rest, or counts: we report them and change nothing.
- `collab_course.options`: Options that describe a file of ratings: which column is which, and which value means no rating.
- `collab_course.outside`: An archive, a download, a cached file: each is checked before it is used.
- `collab_course.params`: An embedding layer is an `nn.Parameter` and square brackets, nothing more.
- `collab_course.pick_and_like`: What will a user pick, and will they like it? Two questions, two models, one list.
- `collab_course.posterior`: Weight decay is a prior. What is known of a user's weights after some ratings is a Gaussian.
- `collab_course.questions`: What you can ask a model, and what it has to know to answer.
- `collab_course.ranking`: A list of items for one user, and lists for many users at once.
- `collab_course.ratings`: What every model learns from: one table, checked once and numbered once.
- `collab_course.read`: Any file of ratings becomes one frame; where its meaning is unclear, you get an error and no guess.
- `collab_course.recommender`: One protocol for all models: settings, fit, and the same questions.
- `collab_course.routes`: Wherever MovieLens comes from, you get the published bytes or an error.
- `collab_course.schema`: What is checked before a saved model may answer.
- `collab_course.settings`: The allowed range of each setting, and a progress bar for fits.
- `collab_course.shards`: A table in many files, larger than memory: a first pass collects its ids.
- `collab_course.show`: An aligned table for people, JSON or CSV for programs.
- `collab_course.spark`: Use a model that Spark has trained on a cluster, without Spark.
- `collab_course.spark_cluster`: Train with Spark where the ratings are, and write a list for each user there.
- `collab_course.sparse_sums`: All users at once: the sums of a sweep, and of a half step, are products of sparse matrices.
- `collab_course.splits`: Hide some ratings, train on the rest, and keep every answer out of the training data.
- `collab_course.start`: The scale, the settings and the initial weights with which a model is trained.
- `collab_course.store`: A trained model in a folder: written completely or not at all, and checked when it is read.
- `collab_course.store_of_ratings`: Ratings that do not fit into memory stay on disk, and every model can learn from them.
- `collab_course.tour`: All of the course's models, trained on one split and put into one table.
- `collab_course.train`: Six lines turn random numbers into a model.
- `collab_course.training`: Which model to train, with which settings, also for files without ratings.
- `collab_course.training_on_spark`: Two commands: from a lake of ratings to a model, and from a model to a list for each user.
- `collab_course.weight_decay`: Pull every weight a little towards zero, at each step, and let the data pull back.
- `collab_course.widgets`: Figures that you can use: each is a fallback for where no script runs, plain data, and one script."""

from importlib import import_module

__version__ = "0.2.0"

# Where each name is: it is imported when it is first asked for, so that importing the package costs
# next to nothing. By hand, but for the docstring above; `__init__.pyi` says the same to editors.
_HOMES = {
    'Ratings': 'ratings', 'read_ratings': 'data', 'load_ratings': 'data',
    'evaluate': 'evaluation', 'leaderboard': 'evaluation',
    'Recommender': 'recommender', 'load': 'recommender', 'check_recommender': 'model_checks',
    'DampedMeans': 'recommender', 'Popularity': 'recommender', 'BiasedMF': 'biased_mf',
    'BayesianMF': 'bayes', 'Ensemble': 'evaluation', 'Choose': 'evaluation',
    'ImplicitMF': 'implicit_mf', 'ItemKNN': 'item_knn', 'EASE': 'ease',
    'PickAndLike': 'pick_and_like', 'ratings_store': 'store_of_ratings',
    'FactorModel': 'spark', 'FeatureMF': 'feature_mf', 'Person': 'feature_mf',
}
__all__ = [*_HOMES]


def __getattr__(name):
    "What the package hands on, imported now and kept"
    if name not in _HOMES: raise AttributeError(f'module {__name__!r} has no attribute {name!r}')
    globals()[name] = value = getattr(import_module(f'{__name__}.{_HOMES[name]}'), name)
    return value


def __dir__(): return sorted({*globals(), *_HOMES})
