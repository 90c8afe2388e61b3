-- The lens database: lenses with their suppliers, materials, ranges and series.
--
--   psql -v ON_ERROR_STOP=1 -f lens_schema.sql
--
-- Runs on DictDB and on PostgreSQL 15 (and later), again and again: what is there already stays. The models and migrations of
-- tests/clients/lens make the same tables.

BEGIN;

SET LOCAL client_min_messages = warning;

CREATE TABLE IF NOT EXISTS fournisseurs (
    id  serial       NOT NULL,
    nom varchar(100) NOT NULL,
    CONSTRAINT fournisseurs_pkey PRIMARY KEY (id),
    CONSTRAINT fournisseurs_nom_key UNIQUE (nom)
);

CREATE TABLE IF NOT EXISTS materiaux (
    id  serial       NOT NULL,
    nom varchar(100) NOT NULL,
    CONSTRAINT materiaux_pkey PRIMARY KEY (id),
    CONSTRAINT materiaux_nom_key UNIQUE (nom)
);

CREATE TABLE IF NOT EXISTS gammes (
    id  serial       NOT NULL,
    nom varchar(100) NOT NULL,
    CONSTRAINT gammes_pkey PRIMARY KEY (id),
    CONSTRAINT gammes_nom_key UNIQUE (nom)
);

CREATE TABLE IF NOT EXISTS series (
    id  serial       NOT NULL,
    nom varchar(100) NOT NULL,
    CONSTRAINT series_pkey PRIMARY KEY (id),
    CONSTRAINT series_nom_key UNIQUE (nom)
);

CREATE TABLE IF NOT EXISTS verres (
    id             serial           NOT NULL,
    nom            varchar(100)     NOT NULL,
    variante       varchar(50),
    hauteur_min    integer,
    hauteur_max    integer,
    indice         double precision NOT NULL,
    url_gravure    varchar(255),
    url_source     varchar(255),
    fournisseur_id integer,
    materiau_id    integer,
    gamme_id       integer,
    serie_id       integer,
    CONSTRAINT verres_pkey PRIMARY KEY (id),
    CONSTRAINT verres_fournisseur_id_fkey FOREIGN KEY (fournisseur_id) REFERENCES fournisseurs (id),
    CONSTRAINT verres_materiau_id_fkey FOREIGN KEY (materiau_id) REFERENCES materiaux (id),
    CONSTRAINT verres_gamme_id_fkey FOREIGN KEY (gamme_id) REFERENCES gammes (id),
    CONSTRAINT verres_serie_id_fkey FOREIGN KEY (serie_id) REFERENCES series (id),
    CONSTRAINT ck_verre_indice CHECK (indice >= 1.0 AND indice <= 2.0),
    CONSTRAINT ck_verre_hauteur CHECK (0 <= hauteur_min AND hauteur_min <= hauteur_max AND hauteur_max <= 100)
);

CREATE INDEX IF NOT EXISTS idx_verre_nom ON verres (nom);
CREATE INDEX IF NOT EXISTS idx_verre_indice ON verres (indice);
CREATE INDEX IF NOT EXISTS idx_verre_fournisseur ON verres (fournisseur_id);
CREATE INDEX IF NOT EXISTS idx_verre_materiau ON verres (materiau_id);
CREATE INDEX IF NOT EXISTS idx_verre_gamme ON verres (gamme_id);
CREATE INDEX IF NOT EXISTS idx_verre_serie ON verres (serie_id);

COMMENT ON TABLE fournisseurs IS 'Suppliers';
COMMENT ON TABLE materiaux IS 'Materials';
COMMENT ON TABLE gammes IS 'Ranges';
COMMENT ON TABLE series IS 'Series';
COMMENT ON TABLE verres IS 'Lenses';
COMMENT ON COLUMN verres.indice IS 'Refractive index';
COMMENT ON COLUMN verres.hauteur_min IS 'Least fitting height in millimetres';
COMMENT ON COLUMN verres.hauteur_max IS 'Greatest fitting height in millimetres';

COMMIT;
