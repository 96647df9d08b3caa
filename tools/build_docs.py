"Build README.md and the site in docs/ from the notebooks: nbdev's processors, then smalldocs"
import argparse
import base64
import contextlib
import html
import json
import os
import re
import shutil
import sys
import tempfile
import warnings
from multiprocessing import get_context
from pathlib import Path, PurePosixPath

from latex2mathml.converter import convert
from nbdev.quarto import refresh_quarto_yml
from nbdev.serve import proc_nbs
from smalldocs.site import build

import assets
import learner
import moved
import pages
import scripts
from arrange import arrange
from common import BUGS, ROOT, copy_project, parts, reading_order, settings, site_url, source_name

BADGE = 'https://colab.research.google.com/assets/colab-badge.svg'
OUTPUTS = ['README.md', 'docs', 'nbs/nbdev.yml', 'nbs/sidebar.yml']
# What smalldocs says of things that are there for Quarto
EXPECTED = ('unknown key format-links', 'output-file is not read')

# nbdev runs import cells again; fastai's import warns in them
warnings.filterwarnings('ignore', category=FutureWarning, module='torch.jit._script')

PREFIX = re.compile(r'^\d+[a-z]*_')
# A notebook's name in a link, `](02_data.ipynb#anchor)`, or in a line of sidebar.yml; the pages of
# all folders stand beside each other
LINK = re.compile(rf'(?<=\]\(|- )(?:{BUGS}/|\.\./)?\d+[a-z]*_(?=\w+\.ipynb[)#\n])')
# nbdev links a word in backticks to what has that name, also to private names, which no page shows
PRIVATE = re.compile(r'\[(`_\w+`)\]\([^)]*\)')
# ... also within a link of the text's own, and a link cannot stand in a link
NESTED = re.compile(r'\[((?:[^\[\]\n]|\[`[^`\n]+`\]\([^)\n]*\))+)\]\(([^)\s]+)\)')
INNER = re.compile(r'\[(`[^`]+`)\]\([^)]*\)')
MATH = re.compile(r'<span class="math (inline|display)">\\[(\[](.*?)\\[)\]]</span>', re.S)
KATEX = re.compile(r'<link [^>]*katex[^>]*>|<script [^>]*katex[^>]*></script>')
TABLE_STYLE = re.compile(r'<style scoped(?:="")?>.*?</style>\s*', re.S)
# What wakes a widget, at the start of a line; a Markdown copy keeps the still picture or table
WIDGET = re.compile(r'^<(style|script)\b.*?</\1>\n?', re.S | re.M)
PICTURE = re.compile(r'data:image/png;base64,([\w+/=]+)')
# Where a file of the project is for everybody, the toy's lists, and what stands under "All pages"
RAW = 'https://raw.githubusercontent.com/{user}/{repo}/{branch}'
TOY = re.compile(r'<div class="cc".*?</div>\n', re.S)
PAGE_LIST = re.compile(r'<details>\n<summary>By parts.*?</details>\n', re.S)
# A link to a symbol's heading, in a page or its Markdown copy
SYMBOL = re.compile(r'(\w+\.html)((?:\.md)?)#([\w.]+)')


def sidebar(nbs):
    "The text of sidebar.yml: the notebooks of `nbs` by parts, in reading order"
    lines = ['website:', '  sidebar:', '    contents:']
    for name, paths in parts(nbs):
        if name: lines += [f'      - section: {name}', '        contents:']
        indent = ' ' * (10 if name else 6)
        lines += [f'{indent}- {source_name(path)}' for path in paths]
    return '\n'.join(lines) + '\n'


def is_docstring(cell):
    "Whether a cell is there for the module's docstring alone"
    return cell['cell_type'] == 'markdown' and ''.join(cell['source']).startswith('#| export')


def unnested(found):
    "A link without the links within its text"
    text = INNER.sub(r'\1', found[1])
    return f'[{text}]({found[2]})'


def page(text, path):
    "The notebook at `path`, processed, as the site shows it: links to pages, no module's docstring"
    nb = json.loads(text)
    nb['cells'] = arrange([cell for cell in nb['cells'] if not is_docstring(cell)], path)
    for cell in nb['cells']:
        if cell['cell_type'] != 'markdown': continue
        cell['source'] = NESTED.sub(unnested, ''.join(cell['source'])).splitlines(True)
    text = json.dumps(nb, ensure_ascii=False, indent=1)
    return PRIVATE.sub(r'\1', LINK.sub('', text)).replace(BADGE, 'colab-badge.svg')


def stage(project):
    "The notebooks as nbdev's processors leave them, named as their pages will be"
    with contextlib.chdir(project):
        refresh_quarto_yml()
        Path('nbs/sidebar.yml').write_text(sidebar(Path('nbs')), encoding='utf-8')
        # forked, since a fork leaves without what IPython does at its end for each notebook, which
        # takes longer than all the rest
        process = get_context('fork').Process(target=proc_nbs, kwargs={'n_workers': 0, 'force': True})
        process.start()
        process.join()
        if process.exitcode: sys.exit('nbdev could not process the notebooks')
    proc = project/'_proc'
    here = site_url(settings(project))
    bar = proc/'sidebar.yml'
    bar.write_text(LINK.sub('', bar.read_text(encoding='utf-8')), encoding='utf-8')
    for path in [*proc.glob('*.ipynb'), *(proc/BUGS).glob('*.ipynb')]:
        text = page(path.read_text(encoding='utf-8'), project/'nbs'/source_name(path))
        text = text.replace(f']({here}', '](')
        path.write_text(text, encoding='utf-8')
        path.rename(proc/PREFIX.sub('', path.name))
    return proc


