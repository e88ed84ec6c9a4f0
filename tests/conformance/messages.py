"""Valid HTTP/1.1 messages of every shape, as hypothesis strategies, and the ways to cut their bytes."""

import itertools
import re
from dataclasses import dataclass, field

from hypothesis import strategies as st

type Fields = list[tuple[bytes, bytes]]

MANAGED = frozenset(
    b"host via forwarded x-forwarded-for x-forwarded-proto x-forwarded-host x-request-id traceparent x-served-by "
    b"connection content-length transfer-encoding te trailer keep-alive proxy-connection upgrade expect date"
    b" server".split()
)
"""Fields that a gateway may add, change or drop; everything else arrives as it was sent."""

TOKEN = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PCHAR = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@"
MEANT = re.compile(r"^[A-Za-z0-9_-]{2,}$")
SERIAL = itertools.count()


@dataclass(frozen=True, repr=False)
class Framing:
    """How a body is written: no body, its length, chunks (with extensions and trailers), or until the end."""

    kind: str
    chunks: list[tuple[bytes, bytes]] = field(default_factory=list)
    trailers: Fields = field(default_factory=list)

    def __repr__(self) -> str:
        parts = [(data if len(data) <= 60 else f"{len(data)} bytes", extension) for data, extension in self.chunks]
        return f"Framing({self.kind!r}, {parts}, {self.trailers})"

    @property
    def body(self) -> bytes:
        """The body's bytes."""
        return b"".join(data for data, _ in self.chunks)

    def fields(self) -> bytes:
        """Return the field line that says so."""
        if self.kind == "length":
            return b"Content-Length: %d\r\n" % len(self.body)
        return b"Transfer-Encoding: chunked\r\n" if self.kind == "chunked" else b""

    def wire(self) -> bytes:
        """Return the body as it is sent."""
        if self.kind != "chunked":
            return self.body
        parts = [b"%x%s\r\n%s\r\n" % (len(data), extension, data) for data, extension in self.chunks if data]
        lines = b"".join(b"%s: %s\r\n" % pair for pair in self.trailers)
        return b"".join(parts) + b"0\r\n" + lines + b"\r\n"


@dataclass(frozen=True)
class Message:
    """One valid request or answer: `start` is its first line without the version."""

    start: tuple[bytes, bytes]
    fields: Fields
    framing: Framing
    interim: list[bytes] = field(default_factory=list)

    def request(self) -> bytes:
        """Return it as a request."""
        lines = b"".join(b"%s:%s\r\n" % pair for pair in self.fields)
        head = b"%s %s HTTP/1.1\r\nHost: t.example\r\n" % self.start
        return head + lines + self.framing.fields() + b"\r\n" + self.framing.wire()

    def answer(self) -> bytes:
        """Return it as an answer, interim ones first."""
        lines = b"".join(b"%s:%s\r\n" % pair for pair in self.fields)
        head = b"".join(self.interim) + b"HTTP/1.1 %s %s\r\n" % self.start
        return head + lines + self.framing.fields() + b"\r\n" + self.framing.wire()

    def kept(self) -> Fields:
        """Return the fields that must arrive, names in lower case, values without the space around them."""
        return [(name.lower(), value.strip(b" \t")) for name, value in self.fields]


def is_ours(name: bytes) -> bool:
    """Whether a gateway leaves this field alone."""
    return name.lower() not in MANAGED and not name.lower().startswith((b"ratelimit", b"crossfade"))


ordinary = st.sampled_from([b"X-Plain", b"Accept-Language", b"If-Match", b"Priority"])
# hypothesis also draws words of the source, such as names of identity fields, which a gateway drops: marked off.
odd = st.text(TOKEN.decode(), min_size=1, max_size=12).map(lambda name: MEANT.sub(r"\g<0>!", name).encode())
names = (ordinary | odd).filter(is_ours)
inner = st.binary(max_size=20).map(lambda data: bytes(b for b in data if (b >= 0x20 and b != 0x7F) or b == 0x09))
values = st.tuples(st.sampled_from([b"", b" ", b"\t", b"  "]), inner, st.sampled_from([b"", b" "])).map(b"".join)
fields = st.lists(st.tuples(names, values), max_size=8)
repeated = st.lists(inner, min_size=2, max_size=3).map(lambda found: [(b"X-Several", value) for value in found])

