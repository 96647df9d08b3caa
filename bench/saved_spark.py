"""Make tests/saved_spark: ALS models of synthetic ratings, saved by Spark, and what Spark says of them

`.venv-bench/bin/python bench/saved_spark.py` needs pyspark, which `make bench` installs, and Java 17."""
import shutil
from pathlib import Path

import numpy as np
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession

HERE = Path(__file__).resolve().parents[1]/'tests/saved_spark'
OPTIONS = {'spark.ui.enabled': 'false', 'spark.driver.host': '127.0.0.1', 'spark.driver.bindAddress': '127.0.0.1',
           'spark.sql.shuffle.partitions': '1', 'spark.default.parallelism': '1', 'spark.log.level': 'ERROR'}
COLUMNS = dict(userCol='user', itemCol='movie', ratingCol='rating')


def session():
    "Spark on one core, without a page of its own"
    builder = SparkSession.builder.master('local[1]')
    for name, value in OPTIONS.items(): builder = builder.config(name, value)
    return builder.getOrCreate()


def synthetic():
    "300 ratings of 30 users for 20 items, half stars, no pair twice"
    rng = np.random.default_rng(0)
    u, i = np.divmod(rng.choice(30*20, 300, replace=False), 20)
    y = 3 + .6*rng.normal(size=30)[u] + .6*rng.normal(size=20)[i] + .5*rng.normal(size=300)
    stars = (2*y).round().clip(1, 10)/2
    return [(int(7*a+3), int(11*b+5), float(c)) for a, b, c in zip(u, i, stars)]


def main():
    spark = session()
    shutil.rmtree(HERE, ignore_errors=True)
    df = spark.createDataFrame(synthetic(), ['user', 'movie', 'rating']).coalesce(1)
    for name, settings in {'explicit': {}, 'implicit': dict(implicitPrefs=True, alpha=2.)}.items():
        als = ALS(rank=4, maxIter=5, regParam=.1, seed=1, numUserBlocks=1, numItemBlocks=1, **COLUMNS, **settings)
        model = als.fit(df)
        model.write().overwrite().save(str(HERE/name))
        model.transform(df).toPandas().to_csv(HERE/f'{name}.csv', index=False)
    for path in [*HERE.rglob('.*.crc'), *HERE.rglob('_SUCCESS')]: path.unlink()
    spark.stop()


if __name__ == '__main__': main()
