"What the tools share: the facts of settings.ini, the notebooks, the project's files"
import json
import os
import re
import shutil
import subprocess
import sys
import time
from configparser import ConfigParser
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NBS = ROOT/'nbs'
DOCS = ROOT/'docs'
COLAB = 'https://colab.research.google.com/github/'
# What to read first, in ninety minutes at most, and its name
PATH = ['10_movielens', '11_crosstab', '14_dot_product', '15_train', '16_bias', '17_weight_decay',
        '51_biased_mf', '71_implicit_mf']
PATH_NAME = 'Core path'
# Pages without a number: one that closes the last of the parts but the ground floor, and one for
# those who change the course, which CONTRIBUTING leads to
CHOICES, SEED_MAP = 'choices', 'seed_map'
# The folder of faults to be found, each page with a letter after its number, and their part
BUGS, BUGS_NAME = 'bugs', 'Spot the bug'
# The parts of the course in reading order: the first digit of their notebooks' numbers, their names
PARTS = {'1': 'Core, in depth', '2': 'Reading it', '3': 'Fast', '4': 'Honest numbers',
         '5': 'Recommend', '6': 'How sure', '7': 'Lists', '8': 'More than ratings',
         '9': 'At work', '0': 'Ground floor'}


def settings(root=ROOT):
    "The facts of settings.ini, by name"
    cfg = ConfigParser(delimiters='=')
    cfg.read(root/'settings.ini', encoding='utf-8')
    return dict(cfg['DEFAULT'])


def repo_url(facts): return f"https://github.com/{facts['user']}/{facts['repo']}"

def site_url(facts): return f"https://{facts['user']}.github.io/{facts['repo']}/"


def notebooks(folder=NBS):
    "The notebooks in the order of their numbers, which is import order; the home page first"
    found = [*folder.glob('*.ipynb'), *(folder/BUGS).glob('*.ipynb')]
    return sorted(found, key=lambda path: (path.stem != 'index', path.name))


def source_name(path):
    "A notebook's name, with its folder where that is not nbs/"
    return f'{BUGS}/{path.name}' if path.parent.name == BUGS else path.name


def page_name(path):
    "What the page of a notebook is called: the notebook's name without its number"
    return re.sub(r'^\d+[a-z]*_', '', path.stem)


def parts(folder=NBS):
    "The notebooks in reading order: the home page, the core path, and the others part by part"
    paths = {path.stem: path for path in notebooks(folder)}
    bugs = [name for name, path in paths.items() if path.parent.name == BUGS]
    rest = [name for name in paths if name not in [*PATH, *bugs]]
    def found(names): return [paths[name] for name in names if name in paths]
    def start(digit): return [name for name in rest if re.match(rf'{digit}\d[a-z]*_', name)]
    yield None, found(['index'])
    yield PATH_NAME, found(PATH)
    for digit, name in PARTS.items():
        names = start(digit) + [CHOICES]*(digit == '9')
        if found(names): yield name, found(names)
        if digit == '4' and bugs: yield BUGS_NAME, found(bugs)


def reading_order(folder=NBS):
    "The notebooks as a reader takes them, the ground floor last, and then the seed map"
    listed = [path for _, paths in parts(folder) for path in paths]
    return listed + [path for path in notebooks(folder) if path not in listed]


def project_files(root=ROOT):
    "The project's own files: all but what .gitignore names"
    lines = (root/'.gitignore').read_text(encoding='utf-8').split()
    skip = ['.git', *(line.rstrip('/').rpartition('/')[2] for line in lines)]
    def own(names): return sorted(n for n in names if not any(fnmatch(n, s) for s in skip))
    for folder, folders, files in os.walk(root):
        folders[:] = own(folders)
        yield from (Path(folder)/name for name in own(files))


def copy_project(folder, root=ROOT):
    "A copy of the project in `folder`, so that a tool can write there"
    for path in project_files(root):
        target = folder/path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def snapshot(folder):
    "The bytes of every file in `folder`, by relative path"
    files = (path for path in folder.rglob('*') if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def changed(before, after):
    "The names of files that are not the same in two snapshots"
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def data_env():
    "Where the data sets are when nobody has said: a folder beside the project, if there is one"
    beside = ROOT.parent/'shared'/'data'
    if 'COLLAB_COURSE_DATA' in os.environ or not beside.is_dir(): return {}
    return {'COLLAB_COURSE_DATA': str(beside)}


def cpu(f):
    "CPU seconds that `f` takes, and its result"
    start = time.process_time()
    result = f()
    return time.process_time()-start, result


def python(*args, program=sys.executable):
    "What another Python process prints, as JSON"
    done = subprocess.run([program, *args], stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def peak_mb():
    "The most memory that this process has held; `ru_maxrss` begins with its parent's"
    status = Path('/proc/self/status')
    if not status.exists():
        import resource # not on Windows
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss/1024
    return next(int(line.split()[1]) for line in status.read_text().splitlines()
                if line.startswith('VmHWM'))/1024


def report(problems, fine):
    "Print the problems, or that all is fine, and end the program"
    print('\n'.join(problems) or fine)
    sys.exit(bool(problems))
