"What all tests share: threads, where the data lies, the wheel, and the count in the last line"
import fcntl
import gzip
import io
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from common import DOCS, ROOT, copy_project, data_env

os.environ['OMP_NUM_THREADS'] = '1'
os.environ.update(data_env())

STATUS = pytest.StashKey()
# Tests of the project, its pages and its types, which need more than the extra `test` brings;
# `make library` leaves them out
PROJECT = {'test_browser.py', 'test_colab.py', 'test_devices.py', 'test_docs.py', 'test_figures.py',
           'test_from_0_1.py', 'test_gpu.py', 'test_notebooks.py', 'test_pages_on_devices.py', 'test_project.py',
           'test_seed_map.py', 'test_spark_cluster.py', 'test_typing.py', 'test_widgets.py'}
# These start first, so that no worker is left with a long one at the end
LONG = ('test_spark_', 'test_colab', 'test_nothing_is_left', 'test_wheel_works_alone', 'test_notebook[', 'test_tour_trains', 'test_without')


def pytest_addoption(parser):
    parser.addoption('--library', action='store_true', help="the library's tests alone")


def pytest_ignore_collect(collection_path, config):
    "With --library, what needs the tools is not even imported"
    return True if config.option.library and collection_path.name in PROJECT else None


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


def clean_run(*command, cwd):
    "A command that ended well, in an environment without Python's own variables"
    env = {key: value for key, value in os.environ.items() if not key.startswith('PYTHON')}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    assert not done.returncode, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope='session')
def once(tmp_path_factory, worker_id):
    "A folder that `make` fills, once for all processes: `once(name, make)` gives its path"
    base = tmp_path_factory.getbasetemp()
    shared = base if worker_id == 'master' else base.parent
    def ensure(name, make):
        folder, done = shared/name, shared/f'{name}.done'
        with open(shared/f'{name}.lock', 'w') as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                make(folder)
                done.touch()
        return folder
    return ensure


@pytest.fixture(scope='session')
def dist(once):
    "The folder of the wheel and the sdist, built from a copy"
    def make(folder):
        copy_project(folder)
        done = clean_run(sys.executable, '-m', 'build', cwd=folder)
        printed = done.stdout + done.stderr
        assert not re.search(r'(?i)warning|deprecat', printed), printed
    return once('build', make)/'dist'


@pytest.fixture(scope='session')
def wheel(dist):
    "The built wheel"
    [path] = dist.glob('*.whl')
    return path


CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
NO_BROWSER = 'THE PAGES ARE NOT TESTED: no chromium here; apt-get install chromium'

JAVA = shutil.which('java')
NO_JAVA = 'SPARK IS NOT TESTED: no Java here; apt-get install openjdk-17-jre-headless'


@pytest.fixture(scope='session')
def browser_type_launch_args(browser_type_launch_args):
    "pytest-playwright starts the system's Chromium instead of downloading one"
    if not CHROMIUM: pytest.skip(NO_BROWSER)
    return {**browser_type_launch_args, 'executable_path': CHROMIUM, 'args': ['--no-sandbox']}


class Quiet(SimpleHTTPRequestHandler):
    """Serves files, text compressed as GitHub Pages does, under a policy that allows no script
    within a page, and writes nothing to the terminal"""
    def log_message(self, *args): pass

    def end_headers(self):
        if self.packed: self.send_header('Content-Encoding', 'gzip')
        self.send_header('Content-Security-Policy', "script-src 'self'")
        super().end_headers()

    def send_head(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir(): path /= 'index.html'
        self.packed = path.is_file() and path.suffix in ('.html', '.css', '.js', '.json', '.svg')
        if not self.packed: return super().send_head()
        data = gzip.compress(path.read_bytes())
        self.send_response(200)
        self.send_header('Content-Type', self.guess_type(path))
        self.send_header('Content-Length', len(data))
        self.end_headers()
        return io.BytesIO(data)


@pytest.fixture(scope='session')
def base_url():
    "Serve docs/ while the tests run: `page.goto('/bias.html')` opens a page"
    server = ThreadingHTTPServer(('localhost', 0), partial(Quiet, directory=DOCS))
    Thread(target=server.serve_forever, daemon=True).start()
    yield f'http://localhost:{server.server_port}'
    server.shutdown()


@pytest.fixture
def page(page):
    "A browser's page that fails its test for an error in the console or a request off the site"
    found = []
    page.on('pageerror', lambda e: found.append(str(e)))
    page.on('console', lambda m: found.append(m.text) if m.type in ('error', 'warning') else None)
    def off_site(request): return request.url.startswith('http') and 'localhost' not in request.url
    page.on('request', lambda r: found.append(f'asks for {r.url}') if off_site(r) else None)
    yield page
    assert not found, found


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
    if not CHROMIUM: reporter.write_line(NO_BROWSER)
    if not JAVA: reporter.write_line(NO_JAVA)
    reporter.write_line(f"{count('passed')} passed, {failed} failed{skipped}")
