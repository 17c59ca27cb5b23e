"""The processes: ``serve`` answers requests and does background work, ``web`` and ``worker`` one.

Each opens the house, refuses what cannot be meant, goes on until a signal, and then ends in order:
nothing new is taken, what is going on may end, the rest is handed back, the last events are sealed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from importlib.metadata import version
from typing import TYPE_CHECKING

from relatum.app.announcing import announce
from relatum.app.background import Supervisor, background_of
from relatum.app.house import House
from relatum.app.listening import Listener, refuse_open_address
from relatum.config.file import SettingsFile
from relatum.telemetry import traces
from relatum.telemetry.logs import configure_logging
from relatum.telemetry.process import Process, Role
from relatum.values.problems import ConfigurationError, Unavailable

if TYPE_CHECKING:
    from relatum.config.settings import Settings

log = logging.getLogger("relatum.serve")

SEAL_SECONDS = 5.0
#: After the first answers, which somebody waits for.
SETTLE_SECONDS = 3.0
_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def serve(settings: Settings, role: Role = "serve") -> int:
    """Go on until a signal says stop; returns the exit code. A second signal ends at once.

    Raises:
        ConfigurationError: others could reach a server that nobody owns yet, or migrations have
            not run.
        Unavailable: the address is taken, or the database does not answer.
    """
    process = Process(role)
    configure_logging(settings.log, process)
    if traces.are_wanted(settings.traces, os.environ):
        traces.switch_on(process, version("relatum"))
    try:
        _runner()(_serve(settings, process))
    finally:
        traces.switch_off()
    return 0


def _runner() -> Callable[[Awaitable[None]], None]:
    """uvloop's runner where there is uvloop: handing work to threads costs half as much with it."""
    try:
        import uvloop
    except ImportError:
        return asyncio.run  # type: ignore[return-value]
    return uvloop.run  # type: ignore[return-value]


def settle() -> None:
    """Look for garbage among what comes from now on, and not among what the start has made.

    That is half a million objects: looking through them stops everybody for a tenth of a second,
    about every tenth large page.
    """
    gc.collect()
    gc.freeze()


async def _serve(settings: Settings, process: Process) -> None:
    async with await House.open(settings, process=process) as house, _told_to_end() as end:
        house.steering.file = SettingsFile.of_process(settings)
        # again: what was imported with the plugins may have set the log up its own way
        configure_logging(settings.log, process)
        await _refuse(house)
        async with _application(house) as listener:
            await _go_on(house, listener, end)


async def _refuse(house: House) -> None:
    """Refuse to start where that cannot be meant."""
    pending = await house.core_pending()
    if pending:
        apps = ", ".join(sorted({step.app for step in pending}))
        raise ConfigurationError(
            f"expected a database that is up to date, got one with {len(pending)} migrations "
            f"that have not run ({apps}); look at them with `relatum migrate` and run them with "
            "`relatum migrate --apply`"
        )
    # before a new key is made in the place of a lost one
    await house.seals.expect_keys()
    settings, owned = house.settings, await house.roles.has_active_owner()
    public = settings.server.public_url
    if house.process.answers:
        refuse_open_address(settings.server.host, public, owned=owned)
    elif settings.worker.port:
        refuse_open_address(settings.worker.host, public, owned=owned, where="worker")


@contextlib.asynccontextmanager
async def _application(house: House) -> AsyncIterator[Listener | None]:
    """What answers on the address of this process; nothing for a worker without one."""
    server, worker = house.settings.server, house.settings.worker
    if house.process.answers:
        from relatum.app.asgi import create_app

        app = create_app(house)
        async with app.lifespan():
            yield Listener(app, app.edge, host=server.host, port=server.port, where="server")
    elif worker.port:
        from relatum.http.probes import probes

        edge = probes(house)
        yield Listener(edge, edge, host=worker.host, port=worker.port, where="worker")
    else:
        yield None


async def _go_on(house: House, listener: Listener | None, end: asyncio.Event) -> None:
    """Work until told to end, then end in order."""
    link = await house.accounts.first_link() if house.process.answers else None
    supervisor = Supervisor(background_of(house), house.process)
    supervisor.start()
    settling = asyncio.get_running_loop().call_later(SETTLE_SECONDS, settle)
    try:
        if listener is None:
            announce(house)
            await end.wait()
        else:
            await _listen(listener, end, lambda: announce(house, link))
        await _end(house, listener, supervisor)
    finally:
        settling.cancel()
        await supervisor.stop(0)


async def _listen(listener: Listener, end: asyncio.Event, on_start: Callable[[], None]) -> None:
    listening = listener.start(on_start)
    told = asyncio.create_task(end.wait())
    await asyncio.wait({listening, told}, return_when=asyncio.FIRST_COMPLETED)
    told.cancel()
    if listening.done():
        listening.result()
        raise Unavailable("expected the HTTP server to go on, got its end; look into the log")


async def _end(house: House, listener: Listener | None, supervisor: Supervisor) -> None:
    shutdown = house.settings.shutdown
    log.info("told to end; what is going on has %g s", shutdown.limit)
    house.process.stop()
    if listener is not None:
        # proxies see that it is not ready, and stop sending, before it stops listening
        await asyncio.sleep(shutdown.delay)
    answered = asyncio.sleep(0) if listener is None else listener.stop(shutdown.limit)
    await asyncio.gather(answered, supervisor.stop(shutdown.limit))
    await _seal_last(house)


async def _seal_last(house: House) -> None:
    """Leave no event unsealed; what is too much for the time is sealed after the next start."""
    try:
        async with asyncio.timeout(SEAL_SECONDS):
            await house.seals.seal()
    except Exception:
        log.exception("the last events are not sealed yet")


@contextlib.asynccontextmanager
async def _told_to_end() -> AsyncIterator[asyncio.Event]:
    """An event that the first signal sets; the second one ends the process there and then."""
    end, loop = asyncio.Event(), asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        if end.is_set():
            log.warning("told to end again: ends at once; what was going on comes back by itself")
            logging.shutdown()
            os._exit(128 + number)
        end.set()

    for number in _SIGNALS:
        loop.add_signal_handler(number, told, number)
    try:
        yield end
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
