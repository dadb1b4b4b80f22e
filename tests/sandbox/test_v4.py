"""API v4 of the sandbox over HTTP: the same organisation, in the vendor's newer words."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import Message
from typing import Any, NamedTuple

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, STAFF

Json = dict[str, Any]
ALL = {"include_archived": True}


class Reply(NamedTuple):
    status: int
    headers: Message
    json: Any

    @property
    def refusal(self) -> tuple[int, str]:
        return self.status, self.json["error_code"]


class Client:
    """Logs in once, and asks below `/v4/`. With a body, a request is a POST."""

    def __init__(self, sandbox: Sandbox, login: str | None = None) -> None:
        self.sandbox = sandbox
        self.token = log_in(sandbox, login=login or sandbox.options.login).json["access_token"]

    def ask(self, path: str, given: Any = None) -> Reply:
        return send(f"{self.sandbox.url}/v4/{path}", given, {"Authorization": f"Bearer {self.token}"})

    def register(self, form_id: int, given: Any = None) -> list[Json]:
        """The rows of a form's register, closed ones included."""
        found: list[Json] = self.ask(f"forms/{form_id}/register", ALL | (given or {})).json.get("tasks", [])
        return found

    def forms(self) -> list[int]:
        return [form["id"] for form in self.ask("forms").json["forms"]]


def send(url: str, given: Any = None, headers: dict[str, str] | None = None) -> Reply:
    body = None if given is None else json.dumps(given).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, headers or {}), timeout=60) as answer:
            return Reply(answer.status, answer.headers, json.loads(answer.read()))
    except urllib.error.HTTPError as refused:
        with refused:
            return Reply(refused.code, refused.headers, json.loads(refused.read()))


def log_in(sandbox: Sandbox, path: str = "/api/v4/auth", **given: Any) -> Reply:
    credentials = {"login": sandbox.options.login, "security_key": sandbox.options.security_key}
    return send(sandbox.url + path, credentials | given)


def ids(found: list[Json]) -> set[int]:
    return {task["id"] for task in found}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(seed=7, tasks=150)) as running:
        yield running


@pytest.fixture
def client(sandbox: Sandbox) -> Client:
    return Client(sandbox)


def test_a_login_tells_the_urls_below_which_it_was_made(sandbox: Sandbox) -> None:
    on_premise, cloud = log_in(sandbox).json, log_in(sandbox, "/v4/auth").json

    assert on_premise["api_url"] == f"{sandbox.url}/api/v4/"
    assert (cloud["api_url"], cloud["files_url"]) == (f"{sandbox.url}/v4/", f"{sandbox.url}/")
    assert log_in(sandbox, security_key="?").refusal == (401, "invalid_credentials")
    sandbox.reconfigure(login_urls=False)
    assert set(log_in(sandbox).json) == {"access_token"}


def test_persons_who_share_a_login_send_their_id() -> None:
    shared = {"office@northlight.example": (STAFF[3].id, STAFF[4].id)}
    with Sandbox(World(seed=7, tasks=5), shared=shared) as sandbox:
        login = {"login": "office@northlight.example"}
        token = log_in(sandbox, **login, person_id=STAFF[4].id).json["access_token"]
        profile = send(f"{sandbox.url}/v4/profile", headers={"Authorization": f"Bearer {token}"})

        assert profile.json["person_id"] == STAFF[4].id
        assert log_in(sandbox, **login).refusal == (401, "non_unique_email")
        assert log_in(sandbox, **login, person_id=STAFF[5].id).refusal == (401, "invalid_credentials")


def test_the_oldest_of_too_many_tokens_is_revoked(sandbox: Sandbox, client: Client) -> None:
    newest = [log_in(sandbox) for _ in range(sandbox.options.most_tokens)]

    assert client.ask("profile").refusal == (401, "revoked_token")
    client.token = newest[0].json["access_token"]
    assert client.ask("profile").status == 200
    client.token = "?"
    assert client.ask("profile").refusal == (401, "invalid_token")
    assert send(f"{sandbox.url}/v4/profile").refusal == (401, "token_not_specified")


def test_both_apis_say_the_same_of_a_task(sandbox: Sandbox, client: Client) -> None:
    for task_id in sandbox.world.task_ids():
        told = sandbox.world.task(task_id)["TaskWithNotes"]
        shown = client.ask(f"tasks/{task_id}").json["task"]
        votes = [[one["approval_choice"] for one in step or ()] for step in shown.get("approvals", [])]

        assert shown["text"] == told["Text"]
        assert shown.get("list_ids", []) == [project["Id"] for project in told["Projects"]]
        assert ("close_date" in shown) == ("CloseDate" in told)
        assert shown.get("due_date", shown.get("due", "")[:10]) == day(told.get("DueDate"))
        assert votes == [[one.get("Choice", "Waiting").lower() for one in step or ()] for step in steps(told)]
        assert [note.get("text") for note in shown["comments"]] == [note.get("Text") for note in told["Notes"]]


