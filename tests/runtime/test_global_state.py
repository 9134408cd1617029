"""Warning filters of fits that run in several threads."""

from __future__ import annotations

import threading
import warnings

import pytest

from sktrainer.runtime.global_state import preserve_global_state


def leave_in_order_of_entry():
    """Run two threads that leave `catch_warnings` in the order in which they entered it."""
    entered, left = threading.Event(), threading.Event()

    def first():
        with preserve_global_state():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", UserWarning)
                entered.wait()
            left.set()

    def second():
        with preserve_global_state():
            while not any(f[0] == "ignore" and f[2] is UserWarning for f in warnings.filters):
                pass
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                entered.set()
                left.wait()

    threads = [threading.Thread(target=target) for target in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_fits_in_threads_leave_the_warning_filters_unchanged():
    before = list(warnings.filters)
    leave_in_order_of_entry()
    assert list(warnings.filters) == before
    with pytest.warns(UserWarning, match="is shown again"):
        warnings.warn("is shown again", UserWarning, stacklevel=1)


def test_filters_are_restored_when_the_last_thread_ends():
    before, inside, done = list(warnings.filters), threading.Event(), threading.Event()

    def other():
        with preserve_global_state():
            inside.set()
            done.wait()

    thread = threading.Thread(target=other)
    thread.start()
    inside.wait()
    leave_in_order_of_entry()
    assert list(warnings.filters) != before
    done.set()
    thread.join()
    assert list(warnings.filters) == before
