"""The directory of API v4 in the tables: as served, as it changes, and as accounts lose it."""

from collections.abc import Callable
from typing import Any

import pytest

from pyrus_etl.load.directory.seen import found_again, lost_forms, mark_lost
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.overview import overview
from pyrus_etl.settings import Secret
from tests.directory import ACCOUNT, DENIED, Answers, read_directory
from tests.runs import program
from tests.typing import Query

OTHER = ACCOUNT + 1
TABLES = (
    *("forms", "form_steps", "form_fields", "form_choices", "projects", "catalogs", "catalog_columns", "catalog_items"),
    *("persons", "organizations", "roles", "role_members", "directory_sightings"),
)
FORM: dict[str, Any] = {
    "id": 10,
    "name": "Contract",
    "folder": [{"id": 1, "name": "Legal"}, {"id": 2, "name": '{"quoted", \\'}],
    "deleted_or_closed": False,
    "steps": {"1": "Write", "2": "Approve"},
    "fields": [
        {"id": 1, "type": "text", "name": "Number", "info": {"code": "no", "required_step": 1}},
        {
            "id": 2,
            "type": "multiple_choice",
            "name": "Kind",
            "info": {"options": [{"choice_id": 1, "choice_value": "Sale"}, {"choice_id": 2, "choice_value": "Lease"}]},
        },
        {
            "id": 3,
            "type": "table",
            "name": "Goods",
            "info": {"columns": [{"id": 4, "type": "money", "name": "Sum", "info": {"currency": "EUR"}}]},
        },
    ],
}
CATALOGS = {"catalogs": [{"catalog_id": 5, "name": "Goods", "version": 1, "external_version": 3}]}
GOODS: dict[str, Any] = {
    "catalog_id": 5,
    "catalog_headers": [{"name": "Name", "type": "text"}, {"name": "Unit", "type": "text"}],
    "items": [
        {"item_id": 50, "values": ["Tea", None], "external_id": 500},
        {"item_id": 51, "values": ['Coffee, "black"', "\\kg{}"]},
    ],
}
PEOPLE: Answers = {
    "/contacts": {
        "organizations": [
            {
                "organization_id": 1,
                "name": "Ours",
                "persons": [
                    {"id": 100, "first_name": "Ann", "last_name": "", "type": "user", "department_name": "Sales"},
                    {"id": 101, "first_name": "Bot", "email": "bot@1", "type": "bot", "banned": False},
                ],
                "roles": [{"id": 200, "name": "Buyers", "member_ids": [100]}],
            },
            {"organization_id": 2, "roles": [{"id": 201, "name": "Partners", "member_ids": [102, 102, None]}]},
        ]
    },
    "/members": {
        "members": [
            {"id": 100, "first_name": "Ann", "last_name": "", "position": "Head", "phone": "1", "external_id": "hr-1"},
            {"id": 103, "first_name": "Eve", "email": "eve@1", "type": "user", "fired": True, "mobile_phone": "2"},
        ]
    },
    "/roles": {"roles": [{"id": 200, "name": "Buyers", "banned": True, "member_ids": [100, 101]}]},
}
WHOLE: Answers = {
    "/forms": {"forms": [FORM]},
    "/lists": {"lists": [{"id": 20, "name": "Top", "list_type": "private", "version": 7, "children": [{"id": 21}]}]},
    "/catalogs": CATALOGS,
    "/catalogs/5": GOODS,
    **PEOPLE,
}

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture
def rows(database: Secret, query: Query) -> Rows:
    """`rows("table column column")`: the columns of all rows, sorted."""

    def read(wanted: str) -> list[tuple[Any, ...]]:
        table, *columns = wanted.split()
        return query(database, f"SELECT {', '.join(columns)} FROM pyrus.{table} ORDER BY {', '.join(columns[:3])}")

    return read


def versions(query: Query, database: Secret) -> dict[str, Any]:
    """The transaction that wrote each row, and the row's place on the disk."""
    return {table: query(database, f"SELECT xmin::text, ctid::text FROM pyrus.{table} ORDER BY 2") for table in TABLES}


