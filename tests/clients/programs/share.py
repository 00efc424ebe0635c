#!/usr/bin/env python3
# ruff: noqa: UP031  (in the style of its time on purpose)
"""Share, publish and describe an object, in the older library's style."""

import argparse
import json
import sys

from pithosfs.clients import ClientError
from pithosfs.clients.astakos import CachedAstakosClient
from pithosfs.clients.pithos import PithosClient

parser = argparse.ArgumentParser()
parser.add_argument("url")
parser.add_argument("token")
parser.add_argument("object")
parser.add_argument("--read", action="append", default=[])
parser.add_argument("--write", action="append", default=[])
parser.add_argument("--group")
parser.add_argument("--meta", action="append", default=[])
parser.add_argument("--publish", action="store_true")
parser.add_argument("--stop", action="store_true")
args = parser.parse_args()

astakos = CachedAstakosClient(args.url, args.token)
me = astakos.user_term("id")
pithos = PithosClient(astakos.get_endpoint_url("object-store"), args.token, me, "pithos")

try:
    if args.stop:
        pithos.del_object_sharing(args.object)
        pithos.unpublish_object(args.object)
    else:
        users = astakos.usernames2uuids(args.read + args.write)
        readers = [users[name] for name in args.read]
        writers = [users[name] for name in args.write]
        if args.group:
            pithos.set_account_group(args.group, readers)
            readers = ["%s:%s" % (me, args.group)]
        pithos.set_object_sharing(args.object, read_permission=readers, write_permission=writers or False)
        if args.meta:
            pithos.set_object_meta(args.object, dict(pair.split("=", 1) for pair in args.meta))
except KeyError as e:
    sys.exit("no such user: %s" % e)
except ClientError as e:
    sys.stderr.write("%s: %s\n" % (args.object, e.message))
    sys.exit(3 if e.status == 404 else 1)

reply = {"sharing": pithos.get_object_sharing(args.object), "meta": pithos.get_object_meta(args.object)}
reply["groups"] = pithos.get_account_group()
if args.publish:
    reply["url"] = pithos.publish_object(args.object)
reply["info"] = pithos.get_object_info(args.object)
print(json.dumps(reply))
