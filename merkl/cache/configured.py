"""The cache that a project's settings ask for: one near, remotes behind it."""

from __future__ import annotations

import os
from pathlib import Path

from merkl._base.config import CacheSettings, Remote
from merkl._base.errors import ConfigError
from merkl.cache.base import BaseCache
from merkl.cache.layers import LayeredCache, ReadOnlyCache
from merkl.cache.urls import open_cache

__all__ = ["open_configured", "open_named", "open_relative"]

#: What belongs into the environment: pyproject.toml is seen by everybody who has the project.
_CREDENTIALS = ("secret", "password", "token", "access_key", "account_key", "sas", "credential")


def open_configured(settings: CacheSettings, root: Path) -> BaseCache:
    """Return the cache of the project in a folder, as `[tool.merkl.cache]` describes it.

    Results live in `.merkl/` unless `url` says otherwise; `remotes` are asked after it, in their order, and written to.

    Raises:
        ConfigError: a URL of an unknown kind, or credentials among the settings.
    """
    near = open_relative(settings.url or ".merkl", root)
    if not settings.remotes:
        return near
    return LayeredCache(near, *(_open_remote(remote, root) for remote in settings.remotes))


def open_named(url: str, settings: CacheSettings, root: Path, here: Path) -> BaseCache:
    """Return the cache that is named in a folder: a remote of the project's as its settings say, else by its URL alone."""
    for remote in settings.remotes:
        if isinstance(remote, Remote) and remote.url == url:
            return _open_remote(remote, root)
    return open_relative(url, here)


def open_relative(url: str, root: Path) -> BaseCache:
    """Return the cache that a URL names, a relative path being one inside the project."""
    return open_cache(_absolute(url, root))


def _open_remote(remote: str | Remote, root: Path) -> BaseCache:
    if isinstance(remote, str):
        remote = Remote(remote)
    for name in remote.options:
        if any(word in name.lower() for word in _CREDENTIALS):
            raise ConfigError(
                f"[tool.merkl.cache] remotes: {name!r} looks like a credential and must not stand in pyproject.toml; set it in "
                "the environment (for S3 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY) or in the provider's own files"
            )
    cache = open_cache(_absolute(remote.url, root), remote.options)
    return ReadOnlyCache(cache) if remote.read_only else cache


def _absolute(url: str, root: Path) -> str:
    scheme, separator, rest = url.partition(":")
    if not separator or len(scheme) == 1:
        return os.path.join(root, os.path.expanduser(url))
    if scheme == "file" and not rest.startswith("/"):
        return os.path.join(root, rest)
    return url
