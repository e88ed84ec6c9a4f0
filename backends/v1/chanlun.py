"""`/api/chanlun`: the turning points of a stock's k-lines. Only on v1."""

from aiohttp import web

from backends.domain.research import Fractal, Research
from backends.v1.envelope import success


class ChanlunArea:
    """The handler of `/api/chanlun`."""

    def __init__(self, research: Research) -> None:
        self._research = research

    def routes(self) -> list[web.RouteDef]:
        """This area's path."""
        return [web.get("/api/chanlun/{symbol}", self.fractals)]

    async def fractals(self, request: web.Request) -> web.Response:
        """Top and bottom fractals, oldest first."""
        symbol = request.match_info["symbol"]
        found = await self._research.fractals(symbol)
        return success({"stock_code": symbol, "fractals": [fractal_shape(fractal) for fractal in found]})


def fractal_shape(fractal: Fractal) -> dict[str, object]:
    """v1's fractal."""
    return {"date": fractal.date, "kind": fractal.kind, "price": fractal.price}
