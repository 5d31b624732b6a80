"""What to tell a user about code that is found in a way that cannot be followed."""

from __future__ import annotations

from types import ModuleType

from merkl.fingerprint.ownership import Ownership

__all__ = ["blind_spot"]

_REMEDY = "which MerkL cannot follow. Declare what it uses in deps=."


def blind_spot(
    user: str, what: str, detail: str, namespace: dict[str, object], ownership: Ownership
) -> str | None:
    """Return the warning about one thing that the code named `user` does, None where it needs none.

    `what` and `detail` are as a fragment notes them; names are looked up in `namespace`.
    """
    if what == "getattr":
        module = _module_at(detail, namespace)
        if module is None or not ownership.owns_module(module):
            return None
        return (
            f"{user} reads an attribute of module {module.__name__!r} by a computed name; all of it counts, "
            "but not what it imports. Declare more in deps=."
        )
    if what == "globals":
        where = f"{detail}()" if detail.isidentifier() else detail
        return f"{user} looks names up in {where}, {_REMEDY}"
    if what == "loader":
        return f"{user} calls {detail}, {_REMEDY}"
    return f"{user} calls {detail} with a computed argument, {_REMEDY}"


def _module_at(dotted: str, namespace: dict[str, object]) -> ModuleType | None:
    base, *path = dotted.split(".")
    value: object = namespace.get(base)
    for attribute in path:
        value = getattr(value, attribute, None) if isinstance(value, ModuleType) else None
    return value if isinstance(value, ModuleType) else None
