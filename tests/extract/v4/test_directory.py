"""Answers about forms, lists, catalogs and people → the model: recorded answers, and odd ones."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.extract.pages import Whole
from pyrus_etl.extract.v4.api import client_for
from pyrus_etl.extract.v4.directory import Directory
from pyrus_etl.extract.v4.wire.words import FIELD_TYPES
from pyrus_etl.model.catalog import Catalog, CatalogItem, CatalogRead, Column, Contents
from pyrus_etl.model.definition import Choice, DefinedField, Form, FormStep
from pyrus_etl.model.person import Person
from pyrus_etl.model.project import List
from pyrus_etl.model.role import Role
from pyrus_etl.model.stream import CATALOGS, FORMS, LISTS, PEOPLE
from tests.conftest import loaded
from tests.directory import DENIED, script, things
from tests.runs import CHECKOUT
from tests.scripted import Reply, scripted
from tests.services import need

SAMPLES = CHECKOUT.parent / "shared" / "samples"


def sample(name: str) -> bytes:
    path = Path(SAMPLES / name)
    need("samples", path.exists())
    return path.read_bytes()


def only_form(**properties: Any) -> Form:
    ((form,),) = things(FORMS, {"forms": [{"id": 1, **properties}]})
    assert isinstance(form, Form)
    return form


def places(form: Form) -> list[tuple[Any, ...]]:
    return [(field.position, field.id, field.type, field.parent_id, field.in_rows) for field in form.fields]


def test_fields_are_in_one_sequence_depth_first() -> None:
    table = {"id": 3, "type": "table", "info": {"columns": [{"id": 4, "type": "money"}, {"id": 5, "type": "file"}]}}
    options = [
        {"choice_id": 1, "choice_value": "Yes", "fields": [{"id": 7, "type": "note"}]},
        {"choice_id": 2, "choice_value": "No", "deleted": True},
    ]
    form = only_form(
        fields=[
            {"id": 1, "type": "text"},
            {"id": 2, "type": "title", "info": {"fields": [table]}},
            {"id": 6, "type": "multiple_choice", "info": {"options": options}},
            {"id": 8, "type": "rating", "parent_id": 2},
        ]
    )

    assert places(form) == [
        (1, 1, "Text", None, False),
        (2, 2, "Title", None, False),
        (3, 3, "Table", 2, False),
        (4, 4, "Decimal", 3, True),
        (5, 5, "Files", 3, True),
        (6, 6, "MultipleChoice", None, False),
        (7, 7, "Note", 6, False),
        (8, 8, "rating", 2, False),
    ]
    assert form.fields[5].choices == [Choice(1, "Yes"), Choice(2, "No", deleted=True)]


def test_a_field_has_everything_that_its_definition_says() -> None:
    info = {
        "code": "Sum",
        "form_id": 2**40,
        "catalog_id": 2**41,
        "multiple_choice": True,
        "required_step": 1,
        "immutable_step": 2,
        "decimal_places": 3,
        "currency": "EUR",
        "show_sum": True,
        "default_value": 0,
    }
    (field,) = only_form(fields=[{"id": 2**42, "type": "number", "name": "Сумма", "tooltip": "", "info": info}]).fields

    assert field == DefinedField(
        id=2**42,
        type="Number",
        name="Сумма",
        position=1,
        in_rows=False,
        code="Sum",
        catalog_id=2**41,
        linked_form_id=2**40,
        required_step=1,
        immutable_step=2,
        decimal_places=3,
        currency="EUR",
        multiple=True,
        has_default=True,
        choices=[],
    )


def test_a_field_may_be_hidden_by_a_condition_of_its_own_its_section_or_its_choice() -> None:
    condition = {"condition_type": 11, "children": [{"field_id": 1, "value": "5"}]}
    fields = [
        {"id": 1, "type": "text"},
        {"id": 2, "type": "text", "visibility_condition": condition},
        {"id": 3, "type": "title", "info": {"visibility_condition": condition, "fields": [{"id": 4, "type": "text"}]}},
        {"id": 5, "type": "multiple_choice", "info": {"options": [{"choice_id": 1, "fields": [{"id": 6}]}]}},
    ]

    assert {field.id for field in only_form(fields=fields).fields if field.is_conditional} == {2, 3, 4, 6}


@pytest.mark.parametrize(
    ("served", "folder"),
    [
        ([{"id": 1, "name": "Root"}, {"id": 2, "name": "Inner"}], ["Root", "Inner"]),
        (["Root", "Inner"], ["Root", "Inner"]),
        ([None, {"id": 3}, 7, "Inner"], ["Inner"]),
        ([], []),
        (None, None),
        ("Root", None),
    ],
)
def test_a_folder_is_names_from_the_root(served: Any, folder: list[str] | None) -> None:
    assert only_form(folder=served).folder == folder


def test_what_is_odd_in_a_form_is_left_out_and_the_rest_is_read() -> None:
    fields = [
        None,
        {"type": "text", "name": "no id"},
        {"id": 5, "name": "no type"},
        {"id": 5, "type": "date", "name": "the same id"},
        {"id": "six", "type": "date"},
        {"id": 7, "type": "catalog", "info": {"catalog_id": "none", "required_step": 2**40, "columns": [None]}},
        {"id": 8, "type": "multiple_choice", "info": {"options": [None, {"choice_value": "no id"}, {"choice_id": 1}]}},
        {"id": 9, "type": "text", "info": None, "name": "a\0b\ud800"},
    ]
    form = only_form(
        name=7, steps={"1": "One", "two": "?", "²": "?", "3": 7, "03": None}, fields=fields, print_forms=[{}]
    )

    assert (form.name, form.steps) == (None, [FormStep(1, "One"), FormStep(3, None)])
    assert [(field.id, field.type, field.name, field.position) for field in form.fields] == [
        (5, None, "no type", 2),
        (7, "Catalog", None, 5),
        (8, "MultipleChoice", None, 6),
        (9, "Text", "a\ufffdb\ufffd", 7),
    ]
    assert (form.fields[1].catalog_id, form.fields[1].required_step) == (None, None)
    assert form.fields[2].choices == [Choice(1)]


def test_recorded_forms_keep_every_field_at_any_depth() -> None:
    body = sample("v4_REAL_forms_subset.json")
    (forms,) = things(FORMS, body)
    served = json.loads(body)["forms"]

    assert [form.id for form in forms] == [each["id"] for each in served]
    assert [[field.id for field in form.fields] for form in forms] == [list(_ids(each["fields"])) for each in served]
    assert {field.type for form in forms for field in form.fields} <= set(FIELD_TYPES.values())


def _ids(fields: list[dict[str, Any]]) -> list[int]:
    found: list[int] = []
    for field in fields:
        info = field.get("info", {})
        within = [*info.get("fields", []), *info.get("columns", [])]
        within += [inner for option in info.get("options", []) for inner in option.get("fields", [])]
        found += [field["id"], *_ids(within)]
    return found


def test_the_tree_of_lists_has_a_parent_for_each() -> None:
    tree = [
        {
            "id": 1,
            "name": "Top",
            "list_type": "org_wide",
            "version": 5,
            "children": [{"id": 2, "children": [{"id": 3}]}],
        },
        {"id": 4, "parent_id": 9, "deleted": True, "children": None},
        {"name": "no id", "parent_id": 4, "children": [{"id": 5}, None]},
        {"id": 1, "name": "the same id"},
    ]
    (lists,) = things(LISTS, {"lists": tree})

    assert lists == [
        List(id=1, name="Top", list_type="org_wide", version=5),
        List(id=2, parent_id=1),
        List(id=3, parent_id=2),
        List(id=4, parent_id=9, deleted=True),
        List(id=5, parent_id=4),
    ]


def test_recorded_lists() -> None:
    (lists,) = things(LISTS, sample("v4_REAL_lists.json"))

    assert len(lists) == 25
    assert List(id=2396163, name="Q4", version=1280210365, list_type="private", parent_id=2396159) in lists


@pytest.mark.parametrize("stream", [FORMS, LISTS, CATALOGS])
@pytest.mark.parametrize("answer", [{}, {"forms": None, "lists": [], "catalogs": [None]}])
def test_an_answer_without_its_array_is_empty(stream: str, answer: dict[str, Any]) -> None:
    assert things(stream, answer) == [[]]


@pytest.mark.parametrize("stream", [FORMS, LISTS, CATALOGS])
def test_a_stream_that_is_refused_has_no_page(stream: str, caplog: pytest.LogCaptureFixture) -> None:
    assert things(stream, DENIED) == []
    assert f"no answer to GET /{stream}, so its tables stay as they are stored" in caplog.text


@pytest.mark.parametrize("stream", [FORMS, LISTS])
def test_a_run_cannot_go_on_without_the_places_of_tasks(stream: str) -> None:
    with pytest.raises(PyrusUnreachable, match=rf"GET /{stream}\S* does not answer as Pyrus does .*check PYRUS_URL"):
        things(stream, Reply(200, b"[1]"))


@pytest.mark.parametrize("stream", [CATALOGS, PEOPLE])
def test_a_server_that_lacks_the_rest_is_no_error(stream: str) -> None:
    missing = Reply(400, b"no such page")

    assert things(stream, missing, {"/members": missing, "/roles": missing}) == []


def test_a_catalog_has_columns_and_items() -> None:
    served = {
        "catalog_id": 6,
        "version": 2**33,
        "source_type": "default",
        "external_version": 0,
        "catalog_headers": [{"name": "Name", "type": "text"}, None, {"name": "Next", "type": "workflow"}],
        "items": [
            {"item_id": 2**50, "values": ["a", None, 7, 1.50, {"b": [True]}], "external_id": 3, "links": []},
            {"item_id": 2, "deleted": True},
            {"values": ["no id"]},
            {"item_id": 2, "values": ["the same id"]},
            None,
        ],
    }
    catalog = Catalog(id=6, version=2**33, source_type="default", external_version=0)
    read = _contents_of(catalog, served)

    assert read == CatalogRead(
        catalog,
        Contents(
            [Column("Name", "text"), None, Column("Next", "workflow")],
            [CatalogItem(2**50, ["a", None, "7", "1.5", '{"b": [true]}'], 3), CatalogItem(2, [], None, deleted=True)],
        ),
    )


def test_a_recorded_catalog_without_items_is_empty() -> None:
    served = json.loads(sample("v4_REAL_catalog.json"))
    read = _contents_of(Catalog(id=307140, version=1312129821), served)

    assert read.contents == Contents([Column("Col1", "text"), Column("Col2", "text")], [])


def test_recorded_contacts_have_their_roles() -> None:
    body = sample("v4_REAL_contacts.json")
    (people,) = things(PEOPLE, body)
    served = json.loads(body)["organizations"]

    assert [
        (each.id, each.name, list(map(_person, each.persons or [])), list(map(_role, each.roles or [])))
        for each in people.contacts.organizations
    ] == [
        (
            each["organization_id"],
            each["name"],
            [(one["id"], one["type"], one.get("department_id"), one.get("banned")) for one in each.get("persons", [])],
            [(one["id"], one["name"], one.get("member_ids")) for one in each.get("roles", [])],
        )
        for each in served
    ]


def _person(person: Person) -> tuple[Any, ...]:
    return person.id, person.person_type, person.department_id, person.banned


def _role(role: Role) -> tuple[Any, ...]:
    return role.id, role.name, role.member_ids


def test_what_must_not_be_stored_of_persons_is_hidden() -> None:
    person = {"id": 1, "first_name": "Ann", "email": "ann@x.org", "phone": "1", "mobile_phone": "2", "login_phone": "3"}
    rules = {"PYRUS_ETL_HASH_KEY": "key", "PYRUS_ETL_HASHED": "person/email", "PYRUS_ETL_LEFT_OUT": "person/phone"}
    (people,) = things(PEOPLE, {"organizations": [{"persons": [person]}]}, {"/members": {"members": [person]}}, **rules)
    ((in_contacts,), (member,)) = people.contacts.organizations[0].persons, people.members

    assert in_contacts == member
    assert (member.first_name, member.phone, member.mobile_phone) == ("Ann", None, None)
    assert member.email.startswith("hmac-sha256:")


def _contents_of(catalog: Catalog, served: dict[str, Any]) -> CatalogRead:
    heads = {"catalogs": [{"catalog_id": catalog.id, "version": catalog.version, "source_type": catalog.source_type}]}
    heads["catalogs"][0] |= {"external_version": catalog.external_version}
    _, read = things(CATALOGS, heads, {f"/catalogs/{catalog.id}": served})
    assert isinstance(read, CatalogRead)
    return read


def test_forms_and_lists_are_asked_for_and_listed_once_in_a_run() -> None:
    """A long run keeps them for its registers; to store them again later would undo what another run has stored."""

    async def listed(url: str) -> list[int]:
        async with client_for(loaded({"PYRUS_URL": url, "PYRUS_ACCESS_TOKEN": "token"})) as client:
            directory = Directory(client.ask)
            await asyncio.gather(directory.forms(), directory.lists(), directory.forms())
            return [
                len([page async for page in directory.pages(stream, Whole())])
                for stream in (FORMS, LISTS, FORMS, LISTS)
            ]

    with scripted(script({})) as server:
        assert asyncio.run(listed(server.url)) == [1, 1, 0, 0]
        assert sorted(server.paths) == ["/api/v4/forms", "/api/v4/lists?with_deleted=true"]
