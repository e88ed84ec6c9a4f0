"""The conventions of every v2 message: camelCase outside, the domain's names inside, times in ISO 8601.

Owns no field of any area.
"""

from collections.abc import Callable
from typing import Any, Self

from pydantic import AliasGenerator, BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from backends.domain.page import Page
from backends.domain.rules import PageNumber, PageSize


class Output(BaseModel):
    """Something that v2 answers; made from a value of the domain whose attributes bear the same names."""

    model_config = ConfigDict(
        alias_generator=AliasGenerator(serialization_alias=to_camel), from_attributes=True, frozen=True
    )

    @classmethod
    def of(cls, value: object) -> Self:
        """The domain's value in v2's shape."""
        return cls.model_validate(value, from_attributes=True)


class Plain(BaseModel):
    """Something that v2 answers under its own names, without an envelope."""

    model_config = ConfigDict(frozen=True)


class Input(BaseModel):
    """Something that v2 reads; members it does not know are ignored."""

    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=to_camel), frozen=True)

    def given(self) -> dict[str, Any]:
        """What the caller sent, and nothing that is only a default."""
        return self.model_dump(exclude_unset=True)


class PageQuery(Input):
    """Which page of a list."""

    page: PageNumber = 1
    page_size: PageSize = 20


class Pagination(Output):
    """Which page this is."""

    page: int
    page_size: int
    total: int


class Listing[T](Output):
    """One page of a list; each list is a class of its own, because that names its schema."""

    items: list[T]
    pagination: Pagination

    @classmethod
    def page_of[D](cls, page: Page[D], shape: Callable[[D], T]) -> Self:
        """A page of the domain in v2's shape."""
        place = Pagination(page=page.page, page_size=page.page_size, total=page.total)
        return cls(items=[shape(item) for item in page.items], pagination=place)
