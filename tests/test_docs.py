"README.md and docs/ are what the notebooks give, and the site is whole"
import shutil

import pytest
from build_docs import OUTPUTS
from check_site import problems
from common import DOCS, ROOT, changed, snapshot


def contents(folder):
    "All that a build makes"
    files = [name for name in OUTPUTS if name != 'docs']
    pages = {f'docs/{name}': data for name, data in snapshot(folder/'docs').items()}
    return {**pages, **{name: (folder/name).read_bytes() for name in files}}


def test_docs_are_fresh(tmp_path, python):
    "A build now gives the same bytes"
    python('tools/build_docs.py', '--out', tmp_path)
    assert changed(contents(ROOT), contents(tmp_path)) == []


def test_site(): assert problems(DOCS) == []


@pytest.fixture
def site(tmp_path):
    "Change a file in a copy of the site, and hand back what is wrong then"
    def change(old, new, name='index.html'):
        shutil.copytree(DOCS, tmp_path/'docs')
        path = tmp_path/'docs'/name
        text = path.read_text(encoding='utf-8')
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding='utf-8')
        return problems(tmp_path/'docs')
    return change


@pytest.mark.parametrize('addition, problem', [
    ('<a href="nowhere.html">x</a>', 'leads to no file'),
    ('<a href="index.html#nowhere">x</a>', 'leads to no anchor'),
    ('<a href="#nowhere">x</a>', 'leads to no anchor'),
    ('<a href="../README.md">x</a>', 'leads out of the site'),
    ('<a href="http://example.com">x</a>', 'is not https'),
    ('<img src="https://example.com/x.png" alt="x">', 'is loaded from elsewhere'),
    ('<img src="//example.com/x.png" alt="x">', 'is loaded from elsewhere'),
    ('<img src="favicon.svg">', 'no alt text'),
    ('<script src="https://example.com/x.js"></script>', 'is loaded from elsewhere'),
    ('<script>import("https://example.com/x.js")</script>', 'stands in a script'),
    ('<link rel="stylesheet" href="missing.css">', 'leads to no file'),
    ('<style>@import "https://example.com/x.css";</style>', 'is loaded from elsewhere'),
    ('<p style="background: url(missing.png)">x</p>', 'leads to no file'),
    ('<span class="math inline">x^2</span>', 'is not MathML'),
    ('<div class="cell-output-stderr">Warning</div>', 'shows a warning or an error'),
])
def test_a_broken_page_is_found(site, addition, problem):
    "Each kind of fault"
    [found] = site('</main>', f'{addition}</main>')
    assert found.startswith('docs/index.html: ') and problem in found


@pytest.mark.parametrize('old, new, problem', [
    ('lang="en"', '', 'no lang'), ('<title>', '<title></title><title>', 'no title'),
    ('name="description"', 'name="other"', 'no description'),
])
def test_an_incomplete_page_is_found(site, old, new, problem):
    "A page without what search engines and screen readers need"
    [found] = site(old, new)
    assert found.endswith(problem)


def test_a_font_from_the_network_is_found(site):
    "Style sheets are read, too"
    [found] = site(':root', '@import url(https://example.com/font.css); :root', 'styles.css')
    assert found == 'docs/styles.css: https://example.com/font.css is loaded from elsewhere'