def form(**changed: Any) -> dict[str, Any]:
    return {"/forms": {"forms": [FORM | changed]}}


def test_forms_are_stored_to_the_last_choice(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)

    assert rows("forms form_id name deleted_or_closed folder lost_at") == [
        (10, "Contract", False, ["Legal", '{"quoted", \\'], None)
    ]
    assert rows("form_steps form_id step_no name") == [(10, 1, "Write"), (10, 2, "Approve")]
    assert rows("form_fields position field_id field_type field_name parent_field_id in_rows code currency") == [
        (1, 1, "Text", "Number", None, False, "no", None),
        (2, 2, "MultipleChoice", "Kind", None, False, None, None),
        (3, 3, "Table", "Goods", None, False, None, None),
        (4, 4, "Decimal", "Sum", 3, True, None, "EUR"),
    ]
    assert rows("form_choices form_id field_id choice_id value deleted") == [
        (10, 2, 1, "Sale", False),
        (10, 2, 2, "Lease", False),
    ]
    assert rows("projects project_id name parent_id kind list_type version deleted") == [
        (10, "Contract", None, "form", None, None, False),
        (20, "Top", None, "list", "private", 7, False),
        (21, None, 20, "list", None, None, False),
    ]


def test_catalogs_and_people_are_stored_to_the_last_item(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)

    assert rows("catalogs catalog_id name version deleted source_type external_version contents_version") == [
        (5, "Goods", 1, False, None, 3, 1)
    ]
    assert rows("catalog_columns catalog_id column_no name type") == [(5, 1, "Name", "text"), (5, 2, "Unit", "text")]
    assert rows('catalog_items catalog_id item_id "values" external_id deleted') == [
        (5, 50, ["Tea", None], 500, False),
        (5, 51, ['Coffee, "black"', "\\kg{}"], None, False),
    ]
    assert rows("roles role_id name banned fired") == [(200, "Buyers", True, False), (201, "Partners", False, False)]
    assert rows("role_members role_id person_id") == [(200, 100), (200, 101), (201, 102)]
    assert rows("organizations organization_id name") == [(1, "Ours"), (2, None)]
    columns = "first_name last_name email organization_id person_type department_name position banned fired"
    assert rows(f"persons person_id {columns}") == [
        (100, "Ann", "", None, 1, "user", "Sales", "Head", False, False),
        (101, "Bot", None, "bot@1", 1, "bot", None, None, False, None),
        (103, "Eve", None, "eve@1", None, "user", None, None, False, True),
        (200, "", "Buyers", None, 1, "role", None, None, True, None),
        (201, "", "Partners", None, 2, "role", None, None, None, None),
    ]


def test_each_is_asked_for_once_and_an_unchanged_directory_writes_nothing(database: Secret, query: Query) -> None:
    asked = read_directory(WHOLE, database)
    before = versions(query, database)
    again = read_directory(WHOLE, database)

    assert [path.partition("?")[0] for path in asked] == [
        *("/forms", "/lists", "/catalogs", "/catalogs/5", "/contacts", "/members", "/roles")
    ]
    assert [path.partition("?")[0] for path in again] == [
        *("/forms", "/lists", "/catalogs", "/contacts", "/members", "/roles")
    ]
    assert versions(query, database) == before


def test_a_renamed_form_keeps_what_is_the_same(database: Secret, query: Query, rows: Rows) -> None:
    read_directory(WHOLE, database)
    before = versions(query, database)
    read_directory({**WHOLE, **form(name="Agreement", folder=None)}, database)

    assert rows("forms name folder") == [("Agreement", None)]
    assert rows("projects project_id name")[0] == (10, "Agreement")
    changed = {table for table, stored in versions(query, database).items() if stored != before[table]}
    assert changed == {"forms", "projects"}


def test_fields_and_choices_that_are_gone_are_marked_and_unmarked(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)
    read_directory({**WHOLE, **form(fields=FORM["fields"][:1], steps={"2": "Approve"})}, database)

    assert rows("form_fields field_id num_nulls(removed_at)") == [(1, True), (2, False), (3, False), (4, False)]
    assert rows("form_choices choice_id deleted") == [(1, True), (2, True)]
    assert rows("form_steps step_no name") == [(2, "Approve")]

    read_directory(WHOLE, database)
    assert rows("form_fields field_id num_nulls(removed_at)") == [(1, True), (2, True), (3, True), (4, True)]
    assert rows("form_choices choice_id deleted") == [(1, False), (2, False)]


