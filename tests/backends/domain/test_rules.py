"""The rules for input: what passes, and the sentence for what does not."""

from typing import Any

import pytest
from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from backends.domain import rules
from backends.domain.errors import Fault, FaultKind


def _reason(rule: Any, value: object) -> str:
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(rule).validate_python(value, strict=True)
    return rules.sentence(refused.value.errors()[0])


@pytest.mark.parametrize(
    ("rule", "value"),
    [
        (rules.Username, "a_b-9"),
        (rules.Email, "a.b@c.example.org"),
        (rules.Symbol, "600519"),
        (rules.Symbol, "BRK.B"),
        (rules.Symbols, ["600519"] * 20),
        (rules.Priority, 0),
        (rules.Priority, 9),
        (rules.Days, 250),
        (rules.Price, 0.01),
        (rules.DateText, "2026-02-28"),
    ],
)
def test_good_values_pass(rule: Any, value: object) -> None:
    assert TypeAdapter(rule).validate_python(value, strict=True) == value


@pytest.mark.parametrize(
    ("rule", "value", "reason"),
    [
        (rules.Username, "ALICE", rules.USERNAME_REASON),
        (rules.Username, "alice\n", rules.USERNAME_REASON),
        (rules.Email, "a@b", rules.EMAIL_REASON),
        (rules.Symbol, "6005/19", rules.SYMBOL_REASON),
        (rules.Symbol, "", rules.SYMBOL_REASON),
        (rules.Symbol, 600519, "the value must be text"),
        (rules.Password, "short", "the text must have at least 8 characters"),
        (rules.Symbols, [], "the list must have at least 1 item"),
        (rules.Symbols, ["A"] * 21, "the list must have at most 20 items"),
        (rules.Symbols, "600519", "the value must be a list"),
        (rules.Priority, -1, "the value must be at least 0"),
        (rules.Priority, 10, "the value must be at most 9"),
        (rules.Priority, "5", "the value must be a whole number"),
        (rules.Priority, 5.5, "the value must be a whole number"),
        (rules.Price, 0.0, "the value must be more than 0"),
        (rules.Price, "1", "the value must be a number"),
        (rules.Price, float("inf"), "the value must be a finite number"),
        (rules.AnalysisType, "astrology", "the value is not one of those allowed"),
        (rules.DateText, "2026-02-30", rules.DATE_REASON),
        (rules.DateText, "20260228", rules.DATE_REASON),
        (bool, "yes", "the value must be true or false"),
        (dict[str, int], [], "the value must be an object"),
    ],
)
def test_bad_values_get_a_sentence(rule: Any, value: object, reason: str) -> None:
    assert _reason(rule, value) == reason


def test_missing_and_unknown_fields_get_a_sentence_without_their_names() -> None:
    class Body(BaseModel):
        model_config = ConfigDict(extra="forbid")
        stock_code: rules.Symbol

    with pytest.raises(ValidationError) as refused:
        Body.model_validate({"symbol": "A"})
    reasons = {rules.sentence(error) for error in refused.value.errors()}
    assert reasons == {"a required value is missing", "an unknown field is not allowed"}


def test_a_checked_value_is_returned_or_a_fault_names_its_field() -> None:
    adapter: TypeAdapter[str] = TypeAdapter(rules.Username)
    assert rules.checked(adapter, "alice", "username") == "alice"
    with pytest.raises(Fault) as refused:
        rules.checked(adapter, "A", "username")
    assert (refused.value.kind, refused.value.field) == (FaultKind.INVALID, "username")
