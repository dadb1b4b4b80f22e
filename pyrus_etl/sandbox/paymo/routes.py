"""The paths of Paymo's calls, the fields of its objects, and how it refuses."""

from __future__ import annotations

import re

from pyrus_etl.sandbox.paymo.world import COMPANY, TARGETS

LISTS = ("users", "projects", "tasks", "discussions", "threads", "comments", "files")
FIELDS = {
    "users": ("name", "email", "active"),
    "projects": ("name", "active"),
    "tasks": ("name", "project_id", "complete"),
    "discussions": ("name", "project_id", "user_id"),
    "threads": ("project_id", "task_id", "discussion_id", "file_id"),
    "comments": ("thread_id", "user_id", "content"),
    "files": ("original_filename", "description", "user_id", "size", "mime", *TARGETS),
}
COMMON = ("id", "created_on", "updated_on")
PARENTS = {"project": "projects", "user": "users", "discussion": "discussions", "task": "tasks"}
ROUTES = (
    ("session", r"/api/sessions/?", ("POST",)),
    ("me", r"/api/me/?", ("GET",)),
    ("upload", r"/api/files/?", ("POST",)),
    ("file", r"/api/files/(\d+)", ("GET",)),
    ("update", r"/api/files/(\d+)", ("POST", "PUT")),
    ("delete", r"/api/files/(\d+)", ("DELETE",)),
    *((name, rf"/api/{name}/?()", ("GET",)) for name in LISTS),
    *((name, rf"/api/{name}/(\d+)", ("GET",)) for name in LISTS if name != "files"),
    ("contents", rf"/assets/{COMPANY}/projects/\d+/((?:thumbs/\w+/)?\w+)\.\w+", ("GET",)),
)
COMPILED = tuple((name, re.compile(pattern), methods) for name, pattern, methods in ROUTES)
STATUSES = {
    "bad_request": (400, "Bad request"),
    "BadFormat": (400, "The body cannot be read."),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "You are not allowed to access this resource."),
    "not_found": (404, "Object not found"),
    "MethodNotFound": (404, "The method does not exist."),
    "xml": (406, "This sandbox serves JSON only: send Accept: application/json."),
    "content_type": (415, "Send a Content-Type."),
    "TooManyRequests": (429, "Too Many Requests"),
    "ServerError": (500, "Internal Server Error"),
    "Unavailable": (503, "Service Unavailable"),
}
