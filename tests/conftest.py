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


@pytest.fixture
def project(tmp_path):
    "A copy of the project, to run tools in that write"
    return copy_project(tmp_path/'project')


@pytest.fixture
def python():
    "Run Python, or a command beside it, and hand back what it printed"
    def run(*args, command='python', **options):
        line = [Path(sys.executable).with_name(command), *args]
        done = subprocess.run(line, capture_output=True, text=True, cwd=options.pop('cwd', ROOT), **options)
        assert not done.returncode, f'{done.stdout[-3000:]}\n{done.stderr[-3000:]}'
        return done.stdout
    return run


def pytest_sessionfinish(session, exitstatus): session.config.stash[STATUS] = exitstatus


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config):
    "The count, once, from the process that the others report to; a run that broke counts as a failure"
    reporter = config.pluginmanager.get_plugin('terminalreporter')
    if hasattr(config, 'workerinput') or reporter is None: return
    count = {name: len(reporter.stats.get(name, [])) for name in ('passed', 'failed', 'error', 'skipped')}
    failed = count['failed'] + count['error'] or int(config.stash.get(STATUS, 1) != 0)
    skipped = f", {count['skipped']} skipped" if count['skipped'] else ''
    reporter.write_line(f"{count['passed']} passed, {failed} failed{skipped}")
