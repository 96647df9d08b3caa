"Check a site: links lead somewhere, nothing comes from the network, pages are complete"
import argparse
import json
import re
from functools import cache
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup

from common import DOCS, report
from moved import MOVED
from pages import CLOSING

NOT_FOUND = '404.html'
# Pages that stand alone: no chapter, no buttons, in no list
APART = {NOT_FOUND, *(f'{old}.html' for old in MOVED)}
BUTTONS = ['Open in Colab', 'Download notebook', 'View source', 'Edit this page']

# What a browser fetches by itself
LOADED = [('img', 'src'), ('script', 'src'), ('link', 'href'), ('iframe', 'src'), ('embed', 'src'),
          ('source', 'src'), ('source', 'srcset'), ('video', 'src'), ('audio', 'src'),
          ('object', 'data'), ('use', 'href'), ('image', 'href')]
ADDRESS = re.compile(r'https?://[^\s"\'`]+')
# The end of a link that stayed Markdown
MARKDOWN = re.compile(r'\]\([\w./#:-]+\)')
CSS_URL = re.compile(r'url\(\s*["\']?([^"\')]+)|@import\s+["\']([^"\']+)')


@cache
def page(path): return BeautifulSoup(path.read_text(encoding='utf-8'), 'html.parser')


@cache
def ids(path): return {tag['id'] for tag in page(path).find_all(id=True)}


class Site:
    "A folder of pages, each read when it is needed"
    def __init__(self, folder):
        self.folder = Path(folder).resolve()
        self.pages = sorted(self.folder.rglob('*.html'))

    def broken(self, url, base):
        "Why a link from the file `base` into the site leads nowhere, or None"
        parts = urlsplit(url)
        target = (base.parent/unquote(parts.path)).resolve() if parts.path else base.resolve()
        if target.is_dir(): target = target/'index.html'
        if not target.is_relative_to(self.folder): return f'{url} leads out of the site'
        if not target.is_file(): return f'{url} leads to no file'
        anchor = unquote(parts.fragment)
        read = anchor and target.suffix == '.html'
        if read and anchor not in ids(target): return f'{url} leads to no anchor'

    def link(self, url, base):
        "What is wrong with a link that a reader may follow, or None"
        scheme = urlsplit(url).scheme
        if scheme in ('https', 'mailto'): return None
        if scheme or url.startswith('//'): return f'{url} is not https'
        return self.broken(url, base)

    def load(self, url, base):
        "What is wrong with something that the browser loads, or None"
        if url.startswith('data:'): return None
        if urlsplit(url).scheme or url.startswith('//'): return f'{url} is loaded from elsewhere'
        return self.broken(url, base)

    def style(self, text, base):
        "What is wrong with each address in a style sheet, or None"
        return [self.load(a or b, base) for a, b in CSS_URL.findall(text)]


def page_problems(site, path, soup):
    "What is wrong with one page"
    yield from (site.link(tag['href'], path) for tag in soup.find_all('a', href=True))
    for name, attribute in LOADED:
        for tag in soup.find_all(name, attrs={attribute: True}):
            if 'canonical' in tag.get('rel', []): continue
            yield site.load(tag[attribute].partition(' ')[0], path)
    for tag in soup.find_all('style'): yield from site.style(tag.get_text(), path)
    for tag in soup.find_all(style=True): yield from site.style(tag['style'], path)
    for tag in soup.find_all('script', src=False):
        if tag.get('type') != 'application/json': yield 'a script stands in the page itself'
        else: yield from (f'{url} stands in data' for url in ADDRESS.findall(tag.get_text()))
    for tag in soup.find_all(True):
        yield from (f'{name}= is a script in the page itself' for name in tag.attrs if name[:2] == 'on')
    for tag in soup.find_all('img'):
        if not tag.get('alt'): yield f'an image has no alt text: {str(tag)[:80]}'
    for tag in soup.select('span.math'):
        if not tag.math: yield f'maths is not MathML: {tag.get_text()}'
    for text in soup.find_all(string=MARKDOWN):
        if not text.find_parent(['pre', 'code', 'script', 'style', 'textarea']):
            yield f'it shows Markdown: {text.strip()[:80]}'
    for tag in soup.select('.cell-output-stderr, .cell-output-error'):
        yield f'it shows a warning or an error: {tag.get_text().strip()[:80]}'
    if not soup.html.get('lang'): yield 'it has no lang'
    if not (soup.title and soup.title.get_text().strip()): yield 'it has no title'
    described = soup.find('meta', attrs={'name': 'description'})
    if not (described and described.get('content')): yield 'it has no description'


