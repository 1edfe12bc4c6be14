"""Worlds, sessions with their leases, journals, snapshots, branches and receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

ID = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "worlds",
        sa.Column("world_id", ID, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("world_id", name="pk_worlds"),
    )
    _create_sessions()
    op.create_table(
        "branches",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("parent_session_id", ID, nullable=False),
        sa.Column("parent_chunk_idx", sa.BigInteger, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_branches"),
        _of_session("branches"),
        sa.ForeignKeyConstraint(["parent_session_id"], ["sessions.session_id"], name="fk_branches_parent_session_id"),
    )
    op.create_index("ix_branches_parent_session_id", "branches", ["parent_session_id"])
    op.create_table(
        "journal",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("tensors", sa.LargeBinary, nullable=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "seq", name="pk_journal"),
        _of_session("journal"),
    )
    _create_snapshots()
    op.create_table(
        "receipts",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("first_chunk_idx", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("num_chunks", sa.Integer, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "first_chunk_idx", name="pk_receipts"),
        _of_session("receipts"),
    )


def downgrade() -> None:
    for name in ("receipts", "snapshots", "journal", "branches", "sessions", "worlds"):
        op.drop_table(name)


def _create_sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("world_id", ID, nullable=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("weights_sha256", sa.Text, nullable=False),
        sa.Column("spec", sa.Text, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("end_reason", sa.Text, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.Column("updated_s", sa.Double, nullable=False),
        sa.Column("num_chunks", sa.BigInteger, nullable=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("lease_until_s", sa.Double, nullable=False),
        sa.Column("journal_length", sa.BigInteger, nullable=False),
        sa.Column("journal_hash", sa.LargeBinary, nullable=False),
        sa.Column("resume_token_sha256", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("session_id", name="pk_sessions"),
        sa.ForeignKeyConstraint(["world_id"], ["worlds.world_id"], name="fk_sessions_world_id"),
    )
    op.create_index("ix_sessions_created_s", "sessions", ["created_s"])


def _create_snapshots() -> None:
    op.create_table(
        "snapshots",
        sa.Column("session_id", ID, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("chunk_idx", sa.BigInteger, nullable=False, autoincrement=False),
        sa.Column("journal_position", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("num_bytes", sa.BigInteger, nullable=False),
        sa.Column("created_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("session_id", "epoch", "chunk_idx", name="pk_snapshots"),
        _of_session("snapshots"),
    )


def _of_session(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["session_id"], ["sessions.session_id"], name=f"fk_{table}_session_id")
