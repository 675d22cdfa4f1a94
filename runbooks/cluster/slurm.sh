#!/usr/bin/env bash
# Audits logs in shards with Slurm, on a file system that all nodes see: slurm.sh PLAN PARTS [OPTION OF AUDIT…]
set -euo pipefail
plan=$(realpath "$1") parts=$(realpath --canonicalize-missing "$2")
shift 2
mkdir -p "$parts"
shards=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["shards"]))' "$plan")
# A task whose node fails is put back into the queue.
array=$(sbatch --parsable --requeue --array="0-$((shards - 1))" --cpus-per-task=1 --job-name=audit-shard --wrap \
    "emp-ops audit --quiet --threads 1 --partial '$parts'/\$SLURM_ARRAY_TASK_ID --shard \$SLURM_ARRAY_TASK_ID '$plan'")
# It runs also where a task failed: what is missing is a FAIL that names it.
sbatch --parsable --dependency="afterany:$array" --job-name=audit-merge --wrap \
    "find '$parts' -type f -print0 | xargs -0 emp-ops audit $(printf '%q ' "$@") --merge '$plan'"