def render(proc, sources):
    "The site that smalldocs makes of the staged notebooks, its pages in reading order"
    (proc/'dark.css').touch()
    site = build(proc, quiet=True)
    problems = [text for text in site.warnings if not any(known in text for known in EXPECTED)]
    if problems: sys.exit('\n'.join(problems))
    order = [PurePosixPath(name) for name in sources]
    site.pages = {name: site.pages[name] for name in order}
    site.write_llms_txt()
    about = {f'{page.out.stem}.html.md': page.meta['description'] for page in site.pages.values()}
    return site.out, about


def mathml(found):
    "A formula as MathML, which browsers show by themselves"
    kind, latex = found.groups()
    display = {'inline': 'inline', 'display': 'block'}[kind]
    return f'<span class="math {kind}">{convert(html.unescape(latex), display=display)}</span>'


def anchors(docs):
    "A function that leads links to a method without a heading to the heading of its class"
    pages = {path.name: path.read_text(encoding='utf-8') for path in docs.glob('*.html')}
    ids = {name: set(re.findall(r' id="([^"]+)"', text)) for name, text in pages.items()}

    def lead(found):
        page, copy, anchor = found.groups()
        known = anchor in ids.get(page, [anchor])
        return f'{page}{copy}#{anchor if known else anchor.rpartition(".")[0] or anchor}'
    return lead


def polish(docs):
    "Make the pages stand alone: maths as MathML, pictures as files, links to what is there"
    files = docs.glob('*_files/*.png')
    names = {path.read_bytes(): path.relative_to(docs).as_posix() for path in files}
    lead = anchors(docs)

    def picture(found): return names[base64.b64decode(found[1])]

    for path in docs.glob('*.html'):
        text = MATH.sub(mathml, KATEX.sub('', path.read_text(encoding='utf-8')))
        text = PICTURE.sub(picture, TABLE_STYLE.sub('', text))
        path.write_text(SYMBOL.sub(lead, text), encoding='utf-8')


def markdown(docs, about):
    "The Markdown copies under the names that nbdev's docstrings link to; no times in the sitemap"
    lead = anchors(docs)
    for path in [*docs.glob('*.llms.md'), docs/'llms.txt']:
        text = path.read_text(encoding='utf-8').replace('.llms.md', '.html.md')
        text = re.sub(r'\{target="_blank".*?\}', '', WIDGET.sub('', TABLE_STYLE.sub('', text)))
        path.write_text(SYMBOL.sub(lead, text), encoding='utf-8')
        path.rename(docs/path.name.replace('.llms.md', '.html.md'))
    llms = docs/'llms.txt'
    def say(found): return f'{found[0]}: {about[found[1]]}'
    text = re.sub(r'[^/(]+/([\w.]+)\)$', say, llms.read_text(encoding='utf-8'), flags=re.M)
    llms.write_text(text, encoding='utf-8')
    sitemap = docs/'sitemap.xml'
    text = re.sub(r'\s*<lastmod>.*', '', sitemap.read_text(encoding='utf-8'))
    sitemap.write_text(text, encoding='utf-8')


def around(docs, facts, sources, nbs):
    "What stands around the text of every page, pages for what is not there, learner notebooks"
    lines = pages.chapters(nbs/'index.ipynb')
    for path in docs.glob('*.html'): pages.finish(path, facts, sources, lines)
    (docs/'404.html').write_text(pages.not_found(facts), encoding='utf-8')
    moved.write(docs, facts)
    scripts.move_out(docs)
    (docs/'notebooks').mkdir()
    learner.write(docs/'notebooks', [nbs/name for name in sources.values()], facts)
    assets.pack(docs)


def readme(docs, facts):
    """The home page's Markdown copy as a repository and an index of packages show it: a picture for
    the toy, a link for the list of pages, and no link that is relative"""
    here, text = site_url(facts), (docs/'index.html.md').read_text(encoding='utf-8')
    card = f"{RAW.format(**facts)}/nbs/social-card.png"
    text = TOY.sub(f"[![{facts['description']}]({card})]({here})\n\n[Try it]({here}).\n", text)
    text = PAGE_LIST.sub(f'The [home page]({here}#all-pages) lists them by parts.\n', text)
    text = re.sub(r'\]\((\w+\.html)\.md(?=[)#])', rf']({here}\1', text)
    text = re.sub(r'\]\(colab-badge.svg', f']({BADGE}', text)
    return re.sub('^# .*', f"# {facts['lib_name']}", text, count=1)


def make(project):
    "Build everything in `project`"
    order = reading_order(project/'nbs')
    sources = {PREFIX.sub('', path.name): source_name(path) for path in order}
    facts = settings(project)
    docs, about = render(stage(project), sources)
    markdown(docs, about)
    polish(docs)
    around(docs, facts, sources, project/'nbs')
    text = readme(docs, facts)
    (project/'README.md').write_text(text, encoding='utf-8')
    shutil.rmtree(project/'docs', ignore_errors=True)
    docs.rename(project/'docs')


def deliver(project, out):
    "Copy what was built in `project` to `out`"
    for name in OUTPUTS:
        source, target = project/name, out/name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_file(): shutil.copy(source, target)
        else:
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target)


def main():
    "Build in a copy of the project, so that a failure leaves the old pages as they were"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--out', type=Path, default=ROOT, help='the folder to write to')
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        project = copy_project(Path(folder).resolve())
        make(project)
        deliver(project, args.out)


if __name__ == '__main__': main()
