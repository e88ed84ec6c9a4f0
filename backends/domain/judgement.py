"""From k-lines to indicators, and from indicators to a recommendation. Pure; nobody should trade on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from backends.domain import indicators as maths

BUY_ABOVE = 0.2
SELL_BELOW = -0.2


@dataclass(frozen=True, slots=True)
class Indicators:
    """Figures over the closes of the analysed days; volatility is annualised, in percent like the return."""

    ma5: float
    ma20: float
    rsi14: float
    macd: float
    volatility: float
    return_percent: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """`recommendation` is `buy`, `hold` or `sell`; `confidence` from 0 to 1."""

    recommendation: str
    confidence: float


def measured(closes: Sequence[float]) -> Indicators:
    """The indicators of a row of closes, rounded for people."""
    return Indicators(
        ma5=round(maths.moving_average(closes, 5), 4),
        ma20=round(maths.moving_average(closes, 20), 4),
        rsi14=round(maths.relative_strength(closes, 14), 4),
        macd=round(maths.macd(closes), 4),
        volatility=round(maths.volatility(closes), 4),
        return_percent=round(maths.return_percent(closes), 4),
    )


def judge(analysis_type: str, figures: Indicators) -> Judgement:
    """Weighs the indicators as that type of analysis does."""
    score = max(-1.0, min(1.0, _score(analysis_type, figures)))
    if score > BUY_ABOVE:
        recommendation = "buy"
    elif score < SELL_BELOW:
        recommendation = "sell"
    else:
        recommendation = "hold"
    return Judgement(recommendation, round(0.5 + abs(score) / 2, 4))


def summary(name: str, analysis_type: str, days: int, figures: Indicators, judgement: Judgement) -> str:
    """The result in a sentence or two."""
    return (
        f"{name}: {analysis_type} analysis over {days} days says {judgement.recommendation}. "
        f"Return {figures.return_percent:.2f} %, RSI {figures.rsi14:.1f}, volatility {figures.volatility:.1f} %."
    )


def _score(analysis_type: str, figures: Indicators) -> float:
    """From -1 (sell) to 1 (buy) and possibly beyond."""
    gap = (figures.ma5 / figures.ma20 - 1) * 20
    heat = (50 - figures.rsi14) / 50
    match analysis_type:
        case "momentum":
            return figures.return_percent / 20 + gap / 2
        case "volatility":
            return (30 - figures.volatility) / 60 + figures.return_percent / 60
        case _:
            return 0.6 * gap + 0.4 * heat + (0.1 if figures.macd > 0 else -0.1)
