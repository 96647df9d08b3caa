"README.md and docs/ are what the notebooks give, and the site is whole"
import json
import os
import re
import shutil

import learner
import nbformat
import pages
import pandas as pd
import pytest
from arrange import arrange
from assets import in_use, shrink
from bs4 import BeautifulSoup
from build_docs import OUTPUTS
from cells import checks
from check_flow import code_cells
from check_site import APART, Site, check, lists, problems
from common import (BUGS_NAME, DOCS, NBS, PARTS, PATH, PATH_NAME, ROOT, SEED_MAP, changed, notebooks, page_name, parts, project_files,
                    reading_order, settings, site_url, snapshot, source_name)
from facts import asked_for
from moved import MOVED
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output
from PIL import Image
from tidy import columns, is_numeric, says_nothing, tidy


def contents(folder):
    "All that a build makes"
    files = [name for name in OUTPUTS if name != 'docs']
    pages = {f'docs/{name}': data for name, data in snapshot(folder/'docs').items()}
    return {**pages, **{name: (folder/name).read_bytes() for name in files}}


def test_docs_are_fresh(tmp_path, python):
    "A build now gives the same bytes"
    python('tools/build_docs.py', '--out', tmp_path)
    assert changed(contents(ROOT), contents(tmp_path)) == []


README = (ROOT/'README.md').read_text(encoding='utf-8')


def test_readme_is_short_and_stands_alone():
    "Eighty lines: what pip installs, five lines of code and what they give, a picture; no relative link"
    assert len(README.splitlines()) <= 80 and README.startswith(f"# {settings()['lib_name']}\n")
    assert f'pip install "{asked_for(settings())}"' in README
    blocks = re.findall(r'```python\n(.*?)```', README, re.S)
    assert len(''.join(blocks).split('\n')) <= 6 and re.search(r"```\n\n    \['[^\n]+\(\d{4}\)',\n", README)
    pictures = re.findall(r'!\[[^]]+\]\((.*?)\)', README)
    raw = 'https://raw.githubusercontent.com/{user}/{repo}/{branch}/'.format(**settings())
    [card] = [url for url in pictures if url.startswith(raw)]
    assert (ROOT/card.removeprefix(raw)).is_file()
    assert all(url.startswith(('https://', '#')) for url in re.findall(r'\]\((.*?)\)', README))
    assert '<div' not in README and 'widget' not in README


def text_of(name):
    "A notebook's Markdown"
    cells = nbformat.read(NBS/f'{name}.ipynb', 4).cells
    return '\n'.join(cell.source for cell in cells if cell.cell_type == 'markdown')


def page_of(path): return f'{page_name(path)}.html'


def built(name):
    "A page as it was built"
    return BeautifulSoup((DOCS/name).read_text(encoding='utf-8'), 'html.parser')


def minutes(name):
    "How long a page takes, by its own clock"
    return int(built(name).select_one('main .page-actions .time').get_text().split()[0])


def test_surprising_results_stand_on_their_pages():
    "Each of the five leads to a page that has its figures"
    results = built('index.html').main.select('#five-results-that-surprise li, h2#five-results-that-surprise ~ ol li')
    assert len(results) == 5
    for result in results:
        said = built(result.a['href']).main.get_text()
        figures = re.findall(r'\.\d\d|\d+%|three of ten|bookkeeping', result.get_text())
        assert figures and all(o in said.lower() for o in figures), result


def test_home_says_how_long_it_takes():
    "The core path's minutes, within ten of what its pages say, and the hours of all but the ground floor, within one"
    home = built('index.html').main
    core = re.search(r'These eight pages.*?## All pages', text_of('index'), re.S)[0]
    names = re.findall(r'\]\(\d+_(\w+)\.ipynb\)', core)
    assert len(names) == len(set(names)) == 8
    told, hours = re.search(r'about (\d+) minutes, and the whole course about (\w+) hours', home.get_text()).groups()
    assert abs(minutes('index.html') + sum(minutes(f'{name}.html') for name in names) - int(told)) <= 10
    paths = [path for path in notebooks() if not path.name.startswith('0')]
    total = sum(minutes(page_of(path)) for path in paths)
    assert abs(total/60 - ['eight', 'nine', 'ten', 'eleven'].index(hours) - 8) <= 1, total


