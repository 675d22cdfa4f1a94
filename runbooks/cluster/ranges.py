"""Object storage, with ranged reads.

  ranges.py plan PLAN BUCKET PREFIX [OPTION OF AUDIT…]   plans the objects: their first 256 KiB are fetched, as sparse files
  ranges.py read PLAN SHARD                              writes the bytes of a shard, for `audit --log -`
The objects are called s3://BUCKET/KEY. S3_ENDPOINT names another server than that of AWS.
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import boto3

S3 = boto3.client("s3", endpoint_url=os.environ.get("S3_ENDPOINT"))


def get(bucket, key, etag, first, size, last=""):
    """The bytes of an object, as long as it is the one that was listed."""
    span = {"Range": f"bytes={first}-{last}"} if size else {}
    return S3.get_object(Bucket=bucket, Key=key, IfMatch=etag, **span)["Body"]


def plan(path, bucket, prefix, *options):
    path, etags = pathlib.Path(path).absolute(), {}
    with tempfile.TemporaryDirectory() as folder:
        for page in S3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", []):
                name, size = f"s3://{bucket}/{item['Key']}", item["Size"]
                etags[name] = item["ETag"]
                file = pathlib.Path(folder, name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(get(bucket, item["Key"], item["ETag"], 0, size, (256 << 10) - 1).read())
                os.truncate(file, size)
                os.utime(file, (item["LastModified"].timestamp(),) * 2)
        logs = [arg for name in sorted(etags) for arg in ("--log", name)]
        subprocess.run(["emp-ops", "audit", "--shard-plan", path, *options, *logs], cwd=folder, check=True)
    document = json.loads(path.read_text())
    for file in document["files"]:
        file["etag"] = etags[file["name"]]
    path.write_text(json.dumps(document))


def read(path, shard):
    document = json.loads(pathlib.Path(path).read_text())
    for piece in document["shards"][int(shard)]:
        file, first = document["files"][piece["file"]], max(piece["from"] - 1, 0)
        bucket, key = file["name"].removeprefix("s3://").split("/", 1)
        for block in get(bucket, key, file["etag"], first, file["size"]).iter_chunks(1 << 20):
            sys.stdout.buffer.write(block)


if __name__ == "__main__":
    try:
        {"plan": plan, "read": read}[sys.argv[1]](*sys.argv[2:])
        sys.stdout.flush()
    except BrokenPipeError:
        # emp-ops has the whole of its last line and wants no more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
