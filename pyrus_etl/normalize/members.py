"""Participants, subscribers, steps and links of a task → rows."""

from collections.abc import Sequence

from pyrus_etl.given import UNSET
from pyrus_etl.model.person import Person
from pyrus_etl.model.task import Subscriber, Task, TaskStep
from pyrus_etl.normalize.numbered import numbered
from pyrus_etl.normalize.person import add_person
from pyrus_etl.schema.rows import Rows
from pyrus_etl.schema.task import (
    TaskLinkRow,
    TaskParticipantRow,
    TaskStepRow,
    TaskSubscriberRow,
    task_links,
    task_participants,
    task_steps,
    task_subscribers,
)


def add_members(rows: Rows, task: Task) -> None:
    """Adds what the task gives of these; what it does not give (UNSET) is not claimed."""
    if task.participants is not UNSET:
        _add_participants(rows, task.id, task.participants)
    if task.subscribers is not UNSET:
        _add_subscribers(rows, task.id, task.subscribers)
    if task.steps is not UNSET:
        _add_steps(rows, task.id, task.steps)
    if task.linked_task_ids is not UNSET:
        _add_links(rows, task.id, task.linked_task_ids)


def _add_participants(rows: Rows, task_id: int, participants: Sequence[Person | None] | None) -> None:
    rows.claim(task_participants)
    for participant_no, person in numbered(participants):
        rows.add(task_participants, TaskParticipantRow(task_id, participant_no, add_person(rows, person)))


def _add_subscribers(rows: Rows, task_id: int, subscribers: Sequence[Subscriber | None] | None) -> None:
    rows.claim(task_subscribers)
    for subscriber_no, subscriber in numbered(subscribers):
        person_id = add_person(rows, subscriber.person)
        rows.add(task_subscribers, TaskSubscriberRow(task_id, subscriber_no, person_id, subscriber.choice))


def _add_steps(rows: Rows, task_id: int, steps: Sequence[TaskStep | None] | None) -> None:
    """Adds each step once, as first served; a step without a number has no key: it is in raw_tasks only."""
    rows.claim(task_steps)
    first = {step.no: step for step in reversed(steps or ()) if step and step.no is not None}
    for step_no in sorted(first):
        rows.add(task_steps, TaskStepRow(task_id, step_no, first[step_no].name, first[step_no].elapsed_ms))


def _add_links(rows: Rows, task_id: int, linked_task_ids: Sequence[int | None] | None) -> None:
    """Adds each link once."""
    rows.claim(task_links)
    for linked_task_id in dict.fromkeys(linked_task_ids or ()):
        if linked_task_id is not None:
            rows.add(task_links, TaskLinkRow(task_id, linked_task_id))
