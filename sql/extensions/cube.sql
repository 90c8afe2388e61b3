-- Boxes of many dimensions.

CREATE TYPE cube;
CREATE FUNCTION cube_in(cstring) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_in';
CREATE FUNCTION cube_out(cube) RETURNS cstring LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_out';
CREATE FUNCTION cube_recv(internal) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_recv';
CREATE FUNCTION cube_send(cube) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_send';
CREATE TYPE cube (
    INTERNALLENGTH = variable, INPUT = cube_in, OUTPUT = cube_out, RECEIVE = cube_recv, SEND = cube_send,
    ALIGNMENT = double
);
COMMENT ON TYPE cube IS 'multi-dimensional cube ''(FLOAT-1, FLOAT-2, ..., FLOAT-N), (FLOAT-1, FLOAT-2, ..., FLOAT-N)''';

CREATE FUNCTION cube(double precision[], double precision[]) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_a_f8_f8';
CREATE FUNCTION cube(double precision[]) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_a_f8';
CREATE FUNCTION cube_eq(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_eq';
COMMENT ON FUNCTION cube_eq(cube, cube) IS 'same as';
CREATE FUNCTION cube_ne(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_ne';
COMMENT ON FUNCTION cube_ne(cube, cube) IS 'different';
CREATE FUNCTION cube_lt(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_lt';
COMMENT ON FUNCTION cube_lt(cube, cube) IS 'lower than';
CREATE FUNCTION cube_gt(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_gt';
COMMENT ON FUNCTION cube_gt(cube, cube) IS 'greater than';
CREATE FUNCTION cube_le(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_le';
COMMENT ON FUNCTION cube_le(cube, cube) IS 'lower than or equal to';
CREATE FUNCTION cube_ge(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_ge';
COMMENT ON FUNCTION cube_ge(cube, cube) IS 'greater than or equal to';
CREATE FUNCTION cube_cmp(cube, cube) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_cmp';
COMMENT ON FUNCTION cube_cmp(cube, cube) IS 'btree comparison function';
CREATE FUNCTION cube_contains(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_contains';
COMMENT ON FUNCTION cube_contains(cube, cube) IS 'contains';
CREATE FUNCTION cube_contained(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_contained';
COMMENT ON FUNCTION cube_contained(cube, cube) IS 'contained in';
CREATE FUNCTION cube_overlap(cube, cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_overlap';
COMMENT ON FUNCTION cube_overlap(cube, cube) IS 'overlaps';
CREATE FUNCTION cube_union(cube, cube) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_union';
CREATE FUNCTION cube_inter(cube, cube) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_inter';
CREATE FUNCTION cube_size(cube) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_size';
CREATE FUNCTION cube_subset(cube, integer[]) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_subset';
CREATE FUNCTION cube_distance(cube, cube) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_distance';
CREATE FUNCTION distance_chebyshev(cube, cube) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'distance_chebyshev';
CREATE FUNCTION distance_taxicab(cube, cube) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'distance_taxicab';
CREATE FUNCTION cube_dim(cube) RETURNS integer LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_dim';
CREATE FUNCTION cube_ll_coord(cube, integer) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_ll_coord';
CREATE FUNCTION cube_ur_coord(cube, integer) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_ur_coord';
CREATE FUNCTION cube_coord(cube, integer) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_coord';
CREATE FUNCTION cube_coord_llur(cube, integer) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_coord_llur';
CREATE FUNCTION cube(double precision) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_f8';
CREATE FUNCTION cube(double precision, double precision) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_f8_f8';
CREATE FUNCTION cube(cube, double precision) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_c_f8';
CREATE FUNCTION cube(cube, double precision, double precision) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_c_f8_f8';
CREATE FUNCTION cube_is_point(cube) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_is_point';
CREATE FUNCTION cube_enlarge(cube, double precision, integer) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'cube_enlarge';

CREATE OPERATOR < (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_lt, COMMUTATOR = >, NEGATOR = >=,
    RESTRICT = scalarltsel, JOIN = scalarltjoinsel
);
CREATE OPERATOR > (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_gt, COMMUTATOR = <, NEGATOR = <=,
    RESTRICT = scalargtsel, JOIN = scalargtjoinsel
);
CREATE OPERATOR <= (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_le, COMMUTATOR = >=, NEGATOR = >,
    RESTRICT = scalarlesel, JOIN = scalarlejoinsel
);
CREATE OPERATOR >= (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_ge, COMMUTATOR = <=, NEGATOR = <,
    RESTRICT = scalargesel, JOIN = scalargejoinsel
);
CREATE OPERATOR && (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_overlap, COMMUTATOR = &&,
    RESTRICT = areasel, JOIN = areajoinsel
);
CREATE OPERATOR = (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_eq, COMMUTATOR = =, NEGATOR = <>,
    RESTRICT = eqsel, JOIN = eqjoinsel, MERGES
);
CREATE OPERATOR <> (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_ne, COMMUTATOR = <>, NEGATOR = =,
    RESTRICT = neqsel, JOIN = neqjoinsel
);
CREATE OPERATOR @> (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_contains, COMMUTATOR = <@,
    RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR <@ (
    LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_contained, COMMUTATOR = @>,
    RESTRICT = contsel, JOIN = contjoinsel
);
CREATE OPERATOR -> (LEFTARG = cube, RIGHTARG = integer, FUNCTION = cube_coord);
CREATE OPERATOR ~> (LEFTARG = cube, RIGHTARG = integer, FUNCTION = cube_coord_llur);
CREATE OPERATOR <#> (LEFTARG = cube, RIGHTARG = cube, FUNCTION = distance_taxicab, COMMUTATOR = <#>);
CREATE OPERATOR <-> (LEFTARG = cube, RIGHTARG = cube, FUNCTION = cube_distance, COMMUTATOR = <->);
CREATE OPERATOR <=> (LEFTARG = cube, RIGHTARG = cube, FUNCTION = distance_chebyshev, COMMUTATOR = <=>);

CREATE FUNCTION g_cube_consistent(internal, cube, smallint, oid, internal) RETURNS boolean LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'g_cube_consistent';
CREATE FUNCTION g_cube_penalty(internal, internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'g_cube_penalty';
CREATE FUNCTION g_cube_picksplit(internal, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'g_cube_picksplit';
CREATE FUNCTION g_cube_union(internal, internal) RETURNS cube LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'g_cube_union';
CREATE FUNCTION g_cube_same(cube, cube, internal) RETURNS internal LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'g_cube_same';
CREATE FUNCTION g_cube_distance(internal, cube, smallint, oid, internal) RETURNS double precision LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/cube', 'g_cube_distance';

CREATE OPERATOR CLASS cube_ops DEFAULT FOR TYPE cube USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 cube_cmp(cube, cube);
CREATE OPERATOR CLASS gist_cube_ops DEFAULT FOR TYPE cube USING gist AS
    OPERATOR 3 &&, OPERATOR 6 =, OPERATOR 7 @>, OPERATOR 8 <@,
    OPERATOR 15 ~> (cube, integer) FOR ORDER BY float_ops,
    OPERATOR 16 <#> (cube, cube) FOR ORDER BY float_ops, OPERATOR 17 <-> (cube, cube) FOR ORDER BY float_ops,
    OPERATOR 18 <=> (cube, cube) FOR ORDER BY float_ops,
    FUNCTION 1 g_cube_consistent(internal, cube, smallint, oid, internal),
    FUNCTION 2 g_cube_union(internal, internal), FUNCTION 5 g_cube_penalty(internal, internal, internal),
    FUNCTION 6 g_cube_picksplit(internal, internal), FUNCTION 7 g_cube_same(cube, cube, internal),
    FUNCTION 8 g_cube_distance(internal, cube, smallint, oid, internal);
