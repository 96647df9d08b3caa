"Check, or with --write renew, every place where a fact of settings.ini stands again"
import argparse
import contextlib
import re

import nbformat
from fastcore.nbio import write_nb
from nbdev.doclinks import nbdev_export
from PIL import Image

import social_card
from check_flow import by_number
from common import COLAB, ROOT, notebooks, repo_url, report, settings, site_url, source_name

# Patterns hold the fact in their one group
BADGE = r'colab-badge\.svg\)\]\(' + re.escape(COLAB) + r'([^)]+)\)'
GITHUB = r'https://github\.com/'
REPO = r'[\w.-]+/[\w-]+'
NOTEBOOK = rf'{re.escape(COLAB)}({REPO}/blob/[^/]+)/(?:nbs|docs/notebooks)/'
BLOB = rf'{GITHUB}({REPO}/blob/[^/]+)/(?:CONTRIBUTING|CHANGELOG|LICENSE)'
CLONE = rf'(?:git\+|git clone ){GITHUB}({REPO})'
FOLDER = rf'git clone {GITHUB}{REPO} && cd ([\w-]+)'
RELEASE = rf'git\+{GITHUB}{REPO}@([\w./-]+)'
# What a reader types; in Colab the whole cell is renewed
PIP = r'(?<!%)pip install \\?"([^"\\]+)\\?"'
PAGES = r'https://([\w-]+\.github\.io/[\w.-]+)'
OLDEST = r'Python (3\.\d+) or newer'
# The one list of import-linter's contracts that holds all modules, and how a name stands in it
LAYERS = r'(?s)^layers = \[\n(.*?)\]$'
LAYER = '    "{}",\n'
# What the workflow runs besides every Python, and how a line of it stands there
INCLUDE = r'(?s)^        include:\n(.*?)^    steps:'
COMBINATION = '          - {{python: "{}", with: "{}"}}\n'
# A notebook's first code cell: in Colab, and nowhere else, it installs this release of the course.
# Without -U, which would replace packages that Colab's kernel has loaded
INSTALL = '''#| hide
#| eval: false
import sys
if 'google.colab' in sys.modules:
    %pip install -qq "{}"'''


def tag(facts): return f"v{facts['version']}"


def asked_for(facts):
    "What pip installs the package from: a release's tag, or an index"
    return facts['install'].format(**facts)


def install(facts):
    "What every notebook's first code cell says"
    return INSTALL.format(asked_for(facts))


# Where a page uses fastbook, Colab needs that as well, alone: it has what fastbook asks for
USES_FASTBOOK = re.compile(r'^(?:from|import) fastbook\b', re.M)
FASTBOOK = '\n    %pip install -qq --no-deps fastbook'


def first_cell(facts, nb):
    "What the first code cell of a notebook says"
    used = any(USES_FASTBOOK.search(cell.source) for cell in nb.cells)
    return install(facts) + FASTBOOK*used


def is_install(cell):
    "Whether a cell is there for Colab"
    marks = 'eval: false', 'pip install'
    return cell.cell_type == 'code' and all(mark in cell.source for mark in marks)


def renew_install(path, facts):
    "Put the install cell below the badge and a page's first lines, before any other code"
    nb = nbformat.read(path, 4)
    source = first_cell(facts, nb)
    code = [cell for cell in nb.cells if cell.cell_type == 'code']
    if code[0].source == source: return
    cell = next(filter(is_install, code), None) or nbformat.v4.new_code_cell()
    cell.source = source
    nb.cells = [one for one in nb.cells if one is not cell]
    at = 1 + next((i for i, one in enumerate(nb.cells) if 'colab-badge' in one.source), 0)
    while nb.cells[at].cell_type == 'markdown' and nb.cells[at].source[0] != '#': at += 1
    nb.cells.insert(at, cell)
    write_nb(nb, path)


def installs(facts):
    "Notebooks whose first code cell is not the install, or that install twice"
    for path in notebooks(ROOT/'nbs'):
        nb = nbformat.read(path, 4)
        code = [cell for cell in nb.cells if cell.cell_type == 'code']
        first = code[0].source == first_cell(facts, nb) and not any(map(is_install, code[1:]))
        if not first: yield f'nbs/{source_name(path)}: its first code cell should install the course, alone'


def card(facts):
    "The picture for shared links says what the project is"
    with Image.open(ROOT/'nbs/social-card.png') as picture: said = picture.info.get('Title')
    if said != social_card.says(facts): yield f'nbs/social-card.png: {said} is not what it is about'


def older(facts):
    "On the oldest Python: the lowest releases that are allowed, and each release line of pandas"
    lines = ['lowest', *(f'pandas=={line}.*' for line in facts['pandas_lines'].split())]
    return [COMBINATION.format(facts['min_python'], line) for line in lines]