def day(date: str | None) -> str:
    return "" if date is None else datetime.fromtimestamp(int(date[6:-2]) / 1000, UTC).strftime("%Y-%m-%d")


def steps(told: Json) -> list[list[Json] | None]:
    found: list[list[Json] | None] = told.get("Approvals", [])
    return found


def test_a_register_has_the_values_of_every_task_of_its_form(sandbox: Sandbox, client: Client) -> None:
    forms = {form_id: client.register(form_id) for form_id in client.forms()}
    tasks = [sandbox.world.v4.task(task_id) for task_id in sandbox.world.task_ids()]

    assert {form: ids(rows) for form, rows in forms.items()} == {
        form: {task["id"] for task in tasks if task.get("form_id") == form} for form in forms
    }
    for row in (row for rows in forms.values() for row in rows):
        task = sandbox.world.v4.task(row["id"])
        assert set(row) <= {"id", "create_date", "last_modified_date", "last_note_id", "current_step", "fields"}
        assert row["last_note_id"] == max(comment["id"] for comment in task["comments"])
        assert {one["id"] for one in row["fields"]} == {one["id"] for one in task["fields"] if "value" in one}


def test_a_register_is_read_in_pages_by_id(sandbox: Sandbox, client: Client) -> None:
    form_id = client.forms()[0]
    whole = ids(client.register(form_id))
    sandbox.reconfigure(register_cap=7)
    pages, last = [], 0
    while page := client.register(form_id, {"sort": "id", "id": f"gt{last}", "item_count": 10}):
        pages.append(page)
        last = page[-1]["id"]

    assert [row["id"] for page in pages for row in page] == sorted(whole)
    assert {len(page) for page in pages[:-1]} == {7}
    assert client.ask(f"forms/{form_id}/register", {"item_count": 20001}).refusal == (400, "items_count_out_of_range")


def test_closed_tasks_are_in_a_register_only_on_request(sandbox: Sandbox, client: Client) -> None:
    form_id = client.forms()[0]
    opened = ids(client.ask(f"forms/{form_id}/register?item_offset=5").json["tasks"])
    closed = client.ask(f"forms/{form_id}/register", {"closed_before": "9999-12-31"}).json["tasks"]
    spellings = [client.ask(f"forms/{form_id}/register?include_archived={word}") for word in ("y", "true", "True")]

    assert [ids(reply.json["tasks"]) for reply in spellings] == [opened | ids(closed)] * 3
    assert opened == {one for one in ids(client.register(form_id)) if not sandbox.world.v4.task(one).get("close_date")}


def test_rows_can_be_asked_for_by_task_date_and_field(sandbox: Sandbox, client: Client) -> None:
    form_id = client.forms()[0]
    first, *_, last = sorted(client.register(form_id), key=lambda row: str(row["last_modified_date"]))
    since = {"modified_after": last["last_modified_date"]}
    some = client.register(form_id, {"task_ids": [first["id"]], "field_ids": str(last["fields"][0]["id"])})

    assert ids(client.register(form_id, since)) == {last["id"]}
    assert ids(some) == {first["id"]}
    assert all(field["id"] == last["fields"][0]["id"] for field in some[0].get("fields", []))
    assert client.ask(f"forms/{form_id}/register", {"modified_after": "2999-01-01"}).json == {}
    assert client.ask("forms/5/register").refusal == (403, "access_denied_form")


def test_a_register_that_lags_shows_tasks_as_they_were(sandbox: Sandbox, client: Client) -> None:
    form_id = client.forms()[0]
    before = client.register(form_id, {"sort": "id"})
    sandbox.reconfigure(register_lag=600)
    sandbox.world.advance(3600)
    edited = sandbox.world.edit(before[0]["id"], "comment")

    assert client.register(form_id, {"sort": "id"}) == before
    assert client.ask(f"tasks/{edited}").json["task"]["last_modified_date"] > before[0]["last_modified_date"]
    sandbox.world.advance(600)
    assert client.register(form_id, {"sort": "id"})[0]["last_note_id"] == before[0]["last_note_id"] + 1


