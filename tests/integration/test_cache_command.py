"""`merkl cache` in a project: listings, damage, what may go and what stays, results carried to another project."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from project import Project

from merkl.cache import SqliteCache
from merkl.cli import main


@pytest.fixture
def flow(project: Project) -> Project:
    """A project whose `main` makes a large result and a small one of it."""
    project.write(
        "flow.py",
        """
        import time
        from pathlib import Path
        from merkl import task

        @task
        def make(n: int) -> bytes:
            return bytes([n]) * 1_000_000

        @task
        def size(data: bytes) -> int:
            return len(data)

        @task
        def slow() -> str:
            try:
                Path("started").touch()
                while not Path("whole").exists():
                    time.sleep(0.05)
            except KeyboardInterrupt:
                return "half"
            return "whole"

        def main(n: int = 1):
            return size(make(n))
        """,
    )
    return project


def cache_command(project: Project, *words: str) -> tuple[int, str, str]:
    """Carry out `merkl cache …` in this process; return exit code, stdout and stderr."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.chdir(project.folder),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, MERKL_ROOT=str(project.folder)),
    ):
        code = main(["cache", *words])
    return code, out.getvalue(), err.getvalue()


def ask(project: Project, *words: str) -> Any:
    """Run `merkl cache … --json` and return its value."""
    code, out, err = cache_command(project, *words, "--json")
    assert code == 0, err
    return json.loads(out)


def age(project: Project, days: float) -> None:
    """Have all results be used that long ago."""
    connection = sqlite3.connect(project.folder / ".merkl" / "merkl.db")
    connection.execute("UPDATE entries SET used = used - ?", (days * 86_400,))
    connection.commit()
    connection.close()


def tasks(project: Project) -> list[str]:
    """Return the tasks of the results that are stored, sorted."""
    return sorted(item["task"] for item in ask(project, "ls"))


def test_ls_and_stats_show_what_is_stored(flow: Project) -> None:
    """Results by task, newest use first, and their sizes."""
    flow.run_json("flow.main")
    assert tasks(flow) == ["flow.make", "flow.size"]
    assert [item["size"] for item in ask(flow, "ls", "make")] == [1_000_000]
    found = ask(flow, "stats")
    assert (found["results"], found["by_task"]) == (2, {"flow.make": 1, "flow.size": 1})
    _, text, _ = cache_command(flow, "ls")
    assert "1.0 MB" in text
    assert "flow.make" in text


def test_commands_before_the_first_result_say_so(flow: Project) -> None:
    """Nothing is made by looking."""
    for words in (("ls",), ("stats",), ("verify",), ("gc",), ("clear",), ("export", "f", "abcd")):
        code, _out, err = cache_command(flow, *words)
        assert code == 1
        assert "there is no cache" in err
    assert not (flow.folder / ".merkl").exists()


WRONG = {
    ("nonsense",): "there is no `merkl cache nonsense`",
    (): "there are ls",
    ("gc", "--max-size", "many"): "is no size",
    ("gc", "--keep-days", "-1"): "--keep-days: -1 is no number of days",
    ("gc", "--grace-days", "nan"): "--grace-days: nan is no number of days",
    ("ls", "--limit", "-1"): "--limit: -1 is no number of results",
    ("ls", "--cache", ""): "--cache is empty",
    ("import", "."): ". is a folder",
    ("import",): "FILE requires an argument",
    ("accept",): "KEY requires an argument",
    ("export", ".", "abcd"): ". is a folder",
    ("verify", "everything"): "takes no 'everything'",
    ("ls", "--nonsense"): "Unknown option: --nonsense",
    ("import", "nowhere"): "there is no file nowhere",
    ("export", "file"): "which results?",
}


def test_misuse_is_one_line(flow: Project) -> None:
    """Exit code 2, what is wrong, no traceback."""
    for words, message in WRONG.items():
        code, _, err = cache_command(flow, *words)
        assert code == 2, err
        assert message in err
        assert len(err.splitlines()) == 1


