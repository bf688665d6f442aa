-- Counters that change with every append stand apart from the wide state: 5.7 times faster with 20 KB of it.
-- The session's number is AUTOINCREMENT, so that a freed one never returns; messages hang from it alone.
CREATE TABLE holdfast_head (
  number           INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant           TEXT    NOT NULL,
  id               TEXT    NOT NULL,
  key              TEXT    NOT NULL,
  parent_key       TEXT,
  parent_id        TEXT,
  user_id          TEXT,
  agent            TEXT,
  status           TEXT    NOT NULL,
  version          INTEGER NOT NULL,
  next_seq         INTEGER NOT NULL,
  message_count    INTEGER NOT NULL,
  last_message_at  INTEGER,
  created_at       INTEGER NOT NULL,
  updated_at       INTEGER NOT NULL,
  completed_at     INTEGER,
  expires_at       INTEGER,
  state_expires_at INTEGER,
  fence            TEXT,
  UNIQUE (tenant, id)
) STRICT;

CREATE INDEX holdfast_head_user_activity ON holdfast_head (tenant, user_id, updated_at, id);
CREATE INDEX holdfast_head_user_created ON holdfast_head (tenant, user_id, created_at, id);
CREATE INDEX holdfast_head_activity ON holdfast_head (tenant, updated_at, id);
CREATE INDEX holdfast_head_created ON holdfast_head (tenant, created_at, id);
CREATE INDEX holdfast_head_parent ON holdfast_head (parent_key) WHERE parent_key IS NOT NULL;
CREATE INDEX holdfast_head_expiry ON holdfast_head (expires_at) WHERE expires_at IS NOT NULL;

-- The body comes last: reading what stands before it does not read its overflow pages.
CREATE TABLE holdfast_state (
  number       INTEGER PRIMARY KEY,
  digest       BLOB NOT NULL,
  recent_turns TEXT NOT NULL,
  body         TEXT NOT NULL
) STRICT;

CREATE TABLE holdfast_message (
  number     INTEGER PRIMARY KEY,
  session    INTEGER NOT NULL,
  seq        INTEGER NOT NULL,
  id         TEXT    NOT NULL,
  turn_id    TEXT    NOT NULL,
  segment    INTEGER NOT NULL,
  role       TEXT    NOT NULL,
  created_at INTEGER NOT NULL,
  digest     BLOB    NOT NULL,
  body       TEXT    NOT NULL,
  UNIQUE (session, seq),
  UNIQUE (session, id)
) STRICT;

-- Lives that have ended, and whose rows are not all freed yet.
CREATE TABLE holdfast_dead (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  id     TEXT NOT NULL,
  key    TEXT NOT NULL UNIQUE
) STRICT;
