"""Wraps secrets so that no `repr`, log line or traceback can show them."""


class Secret:
    """A text that only `reveal()` returns."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(…)"
