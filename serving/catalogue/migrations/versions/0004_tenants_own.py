"""Worlds, sessions and links are a tenant's, and say who made them; worlds have access lists."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

ID = sa.String(64)
# What is on record from before there were tenants.
TENANT, OWNER = "default", "local"


def upgrade() -> None:
    # Column by column: the tables refer to each other, so that SQLite could not make them anew within a transaction.
    for table in ("worlds", "sessions", "shares"):
        op.add_column(table, sa.Column("tenant_id", ID, nullable=False, server_default=TENANT))
        op.add_column(table, sa.Column("owner_id", sa.Text, nullable=False, server_default=OWNER))
    for table in ("worlds", "sessions"):
        op.add_column(table, sa.Column("licence", sa.Text, nullable=False, server_default=""))
        op.add_column(table, sa.Column("inputs", sa.Text, nullable=False, server_default="[]"))
    op.drop_index("ix_worlds_name", "worlds")
    op.create_index("ix_worlds_tenant_id", "worlds", ["tenant_id", "name", "version"], unique=True)
    op.create_index("ix_sessions_tenant_id", "sessions", ["tenant_id", "created_s"])
    _name_by_tenant()
    op.create_table(
        "world_access",
        sa.Column("world_id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("subject_id", sa.String(255), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("world_id", "tenant_id", "subject_id", name="pk_world_access"),
        sa.ForeignKeyConstraint(["world_id"], ["worlds.world_id"], name="fk_world_access_world_id"),
    )


def downgrade() -> None:
    raise NotImplementedError("two tenants' worlds of one name have no place in the tables of old")


def _name_by_tenant() -> None:
    with op.batch_alter_table("world_names") as batch:
        batch.add_column(sa.Column("tenant_id", ID, nullable=False, server_default=TENANT))
        batch.drop_constraint("pk_world_names", type_="primary")
        batch.create_primary_key("pk_world_names", ["tenant_id", "name"])
