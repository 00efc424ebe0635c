"""The object store of the local cloud: the Pithos+ protocol over SQLite and block files, and archives (`bulk`).

Layers, downward only: `service` (who asks for what) → the handlers (`accounts`, `containers`, `reading`, `writing`,
`copying`, `updating`, `deleting`, `forms`, `bulk`) → `unpacking` → `changes` (all writing), `access` (all rights),
`listing`, `rendering` → `model`, `past`, `content` → pure parts (`headers`, `conditions`, `ranges`, `sharing`, `spans`,
`metafilter`, `archive`), `schema`.
"""

from pithosfs.localcloud.objects.service import ObjectService

__all__ = ["ObjectService"]
