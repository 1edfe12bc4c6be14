"""The catalogue's tables. Changing one takes a migration beside this file; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)

# Ids are ours or a client's word for a thing; both are bounded where they come in.
ID_CHARS = 64

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

worlds = Table(
    "worlds",
    metadata,
    Column("world_id", String(ID_CHARS), primary_key=True),
    Column("name", Text, nullable=False),
    Column("spec", Text, nullable=False),  # JSON
    Column("created_s", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(ID_CHARS), primary_key=True),
    Column("world_id", ForeignKey(worlds.c.world_id), nullable=True),
    Column("model", Text, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("spec", Text, nullable=False),  # JSON: what the world started from, and its seed
    Column("state", String(16), nullable=False),
    Column("end_reason", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Column("updated_s", Double, nullable=False),
    Column("num_chunks", BigInteger, nullable=False),  # delivered, as far as receipts were written
    # Who may write: the holder of this epoch and nobody else.
    Column("owner", Text, nullable=False),
    Column("epoch", BigInteger, nullable=False),
    Column("lease_until_s", Double, nullable=False),
    # The journal's end, so that records cut off there are missed.
    Column("journal_length", BigInteger, nullable=False),
    Column("journal_hash", LargeBinary, nullable=False),
    # What lets a client come back after the gateway that knew it is gone; never the token itself.
    Column("resume_token_sha256", LargeBinary, nullable=False),
    Index("ix_sessions_created_s", "created_s"),
)

branches = Table(
    "branches",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("parent_session_id", ForeignKey(sessions.c.session_id), nullable=False),
    Column("parent_chunk_idx", BigInteger, nullable=False),  # the first chunk that is the branch's own
    Column("created_s", Double, nullable=False),
    Index("ix_branches_parent_session_id", "parent_session_id"),
)

journal = Table(
    "journal",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("record", Text, nullable=False),  # canonical JSON
    Column("tensors", LargeBinary, nullable=True),  # safetensors; the record holds their SHA-256
    Column("hash", LargeBinary, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("chunk_idx", BigInteger, primary_key=True, autoincrement=False),  # the next one to be made
    Column("journal_position", BigInteger, nullable=False),
    Column("name", Text, nullable=False),  # empty for those made by themselves, which may be dropped
    Column("num_bytes", BigInteger, nullable=False),
    Column("created_s", Double, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("first_chunk_idx", BigInteger, primary_key=True, autoincrement=False),
    Column("num_chunks", Integer, nullable=False),
    Column("hashes", LargeBinary, nullable=False),  # 32 bytes for each chunk, in order
)
