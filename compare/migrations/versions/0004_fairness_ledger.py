"""A run keeps in what its lanes differ."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column."""
    op.add_column("run", sa.Column("ledger", sa.JSON(), nullable=True))
