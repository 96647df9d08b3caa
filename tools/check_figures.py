"Check that a decimal in a page's prose is one that the page shows or asserts, rounded as the prose rounds it"
import ast
import re
from bisect import bisect_left

from fastcore.nbio import read_nb

from check_flow import tree
from common import notebooks, report

# A decimal such as .81 or 3.53; versions, addresses and names are none
DECIMAL = re.compile(r'(?<![\w./:-])\d{0,3}\.\d+(?![\w/]|\.\d)')
NUMBER = re.compile(r'-?\d[\d,]*\.?\d*(?:e[-+]?\d+)?|-?\.\d+')
# Not prose: code, formulas, where a link leads, markup
CODE = re.compile(r'`[^`]*`|\]\([^)]*\)|\$[^$]*\$|<[^>]*>')
MARKUP = re.compile(r'(?s)<(script|style|svg).*?</\1>|<[^>]*>')
# Calls that compare with a figure
CHECKS = 'test_eq', 'test_close'
# Outputs with more numbers than that are not subtracted from each other, nor are numbers beyond 20
MANY, LARGE = 120, 20
# A percentage of a share, a share of a percentage, seconds of minutes, thousandths, thousands;
# and how many digits the figure then has more
UNITS = (1, 0), (100, 2), (.01, -2), (60, 0), (1000, 3), (.001, -3)
# Figures that are no result of their page, and why
ELSEWHERE = {
    '01_files': {'3.14': 'a version of Python'}, 'index': {'3.11': 'a version of Python',
        '.81': 'a result of 25_network_or_product', '.86': 'a result of 25_network_or_product'},
    'choices': {'3.3': 'a version of nbdev'},
    '01_splits': {'.9': 'a setting for an exercise'}, '10_movielens': {'1.30': 'an example in a question'},
    'seed_map': {'.01': 'a setting on another page'},
    '13_loaders': {'.368': '1/e', '.632': '1-1/e'},
    '15_train': {'.882': "the notes' result"},
    '16_bias': {'.896': "the notes' result", '.882': "the notes' result"},
    '19_lost_rows': {'.822': "the notes' result", '.829': "the notes' result"},
    '24_collab_nn': {'.822': "the notes' result"},
    '22_stability': {'.815': 'in the picture'}, '41_questions': {'.66': 'asserted by hand'},
    '61_gibbs': dict.fromkeys(('1.01', '1.05', '1.1'), "others' rules"),
    '50_start': {'.921': 'a result of `bench.py sizes`'},
}


def numbers(text):
    "The numbers in a text, without signs"
    for found in NUMBER.findall(text):
        digits = found.replace(',', '')
        if digits not in ('', '-', '.'): yield abs(float(digits))


def shown(cell):
    "The text that a cell's outputs show"
    for out in cell.get('outputs', []):
        data = out.get('data', {})
        yield ''.join(out.get('text', ''))
        yield ''.join(data.get('text/plain', ''))
        yield MARKUP.sub(' ', ''.join(data.get('text/html', '')))


def constants(node):
    "The numbers that code names"
    return [abs(one.value) for one in ast.walk(node) if isinstance(one, ast.Constant)
            and isinstance(one.value, (int, float)) and not isinstance(one.value, bool)]


def known(cell):
    "A code cell's numbers, each with how far the true one may be from it"
    here = [*numbers('\n'.join(shown(cell)))]
    yield from ((one, 0) for one in here)
    small = [one for one in here if one < LARGE] if len(here) <= MANY else []
    yield from ((abs(a-b), 0) for a in small for b in small)
    for node in tree(cell).body:
        calls = [one for one in ast.walk(node) if isinstance(one, ast.Call)
                 and ast.unparse(one.func) in CHECKS]
        for call in calls:
            eps = constants(call.args[2]) if len(call.args) > 2 else []
            yield from ((one, max(eps, default=0)) for arg in call.args[:2] for one in constants(arg))
        if not calls and not isinstance(node, ast.Assert):
            yield from ((one, 0) for one in constants(node))


def prose(cell):
    "The decimals of a cell of text, as they stand there"
    return DECIMAL.findall(CODE.sub('', cell.source))


def fits(figure, found):
    "Is a figure of the prose one of the sorted numbers, rounded? `found` holds the exact enough"
    places = len(figure.partition('.')[2])
    def near(value, digits):
        half = .5*10**-digits*1.0001
        first, last = (bisect_left(found, (value+way,)) for way in (-half, half))
        return any(eps <= half for _, eps in found[first:last])
    value = float(figure)
    return near(1-value, places) or any(near(value*k, places-more) for k, more in UNITS)


def unfounded(path):
    "The decimals in a page's prose that nothing on the page stands behind"
    cells = read_nb(path).cells
    found = sorted({one for cell in cells if cell.cell_type == 'code' for one in known(cell)})
    for cell in cells:
        if cell.cell_type != 'markdown': continue
        for figure in prose(cell):
            if not fits(figure, found) and figure not in ELSEWHERE.get(path.stem, ()):
                yield f'{path.name}: {figure} is neither shown nor asserted'


def problems(): return [text for path in notebooks() for text in unfounded(path)]


if __name__ == '__main__': report(problems(), 'figures in prose are those of their pages')
