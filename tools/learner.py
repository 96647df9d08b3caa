"""Learner notebooks, for Colab and to download: the pages' notebooks without checks and without
what serves the library. tools/build_docs.py writes them, and nobody edits them"""
import ast
import importlib
import re
import textwrap

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from cells import HIDDEN, LESSON, checks, is_imports, undefined, uses
from check_flow import IMPORTS, code_cells, module_of, tree
from common import page_name, site_url

SETUP = '''## Setup

Run this first. In Colab, and nowhere else, it installs the course.'''
# Directives that stay, as tags: an assertion that is the lesson, an output that no run repeats
TAGS = [LESSON, 'volatile']
EXPORTED = {'export', 'exporti'}
# What stands beside `check` in the setup, though no cell calls it: the reader will
HELP = {'hint', 'solution', 'progress'}
# A long import goes on in a second line
WRAP = textwrap.TextWrapper(98, subsequent_indent='    ', break_on_hyphens=False)
DIRECTIVE = re.compile(r'^#\|.*\n?', re.M)
QUESTION = re.compile(r'^::: \{\.callout.*\}\n## (.+)\n((?:.*\n)*?):::$', re.M)
ANSWER = r'<details>\n<summary>\1</summary>\n\n\2\n</details>'
# A link to another page, to a place on this one, and any that is not absolute
PAGE = re.compile(r'\]\((?:\.\./|\w+/)?(?:\d+[a-z]*_)?(\w+)\.ipynb(?=[)#])')
PLACE = re.compile(r'\]\((?=#)')
RELATIVE = re.compile(r'\]\((?!https://)([^)]*)\)|(?:src|href)="(?!https://|data:)([^"]*)"')


def text(source, url, page):
    "Markdown as any notebook shows it: absolute links, answers that fold"
    source = PAGE.sub(rf']({url}\1.html', QUESTION.sub(ANSWER, source))
    return PLACE.sub(f']({url}{page}.html', source)


def written(node):
    "An import as it is written"
    line = ast.unparse(node)
    if len(line) <= WRAP.width: return line
    start, names = line.split(' import ')
    return WRAP.fill(f'{start} import ({names})')


def bound(node):
    "The names that an import makes"
    return {alias.asname or alias.name.partition('.')[0] for alias in node.names}


def one_import(node, wanted):
    "An import of those names that are wanted and not yet there, a star's spelled out; or nothing"
    names = node.names
    if getattr(node, 'module', '') == 'fastai.callback': return written(node) # they give methods
    if names and names[0].name == '*':
        names = map(ast.alias, importlib.import_module(node.module).__all__)
    kept = {alias.asname or alias.name.partition('.')[0]: alias for alias in names}
    kept = {bound: alias for bound, alias in kept.items() if bound in wanted}
    wanted -= kept.keys()
    own = {'module': node.module, 'level': node.level} if isinstance(node, ast.ImportFrom) else {}
    return written(type(node)(names=list(kept.values()), **own)) if kept else ''


def needed(cell, wanted):
    "A cell of the setup: of imports only those that are wanted, else all of it"
    source = DIRECTIVE.sub('', cell.source).strip()
    if not is_imports(cell): return source
    return '\n'.join(filter(None, (one_import(node, wanted) for node in tree(cell).body)))


def tied(hidden, shown):
    """Hidden definitions that use a class which the page shows: from the module they would bring
    another class of that name, so they stay"""
    names = {one.name for cell in shown for one in tree(cell).body if isinstance(one, ast.ClassDef)}
    found, more = [], hidden
    while more:
        more = [cell for cell in hidden if cell not in found and uses([cell])[0] & names]
        found += more
        names |= uses(more)[1]
    return found


def tells(cell):
    "Whether a cell gives exercises away: it shows the solutions, or is exported to the checks"
    return 'solutions' in cell.directives or cell.directives.get('exporti', '').startswith('checks.')


