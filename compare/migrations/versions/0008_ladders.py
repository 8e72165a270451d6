"""Which runs are ladders: only these grow by approaches, cases and repeats."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Add the column; runs that are there are none."""
    op.add_column("run", sa.Column("grows", sa.Boolean(), server_default=sa.false(), nullable=False))
