import csv

import helper
from diary import note
from redun import File, Scheduler, task
from redun.config import Config

redun_namespace = "comparison"


@task()
def load(file: File) -> list[tuple[str, int]]:
    note("load")
    with file.open() as lines:
        return [(row["item"], helper.cents(row["price"])) for row in csv.DictReader(lines)]


@task()
def group(rows: list[tuple[str, int]]) -> dict[str, int]:
    note("group")
    return {item: sum(price for name, price in rows if name == item) for item, _ in sorted(rows)}


@task()
def score(groups: dict[str, int], weight: int) -> int:
    note(f"score {weight}")
    return sum(price * weight for price in groups.values())


@task()
def report(scores: list[int]) -> str:
    note("report")
    return " ".join(map(str, scores))


WEIGHTS = [1, 2, 3]


@task()
def main(file: File, weights: list[int]) -> str:
    groups = group(load(file))
    return report([score(groups, weight) for weight in weights])


if __name__ == "__main__":
    scheduler = Scheduler(config=Config({"backend": {"db_uri": "sqlite:///redun.db"}}))
    scheduler.load()
    print("answer:", scheduler.run(main(File("table.csv"), WEIGHTS)))
