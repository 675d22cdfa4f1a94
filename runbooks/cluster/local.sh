#!/usr/bin/env bash
# Audits logs in shards with all cores of this machine, or of many with GNU parallel: local.sh PLAN [OPTION OF AUDIT…]
# PARTS is the folder of the partials; NODES a file of ssh logins for GNU parallel, on which emp-ops and the logs are.
set -euo pipefail
plan=$1
shift
parts=${PARTS:-parts}
mkdir -p "$parts"
shards=$(python3 -c 'import json, sys; print(len(json.load(open(sys.argv[1]))["shards"]))' "$plan")
# One thread for each shard: there are as many shards at work as cores.
task=(emp-ops audit --quiet --threads 1 --partial "$parts/{}" --shard {} "$plan")
if [ -n "${NODES:-}" ]; then
    # What fails is tried twice more, also where its node is gone.
    seq 0 $((shards - 1)) | parallel --retries 3 --sshloginfile "$NODES" --basefile "$plan" --return "$parts/{}" --cleanup "${task[@]}"
else
    seq 0 $((shards - 1)) | xargs -P "$(nproc)" -I{} "${task[@]}"
fi
# The arguments of a command have a limit: fold by the hundred until one merge takes them all.
level=0
while [ "$(find "$parts" -maxdepth 1 -type f | wc -l)" -gt 100 ]; do
    level=$((level + 1))
    mkdir -p "$parts/$level"
    find "$parts" -maxdepth 1 -type f | xargs -n 100 sh -c 'emp-ops audit --merge "$@" --partial "$0/$(basename "$1")"' "$parts/$level"
    find "$parts" -maxdepth 1 -type f -delete
    mv "$parts/$level"/* "$parts" && rmdir "$parts/$level"
done
find "$parts" -maxdepth 1 -type f -print0 | xargs -0 emp-ops audit "$@" --merge "$plan"
