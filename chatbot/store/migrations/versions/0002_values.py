"""Events have a strength and a context."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the columns."""
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("events")}
    for column in (sa.Column("value", sa.Float), sa.Column("context", sa.JSON)):
        if column.name not in there:
            op.add_column("events", column)
