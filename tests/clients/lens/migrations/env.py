"""How Alembic reaches the database; the connection is the caller's."""
from alembic import context

from lens.models import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, compare_type=True, compare_server_default=True)
with context.begin_transaction():
    context.run_migrations()
