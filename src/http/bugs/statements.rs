//! The bug tracker's statements. Each takes text parameters and returns one JSON document, or no row when the bug report it is
//! about does not exist.

/// A report as JSON, of `bug_reports AS b`.
macro_rules! report {
    () => {
        "'id', b.id, 'title', b.title, 'description', b.description, 'severity', b.severity, 'priority', b.priority, \
         'category', b.category, 'status', b.status, 'deviceId', b.device_id, 'firmwareVersion', b.firmware_version, \
         'reportedBy', b.reported_by, 'reportedByEmail', b.reported_by_email, 'assignedTo', b.assigned_to, \
         'reproductionSteps', b.reproduction_steps, 'expectedBehavior', b.expected_behavior, \
         'actualBehavior', b.actual_behavior, 'resolution', b.resolution, 'environment', b.environment, 'tags', b.tags, \
         'createdAt', b.created_at, 'updatedAt', b.updated_at, 'resolvedAt', b.resolved_at"
    };
}

/// `$1` status, `$2` severity, `$3` category, `$4` skip, `$5` limit; NULL is any, 0 and 50.
pub(super) const LIST: &str = concat!(
    "WITH chosen AS MATERIALIZED (
        SELECT * FROM bug_reports AS b
        WHERE ($1::bug_status IS NULL OR b.status = $1::bug_status)
          AND ($2::bug_severity IS NULL OR b.severity = $2::bug_severity)
          AND ($3::bug_category IS NULL OR b.category = $3::bug_category)
    ), page AS (
        SELECT b.created_at, b.id, json_build_object(",
    report!(),
    ") AS report
        FROM chosen AS b
        ORDER BY b.created_at DESC, b.id
        OFFSET coalesce($4::bigint, 0) LIMIT coalesce($5::bigint, 50)
    )
    SELECT json_build_object(
        'bugs', coalesce((SELECT json_agg(report ORDER BY created_at DESC, id) FROM page), '[]'::json),
        'total', (SELECT count(*) FROM chosen),
        'skip', coalesce($4::bigint, 0),
        'limit', coalesce($5::bigint, 50))::text"
);

/// `$1` a report as JSON.
pub(super) const CREATE: &str = r#"
    INSERT INTO bug_reports (title, description, severity, priority, category, device_id, firmware_version, reported_by,
        reported_by_email, assigned_to, reproduction_steps, expected_behavior, actual_behavior, environment, tags)
    SELECT n.title, n.description, coalesce(n.severity, 'medium'), coalesce(n.priority, 'medium'),
        coalesce(n.category, 'other'), n."deviceId", n."firmwareVersion", n."reportedBy", n."reportedByEmail",
        n."assignedTo", n."reproductionSteps", n."expectedBehavior", n."actualBehavior",
        coalesce(n.environment, '{}'), coalesce(n.tags, '{}')
    FROM jsonb_to_record($1::jsonb) AS n(title text, description text, severity bug_severity, priority bug_priority,
        category bug_category, "deviceId" text, "firmwareVersion" text, "reportedBy" text, "reportedByEmail" text,
        "assignedTo" text, "reproductionSteps" text, "expectedBehavior" text, "actualBehavior" text, environment jsonb,
        tags text[])
    RETURNING json_build_object('id', id, 'message', 'Bug report created successfully', 'status', status)::text"#;

/// `$1` id.
pub(super) const SHOW: &str = concat!(
    "SELECT json_build_object(",
    report!(),
    ", 'comments', coalesce((
            SELECT json_agg(json_build_object('id', c.id, 'comment', c.comment, 'author', c.author,
                'isInternal', c.is_internal, 'createdAt', c.created_at) ORDER BY c.created_at, c.id)
            FROM bug_comments AS c WHERE c.bug_id = b.id), '[]'::json),
        'attachments', coalesce((
            SELECT json_agg(json_build_object('id', a.id, 'fileName', a.file_name, 'fileUrl', a.file_url,
                'fileType', a.file_type, 'fileSize', a.file_size, 'uploadedBy', a.uploaded_by, 'createdAt', a.created_at)
                ORDER BY a.created_at, a.id)
            FROM bug_attachments AS a WHERE a.bug_id = b.id), '[]'::json))::text
    FROM bug_reports AS b WHERE b.id = $1::uuid"
);

