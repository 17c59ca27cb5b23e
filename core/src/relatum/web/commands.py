"""What core offers to do in the command palette."""

from __future__ import annotations

from relatum.access.viewer import SIGNED_IN
from relatum.hooks.screens import Command
from relatum.values.text import Text


def _command(name: str, title: Text, path: str, icon: str, permission: str, words: str) -> Command:
    id = f"core.{name}"
    return Command(id=id, title=title, path=path, icon=icon, permission=permission, words=words)


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
    Command(
        id="core.customer_data",
        title=Text(en="Everything held about them", vi="Toàn bộ dữ liệu đang lưu"),
        path="/customers/{id}/data",
        icon="download",
        permission="core.customers.subject_export",
        slot="customer.actions",
        order=800,
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
