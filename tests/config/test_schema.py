"""The JSON Schema that editors use agrees with what loads."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from gateway.config.schema import json_schema
from tests.config.sample import CONTRACT, MINIMAL, replaced


class EditorLoader(yaml.SafeLoader):
    """YAML as editors read it, with dates as texts."""


EditorLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def _mistakes(text: str) -> list[str]:
    data: Any = yaml.load(text, Loader=EditorLoader)
    return [error.message for error in Draft202012Validator(json_schema()).iter_errors(data)]


def test_the_schema_is_a_schema_of_its_draft() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize("text", [CONTRACT, MINIMAL.read_text("utf-8")], ids=["contract", "minimal"])
def test_the_schema_accepts_good_files(text: str) -> None:
    assert _mistakes(text) == []


def test_the_schema_accepts_the_complete_file() -> None:
    assert _mistakes(MINIMAL.with_name("gateway.yaml").read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("store: sqlite", "stores: sqlite"),
        ("percent: 10 ", "percnt: 10 "),
        ("percent: 10 ", "percent: 101 "),
        ("  drain: 30s", "  drain: 30 seconds"),
        ("version: 1", "version: 2"),
        ('"POST /api/favorites"', '"/api/favorites"'),
        ("on_fail: step_down", "on_fail: step_up"),
        ("endpoints: [http://127.0.0.1:3001]", "endpoints: []"),
        ("alg: HS256", "alg: none"),
        ('body: "{symbol: stock_code, name: stock_name, tags: tags}"', "body: {pyton: a}"),
    ],
)
def test_the_schema_refuses_a_mistake(old: str, new: str) -> None:
    assert _mistakes(replaced(CONTRACT, old, new))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("percent: 10 ", "percent: ${PERCENT:-10} "),
        ("by: consumer}", "by: [consumer]}"),
        ("http://127.0.0.1:3001", "https://v2.internal"),
        ("http://127.0.0.1:3001", '"unix:/run/v2.sock"'),
        ("by: [claim:sub, cookie:cid, ip]", "by: ip"),
        ("fallback: true ", "fallback: {budget: 20, concurrency: 5} "),
        ("claim: {plan: beta}", "claim: {level: 3, staff: true}"),
        ('body: "{symbol: stock_code, name: stock_name, tags: tags}"', 'body: {python: "json:loads"}'),
    ],
)
def test_the_schema_accepts_every_way_to_write_a_thing(old: str, new: str) -> None:
    assert _mistakes(replaced(CONTRACT, old, new)) == []


def test_the_schema_names_no_path_of_a_machine() -> None:
    assert str(Path.cwd()) not in str(json_schema())
