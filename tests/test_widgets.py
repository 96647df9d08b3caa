"The widgets in a real browser, used with mouse and keyboard, their numbers compared with Python's"
import base64
import gzip
import json
import re
import warnings
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from common import DOCS, NBS, ROOT, notebooks
from playwright.sync_api import expect

warnings.filterwarnings('ignore', message='.*torch.jit.script')

import torch  # noqa: E402

from collab_course.biased_mf import BiasedMF  # noqa: E402
from collab_course.crosstab import crosstab15, fit_crosstab, gradients  # noqa: E402
from collab_course.data import load_ratings  # noqa: E402
from collab_course.fold_in import new_user_factors  # noqa: E402
from collab_course.implicit_mf import ImplicitMF  # noqa: E402
from collab_course.widgets import (Widget, crosstab_widget, curves_widget,  # noqa: E402
                                   map_widget, rate_widget, taste_parts, taste_widget)

# The notebook whose lesson each widget is; `03_widgets` shows all of them on small examples
LESSONS = {'crosstab': '11_crosstab', 'curves': '17_weight_decay', 'map': '21_film_map', 'rate': '51_biased_mf',
           'taste': 'index'}
PAGES = sorted(path.stem for path in DOCS.glob('*.html') if '<div class="cc"' in path.read_text('utf-8'))
HOSTILE = ['<img src=x onerror="hacked=1">', '</script><script>hacked=1</script>', '<!-- <script>',
           'line\u2028end', '&lt;b&gt; "quoted" \'too\'']
LARGEST = 250_000
KIND = re.compile(r'<div class="cc" data-kind="(\w+)"')


def saved_widgets(path):
    "The HTML of each widget that a notebook's saved outputs show"
    outputs = [output for cell in nbformat.read(path, 4).cells for output in cell.get('outputs', [])]
    shown = [output.get('data', {}).get('text/html', '') for output in outputs]
    return [html for html in shown if html.startswith('<style>') and KIND.search(html)]


def lesson(kind):
    "The HTML of the widget on the page that teaches its idea"
    [html] = saved_widgets(NBS/f'{LESSONS[kind]}.ipynb')
    return html


def data_in(html):
    "The data that a widget works on"
    return json.loads(BeautifulSoup(html, 'html.parser').select_one('.cc script').get_text())


def show(page, *widgets):
    "Put widgets, or their HTML, on an empty page, and return the first"
    parts = [o._repr_html_() if isinstance(o, Widget) else o for o in widgets]
    page.set_content(f'<!doctype html><title>x</title>{"".join(parts)}')
    return page.locator('.cc').first


def state(widget):
    "The widget's exact numbers"
    return widget.evaluate('root => root.state')


# Their files and saved outputs

def test_lessons_show_their_widget():
    "Each kind is on the page that teaches its idea, and all are on the page that builds them"
    for kind in LESSONS: assert KIND.findall(lesson(kind)) == [kind]
    shown = ''.join(saved_widgets(NBS/'03_widgets.ipynb'))
    assert sorted(KIND.findall(shown)) == sorted(LESSONS)


def test_pages_show_their_widget():
    "Each kind is on the site where it is in the notebooks"
    for kind, name in LESSONS.items():
        page = DOCS/f"{re.sub(r'^[0-9]+_', '', name)}.html"
        assert KIND.findall(page.read_text('utf-8')) == [kind]
    assert 'widgets' in PAGES


def test_saved_outputs_are_current_and_small():
    "Outputs carry the style and scripts of this version"
    shown = [html for path in notebooks() for html in saved_widgets(path)]
    assert len(shown) >= 2*len(LESSONS)
    for html in shown:
        [kind] = KIND.findall(html)
        head, tail = Widget(kind, {}, '')._repr_html_().split('<script type="application/json">{}</script>')
        assert html.startswith(head.rstrip('\n')) and html.endswith(tail) and len(html) < LARGEST


def test_outputs_carry_only_their_own_script():
    "The shared file and that of the kind, each with one `render`, and not those of the other kinds"
    for kind in LESSONS:
        html = Widget(kind, {}, '')._repr_html_()
        assert len(html) < 24_000 and html.count('function render(') == 1
        for path in ROOT.glob('collab_course/widgets_*.js'):
            wanted = path.stem in ('widgets_shared', f'widgets_{kind}')
            assert (path.read_text('utf-8') in html) == wanted


def test_widget_files_are_those_of_the_kinds():
    "No file is left over or missing"
    names = {path.stem for path in ROOT.glob('collab_course/widgets_*.js')}
    assert names == {f'widgets_{kind}' for kind in ('shared', *LESSONS)}


# The crosstab

def small_crosstab(n_factors=5, n_steps=1000, lr=1.):
    "The widget of the fifteen users and films"
    table = crosstab15()
    users, items, _ = fit_crosstab(table, n_factors, n_steps, lr)
    return crosstab_widget(table, fit_crosstab(table, n_factors, n_steps=0)[:2], users @ items.T, lr, n_steps)


def whole(page):
    "The lesson's widget, switched to the whole table"
    widget = show(page, lesson('crosstab'))
    widget.get_by_role('combobox', name='table').select_option(label='15 by 15, 5 factors')
    return widget


