-- aw-server (Python), peewee v2 without datastr in the buckets; the same history in all files of this folder
CREATE TABLE "bucketmodel" ("key" INTEGER NOT NULL PRIMARY KEY, "id" VARCHAR(255) NOT NULL, "created" DATETIME NOT NULL, "name" VARCHAR(255), "type" VARCHAR(255) NOT NULL, "client" VARCHAR(255) NOT NULL, "hostname" VARCHAR(255) NOT NULL);
CREATE UNIQUE INDEX "bucketmodel_id" ON "bucketmodel" ("id");
CREATE TABLE "eventmodel" ("id" INTEGER NOT NULL PRIMARY KEY, "bucket_id" INTEGER NOT NULL, "timestamp" DATETIME NOT NULL, "duration" DECIMAL(10, 5) NOT NULL, "datastr" VARCHAR(255) NOT NULL, FOREIGN KEY ("bucket_id") REFERENCES "bucketmodel" ("key"));
CREATE INDEX "eventmodel_bucket_id" ON "eventmodel" ("bucket_id");
CREATE INDEX "eventmodel_timestamp" ON "eventmodel" ("timestamp");
INSERT INTO bucketmodel VALUES (1, 'aw-watcher-window_laptop', '2026-01-05T07:59:00.500000', NULL, 'currentwindow', 'aw-watcher-window', 'laptop');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (1, '2026-01-05 08:00:00.123000+00:00', 5.5, '{"app": "vim", "title": "a \u2013 b"}');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (1, '2026-01-05 08:00:05.623000+00:00', 0, '{"app": "vim", "title": "a \u2013 b"}');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (1, '2026-01-05 08:00:05.623000+00:00', 0, '{"app": "vim", "title": "a \u2013 b"}');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (1, '2026-01-05 08:00:10+00:00', 60, '{"title": "x", "app": "firefox"}');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (1, '2026-01-05 08:00:20+00:00', 1.001, '{"app": "firefox", "title": "x"}');
INSERT INTO bucketmodel VALUES (2, 'aw-watcher-afk_laptop', '2026-01-05T07:59:01', NULL, 'afkstatus', 'aw-watcher-afk', 'laptop');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (2, '2026-01-05 08:00:00+00:00', 3600, '{"status": "not-afk"}');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (2, '2026-01-05 09:00:00+00:00', -0.25, '{"status": "afk"}');
INSERT INTO bucketmodel VALUES (3, 'aw-watcher-window_desk-synced-from-desk', '2026-01-06T10:00:00+00:00', NULL, 'currentwindow', 'aw-sync', 'desk');
INSERT INTO eventmodel (bucket_id, timestamp, duration, datastr) VALUES (3, '2026-01-05 08:30:00.001000+00:00', 12.000001, '{"app": "code", "n": 1, "f": 1.0}');
INSERT INTO bucketmodel VALUES (4, 'aw-stopwatch', '2026-01-07T00:00:00', NULL, 'general.stopwatch', 'aw-webui', 'unknown');
