"""`/api/financial-data`: a company's shares, value and ratios. Only on v1."""

from aiohttp import web

from backends.domain.research import FinancialData, Research
from backends.v1.envelope import success


class FinancialDataArea:
    """The handler of `/api/financial-data`."""

    def __init__(self, research: Research) -> None:
        self._research = research

    def routes(self) -> list[web.RouteDef]:
        """This area's path."""
        return [web.get("/api/financial-data/{symbol}", self.figures)]

    async def figures(self, request: web.Request) -> web.Response:
        """The figures."""
        return success(figures_shape(await self._research.financial(request.match_info["symbol"])))


def figures_shape(figures: FinancialData) -> dict[str, object]:
    """v1's figures."""
    return {
        "stock_code": figures.symbol,
        "stock_name": figures.name,
        "total_shares": figures.total_shares,
        "market_value": figures.market_value,
        "pe_ratio": figures.pe_ratio,
        "pb_ratio": figures.pb_ratio,
        "dividend_yield": figures.dividend_yield,
        "revenue_growth": figures.revenue_growth,
    }