def test_crosstab_js_matches_python(page):
    "One step, then a thousand: losses and predictions are those of `fit_crosstab`, and the table shows them"
    widget = whole(page)
    expect(widget.get_by_role('status')).to_contain_text('Step 0: mean squared error 17.397')
    widget.get_by_role('button', name='One step').click()
    table = crosstab15()
    users, items, losses = fit_crosstab(table, n_steps=1)
    assert np.allclose(state(widget)['users'], users, atol=1e-6)
    widget.get_by_role('button', name='Descend').click()
    expect(widget.get_by_role('button', name='Stop')).to_be_visible()
    expect(widget.get_by_role('status')).to_contain_text('Step 1001', timeout=60_000)
    expect(widget.get_by_role('button', name='Descend')).to_be_visible()
    users, items, losses = fit_crosstab(table, n_steps=1001)
    now = state(widget)
    assert np.allclose(now['losses'], losses, atol=1e-5)
    by_page, by_python = np.array(now['users']) @ np.transpose(now['items']), users @ items.T
    assert np.allclose(by_page, by_python, atol=1e-5)
    rows = widget.locator('tbody tr').all_inner_texts()
    shown = [[float(cell) for cell in row.split('\t')[1:]] for row in rows]
    assert np.abs(np.array(shown) - by_page).max() < .0501
    assert len(widget.locator('polyline').get_attribute('points').split()) > 300
    widget.get_by_role('button', name='Reset').click()
    expect(widget.get_by_role('status')).to_contain_text('Step 0: mean squared error 17.397')


def test_crosstab_js_matches_python_in_double_precision(page):
    "With Python in double precision, too, the losses agree to nine digits"
    widget = show(page, small_crosstab(n_factors=3, n_steps=200))
    page.emulate_media(reduced_motion='reduce')
    widget.get_by_role('button', name='Descend').click()
    expect(widget.get_by_role('status')).to_contain_text('Step 200')
    users, items = [o.double() for o in fit_crosstab(crosstab15(), 3, n_steps=0)[:2]]
    stars = torch.tensor(crosstab15().to_numpy(float))
    for loss in state(widget)['losses']:
        expected, user_grad, item_grad = gradients(stars, users, items)
        assert abs(loss - expected) < 1e-9
        users, items = users-user_grad, items-item_grad


def test_crosstab_sliders_change_one_factor(page):
    "Arrow keys on a slider change a factor, and with it a row, the pair in words and the error"
    widget = whole(page)
    widget.get_by_role('combobox', name='user', exact=True).select_option(label='user 546')
    widget.get_by_role('combobox', name='film', exact=True).select_option(label='Braveheart')
    before = state(widget)
    slider = widget.get_by_role('slider', name='user: factor 2')
    slider.focus()
    for _ in range(30): page.keyboard.press('ArrowRight')
    users, items = np.array(before['users']), np.array(before['items'])
    row = list(crosstab15().index).index(546)
    users[row, 1] = round(users[row, 1], 2) + .3
    assert np.allclose(state(widget)['users'], users) and np.allclose(state(widget)['items'], items)
    stars, predicted = torch.tensor(crosstab15().to_numpy(float)), users @ items.T
    loss, *_ = gradients(stars, torch.tensor(users), torch.tensor(items))
    expect(widget.get_by_role('status')).to_contain_text(f'error {loss:.3f}')
    pair = f'User 546 and Braveheart: predicted {predicted[row, 0]:.2f}, not rated'
    expect(widget).to_contain_text(pair)
    widget.get_by_role('combobox', name='show').select_option(label='ratings')
    assert widget.locator('tbody td').nth(0).inner_text() == '3'
    widget.locator('tbody td').nth(1).click()
    expect(widget).to_contain_text('User 14 and Pulp Fiction')
    widget.get_by_role('combobox', name='show').select_option(label='errors')
    error = float(widget.locator('tbody td').nth(1).inner_text())
    assert abs(error - (predicted[0, 1] - 5)) < .0501


def move(page, slider, steps):
    "Press an arrow key so many times, to the left if less than 0"
    slider.focus()
    for _ in range(abs(steps)): page.keyboard.press('ArrowRight' if steps > 0 else 'ArrowLeft')


def test_crosstab_goal_is_reached_by_hand(page):
    "Each knob once, with the keyboard, to where the error is lowest: below the goal; descent is not by hand"
    widget, data = show(page, lesson('crosstab')), data_in(lesson('crosstab'))
    assert [len(one['users']) for one in (data, *data['more'])] == [6, 6, 15]
    expect(widget).to_contain_text('Below 1?')
    ratings = np.array(data['ratings'], float)
    for side, name in (0, 'user'), (1, 'film'):
        picker = widget.get_by_role('combobox', name=name, exact=True)
        slider = widget.get_by_role('slider', name=f'{name}: factor 1')
        for k in range(6):
            picker.select_option(index=k)
            others = np.array(state(widget)[('items', 'users')[side]])[:, 0]
            stars = ratings[k] if side == 0 else ratings[:, k]
            known = ~np.isnan(stars)
            best = (others[known] @ stars[known])/(others[known] @ others[known])
            slider.fill(f'{best:.1f}')
    move(page, slider, 2)
    expect(widget.get_by_role('status')).to_contain_text('error 0.9')
    expect(widget).to_contain_text('Below 1, by hand!')
    widget.get_by_role('button', name='One step').click()
    expect(widget.locator('.cc-aim')).to_be_hidden()
    widget.get_by_role('button', name='Reset').click()
    expect(widget).to_contain_text('Below 1?')


def test_crosstab_shows_the_error_beside_the_knobs_on_a_phone(page):
    "The knobs, the error and the small table fit one screen; a switch stops what runs and leads to the others"
    page.set_viewport_size({'width': 390, 'height': 844})
    widget = show(page, '<meta name="viewport" content="width=device-width">', lesson('crosstab'))
    boxes = [widget.locator(o).bounding_box() for o in ('fieldset >> nth=1', '[role=status]', 'table')]
    knobs, error, table = boxes
    assert 0 <= error['y'] - (knobs['y'] + knobs['height']) < 40
    assert table['y'] + table['height'] - widget.locator('fieldset').first.bounding_box()['y'] < 700
    widget.get_by_role('button', name='Descend').click()
    widget.get_by_role('combobox', name='table').select_option(label='6 by 6, 2 factors')
    expect(widget.get_by_role('status')).to_contain_text('Step 0: mean')
    expect(widget.get_by_role('slider')).to_have_count(4)


