"""Structured logs: one JSON object a line on standard error; never a name, a text or a token."""

import logging
import sys
from contextlib import suppress
from typing import TextIO, cast

import structlog


class _Unbroken:
    """Standard error; what cannot be written to it is dropped: a full disk must not turn answers into errors."""

    def write(self, text: str) -> None:
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            sys.stderr.flush()


def configure_logging() -> None:
    """Write JSON lines with level and UTC time; the standard library's loggers join in.

    Every line is ASCII: what a text could say to a terminal, or to a reader of lines, stands there escaped.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=True),
        ],
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Unbroken())),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"event": "%(name)s", "level": "%(levelname)s"}'
    )