def test_site(): assert problems(DOCS) == []


@pytest.fixture(scope='module')
def whole(): return Site(DOCS)


@pytest.fixture
def site(whole):
    "Change a page, and hand back what is wrong with it then"
    def change(old, new, name='index.html'):
        path = DOCS/name
        text = path.read_text(encoding='utf-8')
        assert old in text
        soup = BeautifulSoup(text.replace(old, new, 1), 'html.parser')
        return [text for text in check(whole, path, soup) if text]
    return change


@pytest.mark.parametrize('addition, problem', [
    ('<a href="nowhere.html">x</a>', 'leads to no file'),
    ('<a href="index.html#nowhere">x</a>', 'leads to no anchor'),
    ('<a href="#nowhere">x</a>', 'leads to no anchor'),
    ('<a href="../README.md">x</a>', 'leads out of the site'),
    ('<a href="http://example.com">x</a>', 'is not https'),
    ('<img src="https://example.com/x.png" alt="x">', 'is loaded from elsewhere'),
    ('<img src="//example.com/x.png" alt="x">', 'is loaded from elsewhere'),
    ('<img src="favicon.svg">', 'no alt text'),
    ('<script src="https://example.com/x.js"></script>', 'is loaded from elsewhere'),
    ('<script>import("x.js")</script>', 'a script stands in the page itself'),
    ('<p onclick="x()">x</p>', 'onclick= is a script in the page itself'),
    ('<script type="application/json">"https://example.com"</script>', 'stands in data'),
    ('<link rel="stylesheet" href="missing.css">', 'leads to no file'),
    ('<style>@import "https://example.com/x.css";</style>', 'is loaded from elsewhere'),
    ('<p style="background: url(missing.png)">x</p>', 'leads to no file'),
    ('<span class="math inline">x^2</span>', 'is not MathML'),
    ('<p>see [<a href="bias.html"><code>Bias</code></a>](bias.html)</p>', 'it shows Markdown: ](bias.html)'),
    ('<div class="cell-output-stderr">Warning</div>', 'shows a warning or an error'),
])
def test_a_broken_page_is_found(site, addition, problem):
    "Each kind of fault"
    [found] = site('</main>', f'{addition}</main>')
    assert problem in found


@pytest.mark.parametrize('old, new, problem', [
    ('lang="en"', '', 'no lang'), ('<title>', '<title></title><title>', 'no title'),
    ('name="description"', 'name="other"', 'no description'),
])
def test_an_incomplete_page_is_found(site, old, new, problem):
    "A page without what search engines and screen readers need"
    [found] = site(old, new)
    assert found.endswith(problem)


def test_a_font_from_the_network_is_found(whole):
    "Style sheets are read, too"
    font = '@import url(https://example.com/font.css); :root {}'
    assert whole.style(font, DOCS/'styles.css') == ['https://example.com/font.css is loaded from elsewhere']


@pytest.mark.parametrize('old, new, problem', [
    ('minutes to read', 'minutes', 'does not say how long it takes'),
    ('>Edit this page<', '><', 'has no Edit this page'),
    ('<a href="#the-model">The model</a></li>', '<a href="#the-model"></a></li>', 'does not say what one learns'),
    ('nav-page-next', 'nav-page-none', "next page is []"),
    ('rel="canonical"', 'rel="other"', 'has no card'),
    ('/social-card.png', '/nothing.png', 'its picture nothing.png is no file'),
])
def test_a_bare_page_is_found(site, old, new, problem):
    "A page without what should stand around its text"
    assert any(problem in text for text in site(old, new, 'bias.html'))


@pytest.mark.parametrize('name', ['sitemap.xml', 'llms.txt'])
def test_a_page_that_a_list_leaves_out_is_found(tmp_path, name):
    "Machines should see what people see"
    for path in DOCS.glob('*.[tx]*'): shutil.copy(path, tmp_path)
    text = (tmp_path/name).read_text(encoding='utf-8')
    (tmp_path/name).write_text(text.replace('/bias.html', '/other.html'), encoding='utf-8')
    found = list(lists(tmp_path, {path.name for path in DOCS.glob('*.html')} - APART))
    assert [path.name for path, _ in found] == [name]*2
    assert found[0][1].startswith('bias.html') and found[1][1].startswith('other.html')


