"What all tests share: threads, where the data lies, and the count in the last line"
import os
import subprocess
import sys
from pathlib import Path

import pytest
from common import ROOT, copy_project, data_env

os.environ['OMP_NUM_THREADS'] = '1'
os.environ.update(data_env())

STATUS = pytest.StashKey()
# These start first, so that no worker is left with a long one at the end
LONG = ('test_wheel_works_alone', 'test_notebook[', 'test_the_whole_tour')


@pytest.fixture
def project(tmp_path):
    "A copy of the project, to run tools in that write"
    return copy_project(tmp_path/'project')


@pytest.fixture
def python():
    "Run Python, or a command beside it, and hand back what it printed"
    def run(*args, command='python', **options):
        line = [Path(sys.executable).with_name(command), *args]
        options = {'cwd': ROOT, **options}
        done = subprocess.run(line, capture_output=True, text=True, **options)
        assert not done.returncode, f'{done.stdout[-3000:]}\n{done.stderr[-3000:]}'
        return done.stdout
    return run


def pytest_collection_modifyitems(items):
    "Put the long tests first"
    items.sort(key=lambda item: not item.name.startswith(LONG))


def pytest_sessionfinish(session, exitstatus): session.config.stash[STATUS] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    "The count, from the process that the others report to; a run that broke is a failure, too"
    reporter = config.pluginmanager.get_plugin('terminalreporter')
    if hasattr(config, 'workerinput') or reporter is None: return
    def count(name): return len(reporter.stats.get(name, []))
    failed = count('failed') + count('error') or int(config.stash.get(STATUS, 1) != 0)
    skipped = f", {count('skipped')} skipped" if count('skipped') else ''
    reporter.write_line(f"{count('passed')} passed, {failed} failed{skipped}")
