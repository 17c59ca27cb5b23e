"""``relatum accounts``: people and services, from the local shell, which is trusted."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.access.accounts.types import Account, NewToken, OneTimeSecret
    from relatum.app.house import House

BY = "system"
EXAMPLES = """examples:
  relatum accounts first-link
  relatum accounts add "Nguyễn Thị Lan" lan@example.com --role owner --password-stdin
  relatum accounts invite "Trần Văn Minh" minh@example.com --role sales
  relatum accounts service "Web shop" --role sales --token
  relatum accounts token lan@example.com --name laptop --days 30
  relatum accounts reset minh@example.com
  relatum accounts suspend minh@example.com

Links and tokens are printed once and stored nowhere. An account is named by e-mail or id."""


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "accounts",
        help="people and services that may come in",
        description="Manage the people and services that may come in.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    for name, (text, declare, _) in _ACTIONS.items():
        action = actions.add_parser(name, help=text, description=f"{text.capitalize()}.")
        for option in declare:
            option(action)
        action.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    from relatum.cli.house import in_house

    work = _ACTIONS[arguments.action][2]
    return in_house(lambda house: work(house, arguments))


def _person(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="how the person is called")
    parser.add_argument("email")
    parser.add_argument("--team", help="id of a team to put the person into")
    _placed(parser)


def _service(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", help="how the integration is called")
    _placed(parser)


def _placed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--role", action="append", required=True, dest="roles", help="may be given many times"
    )
    parser.add_argument("--language", choices=("vi", "en"), default="vi")


def _password(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--password-stdin", action="store_true", help="the first line of standard input"
    )


def _with_token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--token", action="store_true", help="make an API token, too")
    _token(parser)


def _token(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--name" if parser.prog.endswith("token") else "--token-name",
        default="command line",
        dest="token_name",
        help="of the token",
    )
    parser.add_argument(
        "--scope", action="append", default=[], dest="scopes", help="a permission to limit it to"
    )
    parser.add_argument("--days", type=int, default=90, help="until it expires (1 to 366)")


def _which(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("account", help="its e-mail or id")


def _sought(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("q", nargs="?", default="", help="part of a name or e-mail")


async def _list(house: House, arguments: argparse.Namespace) -> int:
    from relatum.access.accounts.types import AccountQuery
    from relatum.cli.printing import print_json, print_rows

    found, cursor = [], None
    while True:
        page = await house.accounts.find(AccountQuery(q=arguments.q, limit=200, cursor=cursor))
        found += page.items
        if (cursor := page.next) is None:
            break
    if arguments.json:
        print_json({"items": found})
        return 0
    rows = [[a.name, a.email or "", a.kind, a.state, a.second_factor, str(a.id)] for a in found]
    print_rows(["name", "e-mail", "kind", "state", "second factor", "id"], rows)
    return 0


async def _add(house: House, arguments: argparse.Namespace) -> int:
    password = sys.stdin.readline().rstrip("\r\n") if arguments.password_stdin else None
    account = await house.accounts.add(_draft(arguments), password=password, by=BY)
    return await _made(house, account, arguments)


async def _add_service(house: House, arguments: argparse.Namespace) -> int:
    from relatum.access.accounts.types import ServiceDraft

    draft = ServiceDraft(name=arguments.name, roles=arguments.roles, language=arguments.language)
    return await _made(house, await house.accounts.create_service(draft, by=BY), arguments)


async def _made(house: House, account: Account, arguments: argparse.Namespace) -> int:
    token = await _new_token(house, account, arguments) if arguments.token else None
    if arguments.json:
        return _json(account, token=token)
    _say(f"Added {account.name} ({account.email or 'service'}), {account.id}.")
    if token is not None:
        _say(token.secret)
    return 0


async def _make_token(house: House, arguments: argparse.Namespace) -> int:
    account = await _account(house, arguments.account)
    token = await _new_token(house, account, arguments)
    if arguments.json:
        return _json(account, token=token)
    _say(token.secret)
    return 0


async def _new_token(house: House, account: Account, arguments: argparse.Namespace) -> NewToken:
    from relatum.access.accounts.types import TokenDraft
    from relatum.values.problems import InvalidInput

    if not 1 <= arguments.days <= 366:
        raise InvalidInput(f"expected --days from 1 to 366, got {arguments.days}")
    draft = TokenDraft(name=arguments.token_name, scopes=arguments.scopes, days=arguments.days)
    return await house.tokens.create(account.id, draft, by=BY)


async def _invite(house: House, arguments: argparse.Namespace) -> int:
    return _show_link(house, await house.accounts.invite(_draft(arguments), by=BY), arguments)


async def _invite_again(house: House, arguments: argparse.Namespace) -> int:
    account = await _account(house, arguments.account)
    return _show_link(house, await house.accounts.invite_again(account.id, by=BY), arguments)


async def _first_link(house: House, arguments: argparse.Namespace) -> int:
    from relatum.values.problems import Conflict

    link = await house.accounts.first_link()
    if link is None:
        raise Conflict(
            "expected an installation without an owner, got one that has one; use "
            "`relatum accounts add … --role owner` or `relatum accounts reset`"
        )
    return _show_link(house, link, arguments)


async def _reset(house: House, arguments: argparse.Namespace) -> int:
    account = await _account(house, arguments.account)
    return _show_link(house, await house.accounts.reset_link(account.id, by=BY), arguments)


async def _suspend(house: House, arguments: argparse.Namespace) -> int:
    account = await _account(house, arguments.account)
    return _changed(await house.accounts.suspend(account.id, by=BY), arguments)


async def _reactivate(house: House, arguments: argparse.Namespace) -> int:
    account = await _account(house, arguments.account)
    return _changed(await house.accounts.reactivate(account.id, by=BY), arguments)


async def _without_factor(house: House, arguments: argparse.Namespace) -> int:
    account = await _account(house, arguments.account)
    await house.second_factor.remove(account.id, by=BY)
    return _changed(await house.accounts.get(account.id), arguments)


def _draft(arguments: argparse.Namespace) -> Any:
    from relatum.access.accounts.types import InvitationDraft
    from relatum.values.ids import parse_id

    return InvitationDraft(
        name=arguments.name,
        email=arguments.email,
        roles=arguments.roles,
        team=parse_id(arguments.team, "team") if arguments.team else None,
        language=arguments.language,
    )


async def _account(house: House, named: str) -> Account:
    from relatum.values.ids import parse_id
    from relatum.values.problems import NotFound

    if "@" not in named:
        return await house.accounts.get(parse_id(named, "account"))
    found = await house.accounts.by_email(named)
    if found is None:
        raise NotFound(
            f"expected the e-mail of an account, got {named[:254]!r}; see `relatum accounts list`"
        )
    return found


def _show_link(house: House, link: OneTimeSecret, arguments: argparse.Namespace) -> int:
    from relatum.access.accounts.addresses import url_of
    from relatum.cli.printing import print_json

    url = url_of(link, house.settings.server)
    if arguments.json:
        print_json({"account": link.account, "url": url, "expires_at": link.expires_at})
        return 0
    _say(f"Good once, until {link.expires_at:%Y-%m-%d %H:%M} UTC:")
    _say(url)
    return 0


def _changed(account: Account, arguments: argparse.Namespace) -> int:
    if arguments.json:
        return _json(account)
    factor = "with" if account.second_factor else "without"
    _say(f"{account.name} is {account.state}, {factor} a second factor.")
    return 0


def _json(account: Account, *, token: NewToken | None = None) -> int:
    from relatum.cli.printing import print_json

    made = {} if token is None else {"token": token.secret, "expires_at": token.token.expires_at}
    print_json({"account": account, **made})
    return 0


def _say(text: str) -> None:
    print(text)  # noqa: T201 - this is the command's voice


Work = Callable[["House", argparse.Namespace], Awaitable[int]]
Declares = Callable[[argparse.ArgumentParser], None]

_ACTIONS: dict[str, tuple[str, tuple[Declares, ...], Work]] = {
    "list": ("every account, or those that fit", (_sought,), _list),
    "add": ("a person who may come in at once", (_person, _password, _with_token), _add),
    "invite": ("a person, by a link to send to them", (_person,), _invite),
    "invite-again": ("a new link for somebody who was invited", (_which,), _invite_again),
    "service": ("an integration that acts through tokens", (_service, _with_token), _add_service),
    "token": ("a new API token", (_which, _token), _make_token),
    "first-link": ("the link for the first owner, while there is none", (), _first_link),
    "reset": ("a link to set a new password", (_which,), _reset),
    "suspend": ("keep somebody out", (_which,), _suspend),
    "reactivate": ("let somebody in again", (_which,), _reactivate),
    "remove-second-factor": ("for somebody who lost it", (_which,), _without_factor),
}
