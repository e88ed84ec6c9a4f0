"""Which page of a list a caller wants, in v1's names."""

from pydantic import BaseModel

from backends.domain.rules import PageNumber, PageSize


class PageQuery(BaseModel):
    """A page of a list, from 1."""

    page: PageNumber = 1
    page_size: PageSize = 20
