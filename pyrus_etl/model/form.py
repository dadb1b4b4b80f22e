"""Form fields and their values."""

from collections.abc import Iterable, Sequence

import msgspec

from pyrus_etl.model.attachment import Attachment
from pyrus_etl.model.value import FieldValue


class FormField(msgspec.Struct, frozen=True, gc=False):
    """A field of a form. `type`: its name in API v3, if v3 has the type."""

    id: int | None = None
    type: str | None = None
    name: str | None = None
    parent_id: int | None = None


class FormValues(list["FormValue"]):
    """Values of a form, in the order of the form; `unreadable` counts what is not among them."""

    def __init__(self, values: Iterable["FormValue"] = (), unreadable: int = 0) -> None:
        super().__init__(values)
        self.unreadable = unreadable


class FormValue:
    """The value of one field; `row_id` is the row of the table that it is in, `files` are the files in it.

    `value` is None if the field is empty or cannot be read; `unreadable` counts what could not be read. This is not a
    struct, so that msgspec leaves the reading to us: which property holds the value depends on the field's type.
    """

    __slots__ = ("field", "files", "row_id", "unreadable", "value")

    def __init__(
        self,
        field: FormField,
        row_id: int | None = None,
        value: FieldValue | None = None,
        files: Sequence[Attachment | None] = (),
        unreadable: int = 0,
    ) -> None:
        self.field = field
        self.row_id = row_id
        self.value = value
        self.files = files
        self.unreadable = unreadable
