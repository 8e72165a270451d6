"""A version holds all editable texts of a scenario's prompts, a prompt the schema that held its answer, and a
run the name that somebody gave it.

Versions from before know their system text only.
"""

import hashlib
import json

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
    connection = op.get_bind()
    for id, text in connection.execute(sa.text("SELECT id, text FROM prompt_version")).all():
        said = json.dumps({"cot": "", "few_shot": [], "schema": None, "system": text})
        key = hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()
        change = sa.text("UPDATE prompt_version SET text_hash = :key WHERE id = :id")
        connection.execute(change, {"key": key, "id": id})
