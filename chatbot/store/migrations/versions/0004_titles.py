"""Conversations have a title."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the column; those that are there have none."""
    op.add_column("conversations", sa.Column("title", sa.Text, nullable=False, server_default=""))
