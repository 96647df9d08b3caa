"A processed notebook as its page shows it: checks and imports folded, signatures at the end"
from cells import checks, is_imports
from check_flow import code_cells
from tidy import tidy

# What nbdev puts before code that it exports: on a page that is the lesson, and stands open
OPEN = '#| code-fold: show\n#| code-summary: "Exported source"\n'
FOLD = '#| code-fold: true\n#| code-summary: {}\n'
HEADING = {'cell_type': 'markdown', 'id': 'api', 'metadata': {}, 'source': '## API'}


def quiet(path):
    "What cells of the notebook at `path` are folded, and under which word"
    cells = [cell for cell in code_cells(path) if cell.directive('eval') != 'false']
    imports = [cell.id for cell in cells if is_imports(cell)]
    return dict.fromkeys(imports, 'imports') | dict.fromkeys(checks(cells), 'checks')


def is_signature(cell): return cell['cell_type'] == 'code' and '\nshow_doc(' in cell['source']


def arrange(cells, path):
    "The cells of the page made from the notebook at `path`; folds that follow each other are one"
    words, shown, signatures, last = quiet(path), [], [], None
    for cell in cells:
        cell['source'] = ''.join(cell['source']).replace(OPEN, '')
        for output in cell.get('outputs', []): tidy(output)
        word = words.get(cell['id'])
        if is_signature(cell): signatures.append(cell)
        elif word and word == last: shown[-1]['source'] += '\n\n' + cell['source']
        else:
            if word: cell['source'] = FOLD.format(word) + cell['source']
            shown.append(cell)
            last = word
    return shown + ([HEADING] if signatures else []) + signatures
