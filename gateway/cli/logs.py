"""Where a process's log goes: what happened to standard error, requests to standard output."""

import logging
import sys
import time

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"


def log_to_console() -> None:
    """Log to standard error from INFO on, in UTC; the access log's JSON lines go to standard output as they are."""
    from gateway.observability.access_log import LOGGER

    log_to_stderr(logging.INFO)
    requests = logging.getLogger(LOGGER)
    requests.addHandler(logging.StreamHandler(sys.stdout))
    requests.propagate = False


def log_to_stderr(level: int) -> None:
    """Log to standard error from `level` on, in UTC."""
    formatter = logging.Formatter(FORMAT, "%Y-%m-%dT%H:%M:%SZ")
    formatter.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    logging.basicConfig(level=level, handlers=[handler])