small = st.binary(max_size=60)
large = st.integers(60_000, 200_000).map(lambda size: bytes(range(256)) * (size // 256))
words = st.text(TOKEN.decode(), min_size=1, max_size=6)
extensions = st.one_of(
    st.just(""),
    words.map(lambda word: f";{word}"),
    st.tuples(words, words).map(lambda pair: f";{pair[0]}={pair[1]}"),
    words.map(lambda word: f';{word}="a b;\\"c"'),
).map(str.encode)
trailers = st.lists(st.tuples(words.map(lambda word: b"X-T-" + word.encode()), st.just(b"end")), max_size=2)


def framings(bodies: st.SearchStrategy[bytes], *kinds: str) -> st.SearchStrategy[Framing]:
    """Return framings of these kinds."""
    plain = st.lists(st.tuples(bodies, st.just(b"")), min_size=1, max_size=1)
    chunks = st.lists(st.tuples(bodies, extensions), max_size=4)
    found = {
        "none": st.just(Framing("none")),
        "length": plain.map(lambda parts: Framing("length", parts)),
        "chunked": st.builds(Framing, st.just("chunked"), chunks, trailers),
        "end": plain.map(lambda parts: Framing("end", parts)),
    }
    return st.one_of(*(found[kind] for kind in kinds))


escapes = st.sampled_from(["%20", "%41", "%7e", "%2F", "%2f", "%C3%A9", "%25", "%3F", "%0A"])
segments = st.lists(st.one_of(st.sampled_from(PCHAR), escapes), max_size=8).map("".join)
paths = st.lists(segments.filter(lambda text: text.strip(".") or not text), max_size=4)
queries = st.lists(st.one_of(st.sampled_from(PCHAR + "/?"), escapes), max_size=10).map("".join)


@st.composite
def targets(draw: st.DrawFn) -> bytes:
    """A target in origin form; its last path segment is unlike any other's."""
    parts = [*draw(paths), f"t{next(SERIAL)}"]
    # `//host/x` is a valid origin form, but `%2F` beside dots is refused on purpose (a resolved path could differ).
    text = "/" + "/".join(part for part in parts if part)
    query = draw(st.none() | queries)
    return (text if query is None else f"{text}?{query}").encode()


def is_safe(target: bytes) -> bool:
    """Whether no decoding of the path has dot segments."""
    path = target.partition(b"?")[0].lower().replace(b"%2f", b"/")
    return not any(segment in {b".", b".."} for segment in path.split(b"/"))


@st.composite
def requests(draw: st.DrawFn, bodies: st.SearchStrategy[bytes] = small) -> Message:
    """Any valid request."""
    method = draw(st.sampled_from([b"GET", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"HEAD"]))
    kinds = ["none"] if method == b"HEAD" else ["none", "length", "chunked"]
    return Message(
        (method, draw(targets().filter(is_safe))),
        draw(fields) + draw(st.just([]) | repeated),
        draw(framings(bodies, *kinds)),
    )


@st.composite
def answers(draw: st.DrawFn, *, to_head: bool = False) -> Message:
    """Any valid final answer, now and then with an early hint before it."""
    status = draw(st.sampled_from([b"200", b"201", b"206", b"204", b"304", b"404", b"418", b"500"]))
    kinds = ["none"] if to_head or status in {b"204", b"304"} else ["length", "chunked", "end"]
    interim = draw(st.lists(st.just(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"), max_size=1))
    framing = draw(framings(st.one_of(small, small, large), *kinds))
    return Message((status, b"Some Reason"), draw(fields) + draw(st.just([]) | repeated), framing, interim)


@st.composite
def cuts(draw: st.DrawFn, most: int = 8) -> list[float]:
    """Where to cut a message of any length: fractions of it."""
    return sorted(draw(st.lists(st.floats(0, 1), max_size=most)))


def cut(data: bytes, places: list[float]) -> list[bytes]:
    """Cut data at fractions of its length."""
    at = [0, *(round(place * len(data)) for place in places), len(data)]
    return [piece for start, end in itertools.pairwise(at) if (piece := data[start:end])]
