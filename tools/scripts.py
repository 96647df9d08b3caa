"Scripts as files of their own, so that pages work under a policy that allows no others"
import re
from hashlib import sha256

# What smalldocs and the widgets write into pages; data for a script have a type
INLINE = re.compile(r'<script>(.+?)</script>', re.S)
# smalldocs' switch of dark mode calls its script by itself; site.js does it instead
CLICK = re.compile(r' onclick="[^"]*smalldocsToggleScheme\(\)[^"]*"')


def move_out(docs):
    "Put the text of each script into a file, one for all pages that have it"
    def put(found):
        text = found[1].encode()
        name = f'site_libs/{sha256(text).hexdigest()[:12]}.js'
        (docs/name).write_bytes(text)
        return f'<script src="{name}"></script>'

    for path in docs.glob('*.html'):
        text = CLICK.sub('', path.read_text(encoding='utf-8'))
        path.write_text(INLINE.sub(put, text), encoding='utf-8')
