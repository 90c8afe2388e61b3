-- How alike texts are, by the runs of three characters they share.

CREATE FUNCTION set_limit(real) RETURNS real LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
    AS '$libdir/pg_trgm', 'set_limit';
CREATE FUNCTION show_limit() RETURNS real LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'show_limit';
CREATE FUNCTION show_trgm(text) RETURNS text[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'show_trgm';
CREATE FUNCTION similarity(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'similarity';
CREATE FUNCTION similarity_op(text, text) RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'similarity_op';
CREATE FUNCTION similarity_dist(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'similarity_dist';
CREATE FUNCTION word_similarity(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'word_similarity';
CREATE FUNCTION word_similarity_op(text, text) RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'word_similarity_op';
CREATE FUNCTION word_similarity_commutator_op(text, text) RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'word_similarity_commutator_op';
CREATE FUNCTION word_similarity_dist_op(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'word_similarity_dist_op';
CREATE FUNCTION word_similarity_dist_commutator_op(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'word_similarity_dist_commutator_op';
CREATE FUNCTION strict_word_similarity(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'strict_word_similarity';
CREATE FUNCTION strict_word_similarity_op(text, text) RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'strict_word_similarity_op';
CREATE FUNCTION strict_word_similarity_commutator_op(text, text) RETURNS boolean LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'strict_word_similarity_commutator_op';
CREATE FUNCTION strict_word_similarity_dist_op(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'strict_word_similarity_dist_op';
CREATE FUNCTION strict_word_similarity_dist_commutator_op(text, text) RETURNS real LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'strict_word_similarity_dist_commutator_op';

CREATE OPERATOR % (
    LEFTARG = text, RIGHTARG = text, FUNCTION = similarity_op,
    COMMUTATOR = %, RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR <-> (LEFTARG = text, RIGHTARG = text, FUNCTION = similarity_dist, COMMUTATOR = <->);
CREATE OPERATOR <% (
    LEFTARG = text, RIGHTARG = text, FUNCTION = word_similarity_op,
    COMMUTATOR = %>, RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR %> (
    LEFTARG = text, RIGHTARG = text, FUNCTION = word_similarity_commutator_op,
    COMMUTATOR = <%, RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR <<% (
    LEFTARG = text, RIGHTARG = text, FUNCTION = strict_word_similarity_op,
    COMMUTATOR = %>>, RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR %>> (
    LEFTARG = text, RIGHTARG = text, FUNCTION = strict_word_similarity_commutator_op,
    COMMUTATOR = <<%, RESTRICT = matchingsel, JOIN = matchingjoinsel
);
CREATE OPERATOR <<-> (LEFTARG = text, RIGHTARG = text, FUNCTION = word_similarity_dist_op, COMMUTATOR = <->>);
CREATE OPERATOR <->> (
    LEFTARG = text, RIGHTARG = text, FUNCTION = word_similarity_dist_commutator_op,
    COMMUTATOR = <<->
);
CREATE OPERATOR <<<-> (LEFTARG = text, RIGHTARG = text, FUNCTION = strict_word_similarity_dist_op, COMMUTATOR = <->>>);
CREATE OPERATOR <->>> (
    LEFTARG = text, RIGHTARG = text, FUNCTION = strict_word_similarity_dist_commutator_op,
    COMMUTATOR = <<<->
);

CREATE TYPE gtrgm;
CREATE FUNCTION gtrgm_in(cstring) RETURNS gtrgm LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_in';
CREATE FUNCTION gtrgm_out(gtrgm) RETURNS cstring LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_out';
CREATE TYPE gtrgm (INTERNALLENGTH = -1, INPUT = gtrgm_in, OUTPUT = gtrgm_out);

CREATE FUNCTION gtrgm_consistent(
    internal, text, smallint, oid, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_consistent';
CREATE FUNCTION gtrgm_distance(
    internal, text, smallint, oid, internal
) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_distance';
CREATE FUNCTION gtrgm_compress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_compress';
CREATE FUNCTION gtrgm_decompress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_decompress';
CREATE FUNCTION gtrgm_penalty(internal, internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_penalty';
CREATE FUNCTION gtrgm_picksplit(internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_picksplit';
CREATE FUNCTION gtrgm_union(internal, internal) RETURNS gtrgm LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_union';
CREATE FUNCTION gtrgm_same(gtrgm, gtrgm, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_same';
CREATE FUNCTION gin_extract_value_trgm(text, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gin_extract_value_trgm';
CREATE FUNCTION gin_extract_query_trgm(
    text, internal, smallint, internal, internal, internal, internal
) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gin_extract_query_trgm';
CREATE FUNCTION gin_trgm_consistent(
    internal, smallint, text, integer, internal, internal, internal, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gin_trgm_consistent';
CREATE FUNCTION gin_trgm_triconsistent(
    internal, smallint, text, integer, internal, internal, internal
) RETURNS "char" LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gin_trgm_triconsistent';
CREATE FUNCTION gtrgm_options(internal) RETURNS void LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/pg_trgm', 'gtrgm_options';

CREATE OPERATOR CLASS gist_trgm_ops FOR TYPE text USING gist AS
    OPERATOR 1 %, OPERATOR 2 <-> FOR ORDER BY pg_catalog.float_ops, OPERATOR 3 ~~, OPERATOR 4 ~~*, OPERATOR 5 ~,
    OPERATOR 6 ~*, OPERATOR 7 %>, OPERATOR 8 <->> FOR ORDER BY pg_catalog.float_ops, OPERATOR 9 %>>,
    OPERATOR 10 <->>> FOR ORDER BY pg_catalog.float_ops, OPERATOR 11 =,
    FUNCTION 1 gtrgm_consistent(internal, text, smallint, oid, internal),
    FUNCTION 2 gtrgm_union(internal, internal), FUNCTION 3 gtrgm_compress(internal),
    FUNCTION 4 gtrgm_decompress(internal), FUNCTION 5 gtrgm_penalty(internal, internal, internal),
    FUNCTION 6 gtrgm_picksplit(internal, internal), FUNCTION 7 gtrgm_same(gtrgm, gtrgm, internal),
    FUNCTION 8 gtrgm_distance(internal, text, smallint, oid, internal), FUNCTION 10 gtrgm_options(internal),
    STORAGE gtrgm;
CREATE OPERATOR CLASS gin_trgm_ops FOR TYPE text USING gin AS
    OPERATOR 1 %, OPERATOR 3 ~~, OPERATOR 4 ~~*, OPERATOR 5 ~, OPERATOR 6 ~*, OPERATOR 7 %>, OPERATOR 9 %>>,
    OPERATOR 11 =, FUNCTION 1 btint4cmp(integer, integer), FUNCTION 2 gin_extract_value_trgm(text, internal),
    FUNCTION 3 gin_extract_query_trgm(text, internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 gin_trgm_consistent(internal, smallint, text, integer, internal, internal, internal, internal),
    FUNCTION 6 gin_trgm_triconsistent(internal, smallint, text, integer, internal, internal, internal),
    STORAGE integer;