def test_a_site_of_nothing(tmp_path):
    "It is not whole"
    assert any('holds no page' in text for text in problems(tmp_path))


def test_what_others_made_comes_with_its_licence():
    "Each script and sheet in site_libs that is not ours"
    libs = DOCS/'site_libs'
    for name in 'bootstrap', 'bootstrap-icons', 'fuse', 'smalldocs':
        text = (libs/f'{name}-LICENSE.txt').read_text(encoding='utf-8')
        assert 'Copyright' in text and ('MIT' in text or 'Apache' in text), name


# The pages of 0.1.0
PAGES_0_1 = """index data crosstab embedding loaders dot_product bias weight_decay create_params interpret
collab_learner collab_nn speed evaluate recommend bayes app library seed_map""".split()


# ... and one from between the versions
PAGES_BETWEEN = ['spot_the_bug']


@pytest.mark.parametrize('name', [*PAGES_0_1, *PAGES_BETWEEN])
def test_old_addresses_are_there(name):
    "Each page of 0.1.0, and its Markdown copy, to which docstrings lead: itself, or the way on"
    new = MOVED.get(name, name)
    assert new not in MOVED and (DOCS/f'{new}.html').is_file() and (DOCS/f'{new}.html.md').is_file()
    if name == new: return
    soup = built(f'{name}.html')
    assert soup.find('link', rel='canonical')['href'] == f'{site_url(settings())}{new}.html'
    assert soup.find('meta', attrs={'http-equiv': 'refresh'})['content'] == f'0; url={new}.html'
    assert soup.a['href'] == f'{new}.html'
    assert f'({site_url(settings())}{new}.html.md)' in (DOCS/f'{name}.html.md').read_text(encoding='utf-8')


def test_only_old_addresses_are_redirected():
    "No page of today has the name of one that moved"
    assert set(MOVED) <= {*PAGES_0_1, *PAGES_BETWEEN}
    assert set(MOVED).isdisjoint(path.stem.partition('_')[2] for path in notebooks())


def test_sidebar_in_reading_order():
    "The core path, then all others by parts, with their numbers; the seed map is in none; one is open"
    soup = built('bias.html')
    listed = [tag['href'] for tag in soup.select('#quarto-sidebar a[href]')]
    assert listed == [page_of(path) for path in reading_order() if path.stem != SEED_MAP]
    assert listed[:1 + len(PATH)] == ['index.html', *(page_of(NBS/name) for name in PATH)]
    names = [tag.get_text() for tag in soup.select('#quarto-sidebar summary')]
    others = [name for name in names if name != BUGS_NAME]
    assert others == [PATH_NAME, *(name for name in PARTS.values() if name in names)] and len(names) > 9
    assert names[names.index(BUGS_NAME) - 1] == PARTS['4']
    assert [tag.summary.get_text() for tag in soup.select('#quarto-sidebar details[open]')] == [PATH_NAME]
    said = [tag.get_text() for tag in soup.select('#quarto-sidebar a:has(.number)')]
    assert '16 Bias' in said and len(said) == len([path for path in notebooks() if path.name[0].isdigit()])


def test_the_seed_map_is_for_those_who_change_the_course():
    "It is built, and CONTRIBUTING leads to it"
    assert (DOCS/f'{SEED_MAP}.html').is_file() and all(path.stem != SEED_MAP for _, paths in parts() for path in paths)
    assert f'{site_url(settings())}{SEED_MAP}.html' in (ROOT/'CONTRIBUTING.md').read_text(encoding='utf-8')


def test_chapters_of_the_home_page():
    "Every numbered notebook has a row there, which is what its page says one learns"
    said = pages.chapters(NBS/'index.ipynb')
    assert sorted(source_name(path) for path in notebooks() if path.name[0].isdigit()) == sorted(said)
    for name, line in said.items():
        page = (DOCS/page_of(NBS/name)).read_text(encoding='utf-8')
        assert re.sub(r'[^a-z]', '', line.lower()) in re.sub(r'[^a-z]', '', page.lower())


