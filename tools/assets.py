"The site's style and icons cut down to what its pages use: a first load stays small"
import base64
import io
import logging
import re
import shutil
from importlib.metadata import distribution

import tinycss2
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from smalldocs.site import ASSETS

VENDOR = ASSETS/'vendor'
BOOTSTRAP = VENDOR/'bootstrap/bootstrap.min.css'
ICONS = VENDOR/'bootstrap-icons'
# Of Bootstrap's own theme for `data-bs-theme=dark`; the other rules serve both
DARK = '[data-bs-theme=dark]'
CLASSES = re.compile(r'\b(?:class|id)=\\?["\']([^"\']*)')
CODE = re.compile(r'\.(bi-[\w-]+)::before\{content:"\\(\w+)"\}')
# Where icons stand in a font
PRIVATE = re.compile('[\ue000-\uf8ff]')
LICENSES = {'bootstrap': VENDOR/'bootstrap/LICENSE', 'bootstrap-icons': ICONS/'LICENSE',
            'fuse': VENDOR/'fuse/LICENSE'}

logging.getLogger('fontTools').setLevel('ERROR')


def rules(css):
    "A style sheet's rules, without its comments"
    return tinycss2.parse_stylesheet(css, skip_comments=True, skip_whitespace=True)


def text(tokens): return tinycss2.serialize(tokens).strip()


def selectors(rule):
    "The selectors of a rule, one by one"
    parts = [[]]
    for token in rule.prelude:
        if token == ',': parts.append([])
        else: parts[-1].append(token)
    return parts


def dark():
    "Bootstrap's dark theme as a style sheet of its own, read after the rest"
    own = [text([rule]) for rule in rules(BOOTSTRAP.read_text(encoding='utf-8'))
           if rule.type == 'qualified-rule' and text(rule.prelude).startswith(DARK)]
    return '\n'.join(own).replace(DARK, ':root')


def named(tokens):
    "The classes and ids that a selector asks for, those inside `:not(…)` aside"
    before = None
    for token in tokens:
        if token.type == 'hash': yield token.value
        if token.type == 'ident' and before == '.': yield token.value
        before = token


def shrink(css, names):
    "`css` without the rules that ask for a class or an id which no page has"
    for rule in rules(css):
        if rule.type == 'at-rule' and rule.lower_at_keyword in ('media', 'supports'):
            inner = ''.join(shrink(text(rule.content), names))
            if inner: yield f'@{rule.at_keyword} {text(rule.prelude)}{{{inner}}}\n'
        elif rule.type == 'qualified-rule':
            kept = [text(one) for one in selectors(rule) if names.issuperset(named(one))]
            if kept and DARK not in kept[0]:
                yield f"{','.join(kept)}{{{text(rule.content)}}}\n"
        else: yield text([rule]) + '\n'


def in_use(docs):
    "Names that pages use as classes or ids, and all words of the scripts, which may set them"
    found = set()
    for path in docs.rglob('*.html'):
        page = path.read_text(encoding='utf-8')
        found.update(*(names.split() for names in CLASSES.findall(page)))
        scripts = ' '.join(re.findall(r'<script\b[^>]*>(.*?)</script>', page, re.S))
        found.update(re.findall(r'[\w-]+', scripts))
    for path in docs.rglob('*.js'):
        found.update(re.findall(r'[\w-]+', path.read_text(encoding='utf-8')))
    return found


def icons(names, css):
    "A font of the icons in use, inside the style sheet: those with a class, and those of `css`"
    sheet = (ICONS/'bootstrap-icons.min.css').read_text(encoding='utf-8')
    codes = {name: code for name, code in CODE.findall(sheet) if name in names}
    wanted = {*(int(code, 16) for code in codes.values()), *map(ord, PRIVATE.findall(css))}
    font = TTFont(ICONS/'fonts/bootstrap-icons.woff', recalcTimestamp=False)
    cutter = Subsetter(Options(layout_features=[], name_IDs=[], notdef_outline=False))
    cutter.populate(unicodes=wanted)
    cutter.subset(font)
    font.flavor, data = None, io.BytesIO()
    font.save(data)
    source = f'data:font/ttf;base64,{base64.b64encode(data.getvalue()).decode()}'
    yield f'@font-face{{font-family:bootstrap-icons;src:url({source})}}\n'
    yield '.bi::before{display:inline-block;font-family:bootstrap-icons;line-height:1;' \
          'vertical-align:-.125em}\n'
    for name, code in sorted(codes.items()): yield f'.{name}::before{{content:"\\{code}"}}\n'


def pack(docs):
    "Write site_libs/site.css, which replaces the sheets that it is made from"
    libs = docs/'site_libs'
    for name in ('themes', 'bootstrap', 'bootstrap-icons'): shutil.rmtree(libs/name)
    names = in_use(docs)
    bootstrap = BOOTSTRAP.read_text(encoding='utf-8')
    banner = re.match(r'.*?/\*!.*?\*/', bootstrap, re.S)[0]
    common = ''.join(shrink(bootstrap, names))
    own = ''.join(shrink((libs/'smalldocs.css').read_text(encoding='utf-8'), names))
    sheet = '\n'.join([banner, common + ''.join(icons(names, own)) + own])
    (libs/'site.css').write_text(sheet, encoding='utf-8')
    (libs/'dark.css').write_text(dark(), encoding='utf-8')
    (libs/'smalldocs.css').unlink()
    for name, path in LICENSES.items(): shutil.copy(path, libs/f'{name}-LICENSE.txt')
    own = distribution('smalldocs').read_text('licenses/LICENSE')
    (libs/'smalldocs-LICENSE.txt').write_text(own, encoding='utf-8')
