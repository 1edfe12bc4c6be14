"""Timelines: epochs in branches and receipts, kinds of snapshots, worlds with versions, share links."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.String(64)
EXACT = "exact"


def upgrade() -> None:
    _widen_worlds()
    _widen_branches()
    with op.batch_alter_table("snapshots") as batch:
        batch.add_column(sa.Column("kind", sa.String(16), nullable=False, server_default=EXACT))
        batch.drop_constraint("pk_snapshots", type_="primary")
        batch.create_primary_key("pk_snapshots", ["session_id", "epoch", "chunk_idx", "kind"])
    # No session was ever rewound: for what counts, any epoch that it had is as good as the true one.
    with op.batch_alter_table("receipts") as batch:
        batch.add_column(sa.Column("epoch", sa.BigInteger, nullable=False, server_default="1"))
        batch.add_column(sa.Column("previous_hash", sa.LargeBinary, nullable=False, server_default=""))
        batch.drop_constraint("pk_receipts", type_="primary")
        batch.create_primary_key("pk_receipts", ["session_id", "epoch", "first_chunk_idx"])
    # SQLite took the default for a text.
    receipts = sa.table("receipts", sa.column("previous_hash", sa.LargeBinary))
    op.execute(receipts.update().values(previous_hash=b""))
    _create_shares()


def downgrade() -> None:
    raise NotImplementedError("what rewinds left behind has no place in the tables of old")


def _widen_worlds() -> None:
    """Column by column: sessions refer to this table, so that SQLite could not make it anew within a transaction."""
    for column in (
        sa.Column("version", sa.Integer, nullable=False, server_default="1"),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("epoch", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("chunk_idx", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("kind", sa.String(16), nullable=False, server_default="recipe"),
        sa.Column("num_bytes", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("model", sa.Text, nullable=False, server_default=""),
        sa.Column("weights_sha256", sa.Text, nullable=False, server_default=""),
        sa.Column("note", sa.Text, nullable=False, server_default=""),
    ):
        op.add_column("worlds", column)
    op.execute(
        "UPDATE worlds SET version = (SELECT count(*) FROM worlds AS other WHERE other.name = worlds.name AND "
        "(other.created_s < worlds.created_s OR "
        "(other.created_s = worlds.created_s AND other.world_id <= worlds.world_id)))"
    )
    op.create_table(
        "world_names",
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("last_version", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_world_names"),
    )
    op.execute("INSERT INTO world_names SELECT name, max(version) FROM worlds GROUP BY name")
    op.create_index("ix_worlds_name", "worlds", ["name", "version"], unique=True)
    op.create_index("ix_worlds_created_s", "worlds", ["created_s"])
    op.create_index("ix_worlds_session_id", "worlds", ["session_id"])


def _widen_branches() -> None:
    op.add_column("branches", sa.Column("parent_epoch", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("branches", sa.Column("label", sa.Text, nullable=False, server_default=""))
    op.execute(
        "UPDATE branches SET parent_epoch = "
        "(SELECT epoch FROM sessions WHERE sessions.session_id = branches.parent_session_id)"
    )


def _create_shares() -> None:
    op.create_table(
        "shares",
        sa.Column("share_id", ID, nullable=False),
        sa.Column("token_sha256", sa.LargeBinary, nullable=False),
        sa.Column("session_id", ID, nullable=True),
        sa.Column("world_id", ID, nullable=True),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=True),
        sa.Column("chunk_idx", sa.BigInteger, nullable=True),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("expires_s", sa.Double, nullable=True),
        sa.Column("revoked_s", sa.Double, nullable=True),
        sa.Column("num_uses", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("share_id", name="pk_shares"),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.session_id"], name="fk_shares_session_id"),
        sa.ForeignKeyConstraint(["world_id"], ["worlds.world_id"], name="fk_shares_world_id"),
    )
    op.create_index("ix_shares_token_sha256", "shares", ["token_sha256"], unique=True)
    op.create_index("ix_shares_session_id", "shares", ["session_id"])
