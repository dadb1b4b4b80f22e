"""Lists and catalogs as served → the model."""

import json
from collections.abc import Container, Iterator, Sequence
from decimal import Decimal
from typing import Any

from pyrus_etl.extract.v4.wire import directory as wire
from pyrus_etl.model.catalog import Catalog, CatalogItem, Column, Contents
from pyrus_etl.model.project import List


def lists_of(served: Sequence[wire.List | None] | None, forms: Container[int]) -> list[List]:
    """Every list of the tree that has an id, parents first; only the first one of an id counts. `forms`: their ids."""
    first: dict[int, List] = {}
    for each in _lists(served, None, forms):
        first.setdefault(each.id, each)
    return list(first.values())


def _lists(served: Sequence[wire.List | None] | None, inside: int | None, forms: Container[int]) -> Iterator[List]:
    for each in served or ():
        if each is None:
            continue
        parent_id = inside if each.parent_id is None else each.parent_id
        if each.id is not None:
            yield List(
                id=each.id,
                name=each.name,
                parent_id=parent_id,
                list_type=each.list_type,
                version=each.version,
                deleted=bool(each.deleted),
                is_form=each.id in forms,
            )
        yield from _lists(each.children, parent_id if each.id is None else each.id, forms)


def catalog_of(served: wire.Catalog) -> Catalog | None:
    """The catalog without its contents; None if it has no id."""
    if served.catalog_id is None:
        return None
    return Catalog(
        id=served.catalog_id,
        name=served.name,
        version=served.version,
        deleted=bool(served.deleted),
        source_type=served.source_type,
        external_version=served.external_version,
    )


def contents_of(served: wire.Catalog, *, is_whole: bool) -> Contents:
    """The columns, and every item that has an id. A catalog without items has no `items`."""
    columns = [None if header is None else Column(header.name, header.type) for header in served.catalog_headers or ()]
    return Contents(columns, _items(served.items), is_whole)


def _items(served: Sequence[wire.Item | None] | None) -> list[CatalogItem]:
    """The items; only the first one of an id counts."""
    first: dict[int, CatalogItem] = {}
    for each in served or ():
        if (item := _item(each)) is not None:
            first.setdefault(item.id, item)
    return list(first.values())


def _item(served: wire.Item | None) -> CatalogItem | None:
    if served is None or served.item_id is None:
        return None
    values = [_text(each) for each in served.values or ()]
    return CatalogItem(served.item_id, values, served.external_id, bool(served.deleted))


def _text(value: Any) -> str | None:
    """A value of an item, which is text; a number keeps its digits, anything else stays JSON."""
    if value is None or isinstance(value, str):
        return value
    return str(value) if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False, default=str)
