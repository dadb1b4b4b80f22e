"""What the account may see: its rights, and its level in each form with the size of the form's register."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from pyrus_etl.client.request import Answer, Request
from pyrus_etl.extract.v4.directory import Ask, Directory, reader
from pyrus_etl.model.access import Access, FormAccess
from pyrus_etl.model.definition import Form
from pyrus_etl.settings.selection import EVERYTHING, Selection

FORMS_AT_A_TIME = 8
LONGEST_REGISTER = 20_000
"""The vendor's own clients allow `item_count` up to this."""


class _Person(msgspec.Struct, frozen=True):
    id: int | None = None
    rights: int | None = None


class _Organization(msgspec.Struct, frozen=True):
    persons: Sequence[_Person | None] | None = None


class _Contacts(msgspec.Struct, frozen=True):
    organizations: Sequence[_Organization | None] | None = None


class _Permissions(msgspec.Struct, frozen=True):
    """Level by id of a person or role."""

    permissions: Mapping[str, Any] | None = None


class _Row(msgspec.Struct, frozen=True, gc=False):
    id: int | None = None


class _Register(msgspec.Struct, frozen=True):
    tasks: Sequence[_Row | None] | None = None


async def access_of(ask: Ask, directory: Directory, person_id: int, selection: Selection = EVERYTHING) -> Access:
    """What a person sees of the selected forms, and of everything else.

    Takes two requests for each form, of which one lists the ids in its register, and a few more.
    """
    shown = await directory.forms() or ()
    forms = [form for form in shown if selection.has(form.id)]
    slots = asyncio.Semaphore(FORMS_AT_A_TIME)

    async def seen(form: Form) -> FormAccess:
        async with slots:
            return await _form_access(ask, form, person_id)

    return Access(
        rights=await _rights(ask, person_id),
        forms=await asyncio.gather(*map(seen, forms)),
        lists=sum(not each.is_form and not each.deleted for each in await directory.lists() or ()),
        catalogs=len(await directory.catalogs() or ()),
        unseen=selection.missing(form.id for form in shown),
    )


async def _rights(ask: Ask, person_id: int) -> int | None:
    """The rights of a person: as a member, or if Pyrus refuses members, as a contact."""
    member = await ask(Request("GET", f"/members/{person_id}", reader(_Person)))
    rights: int | None = member.value[0].rights if isinstance(member, Answer) else None
    if rights is not None:
        return rights
    contacts = await ask(Request("GET", "/contacts", reader(_Contacts)))
    found = contacts.value[0].organizations or () if isinstance(contacts, Answer) else ()
    persons = (person for organization in found if organization for person in organization.persons or () if person)
    return next((person.rights for person in persons if person.id == person_id), None)


async def _form_access(ask: Ask, form: Form, person_id: int) -> FormAccess:
    levels = await ask(Request("GET", f"/forms/{form.id}/permissions", reader(_Permissions)))
    level = (levels.value[0].permissions or {}).get(str(person_id)) if isinstance(levels, Answer) else None
    level = level if isinstance(level, str) else None
    ids = Request("POST", f"/forms/{form.id}/register", reader(_Register), _ids_only(form), is_slow=True)
    register = await ask(ids)
    if not isinstance(register, Answer):
        return FormAccess(form_id=form.id, name=form.name, level=level, refusal=str(register))
    tasks = len(register.value[0].tasks or ())
    return FormAccess(form_id=form.id, name=form.name, level=level, tasks=tasks, has_more=tasks >= LONGEST_REGISTER)


def _ids_only(form: Form) -> dict[str, Any]:
    """Asks for a register in as few bytes as possible: with one field at most."""
    fields = [field.id for field in form.fields[:1]]
    return {"include_archived": "y", "item_count": LONGEST_REGISTER, **({"field_ids": fields} if fields else {})}
