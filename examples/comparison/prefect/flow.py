import csv

import helper
from diary import note
from prefect import flow, task
from prefect.cache_policies import INPUTS, TASK_SOURCE

cached = task(cache_policy=INPUTS + TASK_SOURCE, persist_result=True)


@cached
def load(path: str) -> list[tuple[str, int]]:
    note("load")
    with open(path) as file:
        return [(row["item"], helper.cents(row["price"])) for row in csv.DictReader(file)]


@cached
def group(rows: list[tuple[str, int]]) -> dict[str, int]:
    note("group")
    return {item: sum(price for name, price in rows if name == item) for item, _ in sorted(rows)}


@cached
def score(groups: dict[str, int], weight: int) -> int:
    note(f"score {weight}")
    return sum(price * weight for price in groups.values())


@cached
def report(scores: list[int]) -> str:
    note("report")
    return " ".join(map(str, scores))


WEIGHTS = [1, 2, 3]


@flow
def main() -> str:
    groups = group(load("table.csv"))
    return report([score(groups, weight) for weight in WEIGHTS])


if __name__ == "__main__":
    print("answer:", main())
