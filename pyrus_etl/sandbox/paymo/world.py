"""A Paymo company: projects with tasks, discussions, comments and files, as its API shows them.

The objects are those of https://github.com/paymoapp/api, sections projects, tasks, discussions, comments and files.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pyrus_etl.sandbox.organisation.clock import DAY, HOUR, Clock, milliseconds, moment
from pyrus_etl.sandbox.organisation.dice import Dice, mix
from pyrus_etl.sandbox.organisation.people import STAFF
from pyrus_etl.sandbox.organisation.phrases import DOCUMENTS, PLAIN, PRODUCTS, REMARKS
from pyrus_etl.sandbox.server.service import ServiceWorld
from pyrus_etl.sandbox.tasks.contents import Contents, size_of

Json = dict[str, Any]

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
COMPANY = 13980
FIRST_IDS = {
    "users": 23_129,
    "projects": 397_709,
    "tasks": 2_322_874,
    "discussions": 61_201,
    "threads": 79_884,
    "comments": 125_234,
    "files": 135_371,
}
TARGETS = {"project_id": "projects", "discussion_id": "discussions", "task_id": "tasks", "comment_id": "comments"}
MEDIA = {"pdf": "application/pdf", "jpg": "image/jpeg", "png": "image/png", "svg": "image/svg+xml", "html": "text/html"}


class World(ServiceWorld):
    """`projects` projects, each with `tasks` tasks; about one file for each task, discussion, comment and project.

    `largest` is the size of the largest file. The last project is archived. Each change takes a second of the clock.
    """

    changes = ("add-file", "change-file", "move-file", "remove-file", "remove-project", "forbid", "permit")

    def __init__(
        self,
        seed: int = 1,
        projects: int = 4,
        tasks: int = 6,
        *,
        largest: int = 4096,
        start: datetime = START,
        running: bool = False,
    ) -> None:
        super().__init__(Clock(start, running=running), FIRST_IDS)
        self.seed = seed
        self.largest = largest
        self.contents: dict[int, Contents] = {}
        self.links: dict[str, int] = {}
        self._dice = Dice(seed, 1 << 33)
        self._written = milliseconds(start) - projects * tasks * HOUR - 30 * DAY
        for number, person in enumerate(STAFF[:6]):
            fields = {
                "name": f"{person.first_name} {person.last_name}",
                "email": f"user{number}@northlight.example",
                "active": True,
            }
            self._add("users", fields)
        for number in range(projects):
            self._add_project(number, tasks, active=number + 1 < projects or projects == 1)
        self._written = 0

    def file(self, file_id: int) -> Json:
        """A file as it is stored. KeyError if there is none."""
        return self.tables["files"][file_id]

    def add_file(
        self, name: str = "note.txt", content: str | Contents = b"", media_type: str = "", **target: int
    ) -> int:
        """Adds a file to one target (`task_id=…`), or to none: then it has a token. Returns its id."""
        (holder,) = target.items() if target else ((None, 0),)
        place = self._place(*holder) if holder[0] else {"token": f"{mix(self.seed, self._last['files']):016x}" * 2}
        stored = content.encode() if isinstance(content, str) else content
        head = {"original_filename": name, "description": "", "user_id": self._someone()}
        fields = head | place | {"mime": media_type or MEDIA.get(name.rpartition(".")[2].lower(), "text/plain")}
        file_id = self._add("files", fields | {"size": str(size_of(stored)), "tags": []})
        self.contents[file_id] = stored
        self.links[self.hash(file_id)] = file_id
        return file_id

    def change_file(self, file_id: int, **fields: str) -> None:
        """Sets the name or the description."""
        self.file(file_id).update(fields, updated_on=self._now())

    def move_file(self, file_id: int, **target: int) -> None:
        """Attaches a file to another target, or one without a target for the first time."""
        ((key, target_id),) = target.items()
        file = self.file(file_id)
        for name in (*TARGETS, "token"):
            file.pop(name, None)
        file.update(self._place(key, target_id), updated_on=self._now())

    def remove_file(self, file_id: int) -> None:
        del self.tables["files"][file_id], self.contents[file_id]

    def remove_project(self, project_id: int) -> None:
        """Deletes a project with all that it has."""
        del self.tables["projects"][project_id]
        for table in ("tasks", "discussions", "threads", "files"):
            for one in [one for one in self.tables[table].values() if one.get("project_id") == project_id]:
                del self.tables[table][one["id"]]

    def hash(self, file_id: int) -> str:
        """The name of a file in links to its contents; it differs from the file's own name."""
        return f"{mix(self.seed, file_id, 1):016x}{mix(self.seed, file_id, 2):016x}"

    def project_of(self, key: str, target_id: int) -> int | None:
        """The project that a target belongs to; None if the target does not exist."""
        target = self.tables[TARGETS[key]].get(target_id)
        if target is None:
            return None
        if key == "comment_id":
            return int(self.tables["threads"][target["thread_id"]]["project_id"])
        return target_id if key == "project_id" else int(target["project_id"])

    def _place(self, key: str, target_id: int) -> Json:
        """The ids that a file has in this target: that of the project, and that of the target."""
        project = self.project_of(key, target_id)
        if project is None:
            raise KeyError(key)
        return {"project_id": project, key: target_id}

    def _add(self, table: str, fields: Json) -> int:
        added, now = self.next_id(table), self._now()
        self.tables[table][added] = {"id": added, **fields, "created_on": now, "updated_on": now}
        return added

    def _now(self) -> str:
        """The instant of a change; history is written minute by minute."""
        if self._written:
            self._written += HOUR // 60
        return moment(self._written or self.tick()).isoformat().replace("+00:00", "Z")

    def _someone(self) -> int:
        return int(self._dice.pick(self.ids("users")))

    def _add_project(self, number: int, tasks: int, active: bool) -> None:
        project_id = self._add(
            "projects", {"name": f"{PRODUCTS[number % len(PRODUCTS)]} {number + 1}", "active": active}
        )
        self._attach(project_id=project_id)
        discussion = {"name": "Questions", "project_id": project_id, "user_id": self._someone()}
        discussion_id = self._add("discussions", discussion)
        self._attach(1, discussion_id=discussion_id)
        self._comment(project_id, discussion_id=discussion_id)
        for _ in range(tasks):
            fields = {"name": self._dice.pick(PLAIN), "project_id": project_id, "complete": self._dice.chance(30)}
            task_id = self._add("tasks", fields)
            self._attach(task_id=task_id)
            self._comment(project_id, task_id=task_id)

    def _comment(self, project_id: int, **holder: int) -> None:
        """A thread with one comment, and now and then a file of it."""
        thread_id = self._add("threads", {"project_id": project_id, **holder})
        fields = {"thread_id": thread_id, "user_id": self._someone(), "content": self._dice.pick(REMARKS)}
        comment_id = self._add("comments", fields)
        if self._dice.chance(40):
            self._attach(comment_id=comment_id)

    def _attach(self, least: int = 0, **target: int) -> None:
        for _ in range(max(self._dice.roll(3), least)):
            contents = (self._dice.state, 1 + self._dice.roll(self.largest))
            self.add_file(self._dice.pick(DOCUMENTS), contents, media_type="", **target)
