"The package's metadata, read from settings.ini"
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

here = Path(__file__).parent
cfg  = ConfigParser(delimiters='=')
cfg.read(here/'settings.ini', encoding='utf-8')
s = cfg['DEFAULT']

setup(
    version              = s['version'],
    long_description     = (here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type = 'text/markdown',
    keywords             = s['keywords'].split(),
    author               = s['author'],
    license              = s['license'],
    python_requires      = f">={s['min_python']}",
    install_requires     = s['requirements'].split(),
    extras_require       = {o: s[f'{o}_requirements'].split() for o in ('dev','fast','bench')},
    packages             = [s['lib_name']],
    package_data         = {s['lib_name']: ['py.typed','bench.json','widgets.css','widgets.js']},
    entry_points         = {'console_scripts': [s['console_scripts']], 'nbdev': ['collab_course=collab_course._modidx:d']},
    classifiers          = ['Programming Language :: Python :: 3', 'Programming Language :: Python :: 3 :: Only',
                            'Topic :: Scientific/Engineering :: Artificial Intelligence', 'Typing :: Typed'])
