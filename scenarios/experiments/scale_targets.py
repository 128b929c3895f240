"""What the scale experiment reports: each number with its name, its unit and, where there is one, its target."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Metric:
    part: str
    name: str  # as scale_measure.py calls it
    label: str
    unit: str = ""  # "%": a share, shown in per cent
    most: float | None = None
    least: float | None = None
    digits: int = 2

    def verdict(self, value: float) -> str:
        """'ok' or 'missed'; '' where there is no target."""
        if self.most is None and self.least is None:
            return ""
        good = (self.most is None or value <= self.most) and (self.least is None or value >= self.least)
        return "ok" if good else "missed"

    def shown(self, value: float) -> str:
        if self.unit == "%":
            return f"{100 * value:.{self.digits}f} %"
        return f"{value:,.{self.digits}f}{' ' + self.unit if self.unit else ''}"

    @property
    def target(self) -> str:
        if self.most is not None:
            return f"<= {_plain(self.most)}{' ' + self.unit if self.unit else ''}"
        if self.least is not None:
            return f">= {_plain(100 * self.least)} %"
        return ""


def _plain(value: float) -> str:
    return f"{value:,.6g}" if value < 1e6 else f"{value:,.0f}"


METRICS = (
    Metric("bootstrap", "time_s", "all joined, after the last one started", "s", digits=1),
    Metric("bootstrap", "cpu_s", "CPU until all have joined", "s", digits=1),
    Metric("bootstrap", "links_mean", "links per server", digits=1),
    Metric("bootstrap", "links_max", "most links of one server", digits=0),
    Metric("bootstrap", "reach_everybody", "servers that reach everybody", "%", digits=1),
    Metric("idle", "nated_B_s", "idle, sent by one behind NAT", "B/s", most=100.0, digits=1),
    Metric("idle", "reachable_B_s", "idle, sent by a reachable one", "B/s", most=400.0, digits=1),
    Metric("idle", "nated_p99_B_s", "the same, 99th percentile, NAT", "B/s", digits=1),
    Metric("idle", "reachable_p99_B_s", "the same, 99th percentile, reachable", "B/s", digits=1),
    Metric("idle", "mean_B_s", "idle, sent per server", "B/s", digits=1),
    Metric("broadcast", "delivery", "delivered of what was due", "%", least=1.0, digits=4),
    Metric("broadcast", "rmr_one", "redundancy, one sender", most=0.005, digits=4),
    Metric("broadcast", "rmr_many", "redundancy, many senders", most=0.03, digits=4),
    Metric("broadcast", "rmr_unseen", "redundancy, authors never seen", most=0.10, digits=4),
    Metric("broadcast", "hops_mean", "hops, mean"),
    Metric("broadcast", "hops_last_mean", "last hop, mean over posts"),
    Metric("broadcast", "hops_last", "last hop of all posts", most=12.0, digits=0),
    Metric("broadcast", "stretch_mean", "stretch, mean", most=2.2),
    Metric("broadcast", "stretch_p50", "stretch, median"),
    Metric("broadcast", "stretch_p99", "stretch, 99th percentile", most=4.5),
    Metric("broadcast", "latency_p50_ms", "latency, median", "ms", digits=0),
    Metric("broadcast", "last_ms", "latency to the last server", "ms", digits=0),
    Metric("broadcast", "cpu_ms_per_post", "CPU per post to all", "ms", digits=1),
    Metric("broadcast", "events_per_cpu_s", "events per second of CPU", digits=0),
    Metric("broadcast", "memory_total_B", "memory of a server, all in all", "B", most=20_000.0, digits=0),
    Metric("broadcast", "memory_simnet_B", "of it the simulator's own", "B", most=1_000.0, digits=0),
    Metric("broadcast", "memory_overlay_B", "of it the overlay", "B", digits=0),
    Metric("broadcast", "memory_store_B", "of it the store", "B", digits=0),
    Metric("broadcast", "memory_feed_B", "of it feed and api", "B", digits=0),
    Metric("load", "delivery", "10 posts/s: delivered", "%", least=1.0, digits=4),
    Metric("load", "application_over_ideal", "bytes over ideal, application", most=1.10, digits=3),
    Metric("load", "wire_over_ideal", "bytes over ideal, wire", most=1.35, digits=3),
    Metric("load", "control_over_wire", "of the wire bytes control and acks", "%", digits=1),
    Metric("load", "rmr", "10 posts/s: redundancy", most=0.03, digits=4),
    Metric("route", "reachable_found", "mentions that arrive, reachable pairs", "%", least=0.999, digits=2),
    Metric("route", "reachable_hops", "hops of a mention, reachable pairs", most=3.0),
    Metric("route", "reachable_p50_ms", "first mention, lookup included, median", "ms", most=500.0, digits=0),
    Metric("route", "reachable_p99_ms", "the same, 99th percentile", "ms", digits=0),
    Metric("route", "any_found", "mentions that arrive, any pairs", "%", least=0.999, digits=2),
    Metric("route", "any_hops", "hops of a mention, any pairs"),
    Metric("route", "any_p50_ms", "first mention, any pair, median", "ms", most=500.0, digits=0),
    Metric("route", "any_p99_ms", "the same, 99th percentile", "ms", digits=0),
    Metric("churn", "delivery", "1 %/min churn: delivered", "%", least=0.999, digits=3),
    Metric("churn", "rmr", "1 %/min churn: redundancy", most=0.10, digits=4),
    Metric("crash", "delivery_50", "delivered 30 s after 50 % crashed", "%", least=0.9999, digits=3),
    Metric("crash", "delivery_80", "delivered 30 s after 80 % crashed", "%", least=0.9999, digits=3),
    Metric("crash", "delivery_90", "delivered 30 s after 90 % crashed", "%", least=0.995, digits=3),
    Metric("crash", "delivery_95", "delivered 30 s after 95 % crashed", "%", least=0.97, digits=3),
)
BY_KEY = {(metric.part, metric.name): metric for metric in METRICS}
# At 100,000 servers these are the targets; those above are for 10,000.
AT_100K = {("broadcast", "stretch_mean"): 2.4, ("broadcast", "stretch_p99"): 5.5, ("route", "reachable_hops"): 3.6}
CPU_AT_100K = {("bootstrap", "cpu_s"): 300.0, ("broadcast", "cpu_ms_per_post"): 10_000.0}


def metric_of(part: str, name: str, nodes: int) -> Metric | None:
    """The metric with its target at this size; None for what is measured but not shown."""
    found = BY_KEY.get((part, name))
    if found is None or nodes < 100_000:
        return found
    most = {**AT_100K, **CPU_AT_100K}.get((part, name), found.most)
    return Metric(part, name, found.label, found.unit, most, found.least, found.digits)
