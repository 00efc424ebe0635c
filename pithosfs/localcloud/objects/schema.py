"""The object store's tables. Every step of the history of the schema is here; steps are only ever appended.

Times are microseconds since the epoch. Names are compared as UTF-8 bytes, which is the order of code points. Nothing
is counted by scanning: `containers.objects`, `containers.bytes`, `accounts.bytes` and `metadata_keys.objects` change in
the transaction that changes the objects.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["MIGRATIONS", "SERVICE"]

SERVICE = "objects"

_FIRST = """
CREATE TABLE accounts (
    id INTEGER PRIMARY KEY,
    uuid TEXT NOT NULL UNIQUE,          -- the user's id; a row appears when the user first writes something
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,          -- newest change of the account, a container or an object; never goes back
    bytes INTEGER NOT NULL DEFAULT 0,   -- sum of containers.bytes
    metadata TEXT NOT NULL DEFAULT '{}' -- JSON object, key (as stored: Foo-Bar) to value
);

-- What account and container metadata were at earlier times (until=): one row a change, never updated.
CREATE TABLE past_metadata (
    kind TEXT NOT NULL,                 -- 'account' or 'container'
    owner INTEGER NOT NULL,             -- accounts.id or containers.id
    time INTEGER NOT NULL,              -- from when this was the metadata
    metadata TEXT NOT NULL,
    PRIMARY KEY (kind, owner, time)
) WITHOUT ROWID;

-- A group is its members: one without any does not exist.
CREATE TABLE group_members (
    account INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    name TEXT NOT NULL,                 -- lower case, without - and _
    member TEXT NOT NULL,               -- a user's id
    PRIMARY KEY (account, name, member)
) WITHOUT ROWID;
CREATE INDEX group_members_by_member ON group_members (member);

CREATE TABLE containers (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- not used again, so that past_metadata cannot be mistaken
    account INTEGER NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    created INTEGER NOT NULL,
    modified INTEGER NOT NULL,          -- newest change of the container or an object in it; never goes back
    objects INTEGER NOT NULL DEFAULT 0, -- current objects
    bytes INTEGER NOT NULL DEFAULT 0,   -- their sizes
    quota INTEGER NOT NULL DEFAULT 0,   -- bytes; 0: no limit of its own
    versioning TEXT NOT NULL DEFAULT 'auto', -- 'auto' or 'none'
    project TEXT NOT NULL,              -- whose quota pays; a user's personal project has the user's id
    metadata TEXT NOT NULL DEFAULT '{}', -- JSON as in accounts
    UNIQUE (account, name)
);

-- A name that has, or once had, an object. Sharing and publication belong to the name, and only while it has a current
-- version.
CREATE TABLE objects (
    id INTEGER PRIMARY KEY,
    container INTEGER NOT NULL REFERENCES containers (id),
    name TEXT NOT NULL,
    current INTEGER,                    -- versions.id; NULL: deleted, only history is left
    sharing TEXT,                       -- normalised rule 'read=a,b; write=c'; NULL: none
    public TEXT,                        -- random token of the public URL; NULL: not published
    CHECK (current IS NOT NULL OR (sharing IS NULL AND public IS NULL))
);
CREATE UNIQUE INDEX objects_by_name ON objects (container, name);
CREATE INDEX current_objects ON objects (container, name) WHERE current IS NOT NULL; -- what listings walk
CREATE INDEX shared_objects ON objects (container, name) WHERE sharing IS NOT NULL;
CREATE INDEX published_objects ON objects (container, name) WHERE public IS NOT NULL;
CREATE UNIQUE INDEX objects_by_token ON objects (public) WHERE public IS NOT NULL;

-- objects.sharing by principal, to find what is shared with somebody.
CREATE TABLE grants (
    object INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    principal TEXT NOT NULL,            -- lower-case user id, 'account:group' or '*'
    writes INTEGER NOT NULL,            -- 1: may write (and read), 0: may read
    PRIMARY KEY (principal, object)
) WITHOUT ROWID;
CREATE INDEX grants_by_object ON grants (object);

CREATE TABLE versions (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- one counter for the whole service; never used again
    object INTEGER NOT NULL REFERENCES objects (id) ON DELETE CASCADE,
    time INTEGER NOT NULL,              -- grows with id among the versions of one object
    deleted INTEGER NOT NULL DEFAULT 0, -- 1: a mark that the object was deleted then; size is 0
    size INTEGER NOT NULL,              -- bytes
    root BLOB NOT NULL,                 -- object hash (Merkle root), raw digest; with one block that block's hash
    content INTEGER REFERENCES contents (id), -- block list; NULL for at most one block: `root` tells it
    type TEXT NOT NULL,                 -- content type, possibly ''
    md5 TEXT NOT NULL DEFAULT '',       -- hex; '' unless the uploader sent an ETag
    uuid TEXT NOT NULL,                 -- stays through overwrites and moves
    modified_by TEXT NOT NULL,          -- id of the user who made this version
    metadata TEXT                       -- JSON object, header name to value; NULL: none
);
CREATE INDEX versions_by_object ON versions (object);
CREATE INDEX versions_by_content ON versions (content) WHERE content IS NOT NULL;

-- Block lists of two blocks and more, shared by versions that have the same bytes (metadata changes, copies).
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    hashes BLOB NOT NULL                -- raw digests in order, without any separator
);

-- Which sets of metadata keys the current objects of a container have, and how many objects have each.
CREATE TABLE metadata_keys (
    container INTEGER NOT NULL REFERENCES containers (id) ON DELETE CASCADE,
    keys TEXT NOT NULL,                 -- sorted JSON array of header names, as in versions.metadata
    objects INTEGER NOT NULL,           -- more than 0
    PRIMARY KEY (container, keys)
) WITHOUT ROWID;
"""

# The books of the quotas (identity_schema.py) take over what the containers hold. Until then a container that held
# something was paid for by the personal project of its owner, who is the only one to use it.
_HOLDINGS = """
UPDATE holdings SET usage_min = paid.size, usage_max = paid.size FROM (
    SELECT c.project, a.uuid AS user, sum(c.bytes) AS size
    FROM containers c JOIN accounts a ON a.id = c.account GROUP BY c.project, a.uuid
) paid WHERE holdings.resource = 'pithos.diskspace' AND holdings.project = paid.project
    AND holdings.user IN ('', paid.user);
"""

# An image is an object with these beside it (image.md). They follow its UUID, so they stay when it is moved or changed.
_IMAGES = """
CREATE TABLE images (
    uuid TEXT PRIMARY KEY,              -- versions.uuid of the object; an image while the current version has it
    object INTEGER NOT NULL,            -- objects.id of the name that has it, or had it last
    name TEXT NOT NULL,
    disk_format TEXT NOT NULL,
    container_format TEXT NOT NULL,
    status TEXT NOT NULL,
    properties TEXT NOT NULL,           -- JSON object, key (lower case) to value
    registered INTEGER NOT NULL,
    changed INTEGER NOT NULL,
    volume INTEGER,                     -- of which volume this is a snapshot; NULL: none
    description TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE INDEX images_by_object ON images (object);
"""

MIGRATIONS: Sequence[str] = (_FIRST, _HOLDINGS, _IMAGES)
