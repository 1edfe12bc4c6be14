"""What recordings take of what tenants may store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("num_bytes", sa.BigInteger, nullable=False),
        sa.Column("halt_reason", sa.Text, nullable=False),
        sa.Column("updated_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_recordings"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.session_id"], name="fk_recordings_session_id"),
    )


def downgrade() -> None:
    op.drop_table("recordings")