def test_lists_show_headers_by_date_and_leave_out_the_key_if_empty(sandbox: Sandbox, client: Client) -> None:
    simple = next(one for one in map(sandbox.world.v4.task, sandbox.world.task_ids()) if "form_id" not in one)
    path = f"lists/{simple['list_ids'][0]}/tasks?include_archived=y"
    shown = client.ask(path).json
    date = datetime.fromisoformat(simple["last_modified_date"])
    around = f"&modified_after={date:%Y-%m-%dT%H:%M:%SZ}&modified_before={date:%Y-%m-%dT%H:%M:%Sz}"

    assert simple["id"] in ids(shown["tasks"])
    assert shown["has_more"] is False
    assert ids(client.ask(path + around).json["tasks"]) == {simple["id"]}
    assert client.ask(f"{path}&item_count=1").json["has_more"] is (len(shown["tasks"]) > 1)
    assert client.ask(f"{path}&modified_after={date + timedelta(days=9000):%Y-%m-%d}").json == {"has_more": False}


def test_the_tree_of_lists_has_every_list_of_the_tasks(sandbox: Sandbox, client: Client) -> None:
    found: set[int] = set()
    waiting = client.ask("lists?with_forms=True").json["lists"]
    while waiting:
        one = waiting.pop()
        found.add(one["id"])
        waiting += one.get("children", [])

    assert found >= {one for task_id in sandbox.world.task_ids() for one in sandbox.world.v4.task(task_id)["list_ids"]}


def test_the_inbox_is_that_of_the_world(sandbox: Sandbox, client: Client) -> None:
    put = {"Id": 9, "Text": "Ours", "CreateDate": "/Date(0)/", "Responsible": {"Id": ACCOUNT.id}}
    sandbox.world.put(9, put)

    assert [task["id"] for task in client.ask("inbox?item_count=1000").json["tasks"]] == sandbox.world.inbox()


def test_a_payload_that_a_test_puts_is_served_by_both_apis(sandbox: Sandbox, client: Client) -> None:
    form_id, date = client.forms()[0], "2026-03-01T10:00:00Z"
    fields = [{"id": 1, "type": "rating", "name": "New", "value": {"stars": 5}}]
    body = {
        "id": 99,
        "text": "T",
        "create_date": date,
        "last_modified_date": date,
        "form_id": form_id,
        "fields": fields,
    }
    sandbox.world.put(99, body, api="v4")
    sandbox.world.put(98, {"Id": 98, "Text": "Told", "CreateDate": "/Date(1000)/", "Notes": []})

    assert client.ask("tasks/99").json == {"task": body}
    row = {"id": 99, "create_date": date, "last_modified_date": date, "fields": fields}
    assert client.register(form_id, {"task_ids": [99]}) == [row]
    assert client.ask("tasks/98").json["task"]["text"] == "Told"
    assert sandbox.world.task(99)["TaskWithNotes"]["Text"] == "T"


def test_what_cannot_be_seen_is_403_and_a_quota_is_429_in_the_words_of_v4(sandbox: Sandbox, client: Client) -> None:
    lost, deleted, *_ = sandbox.world.task_ids()
    sandbox.world.revoke(lost)
    sandbox.world.delete(deleted)

    assert client.ask(f"tasks/{lost}").refusal == (403, "access_denied_task")
    assert client.ask(f"tasks/{deleted}").refusal == (403, "access_denied_task")
    sandbox.reconfigure(quota=(1, 3600))
    replies = [client.ask("profile") for _ in range(2)]
    assert replies[1].refusal == (429, "too_many_requests")
    assert replies[0].headers["X-RateLimit-Remaining"] == "0"


def test_a_server_can_have_one_api_only(sandbox: Sandbox, client: Client) -> None:
    sandbox.reconfigure(api="v3")
    assert client.ask("profile").json["ApiException"]["Code"] == "AuthorizationErrorInvalidToken"
    sandbox.reconfigure(api="v4")
    assert send(f"{sandbox.url}/restapi/profile").refusal == (401, "token_not_specified")


def test_lists_of_v3_take_a_token_of_v4_if_the_server_is_a_hybrid(sandbox: Sandbox, client: Client) -> None:
    url, known = f"{sandbox.url}/restapi/searchtasks", {"Authorization": f"Bearer {client.token}"}

    assert send(url, {}, known).status == 401
    sandbox.reconfigure(hybrid=True)
    assert send(url, {}, known).status == 200