@pytest.mark.parametrize('prose, lines, minutes', [(0, 0, 0), (230, 0, 1), (231, 0, 2), (0, 30, 1),
                                                   (460, 60, 4)])
def test_time_to_read(prose, lines, minutes):
    "230 words of prose a minute, two seconds for a line of code; tables and scripts are not read"
    text, code = 'word '*prose, 'x = 1\n'*lines
    soup = BeautifulSoup(f'<main><p>{text}</p><pre class="sourceCode">{code}\n</pre>'
                         '<table><tr><td>1 2 3</td></tr></table><script>let a = 1</script></main>',
                         'html.parser')
    assert pages.minutes(soup.main) == minutes


def test_what_is_folded_takes_no_time():
    "Checks, imports and the API are there to be looked up"
    code = '<pre class="sourceCode">' + 'x = 1\n'*30 + '</pre>'
    fold = f'<details class="code-fold"><summary>checks</summary>{code}</details>'
    api = f'<section id="api"><h2>API</h2><p>{"word "*230}</p>{code}</section>'
    def minutes(text): return pages.minutes(BeautifulSoup(f'<main>{text}</main>', 'html.parser').main)
    assert [minutes(text) for text in (code, fold + api, code + fold + api)] == [1, 0, 1]


@pytest.mark.parametrize('path', notebooks(), ids=lambda path: path.stem)
def test_a_page_is_short(path):
    "At most 80 cells, and 15 minutes by its own clock"
    assert len(nbformat.read(path, 4).cells) <= 80 and minutes(page_of(path)) <= 15


def test_the_core_path_takes_ninety_minutes():
    "All its pages, by their own clocks, and the home page"
    assert sum(minutes(page_of(path)) for path in reading_order()[:1 + len(PATH)]) <= 90


def staged(tmp_path, *sources):
    "Cells as nbdev leaves them, and their page's cells: source and the word that they fold under"
    cells = [new_code_cell(source, id=f'cell{k}', outputs=[] if quiet else [new_output('stream', text='1')])
             for k, (source, quiet) in enumerate(sources)]
    nbformat.write(new_notebook(cells=cells), tmp_path/'x.ipynb')
    made = arrange(json.loads((tmp_path/'x.ipynb').read_text())['cells'], tmp_path/'x.ipynb')
    return [''.join(cell['source']) for cell in made]


def test_checks_fold_and_the_api_stands_at_the_end(tmp_path):
    "Each fold under its word, those that follow each other as one; code that is taught stays open"
    sign = '#| echo: false\n#| output: asis\nshow_doc(f)'
    fold = '#| code-fold: true\n#| code-summary: '
    made = staged(tmp_path, ('import os', True), ('import re', True), (sign, False),
                  ('#| code-fold: show\n#| code-summary: "Exported source"\n#| exports: true\ndef f(): return 1', True),
                  ('f()', False), ('assert f()==1', True), ('with expect_fail(): f(1)', True), ('x = f()\nassert x', True), ('x', False),
                  ('#| lesson: true\nassert f()', True))
    assert made == [f'{fold}imports\nimport os\n\nimport re', '#| exports: true\ndef f(): return 1', 'f()',
                    f'{fold}checks\nassert f()==1\n\nwith expect_fail(): f(1)', 'x = f()\nassert x', 'x', '#| lesson: true\nassert f()',
                    '## API', sign]


@pytest.mark.parametrize('path', [path for path in notebooks() if path.name[0].isdigit()], ids=lambda path: path.stem)
def test_what_stands_open_on_a_page(path):
    "No imports and no checks, no signature before the end, and no name of a function in its table of contents"
    soup = built(page_of(path))
    folds = [tag.get_text() for tag in soup.select('details.code-fold:not([open]) > summary')]
    assert set(folds) <= {'imports', 'checks'} and folds.count('checks') <= len(checks(code_cells(path)))
    shut = soup.select('details.code-fold')
    bare = [tag.get_text() for tag in soup.select('main pre.cell-code') if not any(one in shut for one in tag.parents)]
    assert [text for text in bare if re.fullmatch(r'(?:(?:import|from) .*\n?)+', text)] == []
    api = soup.select_one('main section#api')
    names = [tag for tag in soup.select('main h3') if tag.find_previous_sibling('hr')]
    assert all(api in tag.parents for tag in names) and bool(names) == bool(api)
    if api: assert api.find_next_sibling('section') is None
    listed = [tag['href'][1:] for tag in soup.select('#TOC a')]
    assert {tag['id'] for tag in names}.isdisjoint(listed)


