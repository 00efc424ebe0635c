#!/usr/bin/env python3
# ruff: noqa: UP031, SIM115, RUF021  (in the style of its time on purpose)
"""List a container with the versions of every object, and fetch an old one, in the older library's style."""

import argparse
import sys
from time import localtime, strftime

from pithosfs.clients import ClientError
from pithosfs.clients.pithos import PithosClient

parser = argparse.ArgumentParser()
parser.add_argument("storage_url")
parser.add_argument("token")
parser.add_argument("account")
parser.add_argument("container")
parser.add_argument("--fetch", nargs=3, metavar=("OBJECT", "VERSION", "FILE"))
args = parser.parse_args()

client = PithosClient(args.storage_url, args.token, account=args.account, container=args.container)

if args.fetch:
    obj, version, target = args.fetch
    blocks = []

    def steps(total):
        for i in range(total):
            blocks.append(i)
            yield i

    f = open(target, "wb+")
    try:
        client.download_object(obj, f, download_cb=steps, version=version)
    except ClientError as e:
        print("cannot fetch %s: %s" % (obj, e))
        sys.exit(e.status == 404 and 3 or 1)
    finally:
        f.close()
    print("fetched %s blocks" % len(blocks))
    sys.exit(0)

marker = None
while True:
    page = client.list_objects(limit=2, marker=marker)
    for entry in page:
        info = client.get_object_info(entry["name"])
        print("%s %s %s" % (entry["name"], entry["bytes"], info["content-type"]))
        for vid, timestamp in client.get_object_versionlist(entry["name"]):
            when = strftime("%Y", localtime(float(timestamp)))
            old = client.get_object_info(entry["name"], version=vid)
            print("    %s %s %s" % (vid, when, old["content-length"]))
    if len(page) < 2:
        break
    marker = page[-1]["name"]
