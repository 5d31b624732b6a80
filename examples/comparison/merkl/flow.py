import csv

import helper
from diary import note

from merkl import FileRef, Future, task


@task
def load(path: FileRef) -> list[tuple[str, int]]:
    note("load")
    with open(path) as file:
        return [(row["item"], helper.cents(row["price"])) for row in csv.DictReader(file)]


@task
def group(rows: list[tuple[str, int]]) -> dict[str, int]:
    note("group")
    return {item: sum(price for name, price in rows if name == item) for item, _ in sorted(rows)}


@task
def score(groups: dict[str, int], weight: int) -> int:
    note(f"score {weight}")
    return sum(price * weight for price in groups.values())


@task
def report(scores: list[int]) -> str:
    note("report")
    return " ".join(map(str, scores))


WEIGHTS = [1, 2, 3]


def main() -> Future[str]:
    groups = group(load(FileRef("table.csv")))
    return report([score(groups, weight) for weight in WEIGHTS])


if __name__ == "__main__":
    print("answer:", main().eval())
