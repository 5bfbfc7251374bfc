/** Tables with a bit of everything that belongs to tables. */
export const shop = `
  CREATE TABLE users (id serial PRIMARY KEY, name text NOT NULL DEFAULT 'nobody', email text UNIQUE);
  CREATE INDEX users_by_name ON users (lower(name));
  CREATE STATISTICS users_stats ON name, email FROM users;
  COMMENT ON TABLE users IS 'people';
  COMMENT ON COLUMN users.name IS 'as they say; it is';
  INSERT INTO users (name, email) SELECT 'user ' || g, g || '@x' FROM generate_series(1, 5) g;
  SELECT setval('users_id_seq', 77);
  CREATE TABLE orders (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, user_id int REFERENCES users ON DELETE CASCADE,
    note text CHECK (note <> 'bad'));
  INSERT INTO orders (user_id, note) VALUES (1, 'a'), (2, E'tab\\t and \\\\. dot'), (NULL, NULL);
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
  CREATE TRIGGER orders_touch BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION touch();
  ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
  CREATE POLICY own ON orders USING (user_id > 0);
  CREATE TABLE events (at date, what text, PRIMARY KEY (at, what)) PARTITION BY RANGE (at);
  CREATE TABLE events_2024 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
  CREATE TABLE events_2025 PARTITION OF events FOR VALUES FROM ('2025-01-01') TO ('2026-01-01');
  CREATE INDEX events_at ON events (at);
  INSERT INTO events VALUES ('2024-05-05', 'one'), ('2025-05-05', 'two'), ('2025-06-06', 'three');
  CREATE SCHEMA "Odd schema";
  CREATE TABLE "Odd schema"."Tab\\"le ü; DROP" ("a b" serial PRIMARY KEY, "ä" text);
  INSERT INTO "Odd schema"."Tab\\"le ü; DROP" VALUES (1, 'x');
`.replaceAll('\\"', '""');
/** A name of one of them, as SQL takes it. */
export const odd = '"Odd schema"."Tab""le ü; DROP"';

/** What the tables of a shop need that is no table. */
export const ground = `
  CREATE SCHEMA "Odd schema";
  CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';`;
