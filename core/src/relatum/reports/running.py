"""One way to run a report, for the command line and the API alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from relatum.values.problems import PluginError, RelatumError

if TYPE_CHECKING:
    import msgspec

    from relatum.hooks.registry import Registry


async def run_report(registry: Registry, report_id: str, params: Any) -> msgspec.Struct:
    """The result of a report.

    Args:
        params: an instance of the report's ``params``, ``None`` when it has none.

    Raises:
        NotFound: there is no such report, or its plugin is off.
        PluginError: the report failed; the cause is chained.
    """
    report = registry.reports.get(report_id)
    plugin = registry.plugin_of(report_id)
    try:
        async with plugin.at_work():
            return await report.run(plugin, params)
    except RelatumError:
        raise
    except Exception as error:
        plugin.log.exception("report %s failed", report_id)
        raise PluginError(
            f"The report {report_id} of {plugin.id} {plugin.version} failed. The log says more."
        ) from error
