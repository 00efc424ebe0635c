"""Puts the parts of one mount together, and takes them apart again in the right order."""

from __future__ import annotations

import contextlib
import logging
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pithosfs.cache import BlockCache
from pithosfs.config import Cloud, Directories, make_private
from pithosfs.mount.filesystem import Filesystem
from pithosfs.mount.journal import Journal
from pithosfs.mount.options import MountOptions
from pithosfs.mount.staging import Staging
from pithosfs.mount.tree import Tree
from pithosfs.mount.uploader import Uploader
from pithosfs.store.pithos import open_store

__all__ = ["Assembly", "assemble", "cloud_key", "journal_key"]

log = logging.getLogger(__name__)