def test_crosstab_stops_when_factors_diverge(page):
    "Descent with steps that are too long ends by itself and says why"
    table = crosstab15()
    start = fit_crosstab(table, n_steps=0)[:2]
    widget = show(page, crosstab_widget(table, start, table.fillna(3), lr=30., n_steps=50))
    widget.get_by_role('button', name='Descend').click()
    expect(widget.get_by_role('status')).to_contain_text('diverged')
    widget.get_by_role('button', name='Reset').click()
    expect(widget.get_by_role('status')).to_contain_text('error 17.397')


def test_crosstab_of_one_factor_finds_the_holes(page):
    "The small example: descent arrives where its fallback says"
    html = next(o for o in saved_widgets(NBS/'03_widgets.ipynb') if KIND.findall(o) == ['crosstab'])
    cells = BeautifulSoup(html, 'html.parser').select('.cc tbody td')
    fallback = np.array([float(cell.get_text()) for cell in cells]).reshape(3, 4)
    page.emulate_media(reduced_motion='reduce')
    widget = show(page, html)
    widget.get_by_role('button', name='Descend').click()
    expect(widget.get_by_role('status')).to_contain_text('Step 200: mean squared error 0.000')
    now = state(widget)
    assert np.allclose(np.array(now['users']) @ np.transpose(now['items']), fallback, atol=.0501)


# Rating a few films

def known_model():
    "A model of 120 films whose numbers are drawn at random; one title is that of two films"
    rng = np.random.default_rng(5)
    titles = [f'Film {k} ({1980+k%20})' for k in range(120)]
    titles[7] = titles[30] = 'Shared (1990)'
    return SimpleNamespace(titles=titles, counts=rng.permutation(120)+20, factors=rng.normal(size=(120, 9))*.4,
                           start=rng.normal(size=9)*.2, y_range=(0, 5.5), penalty=.3)


def python_list(model, rated, n):
    "Titles and ratings that Python recommends for {row: rating}, from a model's numbers"
    rows = sorted(rated)
    factors = np.insert(model.factors, 1, 1, axis=1) # (bias, 1, factors), as in a score's product
    theta = new_user_factors(factors[rows], np.array([rated[k] for k in rows], float), np.array(model.start),
                             model.y_range, model.penalty)
    scores, best = factors @ np.insert(theta, 0, 1), {}
    for row in np.argsort(-scores, kind='stable'): best.setdefault(model.titles[row], scores[row])
    best = [(title, score) for title, score in best.items() if title not in {model.titles[k] for k in rows}]
    low, high = model.y_range
    return [(title, np.clip(low + (high-low)/(1+np.exp(-score)), 1, 5)) for title, score in best[:n]]


def fallback_of(model):
    "What the widget shows where no script runs"
    return pd.DataFrame(python_list(model, {}, 10), columns=['title', 'rating'])


def widget_of(model, **kwargs):
    "A `rate_widget` of a model's numbers"
    return rate_widget(model.titles, model.counts, model.factors, model.start, fallback_of(model), model.y_range,
                       penalty=model.penalty, **kwargs)


def numbers_in(html):
    "The model that a widget's data hold, with the rounded numbers that the page works with"
    d = data_in(html)
    factors = np.frombuffer(base64.b64decode(d['factors']), '<i2').reshape(len(d['titles']), -1)*d['step']
    return SimpleNamespace(titles=d['titles'], counts=d['counts'], factors=factors, start=d['start'],
                           y_range=tuple(d['y_range']), penalty=d['penalty'])


def rate(widget, title, stars):
    "Search for a film, take it, and give it stars"
    widget.get_by_label('find a film').fill(title)
    widget.get_by_role('button', name=title, exact=True).click()
    widget.get_by_role('group', name=title, exact=True).get_by_role('radio', name=f'{stars} of 5').check()


def clear(widget):
    "Remove all films"
    while (buttons := widget.get_by_role('button', name='Remove')).count(): buttons.first.click()


def check_list(widget, expected, atol):
    "The page's list is Python's, but for films that are nearer than `atol`, and the page shows it"
    titles, ratings = zip(*state(widget))
    known = dict(expected)
    assert len(set(titles)) == len(titles) and set(titles) <= set(known)
    best = np.array([rating for _, rating in expected[:len(titles)]])
    assert np.abs(np.array([known[title] for title in titles]) - best).max() < atol
    assert np.abs(np.array(ratings) - best).max() < atol
    shown = [row.split('\n') for row in widget.locator('ol li').all_inner_texts()]
    assert [row[-2] for row in shown] == list(titles)
    assert [float(row[-1]) for row in shown] == pytest.approx(ratings, abs=.0501)


PEOPLE = [{}, {'Pretty Woman (1990)': 5}, {'Alien (1979)': 1, 'Emma (1996)': 5},
          {'Star Wars (1977)': 5, 'Alien (1979)': 5, 'Blade Runner (1982)': 5, 'Aliens (1986)': 5,
           'Sense and Sensibility (1995)': 1, 'English Patient, The (1996)': 1},
          {"Schindler's List (1993)": 1, 'Shawshank Redemption, The (1994)': 1, 'Psycho (1960)': 1,
           'Wrong Trousers, The (1993)': 2, 'Close Shave, A (1995)': 1, 'Rear Window (1954)': 3,
           'Godfather, The (1972)': 2, 'Casablanca (1942)': 1, 'Fargo (1996)': 1,
           'Vertigo (1958)': 2, 'Toy Story (1995)': 5, 'Ransom (1996)': 4}]


def test_rate_js_matches_python(page):
    "For several users, the lesson's widget recommends what `new_user_factors` gives from the same numbers"
    html = lesson('rate')
    model, widget = numbers_in(html), show(page, html)
    expect(widget.get_by_role('status')).to_contain_text('From your 3 ratings')
    for ratings in ({model.titles[row]: stars for row, stars in data_in(html)['rated']}, *PEOPLE):
        clear(widget)
        for title, stars in ratings.items(): rate(widget, title, int(stars))
        rated = {model.titles.index(title): stars for title, stars in ratings.items()}
        check_list(widget, python_list(model, rated, 2000), 1e-5)


