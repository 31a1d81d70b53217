"""What the streaming views have in common: compose a watch from what is asked, run it, end with its exit code."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import UTC, datetime
from functools import partial
from random import Random, SystemRandom

import trio
import typer

from nscr_cli.client.monitoring import Monitoring
from nscr_cli.client.registry import RegistryClient
from nscr_cli.client.target import Credentials, Target
from nscr_cli.client.trust import dialer_for
from nscr_cli.commands.watch.ending import exit_code, say
from nscr_cli.commands.watch.options import Wishes
from nscr_cli.commands.watch.telling import Teller
from nscr_cli.monitors.alert_commands import AlertCommands, open_alert_commands
from nscr_cli.monitors.exporter import Exporter, serving
from nscr_cli.monitors.keep_probing import keep_probing
from nscr_cli.monitors.probe_rules import ProbeRules
from nscr_cli.monitors.round_trip import Prober, RoundTrip
from nscr_cli.monitors.streams.lines import columns_of
from nscr_cli.monitors.streams.report import Follower
from nscr_cli.monitors.streams.running import Followed, follow_registries
from nscr_cli.monitors.watch_session import Ending
from nscr_cli.reporting.series import Series
from nscr_cli.streams import drop_results
from nscr_cli.wire.watchdog import TimeOuts

_PROBE_TIME_OUTS = TimeOuts(connect=5.0, send=10.0, first_byte=10.0, read=10.0, total=30.0)
_STDERR = 2

Beside = Callable[[], Awaitable[None]]


def stream(view: type[Follower], make: Callable[[], Follower], wishes: Wishes) -> None:
    """Run a view until it ends, and exit.

    Raises:
        NscrError: the only registry never answered, or something cannot be written.
        Unread: nobody reads what is printed any more, and there was no alert.
        typer.Exit: with the code that the watch ends with.
    """
    started = datetime.now(UTC)
    with ExitStack() as stack:
        series = stack.enter_context(Series(wishes.csv, columns_of(view.columns))) if wishes.csv is not None else None
        exporter = Exporter() if wishes.prometheus is not None else None
        if exporter is not None and wishes.prometheus is not None:
            say(f"metrics are served on {stack.enter_context(serving(exporter, *wishes.prometheus))}")

        def teller(commands: AlertCommands | None, target: Target) -> Teller:
            return Teller(
                target.url,
                view.name,
                started,
                is_single=len(wishes.reached) == 1,
                as_json=wishes.as_json,
                series=series,
                commands=commands,
                exporter=exporter,
            )

        ending, alerts = trio.run(_run, make, wishes, teller)
    if isinstance(ending.failure, BrokenPipeError) and alerts:
        drop_results()
    elif ending.failure is not None:
        raise ending.failure
    raise typer.Exit(exit_code(alerts, ending, is_single=len(wishes.reached) == 1))


async def _run(
    make: Callable[[], Follower], wishes: Wishes, teller: Callable[[AlertCommands | None, Target], Teller]
) -> tuple[Ending, int]:
    async with (
        AsyncExitStack() as opened,
        open_alert_commands(wishes.on_alert, say=say, output=_STDERR) as commands,
    ):
        registries: list[Followed] = []
        beside: list[Beside] = []
        tellers = [teller(commands, target) for target, _ in wishes.reached]
        for (target, credentials), told in zip(wishes.reached, tellers, strict=True):
            poller = await opened.enter_async_context(Monitoring(target, credentials))
            registries.append(
                Followed(
                    url=target.url,
                    poller=poller,
                    follower=make(),
                    sinks=(told.round,),
                    on_never_answered=told.never_answered,
                )
            )
            if wishes.probe_s is not None:
                beside.append(partial(_probe, target, credentials, wishes.namespace, wishes.probe_s, told))
        ending = await follow_registries(
            registries, interval_s=wishes.interval_s, total_s=wishes.total_s, beside=beside
        )
        if commands is not None and ending.failure is None:
            await commands.finish(is_hurried=ending.ended_by is not None)
    return ending, sum(told.alerts for told in tellers)


async def _probe(
    target: Target, credentials: Credentials | None, namespace: str, interval_s: float, told: Teller
) -> None:
    chance = Random(SystemRandom().getrandbits(128))
    repository = f"{namespace}/{chance.randbytes(4).hex()}"
    registry = RegistryClient(dialer_for(target), target, credentials, time_outs=_PROBE_TIME_OUTS)
    rules, start = ProbeRules(repository), trio.current_time()

    def on_probe(made: RoundTrip) -> None:
        told.probe(rules, made, trio.current_time() - start)

    try:
        await keep_probing(target, credentials, Prober(registry, repository, chance), interval_s, on_probe)
    finally:
        with trio.CancelScope(shield=True):
            await registry.aclose()
