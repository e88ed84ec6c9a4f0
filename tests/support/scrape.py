"""What a gateway's `/metrics` says, by names and labels."""

from dataclasses import dataclass
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from tests.support.client import ask


@dataclass(frozen=True)
class Scraped:
    """One page of metrics: name, labels and value of each sample."""

    samples: list[tuple[str, dict[str, str], float]]

    def total(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that have these labels; names are without the prefix."""
        return sum(value for known, given, value in self.samples if known == name and labels.items() <= given.items())


async def scrape(port: int) -> Scraped:
    """Read the metrics at an admin port."""
    answer = await ask(port, "/metrics")
    assert answer.status == 200
    families: Any = text_string_to_metric_families(answer.body.decode())
    return Scraped(
        [
            (sample.name.removeprefix("crossfade_"), sample.labels, sample.value)
            for family in families
            for sample in family.samples
        ]
    )
