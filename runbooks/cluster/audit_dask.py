"""Audits logs in shards on Dask: audit_dask.py SCHEDULER PLAN OUT.part; SCHEDULER is host:port, or the number of local workers.

emp-ops, the plan and the logs are where each worker sees them, paths relative to the plan. Then judge: emp-ops audit --merge OUT.part PLAN.
"""
import json
import os
import subprocess
import sys
import tempfile

from dask.distributed import Client, LocalCluster


def run(*args, folder=None):
    return subprocess.run(["emp-ops", "audit", "--quiet", *args], check=True, cwd=folder, stdout=subprocess.PIPE).stdout


def read(plan, shard):
    return run("--threads", "1", "--partial", "-", "--shard", str(shard), plan, folder=os.path.dirname(plan))


def merge(*partials):
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, partial in enumerate(partials):
            names.append(os.path.join(folder, str(number)))
            with open(names[-1], "wb") as file:
                file.write(partial)
        return run("--partial", "-", "--merge", *names)


def main(scheduler, plan, out):
    plan = os.path.abspath(plan)
    with open(plan) as file:
        count = len(json.load(file)["shards"])
    local = scheduler.isdigit()
    cluster = LocalCluster(n_workers=int(scheduler), threads_per_worker=1, dashboard_address=None) if local else None
    with Client(cluster or scheduler) as client:
        # A worker that is lost loses nothing: its tasks run again elsewhere.
        level = [client.submit(read, plan, shard, retries=3, pure=False) for shard in range(count)]
        while len(level) > 1:
            groups = [level[start:start + 8] for start in range(0, len(level), 8)]
            level = [client.submit(merge, *group, retries=3, pure=False) for group in groups]
        merged = level[0].result()
    with open(out, "wb") as file:
        file.write(merged)


if __name__ == "__main__":
    main(*sys.argv[1:4])