def test_what_is_no_folder_is_no_cache_that_is_yet_to_come(flow: Project) -> None:
    for url, message in (("pyproject.toml", "is no folder"), ("file://here/x", "another machine, 'here'")):
        code, _out, err = cache_command(flow, "ls", "--cache", url)
        assert (code, len(err.splitlines())) == (1, 1)
        assert message in err


def test_unknown_and_ambiguous_keys_are_told_apart(flow: Project) -> None:
    """What no key begins with, what several begin with, and what is no key."""
    cache = SqliteCache(flow.folder / ".merkl")
    flow.run_json("flow.main")
    (one, _) = (item["key"] for item in ask(flow, "ls"))
    cache.link(one[:8] + "0" * 56, one)
    cache.close()
    missing = "00000000" if not one.startswith("0000") else "11111111"
    for prefix, message in ((one[:8], "give more digits"), (missing, "no result"), ("xyz!", "is no key")):
        code, _out, err = cache_command(flow, "export", "file", prefix)
        assert (code, len(err.splitlines())) == (1, 1)
        assert message in err
    assert not (flow.folder / "file").exists()


def test_verify_finds_a_flipped_byte_and_repair_has_it_computed_again(flow: Project) -> None:
    """Exit code 1 until it is repaired; the next run then computes what is lost and nothing else."""
    flow.run_json("flow.main")
    assert ask(flow, "verify") == []
    (path,) = (path for path in (flow.folder / ".merkl" / "objects").rglob("*") if path.is_file())
    path.chmod(0o644)
    path.write_bytes(b"\xff" + path.read_bytes()[1:])
    for _ in range(2):  # looking changes nothing
        code, out, err = cache_command(flow, "verify", "--json")
        assert code == 1
        assert [damage["kind"] for damage in json.loads(out)] == ["damaged"]
        assert "is computed again" not in err
    assert cache_command(flow, "verify", "--repair")[0] == 0
    assert ask(flow, "verify") == []
    assert flow.run_json("flow.make", "1")["run"] == 1


def test_verify_repairs_a_database_that_cannot_be_read(flow: Project) -> None:
    """It is moved aside, never deleted; then everything is computed again and the cache is clean."""
    flow.run_json("flow.main")
    path = flow.folder / ".merkl" / "merkl.db"
    path.write_bytes(b"garbage!" * 4000)
    code, _out, err = cache_command(flow, "verify")
    assert code == 1
    assert "verify --repair" in err
    assert cache_command(flow, "verify", "--repair")[0] == 0
    assert [p.name for p in path.parent.glob("merkl.db.damaged-*")] != []
    assert flow.run_json("flow.main")["run"] == 2
    assert ask(flow, "verify") == []


def test_gc_only_says_what_would_go(flow: Project) -> None:
    """Without --yes everything is still there."""
    flow.run_json("flow.main")
    age(flow, 90)
    found = ask(flow, "gc", "--keep-days", "30", "--ignore-roots")
    assert (len(found["keys"]), found["removed"]) == (2, False)
    assert len(tasks(flow)) == 2
    _, shown, said = cache_command(flow, "gc", "--keep-days", "30", "--ignore-roots")
    assert [line.split()[0] for line in shown.splitlines()] == ["key", *(key[:12] for key in found["keys"])]
    assert "would remove 2 results" in said


def test_gc_without_grace_removes_what_was_used_just_now(flow: Project) -> None:
    """Who says so, and nothing else runs, gets the space back at once."""
    flow.run_json("flow.main")
    ask(flow, "gc", "--max-size", "0", "--grace-days", "0", "--ignore-roots", "--yes")
    assert ask(flow, "stats")["results"] == 0
    assert [path for path in (flow.folder / ".merkl" / "objects").rglob("*") if path.is_file()] == []


