CREATE TABLE holdfast_meta (
  component  TEXT    PRIMARY KEY,
  schema     INTEGER NOT NULL,
  min_reader INTEGER NOT NULL,
  min_writer INTEGER NOT NULL
) STRICT;