def test_rate_js_matches_python_for_many_users(page):
    "Thirty users with up to thirty ratings, passed to `rate_widget`, two-byte rounding included"
    rng, model = np.random.default_rng(1), known_model()
    for k in range(1, 31):
        rated = dict(zip(rng.permutation(120)[:k].tolist(), rng.integers(1, 6, k).tolist()))
        widget = show(page, widget_of(model, rated=rated, n=25))
        check_list(widget, python_list(model, rated, 120), 1e-3)


@pytest.fixture(scope='module')
def mf(): return BiasedMF().fit(load_ratings(), quiet=True)


def recommended(mf, ratings):
    "All that a model recommends, as (title, rating)"
    frame = mf.recommend(ratings, 2000)
    return list(zip(frame.title, frame.rating))


def test_rate_widget_recommends_what_the_model_does(page, mf):
    "A widget of a model trained now, beside the model itself: the same lists, within a thousandth"
    widget = show(page, rate_widget(**mf.widget_data()))
    for ratings in PEOPLE:
        clear(widget)
        for title, stars in ratings.items(): rate(widget, title, stars)
        check_list(widget, recommended(mf, ratings), 1e-3)


def test_rate_widget_treats_films_of_one_title_as_one(page):
    "The title is offered once, stands for the more rated film, and is not recommended afterwards"
    model, title = known_model(), 'Shared (1990)'
    widget = show(page, widget_of(model, n=119))
    assert sorted(name for name, _ in state(widget)) == sorted(set(model.titles))
    widget.get_by_label('find a film').fill('SHARED')
    expect(widget.locator('.cc-found button')).to_have_count(1)
    rate(widget, title, 5)
    row = max((7, 30), key=lambda k: model.counts[k])
    check_list(widget, python_list(model, {row: 5}, 119), 1e-3)
    assert title not in [name for name, _ in state(widget)]


def test_rate_widget_works_by_keyboard(page):
    "Type, Enter, arrow keys; the film is no longer offered until it is removed"
    widget = show(page, lesson('rate'))
    before = state(widget)
    widget.get_by_label('find a film').focus()
    page.keyboard.type('runner blade')
    page.keyboard.press('Enter')
    assert state(widget) == before # taken, and without stars yet
    for _ in range(4): page.keyboard.press('ArrowRight')
    group = widget.get_by_role('group', name='Blade Runner (1982)')
    expect(group.get_by_role('radio', name='5 of 5')).to_be_checked()
    expect(widget.get_by_role('status')).to_contain_text('From your 4 ratings')
    assert state(widget) != before
    widget.get_by_label('find a film').fill('blade runner')
    expect(widget.locator('.cc-found button')).to_have_count(0)
    group.get_by_role('button', name='Remove Blade Runner (1982)').press('Enter')
    expect(widget.get_by_label('find a film')).to_be_focused()
    expect(widget.get_by_role('button', name='Blade Runner (1982)', exact=True)).to_be_visible()
    assert state(widget) == before
    widget.get_by_label('find a film').fill('no such film')
    expect(widget).to_contain_text('No film here has these words')


def test_rate_widget_finds_what_find_finds(page, mf):
    "Whatever the case and the accents"
    widget = show(page, rate_widget(**mf.widget_data()))
    for text in ('misérables', 'MISERABLES', 'leon', 'l.a. conf', 'star 1977', '(1922)'):
        widget.get_by_label('find a film').fill(text)
        found = mf.find(text, 2000)
        found = found.title[(found.ratings >= 20).to_numpy()].drop_duplicates().tolist()[:6]
        assert widget.locator('.cc-found button').all_inner_texts() == found


# Two lists

@pytest.fixture(scope='module')
def implicit(): return ImplicitMF().fit(load_ratings(), quiet=True)


GENRES = {'horror': ['Psycho (1960)', 'Shining, The (1980)', 'Carrie (1976)'],
          'constructor': ['Dumbo (1941)', 'Babe (1995)']}


@pytest.fixture(scope='module')
def toy(implicit):
    "The widget of a model trained now"
    presets = {name: dict.fromkeys(titles, 5) for name, titles in GENRES.items()}
    return taste_widget(**implicit.widget_data({'Alien (1979)': 5, 'Fargo (1996)': 3.5}, presets=presets))


def python_lists(data, rated, n=10):
    "Both lists by `taste_parts`, as (title, score, parts), from the numbers in the page"
    rows = sorted(rated)
    factors = np.frombuffer(base64.b64decode(data['factors']), '<i2').reshape(len(data['titles']), -1)*data['step']
    weights = np.interp([rated[k] for k in rows], data['stars'], data['weights'])
    lists = []
    for start in (np.array(data['start']), np.zeros(len(data['start'])) if rated else np.array(data['start'])):
        parts = taste_parts(factors, rows, weights, np.array(data['matrix']), start)
        best = {}
        for k in np.argsort(-parts.sum(axis=1), kind='stable'): best.setdefault(data['titles'][k], parts[k])
        for k in rows: best.pop(data['titles'][k], None)
        lists.append([[title, part.sum(), part] for title, part in [*best.items()][:n]])
    return lists


def check_lists(widget, expected):
    "The page has these lists, their scores and parts, and shows the titles"
    for mine, theirs, box in zip(state(widget), expected, widget.locator('ol').all()):
        assert [one[0] for one in mine] == [one[0] for one in theirs]
        for one, other in zip(mine, theirs): assert np.allclose([one[1], *one[2]], [other[1], *other[2]], atol=1e-9)
        assert box.locator('.cc-title').all_inner_texts() == [one[0] for one in theirs]


