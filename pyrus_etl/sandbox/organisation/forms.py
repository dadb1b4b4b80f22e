"""The kinds of work: plain tasks, and five forms that together use every field type of the vendor's API page.

The field types are listed at https://pyrus.com/en/api-v3.
"""

from __future__ import annotations

from typing import Any

import msgspec

from pyrus_etl.sandbox.organisation import phrases
from pyrus_etl.sandbox.organisation.clock import DAY, HOUR
from pyrus_etl.sandbox.organisation.people import AGENTS, FINANCE, LAWYERS, LEADS, STAFF, Person
from pyrus_etl.sandbox.organisation.projects import BOARD, Project, form_lists, project


class Field(msgspec.Struct, frozen=True):
    """A field of a form; its values are drawn from `choices`, and `json` is its JSON."""

    id: int
    type: str
    name: str
    choices: tuple[Any, ...]
    parent: int | None
    json: msgspec.Raw


class Kind(msgspec.Struct, frozen=True):
    """A kind of task: its share of 256 tasks, its median duration, its approvers, the fields of its form.

    `settled`: few of the tasks are filed in a list besides those of their form.
    """

    name: str
    share: int
    median: int
    topics: tuple[str, ...]
    objects: tuple[str, ...]
    authors: tuple[Person, ...]
    agents: tuple[Person, ...]
    steps: tuple[tuple[Person, ...], ...]
    talk: int
    lists: tuple[Project, ...]
    project: Project | None = None
    fields: tuple[Field, ...] = ()
    settled: bool = False

    def field(self, field_id: int) -> Field:
        """A field by its id; KeyError if there is none."""
        return {one.id: one for one in self.fields}[field_id]


Spec = tuple[str, str, tuple[Any, ...]]


def fields(first_id: int, *specs: Spec | tuple[Spec, ...]) -> tuple[Field, ...]:
    """Fields, numbered in order. A tuple of specs is a table: its title, then its columns."""
    found: list[Field] = []
    for spec in specs:
        parent = None
        for type_, name, choices in spec if isinstance(spec[0], tuple) else (spec,):
            written = {"Id": first_id + len(found), "Type": type_, "Name": name}
            if parent is not None:
                written["ParentId"] = parent
            raw = msgspec.Raw(msgspec.json.encode(written))
            found.append(Field(first_id + len(found), type_, name, choices, parent, raw))
            parent = found[-1].id if parent is None else parent
    return tuple(found)


PURCHASE = project(1_001_000, "Purchase request")
VACATION = project(1_002_000, "Vacation request")
SUPPORT = project(1_003_000, "Support ticket")
CONTRACT = project(3_001_004_000, "Contract approval")
INVOICE = project(1_005_000, "Supplier invoice")
COST_CENTRES = form_lists(PURCHASE, ("Production", "Sales", "Administration"))
REGIONS = form_lists(CONTRACT, ("Domestic", "European Union", "Overseas"))
QUEUES = form_lists(SUPPORT, ("First line", "Second line", "Vendor"))

