"""Tokens that were taken back before their end."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "revocations",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("revoked_s", sa.Double, nullable=False),
        sa.Column("until_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "subject_id", name="pk_revocations"),
    )
    op.create_index("ix_revocations_revoked_s", "revocations", ["revoked_s"])
    op.create_index("ix_revocations_until_s", "revocations", ["until_s"])


def downgrade() -> None:
    op.drop_table("revocations")