def sorted_cells(cells):
    "A page's code cells but for the install: its hidden definitions, the setup, and the lesson"
    hidden = [cell for cell in cells if EXPORTED & cell.directives.keys() and not is_imports(cell)]
    stay = tied(hidden, [cell for cell in cells if 'exports' in cell.directives])
    hidden = [cell for cell in hidden if cell not in stay]
    rest = [cell for cell in cells if cell not in hidden and tree(cell).body]
    left_out = checks(rest)
    rest = [cell for cell in rest if cell.id not in left_out]
    shown = [cell for cell in rest if not (HIDDEN & cell.directives.keys() or is_imports(cell))]
    start = rest.index(shown[0]) if shown else len(rest)
    setup = [cell for cell in rest if cell not in stay and (cell in rest[:start] or
             is_imports(cell) and HIDDEN & cell.directives.keys())]
    return hidden, setup, [cell for cell in rest if cell not in setup]


def prepared(cells, package):
    "The setup's second cell, and the ids of the cells that stay"
    told = [cell for cell in cells if tells(cell)]
    hidden, setup, lesson = sorted_cells([cell for cell in cells if cell not in told])
    wanted, _, _ = uses([cell for cell in setup + lesson if not is_imports(cell)])
    # What the solutions import, such as NumPy: the reader's answers will use it, too
    modules = [node for cell in told for node in tree(cell).body if isinstance(node, IMPORTS)
               and getattr(node, 'module', '') != f'{package}.exercises']
    there = uses(setup)[1] | wanted
    first = [one_import(node, {name for name in bound(node) if name not in there}) for node in modules]
    if 'check' in wanted: wanted |= HELP.union(*map(bound, modules))
    _, made, _ = uses(hidden)
    names = [ast.alias(name) for name in sorted(made & wanted)]
    own = ast.ImportFrom(f'{package}.{module_of(cells)}', names, 0)
    sources = [*first, *[needed(cell, wanted) for cell in setup], one_import(own, wanted)]
    return '\n'.join(filter(None, sources)), {cell.id for cell in lesson}


def learner(path, facts):
    "The learner notebook of the page whose notebook is at `path`"
    nb, url = nbformat.read(path, 4), site_url(facts)
    page = page_name(path)
    install, *code = code_cells(path)
    imports, stay = prepared(code, facts['lib_name'])
    title, badge, *rest = nb.cells
    setup = [new_markdown_cell(SETUP, id='setup'),
             new_code_cell(DIRECTIVE.sub('', install.source), id='install')]
    if imports: setup.append(new_code_cell(imports, id='imports'))
    nb.cells = [title, badge, *setup]
    for cell in rest:
        if cell.cell_type == 'markdown' and not cell.source.startswith('#|'):
            cell.source = text(cell.source, url, page)
        elif cell.id in stay:
            cell.metadata.tags = [word for word in TAGS if f'#| {word}' in cell.source]
            cell.source = DIRECTIVE.sub('', cell.source).strip()
        else: continue
        nb.cells.append(cell)
    return nb


def write(folder, paths, facts):
    "The learner notebooks of `paths` in `folder`"
    for path in paths: nbformat.write(learner(path, facts), folder/path.name)


def problems(path):
    "What a learner notebook holds and should not"
    cells = nbformat.read(path, 4).cells
    for cell in cells:
        if re.search(r'^#\|', cell.source, re.M): yield f'{path.name}: cell {cell.id} has a #| line'
        if cell.cell_type != 'markdown': continue
        if ':::' in cell.source: yield f'{path.name}: cell {cell.id} has a :::'
        for found in RELATIVE.finditer(cell.source):
            yield f'{path.name}: cell {cell.id} has a relative link, {found[0]}'
    code = [cell for cell in code_cells(path) if LESSON not in cell.metadata.get('tags', [])]
    for one in sorted(checks(code)): yield f'{path.name}: cell {one} only checks'
    for cell in code:
        if "'__main__." in cell.source: # hidden functions look where they were imported from
            yield f'{path.name}: cell {cell.id} replaces a name of __main__'
    if any('%run' in cell.source for cell in code): return # which makes names, too
    for name in sorted(undefined(code_cells(path))): yield f'{path.name}: nobody makes {name}'
