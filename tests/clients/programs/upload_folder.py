#!/usr/bin/env python3
# ruff: noqa: UP031  (in the style of its time on purpose)
"""Upload all files of a folder, in the way that programs for the older library do it; only the imports are ours."""

import argparse
import os
import sys

from pithosfs.clients import ClientError
from pithosfs.clients.astakos import AstakosClient
from pithosfs.clients.pithos import PithosClient


def progress(label):
    def bar(blocks):
        for done in range(int(blocks)):
            sys.stderr.write("%s %d/%d\n" % (label, done, blocks))
            yield
        sys.stderr.write("%s done\n" % label)
        yield

    return bar


parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("token")
parser.add_argument("folder")
parser.add_argument("--container", default="pithos")
parser.add_argument("--overwrite", action="store_true")
args = parser.parse_args()

astakos = AstakosClient(args.url, args.token)
uuid = astakos.authenticate()["access"]["user"]["id"]
pithos = PithosClient(astakos.get_endpoint_url(PithosClient.service_type), args.token)
pithos.account = uuid
pithos.container = args.container
pithos.MAX_THREADS = 3

try:
    pithos.get_container_info()
except ClientError as err:
    if err.status != 404:
        raise
    pithos.create_container(args.container)

failures = 0
cache = {}
for folder, _, files in sorted(os.walk(args.folder)):
    for name in sorted(files):
        path = os.path.join(folder, name)
        remote = os.path.relpath(path, args.folder)
        try:
            with open(path, "rb") as f:
                headers = pithos.upload_object(
                    remote,
                    f,
                    hash_cb=progress("hashing"),
                    upload_cb=progress("sending"),
                    if_not_exist=not args.overwrite,
                    container_info_cache=cache,
                )
            print("%s %s" % (remote, headers["x-object-version"]))
        except ClientError as err:
            failures += 1
            print("%s: %s (%s) %s" % (remote, err.message, err.status, err.details))
sys.exit(1 if failures else 0)