def needed(facts):
    "Where a fact must stand: file, pattern, what it should say"
    home = f"{facts['user']}/{facts['repo']}"
    toml = {'root_package': facts['lib_name'], 'description': facts['description'],
            'Repository': repo_url(facts), 'Documentation': site_url(facts),
            'branch': facts['branch']}
    for key, fact in toml.items(): yield 'pyproject.toml', rf'^{key} = "(.*)"$', fact
    yield 'pyproject.toml', r'^\[project\]\nname = "(.*)"$', facts['lib_name']
    yield 'pyproject.toml', LAYERS, ''.join(map(LAYER.format, reversed(by_number(ROOT/'nbs'))))
    cff = {'title': facts['lib_name'], 'abstract': facts['description'], 'url': site_url(facts),
           'version': facts['version'], 'license': facts['license'], '- name': facts['author'],
           'repository-code': repo_url(facts), 'keywords': ', '.join(facts['keywords'].split())}
    for key, fact in cff.items(): yield 'CITATION.cff', rf'^ *{key}: ["\[]?(.*?)["\]]?$', fact
    yield f"{facts['lib_name']}/__init__.py", r'^__version__ = "(.*)"$', facts['version']
    yield 'nbs/_quarto.yml', r'href: https://github\.com/(.*)$', home
    yield '.github/workflows/docs.yml', r'branches: \[(.*)\]$', facts['branch']
    pythons = ', '.join(f'"{version}"' for version in facts['python_versions'].split())
    yield '.github/workflows/test.yml', r'python: \[(.*)\]$', pythons
    yield '.github/workflows/test.yml', INCLUDE, ''.join(older(facts))
    for path in notebooks(ROOT/'nbs'):
        lesson = f"{home}/blob/{facts['branch']}/docs/notebooks/{path.name}"
        yield f'nbs/{source_name(path)}', BADGE, lesson


def allowed(facts):
    "Where a fact may stand"
    home = f"{facts['user']}/{facts['repo']}"
    chapters = [f'nbs/{source_name(path)}' for path in notebooks(ROOT/'nbs')]
    for name in [*chapters, 'CONTRIBUTING.md', 'CHANGELOG.md', f"{facts['lib_name']}/recommend.py"]:
        yield name, NOTEBOOK, f"{home}/blob/{facts['branch']}"
        yield name, BLOB, f"{home}/blob/{facts['branch']}"
        yield name, CLONE, home
        yield name, FOLDER, facts['repo']
        yield name, RELEASE, tag(facts)
        yield name, PIP, asked_for(facts)
        yield name, PAGES, site_url(facts).removeprefix('https://').rstrip('/')
        yield name, OLDEST, facts['min_python']


def read(name):
    "The text of a file, empty where there is none"
    path = ROOT/name
    return path.read_text(encoding='utf-8') if path.exists() else ''


def wrong(name, pattern, fact):
    "What stands in a file instead of `fact`"
    found = re.findall(pattern, read(name), re.M)
    return [f'{name}: {value} should be {fact}' for value in found if value != fact]


def missing(name, pattern, fact):
    "A file that does not say `fact` where it must"
    found = re.search(pattern, read(name), re.M)
    return [] if found else [f'{name}: {fact} is missing, no {pattern}']


def renew(name, pattern, fact):
    "Write `fact` where `pattern` finds another"
    def put(found):
        start = found.start()
        return found[0][:found.start(1)-start] + fact + found[0][found.end(1)-start:]
    text = read(name)
    new = re.sub(pattern, put, text, flags=re.M)
    if new != text: (ROOT/name).write_text(new, encoding='utf-8')


def write(facts):
    "Write every fact where another stands"
    for rule in [*needed(facts), *allowed(facts)]: renew(*rule)
    for path in notebooks(ROOT/'nbs'): renew_install(path, facts)
    if any(card(facts)): social_card.save(facts, ROOT/'nbs/social-card.png')


def changelog(facts):
    "The newest entry of the changelog is this version's"
    found = re.search(r'^## \[?v?([\d.]+)', read('CHANGELOG.md'), re.M)
    newest = found[1] if found else 'nothing'
    if newest != facts['version']: yield f"CHANGELOG.md: {newest} stands before {facts['version']}"


def tested(facts):
    "The oldest Python and pandas that are tested are the oldest that the package allows"
    first, oldest = facts['python_versions'].split()[0], facts['min_python']
    if first != oldest: yield f'settings.ini: {oldest} is allowed, and the oldest tested is {first}'
    [lowest] = re.findall(r'\bpandas>=([\d.]+)', facts['requirements'])
    line = facts['pandas_lines'].split()[0]
    if not f'{lowest}.'.startswith(f'{line}.'):
        yield f'settings.ini: pandas {lowest} is allowed, and the oldest line tested is {line}'


def problems(facts):
    "Every place that disagrees with settings.ini"
    rules = [*needed(facts), *allowed(facts)]
    gaps = [text for rule in needed(facts) for text in missing(*rule)]
    differing = [text for rule in rules for text in wrong(*rule)]
    return [*gaps, *differing, *installs(facts), *card(facts), *changelog(facts), *tested(facts)]


def export():
    "Modules name their page, too"
    with contextlib.chdir(ROOT): nbdev_export.__wrapped__()


def main():
    "Check, after writing if asked to"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--write', action='store_true', help='write the facts where they differ')
    facts = settings()
    if parser.parse_args().write:
        write(facts)
        export()
    report(problems(facts), 'every fact agrees with settings.ini')


if __name__ == '__main__': main()