def furniture(soup):
    "What a page lacks of all that should stand around its text"
    def word(selector): return [tag.get_text(strip=True) for tag in soup.select(selector)]
    if not re.fullmatch(r'\d+ minutes? to read', ''.join(word('.page-actions .time'))):
        yield 'it does not say how long it takes'
    for name in BUTTONS:
        if name not in word('.page-actions a'): yield f'it has no {name}'
    if not soup.select('.hero'):
        said = [name for name in word('main h2') if name not in CLOSING]
        if word('.learn li a') != said: yield 'it does not say what one learns'
    chapters = [tag['href'] for tag in soup.select('#quarto-sidebar a[href]')]
    here = soup.select_one('#quarto-sidebar a.active')
    place = chapters.index(here['href']) if here else 0
    before, after = chapters[max(place-1, 0):place], chapters[place+1:place+2]
    around = {'previous': before, 'next': after if here else []}
    for side, expected in around.items():
        found = [tag['href'] for tag in soup.select(f'.nav-page-{side} a')]
        if found != expected: yield f'its {side} page is {found}, and not {expected}'


def card(soup, folder):
    "What is wrong with the picture and the address that a shared link shows"
    def said(name): return soup.find('meta', attrs={'property': name})
    address = soup.find('link', rel='canonical')
    if not (address and said('og:image') and said('og:title') and said('og:description')):
        yield 'it has no card'
        return
    picture = PurePosixPath(urlsplit(said('og:image')['content']).path).name
    if not (folder/picture).is_file(): yield f'its picture {picture} is no file'


def lists(folder, pages):
    "Pages that sitemap.xml or llms.txt leave out, and others that they name"
    for name, pattern, suffix in (('sitemap.xml', r'/([\w-]+\.html)</loc>', ''),
                                  ('llms.txt', r'/([\w-]+\.html\.md)\): \S', '.md')):
        path = folder/name
        text = path.read_text(encoding='utf-8') if path.exists() else ''
        found = set(re.findall(pattern, text))
        for other in sorted(found ^ {page + suffix for page in pages}):
            yield path, f'{other} stands in it or in the site, and not in both'


def check(site, path, soup):
    "All that is wrong with one page"
    yield from page_problems(site, path, soup)
    if path.name not in APART: yield from [*furniture(soup), *card(soup, site.folder)]


def problems(folder):
    "What is wrong with the site in `folder`"
    site = Site(folder)
    index, names = site.folder/'search.json', {path.name for path in site.pages}
    found = [(path, text) for path in site.pages for text in check(site, path, page(path))]
    for path in sorted(site.folder.rglob('*.css')):
        found += [(path, text) for text in site.style(path.read_text(encoding='utf-8'), path)]
    if index.exists():
        entries = json.loads(index.read_text(encoding='utf-8'))
        found += [(index, site.link(entry['href'], index)) for entry in entries]
    found += lists(site.folder, names - APART)
    found += [(site.folder, f'it has no {name}') for name in sorted(APART - names)]
    if not names: found += [(site.folder, 'it holds no page')]
    return [f'{path.relative_to(site.folder.parent)}: {text}' for path, text in found if text]


def main():
    "Read the command line and check"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('docs', nargs='?', default=DOCS, type=Path, help='the folder of the site')
    report(problems(parser.parse_args().docs), 'the site is whole')


if __name__ == '__main__': main()
