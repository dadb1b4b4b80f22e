"""A portal: projects with tasks, messages and folders; files in folders, with versions, attached to tasks and messages.

Names are those of the answers: https://github.com/ONLYOFFICE/CommunityServer, module/ASC.Api.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pyrus_etl.sandbox.onlyoffice.wording import time
from pyrus_etl.sandbox.organisation.clock import DAY, MINUTE, Clock, milliseconds
from pyrus_etl.sandbox.organisation.dice import Dice, mix
from pyrus_etl.sandbox.organisation.people import STAFF
from pyrus_etl.sandbox.organisation.phrases import DOCUMENTS, PLAIN, PRODUCTS
from pyrus_etl.sandbox.server.service import ServiceWorld
from pyrus_etl.sandbox.tasks.contents import Contents, size_of

Json = dict[str, Any]
FileId = int | str

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIRST_IDS = {"projects": 40, "tasks": 7000, "messages": 300, "folders": 500, "files": 1800}
LONGEST_TITLE = 170
UNSAFE = re.compile(r'[*?"<>|:/\\]|[\U00010000-\U0010ffff]')
CLOUD = "dropbox-337-"


class Refusal(ValueError):
    """A portal refuses what was asked, in its own words."""


class World(ServiceWorld):
    """`projects` projects, each with `tasks` tasks, two messages, and a root folder that has one folder in it.

    `largest` is the size of the largest file. Each root folder has one file of a connected cloud, whose id is text.
    The last project is closed. Each change takes a second of the clock.
    """

    changes = ("add-file", "rename", "attach", "detach", "remove", "forbid", "permit", "remove-project")

    def __init__(
        self,
        seed: int = 1,
        projects: int = 3,
        tasks: int = 6,
        *,
        largest: int = 4096,
        start: datetime = START,
        running: bool = False,
    ) -> None:
        super().__init__(Clock(start, running=running), FIRST_IDS)
        self.seed = seed
        self.largest = largest
        self.versions: dict[FileId, list[Contents]] = {}
        self.attached: dict[tuple[str, int], list[FileId]] = {}
        self.trash: set[FileId] = set()
        self.operations: list[Json] = []
        self.people = [self._person(number) for number in range(6)]
        self._dice = Dice(seed, 1 << 34)
        self._written = milliseconds(start) - 90 * DAY
        for number in range(projects):
            self._add_project(number, tasks, status=1 if 0 < number == projects - 1 else 0)
        self._written = 0

    def file(self, file_id: FileId) -> Json:
        """A file as it is stored. KeyError if there is none."""
        return self.tables["files"][file_id]

    def add_file(
        self,
        folder_id: int,
        title: str,
        content: str | Contents,
        *,
        new_if_exists: bool = False,
        cloud: bool = False,
    ) -> FileId:
        """Uploads a file into a folder. The same title means a new version of that file, unless `new_if_exists`."""
        contents = content.encode() if isinstance(content, str) else content
        if not size_of(contents):
            raise Refusal("The file is empty.")
        cleaned = clean(title)
        same = self._titled(folder_id, cleaned)
        if same is not None and not new_if_exists:
            self._new_version(same, contents)
            return same
        shown = cleaned if same is None else self._free_title(folder_id, cleaned)
        file_id: FileId = self._add("files", {"folderId": folder_id, "title": shown, "comment": None}, cloud=cloud)
        self.versions[file_id] = [contents]
        return file_id

    def rename(self, file_id: FileId, title: str) -> None:
        self._change(file_id, title=clean(title))

    def attach(self, kind: str, entity_id: int, file_ids: list[FileId]) -> None:
        """Attaches files to a task or a message (`kind` is tasks or messages); once each."""
        now = self.attached.setdefault((kind, entity_id), [])
        now += [file_id for file_id in file_ids if file_id not in now]

    def detach(self, kind: str, entity_id: int, file_id: FileId) -> None:
        """The file stays in its folder."""
        self.attached[kind, entity_id].remove(file_id)

    def remove(self, file_id: FileId, *, immediately: bool = False) -> None:
        """Moves a file to the trash, or deletes it; either way it is attached to nothing any more."""
        for held in self.attached.values():
            if file_id in held:
                held.remove(file_id)
        self.trash.add(file_id)
        if immediately:
            self.trash.discard(file_id)
            del self.tables["files"][file_id], self.versions[file_id]

    def remove_project(self, project_id: int) -> None:
        """Deletes a project with its tasks and messages, and its files."""
        folders = {one["id"] for one in self.tables["folders"].values() if one["projectId"] == project_id}
        for file in [one for one in self.tables["files"].values() if one["folderId"] in folders]:
            self.remove(file["id"], immediately=True)
        for kind in ("tasks", "messages"):
            for one in [one for one in self.tables[kind].values() if one["projectId"] == project_id]:
                del self.tables[kind][one["id"]]
        del self.tables["projects"][project_id]

    def in_folder(self, folder_id: int) -> list[Json]:
        """The files of a folder, without what is in the trash."""
        files = self.tables["files"].values()
        return [one for one in files if one["folderId"] == folder_id and one["id"] not in self.trash]

    def of_entity(self, kind: str, entity_id: int) -> list[Json]:
        return [self.file(file_id) for file_id in self.attached.get((kind, entity_id), ())]

    def _titled(self, folder_id: int, title: str) -> FileId | None:
        found = [one["id"] for one in self.in_folder(folder_id) if one["title"].lower() == title.lower()]
        return found[0] if found else None

    def _free_title(self, folder_id: int, title: str) -> str:
        stem, dot, ending = title.rpartition(".") if "." in title else (title, "", "")
        number = 1
        while self._titled(folder_id, f"{stem} ({number}){dot}{ending}") is not None:
            number += 1
        return f"{stem} ({number}){dot}{ending}"

    def _new_version(self, file_id: FileId, contents: Contents) -> None:
        self.versions[file_id].append(contents)
        self._change(file_id, version=len(self.versions[file_id]))

    def _change(self, file_id: FileId, **fields: Any) -> None:
        self.file(file_id).update(fields, updated=self._now(), updatedBy=self._someone())

    def _add(self, table: str, fields: Json, cloud: bool = False) -> Any:
        number, now, who = self.next_id(table), self._now(), self._someone()
        added: FileId = f"{CLOUD}{mix(self.seed, number):016x}" if cloud else number
        whole = {"id": added, **fields, "created": now, "createdBy": who, "updated": now, "updatedBy": who}
        self.tables[table][added] = whole | ({"version": 1} if table == "files" else {})
        return added

    def _now(self) -> str:
        """The instant of a change; history is written minute by minute, with milliseconds."""
        if self._written:
            self._written += MINUTE + 137
        return time(self._written or self.tick())

    def _someone(self) -> Json:
        return self._dice.pick(self.people)

    def _person(self, number: int) -> Json:
        person = STAFF[number]
        profile = f"/Products/People/Profile.aspx?user=user{number}"
        guid = str(UUID(int=mix(self.seed, number, 7) << 64 | mix(self.seed, number, 8)))
        name = f"{person.first_name} {person.last_name}"
        return {"id": guid, "displayName": name, "title": "Manager", "avatarSmall": "", "profileUrl": profile}

    def _add_project(self, number: int, tasks: int, status: int) -> None:
        title = f"{PRODUCTS[number % len(PRODUCTS)]} {number + 1}"
        project_id = self._add("projects", {"title": title, "description": "", "status": status})
        folder = {"projectId": project_id, "parentId": 2}
        root = self._add("folders", {"title": title, **folder})
        inner = self._add("folders", {"title": "Drafts", **folder, "parentId": root})
        self.tables["projects"][project_id]["projectFolder"] = root
        self.add_file(root, "handbook.pdf", self._some_contents(), cloud=True)
        self.add_file(inner, "draft.docx", self._some_contents())
        for kind, count in (("tasks", tasks), ("messages", 2)):
            for _ in range(count):
                state = 2 if self._dice.chance(30) else 1
                fields = {"title": self._dice.pick(PLAIN), "projectId": project_id, "status": state}
                self._fill(root, kind, self._add(kind, fields))

    def _fill(self, root: int, kind: str, entity_id: int) -> None:
        """Up to two files for a task or a message; some are attached to two of them."""
        for _ in range(self._dice.roll(3)):
            if self._dice.chance(10) and self.in_folder(root)[1:]:
                self.attach(kind, entity_id, [self.in_folder(root)[-1]["id"]])
                continue
            title = self._dice.pick(DOCUMENTS)
            self.attach(kind, entity_id, [self.add_file(root, title, self._some_contents(), new_if_exists=True)])

    def _some_contents(self) -> Contents:
        return self._dice.state, 1 + self._dice.roll(self.largest)


def clean(title: str) -> str:
    """A title as the portal keeps it: trimmed, cut with its ending kept, with `_` for what it does not allow."""
    safe = UNSAFE.sub(lambda found: "_" * (2 if ord(found[0]) > 0xFFFF else 1), title.strip().rstrip("."))
    if len(safe) <= LONGEST_TITLE:
        return safe
    stem, dot, ending = safe.rpartition(".")
    return stem[: LONGEST_TITLE - len(ending) - 1] + dot + ending if dot else safe[:LONGEST_TITLE]
