import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from nacre.v1 import access_pb2 as _access_pb2
from nacre.v1 import quota_pb2 as _quota_pb2
from nacre.v1 import session_pb2 as _session_pb2
from nacre.v1 import world_pb2 as _world_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SnapshotKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SNAPSHOT_KIND_UNSPECIFIED: _ClassVar[SnapshotKind]
    SNAPSHOT_KIND_PORTABLE: _ClassVar[SnapshotKind]
    SNAPSHOT_KIND_EXACT: _ClassVar[SnapshotKind]

class ShareScope(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHARE_SCOPE_UNSPECIFIED: _ClassVar[ShareScope]
    SHARE_SCOPE_VIEW: _ClassVar[ShareScope]
    SHARE_SCOPE_JOIN: _ClassVar[ShareScope]
    SHARE_SCOPE_FORK: _ClassVar[ShareScope]
    SHARE_SCOPE_DIRECT: _ClassVar[ShareScope]
SNAPSHOT_KIND_UNSPECIFIED: SnapshotKind
SNAPSHOT_KIND_PORTABLE: SnapshotKind
SNAPSHOT_KIND_EXACT: SnapshotKind
SHARE_SCOPE_UNSPECIFIED: ShareScope
SHARE_SCOPE_VIEW: ShareScope
SHARE_SCOPE_JOIN: ShareScope
SHARE_SCOPE_FORK: ShareScope
SHARE_SCOPE_DIRECT: ShareScope

class World(_message.Message):
    __slots__ = ("world_id", "name", "version", "session_id", "chunk_index", "spec", "note", "num_bytes", "create_time", "provenance")
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    SPEC_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    NUM_BYTES_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    PROVENANCE_FIELD_NUMBER: _ClassVar[int]
    world_id: str
    name: str
    version: int
    session_id: str
    chunk_index: int
    spec: _world_pb2.WorldSpec
    note: str
    num_bytes: int
    create_time: _timestamp_pb2.Timestamp
    provenance: _world_pb2.Provenance
    def __init__(self, world_id: _Optional[str] = ..., name: _Optional[str] = ..., version: _Optional[int] = ..., session_id: _Optional[str] = ..., chunk_index: _Optional[int] = ..., spec: _Optional[_Union[_world_pb2.WorldSpec, _Mapping]] = ..., note: _Optional[str] = ..., num_bytes: _Optional[int] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., provenance: _Optional[_Union[_world_pb2.Provenance, _Mapping]] = ...) -> None: ...

class SaveWorldRequest(_message.Message):
    __slots__ = ("session_id", "name", "note", "idempotency_key", "licence")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    name: str
    note: str
    idempotency_key: str
    licence: str
    def __init__(self, session_id: _Optional[str] = ..., name: _Optional[str] = ..., note: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., licence: _Optional[str] = ...) -> None: ...

class SaveWorldResponse(_message.Message):
    __slots__ = ("world",)
    WORLD_FIELD_NUMBER: _ClassVar[int]
    world: World
    def __init__(self, world: _Optional[_Union[World, _Mapping]] = ...) -> None: ...

class LoadWorldRequest(_message.Message):
    __slots__ = ("world_id", "name", "idempotency_key", "admission")
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    world_id: str
    name: str
    idempotency_key: str
    admission: _quota_pb2.Admission
    def __init__(self, world_id: _Optional[str] = ..., name: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., admission: _Optional[_Union[_quota_pb2.Admission, _Mapping]] = ...) -> None: ...

class LoadWorldResponse(_message.Message):
    __slots__ = ("session", "resume_token")
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    session: _session_pb2.Session
    resume_token: str
    def __init__(self, session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class ListWorldsRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "name")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    name: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., name: _Optional[str] = ...) -> None: ...

class ListWorldsResponse(_message.Message):
    __slots__ = ("worlds", "next_page_token", "page_size")
    WORLDS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    worlds: _containers.RepeatedCompositeFieldContainer[World]
    next_page_token: str
    page_size: int
    def __init__(self, worlds: _Optional[_Iterable[_Union[World, _Mapping]]] = ..., next_page_token: _Optional[str] = ..., page_size: _Optional[int] = ...) -> None: ...

class GetWorldRequest(_message.Message):
    __slots__ = ("world_id",)
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    world_id: str
    def __init__(self, world_id: _Optional[str] = ...) -> None: ...

class GetWorldResponse(_message.Message):
    __slots__ = ("world",)
    WORLD_FIELD_NUMBER: _ClassVar[int]
    world: World
    def __init__(self, world: _Optional[_Union[World, _Mapping]] = ...) -> None: ...

class ExportSessionRequest(_message.Message):
    __slots__ = ("session_id", "kind")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    kind: SnapshotKind
    def __init__(self, session_id: _Optional[str] = ..., kind: _Optional[_Union[SnapshotKind, str]] = ...) -> None: ...

class ExportSessionResponse(_message.Message):
    __slots__ = ("data", "chunk_index", "kind")
    DATA_FIELD_NUMBER: _ClassVar[int]
    CHUNK_INDEX_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    chunk_index: int
    kind: SnapshotKind
    def __init__(self, data: _Optional[bytes] = ..., chunk_index: _Optional[int] = ..., kind: _Optional[_Union[SnapshotKind, str]] = ...) -> None: ...

class ImportWorldRequest(_message.Message):
    __slots__ = ("data", "name", "note", "idempotency_key", "licence")
    DATA_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    NOTE_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    LICENCE_FIELD_NUMBER: _ClassVar[int]
    data: bytes
    name: str
    note: str
    idempotency_key: str
    licence: str
    def __init__(self, data: _Optional[bytes] = ..., name: _Optional[str] = ..., note: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., licence: _Optional[str] = ...) -> None: ...

