"""Ctrl-C, SIGTERM and the end of the terminal, given by a real one to the group of processes in its foreground."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from project import Project
from terminal import Terminal

FLOWS = """
    import hashlib, os, sys, time
    from pathlib import Path
    from merkl import bash_task, interruptible, pipeline, task, FileRef, stdout_arg

    @task
    def stubborn(n: int) -> int:
        Path(f"started{n}").write_text(str(os.getpid()))
        done = 0
        try:
            for _ in range(6000):
                time.sleep(0.01)
                done += 1
        except KeyboardInterrupt:
            return done
        return done

    @task
    def looping(n: int) -> list[int]:
        Path(f"started{n}").write_text(str(os.getpid()))
        seen = []
        for i in interruptible(range(6000)):
            time.sleep(0.01)
            seen.append(i)
        return seen

    @task
    def plain(n: int) -> int:
        Path(f"started{n}").write_text(str(os.getpid()))
        time.sleep(60)
        return n

    @task
    def deaf(n: int) -> int:
        Path(f"started{n}").write_text(str(os.getpid()))
        while True:
            try:
                time.sleep(60)
            except KeyboardInterrupt:
                pass

    @task
    def computing(n: int) -> int:
        Path(f"started{n}").write_text(str(os.getpid()))
        hashlib.pbkdf2_hmac("sha256", b"", b"", 200_000_000)
        return n

    @task
    def quick(n: int) -> int:
        return n

    @task
    def positive(n: int) -> bool:
        return n >= 0

    @task
    def size(xs: list[int]) -> bool:
        return len(xs) < 6000

    class Heavy:
        # Takes its time to be stored.
        def __getstate__(self):
            Path("started0").write_text(str(os.getpid()))
            end = time.monotonic() + 1
            while time.monotonic() < end:
                time.sleep(0.01)
            return {}

    @task
    def heavy(n: int) -> Heavy:
        return Heavy()

    @task
    def after(heavy: Heavy) -> int:
        Path("after").write_text("")
        return 1

    shell = bash_task(f"echo $$ > {os.getcwd()!r}/started0; sleep 61 & sleep 61; echo {stdout_arg(str)}")

    deaf_shell = bash_task(f"trap '' INT TERM; echo $$ > {os.getcwd()!r}/started0; sleep 61; sleep 61; echo {stdout_arg(str)}")

    def goes_on(): return [positive(stubborn(0)), size(looping(1))]
    def loops(): return size(looping(0))
    def stops(): return [quick(1), quick(plain(0))]
    def returns(): return stubborn(0)
    def ends(): return looping(0)
    def never(): return [quick(1), deaf(0)]
    def never_in_c(): return [quick(1), computing(0)]
    def never_in_shell(): return [quick(1), deaf_shell()]
    def both(): return [positive(stubborn(0)), size(looping(1)), quick(3)]
    def in_shell(): return shell()
    def stores(): return after(heavy(0))

    @task
    def padded(n: int) -> bytes:
        Path(f"runs-{os.getpid()}-{time.monotonic_ns()}").write_text("")
        Path("started0").write_text(str(os.getpid()))
        for _ in interruptible(range(6000)):
            time.sleep(0.01)
        return b"x" * 100_000

    @task
    def length(data: bytes) -> int:
        return len(data)

    @pipeline
    def branches():
        if padded(0).v:
            yield (one := length(padded(0)))
            return one

    def builds():
        Path("started0").write_text("")
        time.sleep(60)
