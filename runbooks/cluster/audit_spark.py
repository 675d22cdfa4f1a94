"""Audits logs in shards on Spark: spark-submit audit_spark.py PLAN OUT.part

emp-ops, the plan and the logs are where each executor sees them, paths relative to the plan; with RANGES=ranges.py the bytes come from object storage. Then
judge: emp-ops audit --merge OUT.part PLAN.
"""
import json
import os
import subprocess
import sys
import tempfile

from pyspark import SparkContext

PLAN, OUT = os.path.abspath(sys.argv[1]), sys.argv[2]
RANGES = os.environ.get("RANGES") and os.path.abspath(os.environ["RANGES"])


def run(*args, stdin=None):
    """What emp-ops writes to standard output. Spark tries a task again that fails, elsewhere where its node is gone."""
    # The paths of the plan are relative to its folder, and executors work elsewhere.
    command, folder = ["emp-ops", "audit", "--quiet", *args], os.path.dirname(PLAN)
    return subprocess.run(command, check=True, cwd=folder, stdin=stdin, stdout=subprocess.PIPE).stdout


def read(shard):
    """The partial of a shard, on one thread: Spark runs a task for each core."""
    task = ("--threads", "1", "--partial", "-", "--shard", str(shard), PLAN)
    if RANGES is None:
        return run(*task)
    with subprocess.Popen([sys.executable, RANGES, "read", PLAN, str(shard)], stdout=subprocess.PIPE) as source:
        return run(*task, "--log", "-", stdin=source.stdout)


def merge(*partials):
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, partial in enumerate(partials):
            names.append(os.path.join(folder, str(number)))
            with open(names[-1], "wb") as file:
                file.write(partial)
        return run("--partial", "-", "--merge", *names)


def fold(shards):
    partials = [read(shard) for shard in shards]
    if partials:
        yield merge(*partials)


if __name__ == "__main__":
    with open(PLAN) as file:
        count = len(json.load(file)["shards"])
    context = SparkContext(appName="emp-ops audit")
    merged = context.parallelize(range(count), max(count // 4, 1)).mapPartitions(fold).treeReduce(merge, depth=2)
    with open(OUT, "wb") as file:
        file.write(merged)
    context.stop()
