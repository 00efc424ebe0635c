"""The tables of users, tokens, projects and quotas. Steps are only ever appended.

Times in `users` and `tokens` are seconds since the epoch (REAL), in all other tables microseconds (INTEGER).
"""

from __future__ import annotations

from pithosfs.localcloud.database import Migration

__all__ = ["MIGRATIONS", "SERVICE"]

SERVICE = "identity"

_USERS = """
CREATE TABLE users (
    uuid TEXT PRIMARY KEY,          -- lower case; also the account in object-store URLs and the user's own project
    name TEXT NOT NULL,             -- as it was given; shown everywhere
    name_key TEXT NOT NULL UNIQUE,  -- the name case-folded: names that differ only in case are one user
    quota INTEGER NOT NULL CHECK (quota >= 0),  -- bytes of pithos.diskspace; 2^63-1 is "unlimited"
    created REAL NOT NULL           -- seconds since the epoch
) WITHOUT ROWID;

CREATE TABLE tokens (
    hash BLOB PRIMARY KEY,          -- SHA-256 of the token, which is shown once and kept nowhere
    user TEXT NOT NULL REFERENCES users (uuid) ON DELETE CASCADE,   -- a user may have several valid tokens
    created REAL NOT NULL,          -- seconds since the epoch
    expires REAL NOT NULL           -- seconds since the epoch; from then on the token is refused
) WITHOUT ROWID;

CREATE INDEX tokens_by_user ON tokens (user);
"""

