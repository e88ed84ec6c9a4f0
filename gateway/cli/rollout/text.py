"""Rollouts for people, on a terminal."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from gateway.cli.console import console

COLOURS: Mapping[str, str] = {"pass": "green", "hold": "yellow", "fail": "bold red"}


def print_json(answer: Any) -> None:
    """Print what the gateway answered."""
    click.echo(json.dumps(answer, indent=2, ensure_ascii=False))


def print_list(answer: Mapping[str, Any]) -> None:
    """Print a line for every migration."""
    rows = [
        (
            found["migration"],
            f"{found['percent']:g} %",
            _file(found),
            found["state"],
            _step(found),
            _verdict(found),
        )
        for found in answer["rollouts"]
    ]
    _table(console(), ("migration", "percent", "file", "state", "step", "verdict"), rows)


def print_rollout(found: Mapping[str, Any]) -> None:
    """Print one rollout."""
    out = console()
    out.print(Text(f"{found['migration']}: {found['percent']:g} %, {found['state']}", style="bold"))
    out.print(Text(f"  the file says {found['file_percent']:g} %{', which differs' if found['differs'] else ''}"))
    if found["steps"]:
        out.print(Text(f"  step {_step(found)}: {', '.join(f'{step:g} %' for step in found['steps'])}"))
    if found["failing_intervals"]:
        out.print(Text(f"  failing intervals in a row: {found['failing_intervals']}"))
    if found["attempts"]:
        out.print(Text(f"  automatic steps back since a person last decided: {found['attempts']}"))
    if found["cooldown_until"] is not None:
        out.print(Text(f"  the ramp waits until {found['cooldown_until']}"))
    event = found["last_event"]
    if event is not None:
        out.print(Text(f"  last changed {event['at']} by {event['who']}, {event['what']}: {event['why']}"))
    verdict = found["verdict"]
    if verdict is not None:
        style = COLOURS.get(verdict["outcome"], "")
        out.print(Text(f"  verdict {verdict['outcome']}: {verdict['words']}", style=style))
        gates = [
            (gate["gate"], _figure(gate["value"]), _figure(gate["threshold"]), gate["outcome"], gate["words"])
            for gate in verdict["gates"]
        ]
        _table(out, ("gate", "value", "threshold", "outcome", "why"), gates)
    rows = [
        (side, str(figures["requests"]), str(figures["failures"]), _figure(figures["p95"]))
        for side, figures in found["window"].items()
    ]
    _table(out, ("side", "requests", "failures", "p95 in s"), rows)


def print_preview(found: Mapping[str, Any], *, stderr: bool = False) -> None:
    """Print who moves."""
    out = console(stderr=stderr)
    headline = f"{found['migration']} from {found['from']:g} % to {found['to']:g} %, by the last day's callers:"
    out.print(Text(headline, style="bold"))
    requests, keys, consumers = found["requests"], found["keys"], found["consumers"]
    out.print(
        Text(
            f"  {consumers['moving']} consumers move to the successor with {requests['share']:.1%} of the requests "
            f"({keys['moving']} of {keys['known']} keys)"
        )
    )
    back = f"{consumers['moved_back']} consumers move back to legacy"
    out.print(Text("  nobody moves back" if found["nobody_moves_back"] else f"  {back}"))
    if requests["unnamed"]:
        out.print(Text(f"  {requests['unnamed']} requests were counted without a name and are not in here"))
    for label, values in found["tiers"].items():
        out.print(Text(f"  {label}: {', '.join(f'{count} {value}' for value, count in values.items())}"))
    rows = [
        (
            one["consumer"],
            direction,
            f"{one['keys_moving']} of {one['keys']}",
            f"{one['requests_moving']} of {one['requests']}",
        )
        for direction, ones in (("successor", found["moving"]), ("legacy", found["moved_back"]))
        for one in ones
    ]
    _table(out, ("consumer", "to", "keys", "requests"), rows)
    if found["and_others"]:
        out.print(Text(f"  and {found['and_others']} others"))


def print_events(answer: Mapping[str, Any]) -> None:
    """Print the audit log."""
    rows = [
        (
            str(event["number"]),
            event["at"],
            event["migration"],
            event["what"],
            event["who"],
            f"{_brief(event['from'])} → {_brief(event['to'])}",
            event["why"],
        )
        for event in answer["events"]
    ]
    _table(console(), ("number", "at", "migration", "what", "who", "from → to", "why"), rows)
    if answer["before"] is not None:
        click.echo(f"Earlier ones: --before {answer['before']}", err=True)


def _brief(values: Mapping[str, Any]) -> str:
    if "percent" in values:
        return f"{values['percent']:g} % {values.get('state', '')}".strip()
    return " ".join(f"{name}={value}" for name, value in values.items()) or "-"


def _step(found: Mapping[str, Any]) -> str:
    steps, step = found["steps"], found["step"]
    return f"{step}/{len(steps)}" if steps else "-"


def _file(found: Mapping[str, Any]) -> str:
    return f"{found['file_percent']:g} %{' (differs)' if found['differs'] else ''}"


def _verdict(found: Mapping[str, Any]) -> str:
    verdict = found["verdict"]
    return f"{verdict['outcome']}: {verdict['words']}" if verdict is not None else "-"


def _figure(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _table(out: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    table = Table(*columns, box=None, padding=(0, 2), header_style="dim")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    out.print(table)
