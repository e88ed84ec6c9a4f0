"""Answers that have arrived in one turn of the loop: all are parsed, then all are passed on."""

import logging

from gateway.upstream.connection import Answer, Connection

log = logging.getLogger(__name__)


def pass_on(connections: list[Connection]) -> None:
    """Read what has arrived on these connections, and tell those who have asked for what is whole.

    A fault of ours costs the exchange that meets it, and no other one anything.
    """
    answers: list[Answer] = []
    for connection in connections:
        try:
            answer = connection.take_answer()
        except Exception:
            log.exception("%r failed", connection)
            connection.abort()
        else:
            if answer is not None:
                answers.append(answer)
    for asker, head, body in answers:
        try:
            asker.on_whole(head, body)
        except Exception:
            log.exception("%r could not be ended", asker)