def test_what_v3_stored_of_forms_persons_and_projects_is_continued(database: Secret, query: Query, rows: Rows) -> None:
    query(database, "INSERT INTO pyrus.projects (project_id, name) VALUES (10, 'Old'), (30, 'Another')")
    query(
        database, "INSERT INTO pyrus.form_fields (form_id, field_id, field_type, in_rows) VALUES (10, 1, 'Date', true)"
    )
    query(database, "INSERT INTO pyrus.form_fields (form_id, field_id, in_rows) VALUES (10, 9, false), (11, 9, false)")
    query(database, "INSERT INTO pyrus.persons (person_id, first_name, can_send_notification) VALUES (100, 'A', true)")
    read_directory(WHOLE, database)

    assert [row[:2] for row in rows("projects project_id kind")] == [
        (10, "form"),
        (20, "list"),
        (21, "list"),
        (30, None),
    ]
    assert rows("form_fields form_id field_id field_type in_rows num_nulls(removed_at)")[0] == (
        10,
        1,
        "Text",
        False,
        True,
    )
    assert rows("form_fields form_id field_id num_nulls(removed_at)")[-2:] == [(10, 9, False), (11, 9, True)]
    assert rows("persons person_id first_name can_send_notification")[0] == (100, "Ann", True)


def test_contents_of_a_catalog_are_asked_for_when_its_version_moves(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)
    moved = {"catalogs": [{"catalog_id": 5, "name": "Things", "version": 2}]}
    fewer = GOODS | {"catalog_headers": GOODS["catalog_headers"][:1], "items": GOODS["items"][:1]}
    asked = read_directory({**WHOLE, "/catalogs": moved, "/catalogs/5": fewer}, database)

    assert "/catalogs/5?include_deleted=true" in asked
    assert rows("catalogs name version contents_version external_version") == [("Things", 2, 2, None)]
    assert rows("catalog_columns column_no") == [(1,)]
    assert rows("catalog_items item_id deleted") == [(50, False), (51, True)]

    moved["catalogs"][0]["version"] = 3
    del fewer["items"]
    read_directory({**WHOLE, "/catalogs": moved, "/catalogs/5": fewer}, database)
    assert rows("catalog_items item_id deleted") == [(50, True), (51, True)]


def test_a_refused_catalog_is_set_aside_for_a_day(
    database: Secret, query: Query, rows: Rows, caplog: pytest.LogCaptureFixture
) -> None:
    refused = {**WHOLE, "/catalogs/5": DENIED}
    asked = [len(read_directory(refused, database)), len(read_directory(refused, database))]

    assert asked == [8, 6], "with deleted items, then without; and neither in the next run"
    assert "catalog 5 (Goods) cannot be read, so its items stay as they are stored" in caplog.text
    assert rows("catalogs catalog_id version contents_version") == [(5, 1, None)]
    assert rows("roles role_id")[0] == (200,), "the rest of the directory is read"

    query(database, "UPDATE pyrus.directory_sightings SET refused_at = refused_at - interval '1 day'")
    read_directory(WHOLE, database)
    assert rows("catalog_items item_id") == [(50,), (51,)]


def test_lists_catalogs_and_roles_that_are_gone_are_marked_and_unmarked(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)
    gone = {"/forms": WHOLE["/forms"], "/contacts": {"organizations": []}}
    read_directory(gone, database)

    assert rows("projects project_id deleted") == [(10, False), (20, True), (21, True)]
    assert rows("catalogs catalog_id deleted") == [(5, True)]
    assert rows("roles role_id fired") == [(200, True), (201, True)]
    assert rows("role_members role_id person_id") == [(200, 100), (200, 101), (201, 102)], "as last served"

    read_directory(WHOLE, database)
    assert rows("projects project_id deleted") == [(10, False), (20, False), (21, False)]
    assert rows("catalogs catalog_id deleted") == [(5, False)]
    assert rows("roles role_id fired") == [(200, False), (201, False)]


