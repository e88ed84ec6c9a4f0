"""`${NAME}`, `${NAME:-default}` and `${file:/path}` in the file's scalars; `$$` is one `$`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

REFERENCE = re.compile(r"\$\$|\$\{([^}]*)(\}?)")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
MAX_SECRET_BYTES = 64 << 10


class InterpolationError(ValueError):
    """A reference that cannot be filled in; the message says what to do, and never holds a value."""


@dataclass(frozen=True, slots=True)
class Filled:
    """A scalar with its references filled in, and which values came from outside the file, by what to call them."""

    text: str
    secrets: Mapping[str, str]


class Interpolator:
    """Fills in references from an environment and from files; relative ones are looked up in `folder`."""

    def __init__(self, environ: Mapping[str, str], folder: Path) -> None:
        self._environ = environ
        self._folder = folder

    def fill(self, text: str) -> Filled:
        """Fill in every reference of one scalar; raises InterpolationError."""
        secrets: dict[str, str] = {}

        def replace(match: re.Match[str]) -> str:
            if match[0] == "$$":
                return "$"
            if not match[2]:
                raise InterpolationError("a ${ has no closing }; write $${ for a literal one")
            value, is_secret = self._value(match[1])
            if is_secret:
                secrets[value] = match[0]
            return value

        return Filled(REFERENCE.sub(replace, text), secrets)

    def _value(self, reference: str) -> tuple[str, bool]:
        if reference.startswith("file:"):
            return self._read(reference.removeprefix("file:")), True
        name, separator, default = reference.partition(":-")
        if not NAME.fullmatch(name):
            raise InterpolationError("write ${NAME}, ${NAME:-default} or ${file:/path}, or $$ for a literal $")
        value = self._environ.get(name)
        if separator and not value:
            return default, False
        if value is None:
            raise InterpolationError(
                f"the environment variable {name} is not set; set it, or write ${{{name}:-default}} to go without"
            )
        _refuse_surrogates(value, f"the environment variable {name}")
        return value, True

    def _read(self, name: str) -> str:
        path = self._folder / name
        if not name or not path.is_file():
            raise InterpolationError(
                f"there is no file '{name}' to read the secret from; create it or correct the path"
            )
        try:
            with path.open("rb") as file:
                raw = file.read(MAX_SECRET_BYTES + 1)
            if len(raw) > MAX_SECRET_BYTES:
                raise InterpolationError(f"the file '{name}' is larger than 64 KiB, which is no secret")
            return raw.decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError:
            raise InterpolationError(f"the file '{name}' is not UTF-8 text; store the secret as text") from None
        except OSError as error:
            raise InterpolationError(f"the file '{name}' cannot be read: {error.strerror}") from None


def _refuse_surrogates(value: str, owner: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        raise InterpolationError(f"{owner} is not UTF-8 text; set it again") from None


class Redactor:
    """Takes values that came from outside the file out of messages and puts their references there instead."""

    def __init__(self) -> None:
        self._secrets: dict[str, str] = {}

    def __repr__(self) -> str:
        return f"<Redactor {len(self._secrets)} values>"

    def add(self, secrets: Mapping[str, str]) -> None:
        """Remember more values."""
        self._secrets.update({value: name for value, name in secrets.items() if value})

    def clean(self, message: str) -> str:
        """Return the message without any remembered value. Very short ones are taken out where they are quoted."""
        for value in sorted(self._secrets, key=len, reverse=True):
            reference = self._secrets[value]
            for form in (value, repr(value)[1:-1]):
                message = message.replace(form if len(value) > 3 else f"'{form}'", reference)
        return message
