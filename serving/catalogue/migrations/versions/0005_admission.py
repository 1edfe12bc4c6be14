"""Admission: quotas, places and the queue for them, and answers kept for requests that are repeated."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ID = sa.String(64)


def upgrade() -> None:
    op.create_table(
        "quotas",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("concurrent_sessions", sa.Integer, nullable=True),
        sa.Column("session_seconds_per_day", sa.Double, nullable=True),
        sa.Column("controls_per_second", sa.Double, nullable=True),
        sa.Column("storage_bytes", sa.BigInteger, nullable=True),
        sa.Column("weight", sa.Double, nullable=True),
        sa.Column("updated_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_quotas"),
    )
    op.create_table(
        "session_seconds",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("day", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("seconds", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "day", name="pk_session_seconds"),
    )
    _make_queue()
    op.create_table(
        "keyed_answers",
        sa.Column("key_sha256", sa.LargeBinary, nullable=False),
        sa.Column("request_sha256", sa.LargeBinary, nullable=False),
        sa.Column("gateway_id", ID, nullable=False),
        sa.Column("until_s", sa.Double, nullable=False),
        sa.Column("answer", sa.LargeBinary, nullable=True),
        sa.PrimaryKeyConstraint("key_sha256", name="pk_keyed_answers"),
    )
    op.create_index("ix_keyed_answers_until_s", "keyed_answers", ["until_s"])


def downgrade() -> None:
    for name in ("keyed_answers", "queue_turns", "queue_clock", "places", "session_seconds", "quotas"):
        op.drop_table(name)


def _make_queue() -> None:
    op.create_table(
        "places",
        sa.Column("place_id", ID, nullable=False),
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("is_reservation", sa.Boolean, nullable=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("gateway_id", ID, nullable=False),
        sa.Column("until_s", sa.Double, nullable=False),
        sa.Column("counted_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("place_id", name="pk_places"),
    )
    op.create_index("ix_places_gateway_id", "places", ["gateway_id"])
    op.create_table(
        "queue_clock",
        sa.Column("clock_id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("clock", sa.Double, nullable=False),
        sa.Column("last_seq", sa.BigInteger, nullable=False),
        sa.Column("num_freed", sa.BigInteger, nullable=False),
        sa.Column("last_freed_s", sa.Double, nullable=False),
        sa.Column("mean_interval_s", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("clock_id", name="pk_queue_clock"),
    )
    op.create_table(
        "queue_turns",
        sa.Column("tenant_id", ID, nullable=False),
        sa.Column("turn", sa.Double, nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", name="pk_queue_turns"),
    )
