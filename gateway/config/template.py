"""Path templates such as `/api/favorites/{stock_code}` and `/api/reports/{rest*}`."""

import re
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
        """Return the raw parameters of `path`, or None when it does not fit: what the router's tree is held to."""
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
        found = dict(zip(self.names, values, strict=True))
        if self.rest is not None:
            found[self.rest] = "/".join(parts[count:])
        return found

    def __str__(self) -> str:
        return self.text


def plainest(text: str) -> str:
    """Return an equivalent spelling (RFC 3986 section 6.2.2): unreserved characters decoded, other escapes capital."""
    if "%" not in text:
        return text
    decoded = UNRESERVED.sub(lambda escape: chr(int(escape[1], 16)), text)
    return ESCAPE.sub(lambda escape: escape[0].upper(), decoded)


class Rewrite:
    """Makes of a path that fits `source` the path of `target`: parameters filled in as the client wrote them.

    The form takes the path's segments by their number; the one before the first slash is number 0.
    """

    __slots__ = ("_form", "_is_fixed", "_rest")

    def __init__(self, source: PathTemplate, target: PathTemplate) -> None:
        self._is_fixed = target.is_literal
        self._rest = len(source.segments) + 1 if source.rest is not None else -1
        places = dict(zip(source.names, (n for n, part in enumerate(source.segments, 1) if part is None), strict=True))
        if source.rest is not None:
            places[source.rest] = self._rest
        names = iter(target.names)
        parts = [f"{{{places[next(names)]}}}" if part is None else part for part in target.segments]
        if target.rest is not None:
            parts.append(f"{{{places[target.rest]}}}")
        self._form = "/" + "/".join(parts)

    def apply(self, path: str) -> str:
        """Return the target's path."""
        if self._is_fixed:
            return self._form
        segments = path.split("/", self._rest)
        if len(segments) == self._rest:
            segments.append("")  # `{rest*}` may fill nothing, not even its slash
        return self._form.format(*segments)

    def __repr__(self) -> str:
        return f"<Rewrite to {self._form}>"


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