class ImportWorldResponse(_message.Message):
    __slots__ = ("world",)
    WORLD_FIELD_NUMBER: _ClassVar[int]
    world: World
    def __init__(self, world: _Optional[_Union[World, _Mapping]] = ...) -> None: ...

class DeleteWorldRequest(_message.Message):
    __slots__ = ("world_id", "idempotency_key")
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    world_id: str
    idempotency_key: str
    def __init__(self, world_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class DeleteWorldResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ShareLink(_message.Message):
    __slots__ = ("share_id", "session_id", "scope", "create_time", "expire_time", "revoked", "num_uses")
    SHARE_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    REVOKED_FIELD_NUMBER: _ClassVar[int]
    NUM_USES_FIELD_NUMBER: _ClassVar[int]
    share_id: str
    session_id: str
    scope: ShareScope
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    revoked: bool
    num_uses: int
    def __init__(self, share_id: _Optional[str] = ..., session_id: _Optional[str] = ..., scope: _Optional[_Union[ShareScope, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., revoked: _Optional[bool] = ..., num_uses: _Optional[int] = ...) -> None: ...

class CreateShareLinkRequest(_message.Message):
    __slots__ = ("session_id", "scope", "lifetime", "idempotency_key")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    SCOPE_FIELD_NUMBER: _ClassVar[int]
    LIFETIME_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    scope: ShareScope
    lifetime: _duration_pb2.Duration
    idempotency_key: str
    def __init__(self, session_id: _Optional[str] = ..., scope: _Optional[_Union[ShareScope, str]] = ..., lifetime: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class CreateShareLinkResponse(_message.Message):
    __slots__ = ("share_link", "token")
    SHARE_LINK_FIELD_NUMBER: _ClassVar[int]
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    share_link: ShareLink
    token: str
    def __init__(self, share_link: _Optional[_Union[ShareLink, _Mapping]] = ..., token: _Optional[str] = ...) -> None: ...

class ListShareLinksRequest(_message.Message):
    __slots__ = ("session_id",)
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    def __init__(self, session_id: _Optional[str] = ...) -> None: ...

class ListShareLinksResponse(_message.Message):
    __slots__ = ("share_links",)
    SHARE_LINKS_FIELD_NUMBER: _ClassVar[int]
    share_links: _containers.RepeatedCompositeFieldContainer[ShareLink]
    def __init__(self, share_links: _Optional[_Iterable[_Union[ShareLink, _Mapping]]] = ...) -> None: ...

class RevokeShareLinkRequest(_message.Message):
    __slots__ = ("share_id", "idempotency_key")
    SHARE_ID_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    share_id: str
    idempotency_key: str
    def __init__(self, share_id: _Optional[str] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class RevokeShareLinkResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class OpenShareLinkRequest(_message.Message):
    __slots__ = ("token", "idempotency_key", "admission")
    TOKEN_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    ADMISSION_FIELD_NUMBER: _ClassVar[int]
    token: str
    idempotency_key: str
    admission: _quota_pb2.Admission
    def __init__(self, token: _Optional[str] = ..., idempotency_key: _Optional[str] = ..., admission: _Optional[_Union[_quota_pb2.Admission, _Mapping]] = ...) -> None: ...

class OpenShareLinkResponse(_message.Message):
    __slots__ = ("share_link", "session", "resume_token")
    SHARE_LINK_FIELD_NUMBER: _ClassVar[int]
    SESSION_FIELD_NUMBER: _ClassVar[int]
    RESUME_TOKEN_FIELD_NUMBER: _ClassVar[int]
    share_link: ShareLink
    session: _session_pb2.Session
    resume_token: str
    def __init__(self, share_link: _Optional[_Union[ShareLink, _Mapping]] = ..., session: _Optional[_Union[_session_pb2.Session, _Mapping]] = ..., resume_token: _Optional[str] = ...) -> None: ...

class Grant(_message.Message):
    __slots__ = ("tenant_id", "subject_id", "role")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    SUBJECT_ID_FIELD_NUMBER: _ClassVar[int]
    ROLE_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    subject_id: str
    role: _access_pb2.Role
    def __init__(self, tenant_id: _Optional[str] = ..., subject_id: _Optional[str] = ..., role: _Optional[_Union[_access_pb2.Role, str]] = ...) -> None: ...

class SetAccessRequest(_message.Message):
    __slots__ = ("world_id", "grants", "idempotency_key")
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    IDEMPOTENCY_KEY_FIELD_NUMBER: _ClassVar[int]
    world_id: str
    grants: _containers.RepeatedCompositeFieldContainer[Grant]
    idempotency_key: str
    def __init__(self, world_id: _Optional[str] = ..., grants: _Optional[_Iterable[_Union[Grant, _Mapping]]] = ..., idempotency_key: _Optional[str] = ...) -> None: ...

class SetAccessResponse(_message.Message):
    __slots__ = ("grants",)
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[Grant]
    def __init__(self, grants: _Optional[_Iterable[_Union[Grant, _Mapping]]] = ...) -> None: ...

class GetAccessRequest(_message.Message):
    __slots__ = ("world_id",)
    WORLD_ID_FIELD_NUMBER: _ClassVar[int]
    world_id: str
    def __init__(self, world_id: _Optional[str] = ...) -> None: ...

class GetAccessResponse(_message.Message):
    __slots__ = ("grants",)
    GRANTS_FIELD_NUMBER: _ClassVar[int]
    grants: _containers.RepeatedCompositeFieldContainer[Grant]
    def __init__(self, grants: _Optional[_Iterable[_Union[Grant, _Mapping]]] = ...) -> None: ...
