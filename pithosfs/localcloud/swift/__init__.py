"""The Swift dialect: the same objects under the OpenStack Object Storage v1 API, for ordinary Swift clients.

What a client is told at `/info` is what is here. What Swift has and this has not: container access lists
(`X-Container-Read`, `X-Container-Write`) and expiry (`X-Delete-At`, `X-Delete-After`) are refused with 400 rather than
ignored; every account is for its owner alone, whatever is shared by the Pithos API; temporary URLs, versioned
writes and form posts do not exist. `Cache-Control`, `Expires` and the like are not kept with objects.

Metadata, types and contents are the Pithos API's own: what one dialect writes the other one shows.
"""

from pithosfs.localcloud.swift.service import SwiftService

__all__ = ["SwiftService"]
