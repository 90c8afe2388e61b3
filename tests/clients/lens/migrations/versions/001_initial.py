"""Suppliers and lenses."""
import sqlalchemy as sa
from alembic import op

revision = "001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade():
    op.create_table(
        "fournisseurs",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("nom", sa.String(100), nullable=False),
        sa.PrimaryKeyConstraint("id", name="fournisseurs_pkey"),
        sa.UniqueConstraint("nom", name="fournisseurs_nom_key"),
    )
    op.create_table(
        "verres",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("nom", sa.String(100), nullable=False),
        sa.Column("variante", sa.String(50)),
        sa.Column("hauteur_min", sa.Integer()),
        sa.Column("hauteur_max", sa.Integer()),
        sa.Column("indice", sa.Float(), nullable=False),
        sa.Column("url_gravure", sa.String(255)),
        sa.Column("url_source", sa.String(255)),
        sa.Column("fournisseur_id", sa.Integer()),
        sa.ForeignKeyConstraint(["fournisseur_id"], ["fournisseurs.id"], name="verres_fournisseur_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="verres_pkey"),
    )
    op.create_index("idx_verre_nom", "verres", ["nom"])
    op.create_index("idx_verre_indice", "verres", ["indice"])


def downgrade():
    op.drop_table("verres")
    op.drop_table("fournisseurs")