def test_taste_js_matches_python(page, toy, implicit):
    "Forty users with up to thirty ratings, and one without: the same lists, scores and reasons as in Python"
    rng, data = np.random.default_rng(0), toy.data
    widget = show(page, toy)
    check_lists(widget, python_lists(data, dict(data['rated'])))
    known = {data['titles'][k]: value for k, value in data['rated']}
    items = implicit.ratings.items.ids[np.isin(implicit.ratings.titles, data['titles'])].tolist()
    best = implicit.recommend(known, items=items, min_ratings=0).title.tolist()
    assert [one[0] for one in state(widget)[0]] == best
    for k in range(41):
        rated = dict(zip(rng.permutation(1000)[:k % 31].tolist(), rng.choice([1, 2, 3, 3.5, 4, 5], 31).tolist()))
        widget = show(page, Widget('taste', {**data, 'rated': [*map(list, rated.items())]}, ''))
        lists = python_lists(data, rated)
        assert [[one[0] for one in mine] for mine in state(widget)] == [[one[0] for one in theirs] for theirs in lists]
        for mine, theirs in zip(state(widget), lists): assert np.allclose(mine[0][2], theirs[0][2], atol=1e-9)


def test_taste_presets_and_stars(page, toy):
    "A button replaces what was rated; stars, removing and clearing change both lists"
    data, widget = toy.data, show(page, toy)
    for name, pairs in data['presets']:
        widget.get_by_role('button', name=name, exact=True).click()
        expect(widget.get_by_role('status')).to_contain_text(f'From your {len(pairs)} films')
        check_lists(widget, python_lists(data, dict(pairs)))
    rated = dict(pairs)
    [gone, left] = rated
    widget.get_by_role('button', name=f"Remove {data['titles'][gone]}", exact=True).click()
    del rated[gone]
    widget.get_by_role('radio', name='2 of 5').check()
    check_lists(widget, python_lists(data, {left: 2}))
    widget.get_by_role('button', name='clear').click()
    expect(widget.get_by_role('status')).to_contain_text('Nothing is rated')
    check_lists(widget, python_lists(data, {}))
    assert [one[0] for one in state(widget)[0]] == [one[0] for one in state(widget)[1]]


def test_taste_says_why(page, toy):
    "Under a title, in percent, all parts of its score, the largest first; they add up to a hundred"
    widget = show(page, toy)
    widget.get_by_role('button', name='horror').click()
    for one, box in zip(state(widget), widget.locator('ol').all()):
        first = box.locator('li').first
        first.locator('summary').press('Enter')
        names = ['Psycho', 'The Shining', 'Carrie', *['everyone'] * (one[0][2][0] > 0)]
        said = ' '.join(first.locator('small').all_inner_texts())
        told = dict(re.findall(r'([A-Z][a-zA-Z ]+|everyone) (−?\d+)%', said))
        assert sorted(told) == sorted(names) and abs(sum(map(int, told.values())) - 100) <= 2
        assert max(told.values(), key=int) == [*told.values()][0]


def test_taste_works_by_keyboard(page, toy):
    "Type, Enter: the film has all stars at once, and an arrow key takes one away"
    widget = show(page, toy)
    widget.get_by_role('button', name='clear').press('Enter')
    expect(widget.locator('.cc-found button')).to_have_count(6) # nothing is rated: here are some
    widget.get_by_label('find a film').focus()
    page.keyboard.type('vertigo')
    page.keyboard.press('Enter')
    group = widget.get_by_role('group', name='Vertigo (1958)')
    expect(group.get_by_role('radio', name='5 of 5')).to_be_focused()
    expect(widget.get_by_role('status')).to_contain_text('From your film.')
    page.keyboard.press('ArrowLeft')
    expect(group.get_by_role('radio', name='4 of 5')).to_be_checked()
    row = toy.data['titles'].index('Vertigo (1958)')
    check_lists(widget, python_lists(toy.data, {row: 4}))
    expect(widget.locator('.cc-found button')).to_have_count(0)


def test_taste_data_are_small(toy):
    "As a server sends them, compressed"
    assert 50_000 < len(gzip.compress(toy._repr_html_().encode())) < 250_000


# The map

def test_map_searches_names_and_colours(page):
    "Search lights films up, a click names one, colours follow the numbers, the page keeps its wheel"
    html = lesson('map')
    widget, d = show(page, html, '<p style="height: 200vh">'), data_in(html)
    svg, status = widget.locator('svg'), widget.get_by_role('status')
    assert widget.locator('svg path').count() == len(d['titles']) == 1000
    scales = dict(d['scales'])
    widget.get_by_label('find a film').fill('star trek')
    expect(status).to_have_text('8 of 1000 films')
    assert svg.locator('.cc-hit').count() == 8
    widget.get_by_role('button', name='Star Trek: First Contact (1996)').click()
    i = d['titles'].index('Star Trek: First Contact (1996)')
    expect(status).to_have_text(f"{d['titles'][i]}: mean rating {scales['mean rating'][i]:g}")
    expect(widget.locator('.cc-tip')).to_have_text(d['titles'][i])
    widget.get_by_label('find a film').fill('')
    widget.get_by_role('combobox', name='colour').select_option(label='bias')
    expect(status).to_have_text(f"{d['titles'][i]}: bias {scales['bias'][i]:g}")
    expect(widget).to_contain_text(f"lowest bias, {min(scales['bias']):g}")
    widget.get_by_role('combobox', name='colour').select_option(label='Film-Noir')
    films = dict(d['groups'])['Film-Noir']
    expect(widget).to_contain_text(f'Film-Noir: {len(films)} films')
    coloured = 'svg => [...svg.querySelectorAll("path")].filter(p => p.style.stroke).length'
    assert svg.evaluate(coloured) == len(films)
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.move(box['x']+box['width']/2, box['y']+box['height']/2)
    scrolled = page.evaluate('scrollY')
    page.mouse.wheel(0, 100)
    page.wait_for_function('was => scrollY !== was', arg=scrolled) # the page's own wheel
    assert svg.get_attribute('viewBox') == '0 0 1000 700'


def view(svg): return [float(o) for o in svg.get_attribute('viewBox').split()]


