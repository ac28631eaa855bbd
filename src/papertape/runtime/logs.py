"""Logs: one line per unit of work, JSON in a rotating file, readable on standard error."""

import logging
import logging.handlers
import sys
from typing import Any

import structlog

from papertape.runtime.home import log_directory

FILE_BYTES_MAX = 10 << 20
FILES_KEPT = 10

_SHARED: list[Any] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def start_logs(command: str, *, screen: bool = True) -> structlog.typing.FilteringBoundLogger:
    """Set logging up for `command` and return its logger; without a writable log directory only the screen is used.

    With `screen` false the screen belongs to something else, and the file alone is used.
    """
    handlers: list[logging.Handler] = [_screen()] if screen else []
    try:
        log_directory().mkdir(parents=True, exist_ok=True)
        handlers.append(_file(command))
    except OSError as error:
        sys.stderr.write(f"no log file: {log_directory()} cannot be written: {error.strerror or error}\n")
    root = logging.getLogger("papertape")
    for old in root.handlers:
        old.close()
    root.handlers = handlers
    root.setLevel(logging.INFO)
    root.propagate = False
    structlog.configure(
        processors=[*_SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )
    logger: structlog.typing.FilteringBoundLogger = structlog.get_logger("papertape")
    return logger


def _screen() -> logging.Handler:
    handler = logging.StreamHandler(sys.stderr)
    renderer = structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_drop_meta, renderer]))
    return handler


def _file(command: str) -> logging.Handler:
    handler = logging.handlers.RotatingFileHandler(
        log_directory() / f"{command}.log", maxBytes=FILE_BYTES_MAX, backupCount=FILES_KEPT, encoding="utf-8"
    )
    renderer = structlog.processors.JSONRenderer()
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processors=[_drop_meta, renderer]))
    return handler


def _drop_meta(logger: Any, name: str, event: Any) -> Any:
    return structlog.stdlib.ProcessorFormatter.remove_processors_meta(logger, name, event)
