"""What an account may see: its rights, its level in each form, and how much its registers show."""

import asyncio
from typing import Any

import pytest

from pyrus_etl.cli.access import lines
from pyrus_etl.extract.v4.api import ApiV4, client_for
from pyrus_etl.model.access import Access, FormAccess
from pyrus_etl.settings import Quota
from tests.conftest import loaded
from tests.directory import DENIED, script
from tests.scripted import scripted

ME = 900001
QUOTA = Quota(5000, 600)
ALL_SEEN = Access(
    rights=2047,
    forms=[FormAccess(form_id=number, name="F", level="manager", tasks=2500) for number in range(40)],
    lists=19,
    catalogs=7,
)

RIGHTS = (
    "can see all tasks; further rights: manage roles, manage persons, edit projects of the organization, "
    "change settings of the organization, delete own tasks, announcements, bills, invite, delete tasks of others, "
    "integrations and catalogs"
)
FIRST_SYNC = (
    "100,000 tasks in forms: first rows after about 116 requests; everything after about 100,116, "
    "which takes about 3 h 20 min at this quota; each task that is only in lists takes one more"
)
SEES_FEW = (
    "cannot see all tasks, so tasks of others outside its forms and lists are missing; "
    "an administrator of Pyrus can grant this right"
)
REFUSED = (
    "6 forms: level unknown 5, member 1; Pyrus refuses the register of 1 (F), 2 (F), 3 (F) and 2 more: 403 denied; "
    "make the account a manager of the form, or leave the form out by --forms; a member sees only a part of the "
    "register of 9 (G): make the account a manager of the form, so that it sees all"
)
UNSEEN = "0 forms; the account sees no form 2: correct PYRUS_ETL_FORMS, or give the person or bot access to the form"


def read(answers: dict[str, Any], **selection: str) -> Access:
    selected = {"PYRUS_ETL_FORMS": "-3", **selection}

    async def ask(url: str) -> Access:
        settings = loaded({"PYRUS_URL": url, "PYRUS_ACCESS_TOKEN": "token", **selected})
        async with client_for(settings) as client:
            api = ApiV4(client)
            await api.sample()
            return await api.access()

    with scripted(script(answers)) as server:
        return asyncio.run(ask(server.url))


def said(access: Access) -> dict[str, tuple[str, bool]]:
    return {title: (line.text, line.is_warning) for title, line in lines(access, QUOTA)}


def test_the_access_of_an_account_is_asked_for_form_by_form() -> None:
    access = read(
        {
            "/profile": {"person_id": ME},
            f"/members/{ME}": {"id": ME, "rights": 6143},
            "/forms": {
                "forms": [{"id": 1, "name": "A", "fields": [{"id": 5, "type": "text"}]}, {"id": 2, "name": "B"}]
            },
            "/forms/1/permissions": {"permissions": {str(ME): "administrator", "3": "member"}},
            "/forms/1/register": {"tasks": [{"id": 10}, {"id": 11, "fields": []}]},
            "/forms/2/permissions": DENIED,
            "/forms/2/register": DENIED,
            "/lists": {"lists": [{"id": 7, "children": [{"id": 8}, {"id": 9, "deleted": True}]}]},
            "/catalogs": {"catalogs": [{"catalog_id": 4, "version": 1}]},
        }
    )

    assert access == Access(
        rights=6143,
        forms=[
            FormAccess(form_id=1, name="A", level="administrator", tasks=2),
            FormAccess(form_id=2, name="B", refusal="403 access_denied (no)"),
        ],
        lists=2,
        catalogs=1,
    )


def test_the_rights_of_an_account_that_may_not_ask_for_members_are_in_the_contacts() -> None:
    persons = [None, {"id": 1, "rights": 2}, {"id": ME, "rights": 1}]
    contacts = {"organizations": [None, {"persons": None}, {"persons": persons}]}

    assert read({"/profile": {"person_id": ME}, f"/members/{ME}": DENIED, "/contacts": contacts}).rights == 1
    assert read({"/profile": {"person_id": ME}}).rights is None


def test_an_account_that_sees_everything_gets_no_warning() -> None:
    assert said(ALL_SEEN) == {
        "rights": (RIGHTS, False),
        "forms": ("40 forms: manager 40", False),
        "directory": ("19 lists, 7 catalogs", False),
        "backfill": (FIRST_SYNC, False),
    }


def test_each_lack_of_access_is_a_warning_with_its_remedy() -> None:
    refused = [FormAccess(form_id=number, name="F", refusal="403 denied") for number in range(1, 6)]
    partial = FormAccess(form_id=9, name="G", level="member", tasks=20_000, has_more=True)
    found = said(Access(rights=1, forms=[*refused, partial], lists=0, catalogs=1))

    assert found["rights"] == (SEES_FEW, True)
    assert found["forms"] == (REFUSED, True)
    assert found["directory"] == ("0 lists, 1 catalog", False)
    assert "at least 20,023" in found["backfill"][0]


def test_an_account_that_sees_nothing_is_told_what_to_do() -> None:
    found = said(Access(rights=None, forms=[], lists=0, catalogs=0))

    assert found["rights"] == ("unknown: Pyrus does not tell the rights of this account", True)
    assert found["forms"] == ("none; give the person or bot access to forms in Pyrus", True)


def test_a_form_that_the_settings_name_and_the_account_does_not_see_is_a_warning(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answers = {"/profile": {"person_id": ME}, "/forms": {"forms": [{"id": 1, "name": "A"}]}}
    access = read(answers, PYRUS_ETL_FORMS="2", PYRUS_ETL_LISTS="8")

    assert access.unseen == (2,)
    assert said(access)["forms"] == (UNSEEN, True)
    assert [line.getMessage() for line in caplog.records if line.levelname == "WARNING"] == [
        "the account sees no form 2, which PYRUS_ETL_FORMS names; correct the id, or give access to it",
        "the account sees no list 8, which PYRUS_ETL_LISTS names; correct the id, or give access to it",
    ]