def frame_page(html):
    "The tables of data frames in a page, or in a notebook's output"
    return BeautifulSoup(html, 'html.parser').select('table.dataframe')


def test_tables_are_put_right():
    "Text to the left, numbers to the right, an index that only counts away; one with a name stays"
    frame = pd.DataFrame({'title': ['Heat', 'Emma'], 'rating': [3.5, float('nan')], 'times': ['12', '1,000 ± 3']})
    def columns_of(frame):
        output = {'data': {'text/html': frame.to_html()}}
        tidy(output)
        [table] = frame_page(output['data']['text/html'])
        return {head[0].get_text(): 'left' in body[0].get('style', '') for head, body in columns(table)}
    assert columns_of(frame) == {'title': True, 'rating': False, 'times': False}
    assert columns_of(frame.rename_axis('place')) == {'': True, 'title': True, 'rating': False, 'times': False}
    assert list(columns_of(frame.set_index('title'))) == ['', 'rating', 'times']
    assert columns_of(frame.describe().round(1))[''] is True


def test_tables_of_the_pages():
    "All of them"
    htmls = [path.read_text(encoding='utf-8') for path in DOCS.glob('*.html')]
    tables = [table for html in htmls for table in frame_page(html)]
    for head, body in (column for table in tables for column in columns(table)):
        assert not says_nothing(head, body), body
        assert (body[0].name == 'th' or not is_numeric(body)) == ('left' in body[0].get('style', '')), body
    assert len(tables) > 200


def test_shrink():
    "What asks for a class or id that nobody has goes, also inside @media; the rest stays"
    css = '.a,.b>p{x:1} .b{x:2} #c{x:3} p:not(.b){x:4} @media print{.b{x:5}} @media all{.a{x:6}}'
    kept = re.sub(r'\s', '', ''.join(shrink(css, {'a'})))
    assert kept == '.a{x:1}p:not(.b){x:4}@mediaall{.a{x:6}}'


def test_style_serves_every_page():
    "Rules for all that pages use are in the one style sheet, and its icons are in its font"
    names, sheet = in_use(DOCS), (DOCS/'site_libs/site.css').read_text(encoding='utf-8')
    for name in ('navbar-collapse', 'sidebar-link', 'form-control', 'bi-github'):
        assert name in names and f'.{name}' in sheet
    assert '.carousel' not in sheet and len(sheet) < 80_000


def test_the_card():
    "As large as those who show it ask for"
    with Image.open(DOCS/'social-card.png') as picture: assert picture.size == (1200, 630)


def test_learner_notebooks():
    "Beside the pages, one for each: nothing in them that serves the library, no name that nobody makes"
    paths = notebooks(DOCS/'notebooks')
    assert [path.name for path in paths] == [path.name for path in notebooks()]
    assert [text for path in paths for text in learner.problems(path)] == []


@pytest.fixture
def lesson(tmp_path):
    "A small page, and its learner notebook, with what is wrong with it"
    def make(*cells):
        head = [new_markdown_cell('# Lesson\n\n> A line.'), new_markdown_cell('badge'), new_code_cell('#| hide\n#| eval: false\n%pip x')]
        nb = new_notebook(cells=[*head, *cells], metadata={'kernelspec': {'name': 'python3', 'language': 'python', 'display_name': ''}})
        nbformat.write(nb, tmp_path/'16_bias.ipynb')
        (tmp_path/'out').mkdir()
        learner.write(tmp_path/'out', [tmp_path/'16_bias.ipynb'], settings())
        made = nbformat.read(tmp_path/'out/16_bias.ipynb', 4)
        return [cell.source for cell in made.cells[3:]], [*learner.problems(tmp_path/'out/16_bias.ipynb')]
    return make


