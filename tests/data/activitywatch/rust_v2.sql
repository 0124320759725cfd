-- aw-server-rust, user_version 2; the same history in all files of this folder
CREATE TABLE buckets (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE NOT NULL, type TEXT NOT NULL, client TEXT NOT NULL, hostname TEXT NOT NULL, created TEXT NOT NULL, data TEXT NOT NULL DEFAULT '{}');
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, bucketrow INTEGER NOT NULL, starttime INTEGER NOT NULL, endtime INTEGER NOT NULL, data TEXT NOT NULL, FOREIGN KEY (bucketrow) REFERENCES buckets(id));
CREATE INDEX events_bucketrow_index ON events(bucketrow);
CREATE INDEX events_starttime_index ON events(starttime);
CREATE INDEX events_endtime_index ON events(endtime);
INSERT INTO buckets (name, type, client, hostname, created, data) VALUES ('aw-watcher-window_laptop','currentwindow','aw-watcher-window','laptop','2026-01-05 07:59:00.500+00:00','{}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 1767600000123000000, 1767600005623000000, '{"app":"vim","title":"a – b"}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 1767600005623000000, 1767600005623000000, '{"app":"vim","title":"a – b"}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 1767600005623000000, 1767600005623000000, '{"app":"vim","title":"a – b"}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 1767600010000000000, 1767600070000000000, '{"app":"firefox","title":"x"}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (1, 1767600020000000000, 1767600021001000000, '{"app":"firefox","title":"x"}');
INSERT INTO buckets (name, type, client, hostname, created, data) VALUES ('aw-watcher-afk_laptop','afkstatus','aw-watcher-afk','laptop','2026-01-05 07:59:01+00:00','{}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (2, 1767600000000000000, 1767603600000000000, '{"status":"not-afk"}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (2, 1767603600000000000, 1767603599750000000, '{"status":"afk"}');
INSERT INTO buckets (name, type, client, hostname, created, data) VALUES ('aw-watcher-window_desk-synced-from-desk','currentwindow','aw-sync','desk','2026-01-06 10:00:00+00:00','{"$aw.sync.origin": "desk"}');
INSERT INTO events (bucketrow, starttime, endtime, data) VALUES (3, 1767601800001000000, 1767601812001001000, '{"app":"code","f":1.0,"n":1}');
INSERT INTO buckets (name, type, client, hostname, created, data) VALUES ('aw-stopwatch','general.stopwatch','aw-webui','unknown','2026-01-07 00:00:00+00:00','{}');
PRAGMA user_version = 2;
