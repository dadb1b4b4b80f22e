"""The webhooks of the simulated organisation are those of the vendor's page: signed, and sent again if not taken."""

import hashlib
import hmac
from collections import Counter

import msgspec

from pyrus_etl.sandbox import Sandbox, World
from tests.processes import eventually
from tests.scripted import Asked, Reply, scripted


def test_each_change_is_sent_until_it_is_taken_and_never_more_than_three_times() -> None:
    world = World(1, tasks=10)
    edited, stubborn, hidden = world.task_ids()[:3]
    tries: Counter[int] = Counter()

    def answer(asked: Asked) -> Reply:
        task_id = msgspec.json.decode(asked.body)["task_id"]
        tries[task_id] += 1
        return Reply(500 if task_id == stubborn or tries[task_id] == 1 else 200)

    with scripted(answer) as server, Sandbox(world, webhook=f"{server.url}/hook", webhook_again=0.01) as sandbox:
        world.revoke(hidden)
        for task_id in (hidden, edited, stubborn):
            world.edit(task_id)
        (created,) = world.create()
        eventually(lambda: tries == {edited: 2, created: 2, stubborn: 3})
        sandbox.reconfigure(webhook=f"{server.url}/hook", webhook_twice=1.0)
        world.close(edited)
        eventually(lambda: tries[edited] == 4)
        eventually(lambda: sandbox.backend.webhooks.statuses == {200: 4, 500: 5})
        key = sandbox.options.security_key

    for asked in server.asked:
        signature = hmac.new(key.encode(), asked.body, hashlib.sha1).hexdigest()
        body = msgspec.json.decode(asked.body)
        assert (asked.method, asked.path, asked.headers["X-Pyrus-Sig"]) == ("POST", "/hook", signature)
        assert asked.headers["User-Agent"] == "Pyrus-Bot-4"
        assert body["task"]["id"] == body["task_id"]
        assert body.keys() == {"event", "access_token", "task_id", "user_id", "bot_settings", "task"}
    retries = [asked.headers["X-Pyrus-Retry"] for asked in server.asked if str(stubborn).encode() in asked.body[:99]]
    assert retries == ["1/3", "2/3", "3/3"]
