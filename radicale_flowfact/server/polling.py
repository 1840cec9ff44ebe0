"""Waits for sockets on behalf of many threads: a ready socket is given to one of them, once, until it is armed again.

With epoll all threads wait in the kernel, so a request costs no hand-over between threads. Elsewhere (Windows) one
thread waits and hands over to the others.
"""

from __future__ import annotations

import contextlib
import select
import selectors
import socket
import sys
import threading
from collections import deque
from queue import SimpleQueue
from typing import Generic, Protocol, TypeVar

Item = TypeVar("Item")
_SEATS = 2  # threads that wait for the poller at a time


class Poller(Protocol[Item]):
    """Waits for sockets, each of which belongs to an item."""

    def arm(self, own: socket.socket, item: Item, *, write: bool) -> None:
        """Give ``item`` to one thread once its socket can be read, or, with ``write``, be written to."""

    def forget(self, own: socket.socket) -> None:
        """Wait no longer for a socket; called before it is closed."""

    def wait(self) -> Item | None:
        """Wait and return the next item, or None when there will be no more."""

    def stop(self) -> None:
        """Let every thread that waits, now or later, get None."""

    def close(self) -> None:
        """Close the poller, once no thread waits any more."""


class EpollPoller(Generic[Item]):
    """A poller for Linux."""

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._items: dict[int, Item] = {}
        self._end, self._write_end = socket.socketpair()
        self._epoll.register(self._end, select.EPOLLIN)  # not for once: stays ready for every thread

    def arm(self, own: socket.socket, item: Item, *, write: bool) -> None:
        """Give ``item`` to one thread once its socket can be read, or, with ``write``, be written to."""
        events = (select.EPOLLOUT if write else select.EPOLLIN) | select.EPOLLONESHOT
        number = own.fileno()
        if number in self._items:
            self._epoll.modify(number, events)
        else:
            self._items[number] = item
            self._epoll.register(number, events)

    def forget(self, own: socket.socket) -> None:
        """Wait no longer for a socket; called before it is closed."""
        if self._items.pop(own.fileno(), None) is not None:
            self._epoll.unregister(own.fileno())

    def wait(self) -> Item | None:
        """Wait and return the next item, or None when there will be no more."""
        while True:
            for number, _ in self._epoll.poll(maxevents=1):
                if number == self._end.fileno():
                    return None
                if (item := self._items.get(number)) is not None:
                    return item

    def stop(self) -> None:
        """Let every thread that waits, now or later, get None."""
        self._write_end.send(b"\0")

    def close(self) -> None:
        """Close the poller, once no thread waits any more."""
        self._epoll.close()
        self._end.close()
        self._write_end.close()


class HandingPoller(Generic[Item]):
    """A poller for every system: one thread waits, and hands each ready item over to another."""

    def __init__(self) -> None:
        self._ready: SimpleQueue[Item | None] = SimpleQueue()
        self._wanted: deque[tuple[socket.socket, Item, int]] = deque()
        self._selector = selectors.DefaultSelector()
        self._lock = threading.Lock()
        self._wake, self._waker = socket.socketpair()
        self._wake.setblocking(False)
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._is_over = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def arm(self, own: socket.socket, item: Item, *, write: bool) -> None:
        """Give ``item`` to one thread once its socket can be read, or, with ``write``, be written to."""
        with self._lock:
            self._wanted.append((own, item, selectors.EVENT_WRITE if write else selectors.EVENT_READ))
        self._waker.send(b"\0")

    def forget(self, own: socket.socket) -> None:
        """Wait no longer for a socket; called before it is closed."""
        with self._lock:
            self._wanted = deque(wanted for wanted in self._wanted if wanted[0] is not own)
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(own)

    def wait(self) -> Item | None:
        """Wait and return the next item, or None when there will be no more."""
        item = self._ready.get()
        if item is None:
            self._ready.put(None)
        return item

    def stop(self) -> None:
        """Let every thread that waits, now or later, get None."""
        self._is_over = True
        self._waker.send(b"\0")
        self._ready.put(None)

    def close(self) -> None:
        """Close the poller, once no thread waits any more."""
        self._thread.join()
        self._selector.close()
        self._wake.close()
        self._waker.close()

    def _run(self) -> None:
        while not self._is_over:
            try:
                ready = self._selector.select(1.0)
            except OSError:  # a socket was closed meanwhile
                continue
            with self._lock:
                for key, _ in ready:
                    self._hand_over(key)
                while self._wanted:
                    own, item, events = self._wanted.popleft()
                    with contextlib.suppress(KeyError, ValueError, OSError):
                        self._selector.register(own, events, item)

    def _hand_over(self, key: selectors.SelectorKey) -> None:
        if key.fileobj is self._wake:
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)
            return
        with contextlib.suppress(KeyError, ValueError):  # it was forgotten meanwhile
            self._selector.unregister(key.fileobj)
            self._ready.put(key.data)


class Seats:
    """A semaphore for waiting at the poller that admits the thread that came last first.

    So under low load always the same threads work. In a thread that slept for long a request costs a third more: the
    processor's caches hold nothing of it.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = 0
        self._waiting: list[threading.Lock] = []

    def take(self) -> None:
        """Return once the thread may wait for the poller."""
        with self._lock:
            if self._taken < _SEATS:
                self._taken += 1
                return
            turn = threading.Lock()
            turn.acquire()
            self._waiting.append(turn)
        turn.acquire()

    def leave(self) -> None:
        """Note that the poller gave the thread something to do; the last to leave wakes another."""
        with self._lock:
            self._taken -= 1
            if self._taken or not self._waiting:
                return
            self._taken += 1
            self._waiting.pop().release()


def poller() -> Poller[Item]:
    """Return the poller for this system."""
    return EpollPoller() if sys.platform == "linux" else HandingPoller()
