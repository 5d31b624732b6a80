"""`merkl run --audit` beside scikit-learn, pandas, matplotlib, polars and requests: what they read for themselves is none."""

from __future__ import annotations

import http.server
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from project import Project

HONEST = """
    import logging, os, pathlib, shutil, tempfile, time
    import numpy as np
    from joblib import Parallel, delayed
    from sklearn.datasets import load_iris
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    import pandas as pd
    import polars as pl
    import matplotlib
    from merkl import FileRef, Future, task

    @task
    def learns(n: int) -> float:
        images, labels = load_iris(return_X_y=True)
        train, test, known, hidden = train_test_split(images, labels, random_state=0)
        models = [
            make_pipeline(StandardScaler(), LogisticRegression()),
            RandomForestClassifier(n_estimators=3, random_state=n, n_jobs=2),
            HistGradientBoostingClassifier(max_iter=2, random_state=0),
            GridSearchCV(LogisticRegression(max_iter=200), {"C": [1, 2]}, cv=2),
        ]
        Parallel(n_jobs=2, backend="threading")(delayed(abs)(-i) for i in range(3))
        seeded = np.random.RandomState(n).rand() + np.random.default_rng(n).random()
        return float(sum(model.fit(train, known).score(test, hidden) for model in models) + seeded)

    @task
    def draws(n: int) -> FileRef:
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt
        figure, axes = plt.subplots()
        axes.plot(range(n), label="x")
        axes.legend()
        made = FileRef()
        figure.savefig(made, format="png", dpi=30)
        plt.close(figure)
        return made

    @task
    def frames(n: int, given: FileRef) -> int:
        frame = pd.DataFrame({"a": range(n), "day": pd.date_range("2024-01-01", periods=n, tz="Europe/Berlin")})
        frame.sample(2, random_state=1)
        made = FileRef()
        frame.merge(frame, on="a").groupby("a").sum(numeric_only=True).to_parquet(made)
        return len(pd.read_parquet(made)) + len(pd.read_csv(given)) + len(pl.read_csv(str(given)))

    @task
    def tidies(n: int) -> str:
        folder = tempfile.mkdtemp()
        (pathlib.Path(folder) / "x.txt").write_text("x")
        shutil.make_archive(folder + "/archive", "zip", folder)
        shutil.rmtree(folder)
        logging.getLogger("tidies").warning("done")
        return time.strftime("%Y", time.gmtime(n))

    def main() -> list[Future[object]]:
        return [learns(1), draws(3), frames(10, FileRef("given.csv")), tidies(1)]
"""

SLY = """
    import sqlite3
    from pathlib import Path
    from merkl import Future, task

    @task
    def split(n: int) -> object:
        from sklearn.model_selection import train_test_split
        return train_test_split(list(range(n)))[0]
    @task
    def sample(n: int) -> int:
        import pandas as pd
        return int(pd.DataFrame({"a": range(n)}).sample(1)["a"].iloc[0])
    @task
    def old_kind(n: int) -> float:
        import numpy as np
        nothing = None
        return float(np.random.RandomState(nothing).rand())
    @task
    def table(n: int) -> int:
        import pandas as pd
        return len(pd.read_csv("table.csv"))
    @task
    def unseen_by_python(n: int) -> int:
        import polars as pl
        return len(pl.read_csv("table.csv"))
    @task
    def rows(n: int) -> int:
        return len(sqlite3.connect("table.db").execute("SELECT 1").fetchall())
    @task
    def asks(port: int) -> str:
        import requests
        return requests.get(f"http://127.0.0.1:{port}/").text
    @task
    def home(n: int) -> str:
        return str(Path.home())
    @task
    def year(n: int) -> str:
        import time
        return time.strftime("%Y")

    def main(port: int) -> list[Future[object]]:
        return [split(9), sample(9), old_kind(1), table(1), unseen_by_python(1), rows(1), asks(port), home(1), year(1)]
"""


def findings(project: Project, *words: str) -> set[tuple[str, str, str]]:
    figures: dict[str, Any] = project.run_json("--audit", *words)
    return {(f["task"].partition(".")[2], f["kind"], f["what"]) for f in figures["audit"]}


@pytest.fixture
def server() -> Iterator[int]:
    """A web server on this machine."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_port
        running.shutdown()
        thread.join()


def test_what_libraries_do_for_themselves_is_no_finding(project: Project) -> None:
    """They look for settings, name temporary folders, measure time, list what is installed, count processors."""
    project.write("given.csv", "a\n1\n")
    project.write("honest.py", HONEST)
    assert findings(project, "honest.main") == set()


def test_what_libraries_do_for_the_user_is_found(project: Project, server: int) -> None:
    """Chance without a seed, files, also those that a library reads without Python, the network, the home, the year."""
    project.write("table.csv", "a\n1\n")
    project.write("sly.py", SLY)
    found = findings(project, "sly.main", str(server))
    assert {(task, kind) for task, kind, _ in found} == {
        ("split", "chance"),
        ("sample", "chance"),
        ("old_kind", "chance"),
        ("table", "file"),
        ("unseen_by_python", "file"),
        ("rows", "write"),
        ("asks", "network"),
        ("home", "environment"),
        ("year", "clock"),
    }
    assert ("asks", "network", f"127.0.0.1:{server}") in found