def shown(source, text='1'): return new_code_cell(source, outputs=[new_output('execute_result', {'text/plain': text})])


def test_a_learner_notebook_is_made(lesson):
    "The setup first, of imports and hidden definitions what the lesson needs, no checks, absolute links"
    asks = '::: {.callout-note collapse="true"}\n## Why?\nSee [the loop](15_train.ipynb#a-step) and [below](#the-end).\n:::'
    cells = [new_code_cell('#| default_exp bias'), new_markdown_cell('#| export\nThe model.'), new_code_cell('#| export\nimport os, re'),
             new_code_cell('from fastcore.test import *'), new_code_cell('#| export\ndef _twice(x): return 2*x\nother = 3'),
             new_code_cell('#| exports\ndef four(x): return re.sub("a", "b", _twice(x))'), shown('a = four("a"); a'),
             new_code_cell('b = four("b")\ntest_eq(b, "bb")'), new_code_cell('c = a\nassert c == "bb"'), shown('test_ne(c, a); c'),
             new_code_cell('#| lesson\ntest_eq(four(""), "")'), new_code_cell('#| hide\ntest_eq(1, 1)'), new_markdown_cell(asks)]
    site = site_url(settings())
    made, wrong = lesson(*cells)
    assert made == ['%pip x', 'import re\nfrom fastcore.test import test_eq, test_ne\nfrom collab_course.bias import _twice',
                    'def four(x): return re.sub("a", "b", _twice(x))', 'a = four("a"); a', 'c = a\nassert c == "bb"', 'test_ne(c, a); c',
                    'test_eq(four(""), "")', f'<details>\n<summary>Why?</summary>\n\nSee [the loop]({site}train.html#a-step) and '
                    f'[below]({site}bias.html#the-end).\n\n</details>']
    assert wrong == []


def test_a_learner_notebook_gives_no_solution_away(lesson):
    "Neither the page's folded solutions nor the checks; help is imported with `check`, and modules of the solutions, though no cell asks"
    cells = [new_code_cell('#| default_exp bias'), new_code_cell('from collab_course.exercises import check,hint,solution,solutions'),
             shown('def four(): ...\n\ncheck("bias.1", four)'), shown('#| solutions\nsolutions("bias")'),
             new_code_cell('#| exporti checks.bias\nimport math'), new_code_cell('#| exporti checks.bias\ndef four(): return math.sqrt(16)')]
    made, wrong = lesson(*cells)
    assert made == ['%pip x', 'import math\nfrom collab_course.exercises import check, hint, solution', 'def four(): ...\n\ncheck("bias.1", four)']
    assert wrong == []


def test_hidden_code_that_asks_for_a_shown_class_stays(lesson):
    "The module's would ask for the module's own class of that name"
    cells = [new_code_cell('#| default_exp bias'), new_code_cell('#| export\ndef _is_two(x): return isinstance(x, Two)'),
             new_code_cell('#| export\ndef _both(*xs): return all(map(_is_two, xs))'), new_code_cell('#| export\ndef _other(): return 1'),
             new_code_cell('#| exports\nclass Two: pass'), shown('_both(Two()), _other()')]
    made, wrong = lesson(*cells)
    assert made == ['%pip x', 'from collab_course.bias import _other', 'def _is_two(x): return isinstance(x, Two)',
                    'def _both(*xs): return all(map(_is_two, xs))', 'class Two: pass', '_both(Two()), _other()'] and wrong == []


@pytest.mark.parametrize('cell, problem', [
    (new_code_cell('#| export\nx = 1'), 'has a #| line'), (new_code_cell('assert 1'), 'only checks'),
    (new_code_cell('print("\'__main__.x\'")'), 'replaces a name of __main__'), (new_code_cell('nowhere + 1'), 'nobody makes nowhere'), (new_markdown_cell('::: {.wide}\nx\n:::'), 'has a :::'),
    (new_markdown_cell('see [it](../README.md)'), 'has a relative link, ](../README.md)'),
    (new_markdown_cell('<img src="x.png">'), 'has a relative link, src="x.png"'),
])
def test_a_bad_learner_notebook_is_found(tmp_path, cell, problem):
    "Each kind of fault"
    nbformat.write(new_notebook(cells=[cell]), tmp_path/'x.ipynb')
    [found] = learner.problems(tmp_path/'x.ipynb')
    assert found.startswith('x.ipynb') and problem in found


