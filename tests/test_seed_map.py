"The page that says where each item of the notes is covered leaves none out"
import re

import nbformat
from common import NBS

ITEMS = 55
ROW = re.compile(r'^\| (\d+) \| (.+?) \| \[(.+?)\]\((\w+\.ipynb)\) \|', re.M)


def rows():
    "Number, what it is, the page's title and its file, for each row of the table"
    nb = nbformat.read(NBS/'seed_map.ipynb', as_version=4)
    return [row for cell in nb.cells if cell.cell_type == 'markdown' for row in ROW.findall(cell.source)]


def test_no_item_is_missing(): assert [int(row[0]) for row in rows()] == list(range(1, ITEMS+1))


def test_every_page_is_there():
    "... under its own title"
    for _, _, title, file in rows():
        first = nbformat.read(NBS/file, as_version=4).cells[0].source
        assert first.splitlines()[0] == f'# {title}', file
