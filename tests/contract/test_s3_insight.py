"""What the commands say of results that lie in a bucket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from project import Project

from merkl import Workspace
from merkl.cache import S3Cache
from merkl.cache.sweep import collect
from merkl.render.call_view import view_result

FLOW = """
    from merkl import Future, task

    @task
    def small(n: int) -> list[int]:
        return [n]

    @task
    def large(xs: list[int]) -> bytes:
        return bytes(100_000) + bytes(xs)

    def main() -> Future[bytes]:
        return large(small(3))
"""


def test_where_a_content_lies_is_told_and_keys_of_one_result_count_once(
    s3: tuple[str, dict[str, Any]], tmp_path: Path, project: Project, monkeypatch: Any
) -> None:
    url, options = s3
    project.write("flow_in_bucket.py", FLOW)
    monkeypatch.syspath_prepend(project.folder)
    import flow_in_bucket  # type: ignore[import-not-found]

    cache = S3Cache(url, options)
    workspace = Workspace(tmp_path / "home", cache=cache)
    try:
        with workspace:
            workspace.run(flow_in_bucket.main)
            large = flow_in_bucket.main()
            (small,) = large.parents
            places = [view_result(key, workspace.ledger, cache, {}).place for key in (large.hash, small.hash)]
        assert re.fullmatch(rf"{url}/objects/(..)/\1[0-9a-f]{{62}}", places[0])
        assert places[1] == f"{url}/index/{small.hash[:2]}/{small.hash} (within the record)"
        # The bucket has a second key, by content, for what has inputs.
        assert [item.is_alias for item in cache.items()].count(True) == 1
        assert collect(cache, unreachable=True, dry_run=True).kept == 2
    finally:
        workspace.close()