KINDS = (
    Kind(
        "Task",
        74,
        3 * DAY,
        phrases.PLAIN,
        ("",),
        STAFF,
        STAFF,
        (),
        3,
        BOARD,
    ),
    Kind(
        "Purchase request",
        48,
        6 * DAY,
        phrases.PURCHASES,
        phrases.GOODS,
        STAFF,
        STAFF[14:18],
        (LEADS, FINANCE),
        2,
        COST_CENTRES,
        PURCHASE,
        fields(
            11,
            ("Author", "Requested by", ()),
            ("CreationDate", "Submitted on", ()),
            ("Text", "What is needed", phrases.GOODS),
            ("Number", "Quantity", (1, 40)),
            ("Decimal", "Amount", (40, 9_000)),
            ("Catalog", "Supplier", ("Company", *phrases.COMPANIES)),
            ("Project", "Cost centre", COST_CENTRES),
            ("DueDate", "Needed by", ()),
            ("Flag", "Within budget", ()),
            ("Files", "Quotation", phrases.DOCUMENTS),
            ("ApprovalStep", "Current step", ()),
            ("ApprovalPerson", "Last decision by", ()),
            ("ApprovalDate", "Last decision on", ()),
            ("ActivityStatus", "Status", ()),
        ),
    ),
    Kind(
        "Vacation request",
        30,
        30 * HOUR,
        phrases.ABSENCES,
        ("",),
        STAFF,
        STAFF[20:22],
        (LEADS,),
        1,
        (),
        VACATION,
        fields(
            31,
            ("Title", "Absence", ()),
            ("Person", "Employee", STAFF),
            ("Date", "First day", (14, 60)),
            ("Date", "Last day", (61, 75)),
            ("Number", "Working days", (1, 15)),
            ("Checkmark", "Paid", ()),
            ("Person", "Stand-in", STAFF),
            ("Note", "Rules", (phrases.RULES,)),
            ("Phone", "Reachable at", ("+47", "+49", "+81")),
            ("Assignee", "In the hands of", ()),
        ),
    ),
    Kind(
        "Support ticket",
        62,
        9 * HOUR,
        phrases.TROUBLES,
        ("",),
        AGENTS[:4],
        AGENTS[4:],
        (),
        4,
        QUEUES,
        SUPPORT,
        fields(
            51,
            ("ExternalFormAuthor", "Sent through the portal by", phrases.COMPANIES),
            ("Email", "Answer to", phrases.COMPANIES),
            ("Phone", "Call back", ("+1", "+7", "+351")),
            ("Catalog", "Product", ("Product", *phrases.PRODUCTS)),
            ("Text", "What happens", phrases.TROUBLES),
            ("Time", "Seen first at", ()),
            ("Flag", "Blocks the work", ()),
            ("Checkmark", "Escalated", ()),
            ("FileUrls", "Screenshots", phrases.DOCUMENTS),
            ("Assignee", "Agent", ()),
            ("ActivityStatus", "Status", ()),
            ("Unknown", "Telemetry", ()),
        ),
    ),
    Kind(
        "Contract approval",
        20,
        14 * DAY,
        phrases.CONTRACTS,
        phrases.COMPANIES,
        LEADS,
        LAWYERS[:2],
        (LEADS, LAWYERS, FINANCE),
        3,
        REGIONS,
        CONTRACT,
        fields(
            71,
            ("Title", "Parties", ()),
            ("Text", "Counterparty", phrases.COMPANIES),
            ("Person", "Signatory", LEADS),
            ("Project", "Region", REGIONS),
            ("Title", "Terms", ()),
            ("Decimal", "Value", (20_000, 900_000)),
            ("Date", "Effective from", (20, 90)),
            ("Checkmark", "Renews by itself", ()),
            ("Files", "Draft", phrases.DOCUMENTS),
            ("Note", "Template", ("Use the template of the legal department.",)),
            ("ApprovalStep", "Step", ()),
            ("Author", "Initiator", ()),
        ),
    ),
    Kind(
        "Supplier invoice",
        22,
        8 * DAY,
        ("Invoice from ",),
        phrases.COMPANIES,
        STAFF[12:16],
        STAFF[16:20],
        (LEADS, FINANCE),
        1,
        (),
        INVOICE,
        fields(
            2_147_483_700,
            ("Catalog", "Supplier", ("Company", *phrases.COMPANIES)),
            ("Date", "Invoice date", (-20, 0)),
            ("DueDate", "Payable until", ()),
            ("Email", "Remittance advice to", phrases.COMPANIES),
            (
                ("Title", "Lines", ()),
                ("Text", "Item", phrases.GOODS),
                ("Number", "Quantity", (1, 90)),
                ("Decimal", "Sum", (15, 2_400)),
            ),
            ("Catalog", "VAT", ("Rate", *phrases.RATES)),
            ("Decimal", "Total", (90, 24_000)),
            ("ApprovalStep", "Step", ()),
            ("ActivityStatus", "Status", ()),
        ),
    ),
)