/// `$1` id, `$2` changes as JSON: what it names is changed.
pub(super) const CHANGE: &str = concat!(
    r#"UPDATE bug_reports AS b SET
        title = coalesce(n.title, b.title),
        description = coalesce(n.description, b.description),
        severity = coalesce(n.severity, b.severity),
        priority = coalesce(n.priority, b.priority),
        category = coalesce(n.category, b.category),
        status = coalesce(n.status, b.status),
        environment = coalesce(n.environment, b.environment),
        tags = coalesce(n.tags, b.tags),
        device_id = CASE WHEN $2::jsonb ? 'deviceId' THEN n."deviceId" ELSE b.device_id END,
        firmware_version = CASE WHEN $2::jsonb ? 'firmwareVersion' THEN n."firmwareVersion" ELSE b.firmware_version END,
        assigned_to = CASE WHEN $2::jsonb ? 'assignedTo' THEN n."assignedTo" ELSE b.assigned_to END,
        reproduction_steps = CASE WHEN $2::jsonb ? 'reproductionSteps' THEN n."reproductionSteps" ELSE b.reproduction_steps END,
        expected_behavior = CASE WHEN $2::jsonb ? 'expectedBehavior' THEN n."expectedBehavior" ELSE b.expected_behavior END,
        actual_behavior = CASE WHEN $2::jsonb ? 'actualBehavior' THEN n."actualBehavior" ELSE b.actual_behavior END,
        resolution = CASE WHEN $2::jsonb ? 'resolution' THEN n.resolution ELSE b.resolution END
    FROM jsonb_to_record($2::jsonb) AS n(title text, description text, severity bug_severity, priority bug_priority,
        category bug_category, status bug_status, "deviceId" text, "firmwareVersion" text, "assignedTo" text,
        "reproductionSteps" text, "expectedBehavior" text, "actualBehavior" text, resolution text, environment jsonb,
        tags text[])
    WHERE b.id = $1::uuid
    RETURNING json_build_object("#,
    report!(),
    ")::text"
);

/// `$1` id, `$2` a comment as JSON.
pub(super) const ADD_COMMENT: &str = r#"
    INSERT INTO bug_comments (bug_id, comment, author, is_internal)
    SELECT b.id, n.comment, n.author, coalesce(n."isInternal", false)
    FROM bug_reports AS b, jsonb_to_record($2::jsonb) AS n(comment text, author text, "isInternal" boolean)
    WHERE b.id = $1::uuid
    RETURNING json_build_object('id', id, 'bugId', bug_id, 'message', 'Comment added successfully')::text"#;

/// `$1` id, `$2` an attachment as JSON.
pub(super) const ADD_ATTACHMENT: &str = r#"
    INSERT INTO bug_attachments (bug_id, file_name, file_url, file_type, file_size, uploaded_by)
    SELECT b.id, n."fileName", n."fileUrl", n."fileType", n."fileSize", n."uploadedBy"
    FROM bug_reports AS b, jsonb_to_record($2::jsonb) AS n("fileName" text, "fileUrl" text, "fileType" text,
        "fileSize" bigint, "uploadedBy" text)
    WHERE b.id = $1::uuid
    RETURNING json_build_object('id', id, 'bugId', bug_id, 'message', 'Attachment added successfully')::text"#;

pub(super) const SUMMARY: &str = "
    SELECT json_build_object('totalBugs', total_bugs, 'openBugs', open_bugs, 'inProgressBugs', in_progress_bugs,
        'resolvedBugs', resolved_bugs, 'closedBugs', closed_bugs, 'criticalBugs', critical_bugs,
        'highSeverityBugs', high_severity_bugs, 'mediumSeverityBugs', medium_severity_bugs,
        'lowSeverityBugs', low_severity_bugs, 'newToday', new_today, 'resolvedToday', resolved_today,
        'avgResolutionTimeHours', avg_resolution_time_hours)::text
    FROM bug_summary";

/// `$1` days; NULL is 30.
pub(super) const TRENDS: &str = "
    SELECT json_build_object('days', coalesce($1::integer, 30), 'trends', json_agg(json_build_object('date', t.day,
        'newBugs', t.new_bugs, 'resolvedBugs', t.resolved_bugs, 'openBugs', t.open_bugs,
        'avgResolutionTimeHours', t.avg_resolution_time_hours) ORDER BY t.day))::text
    FROM bug_trends_since((current_timestamp AT TIME ZONE 'UTC')::date - coalesce($1::integer, 30) + 1) AS t";
