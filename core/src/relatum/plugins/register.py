"""The register of processing: what core and every installed plugin do with personal data."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from relatum.hooks.gate import CORE
from relatum.plugins.processing import Processing, read_processing
from relatum.values.problems import ConfigurationError, InvalidInput, Problem
from relatum.values.sensitivity import Sensitivity
from relatum.values.text import Text

if TYPE_CHECKING:
    from relatum.contact.profile import Profile
    from relatum.contact.service import Contact
    from relatum.plugins.states import Status
    from relatum.plugins.table import PluginTable

FILE_NAME = "core_processing.toml"
FindingCode = Literal["unknown-purpose", "consent-missing", "nothing-declared", "unreadable"]


class RegisterFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be mended in the register.

    Attributes:
        code: ``unknown-purpose`` (neither the profile nor core knows it), ``consent-missing`` (the
            purpose demands consent and the basis is another one), ``nothing-declared`` (it has
            tables with customers), ``unreadable`` (its manifest cannot be read).
        processing: id of the entry; empty when it is about the whole plugin.
    """

    code: FindingCode
    processing: str = ""


class Processor(msgspec.Struct, frozen=True, kw_only=True):
    """Core or an installed plugin, with what it declares.

    Attributes:
        id: ``core``, or the id of the plugin.
        title: core's name, or the summary of the distribution.
        state: as of any plugin; one that is off keeps its rows, and so stays in the register.
        holds_customers: whether a table of it points at customers.
    """

    id: str
    title: str
    version: str
    state: Status
    holds_customers: bool
    processing: tuple[Processing, ...]
    findings: tuple[RegisterFinding, ...] = ()


class CoreProcessing(msgspec.Struct, frozen=True):
    """What core declares, and purposes that contact nobody, by id."""

    purposes: Mapping[str, Text]
    processing: tuple[Processing, ...]


class Register:
    """Reads manifests as they were found; imports no plugin.

    Args:
        version: of core.
    """

    def __init__(self, plugins: PluginTable, contact: Contact, version: str) -> None:
        self._plugins = plugins
        self._contact = contact
        self._version = version

    @property
    def purposes(self) -> dict[str, Text]:
        """Titles of every purpose: of core, then of the regulation profile, which counts first."""
        profile = {each.id: each.title for each in self._contact.profile.purposes}
        return {**core_processing().purposes, **profile}

    def processors(self) -> list[Processor]:
        """Core, then every installed plugin by id, on or off."""
        core = Processor(
            id=CORE,
            title="Relatum",
            version=self._version,
            state="enabled",
            holds_customers=True,
            processing=core_processing().processing,
        )
        return [self._checked(each) for each in (core, *self._installed())]

    def refuse_unknown(self, purposes: Sequence[str]) -> None:
        """Refuse ids that no purpose has.

        Raises:
            InvalidInput: with each of them at its place below ``/purposes``.
        """
        known = self.purposes
        problems = [
            Problem(
                code="unknown-purpose",
                message="Nobody knows this purpose",
                where=f"/purposes/{place}",
                expected=f"one of {', '.join(sorted(known))}",
                got=each,
                mend="Use a purpose of the regulation profile or of core.",
            )
            for place, each in enumerate(purposes)
            if each not in known
        ]
        if problems:
            raise InvalidInput("A purpose is not known.", problems=problems)

    def declared_by(self, plugin_id: str) -> dict[str, frozenset[Sensitivity]]:
        """Purposes that the manifest of a plugin declares, with their classes of sensitive data."""
        declared: dict[str, frozenset[Sensitivity]] = {}
        for found in self._plugins.found:
            if found.id == plugin_id and found.manifest is not None:
                for each in found.manifest.processing:
                    known = declared.get(each.purpose, frozenset())
                    declared[each.purpose] = known | frozenset(each.data)
        return declared

    def _installed(self) -> Iterator[Processor]:
        manifests = {each.id: each.manifest for each in self._plugins.found}
        holding = self._plugins.holding_customers()
        for state in self._plugins.states():
            manifest = manifests[state.id]
            found = Processor(
                id=state.id,
                title=state.title,
                version=state.version,
                state=state.state,
                holds_customers=state.id in holding,
                processing=() if manifest is None else manifest.processing,
            )
            if manifest is None:
                unreadable = RegisterFinding(code="unreadable")
                found = msgspec.structs.replace(found, findings=(unreadable,))
            yield found

    def _checked(self, one: Processor) -> Processor:
        found = findings_of(one, self.purposes, self._contact.profile)
        return msgspec.structs.replace(one, findings=(*one.findings, *found))


def findings_of(
    one: Processor, purposes: Mapping[str, Text], profile: Profile
) -> Iterator[RegisterFinding]:
    """What is to be mended in what one of them declares.

    Args:
        purposes: every purpose that is known, by id.
        profile: says which of them demand consent.
    """
    if one.holds_customers and not one.processing:
        yield RegisterFinding(code="nothing-declared")
    for each in one.processing:
        purpose = profile.purpose.get(each.purpose)
        if each.purpose not in purposes:
            yield RegisterFinding(code="unknown-purpose", processing=each.id)
        elif purpose is not None and purpose.consent and each.basis != "consent":
            yield RegisterFinding(code="consent-missing", processing=each.id)


@cache
def core_processing() -> CoreProcessing:
    """What core declares, from its own file, in the form of manifests.

    Raises:
        ConfigurationError: the file is broken; it comes with Relatum.
    """
    text = (files("relatum.plugins") / FILE_NAME).read_text(encoding="utf-8")
    return core_processing_of(tomllib.loads(text))


def core_processing_of(table: Mapping[str, Any]) -> CoreProcessing:
    """As :func:`core_processing`, from the values of the file."""
    problems: list[str] = []

    def report(name: str, code: str, expected: str, got: object, mend: str) -> None:
        problems.append(f"{name} [{code}]: expected {expected}, got {got}; {mend}")

    processing = read_processing("processing", table["processing"], report)
    if problems:
        raise ConfigurationError("\n".join([f"{FILE_NAME} cannot be used", *problems]))
    purposes: Sequence[Mapping[str, Any]] = table["purposes"]
    titles = {each["id"]: msgspec.convert(each["title"], Text) for each in purposes}
    return CoreProcessing(titles, processing)
