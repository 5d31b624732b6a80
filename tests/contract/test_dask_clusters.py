"""How a Dask cluster is reached or started: over TLS, as a cluster class with options, as the guide says it."""

from __future__ import annotations

import importlib
import json
import os
import re
import signal
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from dask_cluster import Cluster, configure
from project import Project
from terminal import Terminal

from merkl import ConfigError, TargetError, Workspace, evaluate

FLOWS = """
    import os
    from merkl import task

    @task
    def pid(x: int) -> int:
        return os.getpid()
"""
GUIDE = Path(__file__).parents[2] / "docs" / "machines.md"


@pytest.fixture
def flows(project: Project, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A module of the project with a task, of a name of its own."""
    name = "flows_" + re.sub(r"\W", "_", project.folder.parent.name)
    project.write(f"{name}.py", FLOWS)
    monkeypatch.syspath_prepend(str(project.folder))
    monkeypatch.setenv("PYTHONPATH", str(project.folder))
    return importlib.import_module(name)


@pytest.fixture
def _signals_as_before() -> Iterator[None]:
    """What a package does to signals as it is imported is undone."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """A folder with an authority, and a certificate for 127.0.0.1 of it and one of another."""
    for name in ("ca", "other"):
        authority = trustme.CA()
        issued = authority.issue_cert("127.0.0.1", "localhost")
        authority.cert_pem.write_to_path(str(tmp_path / f"{name}.pem"))
        issued.private_key_pem.write_to_path(str(tmp_path / f"{name}-me.key"))
        issued.cert_chain_pems[0].write_to_path(str(tmp_path / f"{name}-me.pem"))
    return tmp_path


def _tls(folder: Path, name: str) -> str:
    return (
        f'tls = {{ ca_file = "{folder}/{name}.pem", cert = "{folder}/{name}-me.pem", '
        f'key = "{folder}/{name}-me.key" }}'
    )


@pytest.fixture
def encrypted(project: Project, certificates: Path) -> Iterator[Cluster]:
    """A scheduler and a worker that speak TLS only."""
    words = [f"--tls-ca-file={certificates}/ca.pem", f"--tls-cert={certificates}/ca-me.pem"]
    words += [f"--tls-key={certificates}/ca-me.key", "--protocol=tls"]
    cluster = Cluster(project, options=words)
    try:
        yield cluster
    finally:
        cluster.close()


def test_a_cluster_is_reached_over_tls_by_those_who_have_a_certificate(
    encrypted: Cluster, certificates: Path, flows: Any
) -> None:
    encrypted.add_worker("one")
    assert encrypted.address.startswith("tls://127.0.0.1:")
    folder = encrypted.project.folder
    cache = str(folder / "cache")
    configure(encrypted.project, cache, encrypted.address, _tls(certificates, "ca"))
    with Workspace(folder, target="far"):
        assert evaluate([flows.pid(1)]) == [encrypted.processes[1].pid]
    configure(encrypted.project, cache, encrypted.address, _tls(certificates, "other"), "wait = 3")
    with (
        Workspace(folder, target="far"),
        pytest.raises(TargetError, match="there is no Dask scheduler at tls://"),
    ):
        flows.pid(2).eval()
    configure(encrypted.project, cache, encrypted.address, "wait = 3")
    with Workspace(folder, target="far"), pytest.raises(ConfigError, match=r"wants certificates.*tls = "):
        flows.pid(2).eval()
    configure(encrypted.project, cache, encrypted.address, _tls(certificates, "nobody"), "wait = 3")
    with (
        Workspace(folder, target="far"),
        pytest.raises(ConfigError, match=r"ca_file = '.*nobody\.pem'.*no such file"),
    ):
        flows.pid(2).eval()


def _settings_in_guide(target: str) -> dict[str, Any]:
    for block in re.findall(r"```toml\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL):
        targets = tomllib.loads(block).get("tool", {}).get("merkl", {}).get("targets", {})
        if target in targets:
            found: dict[str, Any] = targets[target]
            return found
    raise AssertionError(f"no target {target} in {GUIDE}")


def _configure_class(project: Project, name: str, options: str, *lines: str) -> None:
    more = "\n".join(lines)
    project.write(
        "pyproject.toml",
        f"""
        [tool.merkl.targets.own]
        type = "dask"
        cluster = "{name}"
        options = {{ {options} }}
        """
        + more,
    )


def test_a_cluster_class_is_started_for_the_run_and_ended_with_it(project: Project, flows: Any) -> None:
    """The one of the guide, but for the port of its dashboard."""
    guide = _settings_in_guide("here")
    options = {**guide["options"], "dashboard_address": "127.0.0.1:0"}
    written = ", ".join(f"{name} = {json.dumps(value)}" for name, value in options.items())
    _configure_class(project, guide["cluster"], written, f"max_workers = {guide['max_workers']}")
    with Workspace(project.folder, target="own"):
        pids = set(evaluate([flows.pid(i) for i in range(16)]))
    assert 1 <= len(pids) <= 4
    assert os.getpid() not in pids
    for pid in pids:
        assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("distributed.LocalClutser", "", "cannot be imported"),
        ("nowhere.Cluster", "", "cannot be imported"),
        ("LocalCluster", "", "cannot be imported"),
        ("distributed.LocalCluster", 'n_wrokers = 2, dashboard_address = "127.0.0.1:0"', "n_wrokers"),
    ],
)
def test_a_cluster_that_cannot_be_made_says_why(
    project: Project, flows: Any, name: str, options: str, said: str
) -> None:
    _configure_class(project, name, options)
    with Workspace(project.folder, target="own"), pytest.raises((ConfigError, TargetError), match=said):
        flows.pid(1).eval()


def test_a_cluster_that_cannot_start_workers_says_why_and_shows_no_traceback(project: Project) -> None:
    """Here is no Slurm: its command is not there."""
    written = 'cores = 1, memory = "1GB", scheduler_options = { host = "127.0.0.1", dashboard = false }'
    _configure_class(project, "dask_jobqueue.SLURMCluster", written, "max_workers = 3", "wait = 2")
    project.write("flow.py", "from merkl import task\n@task\ndef one() -> int: return 1\n")
    done = project.merkl("run", "--target", "own", "flow.one")
    assert done.returncode == 1
    assert "no Dask worker came within 2 s" in done.stderr
    assert "the cluster could not start one: FileNotFoundError" in done.stderr
    assert "'sbatch'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_cluster_that_came_to_be_by_half_is_closed_at_once(project: Project) -> None:
    """As those of a cloud whose second request fails: left to the end of the process, it would fail there with a traceback."""
    project.write(
        "half.py",
        """
        import atexit
        from pathlib import Path
        from distributed import LocalCluster

        made = []
        # Before Dask closes what is left, since it is registered later.
        atexit.register(lambda: Path("closed").exists() or Path("left").touch())

        class HalfCluster(LocalCluster):
            async def _start(self):
                made.append(self)
                await super()._start()
                raise OSError("the quota is used up")

            async def _close(self):
                Path("closed").touch()
                raise RuntimeError("it is not all there")
        """,
    )
    _configure_class(project, "half.HalfCluster", 'n_workers = 0, dashboard_address = "127.0.0.1:0"')
    project.write("flow.py", "from merkl import task\n@task\ndef one() -> int: return 1\n")
    done = project.merkl("run", "--target", "own", "flow.one")
    assert done.returncode == 1
    assert "the cluster half.HalfCluster cannot be started" in done.stderr
    assert "the quota is used up" in done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    assert ((project.folder / "closed").exists(), (project.folder / "left").exists()) == (True, False)


def test_a_cluster_class_does_not_take_ctrl_c_for_itself(project: Project) -> None:
    """As dask_jobqueue would, whose import makes Ctrl-C end the process as if all were well."""
    project.write(
        "greedy.py",
        """
        import signal, sys
        from distributed import LocalCluster

        signal.signal(signal.SIGINT, lambda *_: sys.exit())
        """,
    )
    project.write(
        "flows.py",
        """
        import pathlib, time
        from merkl import interruptible, task

        @task
        def count(x: int) -> int:
            pathlib.Path("begun").touch()
            for x in interruptible(range(600)):
                time.sleep(0.1)
            return x

        def main():
            return count(1)
        """,
    )
    _configure_class(project, "greedy.LocalCluster", 'n_workers = 1, dashboard_address = "127.0.0.1:0"')
    running = project.start_and_wait("run", "--target", "own", "flows.main", until="begun")
    running.send_signal(signal.SIGINT)
    said = running.communicate(timeout=60)[1]
    assert "1 interrupted" in said
    assert running.returncode == 0


@pytest.mark.usefixtures("_signals_as_before")
def test_ctrl_c_in_a_terminal_reaches_bodies_and_ends_no_worker_of_its_job(project: Project) -> None:
    """It goes to all processes of the job, and so to the workers of a cluster on this machine."""
    project.write(
        "flows.py",
        """
        import pathlib, time
        from merkl import interruptible, task

        @task
        def count(x: int) -> int:
            pathlib.Path("begun").touch()
            for x in interruptible(range(600)):
                time.sleep(0.1)
            return x

        @task
        def small(x: int) -> bool:
            return x < 599

        def main():
            return small(count(1))
        """,
    )
    _configure_class(project, "distributed.LocalCluster", 'n_workers = 1, dashboard_address = "127.0.0.1:0"')
    terminal = Terminal(project, "run", "--target", "own", "flows.main")
    terminal.wait_for("begun")
    terminal.press_ctrl_c()
    code, text = terminal.end()
    assert (code, "Traceback" in text) == (0, False), text
    assert "1 run, 0 cached, 1 interrupted" in text


def test_the_slurm_job_of_the_guide_asks_for_what_the_guide_says() -> None:
    settings = _settings_in_guide("slurm")
    module, _, name = settings["cluster"].rpartition(".")
    with getattr(importlib.import_module(module), name)(
        **settings["options"], scheduler_options={"host": "127.0.0.1"}
    ) as cluster:
        script = cluster.job_script()
    for line in ("-p long", "--cpus-per-task=4", "--mem=15G", "-t 02:00:00", "--gres=gpu:1"):
        assert f"#SBATCH {line}\n" in script
    assert re.search(r"distributed\.cli\.dask_worker .*--nthreads 4 .*--resources GPU=1", script)
