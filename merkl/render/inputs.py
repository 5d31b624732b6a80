"""What differs in the results that a call is given: others than it was given then, more of them, or fewer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from merkl.render.differences import Difference
from merkl.render.matching import Comparable

__all__ = ["compare_inputs"]

#: So many results that a list has lost or gained are told one by one.
_MOST = 20


def compare_inputs(
    now: Comparable,
    then: Comparable,
    *,
    origins: Mapping[str, str],
    is_same: Callable[[str, str], bool],
    is_new: Callable[[str], bool],
    describe: Callable[[str], str],
) -> tuple[list[tuple[str, str]], list[Difference]]:
    """Return the results that are in the place of others, with these, and how a call is wired otherwise than it was.

    Args:
        now: the call.
        then: the earlier one in whose place it is.
        origins: from the key of a result to that of the earlier one in whose place it is.
        is_same: whether a result is one of the call that an earlier one was of, other code and other inputs apart.
        is_new: whether a result is of a call that never ran: it tells itself what is new.
        describe: a short text of the call that a result is of.
    """
    replaced: list[tuple[str, str]] = []
    found: list[Difference] = []
    before = dict(then.links)
    for name, key in now.links:
        earlier = before.get(name)
        if earlier is None or key == earlier:
            continue
        if is_same(key, earlier):
            replaced.append((key, earlier))
        else:
            found.append(Difference("input", name, old=describe(earlier), new=describe(key)))
    left = Counter(then.inside)
    added: list[str] = []
    for key in now.inside:
        earlier = origins.get(key, key)
        if left[key] or left[earlier]:
            earlier = key if left[key] else earlier
            left[earlier] -= 1
            if key != earlier:
                replaced.append((key, earlier))
        else:
            added.append(key)
    gone = [key for key in then.inside if left[key] > 0]
    for key in list(added):
        earlier = next((one for one in gone if is_same(key, one)), None) if len(gone) <= _MOST else None
        if earlier is not None:
            gone.remove(earlier)
            added.remove(key)
            replaced.append((key, earlier))
    added = [key for key in added if not is_new(key)]
    found += [Difference("input", "", "removed", old=text) for text in _texts(gone, describe)]
    found += [Difference("input", "", "added", new=text) for text in _texts(added, describe)]
    if not found and not replaced and now.inside != then.inside and not any(map(is_new, now.inside)):
        found.append(Difference("input", "", new="another order"))
    return replaced, found


def _texts(keys: list[str], describe: Callable[[str], str]) -> list[str]:
    more = [f"{len(keys) - _MOST} more"] if len(keys) > _MOST else []
    return [*map(describe, keys[:_MOST]), *more]
