"""Where in the grammar of the shell one list of commands is."""

from __future__ import annotations

__all__ = ["Frame"]


class Frame:
    """Where in the grammar one list of commands is: at a command's name, among its words, in a `case`."""

    def __init__(self) -> None:
        self.at_start = True
        self.last: str | None = None
        self.in_wrapper = False
        self.expects_function_name = False
        self._cases: list[str] = []

    @property
    def in_pattern(self) -> bool:
        return bool(self._cases) and self._cases[-1] == "pattern"

    def end_command(self) -> None:
        self.at_start = True
        self.in_wrapper = False
        self.last = None

    def begin_case(self) -> None:
        self._cases.append("subject")
        self.at_start = False

    def enter_case_body(self) -> None:
        self._cases[-1] = "body"
        self.end_command()

    def next_pattern(self) -> None:
        if self._cases:
            self._cases[-1] = "pattern"

    def end_case(self) -> None:
        if self._cases:
            self._cases.pop()
        self.at_start = False

    def takes_case_word(self, value: str | None) -> bool:
        if not self._cases:
            return False
        if self._cases[-1] == "subject":
            if value == "in":
                self._cases[-1] = "pattern"
            return True
        if self._cases[-1] == "pattern":
            if value == "esac":
                self.end_case()
            return True
        return False
