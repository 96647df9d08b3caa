"Types: mypy --strict on a file that calls every public method, against the built wheel"
import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import collab_course
import pytest
from conftest import clean_run

TYPED = Path(__file__).with_name('typed.py')
# What models hand to each other, by rows: for those who write a model
INNER = {'block_rows', 'has_seed', 'item_scores', 'list_maker', 'lists_by_score', 'mean_std', 'moved', 'packed', 'predict_rows',
         'rank', 'rank_all', 'rank_many', 'reseeded', 'to_ratings', 'models_inside'}


@pytest.fixture(scope='session')
def site(once, wheel):
    "A folder with the unpacked wheel alone, which is all that mypy knows of the package"
    def make(folder):
        clean_run(sys.executable, '-m', 'pip', 'install', '--quiet', '--no-deps', '--target', folder, wheel,
                  cwd=wheel.parent)
    return once('typed', make)


def mypy(site, file):
    "What mypy finds in a file; its cache is not made for two at once"
    env, worker = {**os.environ, 'MYPYPATH': str(site)}, os.environ.get('PYTEST_XDIST_WORKER', 'alone')
    line = [sys.executable, '-m', 'mypy', '--strict', '--no-error-summary', '--follow-imports', 'silent',
            '--cache-dir', site.with_name(f'mypy-cache-{worker}'), file]
    done = subprocess.run(line, cwd=site.parent, env=env, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_every_public_method_is_typed(site):
    "`--strict` has nothing to say"
    assert mypy(site, TYPED) == ''


WRONG = {'BiasedMF.fit(df)': 'type-var', 'BiasedMF().fitt(df)': 'has no attribute "fitt"', 'BiasedMF(n_factors="fifty")': 'incompatible type',
         'BiasedMF().fit(df, quite=True)': 'Argument "quite" to "fit" .* expected "Never"', 'collab_course.nothing': 'has no attribute "nothing"'}


def test_a_wrong_call_is_found(site, tmp_path):
    "Types are known, not merely absent"
    file, head = tmp_path/'wrong.py', 'import collab_course\nimport pandas as pd\nfrom collab_course import BiasedMF\n\n'
    body = ''.join(f'def wrong{i}(df: pd.DataFrame) -> None:\n    {line}\n' for i, line in enumerate(WRONG))
    file.write_text(head + body)
    found = mypy(site, file)
    for i, (line, problem) in enumerate(WRONG.items()):
        assert re.search(rf'wrong.py:{6 + 2*i}: .*{problem}', found), f'{line}: {found}'


def test_no_method_is_left_out():
    "typed.py names every public method of every model and every name of the front door"
    tree = ast.parse(TYPED.read_text(encoding='utf-8'))
    called = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    models = [o for o in map(collab_course.__getattr__, collab_course.__all__)
              if isinstance(o, type) and issubclass(o, collab_course.Recommender)]
    questions = {name for name in dir(collab_course.Recommender) if name[0] != '_'} - INNER
    assert len(models) > 5 and questions <= called
    own = {name for o in models for name in dir(o) if name[0] != '_' and callable(getattr(o, name))}
    assert own - INNER <= called
    imported = {a.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for a in node.names}
    assert set(collab_course.__all__) <= imported
