"The pages in a real browser: what a reader does with them, at both widths, light and dark"
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from common import DOCS, NBS, ROOT, settings, site_url
from conftest import NO_BROWSER, NO_JAVA
from moved import MOVED
from playwright.sync_api import expect

PAGES = sorted(path.name for path in DOCS.glob('*.html') if path.stem not in MOVED)
WIDE, NARROW = {'width': 1280, 'height': 800}, {'width': 390, 'height': 844}
FIRST_LOAD = 300_000

# What reaches beyond the window and cannot be scrolled to
CUT = '''() => [...document.querySelectorAll('main *')].filter(e => {
  if (!e.checkVisibility() || e.getBoundingClientRect().right <= innerWidth + 1) return false;
  for (let box = e; box && box.tagName != 'MAIN'; box = box.parentElement)
    if (['auto', 'scroll'].includes(getComputedStyle(box).overflowX) ||
        ['hidden', 'clip'].includes(getComputedStyle(box).overflow)) return false;
  return true;
}).map(e => e.outerHTML.slice(0, 80))'''
SIDEWAYS = '() => document.documentElement.scrollWidth - innerWidth'
UNSEEN = '''() => [...document.images].filter(i => i.complete && !i.naturalWidth).map(i => i.src)'''
LINKS = '''() => [...document.querySelectorAll('a[href]')].map(a => a.href)'''
IDS = '''() => [...document.querySelectorAll('[id]')].map(e => e.id)'''
GROUND = '() => getComputedStyle(document.body).backgroundColor'


# Code and tables that look as others before them: contrast, which takes long, is the same there
THIN = '''() => {
  const seen = new Set();
  for (const box of document.querySelectorAll('main :is(pre, tr)')) {
    const looks = [box, ...box.querySelectorAll('*')].map(e => `${e.tagName}.${e.className}`);
    if (looks.every(look => seen.has(look))) box.remove();
    looks.forEach(look => seen.add(look));
  }
}'''


# The menus, which are the same on all pages, are read on these
WITH_MENUS = 'index.html', 'bias.html', 'crosstab.html', 'film_map.html', 'weight_decay.html'
WITHOUT_MENUS = {'exclude': [['#quarto-sidebar']]}


def axe(page, **options):
    "What axe-core finds that keeps somebody from reading: the rule, and where"
    context = None if page.url.rpartition('/')[2] in WITH_MENUS else WITHOUT_MENUS
    found = Axe().run(page, context, {'resultTypes': ['violations'], **options}).response
    return [f"{one['id']}: {node['html'][:120]}" for one in found['violations']
            for node in one['nodes'] if one['impact'] in ('serious', 'critical')]


def unusable(page):
    "Every rule of axe-core but contrast"
    return axe(page, rules={'color-contrast': {'enabled': False}})


def unreadable(page):
    "Contrast, on each thing that looks new"
    page.evaluate(THIN)
    return axe(page, runOnly=['color-contrast'])


def check_layout(page):
    "Nothing hangs out, and every picture is there"
    assert page.evaluate(SIDEWAYS) <= 0 and page.evaluate(CUT) == []
    assert page.evaluate(UNSEEN) == []


@pytest.mark.parametrize('name', PAGES)
def test_page(page, context, name):
    """Small at a first visit, without sideways scrolling, fit for a screen reader, in light and dark;
    on a phone, too, and with its style and pictures as a copy on a disk"""
    page.set_viewport_size(WIDE)
    page.emulate_media(color_scheme='light')
    assert 500 < transferred(page, context, name) < FIRST_LOAD
    assert not page.locator('html.quarto-dark').count()
    check_layout(page)
    assert unusable(page) == [] and unreadable(page) == []
    page.emulate_media(color_scheme='dark')
    page.goto(f'/{name}')
    assert page.locator('html.quarto-dark').count() == (name != '404.html')
    check_layout(page)
    assert unreadable(page) == []
    page.set_viewport_size(NARROW)
    page.goto(f'/{name}')
    check_layout(page)
    if name in WITH_MENUS: assert unusable(page) == []
    page.set_viewport_size(WIDE)
    page.goto((DOCS/name).as_uri())
    assert page.evaluate(UNSEEN) == []
    if name != '404.html': assert page.locator('#quarto-sidebar a').first.is_visible()


