"The package's metadata, read from settings.ini"
from configparser import ConfigParser
from pathlib import Path
from setuptools import setup

here = Path(__file__).parent
cfg  = ConfigParser(delimiters='=')
cfg.read(here/'settings.ini', encoding='utf-8')
s = cfg['DEFAULT']
extras = {name: s[f'{name}_requirements'].split() for name in ('dev','test','fast','spark','bench')}
extras['dev'] += extras['test']
python = 'Programming Language :: Python :: 3'

setup(
    version              = s['version'],
    long_description     = (here/'README.md').read_text(encoding='utf-8'),
    long_description_content_type = 'text/markdown',
    keywords             = s['keywords'].split(),
    author               = s['author'],
    license              = s['license'],
    python_requires      = f">={s['min_python']}",
    install_requires     = s['requirements'].split(),
    extras_require       = extras,
    packages             = [s['lib_name'], f"{s['lib_name']}.checks"],
    package_data         = {s['lib_name']: ['py.typed','*.pyi','*.json','*.css','*.js','*.properties']},
    entry_points         = {'console_scripts': [s['console_scripts']], 'nbdev': ['collab_course=collab_course._modidx:d']},
    classifiers          = [python, f'{python} :: Only',
                            *(f"{python.rpartition(' ')[0]} {o}" for o in s['python_versions'].split()),
                            'Topic :: Scientific/Engineering :: Artificial Intelligence', 'Typing :: Typed'])
