-- The statements of the adapter, by name. Values are bound, always. Listings are put together from fixed pieces in
-- _listing.py; {head_columns} stands for the columns below.

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table' AND name IN ('holdfast_meta', 'holdfast_head');

-- name: meta
SELECT schema, min_reader, min_writer FROM holdfast_meta WHERE component = :component;

-- name: set_meta
INSERT INTO holdfast_meta (component, schema, min_reader, min_writer)
VALUES (:component, :schema, :min_reader, :min_writer)
ON CONFLICT (component) DO UPDATE
SET schema = excluded.schema, min_reader = excluded.min_reader, min_writer = excluded.min_writer;

-- name: head_columns
h.number, h.tenant, h.id, h.key, h.parent_key, h.parent_id, h.user_id, h.agent, h.status, h.version,
h.next_seq, h.message_count, h.last_message_at, h.created_at, h.updated_at, h.completed_at, h.expires_at,
h.state_expires_at, h.fence, s.digest, s.recent_turns, CASE WHEN :state THEN s.body END

-- name: heads
-- The heads of many sessions, by a JSON array of [tenant, id] pairs.
SELECT {head_columns}
FROM json_each(:refs) AS ref
JOIN holdfast_head AS h
  ON h.tenant = json_extract(ref.value, '$[0]') AND h.id = json_extract(ref.value, '$[1]')
LEFT JOIN holdfast_state AS s ON s.number = h.number;

-- name: known
-- The rows of a session that have one of these ids, without their bodies.
SELECT seq, id, turn_id, segment, role, created_at, digest, '' FROM holdfast_message
WHERE session = :session AND id IN (SELECT value FROM json_each(:ids));

-- name: removable
SELECT count(*) FROM holdfast_message WHERE session = :session AND seq > :after AND seq <= :through;

-- name: rows_oldest
-- A page from its beginning; a session without rows gives one row of NULLs, an absent one gives none.
SELECT m.seq, m.id, m.turn_id, m.segment, m.role, m.created_at, m.digest, m.body
FROM holdfast_head AS h
LEFT JOIN holdfast_message AS m ON m.session = h.number AND m.seq > :after AND m.seq < :before
WHERE h.tenant = :tenant AND h.id = :id AND h.key = :key
ORDER BY m.seq LIMIT :limit;

-- name: rows_newest
-- The same from its end.
SELECT m.seq, m.id, m.turn_id, m.segment, m.role, m.created_at, m.digest, m.body
FROM holdfast_head AS h
LEFT JOIN holdfast_message AS m ON m.session = h.number AND m.seq > :after AND m.seq < :before
WHERE h.tenant = :tenant AND h.id = :id AND h.key = :key
ORDER BY m.seq DESC LIMIT :limit;

-- name: rows_named
-- Rows by a JSON array of ids; the plus sign keeps SQLite from walking the whole session in order.
SELECT m.seq, m.id, m.turn_id, m.segment, m.role, m.created_at, m.digest, m.body
FROM holdfast_head AS h
LEFT JOIN holdfast_message AS m ON m.session = h.number AND m.id IN (SELECT value FROM json_each(:ids))
WHERE h.tenant = :tenant AND h.id = :id AND h.key = :key
ORDER BY +m.seq;

-- name: insert_head
INSERT INTO holdfast_head (tenant, id, key, parent_key, parent_id, user_id, agent, status, version, next_seq,
  message_count, last_message_at, created_at, updated_at, completed_at, expires_at, state_expires_at, fence)
VALUES (:tenant, :id, :key, :parent_key, :parent_id, :user_id, :agent, :status, :version, :next_seq,
  :message_count, :last_message_at, :created_at, :updated_at, :completed_at, :expires_at, :state_expires_at, :fence)
RETURNING number;

-- name: update_head
-- id, key, parent and created_at never change.
UPDATE holdfast_head
SET agent = :agent, status = :status, version = :version, next_seq = :next_seq, message_count = :message_count,
    last_message_at = :last_message_at, updated_at = :updated_at, completed_at = :completed_at,
    expires_at = :expires_at, state_expires_at = :state_expires_at, fence = :fence
WHERE number = :number;

-- name: insert_state
INSERT INTO holdfast_state (number, digest, recent_turns, body) VALUES (:number, :digest, :recent_turns, :body);

-- name: update_state
UPDATE holdfast_state
SET digest = :digest, recent_turns = :recent_turns, body = coalesce(:body, body) WHERE number = :number;

-- name: insert_message
INSERT INTO holdfast_message (session, seq, id, turn_id, segment, role, created_at, digest, body)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: replace_message
UPDATE holdfast_message SET role = :role, digest = :digest, body = :body WHERE session = :session AND seq = :seq;

-- name: remove_messages
DELETE FROM holdfast_message WHERE session = :session AND seq > :after AND seq <= :through;

-- name: bury
INSERT INTO holdfast_dead (number, tenant, id, key)
SELECT number, tenant, id, key FROM holdfast_head WHERE number = :number;

-- name: delete_head
DELETE FROM holdfast_head WHERE number = :number;

-- name: dead
SELECT number FROM holdfast_dead WHERE key = :key;

-- name: free_messages
DELETE FROM holdfast_message
WHERE number IN (SELECT number FROM holdfast_message WHERE session = :number LIMIT :limit);

-- name: free_state
DELETE FROM holdfast_state WHERE number = :number;

-- name: free_mark
-- A child that lives on (it is fenced) keeps its parent's mark, so that sweep finds it later.
DELETE FROM holdfast_dead AS d
WHERE d.number = :number AND NOT EXISTS (SELECT 1 FROM holdfast_head AS h WHERE h.parent_key = d.key);

-- name: all_dead
-- Those that have something to free: their rows, or a mark that no child needs any more.
SELECT d.number FROM holdfast_dead AS d
WHERE (:tenant IS NULL OR d.tenant = :tenant)
  AND (EXISTS (SELECT 1 FROM holdfast_state AS s WHERE s.number = d.number)
       OR NOT EXISTS (SELECT 1 FROM holdfast_head AS h WHERE h.parent_key = d.key))
LIMIT :limit;

-- name: changes
SELECT changes();

-- name: ping
SELECT 1 FROM holdfast_meta;

-- name: doomed
-- Lives to end: the expired, and what hangs below the dead; one may be both. The cross join begins with the dead.
SELECT number FROM holdfast_head
WHERE expires_at <= :now AND fence IS NULL AND (:tenant IS NULL OR tenant = :tenant)
UNION ALL
SELECT h.number FROM holdfast_dead AS d CROSS JOIN holdfast_head AS h ON h.parent_key = d.key
WHERE h.fence IS NULL AND (:tenant IS NULL OR h.tenant = :tenant)
LIMIT :limit;
