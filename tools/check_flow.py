"Check that notebooks import only from earlier ones, and that imports stand alone in their cells"
import ast

from fastcore.nbio import read_nb
from IPython.core.inputtransformer2 import TransformerManager

from common import NBS, notebooks, report, settings

EXPORTS = {'export', 'exports', 'exporti'}
IMPORTS = (ast.Import, ast.ImportFrom)


def code_cells(path):
    "A notebook's code cells"
    return [cell for cell in read_nb(path).cells if cell.cell_type == 'code']


def tree(cell):
    "A cell's syntax tree; shell lines and magics become calls"
    return ast.parse(TransformerManager().transform_cell(cell.source))


def module_of(cells):
    "The module that a notebook exports, or None"
    return next((cell.directives['default_exp'] for cell in cells
                 if 'default_exp' in cell.directives), None)


def course_modules(node, package):
    "The course modules that an import names"
    if isinstance(node, ast.Import): names = [alias.name for alias in node.names]
    elif node.level or node.module == package:
        base = package if node.module in (None, package) else f'{package}.{node.module}'
        names = [f'{base}.{alias.name}' for alias in node.names if alias.name[:2] != '__']
    else: names = [node.module]
    return {name.split('.')[1] for name in names if name.startswith(f'{package}.')}


def imports(cells):
    "All imports in cells, however deep they stand"
    return [node for cell in cells for node in ast.walk(tree(cell)) if isinstance(node, IMPORTS)]


def backward(paths, package):
    "Imports of what no earlier notebook makes; the home page may import any, the last one `all`"
    known = set()
    for path in paths:
        if path == paths[-1]: known.add('all')
        cells = code_cells(path)
        used = {name for node in imports(cells) for name in course_modules(node, package)}
        later = used - known if path.stem != 'index' else ()
        for name in sorted(later): yield f'{path.name}: {package}.{name} is made later, if at all'
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


def problems(folder=NBS, package=None):
    "All that is wrong in the notebooks of `folder`"
    paths = notebooks(folder)
    return [*backward(paths, package or settings()['lib_name']), *mixed(paths)]


if __name__ == '__main__': report(problems(), 'imports go one way and stand alone')
