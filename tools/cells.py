"What a page's cells are there for: a lesson, a check, imports; and which names they use and make"
import ast
import builtins
from functools import cache
from symtable import symtable

from check_flow import IMPORTS, tree

# What IPython puts into a notebook besides Python's own names
THERE = {*dir(builtins), '__name__', '__file__', 'display', 'get_ipython'}
# A definition under these directives is not shown; under this one, an assertion is the lesson
HIDDEN, LESSON = {'hide', 'export', 'exporti', 'default_exp'}, 'lesson'
DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


def tables(table):
    "A symbol table, and all within it"
    yield table
    for inner in table.get_children(): yield from tables(inner)


@cache
def names(code):
    "The global names that a statement uses, and those that it makes"
    top, *inner = tables(symtable(code, 'cell', 'exec'))
    used = {one.get_name() for one in top.get_symbols() if one.is_referenced()}
    used |= {one.get_name() for table in inner for one in table.get_symbols() if one.is_global()}
    [statement] = ast.parse(code).body
    if not isinstance(statement, DEFINITIONS): # `x += 1` is no use of x to a symbol table
        used |= {node.target.id for node in ast.walk(statement) if isinstance(node, ast.AugAssign)
                 and isinstance(node.target, ast.Name)}
    made = {one.get_name() for one in top.get_symbols() if one.is_assigned() or one.is_imported()}
    return used, made, isinstance(statement, DEFINITIONS)


def statements(cells):
    "The names that each statement of code cells uses and makes, and whether it is a definition"
    return [names(ast.unparse(node)) for cell in cells for node in tree(cell).body]


def uses(cells):
    "The names that code cells take from before them, those that they make, and those of all time"
    taken, made, late = set(), set(), set()
    for used, new, is_definition in statements(cells):
        taken |= used - made
        made |= new
        if is_definition: late |= used - made
    return taken, made, late


def undefined(cells):
    "The names that code cells use and none of them makes"
    taken, made, _ = uses(cells)
    return taken - made - THERE


def is_check(node):
    "Whether a piece of code asserts something: `assert`, `test_eq(...)`, `with expect_fail(...)`"
    if isinstance(node, ast.Assert): return True
    if not isinstance(node, ast.Call): return False
    name = ast.unparse(node.func)
    return name.startswith('test_') or name == 'expect_fail'


def is_imports(cell):
    "Whether a cell imports, and does nothing else"
    body = tree(cell).body
    return bool(body) and all(isinstance(node, IMPORTS) for node in body)


def may_be_check(cell):
    "Whether a cell asserts and shows nothing; whether a later cell needs it is another question"
    if {'exports', LESSON} & cell.directives.keys() or cell.outputs: return False
    return any(map(is_check, ast.walk(tree(cell))))


def checks(cells):
    """The ids of the cells that only check: they show nothing, and no cell that stays uses what
    they make. From the last to the first; functions also use what is made after them"""
    found, (_, _, later) = set(), uses(cells)
    for cell in reversed(cells):
        taken, made, _ = uses([cell])
        if may_be_check(cell) and not later & made: found.add(cell.id)
        else: later = later - made | taken
    return found
