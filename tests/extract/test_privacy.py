"""What must not be stored is hidden in a body as served, before anything reads it."""

import hashlib
import hmac
import json
from typing import Any

import msgspec
import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.extract.privacy import hidden, hidden_again, hidden_part
from pyrus_etl.settings import load_settings
from pyrus_etl.settings.privacy import Privacy, Target

KEY = "a key of one's own"


def privacy(**texts: str) -> Privacy:
    return load_settings({**texts}, {"PYRUS_ETL_HASH_KEY": KEY}).privacy


def hashed(text: str) -> str:
    return "hmac-sha256:" + hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


V4 = b"""{"task": {"id": 7, "form_id": 55, "text": "Pay Ann", "subject": "Ann",
  "author": {"id": 3, "first_name": "Ann", "email": "ann@x.org", "mobile_phone": "700", "type": "user"},
  "fields": [
    {"id": 1, "type": "text", "name": "Secret", "value": "abcdef"},
    {"id": 2, "type": "money", "name": "Sum", "value": 10.10000000000000000001},
    {"id": 3, "type": "title", "name": "Group", "value": {"checkmark": "checked", "fields": [
      {"id": 4, "type": "email", "name": "E-mail", "parent_id": 3, "value": "bob@x.org"}]}},
    {"id": 5, "type": "file", "name": "Scan", "value": [{"id": 90, "name": "p.pdf", "size": 5}]}],
  "attachments": [{"id": 90, "name": "p.pdf", "size": 5}, {"id": 91, "name": "q.pdf", "size": 6}],
  "comments": [{"id": 9, "text": "Ann was paid", "channel": {"type": "email", "from": "bob@x.org"},
    "field_updates": [{"id": 1, "type": "text", "name": "Secret", "value": "abc"}]}]}}"""

V3 = b"""{"TaskWithNotes": {"Id": 7, "Text": "Pay", "Author": {"Id": 3, "FirstName": "Ann", "Email": "ann@x.org"},
  "Projects": [{"Id": 8, "Name": "Sub", "Parent": {"Id": 55, "Name": "Form"}}],
  "Form": [{"Field": {"Id": 1, "Type": "Text", "Name": "Secret"}, "Text": "abcdef"},
           {"Field": {"Id": 4, "Type": "Email", "Name": "E-mail"}, "Email": "bob@x.org", "RowId": 2}]}}"""


def test_without_rules_a_body_stays_as_it_is_served() -> None:
    assert hidden(b"{not json", Privacy()) == b"{not json"


def test_a_field_that_is_left_out_keeps_its_name_and_loses_its_value_in_the_task_and_in_comments() -> None:
    task = _task(hidden(V4, privacy(left_out="55/1, 55/5")))

    assert task["fields"][0] == {"id": 1, "type": "text", "name": "Secret"}
    assert task["comments"][0]["field_updates"] == [{"id": 1, "type": "text", "name": "Secret"}]
    assert task["attachments"] == [{"id": 91, "name": "q.pdf", "size": 6}], "a file of the field is attached as well"


def test_a_hashed_field_becomes_a_text_whatever_its_type_and_depth() -> None:
    task = _task(hidden(V4, privacy(hashed="55/2, */email")))

    (group_field,) = task["fields"][2]["value"]["fields"]
    assert group_field == {"id": 4, "type": "text", "name": "E-mail", "parent_id": 3, "value": hashed("bob@x.org")}
    assert task["fields"][1]["type"] == "text"
    assert task["fields"][1]["value"] == hashed("[10.10000000000000000001]")


def test_a_text_is_cut_and_a_value_that_is_not_a_text_is_left_out() -> None:
    task = _task(hidden(V4, privacy(cut="*/text:3, 55/2:3")))

    assert [field.get("value") for field in task["fields"][:2]] == ["abc", None]


def test_persons_and_channels_lose_their_emails_and_phones() -> None:
    task = _task(hidden(V4, privacy(left_out="person/phone", hashed="person/email")))

    assert task["author"] == {
        "id": 3, "first_name": "Ann", "email": hashed("ann@x.org"), "mobile_phone": None, "type": "user",
    }  # fmt: skip
    assert task["comments"][0]["channel"] == {"type": "email", "from": hashed("bob@x.org")}
    assert task["fields"][2]["value"]["fields"][0]["value"] == "bob@x.org", "a form's field has a rule of its own"


def test_the_texts_of_a_task_are_hidden_by_a_name_of_their_own() -> None:
    task = _task(hidden(V4, privacy(left_out="55/task_text")))

    assert (task["text"], task["subject"], task["comments"][0]["text"]) == (None, None, None)
    assert task["fields"][0]["value"] == "abcdef"


