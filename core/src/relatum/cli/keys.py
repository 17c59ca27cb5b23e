"""``relatum keys``: the keys of this installation, and changing them."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relatum.access.audit.rotation import Renewed
    from relatum.app.house import House


def add(subparsers: Any) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "keys",
        help="list and rotate the keys of this installation",
        description="Secret fields and the audit trail are protected by keys in a file beside the "
        "database (keys.toml in the data folder, or RELATUM_KEYS_FILE). It must be in no backup of "
        "the database, and in a safe place of its own.",
        epilog="examples:\n  relatum keys list\n  relatum keys rotate\n"
        "  relatum keys renew      # take up a rotation that was interrupted",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="every key, without its secret")
    listing.add_argument("--json", action="store_true", help="print JSON")
    actions.add_parser("rotate", help="make a new key and encrypt every secret again under it")
    actions.add_parser("renew", help="encrypt again what is not under the current key yet")
    actions.add_parser(
        "start-over",
        help="go on with a new key after the file of keys is gone for good: earlier secrets and "
        "seals cannot be read any more",
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Do one of the actions."""
    if arguments.action == "list":
        return _list(as_json=arguments.json)
    from relatum.cli.house import in_house

    return in_house(lambda house: _change(house, arguments.action))


def _list(*, as_json: bool) -> int:
    from relatum.cli.printing import print_json, print_rows
    from relatum.config.keyring import Keyring
    from relatum.config.load import load_settings

    keys = Keyring(load_settings().keys_path).every()
    if as_json:
        print_json(keys)
    else:
        rows = [[key.id, f"{key.made_at:%Y-%m-%d %H:%M} UTC", key.current] for key in keys]
        print_rows(["key", "made", "current"], rows)
    return 0


async def _change(house: House, action: str) -> int:
    lost = action == "start-over"
    if not lost:
        await house.seals.expect_keys()
    rotation = house.rotation
    done = await (
        rotation.renew(by="system") if action == "renew" else rotation.rotate(by="system")
    )
    if lost:
        await house.seals.seal(keys_lost=True)
    print(_told(done, house))  # noqa: T201
    return 1 if done.unreadable and not lost else 0


def _told(done: Renewed, house: House) -> str:
    lines = [
        f"The current key is {done.key}; {done.renewed:,} secret values were encrypted again.",
        f"Keep a copy of {house.keys.path} in a safe place: older keys are still needed.",
    ]
    lines += [f"error: {place} cannot be read and stays as it is" for place in done.unreadable]
    return "\n".join(lines)
