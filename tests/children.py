"""Child processes that start with all libraries imported.

A fork server is used instead of forking the test process, because a forked process
deadlocks when it waits for the OpenMP threads of its parent.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from typing import Any

__all__ = ["in_child", "processes"]


@functools.cache
def processes() -> ForkServerContext:
    """Return the context of a fork server that has finished its imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.checkpoints.runs"])
    first = context.Process(target=os.getpid)
    first.start()
    first.join()
    return context


def in_child(target: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Start a process that calls an importable function."""
    child = processes().Process(target=target, args=arguments)
    child.start()
    return child
