"Tables as a reader wants them: text to the left, numbers to the right, no index that says nothing"
import re

from bs4 import BeautifulSoup

# What stands in a column of numbers, what may be missing in any, and what an index counts with
NUMBER = re.compile(r'[-+−±<>~]?[\d.][\d\s.,:e+\-−–±×%/*]*')
HOLE = re.compile(r'nan|none|nat|<na>|-?inf|\.\.\.|…|', re.I)
COUNT = re.compile(r'-?\d+|\.\.\.')
LEFT = 'text-align: left'


def said(column): return [one.get_text(strip=True) for one in column]


def is_numeric(column):
    "Whether the cells of a column hold numbers, holes aside"
    return all(NUMBER.fullmatch(text) or HOLE.fullmatch(text) for text in said(column))


def columns(table):
    "The head and the body of each column, as lists of cells; none where cells span several"
    rows = [row.find_all(['th', 'td'], recursive=False) for row in table.select('tr')]
    if len({len(row) for row in rows}) != 1: return []
    heads = len(table.select('thead tr'))
    return [(column[:heads], column[heads:]) for column in zip(*rows)]


def says_nothing(head, body):
    "Whether a column is an index without a name that only numbers the rows"
    return not any(said(head)) and all(one.name == 'th' for one in body) and \
        all(map(COUNT.fullmatch, said(body)))


def tidy_table(table):
    "Put one table right; where cells span several columns, cell by cell"
    found = columns(table) or [([], [one]) for one in table('td')]
    for head, body in found:
        if says_nothing(head, body):
            for one in head + body: one.decompose()
        elif body[0].name == 'th' or not is_numeric(body):
            for one in head + body: one['style'] = LEFT


def tidy(output):
    "Put the tables of data frames in a notebook's output right"
    data = output.get('data', {})
    source = ''.join(data.get('text/html', ''))
    if 'class="dataframe"' not in source: return
    soup = BeautifulSoup(source, 'html.parser')
    for table in soup.select('table.dataframe:has(td)'): tidy_table(table)
    data['text/html'] = str(soup)
