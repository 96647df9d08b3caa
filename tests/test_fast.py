"Fast training where numba is missing"
import subprocess
import sys

FIT = '''
import sys, warnings
{before}
from collab_course.all import DotProductBias, collab_loaders, fit_fast, tiny_ratings
import torch
torch.manual_seed(1)
dls = collab_loaders(tiny_ratings(), bs=4)
model = DotProductBias(6, 6)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter('always')
    epochs = []
    losses = fit_fast(model, dls, 3, lr=.05, seed=5, quiet=True, on_epoch=lambda *o: epochs.append(o))
assert [o[0] for o in epochs] == [0, 1, 2] and epochs[-1][2] == losses.valid.iloc[-1]
print(*losses.valid, *[o.message for o in caught if 'numba' in str(o.message)], sep='|')
'''


def fit(before=''):
    "Validation losses of a small fit in a new process, and what it said of numba"
    line = [sys.executable, '-W', 'ignore', '-c', FIT.format(before=before)]
    done = subprocess.run(line, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = done.stdout.strip().split('|')
    return [float(loss) for loss in said[:3]], said[3:]


def test_without_numba():
    "The plain loop steps in, says so, and ends at the same place"
    fast, silent = fit()
    slow, said = fit("sys.modules['numba'] = None")
    assert silent == [] and 'collab_course[fast]' in said[0]
    assert abs(fast[-1]-slow[-1]) < .02