"""


def is_gone(pid: int) -> bool:
    """Say whether a process has ended, waiting some seconds for it."""
    deadline = time.monotonic() + 8
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return True
        time.sleep(0.05)
    return False


@pytest.fixture
def flows(project: Project) -> Project:
    project.write("flows.py", FLOWS)
    return project


def started(project: Project, number: int = 0) -> int:
    return int((project.folder / f"started{number}").read_text())


@pytest.mark.parametrize("flow", ["stops", "loops", "in_shell"])
@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_one_ctrl_c_never_shows_a_traceback(flows: Project, flow: str, options: list[str]) -> None:
    """A body that catches it, or loops over `interruptible`, lets the run go on; another one ends it with 130."""
    terminal = Terminal(flows, "run", *options, f"flows.{flow}")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert "Traceback" not in text, text
    if flow == "loops":
        assert code == 0, text
        assert "True" in text
        assert "1 interrupted" in text
    else:
        assert code == 130, text
        assert "interrupted; all that was complete is kept" in text
    assert is_gone(started(flows))


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_what_an_interrupted_body_returned_is_computed_afresh_later(
    flows: Project, options: list[str]
) -> None:
    """The run says which it was, and how its result becomes that of the call, as it then is."""
    terminal = Terminal(flows, "run", *options, "flows.loops")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert code == 0
    said = re.search(r"merkl: interrupted looping (\w+) \(flows.py:\d+\): .*`merkl cache accept (\w+)`", text)
    assert said is not None, text
    assert said[1] == said[2]
    (flows.folder / "started0").unlink()
    again = Terminal(flows, "run", *options, "flows.loops")
    again.wait_for("started0")
    again.press_ctrl_c()
    assert again.end()[0] == 0
    assert flows.merkl("cache", "accept", said[1]).returncode == 0
    assert flows.run_json("flows.loops")["cached"] == 1


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_what_an_interrupted_body_returned_goes_on_where_code_asked_for_it(
    flows: Project, options: list[str]
) -> None:
    """It has no key in the cache, and is larger than what goes along with its key: its body must not run again."""
    terminal = Terminal(flows, "run", *options, "flows.branches")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, "100000" in text) == (0, True), text
    assert len(list(flows.folder.glob("runs-*"))) == 1


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_it_is_kept_where_the_run_was_told_so(flows: Project, options: list[str]) -> None:
    terminal = Terminal(flows, "run", "--accept-interrupted", *options, "flows.loops")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, "merkl: interrupted looping" in text, "cache accept" in text) == (0, True, False), text
    assert "[interrupted, accepted" in flows.merkl("log", "looping").stdout
    assert flows.run_json("flows.loops")["cached"] == 2


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
def test_while_a_result_is_stored_it_waits_and_then_ends_the_run(flows: Project, options: list[str]) -> None:
    """No body runs that could take it: it must not be lost either."""
    terminal = Terminal(flows, "run", *options, "flows.stores")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert code == 130, text
    assert "1 run" in text
    assert not (flows.folder / "after").exists()


def test_every_running_body_gets_it_once(flows: Project) -> None:
    terminal = Terminal(flows, "run", "--target", "2", "flows.both")
    terminal.wait_for("started0", "started1")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert code == 0, text
    assert "[True, True, 3]" in text
    assert "2 interrupted" in text


@pytest.mark.parametrize(
    ("flow", "options"),
    [("never", []), ("never", ["--target", "1"]), ("never_in_c", []), ("never_in_shell", ["--target", "1"])],
)
def test_a_second_one_ends_at_once_what_goes_on_after_the_first(
    flows: Project, flow: str, options: list[str]
) -> None:
    """One line says so, and the ledger knows what ran and what was cut short; the cursor of the terminal is back."""
    terminal = Terminal(flows, "run", *options, f"flows.{flow}")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    time.sleep(0.4)
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert code == 130, text
    assert "Traceback" not in text, text
    assert text.count("merkl: interrupted; all that was complete is kept") == 1, text
    assert "merkl: 2 calls: 1 run, 0 cached, 1 interrupted, 0 failed" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")
    assert is_gone(started(flows))
    (run,) = flows.log("--runs")
    assert (run["status"], run["counts"]["run"], run["counts"]["interrupted"]) == ("interrupted", 1, 1)


def test_a_later_sigterm_ends_at_once_what_goes_on_after_the_first(flows: Project) -> None:
    running = flows.start_and_wait("run", "--json", "flows.never", until="started0")
    running.send_signal(signal.SIGTERM)
    time.sleep(2.1)
    running.send_signal(signal.SIGTERM)
    out, error = running.communicate(timeout=60)
    assert running.returncode == 143, error
    assert error.count("merkl: terminated; all that was complete is kept") == 1
    assert json.loads(out)["interrupted"] == 1
    assert flows.log("--runs")[0]["status"] == "interrupted"


def test_while_the_graph_is_built(flows: Project) -> None:
    terminal = Terminal(flows, "run", "flows.builds")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, "Traceback" in text) == (130, False), text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_a_process_do_it_in_order_while_the_graph_is_built(
    flows: Project, number: signal.Signals
) -> None:
    running = flows.start_and_wait("run", "flows.builds", until="started0")
    running.send_signal(number)
    _, error = running.communicate(timeout=60)
    assert (running.returncode, "Traceback" in error) == (128 + number, False), error
    assert "merkl: terminated; all that was complete is kept" in error


def test_while_a_module_is_imported(flows: Project) -> None:
    flows.write("slow.py", "import time, pathlib\npathlib.Path('started0').write_text('')\ntime.sleep(60)\n")
    terminal = Terminal(flows, "run", "slow.main")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, "Traceback" in text) == (130, False), text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_while_merkl_itself_is_imported(flows: Project, number: signal.Signals) -> None:
    """An import of it is held up, so that the signal comes then whatever the machine's speed."""
    hold = flows.folder / "hold"
    hold.mkdir()
    (hold / "msgspec.py").write_text(
        f"import time, pathlib\npathlib.Path({str(flows.folder / 'started0')!r}).write_text('')\ntime.sleep(60)\n"
    )
    code = f"import sys; sys.path.insert(0, {str(hold)!r}); sys.argv[0] = 'merkl'; import merkl.cli"
    terminal = Terminal(flows, program=[sys.executable, "-c", code])
    terminal.wait_for("started0")
    os.kill(terminal.pid, number)
    status, text = terminal.end()
    word = "interrupted" if number == signal.SIGINT else "terminated"
    assert (status, text.strip()) == (128 + number, f"merkl: {word}")


