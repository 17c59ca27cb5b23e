"""A small country of our own in the shape of the public tables: two provinces that became one."""

from __future__ import annotations

import json
from pathlib import Path

FORMER = """\
Tỉnh Thành Phố,Mã TP,Quận Huyện,Mã QH,Phường Xã,Mã PX,Cấp,Tên Tiếng Anh
Thành phố Sông Lớn,01,Quận Đông Đô,001,Phường Liễu Thượng,00001,Phường,
Thành phố Sông Lớn,01,Quận Đông Đô,001,Phường Liễu Hạ,00002,Phường,
Thành phố Sông Lớn,01,Quận 1,002,Phường 3,00003,Phường,
Thành phố Sông Lớn,01,Quận 1,002,Phường Bến Cũ,00004,Phường,
Thành phố Sông Lớn,01,Huyện Gò Xa,003,Thị trấn Gò Xa,00005,Thị trấn,
Thành phố Sông Lớn,01,Huyện Gò Xa,003,Xã Tân Lập,00006,Xã,
Tỉnh Núi Đá,02,Huyện Tân Lập,011,Xã Tân Lập,00011,Xã,
Tỉnh Núi Đá,02,Huyện Tân Lập,011,Xã Mây Trắng,00012,Xã,
Tỉnh Núi Đá,02,Huyện Đảo Yến,012,,,Huyện,
"""
_HEAD = """\
Đơn vị hành chính từ ngày 01/7/2025,,,Đơn vị hành chính trước ngày 01/7/2025,,,,,
"Tỉnh, thành phố",Tên Xã mới,Mã Xã mới,Tên Xã cũ,Mã Xã cũ,Ghi chú,Quận/huyện,Tỉnh cũ,
THÀNH PHỐ SÔNG LỚN,,,,,,,,
"""
_ROWS = """\
Phường Liễu,00001,Phường Liễu Thượng,00001,Nhập toàn bộ,Quận Đông Đô (001)
Phường Liễu,00001,Phường Liễu Hạ,00002,Nhập một phần,Quận Đông Đô (001)
Phường Bến Cũ,00004,Phường Liễu Hạ,00002,"Nhập một phần diện tích, toàn bộ dân số",Đông Đô (001)
Phường Bến Cũ,00004,Phường 3,00003,Nhập toàn bộ,Quận 1 (002)
Phường Bến Cũ,00004,Phường Bến Cũ,00004,Nhập toàn bộ,Quận 1 (002)
Xã Gò Xa,00005,Thị trấn Gò Xa,00005,Giữ nguyên,Huyện Gò Xa (003)
Xã Tân Lập,00011,Xã Tân Lập,00011,Nhập toàn bộ,Huyện Tân Lập (011)
Xã Tân Lập,00011,Xã Mây Trắng,00012,Nhập toàn bộ,Huyện Tân Lập (011)
Đặc khu Đảo Yến,00099,,,Sắp xếp toàn bộ huyện Đảo Yến,Huyện Đảo Yến (012)
Xã Không Đâu,00098,Xã Không Có,00097,Nhập toàn bộ,Huyện Nào (099)
"""
CHANGES = _HEAD + "".join(f"Thành phố Sông Lớn (01),{row},,\n" for row in _ROWS.splitlines())
PRESENT = {
    "01": ("Thành phố Sông Lớn", ["00001 Phường Liễu", "00004 Phường Bến Cũ", "00005 Xã Gò Xa"]),
}
OTHERS = ["00011 Xã Tân Lập", "00099 Đặc khu Đảo Yến"]


def write_tables(place: Path) -> Path:
    """The tables as files, beside files that are none."""
    place.mkdir()
    (place / "former.csv").write_text("\ufeff" + FORMER, encoding="utf-8")
    (place / "changes.csv").write_text(CHANGES, encoding="utf-8")
    (place / "other.csv").write_text("TT,Mã vùng\n1,024\n", encoding="utf-8")
    (place / "LICENSE").write_text("as you like", encoding="utf-8")
    [(code, (name, wards))] = PRESENT.items()
    province = {
        "Code": code,
        "FullName": name,
        "Wards": [
            {"Code": ward[:5], "FullName": ward[6:], "ProvinceCode": code}
            for ward in [*wards, *OTHERS]
        ],
    }
    (place / "present.json").write_text(json.dumps([province]), encoding="utf-8")
    return place
