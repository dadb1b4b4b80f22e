"""What `db upgrade` recreates of the declared tables, and which rows the next runs then fetch again.

Every function works inside the caller's transaction.
"""

import logging
from collections.abc import Sequence

from alembic.migration import MigrationContext
from alembic.operations import MigrateOperation, Operations, ops

from pyrus_etl.reports.upgrade.differences import Difference
from pyrus_etl.schema.metadata import SCHEMA
from pyrus_etl.schema.progress import sync_backfills, sync_windows
from pyrus_etl.schema.raw import raw_tasks
from pyrus_etl.schema.rows import MERGED, OWNED, OWNER

log = logging.getLogger(__name__)


def repair(context: MigrationContext, differences: Sequence[Difference]) -> list[str]:
    """Recreates what is missing, and makes the next runs fetch the lost rows; returns what was recreated, in words."""
    operations = Operations(context)
    made = [difference for difference in differences if difference.repairs]
    for op in sorted((op for difference in made for op in difference.repairs), key=_order):
        if isinstance(op, ops.CreateForeignKeyOp):
            _drop_orphans(operations, op)
        operations.invoke(op)
    empty = {op.table_name for difference in made for op in difference.repairs if isinstance(op, ops.CreateTableOp)}
    _fetch_again(operations, empty, {difference.lost for difference in made if difference.lost})
    return [difference.text for difference in made]


def _order(op: MigrateOperation) -> int:
    """Drops come first, keys before the constraints that refer to them, rows last."""
    kinds: list[tuple[type[MigrateOperation], ...]] = [
        (ops.DropIndexOp, ops.DropConstraintOp),
        (ops.CreateTableOp,),
        (ops.AddColumnOp,),
        (ops.AlterColumnOp, ops.CreateTableCommentOp),
        (ops.CreatePrimaryKeyOp, ops.CreateCheckConstraintOp),
        (ops.CreateIndexOp,),
        (ops.CreateForeignKeyOp,),
    ]
    return next((number for number, kind in enumerate(kinds) if isinstance(op, kind)), len(kinds))


def _drop_orphans(operations: Operations, op: ops.CreateForeignKeyOp) -> None:
    """Deletes rows whose task, run or view is gone: nothing would ever replace them."""
    child, (column,), (key,) = f"{SCHEMA}.{op.source_table}", op.local_cols, op.remote_cols
    operations.execute(
        f"DELETE FROM {child} AS child WHERE NOT EXISTS ("  # noqa: S608 -- names of our own tables
        f"SELECT FROM {SCHEMA}.{op.referent_table} AS owner WHERE owner.{key} = child.{column})"
    )


def _fetch_again(operations: Operations, empty: set[str], lost: set[str]) -> None:
    """Makes the next runs fetch what was lost: all tasks, the stored tasks, or the rest of a backfill.

    `empty`: the recreated tables; `lost`: those, and the tables with a recreated column.
    """
    of_tasks = {table.name for table in (*MERGED, OWNER, *OWNED)}
    if empty & {OWNER.name, raw_tasks.name}:
        log.warning("the next pyrus-etl sync fetches all tasks again")
        operations.execute(f"DELETE FROM {SCHEMA}.sync_cursors")  # noqa: S608 -- a constant
    elif lost & of_tasks:
        log.warning("the next pyrus-etl sync fetches the stored tasks again")
        operations.execute(
            f"UPDATE {SCHEMA}.raw_tasks AS raw SET payload_sha256 = '', is_doubted = true "  # noqa: S608 -- constants
            f"FROM {SCHEMA}.tasks AS task WHERE task.task_id = raw.task_id AND task.deleted_at IS NULL"
        )
    if empty & {OWNER.name, raw_tasks.name} or lost & {sync_backfills.name, sync_windows.name}:
        operations.execute(f"DELETE FROM {SCHEMA}.sync_windows")  # noqa: S608 -- a constant
        operations.execute(f"DELETE FROM {SCHEMA}.sync_backfills")  # noqa: S608 -- a constant