def test_map_zooms_and_pans_within_its_bounds(page):
    "By buttons, wheel, drag and keys"
    widget = show(page, lesson('map'))
    svg = widget.locator('svg')
    widget.get_by_role('button', name='Zoom in').click()
    x, y, w, h = view(svg)
    assert (w, h) == pytest.approx((1000/1.5, 700/1.5)) and x == pytest.approx((1000-w)/2)
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.move(box['x']+300, box['y']+200)
    page.mouse.down()
    page.mouse.move(box['x']+250, box['y']+180, steps=5)
    page.mouse.up()
    unit = w/box['width']
    assert view(svg)[:2] == pytest.approx([x+50*unit, y+20*unit], abs=.5)
    page.mouse.wheel(0, -100) # the map has the focus now
    page.wait_for_function('w => document.querySelector(".cc svg").viewBox.baseVal.width < w', arg=w-1)
    page.mouse.move(box['x']+300, box['y']+200)
    page.mouse.down()
    page.mouse.move(box['x']+3000, box['y']+2000)
    page.mouse.up()
    assert view(svg)[:2] == [0, 0]
    for _ in range(30): svg.press('+')
    assert view(svg)[2] == 50
    svg.press('0')
    assert view(svg) == [0, 0, 1000, 700]


def test_map_names_film_under_pointer_and_follows_arrows(page):
    "The film under the pointer is named; an arrow leads to one that lies that way"
    html = lesson('map')
    widget, d = show(page, html), data_in(html)
    svg, tip = widget.locator('svg'), widget.locator('.cc-tip')
    paths = BeautifulSoup(html, 'html.parser').select('.cc svg path')
    numbers = [re.findall(r'[\d.]+', path['d']) for path in paths]
    places = np.array([[float(x), float(y)] for x, y, _ in numbers])
    alone = max(range(1000), key=lambda i: np.sort(np.hypot(*(places-places[i]).T))[1])
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    unit = box['width']/1000
    page.mouse.move(box['x']+places[alone][0]*unit+3, box['y']+places[alone][1]*unit-3)
    expect(tip).to_have_text(d['titles'][alone])
    svg.focus()
    page.mouse.move(1, 1)
    keys = {'ArrowRight': (0, 1), 'ArrowLeft': (0, -1), 'ArrowDown': (1, 1), 'ArrowUp': (1, -1)}
    for key, (axis, sign) in keys.items():
        for _ in range(3):
            before = tip.inner_text()
            page.keyboard.press(key)
            after = tip.inner_text()
            if after != before:
                a, b = [places[d['titles'].index(o)] for o in (before, after)]
                assert sign*(b-a)[axis] >= abs(b-a)[1-axis]
    assert tip.inner_text() != d['titles'][alone]


def names(widget): return widget.locator('.cc-map div:not(.cc-tip) span').all_inner_texts()


def plain(title): return re.sub(r'^(.+), (The|A|An)$', r'\2 \1', re.sub(r' \(\d{4}\)$', '', title))


def test_map_names_the_largest_dots(page):
    "Thirty names, nearly all of the thirty most rated, and none over another; more when it is enlarged"
    html = lesson('map')
    widget, d = show(page, html), data_in(html)
    largest = [plain(d['titles'][i]) for i in np.argsort(-np.array(d['sizes']), kind='stable')]
    assert len(names(widget)) == 30 and len(set(names(widget)) & set(largest[:30])) >= 24
    assert set(names(widget)) <= set(largest[:60])
    boxes = [one.bounding_box() for one in widget.locator('.cc-map div:not(.cc-tip) span').all()]
    for k, a in enumerate(boxes):
        for b in boxes[:k]:
            apart = (a['x'] >= b['x']+b['width']-1 or b['x'] >= a['x']+a['width']-1 or
                     a['y'] >= b['y']+b['height']-1 or b['y'] >= a['y']+a['height']-1)
            assert apart, (a, b)
    for _ in range(2): widget.get_by_role('button', name='Zoom in').click()
    assert len(names(widget)) > 40
    expect(widget).to_contain_text('component 1: on the left films that are liked')
    page.set_viewport_size({'width': 390, 'height': 844})
    widget.get_by_role('button', name='Show all').click()
    page.wait_for_function('document.querySelectorAll(".cc-map div:not(.cc-tip) span").length < 30')
    assert len(names(widget)) >= 10


def test_map_lists_neighbours_of_a_film_that_is_clicked(page):
    "By all factors where the page has them, on the map elsewhere; each of them is a way on"
    html = lesson('map')
    widget, d = show(page, html), data_in(html)
    svg = widget.locator('svg')
    svg.scroll_into_view_if_needed()
    box = svg.bounding_box()
    page.mouse.click(box['x']+box['width']/2, box['y']+box['height']/2) # the nearest dot, if one is near
    svg.focus()
    page.keyboard.press('ArrowRight')
    chosen = d['titles'].index(widget.locator('.cc-tip').inner_text())
    listed = widget.locator('[aria-live] button')
    assert listed.all_inner_texts() == [d['titles'][i] for i in d['near'][chosen]]
    listed.first.click()
    expect(widget.locator('.cc-tip')).to_have_text(d['titles'][d['near'][chosen][0]])
    widget = show(page, map_widget([[0, 0], [1, 0], [9, 9], [9, 8]], ['Heat', 'Fargo', 'Alien', 'Aliens']))
    page.set_viewport_size({'width': 700, 'height': 800})
    page.evaluate('scrollTo(0, 0)')
    box = widget.locator('svg').bounding_box()
    page.mouse.click(box['x']+box['width']*.98, box['y']+box['height']*20/700)
    expect(widget.locator('[aria-live]')).to_contain_text('Alien, nearest on the map:')
    assert widget.locator('[aria-live] button').first.inner_text() == 'Aliens'


def test_map_without_scales_or_groups_has_no_colour_choice(page):
    "Points, titles and search are enough"
    widget = show(page, map_widget([[0, 1], [1, 0], [2, 2]], ['Heat', 'Fargo', 'Alien']))
    expect(widget.get_by_role('combobox')).to_have_count(0)
    widget.get_by_label('find a film').fill('far')
    widget.get_by_role('button', name='Fargo').click()
    expect(widget.get_by_role('status')).to_have_text('Fargo')


