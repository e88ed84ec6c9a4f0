"""What clients send is read the same however it is cut, and refused at the byte that spoils it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.realtime.frame import Binary, Broken, Close, Event, Ping, Pong, Text
from gateway.realtime.reader import Reader
from tests.support.ws_frame import client_frame, close_payload

LIMIT = 1 << 16


def read(data: bytes, limit: int = LIMIT) -> list[Event]:
    return Reader(limit).feed(data)


def codes(data: bytes, limit: int = LIMIT) -> list[int]:
    return [event.code for event in read(data, limit) if isinstance(event, Broken)]


def test_whole_messages_are_read_in_their_order() -> None:
    data = client_frame(1, b"a") + client_frame(2, b"b") + client_frame(9, b"c") + client_frame(10, b"d")
    assert read(data) == [Text("a"), Binary(b"b"), Ping(b"c"), Pong(b"d")]


def test_control_frames_come_between_the_fragments_of_a_message() -> None:
    data = (
        client_frame(1, "h\xe9".encode()[:2], is_final=False)
        + client_frame(9, b"now")
        + client_frame(0, b"", is_final=False)
        + client_frame(0, "h\xe9".encode()[2:] + b"!")
    )
    assert read(data) == [Ping(b"now"), Text("hé!")]


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 65_535, 65_536])
def test_every_length_is_read(size: int) -> None:
    assert read(client_frame(2, b"x" * size)) == [Binary(b"x" * size)]


BROKEN = {
    "a reserved bit": (client_frame(1, b"x", reserved=4), 1002),
    "reserved bits of a control frame": (client_frame(9, b"x", reserved=1), 1002),
    "a reserved opcode": (client_frame(3, b"x"), 1002),
    "a reserved control opcode": (client_frame(11, b"x"), 1002),
    "no mask": (client_frame(1, b"x", mask=None), 1002),
    "a control frame in fragments": (client_frame(9, b"x", is_final=False), 1002),
    "a control frame of 126 bytes": (client_frame(9, b"x" * 126), 1002),
    "a continuation of nothing": (client_frame(0, b"x"), 1002),
    "a last continuation of nothing": (client_frame(0, b"x", is_final=False), 1002),
    "a message inside of another": (client_frame(1, b"x", is_final=False) + client_frame(1, b"y"), 1002),
    "a length that is too long by one form": (client_frame(1, b"x" * 5, length=b"\x7e\x00\x05"), 1002),
    "a length that is too long by two forms": (client_frame(1, b"x" * 5, length=b"\x7f" + bytes(7) + b"\x05"), 1002),
    "a length of 16 bits in 64": (client_frame(2, b"x" * 200, length=b"\x7f" + bytes(7) + b"\xc8"), 1002),
    "a negative length": (client_frame(1, b"", length=b"\x7f\x80" + bytes(7)), 1002),
    "a close of one byte": (client_frame(8, b"\x03"), 1002),
    "a reason that is no UTF-8": (client_frame(8, close_payload(1000, b"\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0")), 1007),
    "text that is no UTF-8": (client_frame(1, b"\xc0\xaf"), 1007),
    "text that ends inside of a character": (client_frame(1, b"\xe4\xbd"), 1007),
    "a surrogate": (client_frame(1, b"\xed\xa0\x80"), 1007),
    "beyond Unicode": (client_frame(1, b"\xf4\x90\x80\x80"), 1007),
    "a message over the limit": (client_frame(1, b"x" * (LIMIT + 1)), 1009),
    "a message over the limit in parts": (
        client_frame(1, b"x" * LIMIT, is_final=False) + client_frame(0, b"x"),
        1009,
    ),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
def test_what_breaks_the_protocol_ends_with_its_code(data: bytes, code: int) -> None:
    assert codes(data) == [code]


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN)
def test_it_does_so_byte_by_byte_too(data: bytes, code: int) -> None:
    reader, found = Reader(LIMIT), list[Event]()
    for index in range(len(data)):
        found += reader.feed(data[index : index + 1])
    assert [event.code for event in found if isinstance(event, Broken)] == [code]


@pytest.mark.parametrize("code", [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999])
def test_a_good_close_code_is_taken(code: int) -> None:
    assert read(client_frame(8, close_payload(code, b"bye"))) == [Close(code, "bye")]


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_a_close_code_that_must_not_be_sent_is_refused(code: int) -> None:
    assert codes(client_frame(8, close_payload(code))) == [1002]


def test_nothing_is_read_after_a_close() -> None:
    reader = Reader(LIMIT)
    assert reader.feed(client_frame(8) + client_frame(1, b"late")) == [Close(None, "")]
    assert reader.feed(client_frame(1, b"later")) == []


def test_what_came_before_the_break_is_still_told() -> None:
    events = read(client_frame(1, b"good") + client_frame(1, b"bad", reserved=1) + client_frame(1, b"unread"))
    assert events[0] == Text("good")
    assert isinstance(events[1], Broken)
    assert len(events) == 2


@pytest.mark.parametrize(
    "spoilt",
    [b"\xff", b"\xc0", b"\xe0\x80", b"\xed\xa0", b"\xf0\x80", b"\xf4\x90", b"\xf8"],
    ids=lambda value: value.hex(),
)
def test_text_is_refused_at_the_byte_that_spoils_it_though_its_frame_is_not_complete(spoilt: bytes) -> None:
    frame = client_frame(1, b"good" + spoilt + b"x" * 100)
    reader = Reader(LIMIT)
    first_bytes = 2 + 4 + 4 + len(spoilt)
    assert reader.feed(frame[: first_bytes - 1]) == []
    events = reader.feed(frame[first_bytes - 1 : first_bytes])
    assert [event.code for event in events if isinstance(event, Broken)] == [1007]


def test_a_message_is_refused_for_its_size_when_it_says_so_and_not_when_it_has_come() -> None:
    head = client_frame(2, b"", length=b"\x7f" + (1 << 40).to_bytes(8))[:-4]
    assert codes(head) == [1009]


def test_a_reader_at_rest_holds_nothing() -> None:
    reader = Reader(LIMIT)
    frame = client_frame(1, b"hello")
    assert reader.is_at_rest
    reader.feed(frame[:3])
    assert not reader.is_at_rest
    reader.feed(frame[3:])
    assert reader.is_at_rest
    reader.feed(client_frame(1, b"begun", is_final=False))
    assert not reader.is_at_rest


frames = st.one_of(
    st.builds(lambda text: [client_frame(1, text.encode())], st.text(max_size=200)),
    st.builds(lambda data: [client_frame(2, data)], st.binary(max_size=200)),
    st.builds(lambda data: [client_frame(9, data)], st.binary(max_size=125)),
    st.builds(
        lambda text, cut, ping: [
            client_frame(1, text.encode()[:cut], is_final=False),
            client_frame(9, ping),
            client_frame(0, text.encode()[cut:]),
        ],
        st.text(max_size=50),
        st.integers(0, 60),
        st.binary(max_size=5),
    ),
    st.sampled_from([[data] for data, _ in BROKEN.values() if len(data) < 300]),
)


@given(st.lists(frames, max_size=6), st.data())
def test_however_it_is_cut_the_same_is_read(messages: list[list[bytes]], draw: st.DataObject) -> None:
    data = b"".join(frame for message in messages for frame in message)
    whole = read(data)
    reader, pieces, at = Reader(LIMIT), list[Event](), 0
    while at < len(data):
        size = draw.draw(st.integers(1, len(data) - at))
        pieces += reader.feed(data[at : at + size])
        at += size
    assert pieces == whole


@given(st.binary(max_size=400))
def test_noise_is_refused_or_waited_for_and_never_more(noise: bytes) -> None:
    reader = Reader(LIMIT)
    events = reader.feed(noise)
    assert all(not isinstance(event, Broken | Close) for event in events[:-1])
