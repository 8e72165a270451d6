"""A version holds all editable texts of a scenario's prompts, a prompt the schema that held its answer, and a
run the name that somebody gave it.

Versions from before know their system text only.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    op.add_column("prompt_version", sa.Column("cot", sa.Text(), nullable=False, server_default=""))
    op.add_column("prompt_version", sa.Column("few_shot", sa.JSON(), nullable=False, server_default="[]"))
    op.add_column("prompt_version", sa.Column("schema", sa.Text(), nullable=True))
    op.add_column("prompt", sa.Column("schema", sa.Text(), nullable=True))
    op.add_column("run", sa.Column("name", sa.Text(), nullable=False, server_default=""))
