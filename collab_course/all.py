"""Every public name of the course in one place: `from collab_course.all import *`

Written by hand: nbdev gives a module of imports alone an empty `__all__`. Left out are the
command line's own `cli` and `main`."""
from collab_course.escapes import *
from collab_course.ids import *
from collab_course.odd import *
from collab_course.ratings import *
from collab_course.files import *
from collab_course.lines import *
from collab_course.outside import *
from collab_course.read import *
from collab_course.data import *
from collab_course.widgets import *
from collab_course.store import *
from collab_course.settings import *
from collab_course.schema import *
from collab_course.crosstab import *
from collab_course.embedding import *
from collab_course.loaders import *
from collab_course.dot_product import *
from collab_course.train import *
from collab_course.bias import *
from collab_course.weight_decay import *
from collab_course.params import *
from collab_course.interpret import *
from collab_course.compare import *
from collab_course.collab_nn import *
from collab_course.by_hand import *
from collab_course.blocks import *
from collab_course.compiling import *
from collab_course.kernel import *
from collab_course.fast import *
from collab_course.metrics import *
from collab_course.ranking import *
from collab_course.recommender import *
from collab_course.evaluation import *
from collab_course.model_checks import *
from collab_course.fold_in import *
from collab_course.biased_mf import *
from collab_course.posterior import *
from collab_course.gibbs import *
from collab_course.bayes import *
from collab_course.tour import *
from collab_course.options import *
from collab_course.show import *
