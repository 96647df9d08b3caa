"""Every public name of the course in one place: `from collab_course.all import *`

Written by hand: nbdev gives a module of imports alone an empty `__all__`."""
from collab_course.data import *
from collab_course.crosstab import *
from collab_course.embedding import *
from collab_course.loaders import *
from collab_course.dot_product import *
from collab_course.bias import *
from collab_course.weight_decay import *
from collab_course.params import *
from collab_course.interpret import *
from collab_course.compare import *
from collab_course.collab_nn import *
from collab_course.fast import *
from collab_course.evaluate import *
from collab_course.recommend import *
from collab_course.bayes import *
from collab_course.app import *
