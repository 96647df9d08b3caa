"What a page has around its text: time to read, what one learns, buttons, cards, a way on"
import html
import math
import re

import nbformat
from bs4 import BeautifulSoup
from PIL import Image

from common import COLAB, repo_url, site_url

# Words of prose a minute, and seconds for a line of code
WPM, LINE = 230, 2
# Not prose
UNREAD = ['pre', 'table', 'script', 'style']
# Headings that end a chapter, and say what was learned, not what will be
CLOSING = ('What we learned', 'Questions', 'Exercises', 'API')
# What is folded, or looked up: it takes no time to read
ASIDE = 'details.code-fold, details.solution, .question details, #api'
# A picture more colourful than that is a heat map, whose colours must not be turned
COLOURFUL = .25
HEAD = re.compile(r'<link [^>]*rel="stylesheet"[^>]*>|<script src=[^>]*></script>')
# The sheets, the scripts; `media` is what the theme's switch of smalldocs sets
SHEETS = '''<link rel="stylesheet" href="site_libs/site.css">\
<link rel="stylesheet" href="data:text/css," data-mode="light" class="quarto-color-scheme" \
id="quarto-bootstrap-light" media="not all and (prefers-color-scheme: dark)">\
<link rel="stylesheet" href="site_libs/dark.css" data-mode="dark" \
class="quarto-color-scheme quarto-color-alternate" id="quarto-bootstrap-dark" \
media="(prefers-color-scheme: dark)">\
<link rel="stylesheet" href="styles.css">\
<script src="site_libs/fuse/fuse.min.js" defer></script>\
<script src="site_libs/smalldocs.js" defer></script><script src="site.js" defer></script>'''
NOT_FOUND = '''<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="There is no such page.">
<link rel="icon" href="data:,"><title>Not found – {title}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ max-width: 36rem; margin: 15vh auto; padding: 0 1rem; font: 1.1rem/1.6 system-ui; }}
h1 {{ font-size: 1.75rem; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #212529; color: #dee2e6; }}
  a {{ color: #8fb8e3; }}
}}
</style></head>
<body><main><h1>A hole in the table</h1>
<p>There is no page here, and we would rather not predict one. It may have moved: the
<a href="{home}">home page</a> leads to all chapters.</p>
</main></body></html>
'''


def links(facts, source):
    "The buttons of a page: what they say, where they lead"
    repo = f"{facts['user']}/{facts['repo']}/blob/{facts['branch']}"
    name = source.rpartition('/')[2]
    lesson, blob = f'{repo}/docs/notebooks/{name}', f'{repo}/nbs/{source}'
    edit = f"{repo_url(facts)}/edit/{facts['branch']}/nbs/{source}"
    return {'Open in Colab': COLAB + lesson, 'Download notebook': f'notebooks/{name}',
            'View source': f'https://github.com/{blob}', 'Edit this page': edit,
            'Report an issue': f'{repo_url(facts)}/issues/new'}


def minutes(main):
    "Whole minutes that a page takes to read: its prose, and the lines of code that stand open"
    aside = {id(tag) for tag in main.select(ASIDE)}
    def read(one): return aside.isdisjoint(map(id, one.parents))
    code = [tag.get_text() for tag in main.select('pre.sourceCode') if read(tag)]
    prose = [text for text in main(string=True) if not text.find_parent(UNREAD) and read(text)]
    lines = sum(bool(line.strip()) for text in code for line in text.splitlines())
    return math.ceil(len(' '.join(prose).split())/WPM + lines*LINE/60)


def chapters(home):
    "What each chapter is said to show in the home page's table, by its notebook's name"
    source = '\n'.join(cell.source for cell in nbformat.read(home, 4).cells)
    rows = re.findall(r'^\| \w+ \| \[[^]]+\]\(([\w/]+\.ipynb)\) \| (.+?) \|$', source, re.M)
    return dict(rows)


def element(markup):
    "The element that `markup` describes"
    return BeautifulSoup(markup, 'html.parser').find()


def actions(soup, facts, source):
    "Under the title: the time to read, and what one can do with the page"
    main = soup.select_one('main')
    badge = main.find('img', src='colab-badge.svg')
    if badge: badge.find_parent('p').decompose()
    count = minutes(main)
    unit = 'minute' if count == 1 else 'minutes'
    def how(url): return '' if '://' in url else ' download'
    buttons = ''.join(f'<li><a href="{url}"{how(url)}>{name}</a></li>'
                      for name, url in links(facts, source).items())
    return element('<ul class="page-actions">'
                   f'<li class="time">{count} {unit} to read</li>{buttons}</ul>')


def lesson(soup, line):
    "What you will learn: the home page's line about the chapter, and the chapter's own headings"
    heads = [tag for tag in soup.select('main h2[id], main section[id] > h2')
             if tag.get_text() not in CLOSING]
    parts = [(tag.get('id') or tag.parent['id'], tag.get_text()) for tag in heads]
    if not (parts or line): return ''
    items = ''.join(f'<li><a href="#{html.escape(anchor)}">{html.escape(name)}</a></li>'
                    for anchor, name in parts)
    said = f'<p>{line[0].upper()}{line[1:]}.</p>' if line else ''
    return element('<section class="learn" aria-labelledby="learn-title">'
                   f'<p id="learn-title">What you will learn</p>{said}<ol>{items}</ol></section>')


