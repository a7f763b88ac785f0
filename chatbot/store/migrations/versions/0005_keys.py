"""Keys of the API, and tokens of users."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "api_keys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("scopes", sa.String(200), nullable=False),
        sa.Column("user", sa.String(200), nullable=False),
        sa.Column("created", sa.Float, nullable=False),
        sa.Column("expires", sa.Float),
        sa.Column("revoked", sa.Float),
        sa.Column("per_minute", sa.Integer),
        sa.Column("concurrent", sa.Integer),
        sa.Column("issuer", sa.String(32), nullable=False),
    )
    op.create_index("ix_api_keys_user", "api_keys", ["user"])
    op.create_index("ix_api_keys_issuer", "api_keys", ["issuer"])
    op.create_index("ix_api_keys_expires", "api_keys", ["expires"])
