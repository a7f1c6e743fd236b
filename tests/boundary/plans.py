"""A plan with every field set to something that is not its neighbour's value."""

from __future__ import annotations

import dataclasses

from nodens.plan.model import (
    BlockPlan,
    CachePlan,
    ConsolidatePlan,
    EnginePlan,
    ErrorsPlan,
    ForwardPlan,
    HealthCheckPlan,
    ListenerPlan,
    LogClass,
    LogPlan,
    Policy,
    PrefetchPlan,
    StalePlan,
    StorePlan,
    Transport,
    UpstreamPlan,
    ZonePlan,
)


def forward(port: int = 5300, transport: Transport = Transport.UDP) -> ForwardPlan:
    return ForwardPlan(
        zone=".",
        except_zones=("except.test.",),
        upstreams=(UpstreamPlan(address="127.0.0.1", scope_id=0, port=port, label=f"127.0.0.1:{port}"),),
        transport=transport,
        policy=Policy.SEQUENTIAL,
        expire_ms=10_000,
        max_fails=2,
        max_connect_attempts=3,
        max_concurrent=1000,
        health_check=HealthCheckPlan(interval_ms=500, domain=".", is_recursion_desired=True),
        next_rcodes=(3,),
        is_next_on_nodata=False,
        failover_rcodes=(2, 5),
        is_failfast=False,
        read_timeout_ms=2000,
        max_age_ms=60_000,
        max_idle_connections=9,
        source_address="127.0.0.1",
    )


def cache() -> CachePlan:
    return CachePlan(
        zones=(".",),
        success=StorePlan(capacity=9984, ttl_max_s=3600, ttl_min_s=5),
        denial=StorePlan(capacity=9984, ttl_max_s=1800, ttl_min_s=5),
        prefetch=PrefetchPlan(amount=10, window_ms=60_000, percent=10),
        stale=StalePlan(
            window_s=3600,
            is_verify=False,
            verify_timeout_ms=0,
            response_ttl_s=0,
            recheck_ms=1000,
            prefers_positive=False,
        ),
        servfail_ms=5000,
        success_disabled_zones=("never.test.",),
        denial_disabled_zones=("no.test.",),
        keeps_ttl=False,
    )


def listener(address: str = "127.0.0.1", port: int = 0) -> ListenerPlan:
    return ListenerPlan(
        address=address,
        scope_id=0,
        port=port,
        is_dual_stack=False,
        is_freebind=False,
        label=f"dns://{address}:{port}",
        zones=(ZonePlan(name=".", block=0),),
        tcp_read_timeout_ms=3000,
        tcp_idle_timeout_ms=10_000,
        tcp_write_timeout_ms=5000,
    )


def whole(*forwards: ForwardPlan, listeners: tuple[ListenerPlan, ...] = (), workers: int = 1) -> EnginePlan:
    block = BlockPlan(
        name=".:53",
        zones_label=".",
        has_metrics=True,
        has_handler=True,
        udp_size_limit=1232,
        cache=cache(),
        forwards=forwards or (forward(),),
        log=(),
        errors=ErrorsPlan(
            consolidate=(ConsolidatePlan(pattern="timeout$", period_ms=1000, level="warning", shows_first=True),)
        ),
        loop_zone="loop.test.",
    )
    return EnginePlan(
        workers=workers,
        memory_limit_bytes=16 << 20,
        max_tcp_connections=100,
        max_tcp_connections_per_client=10,
        max_queries_per_connection=20,
        listeners=listeners or (listener(),),
        blocks=(block,),
    )


def quiet(port: int, *listeners: ListenerPlan) -> EnginePlan:
    """Only what is asked goes upstream: without `loop`, whose probes would be queries too."""
    plan = whole(forward(port), listeners=listeners)
    return dataclasses.replace(plan, blocks=(dataclasses.replace(plan.blocks[0], loop_zone=None),))


def with_log() -> tuple[LogPlan, ...]:
    return (LogPlan(zone=".", format="{remote} {name}", classes=(LogClass.ALL,)),)
