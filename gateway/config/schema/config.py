"""The whole file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from gateway.config.schema.adapter import Adapter
from gateway.config.schema.auth import Auth, Quota, Redis
from gateway.config.schema.ledger import Ledger
from gateway.config.schema.migration import Lint, Migration, Route
from gateway.config.schema.realtime import Realtime
from gateway.config.schema.scalars import Name, filled
from gateway.config.schema.server import Server
from gateway.config.schema.strict import Strict
from gateway.config.schema.upstream import Upstream

DRAFT = "https://json-schema.org/draft/2020-12/schema"


SQLITE = "sqlite:///"


def _store(value: Any, info: ValidationInfo) -> str:
    """Read a store's URL; a relative file is looked up beside the configuration file, wherever we are started."""
    url = filled(value)
    folder = info.context.get("folder") if info.context else None
    if not url.startswith(SQLITE) or url == SQLITE or folder is None:
        return url
    return f"{SQLITE}{Path(folder, url.removeprefix(SQLITE)).absolute()}"


StoreUrl = Annotated[str, PlainValidator(_store), WithJsonSchema({"type": "string", "minLength": 1})]


def _version(value: Any) -> Any:
    return 1 if value == "1" else value


class Config(Strict):
    """One configuration file, with every default filled in."""

    version: Annotated[Literal[1], BeforeValidator(_version)]
    server: Server = Server()
    store: StoreUrl = Field(default="sqlite:///var/crossfade.db", repr=False, validate_default=True)
    ledger: Ledger = Ledger()
    redis: Redis | None = None
    upstreams: Mapping[Name, Upstream] = Field(min_length=1)
    auth: Auth = Auth()
    quotas: Mapping[Name, Quota] = {}
    routes: tuple[Route, ...] = ()
    adapters: Mapping[Name, Adapter] = {}
    migrations: Mapping[Name, Migration] = {}
    realtime: Realtime | None = None
    lint: Lint = Lint()


class _ForEditors(GenerateJsonSchema):
    """Leaves defaults out: they are held in seconds and bytes, which is not how the file writes them."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (draft 2020-12) that editors complete and check the file with."""
    described = Config.model_json_schema(schema_generator=_ForEditors)
    return {"$schema": DRAFT, **described, "title": "Crossfade configuration"}