def test_gc_removes_the_paths_of_results_that_are_gone(flow: Project) -> None:
    """Unpacked directories and directories of killed calls go with them; those of results that stay remain."""
    flow.write(
        "trees.py",
        """
        from merkl import DirRef, task

        @task
        def tree(text: str) -> DirRef:
            made = DirRef()
            (made.path / "file").write_text(text)
            return made

        def main():
            return [tree("a"), tree("b")]
        """,
    )
    flow.run_json("trees.main")
    home = flow.folder / ".merkl"
    left = home / "scratch" / "merkl-left"
    left.mkdir(parents=True)
    first = ask(flow, "ls")[0]
    views = sorted((home / "views").glob("*/*.dir"))
    assert len(views) == 2
    for path in [left, *(home / "views").glob("*/*")]:
        os.utime(path, (0, 0), follow_symlinks=False)
    ask(flow, "clear", first["key"][:12], "--yes")
    assert ask(flow, "gc")["views"] == 3
    assert ask(flow, "gc", "--yes")["views"] == 3
    assert ask(flow, "gc", "--yes")["views"] == 0
    assert [path.name[:64] for path in views if path.exists()] == [ask(flow, "ls")[0]["content_hash"]]
    assert not left.exists()


def test_gc_keeps_what_a_project_reaches_however_old(flow: Project) -> None:
    """What the last runs asked for stays with all that it was made from; what no run asked for goes."""
    flow.run_json("flow.main", "1")
    for _ in range(5):
        flow.run_json("flow.main", "2")
    age(flow, 90)
    ask(flow, "gc", "--unreachable", "--yes")
    assert tasks(flow) == ["flow.make", "flow.size"]
    assert flow.run_json("flow.main", "2")["run"] == 0
    assert flow.run_json("flow.main", "1")["run"] == 2


def test_gc_keeps_what_a_script_evaluated(flow: Project) -> None:
    """A project that never used `merkl run` is known too."""
    flow.write("script.py", "from flow import main\nprint(main(1).eval())\nprint(main(2).eval())\n")
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=flow.folder,
        env=flow.environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout == "1000000\n1000000\n", done.stderr
    (root,) = ask(flow, "roots")
    assert (root["name"], len(root["keys"])) == ("script.py", 2)
    age(flow, 90)
    assert ask(flow, "gc", "--unreachable", "--yes")["kept"] == 4
    assert len(tasks(flow)) == 4


def test_gc_of_a_project_that_is_gone(flow: Project, tmp_path: Path) -> None:
    """A shared cache keeps nothing for a project whose folder was deleted."""
    shared = tmp_path / "shared"
    flow.write("pyproject.toml", f'[tool.merkl.cache]\nurl = "{shared}"\n')
    flow.run_json("flow.main")
    other = tmp_path / "moved"
    os.rename(flow.folder, other)
    (other / "pyproject.toml").write_text("[tool.merkl]\n")
    moved = Project.__new__(Project)
    moved.folder = other
    found = ask(moved, "gc", "--unreachable", "--grace-days", "0", "--cache", str(shared))
    assert found["kept"] + len(found["keys"]) == 2
    connection = sqlite3.connect(shared / "merkl.db")
    connection.execute("UPDATE entries SET used = used - 864000")
    connection.commit()
    connection.close()
    assert len(ask(moved, "gc", "--unreachable", "--yes", "--cache", str(shared))["keys"]) == 2


def test_clear_forgets_a_task_so_that_it_runs_again(flow: Project) -> None:
    """Only that task's results; its code and inputs being the same does not bring them back by content."""
    flow.run_json("flow.main")
    (_, listed, _), (code, shown, _) = (cache_command(flow, word, "size") for word in ("ls", "clear"))
    assert (code, shown) == (0, listed)
    assert len(tasks(flow)) == 2
    assert len(ask(flow, "clear", "size", "--yes")["keys"]) == 1
    found = flow.run_json("flow.main")
    assert (found["run"], found["linked"]) == (1, 0)
    code, _out, err = cache_command(flow, "clear", "nothing_of_that_name")
    assert (code, len(err.splitlines())) == (1, 1)


