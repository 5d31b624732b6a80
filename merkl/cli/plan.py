"""What `merkl run --plan` prints: the calls in order, which are cached, and how long the others would take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from merkl.execution.forecast import ForecastCall, RunForecast
from merkl.execution.previews import preview_arguments
from merkl.graph.call import Call

__all__ = ["forecast_json", "forecast_text"]


def forecast_text(forecast: RunForecast, reasons: Mapping[str, str]) -> str:
    """Return a plan as lines for people, with a few words by key why a call would run, where there are any."""
    lines: list[str] = []
    stage = 1
    for item in forecast.calls:
        if item.stage > stage:
            stage = item.stage
            lines.append(f"-- stage {stage}")
        seconds = f"  {format_guess(item.seconds)}" if item.seconds is not None else ""
        call = item.call
        key = call.key().hex()
        why = f": {reasons[key]}" if key in reasons and item.status != "cached" else ""
        lines.append(f"{item.status:<6} {key[:12]} {_shown(call)} ({call.place()}){seconds}{why}")
    lines += [
        f"depends on {_shown(future._call)} ({future._call.place()}): its value decides what comes next"
        for future in forecast.depends_on
    ]
    return "\n".join([*lines, _summary(forecast)])


def _summary(forecast: RunForecast) -> str:
    counts = [f"{forecast.count('run')} to run", f"{forecast.count('cached')} cached"]
    if forecast.count("linked"):
        counts.append(f"{forecast.count('linked')} linked")
    if forecast.unneeded:
        counts.append(f"{forecast.unneeded} behind these not needed")
    known = [item.seconds for item in forecast.calls if item.seconds is not None]
    if not forecast.count("run") or not known:
        return ", ".join(counts)
    unknown = forecast.count("run") - len(known)
    more = f" and {unknown} of unknown time" if unknown else ""
    return f"{', '.join(counts)}: {format_guess(sum(known))}{more}"


def forecast_json(forecast: RunForecast, reasons: Mapping[str, str]) -> dict[str, Any]:
    """Return a plan as JSON; calls have a `reason` where there is one by their key."""
    return {
        "calls": [_call_json(item, reasons) for item in forecast.calls],
        "depends_on": [
            {"key": f.hash, "task": f.task.name, "location": f._call.place()} for f in forecast.depends_on
        ],
        "run": forecast.count("run"),
        "cached": forecast.count("cached"),
        "linked": forecast.count("linked"),
        "unneeded": forecast.unneeded,
        "seconds": forecast.seconds,
    }


def _call_json(item: ForecastCall, reasons: Mapping[str, str]) -> dict[str, Any]:
    call = item.call
    key = call.key().hex()
    return {
        "key": key,
        "task": call.task.name,
        "status": item.status,
        "stage": item.stage or None,
        "arguments": dict(preview_arguments(call)),
        "location": call.place(),
        "seconds": item.seconds,
        **({"reason": reasons[key]} if key in reasons and item.status != "cached" else {}),
    }


def _shown(call: Call) -> str:
    arguments = ", ".join(f"{name}={preview}" for name, preview in preview_arguments(call))
    return f"{call.task.name}({arguments if len(arguments) <= 60 else arguments[:59] + '…'})"


def format_guess(seconds: float) -> str:
    """Return about how long something will take, with no more digits than a guess has.

    >>> [format_guess(s) for s in (0.0004, 0.0042, 0.253, 3.21, 47.3, 200, 9000)]
    ['under 1 ms', 'about 4 ms', 'about 250 ms', 'about 3 s', 'about 47 s', 'about 3 min', 'about 2 h 30 min']
    """
    if seconds < 0.001:
        return "under 1 ms"
    if seconds < 1:
        return f"about {float(f'{seconds * 1000:.2g}' if seconds >= 0.01 else round(seconds * 1000)):.0f} ms"
    if seconds < 60:
        return f"about {seconds:.0f} s"
    if seconds < 3600:
        return f"about {seconds / 60:.0f} min"
    return f"about {int(seconds // 3600)} h {int(seconds % 3600 // 60)} min"