def test_while_the_server_of_worker_processes_starts(flows: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is in the terminal's group, and ignores Ctrl-C only when its modules are loaded: its start is held up here."""
    flows.write(
        "hold/sitecustomize.py",
        """
        import sys, time
        from pathlib import Path

        if "forkserver" in " ".join(sys.orig_argv):
            Path("started0").write_text("")
            time.sleep(2)
        """,
    )
    monkeypatch.setenv("PYTHONPATH", str(flows.folder / "hold"))
    terminal = Terminal(flows, "run", "--target", "1", "flows.stops")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, "Traceback" in text) == (130, False), text


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
@pytest.mark.parametrize("flow", ["stops", "in_shell"])
def test_sigterm_stops_as_cleanly(flows: Project, flow: str, options: list[str]) -> None:
    terminal = Terminal(flows, "run", *options, f"flows.{flow}")
    terminal.wait_for("started0")
    os.kill(terminal.pid, signal.SIGTERM)
    code, text = terminal.end()
    assert code == 143, text
    assert "Traceback" not in text, text
    assert is_gone(started(flows))


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
@pytest.mark.parametrize("flow", ["stops", "in_shell"])
def test_the_end_of_the_terminal_stops_as_cleanly(flows: Project, flow: str, options: list[str]) -> None:
    """Also where progress is drawn on it, and no command of a shell task outlives it."""
    terminal = Terminal(flows, "run", *options, f"flows.{flow}")
    terminal.wait_for("started0")
    assert terminal.close() == 129
    assert is_gone(started(flows))
    assert flows.log("--runs")[0]["status"] == "interrupted"


