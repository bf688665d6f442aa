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

-- name: judged
-- What the rules need to know of many sessions, by a JSON array of [tenant, id, [message ids]] or, with a removal,
-- [tenant, id, [message ids], after, through]: their heads, the rows that they have of these ids, as JSON, and how
-- many rows the removal would take.
SELECT {head_columns},
  (SELECT json_group_array(json_array(m.seq, m.id, m.turn_id, m.segment, m.role, m.created_at, hex(m.digest)))
   FROM json_each(asked.value, '$[2]') AS named
   CROSS JOIN holdfast_message AS m ON m.session = h.number AND m.id = named.value),
  CASE WHEN json_array_length(asked.value) = 5 THEN (
    SELECT count(*) FROM holdfast_message AS m
    WHERE m.session = h.number
      AND m.seq > json_extract(asked.value, '$[3]') AND m.seq <= json_extract(asked.value, '$[4]'))
  ELSE 0 END
FROM json_each(:sessions) AS asked
CROSS JOIN holdfast_head AS h
  ON h.tenant = json_extract(asked.value, '$[0]') AND h.id = json_extract(asked.value, '$[1]')
LEFT JOIN holdfast_state AS s ON s.number = h.number;

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

-- name: grow_heads
-- Appends to many sessions, by a JSON array of [tenant, id, how many, the last one's time, now], and the heads after.
UPDATE holdfast_head
SET next_seq = next_seq + {2}, message_count = message_count + {2}, last_message_at = {3}, updated_at = {4}
FROM (SELECT value FROM json_each(:rows)) AS new
WHERE tenant = {0} AND id = {1}
RETURNING number, tenant, id, key, parent_key, parent_id, user_id, agent, status, version, next_seq, message_count,
  last_message_at, created_at, updated_at, completed_at, expires_at, state_expires_at, fence, x'',
  (SELECT recent_turns FROM holdfast_state AS s WHERE s.number = holdfast_head.number), NULL;

-- The statements below write many rows each, by a JSON array of arrays: {new} is the table of them, {3} the fourth
-- value of a row. Digests and bodies are slices of one blob, :texts: {7:8} is the slice that starts at the eighth
-- value and is as long as the ninth. JSON would have to escape them, and SQLite ends a text of JSON at its first NUL.
-- Not executemany: it gives the interpreter's lock back and asks for it again at every row, and beside a busy thread
-- each row then waits for 5 ms: 64 rows took 390 ms, and by one statement 7.

-- name: insert_heads
{new}
INSERT INTO holdfast_head (tenant, id, key, parent_key, parent_id, user_id, agent, status, version, next_seq,
  message_count, last_message_at, created_at, updated_at, completed_at, expires_at, state_expires_at, fence)
SELECT {0}, {1}, {2}, {3}, {4}, {5}, {6}, {7}, {8}, {9}, {10}, {11}, {12}, {13}, {14}, {15}, {16}, {17}
FROM new
RETURNING key, number;

-- name: update_heads
-- id, key, parent and created_at never change.
{new}
UPDATE holdfast_head
SET agent = {1}, status = {2}, version = {3}, next_seq = {4},
    message_count = {5}, last_message_at = {6}, updated_at = {7},
    completed_at = {8}, expires_at = {9}, state_expires_at = {10},
    fence = {11}
FROM new
WHERE number = {0};

-- name: insert_states
{new}
INSERT INTO holdfast_state (number, digest, recent_turns, body)
SELECT {0}, {1:2}, CAST({3:4} AS TEXT), CAST({5:6} AS TEXT)
FROM new;

-- name: update_states
-- A body that did not change has no place in :texts.
{new}
UPDATE holdfast_state
SET digest = {1:2}, recent_turns = CAST({3:4} AS TEXT), body = coalesce(CAST({5:6} AS TEXT), body)
FROM new
WHERE number = {0};

-- name: insert_messages
{new}
INSERT INTO holdfast_message (session, seq, id, turn_id, segment, role, created_at, digest, body)
SELECT {0}, {1}, {2}, {3}, {4}, {5}, {6},
  {7:8}, CAST({9:10} AS TEXT)
FROM new;

-- name: replace_messages
{new}
UPDATE holdfast_message
SET role = {2}, digest = {3:4},
    body = CAST({5:6} AS TEXT)
FROM new
WHERE session = {0} AND seq = {1};

-- name: remove_messages
{new}
DELETE FROM holdfast_message WHERE number IN (
  SELECT m.number FROM new
  CROSS JOIN holdfast_message AS m
    ON m.session = {0} AND m.seq > {1} AND m.seq <= {2});

-- name: bury
INSERT INTO holdfast_dead (number, tenant, id, key)
SELECT number, tenant, id, key FROM holdfast_head WHERE number IN (SELECT value FROM json_each(:numbers));

-- name: delete_heads
DELETE FROM holdfast_head WHERE number IN (SELECT value FROM json_each(:numbers));

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
