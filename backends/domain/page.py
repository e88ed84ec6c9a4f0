"""One page of a list, and the arithmetic of pages."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Items of one page (from 1) of a list of `total` items."""

    items: list[T]
    total: int
    page: int
    page_size: int


def skipped(page: int, page_size: int) -> int:
    """How many items come before that page."""
    return (page - 1) * page_size


def page_of[T](items: Sequence[T], page: int, page_size: int) -> Page[T]:
    """Cuts one page out of a list that is already in memory."""
    start = skipped(page, page_size)
    return Page(list(items[start : start + page_size]), len(items), page, page_size)
