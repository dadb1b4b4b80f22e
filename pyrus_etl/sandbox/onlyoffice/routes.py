"""The paths of the portal's calls, and how it refuses."""

from __future__ import annotations

import re

BASE = "/api/2.0/"
HANDLER = "/products/files/httphandlers/filehandler.ashx"
EDITOR = "/products/files/doceditor.aspx"
ROUTES = (
    ("login", r"authentication(?:/(\w+))?", ("POST",)),
    ("me", r"people/@self", ("GET",)),
    ("projects", r"project(?:/filter|/@self)?", ("GET",)),
    ("project", r"project/(\d+)", ("GET",)),
    ("tasks", r"project/task/filter", ("GET",)),
    ("tasks", r"project/(\d+)/task(?:/@all)?", ("GET",)),
    ("messages", r"project/message/filter", ("GET",)),
    ("messages", r"project/(\d+)/message", ("GET",)),
    ("entity", r"project/(task/\d+|message/\d+)", ("GET",)),
    ("entityfiles", r"project/(task/\d+|message/\d+|\d+)/(?:entity)?files", ("GET",)),
    ("attach", r"project/(task/\d+|message/\d+|\d+)/(?:entity)?files", ("POST",)),
    ("detach", r"project/(task/\d+|message/\d+|\d+)/(?:entity)?files", ("DELETE",)),
    ("uploadto", r"project/(\d+)/entityfiles/upload", ("POST",)),
    ("folder", r"files/(\d+)", ("GET",)),
    ("upload", r"files/(\d+)/upload", ("POST",)),
    ("insert", r"files/(\d+)/insert", ("POST",)),
    ("file", r"files/file/([^/]+)", ("GET",)),
    ("update", r"files/file/([^/]+)", ("PUT",)),
    ("delete", r"files/file/([^/]+)", ("DELETE",)),
    ("presigned", r"files/file/([^/]+)/presigneduri", ("GET",)),
    ("fileops", r"files/fileops", ("GET",)),
)
COMPILED = tuple((name, re.compile(pattern), methods) for name, pattern, methods in ROUTES)
STATUSES = {
    "BadFormat": (400, "Bad request"),
    "unauthorized": (401, "Unauthorized"),
    "forbidden": (403, "Access denied"),
    "not_found": (404, "The record could not be found"),
    "MethodNotFound": (404, "The method is not found"),
    "TooManyRequests": (503, "Service Unavailable"),
    "ServerError": (500, "Server Error"),
    "Unavailable": (503, "Service Unavailable"),
}
