"""A run keeps which of its cases its adapters had learnt from."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("run", sa.Column("leakage", sa.JSON(), nullable=True))