def test_a_bad_page_is_found(page):
    "Grey on grey, a table that hangs out, a picture that says nothing: the checks can see"
    page.set_viewport_size(NARROW)
    page.goto('/bias.html')
    page.evaluate("""() => document.querySelector('main').insertAdjacentHTML('beforeend',
        '<p style="color:#999;background:#aaa">hard to read</p><img src="data:,">' +
        '<div><table style="width:900px"><tr><td>wide</td></tr></table></div>')""")
    assert page.evaluate(SIDEWAYS) > 0 or page.evaluate(CUT) != []
    found = {rule.partition(':')[0] for rule in unusable(page) + unreadable(page)}
    assert found >= {'color-contrast', 'image-alt'}


def transferred(page, context, name):
    "The bytes that come over the wire for a first visit, pictures aside"
    sizes, kinds = {}, {}
    client = context.new_cdp_session(page)
    client.send('Network.enable')
    client.on('Network.responseReceived', lambda e: kinds.update({e['requestId']: e['type']}))
    client.on('Network.loadingFinished',
              lambda e: sizes.update({e['requestId']: e['encodedDataLength']}))
    page.goto(f'/{name}', wait_until='networkidle')
    client.detach()
    return sum(size for key, size in sizes.items() if kinds.get(key) != 'Image')


def test_every_internal_link_is_followed(page, base_url):
    "All of them, to a page that is there, and to a place on it that is there"
    links, ids = {}, {}
    for name in PAGES:
        page.goto(f'/{name}', wait_until='domcontentloaded')
        ids[f'{base_url}/{name}'] = set(page.evaluate(IDS))
        links |= {link: name for link in page.evaluate(LINKS) if link.startswith(base_url)}
    assert len(links) > 100
    for address in {link.partition('#')[0] for link in links}:
        assert page.request.get(address).ok, f'{links.get(address)}: {address}'
    for link, name in links.items():
        address, _, anchor = link.partition('#')
        assert not anchor or address not in ids or anchor in ids[address], f'{name}: {link}'


def test_next_and_previous_lead_through_the_course(page):
    "From the home page to the last one and back, as the sidebar lists them; three steps by clicking"
    page.goto('/')
    chapters = page.locator('#quarto-sidebar a').evaluate_all('all => all.map(a => a.href)')
    for k, address in enumerate(chapters):
        text = page.request.get(address).text()
        foot = BeautifulSoup(text[text.rindex('<nav', 0, text.index('class="page-navigation"')):], 'html.parser')
        for side, beside in ('next', chapters[k+1:k+2]), ('previous', chapters[max(k-1, 0):k]):
            assert [urljoin(address, a['href']) for a in foot.select(f'.nav-page-{side} a')] == beside, address
    for side, target in ('next', chapters[1]), ('next', chapters[2]), ('previous', chapters[1]):
        page.locator(f'.nav-page-{side} a').click()
        page.wait_for_url(target)


def test_search_finds_a_chapter(page):
    "A word typed into the search leads to the chapter about it"
    page.goto('/')
    page.keyboard.press('/')
    page.keyboard.type('fold-in', delay=20)
    expect(page.locator('.smalldocs-search-results a').first).to_contain_text('Fold in', timeout=30_000)
    page.keyboard.press('Enter') # it opens the first, which is another one until all is typed
    page.wait_for_url('**/fold_in.html**')


def test_search_shows_what_was_asked_last(page):
    "Also where the index takes long to come, and longer for an earlier question than for a later one"
    asked = []
    def slow(route):
        asked.append(route)
        page.wait_for_timeout(100 if len(asked) == 1 else 1500)
        route.continue_()
    page.route('**/search.json', slow)
    page.goto('/')
    page.keyboard.press('/')
    page.keyboard.type('fo', delay=0)
    page.wait_for_timeout(200) # the search waits for .12 s without a key
    page.keyboard.type('ld-in', delay=0)
    page.wait_for_timeout(2500)
    expect(page.locator('.smalldocs-search-results a').first).to_contain_text('Fold in')
    assert len(asked) == 1


