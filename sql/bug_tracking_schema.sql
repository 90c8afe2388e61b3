-- The bug tracker: reports with comments and attachments, daily figures kept by triggers, views for summary and trends.
--
--   psql -v ON_ERROR_STOP=1 -f bug_tracking_schema.sql
--
-- Runs on DictDB and on PostgreSQL 15 (and later), again and again: what is there already stays.

BEGIN;

SET LOCAL client_min_messages = warning;

-- Types ------------------------------------------------------------------------------------------------------------

DO $$
BEGIN
    CREATE TYPE bug_severity AS ENUM ('low', 'medium', 'high', 'critical');
EXCEPTION WHEN duplicate_object THEN
    NULL;
END
$$;

DO $$
BEGIN
    CREATE TYPE bug_priority AS ENUM ('low', 'medium', 'high', 'urgent');
EXCEPTION WHEN duplicate_object THEN
    NULL;
END
$$;

DO $$
BEGIN
    CREATE TYPE bug_status AS ENUM ('open', 'in_progress', 'resolved', 'closed');
EXCEPTION WHEN duplicate_object THEN
    NULL;
END
$$;

DO $$
BEGIN
    CREATE TYPE bug_category AS ENUM (
        'hardware', 'firmware', 'software', 'network', 'data', 'ui', 'performance', 'security', 'documentation', 'other');
EXCEPTION WHEN duplicate_object THEN
    NULL;
END
$$;

COMMENT ON TYPE bug_severity IS 'How bad the effects of a bug are';
COMMENT ON TYPE bug_priority IS 'How soon a bug should be fixed';
COMMENT ON TYPE bug_status IS 'Where a bug report stands; resolved and closed ones have a resolved_at';
COMMENT ON TYPE bug_category IS 'What a bug is about';

-- Tables -----------------------------------------------------------------------------------------------------------

