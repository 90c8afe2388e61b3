-- A set of keys with texts.

CREATE TYPE hstore;
CREATE FUNCTION hstore_in(cstring) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_in';
CREATE FUNCTION hstore_out(hstore) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textout';
CREATE FUNCTION hstore_recv(internal) RETURNS hstore LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textrecv';
CREATE FUNCTION hstore_send(hstore) RETURNS bytea LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE AS 'textsend';
CREATE FUNCTION hstore_subscript_handler(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_subscript_handler';
CREATE TYPE hstore (
    INTERNALLENGTH = -1, INPUT = hstore_in, OUTPUT = hstore_out, RECEIVE = hstore_recv, SEND = hstore_send,
    STORAGE = extended, SUBSCRIPT = hstore_subscript_handler
);

CREATE FUNCTION hstore_version_diag(hstore) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_version_diag';
CREATE FUNCTION fetchval(hstore, text) RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_fetchval';
CREATE FUNCTION slice_array(hstore, text[]) RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_slice_to_array';
CREATE FUNCTION slice(hstore, text[]) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_slice_to_hstore';
CREATE FUNCTION isexists(hstore, text) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_exists';
CREATE FUNCTION exist(hstore, text) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_exists';
CREATE FUNCTION exists_any(hstore, text[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_exists_any';
CREATE FUNCTION exists_all(hstore, text[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_exists_all';
CREATE FUNCTION isdefined(hstore, text) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_defined';
CREATE FUNCTION defined(hstore, text) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_defined';
CREATE FUNCTION delete(hstore, text) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_delete';
CREATE FUNCTION delete(hstore, text[]) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_delete_array';
CREATE FUNCTION delete(hstore, hstore) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_delete_hstore';
CREATE FUNCTION hs_concat(hstore, hstore) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_concat';
CREATE FUNCTION hs_contains(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_contains';
CREATE FUNCTION hs_contained(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_contained';

CREATE OPERATOR -> (LEFTARG = hstore, RIGHTARG = text, FUNCTION = fetchval);
CREATE OPERATOR -> (LEFTARG = hstore, RIGHTARG = text[], FUNCTION = slice_array);
CREATE OPERATOR ? (
    LEFTARG = hstore, RIGHTARG = text, FUNCTION = exist,
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR ?| (
    LEFTARG = hstore, RIGHTARG = text[], FUNCTION = exists_any,
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR ?& (
    LEFTARG = hstore, RIGHTARG = text[], FUNCTION = exists_all,
    RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR - (LEFTARG = hstore, RIGHTARG = text, FUNCTION = delete);
CREATE OPERATOR - (LEFTARG = hstore, RIGHTARG = text[], FUNCTION = delete);
CREATE OPERATOR - (LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = delete);
CREATE OPERATOR || (LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hs_concat);
CREATE OPERATOR @> (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hs_contains,
    COMMUTATOR = <@, RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR <@ (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hs_contained,
    COMMUTATOR = @>, RESTRICT = matchingsel, JOIN = matchingjoinsel
);

-- A key may come with NULL, so these are not strict.
CREATE FUNCTION tconvert(text, text) RETURNS hstore LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_from_text';
CREATE FUNCTION hstore(text, text) RETURNS hstore LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_from_text';
CREATE FUNCTION hstore(text[], text[]) RETURNS hstore LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_from_arrays';
CREATE FUNCTION hstore(record) RETURNS hstore LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_from_record';
CREATE FUNCTION hstore(text[]) RETURNS hstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_from_array';
CREATE FUNCTION hstore_to_json(hstore) RETURNS json LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_to_json';
CREATE FUNCTION hstore_to_json_loose(hstore) RETURNS json LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_to_json_loose';
CREATE FUNCTION hstore_to_jsonb(hstore) RETURNS jsonb LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_to_jsonb';
CREATE FUNCTION hstore_to_jsonb_loose(hstore) RETURNS jsonb LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_to_jsonb_loose';

CREATE CAST (text[] AS hstore) WITH FUNCTION hstore(text[]);
CREATE CAST (hstore AS json) WITH FUNCTION hstore_to_json(hstore);
CREATE CAST (hstore AS jsonb) WITH FUNCTION hstore_to_jsonb(hstore);

CREATE FUNCTION hstore_to_array(hstore) RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_to_array';
CREATE OPERATOR %% (RIGHTARG = hstore, FUNCTION = hstore_to_array);
CREATE FUNCTION hstore_to_matrix(hstore) RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_to_matrix';
CREATE OPERATOR %# (RIGHTARG = hstore, FUNCTION = hstore_to_matrix);
CREATE FUNCTION akeys(hstore) RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_akeys';
CREATE FUNCTION avals(hstore) RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_avals';
CREATE FUNCTION skeys(hstore) RETURNS SETOF text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_skeys';
CREATE FUNCTION svals(hstore) RETURNS SETOF text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_svals';
CREATE FUNCTION each(IN hs hstore, OUT key text, OUT value text) RETURNS SETOF record LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_each';
CREATE FUNCTION populate_record(anyelement, hstore) RETURNS anyelement LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_populate_record';
CREATE OPERATOR #= (LEFTARG = anyelement, RIGHTARG = hstore, FUNCTION = populate_record);

CREATE FUNCTION hstore_eq(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_eq';
CREATE FUNCTION hstore_ne(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_ne';
CREATE FUNCTION hstore_gt(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_gt';
CREATE FUNCTION hstore_ge(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_ge';
CREATE FUNCTION hstore_lt(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_lt';
CREATE FUNCTION hstore_le(hstore, hstore) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_le';
CREATE FUNCTION hstore_cmp(hstore, hstore) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_cmp';

CREATE OPERATOR = (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hstore_eq,
    COMMUTATOR = =, NEGATOR = <>, RESTRICT = eqsel, JOIN = eqjoinsel, HASHES, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hstore_ne,
    COMMUTATOR = <>, NEGATOR = =, RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR #<# (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hstore_lt,
    COMMUTATOR = #>#, NEGATOR = #>=#, RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR #<=# (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hstore_le,
    COMMUTATOR = #>=#, NEGATOR = #>#, RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR #># (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hstore_gt,
    COMMUTATOR = #<#, NEGATOR = #<=#, RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR #>=# (
    LEFTARG = hstore, RIGHTARG = hstore, FUNCTION = hstore_ge,
    COMMUTATOR = #<=#, NEGATOR = #<#, RESTRICT = scalargesel, JOIN = scalargejoinsel
);

CREATE FUNCTION hstore_hash(hstore) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_hash';
CREATE FUNCTION hstore_hash_extended(hstore, bigint) RETURNS bigint LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'hstore_hash_extended';
CREATE OPERATOR CLASS btree_hstore_ops DEFAULT FOR TYPE hstore USING btree AS
    OPERATOR 1 #<#, OPERATOR 2 #<=#, OPERATOR 3 =, OPERATOR 4 #>=#, OPERATOR 5 #>#,
    FUNCTION 1 hstore_cmp(hstore, hstore);
CREATE OPERATOR CLASS hash_hstore_ops DEFAULT FOR TYPE hstore USING hash AS
    OPERATOR 1 =, FUNCTION 1 hstore_hash(hstore), FUNCTION 2 hstore_hash_extended(hstore, bigint);

CREATE TYPE ghstore;
CREATE FUNCTION ghstore_in(cstring) RETURNS ghstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_in';
CREATE FUNCTION ghstore_out(ghstore) RETURNS cstring LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_out';
CREATE TYPE ghstore (INTERNALLENGTH = -1, INPUT = ghstore_in, OUTPUT = ghstore_out);

CREATE FUNCTION ghstore_compress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_compress';
CREATE FUNCTION ghstore_decompress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_decompress';
CREATE FUNCTION ghstore_penalty(internal, internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_penalty';
CREATE FUNCTION ghstore_picksplit(internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_picksplit';
CREATE FUNCTION ghstore_union(internal, internal) RETURNS ghstore LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_union';
CREATE FUNCTION ghstore_same(ghstore, ghstore, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_same';
CREATE FUNCTION ghstore_consistent(
    internal, hstore, smallint, oid, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_consistent';
CREATE FUNCTION gin_extract_hstore(hstore, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'gin_extract_hstore';
CREATE FUNCTION gin_extract_hstore_query(
    hstore, internal, smallint, internal, internal
) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'gin_extract_hstore_query';
CREATE FUNCTION gin_consistent_hstore(
    internal, smallint, hstore, integer, internal, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/hstore', 'gin_consistent_hstore';
CREATE FUNCTION ghstore_options(internal) RETURNS void LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/hstore', 'ghstore_options';

CREATE OPERATOR CLASS gist_hstore_ops DEFAULT FOR TYPE hstore USING gist AS
    OPERATOR 7 @>, OPERATOR 9 ? (hstore, text), OPERATOR 10 ?| (hstore, text[]), OPERATOR 11 ?& (hstore, text[]),
    FUNCTION 1 ghstore_consistent(internal, hstore, smallint, oid, internal),
    FUNCTION 2 ghstore_union(internal, internal), FUNCTION 3 ghstore_compress(internal),
    FUNCTION 4 ghstore_decompress(internal), FUNCTION 5 ghstore_penalty(internal, internal, internal),
    FUNCTION 6 ghstore_picksplit(internal, internal), FUNCTION 7 ghstore_same(ghstore, ghstore, internal),
    FUNCTION 10 ghstore_options(internal), STORAGE ghstore;
CREATE OPERATOR CLASS gin_hstore_ops DEFAULT FOR TYPE hstore USING gin AS
    OPERATOR 7 @>, OPERATOR 9 ? (hstore, text), OPERATOR 10 ?| (hstore, text[]), OPERATOR 11 ?& (hstore, text[]),
    FUNCTION 1 bttextcmp(text, text), FUNCTION 2 gin_extract_hstore(hstore, internal),
    FUNCTION 3 gin_extract_hstore_query(hstore, internal, smallint, internal, internal),
    FUNCTION 4 gin_consistent_hstore(internal, smallint, hstore, integer, internal, internal), STORAGE text;