# Learning curves

def test_curves_slider_matches_lines_and_words(page):
    "Arrow keys go through the settings; the lit line ends where the words say"
    html = lesson('curves')
    widget, d = show(page, html), data_in(html)
    slider, summary = widget.get_by_role('slider'), widget.locator('output')
    slider.focus()
    for k, label in enumerate(d['labels']):
        expect(summary).to_have_text(f"wd {label}: {d['summaries'][k]}")
        assert slider.get_attribute('aria-valuetext') == f'wd {label}'
        [line] = widget.locator('.cc-on').all()
        texts = widget.locator('svg text').all_text_contents()
        for part, lo, hi in (('training', texts[2], texts[1]), ('validation', texts[7], texts[6])):
            points = line.locator('polyline').nth(int(part == 'validation')).get_attribute('points')
            y = float(points.split(',')[-1])
            lo, hi = float(lo), float(hi)
            told = float(re.search(rf'{part} ([\d.]+\d)', summary.inner_text())[1])
            assert told == pytest.approx(lo + (185-y)/160*(hi-lo), abs=.012)
        ring = line.locator('circle').bounding_box()
        lowest = max(float(o.split(',')[1]) for o in points.split())
        rises = lowest > y
        assert float(line.locator('circle').get_attribute('cy')) == pytest.approx(lowest, abs=.06)
        assert ring and line.locator('text').count() == rises == ('then rises by' in summary.inner_text())
        page.keyboard.press('ArrowRight')
    assert widget.locator('.cc-stops span').all_inner_texts() == d['labels']
    assert [float(o) for o in d['labels']] == sorted(float(o) for o in d['labels'])


# On the site

def fits(page):
    "No sideways scrolling of the page"
    return page.evaluate('document.documentElement.scrollWidth <= innerWidth')


def use(page):
    "Something that each widget can do, so that it shows all it has"
    for widget in page.locator('.cc').all():
        kind = widget.get_attribute('data-kind')
        if kind == 'crosstab': widget.get_by_role('button', name='One step').click()
        if kind == 'curves': widget.get_by_role('slider').press('ArrowRight')
        if kind in ('map', 'rate', 'taste'): widget.get_by_label('find a film').fill('a')
        if kind == 'map': widget.locator('.cc-found button').first.click()
    return page.locator('.cc').count()


def check_accessible(page):
    "Axe finds nothing serious in the widgets"
    found = Axe().run(page, context='.cc').response['violations']
    serious = [o for o in found if o['impact'] in ('serious', 'critical')]
    assert [(o['id'], o['nodes'][0]['html']) for o in serious] == []


@pytest.mark.parametrize('name', PAGES)
@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_widgets_fit_a_phone_and_are_accessible(page, name, scheme):
    "390 pixels are enough, in light and dark, and axe finds nothing serious"
    page.set_viewport_size({'width': 390, 'height': 844})
    page.emulate_media(color_scheme=scheme)
    page.goto(f'/{name}.html')
    assert use(page) and fits(page)
    check_accessible(page)


@pytest.mark.parametrize('name', PAGES)
def test_widgets_work_from_a_file(page, name):
    "A page opened from the disk has its widgets, too"
    page.goto((DOCS/name).with_suffix('.html').as_uri())
    assert use(page)


@pytest.mark.parametrize('name', PAGES)
def test_pages_without_scripts_show_fallbacks(browser, base_url, name):
    "A table or a picture stands in a widget's place, and no empty controls"
    context = browser.new_context(java_script_enabled=False, base_url=base_url)
    page = context.new_page()
    page.goto(f'/{name}.html')
    for widget in page.locator('.cc').all():
        expect(widget.locator('table, svg').first).to_be_visible()
        expect(widget.get_by_role('button')).to_have_count(0)
        assert 'Infinity' not in widget.inner_text()
    context.close()


# Anywhere

def test_widgets_alone_fit_a_phone_and_are_accessible(page):
    "Also on a page that has no style of its own"
    page.set_viewport_size({'width': 390, 'height': 844})
    show(page, '<meta name="viewport" content="width=device-width">', *saved_widgets(NBS/'03_widgets.ipynb'))
    assert use(page) == 5 and fits(page)
    check_accessible(page)


def hostile_widgets(names=HOSTILE):
    "A widget of each kind with such names wherever there are names"
    n, rng = len(names), np.random.default_rng(0)
    table = pd.DataFrame(np.arange(2.*n).reshape(2, n) % 5, index=names[:2], columns=names)
    model = SimpleNamespace(titles=names, counts=range(n), factors=rng.normal(size=(n, 3)),
                            start=np.zeros(3), y_range=(0, 5.5), penalty=.5)
    losses = {'train': [2., 1.], 'valid': [2., 1.5]}
    start = rng.normal(size=(2, 2)), rng.normal(size=(n, 2))
    return {'crosstab': crosstab_widget(table, start, table, n_steps=3),
            'rate': widget_of(model),
            'taste': taste_widget(names, range(n), model.factors, np.eye(3), [0, .5, .1], [.1, .25, .5, 1, 1],
                                  rated={0: 4}, presets={name: {k: 5} for k, name in enumerate(names)}),
            'map': map_widget(rng.normal(size=(n, 2)), names, {names[0]: range(n)}, {names[1]: [True]*n}),
            'curves': curves_widget({o: losses for o in names}, name=names[0])}


# What every object of JavaScript has, and keys that it would put first
JS_NAMES = ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype', 'valueOf', 'length', '1', '0', 'undefined']


