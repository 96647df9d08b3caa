"""Lists for all users of a lake of Parquet files, by Spark: damped means, ALS on what they leave, lists

`.venv-bench/bin/python bench/spark_lists.py LAKE LISTS` runs on two cores of this machine, and with
`--master spark://host:7077` on a cluster. LAKE is a folder of Parquet with the columns user, movie and
rating, ids of 32 bits; LISTS is written, a row for each user and item: user, item, rating. A warning of
`NativeCodeLoader` means that Java's own classes do what a native library could."""
import argparse
import os
import sys

import pandas as pd
from collab_course.spark import FactorModel
from pyspark.ml.recommendation import ALS
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

DAMPING = 5


def session(master):
    "Spark, without its page and its log; workers run this Python"
    os.environ.setdefault('PYSPARK_PYTHON', sys.executable)
    local = {'spark.driver.host': '127.0.0.1', 'spark.driver.bindAddress': '127.0.0.1'} if master.startswith('local') else {}
    quiet = {'spark.ui.enabled': 'false', 'spark.log.level': 'ERROR', 'spark.ui.showConsoleProgress': 'false'}
    builder = SparkSession.builder.master(master).appName('collab_course')
    for name, value in (local | quiet).items(): builder = builder.config(name, value)
    return builder.getOrCreate()


def effects(df, side):
    "What is usual for each id of a side, beside what is in the column `left`"
    rows = df.groupBy(side).agg((F.sum('left')/(F.count('left') + DAMPING)).alias(f'{side}_effect'))
    return rows.cache()


def train(df, rank, penalty):
    "A `FactorModel`: damped means, and factors of what they leave"
    mean = df.agg(F.avg('rating')).first()[0]
    df, found = df.withColumn('left', F.col('rating') - mean), {}
    for side in ('movie', 'user'):
        rows = effects(df, side)
        df = df.join(rows, side).withColumn('left', F.col('left') - F.col(f'{side}_effect'))
        table = rows.toPandas()
        found[side] = pd.Series(table[f'{side}_effect'].to_numpy(), index=table[side].to_numpy())
    als = ALS(rank=rank, regParam=penalty, userCol='user', itemCol='movie', ratingCol='left', seed=42)
    model = als.fit(df.select('user', 'movie', 'left').cache())
    return FactorModel.from_spark(model, mean=mean, user_bias=found['user'], item_bias=found['movie'], penalty=penalty)


def lists_of(shared, n):
    "A function for `mapInPandas`: users, and what they have rated, to their lists"
    def lists(parts):
        for part in parts:
            for user, seen in zip(part.user, part.seen):
                top = shared.value.recommend(int(user), n, exclude=list(seen))
                yield pd.DataFrame({'user': user, 'item': top['item'].astype('int64'), 'rating': top['rating'].astype(float)})
    return lists


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('lake')
    parser.add_argument('lists')
    parser.add_argument('--master', default='local[2]')
    parser.add_argument('--rank', type=int, default=10)
    parser.add_argument('--penalty', type=float, default=.1)
    parser.add_argument('--model', help='a folder to save the model to')
    parser.add_argument('-n', type=int, default=10)
    args = parser.parse_args()
    spark = session(args.master)
    df = spark.read.parquet(args.lake).select('user', 'movie', F.col('rating').cast('double')).cache()
    model = train(df, args.rank, args.penalty)
    if args.model: model.save(args.model)
    rated = df.groupBy('user').agg(F.collect_set('movie').alias('seen'))
    shared = spark.sparkContext.broadcast(model)
    found = rated.mapInPandas(lists_of(shared, args.n), 'user long, item long, rating double')
    found.write.mode('overwrite').parquet(args.lists)
    spark.stop()


if __name__ == '__main__': main()
