"""Materials, ranges and series, and what lenses have to do with them."""
import sqlalchemy as sa
from alembic import op

revision = "002"
down_revision = "001"
branch_labels = None
depends_on = None

TABLES = {"materiaux": "materiau", "gammes": "gamme", "series": "serie"}


def upgrade():
    for table, name in TABLES.items():
        op.create_table(
            table,
            sa.Column("id", sa.Integer(), nullable=False),
            sa.Column("nom", sa.String(100), nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"{table}_pkey"),
            sa.UniqueConstraint("nom", name=f"{table}_nom_key"),
        )
        op.add_column("verres", sa.Column(f"{name}_id", sa.Integer()))
        op.create_foreign_key(f"verres_{name}_id_fkey", "verres", table, [f"{name}_id"], ["id"])
        op.create_index(f"idx_verre_{name}", "verres", [f"{name}_id"])
    op.create_index("idx_verre_fournisseur", "verres", ["fournisseur_id"])


def downgrade():
    op.drop_index("idx_verre_fournisseur", table_name="verres")
    for table, name in reversed(TABLES.items()):
        op.drop_index(f"idx_verre_{name}", table_name="verres")
        op.drop_constraint(f"verres_{name}_id_fkey", "verres", type_="foreignkey")
        op.drop_column("verres", f"{name}_id")
        op.drop_table(table)
