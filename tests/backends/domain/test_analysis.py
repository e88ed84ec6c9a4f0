"""Analyses: results from the k-lines, progress and history."""

import pytest

from backends.domain.analysis import Analyses
from backends.domain.claims import Claims
from backends.domain.errors import Fault, FaultKind
from backends.domain.judgement import measured
from backends.domain.research import Research
from backends.domain.trend import Trends
from tests.backends.domain.conftest import Parts


@pytest.fixture
def analyses(parts: Parts) -> Analyses:
    return Analyses(parts.store, parts.queue, parts.market)


async def _completed(parts: Parts, analyses: Analyses, symbol: str = "600519", days: int = 60) -> str:
    task = await analyses.start("bob", symbol, "momentum", days)
    claims = Claims(parts.store, parts.clock, worker="w", lease_seconds=5)
    assert (await claims.claim() or {})["_id"] == task.id
    await analyses.conclude(task)
    await claims.finish(task.id, {"status": "completed"})
    return task.id


async def test_an_analysis_is_a_task_of_the_queue(parts: Parts, analyses: Analyses) -> None:
    task = await analyses.start("bob", "AAPL", "volatility", 30)
    assert (task.status, task.analysis_type, task.days, task.priority) == ("pending", "volatility", 30, 5)
    assert await parts.queue.task("bob", task.id) == task
    progress = await analyses.progress("bob", task.id)
    assert (progress.task_id, progress.symbol, progress.status, progress.progress) == (task.id, "AAPL", "pending", 0)


async def test_a_result_is_computed_from_the_days_asked_for(parts: Parts, analyses: Analyses) -> None:
    task_id = await _completed(parts, analyses, days=40)
    result = await analyses.result("bob", task_id)
    closes = [candle.close for candle in await parts.market.kline("600519", "day", 40)]
    assert result.indicators == measured(closes)
    assert (result.symbol, result.name, result.analysis_type) == ("600519", "贵州茅台", "momentum")
    assert result.completed_at == "2026-11-23T10:00:00.000Z"


async def test_the_same_analysis_has_the_same_result_twice(parts: Parts, analyses: Analyses) -> None:
    first, second = [await analyses.result("bob", await _completed(parts, analyses)) for _ in range(2)]
    assert first.indicators == second.indicators
    assert (first.recommendation, first.confidence) == (second.recommendation, second.confidence)


async def test_concluding_twice_is_harmless(parts: Parts, analyses: Analyses) -> None:
    task_id = await _completed(parts, analyses)
    await analyses.conclude(await parts.queue.task("bob", task_id))
    assert (await analyses.results("bob", 1, 10)).total == 1


async def test_there_is_no_result_before_the_end_nor_after_a_cancellation(parts: Parts, analyses: Analyses) -> None:
    task = await analyses.start("bob", "AAPL", "technical", 60)
    with pytest.raises(Fault, match="not finished yet") as early:
        await analyses.result("bob", task.id)
    await parts.queue.cancel("bob", task.id)
    with pytest.raises(Fault, match="without a result") as late:
        await analyses.result("bob", task.id)
    assert {early.value.kind, late.value.kind} == {FaultKind.CONFLICT}


async def test_someone_elses_analysis_is_not_found(parts: Parts, analyses: Analyses) -> None:
    task_id = await _completed(parts, analyses)
    for attempt in (analyses.result("carol", task_id), analyses.progress("carol", task_id)):
        with pytest.raises(Fault) as refused:
            await attempt
        assert refused.value.kind is FaultKind.NOT_FOUND


async def test_history_lists_every_analysis_newest_first(parts: Parts, analyses: Analyses) -> None:
    done = await _completed(parts, analyses)
    parts.clock.advance(1)
    waiting = (await analyses.start("bob", "AAPL", "technical", 60)).id
    history = await analyses.history("bob", 1, 10)
    assert [(entry.task_id, entry.status) for entry in history.items] == [(waiting, "pending"), (done, "completed")]
    assert [entry.completed_at for entry in history.items] == [None, "2026-11-23T10:00:00.000Z"]


async def test_a_report_writes_a_completed_analysis_out(parts: Parts, analyses: Analyses) -> None:
    task_id = await _completed(parts, analyses)
    research = Research(parts.market, analyses, seed=7)
    assert [result.task_id for result in (await research.reports("bob", 1, 10)).items] == [task_id]
    report = await research.report("bob", task_id)
    assert "贵州茅台 (600519)" in report.text
    assert (await analyses.result("bob", task_id)).recommendation in report.title


async def test_a_trend_is_kept_for_its_user(parts: Parts) -> None:
    trends = Trends(parts.store, parts.market, parts.clock)
    trend_id = await trends.start("bob", "AAPL", 60)
    trend = await trends.get("bob", trend_id)
    days = await parts.market.kline("AAPL", "day", 60)
    assert (trend.symbol, trend.days, trend.start_date, trend.end_date) == ("AAPL", 60, days[0].date, days[-1].date)
    assert trend.direction in {"up", "down", "flat"}
    assert 0 <= trend.fit <= 1
    for user, wanted in (("carol", trend_id), ("bob", "trend-x")):
        with pytest.raises(Fault) as refused:
            await trends.get(user, wanted)
        assert refused.value.kind is FaultKind.NOT_FOUND
