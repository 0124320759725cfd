-- aw-server (Python), sqlite v1; the same history in all files of this folder
CREATE TABLE buckets (rowid INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE NOT NULL, name TEXT, type TEXT NOT NULL, client TEXT NOT NULL, hostname TEXT NOT NULL, created TEXT NOT NULL, datastr TEXT NOT NULL);
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL, starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, datastr TEXT NOT NULL, FOREIGN KEY (bucketrow) REFERENCES buckets(rowid));
CREATE INDEX event_index_starttime ON events(bucketrow, starttime);
INSERT INTO buckets (id, type, client, hostname, created, datastr) VALUES ('aw-watcher-window_laptop', 'currentwindow', 'aw-watcher-window', 'laptop', '2026-01-05T07:59:00.500000+00:00', '{}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (1, 1767600000123000, 1767600005623000, '{"app": "vim", "title": "a \u2013 b"}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (1, 1767600005623000, 1767600005623000, '{"app": "vim", "title": "a \u2013 b"}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (1, 1767600005623000, 1767600005623000, '{"app": "vim", "title": "a \u2013 b"}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (1, 1767600010000000, 1767600070000000, '{"title": "x", "app": "firefox"}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (1, 1767600020000000, 1767600021001000, '{"app": "firefox", "title": "x"}');
INSERT INTO buckets (id, type, client, hostname, created, datastr) VALUES ('aw-watcher-afk_laptop', 'afkstatus', 'aw-watcher-afk', 'laptop', '2026-01-05T07:59:01.000000+00:00', '{}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (2, 1767600000000000, 1767603600000000, '{"status": "not-afk"}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (2, 1767603600000000, 1767603599750000, '{"status": "afk"}');
INSERT INTO buckets (id, type, client, hostname, created, datastr) VALUES ('aw-watcher-window_desk-synced-from-desk', 'currentwindow', 'aw-sync', 'desk', '2026-01-06T10:00:00.000000+00:00', '{"$aw.sync.origin": "desk"}');
INSERT INTO events (bucketrow, starttime, endtime, datastr) VALUES (3, 1767601800001000, 1767601812001001, '{"app": "code", "n": 1, "f": 1.0}');
INSERT INTO buckets (id, type, client, hostname, created, datastr) VALUES ('aw-stopwatch', 'general.stopwatch', 'aw-webui', 'unknown', '2026-01-07T00:00:00.000000+00:00', '{}');