def test_search_says_when_there_is_nothing(page):
    "And lets go at Escape"
    page.goto('/bias.html')
    page.keyboard.press('/')
    page.keyboard.type('zzqqxx', delay=20)
    page.get_by_text('No results').wait_for()
    page.keyboard.press('Escape')
    assert not page.get_by_text('No results').is_visible()


@pytest.mark.parametrize('scheme', ['light', 'dark'])
def test_dark_mode_switches_and_stays(page, scheme):
    "From what the system prefers to the other, also on the next page, and back"
    page.emulate_media(color_scheme=scheme)
    page.goto('/')
    before, switch = page.evaluate(GROUND), page.get_by_role('button', name='Dark mode')
    assert switch.get_attribute('aria-pressed') == str(scheme == 'dark').lower()
    switch.click()
    page.wait_for_function(f'() => ({GROUND})() != "{before}"')
    after = page.evaluate(GROUND)
    page.reload()
    assert page.evaluate(GROUND) == after
    page.goto('/bias.html')
    assert page.evaluate(GROUND) == after
    page.get_by_role('button', name='Dark mode').click()
    page.wait_for_function(f'() => ({GROUND})() == "{before}"')


def test_menus_of_a_narrow_screen(page):
    "The list of chapters and the menu open, lead on, and close"
    page.set_viewport_size(NARROW)
    page.goto('/bias.html')
    listed = page.get_by_role('button', name='Toggle sidebar navigation')
    listed.click()
    assert listed.get_attribute('aria-expanded') == 'true'
    page.keyboard.press('Escape')
    assert listed.get_attribute('aria-expanded') == 'false'
    page.get_by_role('button', name='Toggle navigation').click()
    page.get_by_role('searchbox', name='Search').fill('embedding')
    page.locator('.smalldocs-search-results a').first.wait_for()
    page.keyboard.press('Escape')
    page.get_by_role('button', name='Toggle navigation').click()
    assert not page.get_by_role('searchbox', name='Search').is_visible()
    listed.click()
    page.locator('#quarto-sidebar a', has_text='Weight decay').click()
    page.wait_for_url('**/weight_decay.html')


def answer(page, question, choice, says):
    "Unfold a choice with the keyboard"
    one = page.locator('.question').nth(question).locator(choice).first
    one.locator('summary').focus()
    page.keyboard.press('Enter')
    expect(one.get_by_text(says)).to_be_visible()


WRONG, RIGHT = ('details:not(.right)', 'No.'), ('.right', 'Right.')


def test_a_question_is_answered_with_the_keyboard(page):
    "A wrong choice, then the right one, which closes it; the first try counts, and is known at the next visit"
    page.goto('/bias.html')
    said = page.locator('.question + [role=status]')
    for choice in (WRONG, RIGHT): answer(page, 0, *choice)
    assert not page.locator('.question').first.locator(WRONG[0]).first.get_by_text('No.').is_visible()
    expect(said).to_have_text('1 of 4 answered, 0 right at the first try.')
    answer(page, 1, *RIGHT)
    for _ in range(2):
        expect(said).to_have_text('2 of 4 answered, 1 right at the first try.')
        page.reload()


@pytest.mark.parametrize('kept', ['["Why?"]', 'null', '7', '{', '{"Why?": true}'])
def test_answers_that_something_else_has_kept(page, kept):
    "They are no answers, and do no harm"
    page.goto('/bias.html')
    page.evaluate('kept => localStorage.setItem(`questions ${location.pathname}`, kept)', kept)
    page.reload()
    expect(page.locator('.question + [role=status]')).to_have_text('')
    answer(page, 0, *RIGHT)
    expect(page.locator('.question + [role=status]')).to_have_text('1 of 4 answered, 1 right at the first try.')


def test_questions_without_a_script(browser, base_url):
    "Choices unfold, and what there is to say to them"
    with browser.new_context(java_script_enabled=False, base_url=base_url) as context:
        page = context.new_page()
        page.goto('/embedding.html')
        for choice in (WRONG, RIGHT): answer(page, 0, *choice)


def test_what_scrolls_can_be_reached_with_the_keyboard(page):
    "Wide code on a narrow screen: focus, then the arrow moves it"
    page.set_viewport_size(NARROW)
    page.goto('/bias.html')
    box = page.locator('main pre[tabindex="0"]:visible').first # none of a closed fold
    box.focus()
    page.keyboard.press('ArrowRight')
    page.wait_for_function('() => document.activeElement.scrollLeft > 0')


