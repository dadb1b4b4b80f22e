"""Creates the dashboard in Metabase, in a collection of its own. Needs Python, and an API key of an administrator.

    METABASE_API_KEY=mb_… python3 create.py https://metabase.example.com Pyrus

The last word is the name of the database in Metabase. To replace an earlier dashboard, move its collection to the
trash.
https://www.metabase.com/docs/latest/people-and-groups/api-keys
"""

import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

OWN_MACHINE = ("localhost", "127.0.0.1", "::1")
FILE = Path(__file__).with_name("pyrus.json")


def main() -> None:
    key, words = os.environ.get("METABASE_API_KEY", ""), sys.argv[1:]
    if not key or len(words) != 2:
        sys.exit(__doc__)
    if urlsplit(words[0]).scheme != "https" and urlsplit(words[0]).hostname not in OWN_MACHINE:
        sys.exit("Plain http would send the API key unencrypted; write https://…")
    try:
        print(f"The dashboard is at {create(words[0].rstrip('/'), words[1], key)}")
    except urllib.error.HTTPError as error:
        sys.exit(f"Metabase answered {error.code} to {error.url}: {error.read(500).decode(errors='replace')}")
    except OSError as error:
        sys.exit(f"Metabase cannot be reached at {words[0]}: {getattr(error, 'reason', error)}")


def create(url: str, database: str, key: str) -> str:
    """Creates everything and returns the address of the dashboard."""

    def ask(method: str, path: str, body: Any = None) -> Any:
        headers = {"x-api-key": key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/api/{path}", data, headers, method=method)  # noqa: S310 -- the user's
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.load(answer)

    wanted = json.loads(FILE.read_text(encoding="utf-8"))
    number = find(ask("GET", "database"), database)
    collection = ask("POST", "collection", wanted["collection"])["id"]
    cards = []
    for card in wanted["cards"]:
        query = {**card["dataset_query"], "database": number}
        cards.append(ask("POST", "card", {**card, "dataset_query": query, "collection_id": collection})["id"])
    dashboard = ask("POST", "dashboard", {**wanted["dashboard"], "collection_id": collection})["id"]
    places = zip(cards, wanted["places"], strict=True)
    dashcards = [
        {"id": -place, "card_id": card, "parameter_mappings": [], "visualization_settings": {}, **where}
        for place, (card, where) in enumerate(places, 1)
    ]
    ask("PUT", f"dashboard/{dashboard}", {"dashcards": dashcards})
    return f"{url}/dashboard/{dashboard}"


def find(answer: Any, name: str) -> int:
    """Returns the id of the database with this name; ends the program if there is none."""
    databases = answer["data"] if isinstance(answer, dict) else answer
    for database in databases:
        if database["name"] == name:
            return int(database["id"])
    sys.exit(f"Metabase has no database {name!r}; it has: {', '.join(database['name'] for database in databases)}")


if __name__ == "__main__":
    main()
