"""`GET /info`: what this server can do, in Swift's words. Clients look here before they use an extension."""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, version

from pithosfs.localcloud.objects.changes import MAX_METADATA
from pithosfs.localcloud.objects.exchange import MAX_BODY, MAX_CONTAINER_NAME, MAX_OBJECT_NAME, Reply
from pithosfs.localcloud.objects.headers import MAX_META_HEADERS, MAX_META_NAME, MAX_META_VALUE
from pithosfs.localcloud.objects.listing import MAX_LIMIT
from pithosfs.localcloud.objects.unpacking import MAX_ERRORS

__all__ = ["MAX_DELETES", "MAX_MANIFEST", "MAX_NEW_CONTAINERS", "MAX_SEGMENTS", "POLICY", "get_info"]

POLICY = "default"
"""The one storage policy."""

MAX_DELETES = 10_000
"""Names in one bulk deletion."""

MAX_NEW_CONTAINERS = 10_000
"""Containers that one archive can make."""

MAX_SEGMENTS = 10_000
"""Segments of a static large object."""

MAX_MANIFEST = 8 * 1024 * 1024
"""Bytes of the JSON that lists them."""


def get_info() -> Reply:
    """The capabilities; no token is needed."""
    try:
        own = version("pithosfs")
    except PackageNotFoundError:
        own = "0"
    prefix = len("X-Container-Meta-")
    value = {
        "swift": {
            "version": f"pithosfs {own}",
            "max_file_size": MAX_BODY,
            "max_meta_name_length": MAX_META_NAME - prefix,
            "max_meta_value_length": MAX_META_VALUE,
            "max_meta_count": MAX_METADATA,
            "max_meta_overall_size": MAX_METADATA * (MAX_META_NAME + MAX_META_VALUE),
            "max_header_size": 65536,
            "extra_header_count": MAX_META_HEADERS - MAX_METADATA,
            "max_object_name_length": MAX_OBJECT_NAME,
            "max_container_name_length": MAX_CONTAINER_NAME,
            "max_account_name_length": MAX_CONTAINER_NAME,
            "container_listing_limit": MAX_LIMIT,
            "account_listing_limit": MAX_LIMIT,
            "allow_account_management": False,
            "account_autocreate": True,
            "strict_cors_mode": True,
            "policies": [{"name": POLICY, "aliases": POLICY, "default": True}],
        },
        "bulk_upload": {
            "max_containers_per_extraction": MAX_NEW_CONTAINERS,
            "max_failed_extractions": MAX_ERRORS,
        },
        "bulk_delete": {"max_deletes_per_request": MAX_DELETES, "max_failed_deletes": MAX_DELETES},
        "slo": {
            "max_manifest_segments": MAX_SEGMENTS,
            "max_manifest_size": MAX_MANIFEST,
            "min_segment_size": 1,
        },
        "dlo": {"max_segments": MAX_LIMIT},
        "account_quotas": {},
        "container_quotas": {},
    }
    return Reply(200, [("Content-Type", "application/json; charset=UTF-8")], json.dumps(value).encode())