def test_the_directory_names_everything_that_tasks_refer_to(sandbox: Sandbox, client: Client) -> None:
    persons = {one["id"] for one in client.ask("members?include_fired=y").json["members"]}
    catalogs = client.ask("catalogs").json["catalogs"]
    whole = [client.ask(f"catalogs/{one['catalog_id']}?include_deleted=y").json for one in catalogs]
    items = {item["item_id"] for catalog in whole for item in catalog["items"]}
    form = client.ask(f"forms/{client.forms()[0]}").json
    catalog = next(field for field in form["fields"] if field["type"] == "catalog")
    values = [field for row in client.register(form["id"]) for field in row["fields"] if field["id"] == catalog["id"]]

    assert {member for role in client.ask("roles").json["roles"] for member in role.get("member_ids", [])} <= persons
    assert {item for value in values for item in value["value"]["item_ids"]} <= items
    assert catalog["info"]["catalog_id"] in {one["catalog_id"] for one in catalogs}
    assert client.ask("roles/5").refusal == (403, "access_denied_person")
    assert set(form["steps"]) == {"1", "2"}


def test_an_account_sees_what_its_rights_in_a_form_allow(sandbox: Sandbox, client: Client) -> None:
    form_id, lost = client.forms()[:2]
    whole, gone, rights = client.register(form_id), client.register(lost), sandbox.world.v4.directory
    rights.grant(ACCOUNT.id, lost, "none")
    rights.grant(ACCOUNT.id, form_id, "member")

    assert lost not in client.forms()
    assert client.ask(f"tasks/{gone[0]['id']}").refusal == (403, "access_denied_task")
    assert 0 < len(client.register(form_id)) < len(whole)
    assert client.ask(f"forms/{form_id}/permissions").json["permissions"] == {str(ACCOUNT.id): "member"}
    rights.grant(ACCOUNT.id, form_id, "refused")
    assert client.ask(f"forms/{form_id}/register").refusal == (403, "access_denied_form")
    assert client.ask(f"tasks/{whole[0]['id']}").status == 200


def test_forms_and_catalogs_change(sandbox: Sandbox, client: Client) -> None:
    form_id, world = client.forms()[0], sandbox.world.v4.directory
    before = client.ask("catalogs").json["catalogs"][0]
    control = f"{sandbox.url}/sandbox"
    send(f"{control}/rename-form", {"form_id": form_id, "name": "Renamed"})
    send(f"{control}/add-field", {"form_id": form_id, "field": {"id": 900, "type": "text", "name": "New"}})
    send(f"{control}/change-item", {"catalog_id": before["catalog_id"], "item_id": 1, "values": ["New", "1"]})
    world.close_form(form_id)
    form = client.ask(f"forms/{form_id}").json

    assert (form["name"], form["deleted_or_closed"], form["fields"][-1]["id"]) == ("Renamed", True, 900)
    assert client.ask("catalogs").json["catalogs"][0]["version"] == before["version"] + 1


def test_files_are_on_another_port_if_they_are_apart() -> None:
    with Sandbox(World(seed=7, tasks=150), files_apart=True) as sandbox:
        files_url = log_in(sandbox).json["files_url"]
        known = {"Authorization": f"Bearer {Client(sandbox).token}"}
        notes = [one for task in sandbox.world.task_ids() for one in sandbox.world.v4.task(task)["comments"]]
        file = next(file for note in notes for file in note.get("attachments", []))
        paths = ("v4/files/download/{id}", "files/download/{id}", "services/attachment?Id={id}")
        held = {fetch(files_url + path.format(id=file["id"]), known) for path in paths}

        assert not files_url.startswith(sandbox.url)
        assert [len(one) for one in held] == [file["size"]]
        assert send(f"{files_url}files/download/5", headers=known).refusal == (400, "unrecognized_attachment_id")


def fetch(url: str, headers: dict[str, str]) -> bytes:
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return bytes(answer.read())


def test_comments_are_edited_and_deleted_with_or_without_a_new_date(sandbox: Sandbox) -> None:
    world = sandbox.world
    task_id = next(one for one in world.task_ids() if len(world.v4.task(one)["comments"]) > 4)
    before = world.v4.task(task_id)
    edited = world.v4.task(world.edit_note(task_id, silent=True))
    deleted = world.v4.task(world.delete_note(task_id))

    assert edited["last_modified_date"] == before["last_modified_date"] < deleted["last_modified_date"]
    assert sum(one != other for one, other in zip(before["comments"], edited["comments"], strict=True)) == 1
    kept = [one for one in edited["comments"] if one in deleted["comments"]]
    assert deleted["comments"] == kept
    assert len(kept) == len(edited["comments"]) - 1