def hero(soup):
    "The home page begins with a promise and its toy, and needs no list of headings"
    toy = soup.select_one('main .cell:has(.cc)')
    start = soup.select_one('.page-actions')
    box = element('<div class="hero"></div>')
    while start.next_sibling is not toy: box.append(start.next_sibling.extract())
    start.insert_after(box)
    box.append(toy.extract())
    soup.select_one('#quarto-sidebar a[href="index.html"] .menu-text').string = 'Home'
    soup.select_one('#quarto-margin-sidebar').decompose()
    frame = soup.select_one('#quarto-content')
    frame['class'] = [name for name in frame['class'] if name != 'has-margin']


def card(soup, facts, name):
    "For search engines and for those who share the page: its address, its picture"
    url = site_url(facts) + ('' if name == 'index.html' else name)
    soup.head.append(element(f'<link rel="canonical" href="{url}">'))
    about = f"{facts['lib_name']}: {facts['description']}"
    for key, value in {'og:url': url, 'og:type': 'website', 'og:image:width': '1200',
                       'og:image:height': '630', 'og:image:alt': about}.items():
        soup.head.append(element(f'<meta property="{key}" content="{html.escape(value)}">'))


def fold(soup):
    "Answers that fold open without a script, and with the keyboard"
    for header in soup.select('.callout-header[data-bs-toggle]'):
        box, body = header.parent, soup.select_one(header['data-bs-target'])
        header.select_one('.callout-btn-toggle').decompose()
        for link in header.find_all('a'): link.unwrap() # it would be a button in a button
        for key in ('data-bs-toggle', 'data-bs-target', 'aria-expanded'): del header[key]
        header['class'] = [name for name in header['class'] if name != 'collapsed']
        body['class'] = 'callout-body-box'
        box.name, header.name = 'details', 'summary'


def number(soup, sources):
    "The sidebar's pages with the numbers of their notebooks; the API's names in no list"
    for link in soup.select('#quarto-sidebar a[href]'):
        digits = re.search(r'(\d+[a-z]*)_', sources[link['href'].replace('.html', '.ipynb')])
        if digits: link.insert(0, soup.new_tag('span', attrs={'class': 'number'}, string=f'{digits[1]} '))
    for names in soup.select('#TOC a[href="#api"] + ul'): names.decompose()


def fold_parts(soup):
    "The sidebar's parts fold open without a script; open are the one that is read, or the first"
    sections = soup.select('#quarto-sidebar .sidebar-item-section')
    current = [one for one in sections if one.select_one('.active')] or sections[:1]
    for section in sections:
        name, pages = section.select_one('.menu-text').get_text(), section.ul.extract()
        is_open = ' open' if section in current else ''
        box = element(f'<details{is_open}><summary>{html.escape(name)}</summary></details>')
        del pages['id']
        pages['class'] = 'list-unstyled'
        section.clear()
        section.append(box)
        box.append(pages)


def colourful(path):
    "Whether much of a picture is coloured, as in a heat map"
    with Image.open(path) as picture:
        counts = picture.convert('RGB').convert('HSV').getchannel('S').histogram()
    return sum(counts[64:]) > COLOURFUL*sum(counts)


def mend(soup, docs):
    "What readers who do not see, or have no mouse, or read in the dark, would trip over"
    for tag in soup.select('i.bi[role=img]'): del tag['role']
    for tag in soup.select('i.bi'): tag['aria-hidden'] = 'true'
    for tag in soup.select('main img[src$=".png"]'):
        if colourful(docs/tag['src']): tag['class'] = [*tag.get('class', []), 'as-it-is']
    for tag in soup.select('main table:not(.cc table)'): # a widget's own scroll by themselves
        parent = tag.parent
        if parent.name == 'div' and len(parent.find_all(True, recursive=False)) == 1:
            parent['class'] = [*parent.get('class', []), 'wide']
        else: tag.wrap(element('<div class="wide"></div>'))
    toggle = soup.select_one('.quarto-color-scheme-toggle')
    toggle['aria-label'] = 'Dark mode'
    for name, label in {'#quarto-sidebar': 'Chapters', '.page-navigation': 'Previous and next',
                        '#TOC': 'On this page', '#quarto-header > nav': 'Site'}.items():
        tag = soup.select_one(name)
        if tag and tag.name == 'nav': tag['aria-label'] = label
    soup.body.insert(0, element('<a class="skip" href="#quarto-document-content">'
                                'Skip to the text</a>'))


def finish(path, facts, sources, lines):
    "Put everything into the page at `path`"
    text = path.read_text(encoding='utf-8')
    first = HEAD.search(text).start()
    head, rest = text[:first], HEAD.sub('', text[first:])
    soup = BeautifulSoup(head + SHEETS + rest, 'html.parser')
    source = sources[f'{path.stem}.ipynb']
    fold(soup)
    number(soup, sources)
    fold_parts(soup)
    title = soup.select_one('main > header, #title-block-header')
    title.insert_after(actions(soup, facts, source))
    if path.stem == 'index': hero(soup)
    else: soup.select_one('.page-actions').insert_after(lesson(soup, lines.get(source)))
    mend(soup, path.parent)
    card(soup, facts, path.name)
    path.write_text(str(soup), encoding='utf-8')


def not_found(facts):
    "The page for what is not there; it stands alone, for it is shown at any depth"
    return NOT_FOUND.format(title=facts['lib_name'], home=site_url(facts))
