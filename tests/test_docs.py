"README.md and docs/ are what the notebooks give, and the site is whole"
import shutil

import pytest
from build_docs import OUTPUTS
from check_site import problems
from common import DOCS, ROOT, snapshot


def contents(folder):
    "All that a build makes"
    return {name: snapshot(folder/name) if (folder/name).is_dir() else (folder/name).read_bytes() for name in OUTPUTS}


def test_docs_are_fresh(tmp_path, python):
    "A build now gives the same bytes"
    python('tools/build_docs.py', '--out', tmp_path)
    fresh, saved = contents(tmp_path), contents(ROOT)
    different = [name for name in OUTPUTS if fresh[name] != saved[name]]
    pages = fresh['docs'].keys() | saved['docs'].keys()
    different += [name for name in sorted(pages) if fresh['docs'].get(name) != saved['docs'].get(name)]
    assert different == []


def test_site(): assert problems(DOCS) == []


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
])
def test_a_broken_page_is_found(tmp_path, addition, problem):
    "Each kind of fault, in a copy of the site"
    shutil.copytree(DOCS, tmp_path/'docs')
    page = tmp_path/'docs/index.html'
    page.write_text(page.read_text(encoding='utf-8').replace('</main>', f'{addition}</main>'), encoding='utf-8')
    [found] = problems(tmp_path/'docs')
    assert found.startswith('docs/index.html: ') and problem in found


@pytest.mark.parametrize('old, new, problem', [
    ('lang="en"', '', 'no lang'), ('<title>', '<title></title><title>', 'no title'),
    ('name="description"', 'name="other"', 'no description'),
])
def test_an_incomplete_page_is_found(tmp_path, old, new, problem):
    "A page without what search engines and screen readers need"
    shutil.copytree(DOCS, tmp_path/'docs')
    page = tmp_path/'docs/index.html'
    page.write_text(page.read_text(encoding='utf-8').replace(old, new, 1), encoding='utf-8')
    assert [text.endswith(problem) for text in problems(tmp_path/'docs')] == [True]


def test_a_font_from_the_network_is_found(tmp_path):
    "Style sheets are read, too"
    shutil.copytree(DOCS, tmp_path/'docs')
    with open(tmp_path/'docs/styles.css', 'a') as f: f.write('@import url(https://example.com/font.css);')
    assert problems(tmp_path/'docs') == ['docs/styles.css: https://example.com/font.css is loaded from elsewhere']
