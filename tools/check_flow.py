"Check that imports go one way and alone, that private names stay at home, that pieces are small"
import ast
from functools import cache

from fastcore.nbio import read_nb
from IPython.core.inputtransformer2 import TransformerManager

from common import NBS, ROOT, notebooks, report, settings

EXPORTS = {'export', 'exports', 'exporti'}
IMPORTS = (ast.Import, ast.ImportFrom)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
# Lines of a module, of a function, and characters of a line
MODULE, FUNCTION, WIDTH = 450, 25, 100
# What the package's own names lead to stands in `__init__.py` under this name
FRONT_DOOR = '_HOMES'


def code_cells(path):
    "A notebook's code cells"
    return [cell for cell in read_nb(path).cells if cell.cell_type == 'code']


@cache
def parsed(source): return ast.parse(TransformerManager().transform_cell(source))


def tree(cell):
    "A cell's syntax tree; shell lines and magics become calls"
    return parsed(cell.source)


def module_of(cells):
    "The module that a notebook exports, or None"
    return next((cell.directives['default_exp'] for cell in cells
                 if 'default_exp' in cell.directives), None)


def by_number(folder=NBS):
    "The course's modules in the order in which they may import each other"
    return [name for path in notebooks(folder) if (name := module_of(code_cells(path)))]


@cache
def front_door(package):
    "The module behind each name that can be imported from the package itself"
    path = ROOT/package/'__init__.py'
    body = ast.parse(path.read_text(encoding='utf-8')).body if path.exists() else []
    found = [node.value for node in body if isinstance(node, ast.Assign)
             and ast.unparse(node.targets[0]) == FRONT_DOOR]
    return ast.literal_eval(found[0]) if found else {}


def course_modules(node, package):
    "The course modules that an import names"
    if isinstance(node, ast.Import): names = [alias.name for alias in node.names]
    elif node.level or node.module == package:
        base = package if node.module in (None, package) else f'{package}.{node.module}'
        names = [f'{base}.{alias.name}' for alias in node.names if alias.name[:2] != '__']
    else: names = [node.module]
    found = {name.split('.')[1] for name in names if name.startswith(f'{package}.')}
    homes = front_door(package)
    return {homes.get(name, name) for name in found}


def imports(cells):
    "All imports in cells, however deep they stand"
    return [node for cell in cells for node in ast.walk(tree(cell)) if isinstance(node, IMPORTS)]


def backward(paths, package):
    "Build pages' imports of what no earlier page makes; others may import all that is made"
    pages = [(path.name, code_cells(path)) for path in paths]
    made = {module_of(cells) for _, cells in pages} | {'all'}
    known = set()
    for name, cells in pages:
        used = {one for node in imports(cells) for one in course_modules(node, package)}
        allowed = known if module_of(cells) else made
        for one in sorted(used - allowed): yield f'{name}: {package}.{one} is made later, if at all'
        known.add(module_of(cells))


def mixed(paths):
    "Cells with imports and other code: nbdev runs them again, all of it, when it builds the docs"
    for path in paths:
        for cell in code_cells(path):
            if cell.directive('eval') == 'false': continue
            body = tree(cell).body
            inner = EXPORTS.isdisjoint(cell.directives) and imports([cell])
            some = inner or any(isinstance(node, IMPORTS) for node in body)
            if some and not all(isinstance(node, IMPORTS) for node in body):
                yield f'{path.name}: cell {cell.id} mixes imports with other code'


def is_private(name): return name.startswith('_') and not name.endswith('__')


def borrowed(trees, package):
    "Private names that code in `trees` takes from a course module"
    nodes = [node for one in trees for node in ast.walk(one)]
    modules = set()
    for node in nodes:
        if not (isinstance(node, IMPORTS) and course_modules(node, package)): continue
        modules.update(alias.asname or alias.name for alias in node.names)
        names = [alias.name.rpartition('.')[2] for alias in node.names]
        yield from filter(is_private, names)
    for node in nodes:
        if not (isinstance(node, ast.Attribute) and is_private(node.attr)): continue
        owner = ast.unparse(node.value)
        if owner in modules and owner[0].islower(): yield f'{owner}.{node.attr}'


def private(sources, package):
    "Each file, and the private name in it that belongs to another"
    for name, trees in sources.items():
        for one in borrowed(trees, package): yield f'{name}: {one} is private to another module'


def long(path):
    "A module, functions and lines that are longer than the project allows"
    text = path.read_text(encoding='utf-8')
    lines = text.splitlines()
    if len(lines) > MODULE: yield f'{path.name}: {len(lines)} lines, and {MODULE} are allowed'
    code = ast.parse(text)
    for node in ast.walk(code):
        if not isinstance(node, FUNCTIONS): continue
        count = node.end_lineno - node.lineno + 1
        if count > FUNCTION: yield f'{path.name}: {node.name} has {count} lines'
    nbdevs = [node for node in code.body if isinstance(node, ast.Assign)
              and ast.unparse(node.targets[0]) == '__all__']
    nbdevs += code.body[:1] if ast.get_docstring(code) else []
    skip = {k for node in nbdevs for k in range(node.lineno, node.end_lineno+1)}
    for number, line in enumerate(lines, 1):
        if number not in skip and len(line) > WIDTH:
            yield f'{path.name}, line {number}: {len(line)} characters'


def modules(package):
    "The package's own files, the checks of exercises too; what nbdev writes for itself aside"
    return [path for path in sorted((ROOT/package).rglob('*.py')) if path.stem != '_modidx']


def problems(folder=NBS, package=None):
    "All that is wrong in the notebooks of `folder` and in the package"
    package = package or settings()['lib_name']
    paths, files = notebooks(folder), modules(package)
    trees = {path.name: [tree(cell) for cell in code_cells(path)] for path in paths}
    trees |= {path.name: [ast.parse(path.read_text(encoding='utf-8'))] for path in files}
    return [*backward(paths, package), *mixed(paths), *private(trees, package),
            *(text for path in files for text in long(path))]


if __name__ == '__main__': report(problems(), 'imports go one way, and pieces are small')
