-- Metrics of a business as rows of dictdb.metric_queries: samples of a production line, and the bug tracker. The dashboard
-- docker/grafana/dashboards/business.json shows them. To be changed to what yours are.
--
--   psql -v ON_ERROR_STOP=1 -f bug_tracking_schema.sql -f business_metrics.sql
--
-- In the first database of the server, again and again.

BEGIN;

SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS samples (
    id                 bigint           GENERATED ALWAYS AS IDENTITY,
    device_id          varchar(100)     NOT NULL,
    measured_at        timestamptz      NOT NULL DEFAULT now(),
    grade              varchar(2)       NOT NULL,
    quality            double precision NOT NULL,
    conforms           boolean          NOT NULL,
    processing_seconds double precision NOT NULL,
    CONSTRAINT samples_pkey PRIMARY KEY (id),
    CONSTRAINT samples_quality_check CHECK (quality BETWEEN 0 AND 1),
    CONSTRAINT samples_processing_seconds_check CHECK (processing_seconds >= 0)
);

CREATE INDEX IF NOT EXISTS samples_measured_at_idx ON samples (measured_at);

COMMENT ON TABLE samples IS 'What a production line has measured';
COMMENT ON COLUMN samples.grade IS 'A+, A, B and so on';
COMMENT ON COLUMN samples.quality IS 'From 0 to 1, the best';

CREATE OR REPLACE VIEW recent_samples AS
SELECT * FROM samples WHERE measured_at > now() - interval '1 hour';

COMMENT ON VIEW recent_samples IS 'Samples of the last hour';

INSERT INTO dictdb.metric_queries (name, help, type, labels, sql) VALUES
    ('sample_quality_score', 'Mean quality of the samples of the last hour, by grade.', 'gauge', '{grade}',
        'SELECT grade, avg(quality) AS value FROM recent_samples GROUP BY grade'),
    ('sample_processing_duration_seconds', 'Mean time that samples of the last hour took.', 'gauge', '{}',
        'SELECT avg(processing_seconds) AS value FROM recent_samples'),
    ('conformity_rate_percent', 'Share of the samples of the last hour that conform.', 'gauge', '{}',
        'SELECT 100.0 * count(*) FILTER (WHERE conforms) / nullif(count(*), 0) AS value FROM recent_samples'),
    ('reject_rate_percent', 'Share of the samples of the last hour that do not conform.', 'gauge', '{}',
        'SELECT 100.0 * count(*) FILTER (WHERE NOT conforms) / nullif(count(*), 0) AS value FROM recent_samples'),
    ('samples_throughput_per_second', 'Samples of the last hour, by second.', 'gauge', '{}',
        'SELECT count(*) / 3600.0 AS value FROM recent_samples'),
    ('average_quality_score', 'Mean quality of the samples of the last hour.', 'gauge', '{}',
        'SELECT avg(quality) AS value FROM recent_samples'),
    ('open_bugs', 'Open bug reports, by severity.', 'gauge', '{severity}',
        'SELECT severity, count(*) AS value FROM bug_reports WHERE status IN (''open'', ''in_progress'') GROUP BY severity'),
    ('bugs_resolved_today', 'Bug reports that were resolved today.', 'gauge', '{}',
        'SELECT resolved_today AS value FROM bug_summary'),
    ('bug_resolution_hours', 'Mean time from report to resolution.', 'gauge', '{}',
        'SELECT avg_resolution_time_hours AS value FROM bug_summary')
ON CONFLICT (name) DO UPDATE SET help = excluded.help, type = excluded.type, labels = excluded.labels, sql = excluded.sql;

COMMIT;