CREATE TABLE IF NOT EXISTS bug_reports (
    id                 uuid         NOT NULL DEFAULT gen_random_uuid(),
    title              varchar(200) NOT NULL,
    description        text         NOT NULL,
    severity           bug_severity NOT NULL DEFAULT 'medium',
    priority           bug_priority NOT NULL DEFAULT 'medium',
    category           bug_category NOT NULL DEFAULT 'other',
    status             bug_status   NOT NULL DEFAULT 'open',
    device_id          varchar(100),
    firmware_version   varchar(50),
    reported_by        varchar(100),
    reported_by_email  varchar(254),
    assigned_to        varchar(100),
    reproduction_steps text,
    expected_behavior  text,
    actual_behavior    text,
    resolution         text,
    environment        jsonb        NOT NULL DEFAULT '{}',
    tags               text[]       NOT NULL DEFAULT '{}',
    created_at         timestamptz  NOT NULL DEFAULT now(),
    updated_at         timestamptz  NOT NULL DEFAULT now(),
    resolved_at        timestamptz,
    CONSTRAINT bug_reports_pkey PRIMARY KEY (id),
    CONSTRAINT bug_reports_title_check CHECK (btrim(title) <> ''),
    CONSTRAINT bug_reports_description_check CHECK (btrim(description) <> ''),
    CONSTRAINT bug_reports_reported_by_email_check CHECK (reported_by_email ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$'),
    CONSTRAINT bug_reports_environment_check CHECK (jsonb_typeof(environment) = 'object'),
    CONSTRAINT bug_reports_resolved_at_check CHECK ((resolved_at IS NOT NULL) = (status IN ('resolved', 'closed')))
);

CREATE TABLE IF NOT EXISTS bug_comments (
    id          uuid         NOT NULL DEFAULT gen_random_uuid(),
    bug_id      uuid         NOT NULL,
    author      varchar(100) NOT NULL,
    comment     text         NOT NULL,
    is_internal boolean      NOT NULL DEFAULT false,
    created_at  timestamptz  NOT NULL DEFAULT now(),
    CONSTRAINT bug_comments_pkey PRIMARY KEY (id),
    CONSTRAINT bug_comments_bug_id_fkey FOREIGN KEY (bug_id) REFERENCES bug_reports (id) ON DELETE CASCADE,
    CONSTRAINT bug_comments_comment_check CHECK (btrim(comment) <> '')
);

CREATE TABLE IF NOT EXISTS bug_attachments (
    id          uuid          NOT NULL DEFAULT gen_random_uuid(),
    bug_id      uuid          NOT NULL,
    file_name   varchar(255)  NOT NULL,
    file_url    varchar(2000) NOT NULL,
    file_type   varchar(100),
    file_size   bigint,
    uploaded_by varchar(100),
    created_at  timestamptz   NOT NULL DEFAULT now(),
    CONSTRAINT bug_attachments_pkey PRIMARY KEY (id),
    CONSTRAINT bug_attachments_bug_id_fkey FOREIGN KEY (bug_id) REFERENCES bug_reports (id) ON DELETE CASCADE,
    CONSTRAINT bug_attachments_file_size_check CHECK (file_size >= 0)
);

CREATE TABLE IF NOT EXISTS bug_metrics (
    day                date     NOT NULL,
    new_bugs           integer  NOT NULL DEFAULT 0,
    critical_bugs      integer  NOT NULL DEFAULT 0,
    resolved_bugs      integer  NOT NULL DEFAULT 0,
    resolution_seconds numeric(20, 3) NOT NULL DEFAULT 0,
    CONSTRAINT bug_metrics_pkey PRIMARY KEY (day),
    CONSTRAINT bug_metrics_counts_check CHECK (new_bugs >= 0 AND critical_bugs >= 0 AND resolved_bugs >= 0)
);

COMMENT ON TABLE bug_reports IS 'Reports of bugs';
COMMENT ON COLUMN bug_reports.device_id IS 'Device on which the bug was seen';
COMMENT ON COLUMN bug_reports.environment IS 'Further circumstances, as a JSON object';
COMMENT ON COLUMN bug_reports.tags IS 'Free key words';
COMMENT ON COLUMN bug_reports.updated_at IS 'Set by the trigger bug_reports_stamp';
COMMENT ON COLUMN bug_reports.resolved_at IS 'Set by the trigger bug_reports_stamp when the status becomes resolved or closed';
COMMENT ON TABLE bug_comments IS 'Comments on bug reports';
COMMENT ON COLUMN bug_comments.is_internal IS 'Not meant for who reported the bug';
COMMENT ON TABLE bug_attachments IS 'Files that belong to bug reports: where they are, and what';
COMMENT ON TABLE bug_metrics IS 'Figures of each day (UTC), kept by the trigger bug_reports_count';
COMMENT ON COLUMN bug_metrics.new_bugs IS 'Bugs reported on that day';
COMMENT ON COLUMN bug_metrics.critical_bugs IS 'Those of them that are critical';
COMMENT ON COLUMN bug_metrics.resolved_bugs IS 'Bugs resolved on that day';
COMMENT ON COLUMN bug_metrics.resolution_seconds IS 'Time from report to resolution of the bugs resolved on that day, added up';

-- Indexes ----------------------------------------------------------------------------------------------------------

CREATE INDEX IF NOT EXISTS bug_reports_created_at_idx ON bug_reports (created_at DESC, id);
CREATE INDEX IF NOT EXISTS bug_reports_status_created_at_idx ON bug_reports (status, created_at DESC);
CREATE INDEX IF NOT EXISTS bug_reports_severity_idx ON bug_reports (severity) WHERE status IN ('open', 'in_progress');
CREATE INDEX IF NOT EXISTS bug_reports_category_idx ON bug_reports (category);
CREATE INDEX IF NOT EXISTS bug_reports_device_id_idx ON bug_reports (device_id) WHERE device_id IS NOT NULL;
CREATE INDEX IF NOT EXISTS bug_reports_resolved_at_idx ON bug_reports (resolved_at) WHERE resolved_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS bug_comments_bug_id_idx ON bug_comments (bug_id, created_at);
CREATE INDEX IF NOT EXISTS bug_attachments_bug_id_idx ON bug_attachments (bug_id, created_at);

-- Triggers ---------------------------------------------------------------------------------------------------------

CREATE OR REPLACE FUNCTION bug_reports_stamp() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.updated_at := now();
        END IF;
    END IF;
    IF NEW.status IN ('resolved', 'closed') THEN
        NEW.resolved_at := coalesce(NEW.resolved_at, now());
    ELSE
        NEW.resolved_at := NULL;
    END IF;
    RETURN NEW;
END
$$;

COMMENT ON FUNCTION bug_reports_stamp() IS 'Sets updated_at and resolved_at of a bug report';

CREATE OR REPLACE FUNCTION bug_metrics_add(
    p_day date, p_new integer, p_critical integer, p_resolved integer, p_seconds numeric) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bug_metrics AS m (day) VALUES (p_day) ON CONFLICT (day) DO NOTHING;
    UPDATE bug_metrics AS m
    SET new_bugs = m.new_bugs + p_new,
        critical_bugs = m.critical_bugs + p_critical,
        resolved_bugs = m.resolved_bugs + p_resolved,
        resolution_seconds = m.resolution_seconds + p_seconds
    WHERE m.day = p_day;
END
$$;

COMMENT ON FUNCTION bug_metrics_add(date, integer, integer, integer, numeric) IS 'Adds to the figures of a day';

CREATE OR REPLACE FUNCTION bug_reports_count() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (NEW.created_at, NEW.severity = 'critical', NEW.resolved_at)
            IS NOT DISTINCT FROM (OLD.created_at, OLD.severity = 'critical', OLD.resolved_at) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        PERFORM bug_metrics_add((OLD.created_at AT TIME ZONE 'UTC')::date, -1, -(OLD.severity = 'critical')::integer, 0, 0);
        IF OLD.resolved_at IS NOT NULL THEN
            PERFORM bug_metrics_add((OLD.resolved_at AT TIME ZONE 'UTC')::date, 0, 0, -1,
                -extract(epoch FROM OLD.resolved_at - OLD.created_at));
        END IF;
    END IF;
    IF TG_OP IN ('INSERT', 'UPDATE') THEN
        PERFORM bug_metrics_add((NEW.created_at AT TIME ZONE 'UTC')::date, 1, (NEW.severity = 'critical')::integer, 0, 0);
        IF NEW.resolved_at IS NOT NULL THEN
            PERFORM bug_metrics_add((NEW.resolved_at AT TIME ZONE 'UTC')::date, 0, 0, 1,
                extract(epoch FROM NEW.resolved_at - NEW.created_at));
        END IF;
    END IF;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION bug_reports_count() IS 'Keeps bug_metrics equal to what could be counted in bug_reports';

CREATE OR REPLACE FUNCTION bug_reports_forget() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM bug_metrics;
    RETURN NULL;
END
$$;

COMMENT ON FUNCTION bug_reports_forget() IS 'Empties bug_metrics with bug_reports';

CREATE OR REPLACE TRIGGER bug_reports_stamp
    BEFORE INSERT OR UPDATE ON bug_reports
    FOR EACH ROW EXECUTE FUNCTION bug_reports_stamp();

CREATE OR REPLACE TRIGGER bug_reports_count
    AFTER INSERT OR DELETE OR UPDATE OF created_at, resolved_at, severity, status ON bug_reports
    FOR EACH ROW EXECUTE FUNCTION bug_reports_count();

CREATE OR REPLACE TRIGGER bug_reports_forget
    AFTER TRUNCATE ON bug_reports
    FOR EACH STATEMENT EXECUTE FUNCTION bug_reports_forget();

COMMENT ON TRIGGER bug_reports_stamp ON bug_reports IS 'Sets updated_at and resolved_at';
COMMENT ON TRIGGER bug_reports_count ON bug_reports IS 'Keeps bug_metrics up to date';

-- Views ------------------------------------------------------------------------------------------------------------

CREATE OR REPLACE VIEW bug_summary AS
SELECT count(*) AS total_bugs,
    count(*) FILTER (WHERE status = 'open') AS open_bugs,
    count(*) FILTER (WHERE status = 'in_progress') AS in_progress_bugs,
    count(*) FILTER (WHERE status = 'resolved') AS resolved_bugs,
    count(*) FILTER (WHERE status = 'closed') AS closed_bugs,
    count(*) FILTER (WHERE severity = 'critical') AS critical_bugs,
    count(*) FILTER (WHERE severity = 'high') AS high_severity_bugs,
    count(*) FILTER (WHERE severity = 'medium') AS medium_severity_bugs,
    count(*) FILTER (WHERE severity = 'low') AS low_severity_bugs,
    count(*) FILTER (WHERE (created_at AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date) AS new_today,
    count(*) FILTER (WHERE (resolved_at AT TIME ZONE 'UTC')::date = (now() AT TIME ZONE 'UTC')::date) AS resolved_today,
    round(avg(extract(epoch FROM resolved_at - created_at)) / 3600, 1) AS avg_resolution_time_hours
FROM bug_reports;

COMMENT ON VIEW bug_summary IS 'Numbers of bug reports, in one row; days are those of UTC';

CREATE OR REPLACE FUNCTION bug_trends_since(p_first date)
RETURNS TABLE (
    day date, new_bugs integer, critical_bugs integer, resolved_bugs integer, open_bugs bigint,
    avg_resolution_time_hours numeric)
LANGUAGE sql STABLE AS $$
    SELECT d.day,
        coalesce(m.new_bugs, 0),
        coalesce(m.critical_bugs, 0),
        coalesce(m.resolved_bugs, 0),
        sum(coalesce(m.new_bugs, 0) - coalesce(m.resolved_bugs, 0)) OVER (ORDER BY d.day)
            + coalesce((SELECT sum(b.new_bugs - b.resolved_bugs) FROM bug_metrics AS b WHERE b.day < p_first), 0),
        round(m.resolution_seconds / nullif(m.resolved_bugs, 0) / 3600, 1)
    FROM (
        SELECT p_first + n AS day
        FROM generate_series(0, (now() AT TIME ZONE 'UTC')::date - p_first) AS n
    ) AS d
    LEFT JOIN bug_metrics AS m ON m.day = d.day
    ORDER BY d.day
$$;

COMMENT ON FUNCTION bug_trends_since(date) IS 'Figures of every day (UTC) from the given one to today';

CREATE OR REPLACE VIEW bug_trends AS
SELECT t.day, t.new_bugs, t.critical_bugs, t.resolved_bugs, t.open_bugs, t.avg_resolution_time_hours
FROM bug_trends_since((now() AT TIME ZONE 'UTC')::date - 29) AS t;

COMMENT ON VIEW bug_trends IS 'Figures of the last 30 days';

COMMIT;