def test_the_first_stop_of_the_keyboard_skips_to_the_text(page):
    "One key and Enter, for those who do not want to hear the menu on every page"
    page.goto('/bias.html')
    page.keyboard.press('Tab')
    assert page.locator(':focus').inner_text() == 'Skip to the text'
    page.keyboard.press('Enter')
    assert page.url.endswith('#quarto-document-content')


def test_the_home_page_in_one_screen(page):
    "The name once, a promise, what one needs, how long it takes, and the toy with both its lists"
    page.set_viewport_size(WIDE)
    page.goto('/')
    for what in ('h1', '.description', '.hero > p:has-text("minutes")', '.hero fieldset >> nth=4',
                 '.hero ol >> nth=0 >> li >> nth=5', '.hero ol >> nth=1 >> li >> nth=5'):
        box = page.locator(what).first.bounding_box()
        assert box['y'] >= 0 and box['y'] + box['height'] <= WIDE['height'], what
    above = page.locator('h1, .description, .navbar-brand, #quarto-sidebar a, .hero').all_inner_texts()
    assert ' '.join(above).count(settings()['lib_name']) == 1
    assert "home page" not in page.locator('main').inner_text()
    heads = [tag.strip() for tag in page.locator('main h2').all_inner_texts()]
    assert heads[:3] == ['Five results that surprise', 'Use it', 'The core path']
    page.locator('.hero a:has-text("core path")').click()
    page.locator('main a:has-text("MovieLens")').first.scroll_into_view_if_needed()
    assert page.get_by_text('These eight pages').is_visible()


@pytest.mark.parametrize('size', [WIDE, NARROW], ids=['wide', 'narrow'])
def test_the_toy_of_the_home_page(page, size):
    "Presets and a film that is searched for change both lists; reasons fold open; pages are listed in a fold"
    page.set_viewport_size(size)
    page.goto('/')
    toy = page.locator('[data-kind=taste]')
    def lists(): return [o.locator('.cc-title').all_inner_texts() for o in toy.locator('ol').all()]
    seen = [lists()]
    for name in 'family', 'classics':
        toy.get_by_role('button', name=name).click()
        seen.append(lists())
    toy.get_by_role('button', name='clear').click()
    toy.get_by_label('find a film (up to 1998)').fill('star wars')
    page.keyboard.press('Enter')
    seen.append(lists())
    assert all(len(one) == 10 for both in seen for one in both)
    assert len({tuple(one) for both in seen for one in both}) == 8
    assert 'Return of the Jedi (1983)' in seen[-1][0]
    toy.get_by_role('button', name='horror').click()
    reason = toy.locator('details').first
    reason.locator('summary').click()
    expect(reason.locator('small').nth(1)).to_be_visible()
    fold = page.locator('summary', has_text='By parts')
    assert not page.locator('main table a[href="bias.html"]').is_visible()
    fold.click()
    assert page.locator('main table a[href="bias.html"]').is_visible()


def test_a_notebook_is_downloaded(page):
    "The button gives the learner notebook"
    page.goto('/bias.html')
    with page.expect_download() as found: page.get_by_role('link', name='Download notebook').click()
    assert found.value.suggested_filename == '16_bias.ipynb'
    assert Path(found.value.path()).read_bytes() == (DOCS/'notebooks/16_bias.ipynb').read_bytes()


def test_what_is_not_there(page):
    "The page for that leads home, from any depth"
    page.goto('/404.html')
    assert page.get_by_role('link', name='home page').get_attribute('href') == site_url(settings())


@pytest.mark.parametrize('old, new', MOVED.items())
def test_old_address_leads_to_the_new_page(page, old, new):
    "Over the network, with its anchor, and from a file"
    page.goto(f'/{old}.html#questions')
    page.wait_for_url(f'**/{new}.html#questions')
    page.goto((DOCS/f'{old}.html').as_uri())
    page.wait_for_url(f'file://**/{new}.html')


def test_old_address_without_a_script(browser, base_url):
    "The browser follows the page's own refresh"
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f'{base_url}/evaluate.html')
    page.wait_for_url('**/evaluation.html')
    context.close()