@pytest.mark.parametrize('path', notebooks(), ids=lambda path: path.stem)
def test_a_notebook_opens_anywhere(path):
    "Valid as it is saved, for the kernel that every Jupyter and VS Code has, each cell with its id"
    nb = nbformat.read(path, nbformat.NO_CONVERT)
    nbformat.validate(nb)
    assert (nb.nbformat, nb.nbformat_minor) == (4, 5)
    assert (nb.metadata.kernelspec.name, nb.metadata.kernelspec.language) == ('python3', 'python')
    assert len({cell.id for cell in nb.cells}) == len(nb.cells)


FIRST = {'user': 'first-owner', 'repo': 'first_repo', 'branch': 'first-branch'}
SECOND = {'user': 'second-owner', 'repo': 'second_repo', 'branch': 'second-branch'}
LINKS = re.compile(r'(?:github\.com|colab\.research\.google\.com/github)/([\w.-]+/[\w.-]+)|'
                   r'([\w-]+\.github\.io/[\w.-]+)')


def move(project, facts, python):
    "Write other facts into settings.ini, and carry them on as one does"
    path = project/'settings.ini'
    text = path.read_text(encoding='utf-8')
    for key, value in facts.items(): text = re.sub(rf'(?m)^{key} = .*', f'{key} = {value}', text)
    path.write_text(text, encoding='utf-8')
    python('tools/facts.py', '--write', cwd=project)


def test_nothing_is_left_of_another_owner(project, python):
    "Moved twice: no file says the first name, no link leads to ours, and the checks are content"
    ours = settings()
    for facts in FIRST, SECOND: move(project, facts, python)
    # the package that names link to is the copy, not the one that is installed
    python('tools/build_docs.py', cwd=project, env={**os.environ, 'PYTHONPATH': str(project)})
    texts = {path.relative_to(project).as_posix(): path.read_bytes().decode(errors='replace')
             for path in project_files(project) if 'tests' not in path.parts}
    left = {name for name, text in texts.items() if any(value in text for value in FIRST.values())}
    assert left == set()
    there = {link for text in texts.values() for link in map(''.join, LINKS.findall(text))}
    old = f"{ours['user']}/{ours['repo']}", f"{ours['user']}.github.io"
    assert [link for link in there if link.startswith(old)] == []
    assert {'second-owner/second_repo', 'second-owner.github.io/second_repo'} <= there
    for name in ('README.md', 'docs/bias.html', 'nbs/16_bias.ipynb', 'docs/notebooks/16_bias.ipynb',
                 'pyproject.toml', '.github/workflows/docs.yml', 'CITATION.cff', 'docs/404.html', 'docs/evaluate.html'):
        assert 'second' in texts[name], name
    python('tools/facts.py', cwd=project)
    python('tools/check_site.py', cwd=project)


def test_the_example_of_five_lines(tmp_path, python):
    "What the page on the library shows runs as a file of its own, on a file of other ratings"
    cells = json.loads((NBS/'91_library.ipynb').read_text(encoding='utf-8'))['cells']
    [cell] = [''.join(cell['source']) for cell in cells if '%%writefile' in ''.join(cell['source'])]
    text = cell.partition('\n')[2]
    assert len(text.splitlines()) == 5
    rows = [f'{who},{film},{1 + (who*7 + n*3) % 5},{who + n}' for who in range(150, 250)
            for n, film in enumerate(['Fargo (1996)', 'Alien (1979)', 'Heat', 'Emma', 'M', '"Ran, too"'])
            if who != 196 or film != 'Fargo (1996)']
    (tmp_path/'ratings.csv').write_text('\n'.join(['who,film,stars,when', *rows]))
    (tmp_path/'example.py').write_text(text)
    printed = python('example.py', cwd=tmp_path)
    assert re.search(r'0 +Fargo \(1996\) +\d\.\d+', printed)
