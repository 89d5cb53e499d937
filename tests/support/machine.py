"""Says how busy this machine is, so that a limit of time is a law about the program and not about what else runs here."""

from time import perf_counter, thread_time

_WORK_SECONDS = 0.02


def allowed_seconds(seconds: float) -> float:
    """A limit as a promise has it where a core is free; more, in the measure in which all work takes longer now.

    Asked for after what is measured, while the machine is still as busy.
    """
    return seconds * max(1.0, 2 * _stretch() - 1)


def _stretch() -> float:
    """How many times longer than on a free core a piece of work takes."""
    began, worked = perf_counter(), thread_time()
    while thread_time() - worked < _WORK_SECONDS:
        pass
    return (perf_counter() - began) / _WORK_SECONDS
