"""Ratings larger than memory: a store of synthetic shards, and a fit from it

`python bench/stores.py N` measures N ratings and prints a row as JSON; each step runs in a process of
its own, so that its peak of memory is its own. `make bench ARGS=store` measures 10M and 100M."""
import json
import sys
import tempfile
import warnings
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]/'tools'))

import numpy as np
from common import cpu, peak_mb, python

SIZES, PIECE, SHARDS = (10_000_000, 100_000_000), 1_000_000, 8
# The most memory beyond imports, in bytes a rating and in all, pages of mapped files among it
PER_RATING, MEMORY_GB = {'build': 30, 'fit': 70}, 6


def make(n, folder):
    """Shards of `n` ratings in the order of time, that is of no user: a power law of users, Zipf's of
    items, biases and noise; ids with gaps"""
    import pyarrow as pa
    import pyarrow.parquet as pq
    rng, n_users, n_items = np.random.default_rng(0), n//100, int(4*n**.5)
    bias = .42*rng.standard_normal(n_users), .5*rng.standard_normal(n_items)
    often = np.cumsum((np.arange(n_items) + 1 + .02*n_items)**-1.8)
    for k in range(SHARDS):
        schema = pa.schema([('user', pa.int64()), ('movie', pa.int32()), ('rating', pa.float32())])
        with pq.ParquetWriter(f'{folder}/shard-{k}.parquet', schema) as shard:
            left = n*(k+1)//SHARDS - n*k//SHARDS
            while left:
                size = min(PIECE, left)
                u = (n_users*rng.random(size)**2).astype('int64')
                i = np.searchsorted(often, often[-1]*rng.random(size)).clip(max=n_items-1)
                y = 3.5 + bias[0][u] + bias[1][i] + .75*rng.standard_normal(size)
                y = np.clip(np.round(2*y)/2, .5, 5).astype('float32')
                columns = [pa.array(7*u + 10**10), pa.array(11*i + 5, pa.int32()), pa.array(y)]
                shard.write_table(pa.table(columns, schema=schema))
                left -= size


def build(folder):
    "A store of the shards: CPU seconds, and memory beyond imports"
    from collab_course.ids import tiny_ratings
    from collab_course.store_of_ratings import ratings_store
    with tempfile.TemporaryDirectory() as small: # imports what is imported at first use
        tiny_ratings().to_parquet(f'{small}/tiny.parquet')
        ratings_store(small, f'{small}/store', quiet=True)
    before = peak_mb()
    seconds, stored = cpu(lambda: ratings_store(f'{folder}/shards', f'{folder}/store', quiet=True))
    size = sum(path.stat().st_size for path in Path(folder).glob('store/rows-*/*'))
    return {'ratings': len(stored), 'users': len(stored.users), 'items': len(stored.items),
            'store_gb': size/1e9, 'build': seconds, 'build_mb': peak_mb()-before}


def fit(folder):
    "An epoch of `BiasedMF` from the store: CPU seconds, and memory beyond imports"
    from collab_course.biased_mf import BiasedMF
    from collab_course.ids import tiny_ratings
    from collab_course.ratings import Ratings
    warnings.simplefilter('ignore') # an epoch is little
    BiasedMF(n_epoch=1).fit(tiny_ratings(), quiet=True) # compiles
    before = peak_mb()
    opened, stored = cpu(lambda: Ratings.open(f'{folder}/store'))
    seconds, _ = cpu(lambda: BiasedMF(n_epoch=1).fit(stored, quiet=True))
    return {'open': opened, 'fit': seconds, 'fit_mb': peak_mb()-before}


def measure(n):
    "A row of results for `n` ratings"
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, 'shards').mkdir()
        python(__file__, 'make', str(n), f'{folder}/shards')
        row = python(__file__, 'build', folder) | python(__file__, 'fit', folder)
    for step in PER_RATING: row[f'{step}_bytes'] = row[f'{step}_mb']*2**20/row['ratings']
    return row


def measure_store(repeats):
    "Both sizes, once each: these are minutes, and memory does not vary"
    return [measure(n) for n in SIZES]


def check_store(rows):
    "Raise unless memory stays within bounds"
    for row in rows:
        assert max(row[f'{step}_mb'] for step in PER_RATING) <= 1000*MEMORY_GB, row
        if row['ratings'] >= SIZES[0]:
            assert all(row[f'{step}_bytes'] <= most for step, most in PER_RATING.items()), row


if __name__ == '__main__':
    step, *args = sys.argv[1:]
    if step == 'make': print(json.dumps(make(int(args[0]), args[1])))
    elif step in ('build', 'fit'): print(json.dumps({'build': build, 'fit': fit}[step](*args)))
    else: print(json.dumps(measure(int(step)), indent=1))
