"""What Alembic runs: ``versions`` on the connection that ``compare/database.py`` opened and locked.

Called by hand it has no connection: ``python -m compare`` opens the store and migrates it.
"""

from alembic import context

from compare.tables import Table

context.configure(connection=context.config.attributes["connection"], target_metadata=Table.metadata)
with context.begin_transaction():
    context.run_migrations()
