"""What was used and who did what, for each tenant, and how far it was told elsewhere."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "books",
        sa.Column("book", sa.String(16), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("book", "tenant_id", name="pk_books"),
    )
    op.create_table(
        "book_rows",
        sa.Column("book", sa.String(16), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("seq", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("time_s", sa.Double, nullable=False),
        sa.Column("session_id", sa.String(64), nullable=False),
        sa.Column("subject_id", sa.Text, nullable=True),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("personal", sa.Text, nullable=True),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("book", "tenant_id", "seq", name="pk_book_rows"),
    )
    op.create_index("ix_book_rows_key", "book_rows", ["book", "tenant_id", "key"], unique=True)
    op.create_index("ix_book_rows_session_id", "book_rows", ["session_id"])
    op.create_table(
        "book_exports",
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("book", sa.String(16), nullable=False),
        sa.Column("tenant_id", sa.String(64), nullable=False),
        sa.Column("length", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("destination", "book", "tenant_id", name="pk_book_exports"),
    )


def downgrade() -> None:
    for table in ("book_exports", "book_rows", "books"):
        op.drop_table(table)
