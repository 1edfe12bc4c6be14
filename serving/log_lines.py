"""What a line of the log looks like, in whichever process it is written."""

from __future__ import annotations

import logging

from grpc._cython import cygrpc

from serving.gateway.request_id import current_request_id

FORMAT = "%(asctime)s %(levelname)s %(name)s%(request)s: %(message)s"


class LineFormatter(logging.Formatter):
    """Names the call that a line is about, where there is one."""

    def __init__(self) -> None:
        super().__init__(FORMAT)

    def format(self, record: logging.LogRecord) -> str:
        request_id = current_request_id()
        record.request = f" [request {request_id}]" if request_id else ""
        return super().format(record)


def is_worth_a_line(record: logging.LogRecord) -> bool:
    """Not that gRPC could not tell a client how its stream ended because the client is gone: its session stays, and
    nobody is left who could do anything about it. gRPC keeps quiet itself, if it hears in time that the client went."""
    if record.name != "grpc._cython.cygrpc" or not record.exc_info:
        return True
    error = record.exc_info[1]
    return not (isinstance(error, cygrpc.ExecuteBatchError) and "SendStatusFromServer" in str(error))


def write_log_lines() -> None:
    """Warnings and worse of this process to its standard error, unless somebody else takes care of them."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    handler.addFilter(is_worth_a_line)
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
