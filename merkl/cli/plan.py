"""What `merkl run --plan` prints: the calls in order, which are cached, and how long the others would take."""

from __future__ import annotations

from typing import Any

from merkl.execution.forecast import ForecastCall, RunForecast
from merkl.execution.previews import preview_arguments
from merkl.graph.call import Call

__all__ = ["forecast_json", "forecast_text"]


def forecast_text(forecast: RunForecast) -> str:
    """Return a plan as lines for people."""
    lines: list[str] = []
    stage = 1
    for item in forecast.calls:
        if item.stage > stage:
            stage = item.stage
            lines.append(f"-- stage {stage}")
        seconds = f"  about {format_seconds(item.seconds)}" if item.seconds is not None else ""
        call = item.call
        lines.append(f"{item.status:<6} {call.key().hex()[:12]} {_shown(call)} ({call.place()}){seconds}")
    lines += [
        f"depends on {_shown(future._call)} ({future._call.place()}): its value decides what comes next"
        for future in forecast.depends_on
    ]
    return "\n".join([*lines, _summary(forecast)])


def _summary(forecast: RunForecast) -> str:
    counts = [f"{forecast.count('run')} to run", f"{forecast.count('cached')} cached"]
    if forecast.count("linked"):
        counts.append(f"{forecast.count('linked')} linked")
    known = [item.seconds for item in forecast.calls if item.seconds is not None]
    if not forecast.count("run") or not known:
        return ", ".join(counts)
    unknown = forecast.count("run") - len(known)
    more = f" and {unknown} of unknown time" if unknown else ""
    return f"{', '.join(counts)}: about {format_seconds(sum(known))}{more}"


def forecast_json(forecast: RunForecast) -> dict[str, Any]:
    """Return a plan as JSON."""
    return {
        "calls": [_call_json(item) for item in forecast.calls],
        "depends_on": [
            {"key": f.hash, "task": f.task.name, "location": f._call.place()} for f in forecast.depends_on
        ],
        "run": forecast.count("run"),
        "cached": forecast.count("cached"),
        "linked": forecast.count("linked"),
        "seconds": forecast.seconds,
    }


def _call_json(item: ForecastCall) -> dict[str, Any]:
    call = item.call
    return {
        "key": call.key().hex(),
        "task": call.task.name,
        "status": item.status,
        "stage": item.stage or None,
        "arguments": dict(preview_arguments(call)),
        "location": call.place(),
        "seconds": item.seconds,
    }


def _shown(call: Call) -> str:
    arguments = ", ".join(f"{name}={preview}" for name, preview in preview_arguments(call))
    return f"{call.task.name}({arguments if len(arguments) <= 60 else arguments[:59] + '…'})"


def format_seconds(seconds: float) -> str:
    """Return a duration in the unit that suits it.

    >>> [format_seconds(s) for s in (0.0004, 0.25, 3.21, 200, 9000)]
    ['0.4 ms', '250 ms', '3.2 s', '3 min 20 s', '2 h 30 min']
    """
    if seconds < 1:
        return f"{seconds * 1000:.3g} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{int(seconds // 60)} min {int(seconds % 60)} s"
    return f"{int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