def test_a_task_out_of_its_last_list_is_in_no_list(sandbox: Sandbox, client: Client) -> None:
    task = next(one for one in map(sandbox.world.v4.task, sandbox.world.task_ids()) if "form_id" not in one)
    sandbox.world.take_out(task["id"])
    found = [client.ask(f"lists/{list_id}/tasks?include_archived=y").json for list_id in task["list_ids"]]

    assert not any(task["id"] in ids(page.get("tasks", [])) for page in found)
    assert "list_ids" not in client.ask(f"tasks/{task['id']}").json["task"]


def test_what_only_v4_has_is_drawn_once_and_defined_by_its_form(sandbox: Sandbox, client: Client) -> None:
    tasks = [sandbox.world.v4.task(task_id) for task_id in sandbox.world.task_ids()]
    contract = next(form for form in client.ask("forms").json["forms"] if form["name"] == "Contract approval")
    rows = client.register(contract["id"])
    newer = {"multiple_choice", "title", "table", "form_link", "catalog", "rating"}

    assert {"subject", "subscribers", "participants", "linked_task_ids", "steps"} <= {
        key for one in tasks for key in one
    }
    assert newer <= {field["type"] for field in contract["fields"]}
    assert newer <= {field["type"] for row in rows for field in row["fields"]}
    assert {field["id"] for row in rows for field in row["fields"]} <= {field["id"] for field in contract["fields"]}


def test_an_organisation_can_have_any_number_of_forms() -> None:
    with Sandbox(World(seed=7, tasks=400, forms=40)) as sandbox:
        sandbox.world.v4.warm()
        client = Client(sandbox)
        rows = [row for form_id in client.forms() for row in client.register(form_id)]
        simple = [one for one in sandbox.world.task_ids() if "form_id" not in sandbox.world.v4.task(one)]

        assert len(client.forms()) == 40
        assert ids(rows) | set(simple) == set(sandbox.world.task_ids())
        assert 0 < len(simple) < 40


def test_most_tasks_of_many_forms_are_in_no_list_besides_their_form() -> None:
    with Sandbox(World(seed=7, tasks=400, forms=40)) as sandbox:
        world = sandbox.world
        tasks = [world.v4.task(task_id) for task_id in world.task_ids()]
        filed = [task for task in tasks if set(task.get("list_ids", ())) - {task.get("form_id")}]
        simple = [task for task in tasks if "form_id" not in task]

        assert {task["id"] for task in simple} <= {task["id"] for task in filed}
        assert len(simple) < len(filed) < 0.15 * len(tasks)


def test_a_register_can_be_filtered_by_step_and_by_the_values_of_fields() -> None:
    with Sandbox(World(seed=5, tasks=300)) as sandbox:
        client = Client(sandbox)
        registers = {form_id: client.register(form_id) for form_id in client.forms()}
        types = {
            form: {field["type"]: field for row in rows for field in row["fields"]} for form, rows in registers.items()
        }
        form_id = next(form for form, fields in types.items() if {"text", "money"} <= fields.keys())
        rows, text, money = registers[form_id], types[form_id]["text"], types[form_id]["money"]
        step, name = rows[0].get("current_step"), f"fld{money['id']}"

        def having(field: Json, test: Callable[[Any], bool]) -> set[int]:
            found = ((row["id"], one) for row in rows for one in row["fields"] if one["id"] == field["id"])
            return {task_id for task_id, one in found if test(one["value"])}

        def filtered(**given: Any) -> set[int]:
            return ids(client.register(form_id, given))

        assert filtered(steps=[step]) == {row["id"] for row in rows if row.get("current_step") == step} != set()
        assert filtered(**{f"fld{text['id']}": text["value"]}) == having(text, lambda value: value == text["value"])
        assert filtered(**{name: f"gt{money['value']}"}) == having(money, lambda value: value > money["value"])
        assert filtered(**{name: "*"}) == having(money, lambda value: True)
        assert filtered(**{name: "empty"}) == ids(rows) - filtered(**{name: "*"})
        assert filtered(fldName="x", fld0="") == ids(rows), "what is no filter is ignored"


def test_options_can_be_changed_while_it_runs() -> None:
    with Sandbox(World(seed=5, tasks=60)) as sandbox:
        client = Client(sandbox)
        form_id = max(client.forms(), key=lambda each: len(client.register(each)))
        given = {"register_cap": 2, "register_lag": 60, "list_cap": 3, "hybrid": True}
        assert send(f"{sandbox.url}/sandbox/options", given).status == 200

        assert len(client.register(form_id)) == 2
        shown = send(f"{sandbox.url}/sandbox/state").json["result"]["options"]
        assert {name: shown[name] for name in given} == given
        assert send(f"{sandbox.url}/sandbox/options", {"login": "x"}).status == 400
        assert sandbox.options.hybrid