def test_export_and_import_carry_results_to_another_project(flow: Project, tmp_path: Path) -> None:
    """What was computed here is cached there."""
    flow.run_json("flow.main")
    keys = [item["key"][:10] for item in ask(flow, "ls")]
    assert cache_command(flow, "export", "results.zip", *keys)[0] == 0
    there = tmp_path / "there"
    there.mkdir()
    other = Project(there)
    other.write("flow.py", (flow.folder / "flow.py").read_text())
    assert len(ask(other, "import", str(flow.folder / "results.zip"))["keys"]) == 2
    assert other.run_json("flow.main")["run"] == 0


def test_an_interrupted_result_has_one_key_and_counts_once_it_is_accepted(flow: Project) -> None:
    """Every command shows and finds it by the key of its call; `accept` makes it a result like any other, listed once."""
    process = flow.start_and_wait("run", "flow.slow", until="started")
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert out == "half\n", err
    (item,) = ask(flow, "ls", "--interrupted")
    assert ask(flow, "ls") == []
    key = item["key"]
    assert key[:12] in flow.merkl("cache", "ls", "--interrupted").stdout
    (row,) = flow.log("--task", "slow")
    assert (row["key"], row["interrupted"]) == (key, key)
    assert "[interrupted" in flow.merkl("log", "slow").stdout
    assert flow.log(key[:8])[0]["key"] == key
    shown = flow.merkl("debug", "--hash", key[:8]).stdout
    assert f"merkl cache accept {key[:12]}" in shown
    assert "'half'" in shown
    assert flow.merkl("debug", "--hash", key, "--value").stdout == "half\n"
    assert ask(flow, "accept", key[:8]) == {"key": key}
    assert [(row["key"], row["interrupted"], row["accepted"]) for row in flow.log()] == [(key, "", True)]
    assert "[interrupted, accepted" in flow.merkl("log", "slow").stdout
    assert flow.merkl("run", "flow.slow").stdout == "half\n"
    assert ask(flow, "ls", "--interrupted") == []
    code, _, err = cache_command(flow, "accept", key[:8])
    assert (code, len(err.splitlines())) == (1, 1)


