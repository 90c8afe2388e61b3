"""What values are possible, and what everything means."""
import sqlalchemy as sa
from alembic import op

revision = "003"
down_revision = "002"
branch_labels = None
depends_on = None

TABLES = {"fournisseurs": "Suppliers", "materiaux": "Materials", "gammes": "Ranges", "series": "Series", "verres": "Lenses"}
COLUMNS = {
    "hauteur_min": (sa.Integer(), True, "Least fitting height in millimetres"),
    "hauteur_max": (sa.Integer(), True, "Greatest fitting height in millimetres"),
    "indice": (sa.Float(), False, "Refractive index"),
}


def upgrade():
    op.create_check_constraint("ck_verre_indice", "verres", "indice >= 1.0 AND indice <= 2.0")
    op.create_check_constraint("ck_verre_hauteur", "verres", "0 <= hauteur_min AND hauteur_min <= hauteur_max AND hauteur_max <= 100")
    for table, comment in TABLES.items():
        op.create_table_comment(table, comment)
    for column, (kind, nullable, comment) in COLUMNS.items():
        op.alter_column("verres", column, comment=comment, existing_type=kind, existing_nullable=nullable)


def downgrade():
    for column, (kind, nullable, comment) in COLUMNS.items():
        op.alter_column("verres", column, comment=None, existing_comment=comment, existing_type=kind, existing_nullable=nullable)
    for table, comment in TABLES.items():
        op.drop_table_comment(table, existing_comment=comment)
    op.drop_constraint("ck_verre_hauteur", "verres", type_="check")
    op.drop_constraint("ck_verre_indice", "verres", type_="check")
