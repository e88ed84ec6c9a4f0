"""The one kind of model that the file's schema is made of."""

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """A mapping of the file: immutable once read, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, arbitrary_types_allowed=True)
