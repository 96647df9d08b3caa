"Check, or with --write renew, every place where a fact of settings.ini stands again"
import argparse
import re

from common import ROOT, notebooks, repo_url, report, settings, site_url

# Patterns hold the fact in their one group
BADGE = r'colab-badge\.svg\)\]\(https://colab\.research\.google\.com/github/([^)]+)\)'
COLAB = r'colab\.research\.google\.com/github/([^/]+/[^/]+/blob/[^/]+)/nbs/'
INSTALL = r'! \[ -e /content \] && pip install -Uqq git\+https://github\.com/([\w.-]+/[\w.-]+)'
CLONE = r'(?:git\+|git clone )https://github\.com/([\w.-]+/[\w-]+)'
PAGES = r'https://([\w-]+\.github\.io/[\w.-]+)'


def needed(facts):
    "Where a fact must stand: file, pattern, what it should say"
    home = f"{facts['user']}/{facts['repo']}"
    toml = {'name': facts['lib_name'], 'description': facts['description'],
            'Repository': repo_url(facts), 'Documentation': site_url(facts),
            'branch': facts['branch']}
    for key, fact in toml.items(): yield 'pyproject.toml', rf'^{key} = "(.*)"$', fact
    yield f"{facts['lib_name']}/__init__.py", r'^__version__ = "(.*)"$', facts['version']
    yield 'nbs/_quarto.yml', r'href: https://github\.com/(.*)$', home
    yield '.github/workflows/docs.yml', r'branches: \[(.*)\]$', facts['branch']
    for path in notebooks():
        name = f'nbs/{path.name}'
        yield name, BADGE, f"{home}/blob/{facts['branch']}/{name}"
        yield name, INSTALL, home


def allowed(facts):
    "Where a fact may stand"
    home = f"{facts['user']}/{facts['repo']}"
    texts = [*(f'nbs/{path.name}' for path in notebooks()), 'CONTRIBUTING.md', 'CHANGELOG.md']
    for name in texts:
        yield name, COLAB, f"{home}/blob/{facts['branch']}"
        yield name, CLONE, home
        yield name, PAGES, site_url(facts).removeprefix('https://').rstrip('/')


def read(name):
    "The text of a file, empty where there is none"
    path = ROOT/name
    return path.read_text(encoding='utf-8') if path.exists() else ''


def wrong(name, pattern, fact):
    "What stands in a file instead of `fact`"
    found = re.findall(pattern, read(name), re.M)
    return [f'{name}: {value} should be {fact}' for value in found if value != fact]


def missing(name, pattern, fact):
    "A file that does not say `fact` where it must"
    found = re.search(pattern, read(name), re.M)
    return [] if found else [f'{name}: {fact} is missing, no {pattern}']


def renew(name, pattern, fact):
    "Write `fact` where `pattern` finds another"
    def put(found):
        start = found.start()
        return found[0][:found.start(1)-start] + fact + found[0][found.end(1)-start:]
    text = read(name)
    new = re.sub(pattern, put, text, flags=re.M)
    if new != text: (ROOT/name).write_text(new, encoding='utf-8')


def write(facts):
    "Write every fact where another stands"
    for rule in [*needed(facts), *allowed(facts)]: renew(*rule)


def changelog(facts):
    "The newest entry of the changelog is this version's"
    found = re.search(r'^## \[?v?([\d.]+)', read('CHANGELOG.md'), re.M)
    newest = found[1] if found else 'nothing'
    if newest != facts['version']: yield f"CHANGELOG.md: {newest} stands before {facts['version']}"


def pythons(facts):
    "Workflows use no Python older than the package allows"
    def number(version): return tuple(map(int, version.split('.')))
    oldest = number(facts['min_python'])
    for path in sorted((ROOT/'.github/workflows').glob('*.yml')):
        versions = re.findall(r'"(3\.\d+)"', path.read_text(encoding='utf-8'))
        yield from (f'{path.name}: Python {v} is too old' for v in versions if number(v) < oldest)


def problems(facts):
    "Every place that disagrees with settings.ini"
    rules = [*needed(facts), *allowed(facts)]
    gaps = [text for rule in needed(facts) for text in missing(*rule)]
    differing = [text for rule in rules for text in wrong(*rule)]
    return [*gaps, *differing, *changelog(facts), *pythons(facts)]


def main():
    "Check, after writing if asked to"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--write', action='store_true', help='write the facts where they differ')
    facts = settings()
    if parser.parse_args().write: write(facts)
    report(problems(facts), 'every fact agrees with settings.ini')


if __name__ == '__main__': main()
