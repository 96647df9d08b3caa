"A decimal in a page's prose is one that the page shows or asserts, rounded as the prose rounds it"
import check_figures
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output


def test_figures(): assert check_figures.problems() == []


def test_nothing_is_excused_that_needs_no_excuse(monkeypatch):
    "Each figure in the list stands on its page, and would be found without it"
    listed = {(f'{page}.ipynb', figure) for page, figures in check_figures.ELSEWHERE.items() for figure in figures}
    monkeypatch.setattr(check_figures, 'ELSEWHERE', {})
    found = {tuple(text.split(' is ')[0].split(': ')) for text in check_figures.problems()}
    assert found == listed


@pytest.fixture
def found(tmp_path):
    "What is found on a page with some prose, an output and code"
    def ask(prose, output='', code='x'):
        shown = [new_output('execute_result', {'text/plain': output})] if output else []
        cells = [new_code_cell(code, outputs=shown), new_markdown_cell(prose)]
        nbformat.write(new_notebook(cells=cells), tmp_path/'page.ipynb')
        return [*check_figures.unfounded(tmp_path/'page.ipynb')]
    return ask


@pytest.mark.parametrize('prose, output, code', [
    ('It costs .81.', '0.8149', 'x'), ('It costs .81.', 'loss  0.81\nother  3', 'x'), ('It costs .05.', '0.859 0.808', 'x'),
    ('A share of 6.3%.', '0.06305', 'x'), ('A share of .063.', '6.305', 'x'), ('1.5 minutes', '90', 'x'),
    ('1.4 MB', '1400', 'x'), ('The rest is .19.', '0.81', 'x'), ('A rate of .1.', '', 'fit(lr=.1)'),
    ('It costs .81.', '', 'test_close(x, .812, .004)'), ('It costs .5.', '', 'test_eq(x, .5)'),
    ('`0.77`, [so](.77.html), $.77$, 3.11.2, v.77', '', 'x'),
])
def test_figures_that_are_shown_or_asserted(prose, output, code, found): assert found(prose, output, code) == []


@pytest.mark.parametrize('prose, output, code', [
    ('It costs .82.', '0.8149', 'x'), ('It costs .045.', '0.8592 0.8082', 'test_close(x, .045, .01)'),
    ('It costs .812.', '0.81', 'test_close(x, .812, .004)'), ('It costs .81.', '', 'assert x < .81'),
    ('It costs .81.', '', 'x # about .81'),
])
def test_figures_that_are_not(prose, output, code, found):
    "Among them one whose check is too wide to tell"
    assert len(found(prose, output, code)) == 1