def test_parts_fold_open_in_the_sidebar(page):
    "The part that is read is open; another opens with the keyboard, and leads on"
    page.set_viewport_size(WIDE)
    page.goto('/bias.html')
    part = page.locator('#quarto-sidebar summary', has_text='Recommend')
    link = page.locator('#quarto-sidebar a[href="cold_start.html"]')
    assert page.locator('#quarto-sidebar a[href="crosstab.html"]').is_visible() and not link.is_visible()
    part.focus()
    page.keyboard.press('Enter')
    link.click()
    page.wait_for_url('**/cold_start.html')
    assert link.is_visible()


def test_what_is_folded_is_found_and_printed(page):
    "A check opens with the keyboard, without a script; a printer and the site's search see it shut"
    page.goto('/bias.html')
    fold = page.locator('details.code-fold', has_text='checks').first
    code = fold.locator('pre')
    assert not code.is_visible()
    page.emulate_media(media='print')
    assert code.bounding_box()['height'] > 20
    page.emulate_media(media='screen')
    assert code.text_content().splitlines()[0] in (DOCS/'search.json').read_text(encoding='utf-8')
    fold.locator('summary').focus()
    page.keyboard.press('Enter')
    assert code.is_visible()


@pytest.fixture(scope='module')
def lab(tmp_path_factory):
    "JupyterLab on a copy of nbs/, as `make lab` starts it, without a browser of its own"
    folder = tmp_path_factory.mktemp('lab')
    shutil.copytree(NBS, folder/'nbs')
    line = [Path(sys.executable).with_name('jupyter-lab'), 'nbs', '--no-browser', '--allow-root',
            '--port=0', '--IdentityProvider.token=', '--ServerApp.disable_check_xsrf=True']
    process = subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        found = next(filter(None, (re.search(r'http://localhost:\d+/', o) for o in process.stderr)))
        yield found[0]
    finally: process.terminate()


def test_a_notebook_opens_in_jupyter(context, lab):
    "Its title and its figures, with the project's kernel, and nothing to convert or trust"
    page = context.new_page()
    page.goto(f'{lab}lab/tree/16_bias.ipynb')
    page.locator('.jp-Notebook h1', has_text='Bias').wait_for(timeout=60_000)
    page.locator('.jp-Notebook-ExecutionIndicator, .jp-KernelName').first.wait_for(timeout=60_000)
    assert page.locator('.jp-Dialog').count() == 0


def only(folder, *names):
    "A folder of links to commands, to be all that a process finds"
    folder.mkdir()
    for name in names: (folder/name).symlink_to(shutil.which(name))
    return folder


def write(path, text):
    "A program"
    path.write_text(f'#!/bin/sh\n{text}\n')
    path.chmod(0o755)


def test_without_a_browser_or_java_it_is_said_aloud(tmp_path):
    "Tests of pages and of Spark are skipped, and the last lines say so"
    env = {**os.environ, 'PATH': str(only(tmp_path/'bin', 'git'))}
    line = [sys.executable, '-m', 'pytest', '--numprocesses', '0', '-k', 'search_finds or any_ids',
            'tests/test_browser.py', 'tests/test_spark_cluster.py']
    done = subprocess.run(line, cwd=ROOT, env=env, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.endswith(f'{NO_BROWSER}\n{NO_JAVA}\n0 passed, 0 failed, 2 skipped\n')


@pytest.mark.parametrize('installs', [True, False])
def test_the_whole_run_has_a_browser_or_fails(tmp_path, installs):
    ".ci/run installs one first; where it cannot, nothing is skipped: it fails"
    path = only(tmp_path/'bin', 'bash', 'dirname', 'mktemp', 'rm', 'tee', 'grep', 'tail', 'chmod')
    write(path/'apt-get', f'[ $1 = update ] || : > {path}/chromium; chmod +x {path}/chromium; exit 0'
          if installs else 'exit 1')
    write(path/'make', f'[ -x {path}/chromium ] && echo "7 passed, 0 failed"')
    done = subprocess.run([ROOT/'.ci/run'], env={'PATH': str(path)}, capture_output=True, text=True)
    last = done.stdout.splitlines()[-1]
    assert (done.returncode, last) == ((0, '7 passed, 0 failed') if installs else (1, '0 passed, 1 failed'))