def test_an_interrupted_result_whose_call_went_well_since_waits_for_nobody(flow: Project) -> None:
    """It is not listed, since it cannot be accepted any more."""
    process = flow.start_and_wait("run", "flow.slow", until="started")
    os.killpg(process.pid, signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "half\n"
    (item,) = ask(flow, "ls", "--interrupted")
    flow.write("whole", "")
    assert flow.merkl("run", "flow.slow").stdout == "whole\n"
    assert ask(flow, "ls", "--interrupted") == []
    assert [ask(flow, "stats")[name] for name in ("results", "interrupted")] == [1, 0]
    code, _, err = cache_command(flow, "accept", item["key"])
    assert (code, "was not interrupted" in err) == (1, True)


def test_max_size_evicts_what_was_used_longest_ago(flow: Project) -> None:
    """After a run the cache holds no more than it may; what was used last is still there."""
    flow.write("pyproject.toml", '[tool.merkl.cache]\nmax_size = "2.5 MB"\n')
    for number in (1, 2, 3):
        flow.run_json("flow.main", str(number))
        age(flow, 1)
    assert ask(flow, "stats")["unique_bytes"] <= 2_500_000
    assert flow.run_json("flow.main", "3")["run"] == 0
    assert flow.run_json("flow.make", "1")["run"] == 1
    assert ask(flow, "verify") == []
    held = sum(
        path.stat().st_size for path in (flow.folder / ".merkl" / "objects").rglob("*") if path.is_file()
    )
    assert held <= 2_500_000


def test_a_wrong_max_size_is_an_error_that_names_the_file(flow: Project) -> None:
    """No run begins with a setting that cannot be meant."""
    flow.write("pyproject.toml", '[tool.merkl.cache]\nmax_size = "lots"\n')
    done = flow.merkl("run", "flow.main")
    assert done.returncode == 1
    assert "max_size" in done.stderr
    assert "pyproject.toml" in done.stderr


def test_remotes_share_results_between_projects(flow: Project, tmp_path: Path) -> None:
    """What one project stored another with the same remote finds, and then has it itself."""
    shared = tmp_path / "shared"
    settings = f'[tool.merkl.cache]\nremotes = ["{shared}"]\n'
    flow.write("pyproject.toml", settings)
    flow.run_json("flow.main")
    there = tmp_path / "there"
    there.mkdir()
    other = Project(there)
    other.write("pyproject.toml", settings)
    other.write("flow.py", (flow.folder / "flow.py").read_text())
    assert other.run_json("flow.main")["run"] == 0
    assert tasks(other) == ["flow.size"]


def test_a_read_only_remote_is_never_written(flow: Project, tmp_path: Path) -> None:
    """`read_only = true` reads through and writes nothing."""
    shared = tmp_path / "shared"
    flow.write("pyproject.toml", f'[tool.merkl.cache]\nurl = "{shared}"\n')
    flow.run_json("flow.main", "1")
    flow.write(
        "pyproject.toml", f'[tool.merkl.cache]\nremotes = [{{ url = "{shared}", read_only = true }}]\n'
    )
    assert flow.run_json("flow.main", "1")["run"] == 0
    assert flow.run_json("flow.main", "2")["run"] == 2
    assert ask(flow, "stats", "--cache", str(shared))["results"] == 2


def test_credentials_in_settings_are_refused(flow: Project) -> None:
    """pyproject.toml is no place for a secret, and the message does not repeat it."""
    remote = '{ url = "s3://bucket", options = { secret_access_key = "hunter2" } }'
    flow.write("pyproject.toml", f"[tool.merkl.cache]\nremotes = [{remote}]\n")
    done = flow.merkl("run", "flow.main")
    assert done.returncode == 1
    assert "AWS_SECRET_ACCESS_KEY" in done.stderr
    assert "hunter2" not in done.stderr


def test_no_credential_is_written_anywhere(flow: Project) -> None:
    """Not with the results, not in what is printed, although a remote needs it and cannot be reached."""
    flow.write(
        "pyproject.toml",
        """
        [[tool.merkl.cache.remotes]]
        url = "s3://bucket/prefix"
        [tool.merkl.cache.remotes.options]
        endpoint = "http://127.0.0.1:9"
        region = "us-east-1"
        client_options = { timeout = "200ms", connect_timeout = "200ms" }
        retry_config = { max_retries = 0 }
        """,
    )
    flow.write(
        "secrets_flow.py",
        """
        from typing import Annotated
        from merkl import Secret, task

        @task
        def ask(question: str, token: Annotated[str, Secret]) -> Exception:
            return KeyError(question, len(token))

        @task
        def fail(token: Annotated[str, Secret]) -> int:
            raise ValueError("no such place")

        def main():
            return ask("why?", "hidden-token")
        """,
    )
    secrets = {
        "AWS_ACCESS_KEY_ID": "hidden-access-key",
        "AWS_SECRET_ACCESS_KEY": "hidden-secret-key",
        "AWS_SESSION_TOKEN": "hidden-session",
        "MERKL_SIGNING_KEY": "hidden-signing-key",
    }
    environment = {**flow.environment(), **secrets}
    printed = ""
    for words in (("secrets_flow.main",), ("secrets_flow.fail", "hidden-token"), ("-v", "secrets_flow.main")):
        done = subprocess.run(
            [sys.executable, "-m", "merkl", "run", *words],
            cwd=flow.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        printed += done.stdout + done.stderr
    assert "KeyError('why?', 12)" in printed
    assert "goes on without it" in printed
    written = {
        path: path.read_bytes() for path in flow.folder.rglob("*") if path.is_file() and path.suffix != ".py"
    }
    assert len(written) > 2
    for secret in (*secrets.values(), "hidden-token"):
        assert secret not in printed
        assert [path for path, data in written.items() if secret.encode() in data] == []
