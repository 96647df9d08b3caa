"What all tests share: threads, where the data lies, and the count in the last line"
import gzip
import io
import os
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
# These start first, so that no worker is left with a long one at the end
LONG = ('test_colab', 'test_nothing_is_left', 'test_wheel_works_alone', 'test_notebook[', 'test_the_whole_tour')


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


CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), None)
NO_BROWSER = 'THE PAGES ARE NOT TESTED: no chromium here; apt-get install chromium'


@pytest.fixture(scope='session')
def browser_type_launch_args(browser_type_launch_args):
    "pytest-playwright starts the system's Chromium instead of downloading one"
    if not CHROMIUM: pytest.skip(NO_BROWSER)
    return {**browser_type_launch_args, 'executable_path': CHROMIUM, 'args': ['--no-sandbox']}


class Quiet(SimpleHTTPRequestHandler):
    "Serves files, text compressed as GitHub Pages does, and writes nothing to the terminal"
    def log_message(self, *args): pass

    def end_headers(self):
        if self.packed: self.send_header('Content-Encoding', 'gzip')
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
    reporter.write_line(f"{count('passed')} passed, {failed} failed{skipped}")