def test_what_is_refused_marks_nothing(database: Secret, query: Query) -> None:
    read_directory(WHOLE, database)
    before = versions(query, database)
    read_directory(
        dict.fromkeys(("/forms", "/lists", "/catalogs", "/contacts", "/members", "/roles"), DENIED), database
    )

    assert versions(query, database) == before


@pytest.mark.parametrize(
    "damaged",
    [
        {"/forms": {"forms": "none"}, "/lists": {"lists": 7}, "/catalogs": {"catalogs": {}}, "/roles": {"roles": 1}},
        {"/forms": {"forms": [{"id": "x"}, 7]}, "/lists": {"lists": [{"id": 1.5}]}, "/roles": {"roles": [[]]}},
        form(fields={"id": 1}, steps=[]),
        form(
            fields=[
                {"id": 1, "type": "text", "name": "Number", "info": {"code": "no", "required_step": 1, "columns": 7}}
            ]
        ),
        {"/catalogs": {"catalogs": [{"catalog_id": 5, "version": 2}]}, "/catalogs/5": {"catalog_id": 5, "items": 7}},
        {"/contacts": {}, "/roles": {"roles": [{"id": 200, "member_ids": "all"}]}},
    ],
)
def test_nothing_is_gone_that_an_unreadable_value_may_hide(
    database: Secret, rows: Rows, damaged: dict[str, Any]
) -> None:
    read_directory(WHOLE, database)
    read_directory({**WHOLE, "/contacts": {}, **damaged}, database)

    assert rows("form_fields field_id num_nulls(removed_at)") == [(1, True), (2, True), (3, True), (4, True)]
    assert rows("form_choices choice_id deleted") == [(1, False), (2, False)]
    assert rows("form_steps step_no") == [(1,), (2,)]
    assert rows("forms form_id num_nulls(lost_at)") == [(10, True)]
    assert rows("projects project_id deleted") == [(10, False), (20, False), (21, False)]
    assert rows("catalogs catalog_id deleted") == [(5, False)]
    assert rows("catalog_items item_id deleted") == [(50, False), (51, False)]
    assert rows("roles role_id fired")[0] == (200, False)
    assert rows("role_members role_id person_id")[:2] == [(200, 100), (200, 101)]


def test_a_member_who_loses_a_position_has_none(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)
    members = {"members": [{"id": 100, "first_name": "Ann", "position": "", "banned": True}]}
    read_directory({**WHOLE, "/members": members}, database)

    assert rows("persons person_id position phone external_id banned department_name organization_id")[0] == (
        *(100, None, None, None, True, "Sales", 1),
    )
    assert rows("persons person_id mobile_phone fired")[2] == (103, "2", True), "as last served"


def test_a_form_that_leaves_the_list_is_lost_until_it_is_back(database: Secret, rows: Rows) -> None:
    read_directory(WHOLE, database)
    read_directory({**WHOLE, "/forms": {}}, database)

    assert rows("forms form_id num_nulls(lost_at) deleted_or_closed") == [(10, False, False)]
    assert rows("form_fields field_id num_nulls(removed_at)")[0] == (1, True)
    assert lost(database) == [10]

    read_directory(WHOLE, database)
    assert rows("forms form_id num_nulls(lost_at)") == [(10, True)]
    assert lost(database) == []


def test_a_form_whose_register_is_refused_is_lost_until_it_answers(database: Secret, query: Query, rows: Rows) -> None:
    read_directory(WHOLE, database)
    change(database, mark_lost)
    before = versions(query, database)
    change(database, mark_lost)
    read_directory(WHOLE, database)  # the list of forms still has it

    assert lost(database) == [10]
    assert versions(query, database) == before

    change(database, found_again)
    assert lost(database) == []
    assert rows("forms form_id num_nulls(lost_at)") == [(10, True)]


