"""`crossfade explain`: what the gateway would do with one request, stage by stage, and why."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gateway.cli.configuration import config_option, snapshot_or_exit

if TYPE_CHECKING:
    from gateway.core.http import RequestHead
    from gateway.policy.explanation import Explanation

type Pairs = tuple[tuple[str, str], ...]


def _claims(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> Pairs:
    return tuple(_pair(value, "=", "plan=beta") for value in values)


def _headers(ctx: click.Context, param: click.Parameter, values: Sequence[str]) -> Pairs:
    return tuple(_pair(value, ":", "X-Api-Track:legacy") for value in values)


def _pair(text: str, separator: str, example: str) -> tuple[str, str]:
    name, found, value = text.partition(separator)
    if not found or not name.strip():
        raise click.BadParameter(f"write it like {example}, not {text!r}.")
    return name.strip(), value.strip()


@click.command(short_help="What the gateway would do with a request, and why.")
@config_option
@click.argument("request_line", metavar='"METHOD /PATH"')
@click.option("--sub", help="Who calls: the token's claim sub.")
@click.option("--claim", "claims", callback=_claims, multiple=True, metavar="K=V", help="Another claim.")
@click.option("--header", "headers", callback=_headers, multiple=True, metavar="K:V", help="A header.")
@click.option("--at", metavar="ISO", help="When, as an ISO 8601 date or time; now if not given.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
def explain(
    path: Path, request_line: str, sub: str | None, claims: Pairs, headers: Pairs, at: str | None, as_json: bool
) -> None:
    """Explain what would happen to a request such as "GET /api/favorites".

    The caller's claims are taken as given, no token is needed and nothing is counted. A request with an Authorization
    header and without --sub or --claim has its token verified.
    """
    from gateway.policy.explanation import explained

    head = _head(request_line, headers)
    now = _moment(at)
    given = dict(claims) | ({"sub": sub} if sub is not None else {})
    explanation = explained(head, snapshot_or_exit(path), now, given or None)
    if as_json:
        _print_json(explanation)
    else:
        _print_table(explanation)


def _head(request_line: str, headers: Pairs) -> "RequestHead":
    from gateway.core.http import RequestHead

    method, _, target = request_line.strip().partition(" ")
    target = target.strip()
    if not method.isalpha() or not target.startswith("/") or " " in target:
        raise click.UsageError(f'Write the request as a method and a path, "GET /api/favorites", not "{request_line}".')
    return RequestHead.of(method.upper(), target, headers)


def _moment(at: str | None) -> float:
    import time

    from gateway.policy.decide import parse_moment

    if at is None:
        return time.time()
    try:
        return parse_moment(at)
    except ValueError:
        raise click.UsageError(f"--at takes an ISO 8601 date or time such as 2027-02-01T09:00Z, not {at!r}.") from None


def _print_json(explanation: "Explanation") -> None:
    import json

    click.echo(json.dumps(explanation.document(), indent=2, ensure_ascii=False))


def _print_table(explanation: "Explanation") -> None:
    from rich.table import Table
    from rich.text import Text

    from gateway.cli.console import console

    out = console()
    out.print(Text(f"{explanation.request} at {explanation.at}", style="bold"))
    table = Table("stage", "input", "outcome", "reason", box=None, pad_edge=False, header_style="bold")
    for stage in explanation.stages:
        table.add_row(*(Text(cell) for cell in (stage.name, stage.input, stage.outcome, stage.reason)))
    out.print(table)
    out.print(Text(explanation.outcome, style="bold"))
    for name, value in explanation.headers:
        out.print(Text(f"  {name}: {value}"), soft_wrap=True)