def test_ctrl_c_while_python_itself_ends_does_not_undo_the_run(flows: Project) -> None:
    """Modules are taken down last, after all handlers of signals: the exit code is that of the run."""
    flows.write(
        "late.py",
        """
        import time
        from pathlib import Path

        class Late:
            def __del__(self, time=time, path=Path("started0")):
                path.write_text("")
                time.sleep(1)

        late = Late()
        def main(): return 1
        """,
    )
    terminal = Terminal(flows, "run", "late.main")
    terminal.wait_for("started0")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, text.splitlines()[0]) == (0, "1"), text


@pytest.mark.parametrize("presses", [1, 2])
def test_ctrl_c_when_all_is_computed_does_not_undo_the_run(project: Project, presses: int) -> None:
    """Be it the second one, of somebody to whom the first one was not quick enough."""
    project.write(
        "done.py",
        f"""
        import os, signal, time
        from merkl import task

        class Printed:
            def __repr__(self):
                for _ in range({presses}):
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.1)
                return "printed"

        @task
        def load(n: int) -> int:
            return n

        def main(): return [load(1), Printed()]
        """,
    )
    done = project.merkl("run", "done.main")
    assert (done.returncode, done.stdout) == (0, "[1, printed]\n"), done.stderr
    assert "interrupted" not in done.stderr
    assert project.log("--runs")[0]["status"] == "done"


def test_ctrl_c_while_an_object_is_done_away_with_ends_the_run_after_its_body(project: Project) -> None:
    """There Python passes over what is raised, with a traceback."""
    project.write(
        "dropping.py",
        """
        import signal
        from merkl import task

        class Dropped:
            def __del__(self):
                signal.raise_signal(signal.SIGINT)

        @task
        def drops(n: int) -> int:
            Dropped()
            return n

        @task
        def later(n: int) -> int:
            return n

        def main(): return [drops(1), later(2)]
        """,
    )
    done = project.merkl("run", "dropping.main")
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
    assert "ignored" not in done.stderr
    assert "merkl: interrupted" in done.stderr
    assert "1 interrupted" in done.stderr


@pytest.mark.parametrize("options", [[], ["--target", "2"]], ids=["here", "processes"])
@pytest.mark.parametrize("flow", ["returns", "ends"])
def test_sigterm_ends_the_run_though_its_last_body_returns_something(
    flows: Project, flow: str, options: list[str]
) -> None:
    running = flows.start_and_wait("run", *options, f"flows.{flow}", until="started0")
    running.send_signal(signal.SIGTERM)
    out, error = running.communicate(timeout=60)
    assert (running.returncode, out) == (143, ""), error
    assert "merkl: terminated; all that was complete is kept" in error
    assert "Traceback" not in error


def test_workers_end_when_the_run_is_killed(flows: Project) -> None:
    terminal = Terminal(flows, "run", "--target", "2", "flows.stops")
    terminal.wait_for("started0")
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.end()
    assert is_gone(started(flows))


def test_no_process_is_left_behind(flows: Project) -> None:
    """Neither worker nor fork server nor the children of a shell task."""
    before = _left_of(0)
    terminal = Terminal(flows, "run", "--target", "2", "flows.in_shell")
    terminal.wait_for("started0")
    _wait(
        lambda: len(_left_of(terminal.pid) - before) >= 4
    )  # the run, the fork server, a worker, the command
    terminal.press_ctrl_c()
    terminal.end()
    _wait(lambda: _left_of(terminal.pid) <= before)
    assert _left_of(terminal.pid) <= before


def _left_of(session: int) -> set[str]:
    """Return the processes of a terminal's session, and the commands of its shell tasks, which have sessions of their own."""
    listed = subprocess.run(["ps", "-eo", "sid,pid,args"], capture_output=True, text=True, check=True).stdout
    return {line for line in listed.splitlines() if "sleep 61" in line or line.split()[0] == str(session)}


def _wait(is_true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < deadline
        time.sleep(0.05)
