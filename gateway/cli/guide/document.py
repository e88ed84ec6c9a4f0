"""The deprecation guide: what ends when, and for every endpoint what to call instead and what changes in it.

It tells what every caller may know: no consumer's name, no split, no limit.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

from gateway.cli.guide.change import Change, Versions, answer_changes, request_changes
from gateway.cli.guide.curl import curl
from gateway.cli.markdown import code, document, table, ticked
from gateway.cli.planning import iso
from gateway.config.deprecation import Deprecation
from gateway.config.snapshot import AuthMode, Endpoint, Migration, Snapshot
from gateway.config.translation import Adapter
from gateway.policy.phase import at, stand

PHASES = (
    ("announced", "the end is announced: `Link` names this guide"),
    ("deprecated", "answers carry `Deprecation`, `Sunset` and `Link`"),
    ("gone", "calls get 410"),
    ("removed", "calls get 404"),
)
WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def guide(snapshot: Snapshot, now: float) -> str:
    """Return the guide as Markdown; `now` (Unix seconds) is when it is read."""
    dated = [one for one in snapshot.migrations.values() if one.deprecation is not None or one.exceptions]
    undated = [one for one in snapshot.migrations.values() if one not in dated]
    return document(
        [
            "# Moving to the new API",
            f"As of {iso(now)}. `$API` is the API's address, `$TOKEN` your token, `body.json` what you send."
            " Fill in what is in capitals.",
            _overview(dated, undated, now),
            *_advice(snapshot, dated),
            *(block for migration in (*dated, *undated) for block in _chapter(migration, snapshot, now)),
        ]
    )


def _overview(dated: Sequence[Migration], undated: Sequence[Migration], now: float) -> str:
    columns = ("area", "now", *(name for name, _ in PHASES))
    rows = [_dates_row(migration.title, migration.deprecation, now) for migration in dated if migration.deprecation]
    rows += [
        _dates_row(f"{migration.title}: {ticked(label)}", own, now)
        for migration in dated
        for label, own in migration.exceptions.items()
    ]
    rows += [(migration.title, "parallel", *("not announced" for _ in PHASES)) for migration in undated]
    return f"## What ends when\n\n{table(columns, rows)}\n\n" + "\n".join(
        f"- **{name}**: {what}." for name, what in PHASES
    )


def _dates_row(title: str, calendar: Deprecation, now: float) -> tuple[str, ...]:
    return (
        title,
        at(calendar, now).value,
        *(iso(moment) if math.isfinite(moment) else "–" for moment in _dates(calendar)),
    )


def _dates(calendar: Deprecation) -> tuple[float, ...]:
    return calendar.announced, calendar.deprecated, calendar.gone, calendar.removed


def _advice(snapshot: Snapshot, dated: Sequence[Migration]) -> Iterator[str]:
    """Yield how a client notices, and how it can try the end before it comes."""
    example = next((one for one in dated if one.deprecation and math.isfinite(one.deprecation.gone)), None)
    if example is None or example.deprecation is None:
        return
    endpoint = next(endpoint for endpoint in snapshot.endpoints if endpoint.owner == example.name)
    calendar, successor = example.deprecation, str(endpoint.successor_template)
    warned = stand(calendar, calendar.deprecated, None, successor)
    yield "## How you notice"
    yield f"From {iso(calendar.deprecated)} on every answer of {ticked(endpoint.label)} says:"
    yield code("\n".join(f"{name}: {value}" for name, value in warned.headers), "http")
    if calendar.brownouts:
        windows = ", ".join(f"{iso(window.start)} to {iso(window.end)}" for window in calendar.brownouts)
        yield f"In a brownout ({windows}) they get 410 already, with `Retry-After`: who is not ready finds out in time."
    ended = stand(calendar, calendar.gone, None, successor).problem
    if ended is not None:
        yield f"From {iso(calendar.gone)} on they get 410 with this body:"
        body = ended.render(instance=str(endpoint.template), request_id="…").decode()
        yield code(_indented(body), "json")
    if calendar.rehearsal:
        yield "Try it before: this header answers a request as of its date, and changes nothing for anybody else."
        yield code(f'{_call(endpoint, is_after=False)} -H "Crossfade-Rehearse: {iso(calendar.gone)}"', "sh")
    yield "Machines find all dates at `GET /.well-known/api-migrations`."


def _indented(body: str) -> str:
    import json

    return json.dumps(json.loads(body), indent=2, ensure_ascii=False)


def _chapter(migration: Migration, snapshot: Snapshot, now: float) -> Iterator[str]:
    yield f"## {migration.title}"
    calendar = migration.deprecation
    if calendar is not None and calendar.docs is not None:
        yield f"More: {calendar.docs}"
    versions = Versions(migration.legacy, migration.successor)
    for endpoint in snapshot.endpoints:
        if endpoint.owner == migration.name:
            yield from _section(endpoint, migration.exceptions.get(endpoint.label), versions)


def _section(endpoint: Endpoint, own: Deprecation | None, versions: Versions) -> Iterator[str]:
    yield f"### {endpoint.label}"
    yield f"Call {ticked(f'{endpoint.successor_method} {endpoint.successor_template}')} instead."
    if own is not None:
        dates = ", ".join(
            f"{name} {iso(moment)}"
            for (name, _), moment in zip(PHASES, _dates(own), strict=True)
            if math.isfinite(moment)
        )
        yield f"It has dates of its own: {dates}."
    yield code(f"# before\n{_call(endpoint, is_after=False)}\n# after\n{_call(endpoint, is_after=True)}", "sh")
    yield from _differences(endpoint.adapter, versions)


def _differences(adapter: Adapter | None, versions: Versions) -> Iterator[str]:
    if adapter is None:
        yield "Bodies stay as they are."
        return
    request = adapter.request
    tables: Mapping[str, list[Change]] = {
        "Query": request_changes(request.query, request.query_source, versions) if request is not None else [],
        "Request body": request_changes(request.transform, request.source, versions) if request is not None else [],
        "Answer": answer_changes(adapter.response, versions),
        "Errors": answer_changes(adapter.error, versions),
    }
    for title, changes in tables.items():
        if changes:
            rows = [(ticked(change.before) or "–", ticked(change.after) or "–", _remark(change)) for change in changes]
            yield f"{title}:"
            yield table((versions.before, versions.after, "what changes"), rows)
    yield _statuses(adapter, versions)


def _remark(change: Change) -> str:
    if change.note:
        return change.note
    return "" if change.before == change.after else "renamed or moved"


def _statuses(adapter: Adapter, versions: Versions) -> str:
    found = [pair for part in (adapter.response, adapter.error) if part is not None for pair in part.status.items()]
    said = ", ".join(f"{after} where {versions.before} says {before}" for after, before in found)
    return f"Status: {versions.after} says {said}." if said else ""


def _call(endpoint: Endpoint, *, is_after: bool) -> str:
    method = endpoint.successor_method if is_after else endpoint.method
    path = endpoint.successor_template if is_after else endpoint.template
    request = endpoint.adapter.request if endpoint.adapter is not None else None
    query: list[str] = []
    body: list[str] | None = [] if method in WITH_BODY else None
    if request is not None:
        names = Versions("", "")
        query = _members(request_changes(request.query, request.query_source, names), is_after=is_after)
        if body is not None:
            body = _members(request_changes(request.transform, request.source, names), is_after=is_after)
    return curl(method, str(path), query, body, needs_token=endpoint.auth is AuthMode.REQUIRED)


def _members(changes: Sequence[Change], *, is_after: bool) -> list[str]:
    """Return the top-level names that are known on one side."""
    named = [change.after if is_after else change.before for change in changes if change.is_named]
    return list(dict.fromkeys(path.partition(".")[0].removesuffix("[]") for path in named if path))
