"""Moving whole objects by blocks over several connections: one engine under the clients, the store and the commands.

It knows a cloud only through two narrow protocols, `BlockTarget` and `RangeSource`.
"""

from pithosfs.transfer.download import RangeSource, download, fill
from pithosfs.transfer.parallel import Phase, Progress, TransferCancelled
from pithosfs.transfer.upload import WHOLE_LIMIT, BlockTarget, upload

__all__ = [
    "WHOLE_LIMIT",
    "BlockTarget",
    "Phase",
    "Progress",
    "RangeSource",
    "TransferCancelled",
    "download",
    "fill",
    "upload",
]
