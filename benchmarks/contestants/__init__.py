"""Who takes part: each module prepares a task in its own library, in a process of its own.

A contestant is a function `prepare(task: Task) -> Run`. Its run does `task.steps` training steps,
of which nothing is left to be done when it returns.
"""

from collections.abc import Callable

Run = Callable[[], None]
