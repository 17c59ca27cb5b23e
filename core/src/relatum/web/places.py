"""The places of core: what the navigation and the settings lead to."""

from __future__ import annotations

import msgspec

from relatum.access.viewer import PUBLIC, SIGNED_IN
from relatum.hooks.screens import Group
from relatum.web.languages import marked

ACCOUNTS = "core.accounts.read"
OPERATIONS = "core.operations.read"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of the navigation, in the language of the page.

    Attributes:
        id: what a page calls its place (``here``); of a plugin's page, the id of the page.
        key: the letter that leads there after G.
        phone: whether it stands in the bar at the bottom of a phone.
        hint: what is done there, in a sentence; shown among the settings.
    """

    id: str
    path: str
    title: str
    icon: str
    permission: str
    group: Group = "work"
    section: str = ""
    order: int = 100
    key: str = ""
    phone: bool = False
    hint: str = ""


def place(id: str, path: str, title: str, icon: str, permission: str, **more: object) -> Place:
    """A place of core."""
    return msgspec.convert(
        {"id": id, "path": path, "title": title, "icon": icon, "permission": permission, **more},
        Place,
    )


_PEOPLE = marked("Who may do what")
_DATA = marked("Data")
_HOUSE = marked("This installation")
_OPERATION = marked("Operation")
_DEVELOPERS = marked("For developers")
PLACES: tuple[Place, ...] = (
    place(
        "home",
        "/",
        marked("Overview"),
        "layout-dashboard",
        SIGNED_IN,
        order=10,
        key="h",
        phone=True,
    ),
    place(
        "customers",
        "/customers",
        marked("Customers"),
        "users",
        "core.customers.read",
        order=20,
        key="c",
        phone=True,
    ),
    place(
        "messages",
        "/messages",
        marked("Messages"),
        "mail",
        "core.messages.read",
        order=25,
    ),
    place(
        "reports",
        "/reports",
        marked("Reports"),
        "chart-bar",
        "core.reports.read",
        group="insight",
        order=10,
        key="r",
        phone=True,
    ),
    place(
        "charts",
        "/charts",
        marked("Charts"),
        "chart-dots",
        "core.reports.read",
        group="insight",
        order=20,
    ),
    place(
        "company",
        "/settings/company",
        marked("Company"),
        "building",
        "core.plugins.read",
        group="settings",
        section=_HOUSE,
        order=10,
        hint=marked("Name, language, time zone and currency."),
    ),
    place(
        "plugins",
        "/settings/plugins",
        marked("Plugins"),
        "plug",
        "core.plugins.read",
        group="settings",
        section=_HOUSE,
        order=20,
        hint=marked("What is installed, what runs, and switching it on and off."),
    ),
    place(
        "fields",
        "/settings/fields",
        marked("Custom fields"),
        "forms",
        "core.fields.write",
        group="settings",
        section=_HOUSE,
        order=30,
        hint=marked("What else you note about customers."),
    ),
    place(
        "kinds",
        "/settings/kinds",
        marked("Kinds of interaction"),
        "messages",
        "core.interactions.read",
        group="settings",
        section=_HOUSE,
        order=40,
        hint=marked("What can happen between you and a customer."),
    ),
    place(
        "people",
        "/people",
        marked("People"),
        "user-circle",
        ACCOUNTS,
        group="settings",
        section=_PEOPLE,
        order=110,
        hint=marked("Who works here, and inviting others."),
    ),
    place(
        "teams",
        "/teams",
        marked("Teams"),
        "users-group",
        ACCOUNTS,
        group="settings",
        section=_PEOPLE,
        order=120,
        hint=marked("Who works together on which customers."),
    ),
    place(
        "roles",
        "/roles",
        marked("Roles"),
        "shield",
        ACCOUNTS,
        group="settings",
        section=_PEOPLE,
        order=130,
        hint=marked("What somebody may do and see."),
    ),
    place(
        "rules",
        "/rules",
        marked("Rules"),
        "filter",
        ACCOUNTS,
        group="settings",
        section=_PEOPLE,
        order=140,
        hint=marked("Which customers belong to whom."),
    ),
    place(
        "audit",
        "/audit",
        marked("Audit trail"),
        "history",
        "core.audit.read",
        group="settings",
        section=_PEOPLE,
        order=150,
        hint=marked("Who did what, and proof that nothing was changed afterwards."),
    ),
    place(
        "imports",
        "/imports",
        marked("Imports"),
        "upload",
        "core.imports.read",
        group="settings",
        section=_DATA,
        order=210,
        hint=marked("Bring customers and more in from files."),
    ),
    place(
        "exports",
        "/exports",
        marked("Exports"),
        "download",
        "core.exports.write",
        group="settings",
        section=_DATA,
        order=220,
        hint=marked("Take data out, with a second person where it is much."),
    ),
    place(
        "backups",
        "/settings/backups",
        marked("Backups"),
        "database",
        OPERATIONS,
        group="settings",
        section=_DATA,
        order=230,
        hint=marked("Copies of everything, and whether they are good."),
    ),
    place(
        "jobs",
        "/settings/jobs",
        marked("Jobs"),
        "clock",
        OPERATIONS,
        group="settings",
        section=_OPERATION,
        order=310,
        hint=marked("Work in the background: runs, failures, trying again."),
    ),
    place(
        "handlers",
        "/settings/handlers",
        marked("Event handlers"),
        "activity",
        OPERATIONS,
        group="settings",
        section=_OPERATION,
        order=320,
        hint=marked("How far each has come in the log, and what it could not do."),
    ),
    place(
        "schema",
        "/schema",
        marked("API"),
        "code",
        PUBLIC,
        group="settings",
        section=_DEVELOPERS,
        order=410,
        hint=marked("Everything that programs can do here."),
    ),
    place(
        "problems",
        "/schema/problems",
        marked("Problems"),
        "help",
        PUBLIC,
        group="settings",
        section=_DEVELOPERS,
        order=420,
        hint=marked("What an error of the API means and how to mend it."),
    ),
)
