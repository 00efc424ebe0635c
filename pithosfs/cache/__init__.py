"""The block-hash cache: blocks by content, and what is known for good of object versions, shared by every process.

`blockcache` is the cache itself, `index` its SQLite file, `files` the block files.
"""

from pithosfs.cache.blockcache import BlockCache, CacheStats, default_limit

__all__ = ["BlockCache", "CacheStats", "default_limit"]
