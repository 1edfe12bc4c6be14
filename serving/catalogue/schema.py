"""The catalogue's tables. Changing one takes a migration beside this file; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
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
MAX_SUBJECT_CHARS = 255  # an identity provider's words

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
    Column("tenant_id", String(ID_CHARS), nullable=False),
    Column("owner_id", Text, nullable=False),  # the subject that made it
    Column("licence", Text, nullable=False),  # in the owner's words
    Column("inputs", Text, nullable=False),  # JSON: what it was made from
    Column("name", Text, nullable=False),
    Column("version", Integer, nullable=False),  # 1, 2 and so on of a tenant's name; never given twice
    # The saved moment: the state before that chunk. No foreign key: sessions name the world they started from, and two
    # tables that need each other cannot be made or emptied in any order.
    Column("session_id", String(ID_CHARS), nullable=True),  # none for one that is described by its spec alone
    Column("epoch", BigInteger, nullable=False),
    Column("chunk_idx", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("num_bytes", BigInteger, nullable=False),
    Column("model", Text, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("spec", Text, nullable=False),  # JSON
    Column("note", Text, nullable=False),
    Column("created_s", Double, nullable=False),
    Index("ix_worlds_tenant_id", "tenant_id", "name", "version", unique=True),
    Index("ix_worlds_created_s", "created_s"),
    Index("ix_worlds_session_id", "session_id"),
)

world_names = Table(
    "world_names",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("last_version", Integer, nullable=False),
)

# Who else may do what with a world. A tenant's own members need no line.
world_access = Table(
    "world_access",
    metadata,
    Column("world_id", ForeignKey(worlds.c.world_id), primary_key=True),
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("subject_id", String(MAX_SUBJECT_CHARS), primary_key=True),  # empty for everybody of the tenant
    Column("role", String(16), nullable=False),
    Column("created_s", Double, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session_id", String(ID_CHARS), primary_key=True),
    Column("tenant_id", String(ID_CHARS), nullable=False),  # of all that is kept by session as well
    Column("owner_id", Text, nullable=False),  # the subject that made it; who may write says `owner`
    Column("licence", Text, nullable=False),  # in the owner's words
    Column("inputs", Text, nullable=False),  # JSON: what it was made from
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
    Index("ix_sessions_tenant_id", "tenant_id", "created_s"),
)

branches = Table(
    "branches",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("parent_session_id", ForeignKey(sessions.c.session_id), nullable=False),
    Column("parent_epoch", BigInteger, nullable=False),  # what the parent does in later ones is its own business
    Column("parent_chunk_idx", BigInteger, nullable=False),  # the first chunk that is the branch's own
    Column("label", Text, nullable=False),
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
    Column("kind", String(16), primary_key=True),  # as the manifest says
    Column("journal_position", BigInteger, nullable=False),
    Column("name", Text, nullable=False),  # empty for those made by themselves, which may be dropped
    Column("num_bytes", BigInteger, nullable=False),
    Column("created_s", Double, nullable=False),
)

recordings = Table(
    "recordings",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("num_bytes", BigInteger, nullable=False),  # of the parts that the store has
    Column("halt_reason", Text, nullable=False),  # why nothing is added now; empty where it is
    Column("updated_s", Double, nullable=False),
)

receipts = Table(
    "receipts",
    metadata,
    Column("session_id", ForeignKey(sessions.c.session_id), primary_key=True),
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("first_chunk_idx", BigInteger, primary_key=True, autoincrement=False),
    Column("num_chunks", Integer, nullable=False),
    Column("previous_hash", LargeBinary, nullable=False),  # of the chunk before; empty in rows of old: as it is there
    Column("hashes", LargeBinary, nullable=False),  # 32 bytes for each chunk, in order
)

workers = Table(
    "workers",
    metadata,
    Column("worker_id", String(ID_CHARS), primary_key=True),  # owns the leases of the sessions it has
    Column("model", Text, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("num_slots", Integer, nullable=False),
    Column("num_used_slots", Integer, nullable=False),
    Column("state_bytes", BigInteger, nullable=False, server_default="0"),  # of its sessions, in the transformer
    Column("state", String(16), nullable=False),  # as the worker says
    Column("wanted", String(16), nullable=False),  # as an operator says
    Column("started_s", Double, nullable=False),
    Column("seen_s", Double, nullable=False),
)

shares = Table(
    "shares",
    metadata,
    Column("share_id", String(ID_CHARS), primary_key=True),
    Column("tenant_id", String(ID_CHARS), nullable=False),
    Column("owner_id", Text, nullable=False),  # the subject that made it
    Column("token_sha256", LargeBinary, nullable=False),  # never the token itself
    Column("session_id", ForeignKey(sessions.c.session_id), nullable=True),
    Column("world_id", ForeignKey(worlds.c.world_id), nullable=True),
    Column("scope", String(16), nullable=False),
    # The moment that was shared; none for what the session is when the link is used.
    Column("epoch", BigInteger, nullable=True),
    Column("chunk_idx", BigInteger, nullable=True),
    Column("created_s", Double, nullable=False),
    Column("expires_s", Double, nullable=True),
    Column("revoked_s", Double, nullable=True),
    Column("num_uses", BigInteger, nullable=False),
    Index("ix_shares_token_sha256", "token_sha256", unique=True),
    Index("ix_shares_session_id", "session_id"),
)


# What one tenant may use, other than every other; none for what the settings say.
quotas = Table(
    "quotas",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("concurrent_sessions", Integer, nullable=True),
    Column("session_seconds_per_day", Double, nullable=True),
    Column("controls_per_second", Double, nullable=True),
    Column("storage_bytes", BigInteger, nullable=True),
    Column("weight", Double, nullable=True),
    Column("updated_s", Double, nullable=False),
)

# A place is for one session on a worker: waited for, reserved or taken.
places = Table(
    "places",
    metadata,
    Column("place_id", String(ID_CHARS), primary_key=True),  # the session's id, or the reservation's
    Column("tenant_id", String(ID_CHARS), nullable=False),
    Column("state", String(16), nullable=False),
    Column("is_reservation", Boolean, nullable=False),
    Column("seq", BigInteger, nullable=False),  # in order of arrival
    Column("gateway_id", String(ID_CHARS), nullable=False),  # whose beat keeps it
    Column("until_s", Double, nullable=False),  # without one
    Column("counted_s", Double, nullable=False),  # its tenant has paid for it so far
    Index("ix_places_gateway_id", "gateway_id"),
)

# One row: the queue's clock, and how often places came free.
queue_clock = Table(
    "queue_clock",
    metadata,
    Column("clock_id", Integer, primary_key=True, autoincrement=False),
    Column("clock", Double, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("num_freed", BigInteger, nullable=False),
    Column("last_freed_s", Double, nullable=False),
    Column("mean_interval_s", Double, nullable=False),
)

queue_turns = Table(
    "queue_turns",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("turn", Double, nullable=False),
)

session_seconds = Table(
    "session_seconds",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("day", Integer, primary_key=True, autoincrement=False),  # since 1970, UTC
    Column("seconds", Double, nullable=False),
)

# Answers to requests that came with an idempotency key, for when they come again.
keyed_answers = Table(
    "keyed_answers",
    metadata,
    Column("key_sha256", LargeBinary, primary_key=True),  # with whose it is; never the key itself
    Column("request_sha256", LargeBinary, nullable=False),
    Column("gateway_id", String(ID_CHARS), nullable=False),
    # Of one that is being answered: when its gateway is dead unless it says otherwise. Then, when it is forgotten.
    Column("until_s", Double, nullable=False),
    Column("answer", LargeBinary, nullable=True),  # sealed with the key; none while it is being answered
    Index("ix_keyed_answers_until_s", "until_s"),
)

tenants = Table(
    "tenants",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("name", Text, nullable=False),  # for people
    Column("created_s", Double, nullable=False),
    Column("suspended_s", Double, nullable=True),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", String(ID_CHARS), primary_key=True),
    Column("tenant_id", ForeignKey(tenants.c.tenant_id), nullable=False),
    Column("role", String(16), nullable=False),
    Column("name", Text, nullable=False),  # for people
    Column("secret_sha256", LargeBinary, nullable=False),  # never the secret itself
    Column("created_s", Double, nullable=False),
    Column("expires_s", Double, nullable=True),
    Column("revoked_s", Double, nullable=True),
    Column("last_used_s", Double, nullable=True),  # to within some minutes
    Index("ix_api_keys_tenant_id", "tenant_id", "created_s"),
)

# Each tenant's books (serving.books), and where each ends, so that rows cut off there are missed.
books = Table(
    "books",
    metadata,
    Column("book", String(16), primary_key=True),
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("length", BigInteger, nullable=False),
    Column("hash", LargeBinary, nullable=False),
)

book_rows = Table(
    "book_rows",
    metadata,
    Column("book", String(16), primary_key=True),
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("key", Text, nullable=False),  # what is added twice is there once
    Column("kind", Text, nullable=False),
    Column("time_s", Double, nullable=False),
    Column("session_id", String(ID_CHARS), nullable=False),  # empty where it is about none
    Column("subject_id", Text, nullable=True),
    Column("record", Text, nullable=False),  # canonical JSON
    Column("personal", Text, nullable=True),  # canonical JSON, bound by its SHA-256 in the record; may be erased
    Column("hash", LargeBinary, nullable=False),
    Index("ix_book_rows_key", "book", "tenant_id", "key", unique=True),
    Index("ix_book_rows_session_id", "session_id"),
)

# How much of a book was sent to where.
book_exports = Table(
    "book_exports",
    metadata,
    Column("destination", Text, primary_key=True),
    Column("book", String(16), primary_key=True),
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("length", BigInteger, nullable=False),
)

# Tenants whose data may be kept in one region alone.
residency = Table(
    "residency",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("region", String(16), nullable=False),
)

# Tokens that were taken back before their end, and subjects of which nothing counts that they were given or minted
# until then.
revocations = Table(
    "revocations",
    metadata,
    Column("tenant_id", String(ID_CHARS), primary_key=True),
    Column("subject_id", String(MAX_SUBJECT_CHARS), primary_key=True),
    Column("revoked_s", Double, nullable=False),
    Column("until_s", Double, nullable=False),  # nothing that it is about lives longer
    Index("ix_revocations_revoked_s", "revoked_s"),
    Index("ix_revocations_until_s", "until_s"),
)
