"""Wide views of forms that API v4 defines: a column for each field, whether or not a task has a value of it."""

import json
from decimal import Decimal
from typing import Any

import pytest

from pyrus_etl.reports.refresh import refresh
from pyrus_etl.settings import Secret
from tests.directory import read_directory
from tests.extract.v4.test_directory import sample
from tests.reports.conftest import Reports
from tests.reports.wide_views.test_wide import columns, full_names
from tests.reports.world import Json, utc

FORM = 100


def define(reports: Reports, *fields: tuple[Any, ...], form_id: int = FORM, name: str = "Invoices") -> None:
    """Defines a form: fields are (id, type, name, position), in a table also the table's id."""
    connection = reports.connection
    connection.execute(
        "INSERT INTO pyrus.forms (form_id, name, seen_at) VALUES (%s, %s, now()) ON CONFLICT DO NOTHING",
        [form_id, name],
    )
    for field_id, kind, title, position, *table in fields:
        connection.execute(
            """
            INSERT INTO pyrus.form_fields
                (form_id, field_id, field_type, field_name, position, in_rows, parent_field_id)
            VALUES (%s, %s, %s, %s, %s, %s, %s)
            ON CONFLICT (form_id, field_id) DO UPDATE SET field_name = EXCLUDED.field_name
            """,
            [form_id, field_id, kind, title, position, bool(table), *(table or [None])],
        )


def fill(reports: Reports, task_id: int, *values: tuple[int, str, str | None]) -> None:
    """Stores a task of the form: values are (field id, type, text)."""
    connection = reports.connection
    connection.execute(
        """
        INSERT INTO pyrus.tasks (task_id, asap, is_any_rejected, is_closed, create_date, form_id)
        VALUES (%s, false, false, %s, '2026-03-02 09:00+00', %s)
        """,
        [task_id, task_id > 1, FORM],
    )
    for number, (field_id, kind, text) in enumerate(values, start=1):
        connection.execute(
            """
            INSERT INTO pyrus.form_values (task_id, value_no, field_id, field_type, value_text)
            VALUES (%s, %s, %s, %s, %s)
            """,
            [task_id, number, field_id, kind, text],
        )


def test_every_field_of_a_form_has_its_column_in_the_order_of_the_form(reports: Reports) -> None:
    define(reports, (9, "Text", "Subject", 1), (3, "Person", "Buyer", 2), (7, "Decimal", "Amount", 3))
    fill(reports, 1, (7, "Decimal", None))

    assert refresh(reports.connection).columns_made == {"form_invoices": ["subject", "buyer", "buyer_id", "amount"]}
    assert refresh(reports.connection).columns_made == {}


def test_a_form_without_a_task_has_its_view(reports: Reports) -> None:
    define(reports, (1, "Text", "Subject", 1), form_id=101, name="Отпуск")
    refresh(reports.connection)

    assert reports.ask("SELECT subject FROM form_otpusk") == []


def test_the_columns_of_a_table_are_in_its_own_view_in_their_order(reports: Reports) -> None:
    define(
        reports,
        (1, "Text", "Subject", 1),
        (5, "Table", "Lines", 2),
        (8, "Text", "Item", 3, 5),
        (6, "Number", "Pieces", 4, 5),
    )
    refresh(reports.connection)

    assert columns(reports, "form_invoices") == ["subject"]
    assert reports.ask("SELECT row_id, item, pieces FROM form_invoices_lines") == []


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("DueDateTime", [("due", "timestamp with time zone")]),
        ("ApprovalStep", [("due", "numeric")]),
        ("ActivityStatus", [("due", "text")]),
        ("MultipleChoice", [("due", "text")]),
        ("FormLink", [("due", "text")]),
        ("Project", [("due", "text"), ("due_id", "bigint")]),
        ("Catalog", [("due", "text"), ("due_id", "bigint")]),
        ("Flag", [("due", "boolean")]),
        ("Table", [("due", "integer")]),
        ("Rating", [("due", "jsonb")]),
    ],
)
def test_each_type_has_a_column_of_its_kind(reports: Reports, kind: str, expected: list[tuple[str, str]]) -> None:
    define(reports, (1, kind, "Due", 1))
    refresh(reports.connection)

    assert (
        reports.ask("""
        SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
        WHERE attrelid = 'pyrus_report.form_invoices'::regclass AND attnum > 12 ORDER BY attnum
    """)
        == expected
    )


def test_fields_that_the_form_no_longer_has_come_last_and_say_so(reports: Reports) -> None:
    define(reports, (1, "Text", "Old", 1), (2, "Text", "New", 2))
    fill(reports, 1, (1, "Text", "kept"), (3, "Text", "never defined"))
    reports.connection.execute("UPDATE pyrus.form_fields SET removed_at = now() WHERE field_id = 1")
    refresh(reports.connection)

    assert full_names(reports, "form_invoices") == {
        "new": "New",
        "old": "Old, no longer in the form",
        "field_3": "Field 3",
    }
    assert reports.ask("SELECT new, old, field_3 FROM form_invoices") == [(None, "kept", "never defined")]


