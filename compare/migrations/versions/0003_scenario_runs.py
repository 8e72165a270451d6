"""A scenario run keeps the cases that it asks; a live question's run has none."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Add the column."""
    op.add_column("run", sa.Column("cases", sa.JSON(), nullable=True))
