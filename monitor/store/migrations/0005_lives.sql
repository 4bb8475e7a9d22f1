-- What an alert and its incident remember of their lives.

ALTER TABLE alerts ADD COLUMN clears INTEGER NOT NULL DEFAULT 0; -- good readings in a row
ALTER TABLE alerts ADD COLUMN flaps TEXT; -- how it flaps, as JSON; NULL where it does not

ALTER TABLE incidents ADD COLUMN worst TEXT NOT NULL DEFAULT 'info';
ALTER TABLE incidents ADD COLUMN flapping INTEGER NOT NULL DEFAULT 0;
ALTER TABLE incidents ADD COLUMN opening TEXT; -- the figures at its opening and its end, as JSON
ALTER TABLE incidents ADD COLUMN closing TEXT;
