"""One call as a command line: `$TOKEN`, `$API` and parameters in capitals are the reader's to fill in."""

import json
import re
from collections.abc import Sequence

PARAMETER = re.compile(r"\{(\w+)\*?\}")


def curl(method: str, path: str, query: Sequence[str], body: Sequence[str] | None, *, needs_token: bool) -> str:
    """Return a command; `query` and `body` name the members that are known, a body of None is none."""
    words = ["curl"]
    if method != "GET":
        words.append(f"-X {method}")
    if needs_token:
        words.append('-H "Authorization: Bearer $TOKEN"')
    if body is not None:
        words += ['-H "Content-Type: application/json"', f"-d {_body(body)}"]
    filled = PARAMETER.sub(lambda found: f"${found[1].upper()}", path)
    asked = "&".join(f"{name}=${variable(name)}" for name in query)
    words.append(f'"$API{filled}{"?" if asked else ""}{asked}"')
    return " ".join(words)


def variable(name: str) -> str:
    """Return the shell variable that stands for a member: PAGE_SIZE for pageSize."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()


def _body(members: Sequence[str]) -> str:
    if not members:
        return "@body.json"
    return f"'{json.dumps(dict.fromkeys(members, '…'), ensure_ascii=False)}'"
