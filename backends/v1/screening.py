"""`/api/screening`: stocks that meet criteria. Only on v1."""

from aiohttp import web
from pydantic import BaseModel

from backends.domain.research import Research, ScreenedStock, ScreeningField, ScreeningQuery
from backends.domain.rules import Number, ScreeningLimit, Volume
from backends.shell.inputs import body
from backends.v1.envelope import success


class ScreeningBody(BaseModel):
    """The criteria; one that is left out lets every stock pass."""

    market: str | None = None
    min_change_percent: Number | None = None
    max_change_percent: Number | None = None
    min_volume: Volume | None = None
    limit: ScreeningLimit = 50


class ScreeningArea:
    """The handlers of `/api/screening`."""

    def __init__(self, research: Research) -> None:
        self._research = research

    def routes(self) -> list[web.RouteDef]:
        """This area's paths."""
        return [
            web.get("/api/screening/fields", self.fields),
            web.post("/api/screening/run", self.run),
        ]

    async def fields(self, request: web.Request) -> web.Response:
        """The criteria there are."""
        return success([field_shape(field) for field in self._research.fields()])

    async def run(self, request: web.Request) -> web.Response:
        """The stocks that pass."""
        given = await body(request, ScreeningBody)
        found = await self._research.screen(ScreeningQuery(**given.model_dump()))
        return success({"items": [stock_shape(stock) for stock in found.items], "total": found.total})


def field_shape(field: ScreeningField) -> dict[str, object]:
    """v1's criterion."""
    return {"name": field.name, "label": field.label, "kind": field.kind}


def stock_shape(stock: ScreenedStock) -> dict[str, object]:
    """v1's stock that passed."""
    return {
        "stock_code": stock.symbol,
        "stock_name": stock.name,
        "change_percent": stock.change_percent,
        "volume": stock.volume,
        "close": stock.close,
    }
