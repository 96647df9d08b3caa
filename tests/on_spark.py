"""What the tests of Spark run in a Python that has it: `on_spark.py MASTER FOLDER`

FOLDER holds `lake`; the two commands write `model` and `lists`, one after the other"""
import sys
from pathlib import Path

from collab_course.app import cli


def main(master, folder):
    cluster = ['--master', master, '--conf', 'spark.sql.shuffle.partitions=4']
    lake, model, lists = (str(Path(folder)/name) for name in ('lake', 'model', 'lists'))
    cli(['spark-train', lake, '--out', model, '--epochs', '5', *cluster], standalone_mode=False)
    cli(['spark-recommend', model, lake, '--out', lists, *cluster], standalone_mode=False)


if __name__ == '__main__': main(*sys.argv[1:])
