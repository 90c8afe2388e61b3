-- Hashes, password hashes, encryption by a key as it is, random bytes, and OpenPGP by a password. Its public keys are not there.

CREATE FUNCTION digest(text, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_digest';
CREATE FUNCTION digest(bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_digest';
CREATE FUNCTION hmac(text, text, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_hmac';
CREATE FUNCTION hmac(bytea, bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_hmac';
CREATE FUNCTION crypt(text, text) RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_crypt';
CREATE FUNCTION gen_salt(text) RETURNS text LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_gen_salt';
CREATE FUNCTION gen_salt(text, integer) RETURNS text LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_gen_salt_rounds';
CREATE FUNCTION encrypt(bytea, bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_encrypt';
CREATE FUNCTION decrypt(bytea, bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_decrypt';
CREATE FUNCTION encrypt_iv(bytea, bytea, bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_encrypt_iv';
CREATE FUNCTION decrypt_iv(bytea, bytea, bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_decrypt_iv';
CREATE FUNCTION gen_random_bytes(integer) RETURNS bytea LANGUAGE c VOLATILE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_random_bytes';
CREATE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE c VOLATILE PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pg_random_uuid';

CREATE FUNCTION pgp_sym_encrypt(text, text) RETURNS bytea LANGUAGE c STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_encrypt_text';
CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text) RETURNS bytea LANGUAGE c STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_encrypt_bytea';
CREATE FUNCTION pgp_sym_encrypt(text, text, text) RETURNS bytea LANGUAGE c STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_encrypt_text';
CREATE FUNCTION pgp_sym_encrypt_bytea(bytea, text, text) RETURNS bytea LANGUAGE c STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_encrypt_bytea';
CREATE FUNCTION pgp_sym_decrypt(bytea, text) RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_decrypt_text';
CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_decrypt_bytea';
CREATE FUNCTION pgp_sym_decrypt(bytea, text, text) RETURNS text LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_decrypt_text';
CREATE FUNCTION pgp_sym_decrypt_bytea(bytea, text, text) RETURNS bytea LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
    AS '$libdir/pgcrypto', 'pgp_sym_decrypt_bytea';
