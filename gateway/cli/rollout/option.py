"""What the verbs have in common: which migration, and where it is asked."""

import os
from collections.abc import Callable
from typing import Any

import click
from click.shell_completion import CompletionItem

from gateway.cli.admin import DEFAULT_URL, TOKEN_VARIABLE, admin_option, call

json_option = click.option("--json", "as_json", is_flag=True, help="Print the JSON that the gateway answers.")


def complete_migration(ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete a migration's name by asking the gateway; where that cannot be, complete nothing."""
    if not os.environ.get(TOKEN_VARIABLE):
        return []
    try:
        answer = call(ctx.params.get("admin") or DEFAULT_URL, "GET", "/api/rollouts")
    except click.ClickException:
        return []
    names = [found["migration"] for found in answer["rollouts"]]
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


migration_argument = click.argument("migration", shell_complete=complete_migration)


def verb(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that every verb has."""
    return admin_option(json_option(command))
