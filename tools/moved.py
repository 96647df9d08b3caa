"Pages that had another address: what stands there leads to the new one"
from common import site_url

# The old page's name and the new one's
MOVED = {'create_params': 'params', 'collab_learner': 'compare', 'evaluate': 'evaluation',
         'recommend': 'recommender', 'spot_the_bug': 'bias_tables'}
# The script keeps a link's anchor; where there is none, the browser goes on all the same
PAGE = '''<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="description" content="This page has moved to {new}.html.">
<meta http-equiv="refresh" content="0; url={new}.html">
<link rel="canonical" href="{home}{new}.html">
<link rel="icon" href="data:,"><title>Moved – {title}</title>
<script>location.replace("{new}.html" + location.hash)</script></head>
<body><main><h1>This page has moved</h1>
<p>It is now at <a href="{new}.html">{new}.html</a>.</p>
</main></body></html>
'''
COPY = '# This page has moved\n\nIt is now at [{new}.html.md]({home}{new}.html.md).\n'


def write(docs, facts):
    "A page at each old address, and a Markdown copy: docstrings of 0.1.0 link to those"
    for old, new in MOVED.items():
        names = {'new': new, 'home': site_url(facts), 'title': facts['lib_name']}
        (docs/f'{old}.html').write_text(PAGE.format(**names), encoding='utf-8')
        (docs/f'{old}.html.md').write_text(COPY.format(**names), encoding='utf-8')
