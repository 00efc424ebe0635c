"""`pithosfs file …`: files and folders in the cloud.

Places are written as in `locations`. A folder is its name and everything below `name/`, nothing else.
"""

from __future__ import annotations

from pithosfs_cli.command import LazyGroup

__all__ = ["file"]

_LOOKING = "pithosfs_cli.file.looking"
_TRANSFERRING = "pithosfs_cli.file.transferring"
_CHANGING = "pithosfs_cli.file.changing"

file = LazyGroup(
    "file",
    help="""Files and folders in the cloud.

    PATH is in the default container; /CONTAINER/PATH names one; pithos://ACCOUNT/CONTAINER/PATH is somebody else's.
    """,
    members={
        "cat": (_LOOKING, "cat", "Write files to standard output, one after the other."),
        "delete": (_CHANGING, "delete", "Delete files and folders."),
        "download": (_TRANSFERRING, "download", "Download a file, a folder or a container."),
        "info": (_LOOKING, "info", "Show a file or folder."),
        "list": (_LOOKING, "list_", "List a folder or a container."),
        "mkdir": (_TRANSFERRING, "mkdir", "Make folders."),
        "upload": (_TRANSFERRING, "upload", "Upload a file, a folder or standard input."),
    },
)