def test_rules_for_another_form_change_nothing() -> None:
    assert _task(hidden(V4, privacy(left_out="56/1, 56/task_text"))) == _task(V4)


def test_the_form_of_a_restapi_task_is_any_of_its_projects() -> None:
    found = json.loads(hidden(V3, privacy(left_out="55/1", hashed="55/4, person/email")))["TaskWithNotes"]

    assert found["Form"] == [
        {"Field": {"Id": 1, "Type": "Text", "Name": "Secret"}},
        {"Field": {"Id": 4, "Type": "Text", "Name": "E-mail"}, "RowId": 2, "Text": hashed("bob@x.org")},
    ]
    assert found["Author"]["Email"] == hashed("ann@x.org")


def test_rows_of_a_register_have_the_form_that_was_asked_for() -> None:
    row = b'{"tasks": [{"id": 7, "fields": [{"id": 1, "type": "text", "value": "abcdef"}]}]}'

    assert b"abcdef" not in hidden(row, privacy(left_out="55/1"), form_id=55)
    assert b"abcdef" in hidden(row, privacy(left_out="55/1"), form_id=56)


def test_to_hide_twice_changes_nothing_more() -> None:
    rules = privacy(left_out="person/phone", hashed="55/1, 55/2, person/email", cut="55/4:3")
    once = hidden(V4, rules)

    assert hidden(once, rules) == once


def test_numbers_and_everything_else_stay_as_served() -> None:
    body = b'{"task":{"id":99999999999999999999999,"x":1.10,"y":1e400,"z":null,"n":[null,"\\ud83d\\ude00"]}}'

    assert hidden(body, privacy(left_out="1/1")) == body.replace(b"\\ud83d\\ude00", "😀".encode())


@pytest.mark.parametrize("body", [b"{not json", b"[" * 100_000, b"\xff"])
def test_a_body_that_cannot_be_read_is_refused(body: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        hidden(body, privacy(left_out="1/1"))


@pytest.mark.parametrize(
    ("variable", "text", "message"),
    [
        ("LEFT_OUT", "12", "neither a field nor a part of a person"),
        ("LEFT_OUT", "person/name", "neither a field nor a part of a person"),
        ("CUT", "55/1", "give the number of characters to keep"),
        ("FORMS", "Sales", "is not an id"),
        ("HASHED", "55/1", "needs a key"),
    ],
)
def test_a_rule_that_cannot_be_kept_is_refused(variable: str, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        load_settings({}, {f"PYRUS_ETL_{variable}": text})


def test_a_rule_names_forms_fields_and_types() -> None:
    assert load_settings({"cut": "55/1:4,*/Email:2"}, {}).cut == (Target(55, "1", 4), Target(None, "email", 2))


def test_a_selection_includes_or_excludes_ids() -> None:
    only, but = load_settings({"forms": "1, 2", "lists": "-3"}, {}).forms, load_settings({"lists": "-3"}, {}).lists

    assert [only.has(number) for number in (1, 2, 3, None)] == [True, True, False, False]
    assert [but.has(number) for number in (1, 3, None)] == [True, False, True]


def _task(body: bytes) -> Any:
    return json.loads(body)["task"]


def test_a_stored_body_is_hidden_again_only_if_the_rules_name_more_of_it() -> None:
    rules = privacy(left_out="55/1, person/phone", hashed="*/email")
    kept = hidden_again(V4, rules)

    assert kept is not None
    assert _task(kept) == _task(hidden(V4, rules))
    assert hidden_again(kept, rules) is None
    assert hidden_again(V4, Privacy()) is None
    assert hidden_again(V4, privacy(left_out="99/1")) is None


def test_the_stored_parts_of_a_person_follow_the_rules_for_persons() -> None:
    rules = privacy(left_out="person/phone", hashed="person/email")

    assert hidden_part(rules, "mobile_phone", "700") is None
    assert hidden_part(rules, "email", "ann@x.org") == hashed("ann@x.org")
    assert hidden_part(rules, "email", hashed("ann@x.org")) == hashed("ann@x.org")


def test_the_digest_tells_rules_apart_and_has_no_key() -> None:
    rules = privacy(left_out="55/1, 55/2")

    assert rules.digest == privacy(left_out="55/2, 55/1").digest == rules._replace(key=b"another").digest
    assert len({rules.digest, privacy(hashed="55/1, 55/2").digest, Privacy().digest}) == 3


def test_another_key_is_noticed_by_sixteen_bits_if_something_is_hashed() -> None:
    rules = privacy(hashed="55/1")

    assert (
        rules.key_check == privacy(hashed="55/1, 55/2", left_out="55/3").key_check != rules._replace(key=b"b").key_check
    )
    assert len(rules.key_check or "") == 4
    assert privacy(left_out="55/1").key_check is None
