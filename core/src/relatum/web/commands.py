"""What core offers to do in the command palette."""

from __future__ import annotations

from relatum.access.viewer import SIGNED_IN
from relatum.hooks.screens import Command
from relatum.values.text import Text


def _command(name: str, title: Text, path: str, icon: str, permission: str, words: str) -> Command:
    id = f"core.{name}"
    return Command(id=id, title=title, path=path, icon=icon, permission=permission, words=words)


def _about(
    name: str,
    title: Text,
    path: str,
    icon: str,
    permission: str,
    order: int,
    *,
    danger: bool = False,
) -> Command:
    """Something to do with one customer; after what plugins offer."""
    return Command(
        id=f"core.{name}",
        title=title,
        path=path,
        icon=icon,
        permission=permission,
        slot="customer.actions",
        order=order,
        danger=danger,
    )


COMMANDS = [
    _command(
        "new_customer",
        Text(en="New customer", vi="Thêm khách hàng"),
        "/customers/new",
        "user-plus",
        "core.customers.write",
        "add create tạo mới",
    ),
    _command(
        "import_data",
        Text(en="Import data", vi="Nhập dữ liệu từ tệp"),
        "/imports/new",
        "file-import",
        "core.imports.write",
        "csv excel xlsx upload tải lên",
    ),
    _command(
        "export_data",
        Text(en="Export data", vi="Xuất dữ liệu ra tệp"),
        "/exports",
        "download",
        "core.exports.write",
        "csv excel xlsx tải xuống",
    ),
    _command(
        "build_chart",
        Text(en="Build a chart", vi="Tạo biểu đồ mới"),
        "/charts/new",
        "chart-dots",
        "core.reports.write",
        "report figure báo cáo số liệu",
    ),
    _command(
        "invite",
        Text(en="Invite somebody", vi="Mời người dùng"),
        "/people/invite",
        "send",
        "core.accounts.write",
        "account user tài khoản nhân viên",
    ),
    _command(
        "keys",
        Text(en="Show the keys", vi="Xem phím tắt"),
        "/palette/keys",
        "keyboard",
        SIGNED_IN,
        "shortcuts keyboard bàn phím",
    ),
    _command(
        "own_account",
        Text(en="My account and language", vi="Tài khoản và ngôn ngữ của tôi"),
        "/account",
        "user-circle",
        SIGNED_IN,
        "password theme mật khẩu giao diện",
    ),
    _about(
        "write_to",
        Text(en="Write an e-mail", vi="Viết thư điện tử"),
        "/customers/{id}/write",
        "mail",
        "core.messages.write",
        700,
    ),
    _about(
        "messages_to",
        Text(en="Messages to this customer", vi="Tin đã gửi khách này"),
        "/messages?customer={id}",
        "message",
        "core.messages.read",
        710,
    ),
    _about(
        "contact_with",
        Text(en="May we contact them?", vi="Có được liên hệ không?"),
        "/customers/{id}/contact",
        "shield",
        "core.contact.read",
        720,
    ),
    _about(
        "merge_with",
        Text(en="Merge with another", vi="Gộp với khách hàng khác"),
        "/customers/{id}/merge",
        "users",
        "core.customers.merge",
        730,
    ),
    _about(
        "customer_data",
        Text(en="Everything held about them", vi="Toàn bộ dữ liệu đang lưu"),
        "/customers/{id}/data",
        "download",
        "core.customers.subject_export",
        800,
    ),
    _about(
        "erase_customer",
        Text(en="Erase this customer", vi="Xoá hẳn khách hàng này"),
        "/customers/{id}/erase",
        "trash",
        "core.customers.erase",
        890,
        danger=True,
    ),
    Command(
        id="core.sign_out",
        title=Text(en="Sign out", vi="Đăng xuất"),
        path="/sign-out",
        icon="logout",
        permission=SIGNED_IN,
        words="leave thoát",
        order=900,
        post=True,
    ),
]
