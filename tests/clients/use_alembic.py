"""Alembic: upgrade and downgrade of a chain of revisions, and autogenerate that finds nothing to change."""
import os
import pathlib
import tempfile

import sqlalchemy as sa
from alembic import autogenerate, command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy.dialects import postgresql

URL = f"postgresql+psycopg://postgres@{os.environ['PGHOST']}:{os.environ['PGPORT']}/{os.environ['PGDATABASE']}"

ENV = """
from alembic import context
import sqlalchemy as sa
engine = sa.create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection, target_metadata=None)
    with context.begin_transaction():
        context.run_migrations()
"""

HEAD = "import sqlalchemy as sa\nfrom alembic import op\nfrom sqlalchemy.dialects import postgresql\nrevision = {0!r}\ndown_revision = {1!r}\nbranch_labels = None\ndepends_on = None\n"

REVISIONS = [
    """
def upgrade():
    op.create_table("supplier", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(100), nullable=False), sa.UniqueConstraint("name", name="uq_supplier_name"))
    op.create_table("lens", sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("supplier_id", sa.Integer, sa.ForeignKey("supplier.id", name="fk_lens_supplier", ondelete="CASCADE"), nullable=False),
        sa.Column("power", sa.Numeric(4, 2), server_default="1.50", nullable=False), sa.CheckConstraint("power >= 1.0 AND power <= 2.0", name="ck_lens_power"))
    op.create_index("ix_lens_supplier", "lens", ["supplier_id"])
def downgrade():
    op.drop_index("ix_lens_supplier", table_name="lens")
    op.drop_table("lens")
    op.drop_table("supplier")
""",
    """
kind = postgresql.ENUM("glass", "plastic", name="lens_kind")
def upgrade():
    kind.create(op.get_bind())
    op.add_column("lens", sa.Column("kind", postgresql.ENUM(name="lens_kind", create_type=False), server_default="glass", nullable=False))
    op.add_column("lens", sa.Column("data", postgresql.JSONB))
    op.add_column("lens", sa.Column("made", sa.DateTime(timezone=True), server_default=sa.func.now()))
    op.alter_column("supplier", "name", type_=sa.Text(), existing_type=sa.String(100))
    op.bulk_insert(sa.table("supplier", sa.column("id", sa.Integer), sa.column("name", sa.Text)), [{"id": 1, "name": "Zeiss"}, {"id": 2, "name": "Hoya"}])
def downgrade():
    op.execute("DELETE FROM supplier")
    op.alter_column("supplier", "name", type_=sa.String(100), existing_type=sa.Text())
    op.drop_column("lens", "made")
    op.drop_column("lens", "data")
    op.drop_column("lens", "kind")
    kind.drop(op.get_bind())
""",
    """
def upgrade():
    op.rename_table("lens", "glass")
    op.alter_column("glass", "power", new_column_name="strength")
    op.alter_column("glass", "strength", server_default=None, existing_type=sa.Numeric(4, 2))
    op.drop_constraint("uq_supplier_name", "supplier", type_="unique")
    op.create_unique_constraint("uq_supplier", "supplier", ["name", "id"])
    op.create_table_comment("glass", "what is worn")
    op.create_index("ix_glass_data", "glass", [sa.text("lower(data ->> 'name')")], postgresql_where=sa.text("made IS NOT NULL"))
    op.create_check_constraint("ck_data", "glass", "data IS NULL OR jsonb_typeof(data) = 'object'")
def downgrade():
    op.drop_constraint("ck_data", "glass", type_="check")
    op.drop_index("ix_glass_data", table_name="glass")
    op.drop_table_comment("glass")
    op.drop_constraint("uq_supplier", "supplier", type_="unique")
    op.create_unique_constraint("uq_supplier_name", "supplier", ["name"])
    op.alter_column("glass", "strength", server_default="1.50", existing_type=sa.Numeric(4, 2))
    op.alter_column("glass", "strength", new_column_name="power")
    op.rename_table("glass", "lens")
""",
]


def metadata():
    """The models as they are at the last revision."""
    meta = sa.MetaData()
    sa.Table("supplier", meta, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.Text, nullable=False), sa.UniqueConstraint("name", "id", name="uq_supplier"))
    sa.Table(
        "glass",
        meta,
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("supplier_id", sa.Integer, sa.ForeignKey("supplier.id", name="fk_lens_supplier", ondelete="CASCADE"), nullable=False),
        sa.Column("strength", sa.Numeric(4, 2), nullable=False),
        sa.Column("kind", postgresql.ENUM("glass", "plastic", name="lens_kind"), server_default="glass", nullable=False),
        sa.Column("data", postgresql.JSONB),
        sa.Column("made", sa.DateTime(timezone=True), server_default=sa.func.now()),
        sa.CheckConstraint("strength >= 1.0 AND strength <= 2.0", name="ck_lens_power"),
        sa.Index("ix_lens_supplier", "supplier_id"),
        sa.Index("ix_glass_data", sa.text("lower(data ->> 'name')"), postgresql_where=sa.text("made IS NOT NULL")),
        comment="what is worn",
    )
    return meta


with tempfile.TemporaryDirectory() as directory:
    root = pathlib.Path(directory)
    (root / "versions").mkdir()
    (root / "env.py").write_text(ENV)
    (root / "script.py.mako").write_text("")
    for number, body in enumerate(REVISIONS, 1):
        text = HEAD.format(f"r{number}", f"r{number - 1}" if number > 1 else None)
        (root / "versions" / f"r{number}.py").write_text(text + body)
    config = Config()
    config.set_main_option("script_location", str(root))
    config.set_main_option("path_separator", "os")
    config.set_main_option("sqlalchemy.url", URL)
    engine = sa.create_engine(URL)

    for _ in range(2):  # up and down again leaves nothing behind
        for number in range(1, len(REVISIONS) + 1):
            command.upgrade(config, f"r{number}")
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
            differences = autogenerate.compare_metadata(context, metadata())
            assert differences == [], differences
            assert connection.scalar(sa.text("SELECT count(*) FROM supplier")) == 2
            assert context.get_current_revision() == "r3"
        command.downgrade(config, "-1")
        command.downgrade(config, "base")
        with engine.connect() as connection:
            assert sa.inspect(connection).get_table_names() == ["alembic_version"]
            assert sa.inspect(connection).get_enums() == []

    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        found = {(change[0], getattr(change[1], "name", None)) for change in autogenerate.compare_metadata(context, metadata())}
        assert {("add_table", "supplier"), ("add_table", "glass"), ("add_index", "ix_lens_supplier")} <= found, found
