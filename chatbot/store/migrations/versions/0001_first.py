"""The first tables: users, conversations, turns, events."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create them."""
    op.create_table("users", sa.Column("id", sa.String(200), primary_key=True), sa.Column("created", sa.Float, nullable=False))
    op.create_table(
        "conversations",
        sa.Column("id", sa.String(200), primary_key=True),
        sa.Column("user", sa.String(200), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("used", sa.Float, nullable=False),
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("conversation", sa.String(200), sa.ForeignKey("conversations.id"), nullable=False, index=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("record", sa.JSON, nullable=False),
    )
    op.create_table(
        "events",
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("user", sa.String(200), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("item", sa.String(400)),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("conversation", sa.String(200)),
        sa.Column("turn", sa.String(64)),
        sa.Column("at", sa.Float, nullable=False),
    )
