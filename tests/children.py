"""Processes that have imported all libraries, and fitted nothing, when they start.

A fork of this process would do as well, but for the threads of OpenMP: what waits for those
in a fork waits for ever.
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
    """Return what makes them; the imports are done when it is there."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.checkpoint_runs"])
    first = context.Process(target=os.getpid)
    first.start()
    first.join()
    return context


def in_child(target: Callable[..., Any], *arguments: Any) -> BaseProcess:
    """Start a process that calls a function which it can import."""
    child = processes().Process(target=target, args=arguments)
    child.start()
    return child
