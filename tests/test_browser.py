"The pages in a real browser"


def test_search_finds_a_chapter(page):
    "A word typed into the search leads to the chapter about it"
    page.goto('/')
    page.keyboard.press('/')
    page.keyboard.type('fold-in', delay=20)
    page.locator('.smalldocs-search-results a', has_text='Recommend').first.wait_for()