def test_map_takes_names_that_javascript_knows(page):
    "As scales and as groups, in their order, and one name as both"
    n = len(JS_NAMES)
    scales = {name: [k]+[0]*(n-1) for k, name in enumerate(JS_NAMES, 1)}
    groups = {name: [i < k for i in range(n)] for k, name in enumerate(JS_NAMES[::-1])}
    widget = show(page, map_widget(np.random.default_rng(0).normal(size=(n, 2)), JS_NAMES, scales, groups))
    colour = widget.get_by_role('combobox', name='colour')
    assert colour.locator('option').all_inner_texts() == [*JS_NAMES, *JS_NAMES[::-1]]
    widget.get_by_label('find a film').fill(JS_NAMES[0])
    widget.get_by_role('button', name=JS_NAMES[0], exact=True).click()
    for k, name in enumerate(JS_NAMES):
        colour.select_option(index=k)
        expect(widget.get_by_role('status')).to_have_text(f'{JS_NAMES[0]}: {name} {k+1}')
        expect(widget).to_contain_text(f'lowest {name}, 0 to highest, {k+1}')
    for k, name in enumerate(JS_NAMES[::-1]):
        colour.select_option(index=n+k)
        expect(widget.get_by_role('status')).to_have_text(JS_NAMES[0])
        expect(widget).to_contain_text(f'{name}: {k} films')


def test_other_widgets_take_names_that_javascript_knows(page):
    "As users, films and knobs"
    ones = hostile_widgets(JS_NAMES)
    widget = show(page, ones['crosstab'])
    for k, name in enumerate(JS_NAMES):
        widget.locator('fieldset select').nth(1).select_option(label=name)
        expect(widget).to_contain_text(f'User {JS_NAMES[0]} and {name}: predicted')
    widget = show(page, ones['curves'])
    widget.get_by_role('slider').focus()
    for name in JS_NAMES:
        expect(widget.locator('output')).to_contain_text(f'{JS_NAMES[0]} {name}: after epoch 2')
        page.keyboard.press('ArrowRight')
    widget = show(page, ones['rate'])
    assert sorted(name for name, _ in state(widget)) == sorted(JS_NAMES)
    for name in JS_NAMES[:3]: rate(widget, name, 4)
    assert sorted(name for name, _ in state(widget)) == sorted(JS_NAMES[3:])
    widget = show(page, ones['taste'])
    for k, name in enumerate(JS_NAMES): # a preset's name, and a film's
        widget.get_by_role('button', name=name, exact=True).click()
        assert [sorted(one[0] for one in top) for top in state(widget)] == [sorted({*JS_NAMES}-{name})]*2
        assert widget.locator('legend').all_inner_texts() == [name]


def test_a_widget_of_no_known_kind_is_refused():
    "Its name stands in an attribute and names a file"
    for kind in ('x', '../app', 'map"><script>'):
        with pytest.raises(ValueError, match='a widget is one of'): Widget(kind, {}, '')


@pytest.mark.parametrize('scripts', [True, False])
@pytest.mark.parametrize('kind', LESSONS)
def test_hostile_titles_are_shown_as_text(browser, kind, scripts):
    "A title made of HTML shows as what it is, with scripts and without"
    context = browser.new_context(java_script_enabled=scripts)
    page, failed = context.new_page(), []
    page.on('pageerror', lambda e: failed.append(e))
    page.on('request', lambda r: failed.append(r.url))
    widget = show(page, hostile_widgets()[kind])
    shown = [title in widget.inner_text() for title in HOSTILE]
    some = kind == 'curves' or (kind, scripts) in [('map', False), ('taste', False)]
    assert any(shown) if some else all(shown)
    if kind == 'map' and scripts: widget.get_by_role('button', name=HOSTILE[0]).click()
    if kind == 'rate' and scripts: rate(widget, HOSTILE[0], 3)
    if kind == 'taste' and scripts: widget.get_by_role('button', name=HOSTILE[1], exact=True).first.click()
    assert HOSTILE[0] in widget.inner_text() or kind in ('map', 'taste') and not scripts
    assert page.locator('img').count() == 0 and page.locator('b:not([class])').count() == 0
    assert page.locator('script').count() == 1 + (not scripts or kind in ('map', 'curves'))
    if scripts: assert page.evaluate('typeof hacked') == 'undefined'
    assert failed == []
    context.close()


def test_widgets_on_one_page_do_not_interfere(page):
    "Two of a kind, and two of others beside them, each keep to themselves"
    ones = hostile_widgets()
    show(page, ones['crosstab'], ones['crosstab'], ones['rate'], ones['rate'])
    first, second, third, fourth = page.locator('.cc').all()
    first.get_by_role('button', name='One step').click()
    expect(first.get_by_role('status')).to_contain_text('Step 1')
    expect(second.get_by_role('status')).to_contain_text('Step 0')
    for widget, stars in ((third, 2), (fourth, 5)): rate(widget, HOSTILE[0], stars)
    expect(third.get_by_role('radio', name='2 of 5')).to_be_checked()


def test_widgets_leave_no_names_in_the_page(page):
    "Their functions are not to be seen from the page's own scripts"
    show(page, *hostile_widgets().values())
    for name in ('render', 'wake', 'finder', 'solve', 'newUserFactors'):
        assert page.evaluate(f'typeof {name}') == 'undefined'


def test_widget_works_in_a_notebook_cell_run_twice(page):
    "Jupyter puts HTML into the page and then makes its scripts anew; a cell run twice is replaced"
    page.set_content('<!doctype html><title>x</title><div id="out"></div>')
    html = small_crosstab(n_steps=3)._repr_html_()
    for _ in range(2):
        page.evaluate('''html => {
            const out = document.querySelector('#out');
            out.innerHTML = html;
            for (const old of out.querySelectorAll('script')) {
                const made = document.createElement('script');
                made.textContent = old.textContent;
                for (const a of old.attributes) made.setAttribute(a.name, a.value);
                old.replaceWith(made);
            }
        }''', html)
        page.get_by_role('button', name='One step').click()
        expect(page.get_by_role('status')).to_contain_text('Step 1')
        assert page.locator(':focus[data-lm-suppress-shortcuts]').count() == 1 # keys are its own
