"""Tenants whose data may be kept in one region alone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "residency",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("region", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_residency"),
    )


def downgrade() -> None:
    op.drop_table("residency")
