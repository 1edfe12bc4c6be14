"""What a line of the log looks like, in whichever process it is written."""

from __future__ import annotations

import logging

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


def write_log_lines() -> None:
    """Warnings and worse of this process to its standard error, unless somebody else takes care of them."""
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