def test_a_form_that_another_account_sees_is_not_lost(database: Secret, query: Query, rows: Rows) -> None:
    query(database, "INSERT INTO pyrus.sync_cursors VALUES (%s, 'tasks', now(), now())", OTHER)
    read_directory(WHOLE, database)
    read_directory(WHOLE, database, OTHER)
    gone: Answers = {"/contacts": {}, "/roles": {}}
    read_directory(gone, database)

    assert (lost(database), lost(database, OTHER)) == ([], [])
    assert rows("forms form_id num_nulls(lost_at)") == [(10, True)]
    assert rows("projects project_id deleted") == [(10, False), (20, False), (21, False)]
    assert rows("catalogs deleted") == [(False,)]

    change(database, mark_lost, OTHER)
    assert (lost(database), lost(database, OTHER)) == ([10], [10])

    change(database, found_again, OTHER)
    query(database, "UPDATE pyrus.sync_cursors SET updated_at = now() - interval '3 days'")
    read_directory(gone, database)
    assert lost(database) == [10], "nobody knows what an account without runs would see"
    read_directory(WHOLE, database, OTHER)
    assert lost(database) == [], "it runs again, and nothing has changed for it"


def test_fields_that_another_account_sees_are_not_removed(database: Secret, query: Query, rows: Rows) -> None:
    """The other account sees the second field alone; it neither removes the others nor counts positions for them."""
    query(
        database,
        "INSERT INTO pyrus.sync_cursors VALUES (%s, 'tasks', now(), now()), (%s, 'tasks', now(), now())",
        ACCOUNT,
        OTHER,
    )
    added = {"id": 9, "type": "text", "name": "Seen by the other one"}
    part = {**FORM, "fields": [FORM["fields"][1], added]}
    read_directory(WHOLE, database)
    read_directory({**WHOLE, "/forms": {"forms": [part]}}, database, OTHER)
    before = versions(query, database)
    read_directory(WHOLE, database)
    read_directory({**WHOLE, "/forms": {"forms": [part]}}, database, OTHER)

    assert rows("form_fields field_id position num_nulls(removed_at)") == [
        (1, 1, True), (2, 2, True), (3, 3, True), (4, 4, True), (9, 2, True),
    ]  # fmt: skip
    assert versions(query, database) == before, "nothing flips to and fro"

    rest = {**FORM, "fields": FORM["fields"][:1]}
    read_directory({**WHOLE, "/forms": {"forms": [rest]}}, database)
    assert rows("form_fields field_id num_nulls(removed_at)") == [
        (1, True), (2, True), (3, False), (4, False), (9, True),
    ]  # fmt: skip
    assert rows("form_choices choice_id deleted") == [(1, False), (2, False)]

    read_directory({**WHOLE, "/forms": {"forms": [{**part, "fields": [added]}]}}, database, OTHER)
    read_directory({**WHOLE, "/forms": {"forms": [rest]}}, database)
    assert rows("form_fields field_id num_nulls(removed_at)")[1] == (2, False)
    assert rows("form_choices choice_id deleted") == [(1, True), (2, True)]


def lost(database: Secret, account_id: int = ACCOUNT) -> list[int]:
    with connect(database) as connection:
        return lost_forms(connection, account_id)


def change(database: Secret, how: Callable[..., None], account_id: int = ACCOUNT) -> None:
    with connect(database) as connection, connection.transaction():
        how(connection, account_id, [10])


def test_status_names_lost_forms_and_refused_catalogs(database: Secret) -> None:
    read_directory({**WHOLE, "/catalogs/5": DENIED}, database)
    change(database, mark_lost)
    with connect(database) as connection:
        state = overview(connection)
    shown = program("status", database=database).stdout

    assert [(form["form_id"], form["name"]) for form in state.lost_forms] == [(10, "Contract")]
    assert [(one["catalog_id"], one["account_id"]) for one in state.refused_catalogs] == [(5, ACCOUNT)]
    assert ": form 10 (Contract); give the account its rights back" in shown
    assert f"Refused to account {ACCOUNT}: the items of catalog 5 (Goods)" in shown

    read_directory({**WHOLE, "/catalogs": {"catalogs": [{"catalog_id": 5, "version": 2}]}}, database)
    change(database, found_again)
    with connect(database) as connection:
        assert overview(connection)[-3:-1] == ([], [])
