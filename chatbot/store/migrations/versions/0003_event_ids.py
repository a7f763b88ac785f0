"""Events have an id of their own, and say of which conversation they are in their context alone."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Give every event an id, move two columns into the context, and index times."""
    op.add_column("events", sa.Column("id", sa.String(64)))
    op.execute("UPDATE events SET id = 'row-' || number")
    if op.get_bind().dialect.name == "sqlite":  # no other database was served before
        op.execute(
            "UPDATE events SET context = json_patch('{}', json_object('conversation', conversation, 'turn', turn)) "
            "WHERE context IS NULL AND (conversation IS NOT NULL OR turn IS NOT NULL)"
        )
    op.drop_index("ix_events_user", "events")
    with op.batch_alter_table("events") as events:
        events.alter_column("id", existing_type=sa.String(64), nullable=False)
        events.drop_column("conversation")
        events.drop_column("turn")
        events.create_unique_constraint("uq_events_user_id", ["user", "id"])
    op.create_index("ix_events_user_number", "events", ["user", "number"])
    op.create_index("ix_events_at", "events", ["at"])
    op.create_index("ix_turns_at", "turns", ["at"])
