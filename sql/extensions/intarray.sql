-- Arrays of integers as lists and as sets, and queries over them.

CREATE TYPE query_int;
CREATE FUNCTION bqarr_in(cstring) RETURNS query_int LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'bqarr_in';
CREATE FUNCTION bqarr_out(query_int) RETURNS cstring LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'bqarr_out';
CREATE TYPE query_int (INTERNALLENGTH = -1, INPUT = bqarr_in, OUTPUT = bqarr_out);

CREATE FUNCTION querytree(query_int) RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'querytree';
CREATE FUNCTION boolop(integer[], query_int) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'boolop';
COMMENT ON FUNCTION boolop(integer[], query_int) IS 'boolean operation with array';
CREATE FUNCTION rboolop(query_int, integer[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'rboolop';
COMMENT ON FUNCTION rboolop(query_int, integer[]) IS 'boolean operation with array';
CREATE FUNCTION _int_matchsel(
    internal, oid, internal, integer
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_matchsel';
CREATE OPERATOR @@ (
    LEFTARG = integer[], RIGHTARG = query_int, FUNCTION = boolop, COMMUTATOR = ~~,
    RESTRICT = _int_matchsel, JOIN = contjoinsel
);
CREATE OPERATOR ~~ (
    LEFTARG = query_int, RIGHTARG = integer[], FUNCTION = rboolop, COMMUTATOR = @@,
    RESTRICT = _int_matchsel, JOIN = contjoinsel
);

CREATE TYPE intbig_gkey;
CREATE FUNCTION _intbig_in(cstring) RETURNS intbig_gkey LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_intbig_in';
CREATE FUNCTION _intbig_out(intbig_gkey) RETURNS cstring LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_intbig_out';
CREATE TYPE intbig_gkey (INTERNALLENGTH = -1, INPUT = _intbig_in, OUTPUT = _intbig_out);

CREATE FUNCTION _int_contains(integer[], integer[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_contains';
CREATE FUNCTION _int_contained(integer[], integer[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_contained';
CREATE FUNCTION _int_overlap(integer[], integer[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_overlap';
CREATE FUNCTION _int_same(integer[], integer[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_same';
CREATE FUNCTION _int_different(integer[], integer[]) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_different';
CREATE FUNCTION _int_union(integer[], integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_union';
CREATE FUNCTION _int_inter(integer[], integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_inter';
CREATE FUNCTION _int_overlap_sel(
    internal, oid, internal, integer
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_overlap_sel';
CREATE FUNCTION _int_contains_sel(
    internal, oid, internal, integer
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_contains_sel';
CREATE FUNCTION _int_contained_sel(
    internal, oid, internal, integer
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_contained_sel';
CREATE FUNCTION _int_overlap_joinsel(
    internal, oid, internal, smallint, internal
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_overlap_joinsel';
CREATE FUNCTION _int_contains_joinsel(
    internal, oid, internal, smallint, internal
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_contains_joinsel';
CREATE FUNCTION _int_contained_joinsel(
    internal, oid, internal, smallint, internal
) RETURNS double precision LANGUAGE c STABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', '_int_contained_joinsel';
CREATE FUNCTION intset(integer) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'intset';
CREATE FUNCTION icount(integer[]) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'icount';
CREATE FUNCTION sort(integer[], text) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'sort';
CREATE FUNCTION sort(integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'sort';
CREATE FUNCTION sort_asc(integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'sort_asc';
CREATE FUNCTION sort_desc(integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'sort_desc';
CREATE FUNCTION uniq(integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'uniq';
CREATE FUNCTION idx(integer[], integer) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'idx';
CREATE FUNCTION subarray(integer[], integer, integer) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'subarray';
CREATE FUNCTION subarray(integer[], integer) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'subarray';
CREATE FUNCTION intarray_push_elem(integer[], integer) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'intarray_push_elem';
CREATE FUNCTION intarray_push_array(integer[], integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'intarray_push_array';
CREATE FUNCTION intarray_del_elem(integer[], integer) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'intarray_del_elem';
CREATE FUNCTION intset_union_elem(integer[], integer) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'intset_union_elem';
CREATE FUNCTION intset_subtract(integer[], integer[]) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'intset_subtract';
CREATE FUNCTION g_int_consistent(
    internal, integer[], smallint, oid, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_consistent';
CREATE FUNCTION g_int_compress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_compress';
CREATE FUNCTION g_int_decompress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_decompress';
CREATE FUNCTION g_int_penalty(internal, internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_penalty';
CREATE FUNCTION g_int_picksplit(internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_picksplit';
CREATE FUNCTION g_int_union(internal, internal) RETURNS integer[] LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_union';
CREATE FUNCTION g_int_same(integer[], integer[], internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_int_same';
CREATE FUNCTION g_intbig_consistent(
    internal, integer[], smallint, oid, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_consistent';
CREATE FUNCTION g_intbig_compress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_compress';
CREATE FUNCTION g_intbig_decompress(internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_decompress';
CREATE FUNCTION g_intbig_penalty(
    internal, internal, internal
) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_penalty';
CREATE FUNCTION g_intbig_picksplit(internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_picksplit';
CREATE FUNCTION g_intbig_union(internal, internal) RETURNS intbig_gkey LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_union';
CREATE FUNCTION g_intbig_same(
    intbig_gkey, intbig_gkey, internal
) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_same';
CREATE FUNCTION ginint4_queryextract(
    integer[], internal, smallint, internal, internal, internal, internal
) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'ginint4_queryextract';
CREATE FUNCTION ginint4_consistent(
    internal, smallint, integer[], integer, internal, internal, internal, internal
) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/_int', 'ginint4_consistent';
CREATE FUNCTION g_int_options(internal) RETURNS void LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/_int', 'g_int_options';
CREATE FUNCTION g_intbig_options(internal) RETURNS void LANGUAGE c IMMUTABLE PARALLEL SAFE
    AS '$libdir/_int', 'g_intbig_options';

CREATE OPERATOR && (
    LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = _int_overlap, COMMUTATOR = &&,
    RESTRICT = _int_overlap_sel, JOIN = _int_overlap_joinsel
);
CREATE OPERATOR <@ (
    LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = _int_contained, COMMUTATOR = @>,
    RESTRICT = _int_contained_sel, JOIN = _int_contained_joinsel
);
CREATE OPERATOR @> (
    LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = _int_contains, COMMUTATOR = <@,
    RESTRICT = _int_contains_sel, JOIN = _int_contains_joinsel
);
CREATE OPERATOR # (RIGHTARG = integer[], FUNCTION = icount);
CREATE OPERATOR # (LEFTARG = integer[], RIGHTARG = integer, FUNCTION = idx);
CREATE OPERATOR + (LEFTARG = integer[], RIGHTARG = integer, FUNCTION = intarray_push_elem);
CREATE OPERATOR + (LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = intarray_push_array, COMMUTATOR = +);
CREATE OPERATOR - (LEFTARG = integer[], RIGHTARG = integer, FUNCTION = intarray_del_elem);
CREATE OPERATOR | (LEFTARG = integer[], RIGHTARG = integer, FUNCTION = intset_union_elem);
CREATE OPERATOR | (LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = _int_union, COMMUTATOR = |);
CREATE OPERATOR - (LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = intset_subtract);
CREATE OPERATOR & (LEFTARG = integer[], RIGHTARG = integer[], FUNCTION = _int_inter, COMMUTATOR = &);

CREATE OPERATOR CLASS gist__int_ops DEFAULT FOR TYPE integer[] USING gist AS
    OPERATOR 3 &&, OPERATOR 6 = (anyarray, anyarray), OPERATOR 7 @>,
    OPERATOR 20 @@ (integer[], query_int),
    FUNCTION 1 g_int_consistent(internal, integer[], smallint, oid, internal),
    FUNCTION 2 g_int_union(internal, internal), FUNCTION 3 g_int_compress(internal),
    FUNCTION 4 g_int_decompress(internal), FUNCTION 5 g_int_penalty(internal, internal, internal),
    FUNCTION 6 g_int_picksplit(internal, internal), FUNCTION 7 g_int_same(integer[], integer[], internal),
    FUNCTION 10 g_int_options(internal);
CREATE OPERATOR CLASS gist__intbig_ops FOR TYPE integer[] USING gist AS
    OPERATOR 3 &&, OPERATOR 6 = (anyarray, anyarray), OPERATOR 7 @>,
    OPERATOR 20 @@ (integer[], query_int),
    FUNCTION 1 g_intbig_consistent(internal, integer[], smallint, oid, internal),
    FUNCTION 2 g_intbig_union(internal, internal), FUNCTION 3 g_intbig_compress(internal),
    FUNCTION 4 g_intbig_decompress(internal), FUNCTION 5 g_intbig_penalty(internal, internal, internal),
    FUNCTION 6 g_intbig_picksplit(internal, internal), FUNCTION 7 g_intbig_same(intbig_gkey, intbig_gkey, internal),
    FUNCTION 10 g_intbig_options(internal), STORAGE intbig_gkey;
CREATE OPERATOR CLASS gin__int_ops FOR TYPE integer[] USING gin AS
    OPERATOR 3 &&, OPERATOR 6 = (anyarray, anyarray), OPERATOR 7 @>, OPERATOR 8 <@,
    OPERATOR 20 @@ (integer[], query_int),
    FUNCTION 1 btint4cmp(integer, integer),
    FUNCTION 2 ginarrayextract(anyarray, internal, internal),
    FUNCTION 3 ginint4_queryextract(integer[], internal, smallint, internal, internal, internal, internal),
    FUNCTION 4 ginint4_consistent(internal, smallint, integer[], integer, internal, internal, internal, internal),
    STORAGE integer;
