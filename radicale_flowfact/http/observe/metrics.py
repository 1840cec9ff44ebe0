"""Metrics for Prometheus. Values that must be exact for all processes are read from the database on each request.

The others are counted in each process. Where several processes serve one port, prometheus_client adds them up through
files in the folder that PROMETHEUS_MULTIPROC_DIR names. It looks at that variable when it is first imported, so
it is imported only once the application is made.
"""

from __future__ import annotations

import contextlib
import os
import platform
import threading
from collections.abc import Iterable
from datetime import UTC
from importlib import metadata
from typing import TYPE_CHECKING

from sqlalchemy.exc import SQLAlchemyError

from radicale_flowfact.dav.admin.schema_watch import SchemaWatch
from radicale_flowfact.dav.gateway import Gateway
from radicale_flowfact.dav.store import collections, devices
from radicale_flowfact.http.observe.request_facts import RequestFacts

if TYPE_CHECKING:
    from prometheus_client import Counter, Histogram
    from prometheus_client.metrics_core import Metric

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_WRITING = frozenset({"PUT", "DELETE", "PROPPATCH", "MOVE", "MKCOL", "MKCALENDAR"})
_REFUSED = range(400, 500)
_NOT_REFUSED = frozenset({401, 404, 412})


class Metrics:
    """Holds the metrics of one application."""

    def __init__(self, gateway: Gateway, watch: SchemaWatch) -> None:
        import prometheus_client

        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, of no use here
        self._gateway = gateway
        self._watch = watch
        self._registry = registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "flowfact_requests", "Requests answered.", ("method", "collection", "status"), registry=registry
        )
        self._seconds = prometheus_client.Histogram(
            "flowfact_request_seconds",
            "Time from a request's start to its answer, without sending that.",
            ("method", "collection"),
            buckets=_BUCKETS,
            registry=registry,
        )
        self._conflicts = prometheus_client.Counter(
            "flowfact_conflicts", "Writes answered 412: the item changed meanwhile.", registry=registry
        )
        self._refused = prometheus_client.Counter(
            "flowfact_refused_writes", "Writes refused for another reason.", ("collection",), registry=registry
        )
        self._refreshed = prometheus_client.Counter(
            "flowfact_refreshes", "Collections compared with FlowFact, row by row.", registry=registry
        )
        self._rendered = prometheus_client.Counter(
            "flowfact_rendered_items", "Records turned into contacts, appointments or tasks.", registry=registry
        )
        self._counters: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}
        self._counted = (0, 0)
        self._lock = threading.Lock()

    def count(self, facts: RequestFacts) -> None:
        """Count a request that was answered."""
        key = (facts.method, facts.collection, facts.status)
        found = self._counters.get(key)
        if found is None:
            requests = self._requests.labels(facts.method, facts.collection, str(facts.status))
            found = self._counters[key] = (requests, self._seconds.labels(facts.method, facts.collection))
        found[0].inc()
        found[1].observe(facts.seconds)
        if facts.method in _WRITING and facts.status in _REFUSED:
            if facts.status == 412:
                self._conflicts.inc()
            elif facts.login and facts.status not in _NOT_REFUSED:
                self._refused.labels(facts.collection).inc()
        stats = self._gateway.stats
        if (stats.refreshed, stats.rendered) != self._counted:
            self._count_work(stats.refreshed, stats.rendered)

    def _count_work(self, refreshed: int, rendered: int) -> None:
        with self._lock:
            before, self._counted = self._counted, (refreshed, rendered)
            self._refreshed.inc(max(0, refreshed - before[0]))
            self._rendered.inc(max(0, rendered - before[1]))

    def text(self) -> bytes:
        """Return all metrics in Prometheus' text format."""
        from prometheus_client import CollectorRegistry, multiprocess
        from prometheus_client.exposition import generate_latest

        asked = CollectorRegistry()
        asked.register(_Collector(self._gateway, self._watch))
        if os.environ.get(_FOLDER):
            multiprocess.MultiProcessCollector(asked)  # type: ignore[no-untyped-call]
            return generate_latest(asked)
        return generate_latest(self._registry) + generate_latest(asked)


class _Collector:
    """Collects the metrics that are read from the database, equal in every process."""

    def __init__(self, gateway: Gateway, watch: SchemaWatch) -> None:
        self._gateway = gateway
        self._watch = watch

    def collect(self) -> Iterable[Metric]:
        """Yield the metrics."""
        from prometheus_client.metrics_core import GaugeMetricFamily

        build = GaugeMetricFamily("flowfact_build_info", "What runs.", labels=("version", "radicale", "python"))
        versions = [metadata.version("radicale-flowfact"), metadata.version("radicale"), platform.python_version()]
        build.add_metric(versions, 1)
        yield build
        database = GaugeMetricFamily("flowfact_database_up", "Whether the database answers.")
        try:
            found = list(self._of_database())
        except SQLAlchemyError:
            found = []
        database.add_metric([], 1 if found else 0)
        yield database
        missing = GaugeMetricFamily(
            "flowfact_missing_name", "1 for a table or column that FlowFact's database lacks.", labels=("name",)
        )
        for name in dict.fromkeys(fault.name for fault in self._watch.faults()):
            missing.add_metric([name], 1)
        yield missing
        yield from found

    def _of_database(self) -> Iterable[Metric]:
        from prometheus_client.metrics_core import GaugeMetricFamily

        with self._gateway.session() as session:
            all_syncs, all_collections = devices.syncs(session), collections.find_all(session)
        last: dict[tuple[str, str, str], float] = {}
        for sync in all_syncs:
            key = (sync.login, sync.identity, sync.name)
            last[key] = max(last.get(key, 0.0), sync.synced.replace(tzinfo=UTC).timestamp())
        synced = GaugeMetricFamily(
            "flowfact_last_sync_timestamp_seconds",
            "When a device last heard of a collection, to the minute.",
            labels=("login", "device", "collection"),
        )
        for labels, when in last.items():
            synced.add_metric(labels, when)
        yield synced
        stops = GaugeMetricFamily(
            "flowfact_safety_stop", "1 for a collection that waits for the admin.", labels=("login", "collection")
        )
        for collection in all_collections:
            if collection.is_held:
                stops.add_metric([collection.login, collection.name.value], 1)
        yield stops


def forget_process(pid: int) -> None:
    """Tell prometheus_client that a worker is gone; what it counted stays counted."""
    from prometheus_client import multiprocess

    if os.environ.get(_FOLDER):
        with contextlib.suppress(OSError):
            multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call]
