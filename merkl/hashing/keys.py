"""Every formula of a key: of calls, of their outs, and of contents.

All are pure functions of bytes. A *recipe* key is known before anything runs; a *content* key is the same over
the content identities of the inputs, and is what gives early cutoff.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from merkl.hashing.digests import hash_parts

__all__ = [
    "describe_constant",
    "describe_content",
    "describe_input",
    "hash_batch",
    "hash_batch_item",
    "hash_call",
    "hash_call_content",
    "hash_code_of_content",
    "hash_file_identity",
    "hash_graph",
    "hash_map_call",
    "hash_out",
    "hash_pipeline",
    "hash_task_identity",
]

#: Canonical bytes up to this length stand in the pre-image themselves, longer ones as their digest.
_INLINE = 128


def describe_constant(canonical: bytes) -> bytes:
    """Return what stands in a call's pre-image for a constant argument, never longer than its inline limit."""
    if len(canonical) <= _INLINE:
        return b"=" + canonical
    return b"#" + hash_parts(b"constant", [canonical])


def describe_input(key: bytes) -> bytes:
    """Return what stands in a call's pre-image for an argument that is a Future, given its key or content identity."""
    return b">" + key


def hash_call(fingerprint: bytes, arguments: Iterable[bytes], extras: Sequence[bytes] = ()) -> bytes:
    """Return the recipe key of a call.

    `arguments` is a name and a description (`describe_constant`, `describe_input`) for each parameter, sorted by name.
    `extras` are the fingerprints of the user's classes that occur in the arguments, sorted, and `extra_key`.
    """
    return hash_parts(
        b"call", [fingerprint, *arguments, b"", *extras] if extras else [fingerprint, *arguments]
    )


def hash_call_content(fingerprint: bytes, arguments: Iterable[bytes], extras: Sequence[bytes] = ()) -> bytes:
    """Return the content key of a call: as `hash_call`, with content identities where the inputs' keys stood."""
    return hash_parts(
        b"content", [fingerprint, *arguments, b"", *extras] if extras else [fingerprint, *arguments]
    )


def hash_map_call(call_key: bytes) -> bytes:
    """Return the key of a task mapped over lists that are not known yet, from the key of its one call over them."""
    return hash_parts(b"map", [call_key])


def hash_batch(keys: Iterable[bytes]) -> bytes:
    """Return what stands for one run of a batch's body, from the keys of its items."""
    return hash_parts(b"batch", list(keys))


def hash_batch_item(fingerprint: bytes) -> bytes:
    """Return the fingerprint of the task that one item of a batch is a call of, from that of the function over lists."""
    return hash_parts(b"batch item", [fingerprint])


def hash_pipeline(fingerprint: bytes) -> bytes:
    """Return the fingerprint of a pipeline from that of its function, which a task may have as well."""
    return hash_parts(b"pipeline", [fingerprint])


def hash_graph(call_key: bytes, paths: Sequence[bytes]) -> bytes:
    """Return what the graph of a pipeline is kept under: the key of its call, and the paths that its body may use.

    The first is where relative ones start, the others are those of files among the arguments.
    """
    return hash_parts(b"graph", [call_key, *paths])


def hash_task_identity(fingerprint: bytes, classes: Sequence[bytes], described: Sequence[str]) -> bytes:
    """Return the digest of a task with all that its keys and outs follow from: code, classes, signature, options."""
    texts = [text.encode("utf-8", "surrogatepass") for text in described]
    return hash_parts(b"task", [fingerprint, *classes, b"", *texts])


def hash_out(call_key: bytes, out: str) -> bytes:
    """Return the key of one of several outs of a call."""
    return hash_parts(b"out", [call_key, out.encode("utf-8", "surrogatepass")])


def describe_content(
    codec: str, codec_version: int, decode_type: str, content_hash: str, extra: str = ""
) -> bytes:
    """Return the content identity: what makes two stored results the same value.

    That is codec, its version, type, content, and of a file the suffix and whether it may be executed; no two different
    ones give the same bytes. It is not hashed by itself, since it only ever becomes part of a longer pre-image.
    """
    text = f"{content_hash} {codec_version} {len(codec)}:{codec}{len(decode_type)}:{decode_type}{extra}"
    return text.encode("utf-8", "surrogatepass")


def hash_code_of_content(digests: Iterable[bytes]) -> bytes:
    """Return the digest of the code that a content names but does not hold, from those of its classes and functions."""
    return hash_parts(b"code of content", sorted(set(digests)))


def hash_file_identity(content_hash: str, suffix: str) -> bytes:
    """Return the key of a file on disk: its content and suffix, never its path."""
    return hash_parts(b"file", [content_hash.encode(), suffix.encode("utf-8", "surrogateescape")])
