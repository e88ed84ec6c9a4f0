"""References to the environment and to secrets' files are filled in, and what they held is never told."""

from pathlib import Path

import pytest

from gateway.config.interpolate import Filled, InterpolationError, Interpolator, Redactor
from tests.config.sample import CONTRACT, ENVIRON, MINIMAL, SECRET, TOKEN, findings, load_text, replaced

ENV = {"NAME": "value", "EMPTY": "", "_x1": "under"}


@pytest.mark.parametrize(
    ("text", "filled", "secrets"),
    [
        ("plain", "plain", {}),
        ("${NAME}", "value", {"value": "${NAME}"}),
        ("a${NAME}b${_x1}", "avaluebunder", {"value": "${NAME}", "under": "${_x1}"}),
        ("${NOPE:-else}", "else", {}),
        ("${EMPTY:-else}", "else", {}),
        ("${NAME:-else}", "value", {"value": "${NAME:-else}"}),
        ("${NOPE:-}", "", {}),
        ("${NOPE:-a:-b c}", "a:-b c", {}),
        ("${EMPTY}", "", {"": "${EMPTY}"}),
        ("$$", "$", {}),
        ("$${NAME}", "${NAME}", {}),
        ("$$$${NAME}", "$${NAME}", {}),
        ("cost: $5", "cost: $5", {}),
        ("$NAME", "$NAME", {}),
    ],
)
def test_references_are_filled_in(text: str, filled: str, secrets: dict[str, str]) -> None:
    assert Interpolator(ENV, Path()).fill(text) == Filled(filled, secrets)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("${NOPE}", r"the environment variable NOPE is not set; set it, or write \$\{NOPE:-default\}"),
        ("${}", "write"),
        ("${1A}", "write"),
        ("${NAME-x}", "write"),
        ("${NAME", "no closing }"),
        ("${file:}", "there is no file"),
        ("${file:nowhere}", "there is no file 'nowhere'"),
        ("${file:/dev/zero}", "there is no file"),
    ],
)
def test_a_reference_that_cannot_be_filled_in_says_what_to_do(text: str, words: str) -> None:
    with pytest.raises(InterpolationError, match=words):
        Interpolator(ENV, Path()).fill(text)


def test_a_secrets_file_is_read_without_its_last_newline_and_beside_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s3cret\n")
    expected = {"s3cret": "${file:secret}"}
    assert Interpolator({}, tmp_path).fill("${file:secret}") == Filled("s3cret", expected)
    assert Interpolator({}, Path()).fill(f"${{file:{tmp_path}/secret}}").text == "s3cret"


def test_a_secrets_file_that_is_no_text_or_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    (tmp_path / "large").write_bytes(b"x" * (65 << 10))
    with pytest.raises(InterpolationError, match="is not UTF-8"):
        Interpolator({}, tmp_path).fill("${file:binary}")
    with pytest.raises(InterpolationError, match="larger than 64 KiB"):
        Interpolator({}, tmp_path).fill("${file:large}")


def test_an_environment_variable_that_is_no_text_is_refused() -> None:
    with pytest.raises(InterpolationError, match="NAME is not UTF-8"):
        Interpolator({"NAME": "\udcff"}, Path()).fill("${NAME}")


def test_a_reference_decides_no_type_and_an_empty_plain_one_is_null(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "percent: 10 ", "percent: ${PERCENT:-12.5} ")
    text = replaced(text, "redis: null", "redis: ${REDIS_URL:-}")
    text = replaced(text, "rehearsal: true", "rehearsal: ${REHEARSAL}")
    config = load_text(tmp_path, text, {**ENVIRON, "REHEARSAL": "false"}).config
    deprecation = config.migrations["watchlist"].deprecation
    assert config.migrations["watchlist"].rollout.percent == 12.5
    assert config.redis is None
    assert deprecation is not None
    assert deprecation.rehearsal is False


@pytest.mark.parametrize(
    "key", ["percent: 10", "legacy: v1", "url", 'match: "/api/{rest*}"', "alg: HS256", "auth: optional"]
)
@pytest.mark.parametrize("value", ["hunter2-hunter2", "pa\\ss'wo\"rd{x", "s", "GET /s3cret/{x"])
def test_a_value_from_outside_the_file_is_in_no_message(tmp_path: Path, key: str, value: str) -> None:
    name = key.partition(":")[0]
    text = MINIMAL.read_text("utf-8")
    text = (
        replaced(text, "[http://127.0.0.1:8000]", '["${LEAK}"]')
        if name == "url"
        else replaced(text, key, f'{name}: "${{LEAK}}"')
    )
    found = findings(tmp_path, text, {**ENVIRON, "LEAK": value})
    assert found
    for finding in found:
        assert value not in finding.message if len(value) > 3 else f"'{value}'" not in finding.message


def test_secrets_that_are_too_short_or_mistaken_for_others_are_not_told(tmp_path: Path) -> None:
    environ = {"JWT_SECRET": "short-but-secret", "CROSSFADE_ADMIN_TOKEN": "tiny-one"}
    said = "\n".join(map(str, findings(tmp_path, CONTRACT, environ)))
    assert "auth.jwt.keys[0].secret: is shorter than the 32 bytes" in said
    assert "server.admin.tokens[0].token: is shorter than 16 characters" in said
    assert not any(value in said for value in environ.values())


def test_a_secret_in_the_wrong_place_is_replaced_by_its_reference(tmp_path: Path) -> None:
    text = replaced(CONTRACT, "    legacy: v1", "    legacy: a${CROSSFADE_ADMIN_TOKEN}")
    (finding,) = [entry for entry in findings(tmp_path, text) if entry.severity == "error"]
    assert finding.message.startswith("there is no upstream 'a${CROSSFADE_ADMIN_TOKEN}'")
    assert TOKEN not in finding.message
    assert SECRET not in finding.message


def test_the_longest_value_is_taken_out_first() -> None:
    redactor = Redactor()
    redactor.add({"abcd": "${A}", "abcdef": "${B}", "": "${C}"})
    assert redactor.clean("abcdef and abcd") == "${B} and ${A}"
    assert repr(redactor) == "<Redactor 2 values>"
