"Draw nbs/social-card.png, the picture beside a shared link, from the facts of settings.ini"
import textwrap

import matplotlib
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from common import NBS, settings

CARD = NBS/'social-card.png'
SIZE = 1200, 630
INK, BLUE, YELLOW = '#1d2b3a', '#2f5d8a', '#ffc145'


def says(facts): return f"{facts['lib_name']}: {facts['description']}"


def grid(ax, rows=9, columns=9):
    "A made-up table of ratings, of two tastes and some chance, with holes"
    rng = np.random.default_rng(42)
    users, movies = rng.normal(size=(rows, 2)), rng.normal(size=(columns, 2))
    shade = 1/(1 + np.exp(-users@movies.T))
    for (row, column), value in np.ndenumerate(shade):
        hole = rng.random() < .35
        guessed = (row, column) == (rows//2, columns//2)
        style = {'fc': YELLOW} if guessed else {'fc': BLUE, 'alpha': .15 + .85*value}
        if hole and not guessed: style = {'fc': 'none', 'ec': BLUE, 'alpha': .25}
        ax.add_patch(Rectangle((column, -row), .84, .84, **style))
    ax.set(xlim=(-.1, columns), ylim=(1 - rows - .1, 1), aspect='equal')
    ax.axis('off')


def draw(facts):
    "The card: name and description, and beside them a table with holes, one of them filled"
    matplotlib.rcParams['font.family'] = 'DejaVu Sans'
    figure = Figure(figsize=(SIZE[0]/100, SIZE[1]/100), dpi=100, facecolor='white')
    grid(figure.add_axes((.58, .08, .38, .84)))
    figure.text(.055, .64, facts['lib_name'], size=44, weight='bold', color=INK)
    lines = textwrap.fill(facts['description'], 34)
    figure.text(.055, .56, lines, size=22, color=INK, va='top', linespacing=1.5)
    return figure


def save(facts, path):
    "Draw the card; the words that it shows are kept in the file, so that a check can read them"
    draw(facts).savefig(path, metadata={'Title': says(facts), 'Software': None})


if __name__ == '__main__': save(settings(), CARD)
