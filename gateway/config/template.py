"""Path templates such as `/api/favorites/{stock_code}` and `/api/reports/{rest*}`."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Self

NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
UNRESERVED = re.compile(r"%(2[dDeE]|3[0-9]|4[1-9a-fA-F]|5[0-9aA]|5[fF]|6[1-9a-fA-F]|7[0-9aAeE])")
"""Percent-encodings of unreserved characters, which RFC 3986 section 2.3 calls equivalent to the characters."""
ESCAPE = re.compile(r"%[0-9a-fA-F]{2}")
LITERAL = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})+")


class TemplateError(ValueError):
    """The text is not a path template; the message says why."""


@dataclass(frozen=True)
class PathTemplate:
    """A parsed path template. A parameter fills exactly one non-empty segment; `{name*}` fills the rest, also nothing.

    `segments` holds a literal as itself and a parameter as `None`; `names` the parameters' names in order; `rest` the
    name of the trailing `{name*}` or None. It never decodes: parameters are the raw, percent-encoded segments.
    """

    text: str
    segments: tuple[str | None, ...]
    names: tuple[str, ...]
    rest: str | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a template; raises TemplateError."""
        if not text.startswith("/"):
            raise TemplateError(f"a path starts with '/', this one is {text!r}")
        segments: list[str | None] = []
        names: list[str] = []
        rest: str | None = None
        parts = text[1:].split("/")
        for position, part in enumerate(parts):
            if part.startswith("{") and part.endswith("*}"):
                rest = _name(part[1:-2], text)
                if position != len(parts) - 1:
                    raise TemplateError(f"'{part}' must be the last segment of {text!r}")
            elif part.startswith("{") and part.endswith("}"):
                names.append(_name(part[1:-1], text))
                segments.append(None)
            else:
                segments.append(_literal(part, text))
        every = [*names, rest] if rest else names
        if len(set(every)) != len(every):
            raise TemplateError(f"a parameter appears twice in {text!r}")
        return cls(text, tuple(segments), tuple(names), rest)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """All names, the trailing one included."""
        return frozenset(self.names) | ({self.rest} if self.rest else set())

    @property
    def is_literal(self) -> bool:
        """Whether it matches exactly one path."""
        return not self.names and self.rest is None

    def match(self, path: str) -> dict[str, str] | None:
        """Return the raw parameters of `path`, or None when it does not fit."""
        if self.is_literal:
            return {} if path == self.text else None
        parts = path[1:].split("/")
        count = len(self.segments)
        if len(parts) < count or (len(parts) > count and self.rest is None):
            return None
        values: list[str] = []
        for part, segment in zip(parts, self.segments, strict=False):
            if segment is None:
                if not part:
                    return None
                values.append(part)
            elif segment != part:
                return None
        return self._name(values, parts)

    def extract(self, path: str) -> dict[str, str]:
        """Return the parameters of a path that is known to match but may be encoded differently."""
        parts = path[1:].split("/")
        return self._name([part for part, segment in zip(parts, self.segments, strict=False) if segment is None], parts)

    def _name(self, values: list[str], parts: list[str]) -> dict[str, str]:
        found = dict(zip(self.names, values, strict=True))
        if self.rest is not None:
            found[self.rest] = "/".join(parts[len(self.segments) :])
        return found

    def fill(self, parameters: Mapping[str, str]) -> str:
        """Return the path with every parameter filled in, raw values as they are."""
        if self.is_literal:
            return self.text
        values = iter(parameters[name] for name in self.names)
        parts = [next(values) if segment is None else segment for segment in self.segments]
        if self.rest is not None:
            parts.append(parameters[self.rest])
        return "/" + "/".join(parts)

    def __str__(self) -> str:
        return self.text


def plainest(text: str) -> str:
    """Return an equivalent spelling (RFC 3986 section 6.2.2): unreserved characters decoded, other escapes capital."""
    if "%" not in text:
        return text
    decoded = UNRESERVED.sub(lambda escape: chr(int(escape[1], 16)), text)
    return ESCAPE.sub(lambda escape: escape[0].upper(), decoded)


def _name(text: str, template: str) -> str:
    if not NAME.fullmatch(text):
        raise TemplateError(f"{text!r} is not a parameter name (letters, digits, _) in {template!r}")
    return text


def _literal(text: str, template: str) -> str:
    if "{" in text or "}" in text:
        raise TemplateError(f"a parameter fills a whole segment: {text!r} in {template!r}")
    if text and not LITERAL.fullmatch(text):
        raise TemplateError(f"{text!r} in {template!r} has characters that a path must percent-encode")
    for escape in ESCAPE.findall(text):
        if plainest(escape) != escape:
            raise TemplateError(f"write '{plainest(escape)}' in place of '{escape}' in {template!r}")
    if text in {".", ".."}:
        raise TemplateError(f"dot segments never match: {template!r}")
    return text