def test_a_column_keeps_its_name_and_place_when_fields_are_renamed_moved_added_or_removed(reports: Reports) -> None:
    define(reports, (1, "Text", "Subject", 2), (2, "Decimal", "Sum", 3))
    refresh(reports.connection)
    define(reports, (2, "Decimal", "Grand total", 3), (3, "Text", "First", 1))
    reports.connection.execute("UPDATE pyrus.form_fields SET removed_at = now() WHERE field_id = 1")
    refresh(reports.connection)

    assert full_names(reports, "form_invoices") == {
        "subject": "Subject, no longer in the form",
        "sum": "Grand total",
        "first": "First",
    }


def test_a_refresh_leaves_the_form_that_api_v4_gives(reports: Reports) -> None:
    define(reports, (1, "Text", "Subject", 1))
    fill(reports, 1, (1, "Text", "a row of the register"))
    reports.load_v4(
        {"id": 2, "form_id": FORM, "list_ids": [7], "fields": [{"id": 1, "type": "text", "value": "a body"}]}
    )
    refresh(reports.connection)

    assert reports.ask("SELECT task_id, subject, state FROM form_invoices ORDER BY 1") == [
        (1, "a row of the register", "open"),
        (2, "a body", "open"),
    ]


DEFINED: Json = {
    "id": FORM,
    "name": "Contract",
    "steps": {"1": "Write", "2": "Approve"},
    "fields": [
        {
            "id": 5,
            "type": "title",
            "name": "Parties",
            "info": {"fields": [{"id": 9, "type": "person", "name": "Seller"}]},
        },
        {
            "id": 2,
            "type": "multiple_choice",
            "name": "Kind",
            "info": {
                "options": [
                    {"choice_id": 1, "choice_value": "Lease", "fields": [{"id": 8, "type": "date", "name": "Until"}]}
                ]
            },
        },
        {
            "id": 3,
            "type": "table",
            "name": "Goods",
            "info": {
                "columns": [{"id": 7, "type": "catalog", "name": "Part"}, {"id": 4, "type": "money", "name": "Sum"}]
            },
        },
        {"id": 1, "type": "due_date_time", "name": "Due"},
    ],
}
CATALOG: Json = {"catalog_id": 5, "name": "Parts", "version": 1}
PARTS: Json = {
    "catalog_id": 5,
    "catalog_headers": [{"name": "Part", "type": "text"}, {"name": "Price", "type": "text"}],
    "items": [{"item_id": 50, "values": ["Burner", "12.50"]}],
}


def test_views_of_a_directory_that_was_read_over_http_show_a_body(reports: Reports, database: Secret) -> None:
    read_directory(
        {"/forms": {"forms": [DEFINED]}, "/catalogs": {"catalogs": [CATALOG]}, "/catalogs/5": PARTS}, database
    )
    made = refresh(reports.connection).columns_made
    part = {
        "id": 7,
        "type": "catalog",
        "value": {"item_id": 50, "headers": ["Part", "Price"], "values": ["Burner", "12.50"]},
    }
    row = {"row_id": 1, "position": 0, "cells": [part, {"id": 4, "type": "money", "value": 12.50}]}
    kind = {"choice_ids": [1], "choice_names": ["Lease"], "fields": [{"id": 8, "type": "date", "value": "2026-04-01"}]}
    reports.load_v4(
        {
            "id": 1,
            "form_id": FORM,
            "current_step": 2,
            "fields": [
                {"id": 2, "type": "multiple_choice", "value": kind},
                {"id": 3, "type": "table", "value": [row]},
                {"id": 1, "type": "due_date_time", "value": "2026-03-20T10:00:00Z", "duration": 60},
            ],
        }
    )

    assert made == {
        "form_contract": ["parties", "seller", "seller_id", "kind", "until", "due"],
        "form_contract_goods": ["part", "part_id", "sum"],
        "catalog_parts": ["part", "price"],
    }
    assert reports.ask("SELECT seller, kind, until::text, due, state FROM form_contract") == [
        (None, "Lease", "2026-04-01", utc("2026-03-20 10:00"), "open")
    ]
    assert reports.ask(
        "SELECT goods.part, sum, price FROM form_contract_goods AS goods JOIN catalog_parts ON item_id = part_id"
    ) == [("Burner", Decimal("12.50"), "12.50")]
    assert reports.ask("SELECT current_step_name FROM task_overview") == [("Approve",)]
    assert refresh(reports.connection).columns_made == {}


def test_every_form_that_was_recorded_has_its_view(reports: Reports, database: Secret) -> None:
    served = json.loads(sample("v4_REAL_forms_subset.json"))
    read_directory({"/forms": served}, database)
    refresh(reports.connection)
    columns_made = (
        "SELECT form_id, array_agg(field_id) FROM report_columns JOIN report_views USING (view_name) GROUP BY 1"
    )
    shown = {form_id: set(field_ids) for form_id, field_ids in reports.ask(columns_made)}
    tables = {field_id for (field_id,) in reports.ask("SELECT table_id FROM report_views WHERE table_id IS NOT NULL")}

    assert shown.keys() == {form["id"] for form in served["forms"]}
    assert [form["name"] for form in served["forms"] if fields_of(form["fields"]) - tables - shown[form["id"]]] == []


def fields_of(served: list[Json]) -> set[int]:
    """The ids of fields at any depth."""
    inside = [
        fields_of(
            [
                *info.get("fields", []),
                *info.get("columns", []),
                *(f for o in info.get("options", []) for f in o.get("fields", [])),
            ]
        )
        for info in (field.get("info", {}) for field in served)
    ]
    return {field["id"] for field in served}.union(*inside)
