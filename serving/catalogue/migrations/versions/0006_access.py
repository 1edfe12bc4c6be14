"""Tenants, and the keys that open what is theirs."""

from __future__ import annotations

import time

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    tenants = op.create_table(
        "tenants",
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("suspended_s", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_tenants"),
    )
    # Whose everything is where nobody is asked who they are.
    default = {"tenant_id": "default", "name": "", "created_s": time.time(), "suspended_s": None}
    op.bulk_insert(tenants, [default])
    op.create_table(
        "api_keys",
        sa.Column("key_id", sa.String(64), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double, nullable=True),
        sa.Column("revoked_s", sa.Double, nullable=True),
        sa.Column("last_used_s", sa.Double, nullable=True),
        sa.PrimaryKeyConstraint("key_id", name="pk_api_keys"),
        sa.ForeignKeyConstraint(["tenant_id"], ["tenants.tenant_id"], name="fk_api_keys_tenant_id"),
    )
    op.create_index("ix_api_keys_tenant_id", "api_keys", ["tenant_id", "created_s"])


def downgrade() -> None:
    op.drop_table("api_keys")
    op.drop_table("tenants")