_PROJECTS = """
ALTER TABLE users ADD COLUMN admin INTEGER NOT NULL DEFAULT 0;   -- 1: decides about projects and users
ALTER TABLE users ADD COLUMN active INTEGER NOT NULL DEFAULT 1;  -- 0: none of the user's tokens is accepted
ALTER TABLE users ADD COLUMN deactivated_reason TEXT;            -- why `active` is 0
ALTER TABLE users ADD COLUMN default_project TEXT;               -- NULL: the personal project
ALTER TABLE users ADD COLUMN first_name TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN last_name TEXT NOT NULL DEFAULT '';
UPDATE users SET admin = 1 WHERE uuid = (SELECT uuid FROM users ORDER BY created, uuid LIMIT 1);

-- For the calls of services (identity.md 1.1); a component may have several.
CREATE TABLE service_tokens (
    hash BLOB PRIMARY KEY,          -- SHA-256 of the token, as in tokens
    component TEXT NOT NULL,        -- astakos, cyclades or pithos
    created REAL NOT NULL           -- seconds since the epoch
) WITHOUT ROWID;

-- A user's personal project has the user's id; nobody owns it, and it has its user as the only member.
CREATE TABLE projects (
    uuid TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    state TEXT NOT NULL,            -- uninitialized, active, suspended, terminated or deleted
    personal INTEGER NOT NULL DEFAULT 0,
    owner TEXT REFERENCES users (uuid),
    homepage TEXT NOT NULL DEFAULT '',
    description TEXT NOT NULL DEFAULT '',
    created INTEGER NOT NULL,
    ends INTEGER,                   -- terminated from then on; NULL: never
    join_policy TEXT NOT NULL DEFAULT 'moderated',  -- auto, moderated or closed
    leave_policy TEXT NOT NULL DEFAULT 'auto',
    max_members INTEGER NOT NULL DEFAULT 9223372036854775807,
    private INTEGER NOT NULL DEFAULT 0,
    deactivated INTEGER             -- the last suspension or termination
) WITHOUT ROWID;
CREATE UNIQUE INDEX live_projects_by_name ON projects (name) WHERE state IN ('active', 'suspended');
CREATE INDEX projects_by_owner ON projects (owner) WHERE owner IS NOT NULL;

CREATE TABLE applications (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    project TEXT NOT NULL REFERENCES projects (uuid),
    applicant TEXT NOT NULL REFERENCES users (uuid),
    state TEXT NOT NULL,            -- pending, approved, denied, cancelled, replaced or dismissed
    asked TEXT NOT NULL             -- JSON object of what was asked for; what is not in it stays as it is
);
CREATE INDEX applications_by_project ON applications (project, id);

-- What a project and each of its members may use. A resource that is not here has its default (resources.py).
CREATE TABLE project_limits (
    project TEXT NOT NULL REFERENCES projects (uuid),
    resource TEXT NOT NULL,
    project_capacity INTEGER NOT NULL CHECK (project_capacity >= 0),
    member_capacity INTEGER NOT NULL CHECK (member_capacity >= 0),
    PRIMARY KEY (project, resource)
) WITHOUT ROWID;

-- A pair of user and project keeps its row, and id, for good.
CREATE TABLE memberships (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL REFERENCES users (uuid),
    project TEXT NOT NULL REFERENCES projects (uuid),
    state TEXT NOT NULL,            -- requested, accepted, leave_requested, suspended, rejected, cancelled or removed
    UNIQUE (user, project)
);
CREATE INDEX memberships_by_project ON memberships (project);

-- When a membership was last in each state that it ever had.
CREATE TABLE membership_times (
    membership INTEGER NOT NULL REFERENCES memberships (id),
    state TEXT NOT NULL,
    time INTEGER NOT NULL,
    PRIMARY KEY (membership, state)
) WITHOUT ROWID;

-- What is in use and what may be: one row for each resource of a project, and of a member of it (holdings.py).
CREATE TABLE holdings (
    project TEXT NOT NULL,
    resource TEXT NOT NULL,
    user TEXT NOT NULL,             -- whose part of the project's usage; '': the project as a whole
    capacity INTEGER NOT NULL,      -- the limit of now; 0 when the project or the membership does not count
    usage_min INTEGER NOT NULL DEFAULT 0,   -- with all decreases that are not yet accepted
    usage_max INTEGER NOT NULL DEFAULT 0,   -- with all increases that are not yet accepted
    PRIMARY KEY (project, resource, user)
) WITHOUT ROWID;

-- Reservations that are neither accepted nor rejected yet. Serials are never used again.
CREATE TABLE commissions (
    serial INTEGER PRIMARY KEY AUTOINCREMENT,
    component TEXT NOT NULL,        -- who issued it, and alone may see and resolve it
    name TEXT NOT NULL,
    issued INTEGER NOT NULL
);
CREATE TABLE provisions (
    serial INTEGER NOT NULL REFERENCES commissions (serial) ON DELETE CASCADE,
    place INTEGER NOT NULL,         -- the order in which they were sent
    project TEXT NOT NULL,
    user TEXT NOT NULL,             -- '': the project as a whole
    resource TEXT NOT NULL,
    quantity INTEGER NOT NULL,      -- negative: to be released
    PRIMARY KEY (serial, place)
) WITHOUT ROWID;

INSERT INTO projects (uuid, name, state, personal, created, join_policy, leave_policy, max_members, private)
    SELECT uuid, 'system:' || uuid, 'active', 1, CAST(created * 1000000 AS INTEGER), 'closed', 'closed', 1, 1
    FROM users;
INSERT INTO project_limits SELECT uuid, 'pithos.diskspace', quota, quota FROM users WHERE quota < 9223372036854775807;
INSERT INTO memberships (user, project, state) SELECT uuid, uuid, 'accepted' FROM users ORDER BY created, uuid;
INSERT INTO membership_times
    SELECT m.id, 'accepted', p.created FROM memberships m JOIN projects p ON p.uuid = m.project;
INSERT INTO holdings (project, resource, user, capacity) SELECT uuid, 'pithos.diskspace', '', quota FROM users;
INSERT INTO holdings (project, resource, user, capacity) SELECT uuid, 'astakos.pending_app', '', 10 FROM users;
INSERT INTO holdings (project, resource, user, capacity)
    SELECT users.uuid, unlimited.column1, '', 9223372036854775807 FROM users, (
        VALUES ('cyclades.vm'), ('cyclades.total_cpu'), ('cyclades.cpu'), ('cyclades.total_ram'), ('cyclades.ram'),
            ('cyclades.disk'), ('cyclades.network.private'), ('cyclades.floating_ip')) unlimited;
INSERT INTO holdings (project, resource, user, capacity) SELECT project, resource, project, capacity FROM holdings;
ALTER TABLE users DROP COLUMN quota;
"""

MIGRATIONS: tuple[Migration, ...] = (_USERS, _PROJECTS)
