"""The demo company: people, organisations and what happened with them in the last year and a half.

Everything is made from the seed and our own lists of names; only the days count back from today.
"""

from __future__ import annotations

import datetime as dt
from random import Random
from typing import TYPE_CHECKING

from relatum.app.demo_people import Staff, distributed, hire
from relatum.customers.types import (
    ContactPointDraft,
    Customer,
    CustomerDraft,
    FieldDraft,
    LinkDraft,
)
from relatum.interactions.types import Amount, InteractionDraft
from relatum.values.text import fold
from relatum.values.time import now

if TYPE_CHECKING:
    from uuid import UUID

    from relatum.app.house import House

SEED = 20_261_122
PEOPLE = 160
ORGANISATIONS = 40
INTERACTIONS = 1_500
BY = "system"

FAMILIES = (
    ("Nguyễn", 30),
    ("Trần", 12),
    ("Lê", 10),
    ("Phạm", 7),
    ("Hoàng", 5),
    ("Huỳnh", 5),
    ("Phan", 4),
    ("Vũ", 4),
    ("Võ", 4),
    ("Đặng", 3),
    ("Bùi", 3),
    ("Đỗ", 3),
    ("Hồ", 2),
    ("Ngô", 2),
    ("Dương", 2),
    ("Lý", 1),
)
WOMEN = [
    "Anh",
    "Bích",
    "Chi",
    "Dung",
    "Hà",
    "Hạnh",
    "Hoa",
    "Hương",
    "Lan",
    "Linh",
    "Mai",
    "Ngọc",
    "Nhung",
    "Oanh",
    "Phương",
    "Quyên",
    "Thảo",
    "Thuỷ",
    "Trang",
    "Tuyết",
    "Vân",
    "Yến",
]
MEN = [
    "An",
    "Bình",
    "Công",
    "Dũng",
    "Đạt",
    "Đức",
    "Giang",
    "Hải",
    "Hiếu",
    "Hùng",
    "Khánh",
    "Long",
    "Minh",
    "Nam",
    "Phúc",
    "Quân",
    "Quang",
    "Sơn",
    "Tài",
    "Thắng",
    "Tuấn",
    "Việt",
]
MIDDLE_WOMEN = ("Thị", "Thị Kim", "Thị Ngọc", "Thanh", "Minh", "Bảo")
MIDDLE_MEN = ("Văn", "Đức", "Minh", "Quốc", "Hữu", "Thanh")
CITIES = ("Hà Nội", "TP. Hồ Chí Minh", "Đà Nẵng", "Cần Thơ", "Hải Phòng", "Huế", "Nha Trang")
FORMS = ("Công ty TNHH", "Công ty Cổ phần", "Doanh nghiệp tư nhân", "Hợp tác xã")
TRADES = (
    "Thương mại",
    "Nội thất",
    "Dược phẩm",
    "Vận tải",
    "Thực phẩm",
    "Du lịch",
    "Cơ khí",
    "May mặc",
)
BRANDS = (
    "Ánh Dương",
    "Bình Minh",
    "Cửu Long",
    "Đại Phát",
    "Hoà Bình",
    "Hương Sen",
    "Lam Sơn",
    "Mặt Trời",
    "Phú Quý",
    "Sao Mai",
    "Tân Tiến",
    "Thành Đạt",
    "Trường Sa",
    "Vạn Xuân",
)
TAGS = ("vip", "mua lại", "cần gọi", "bán buôn", "giới thiệu", "đã tham quan")
MOBILE_PREFIXES = [
    "090",
    "091",
    "096",
    "097",
    "098",
    "032",
    "035",
    "038",
    "070",
    "077",
    "081",
    "083",
]
GOODS = (
    ("Trà ô long 200 g", 185_000),
    ("Cà phê rang xay 500 g", 220_000),
    ("Bộ ấm chén Bát Tràng", 640_000),
    ("Hộp quà Tết lớn", 1_250_000),
    ("Mật ong rừng 1 l", 390_000),
    ("Tinh dầu sả 50 ml", 145_000),
)
NOTES = (
    "Khách thích gọi vào buổi sáng.",
    "Hỏi giá cho đơn trên 50 hộp.",
    "Đã gửi báo giá qua Zalo.",
    "Muốn xem mẫu mới vào tháng sau.",
    "Khen nhân viên giao hàng.",
)


async def is_empty(house: House) -> bool:
    """Whether there is no customer and no interaction at all."""
    row = await house.db.fetch_one(
        "SELECT (SELECT count(*) FROM (SELECT 1 FROM core_customer LIMIT 1) a) + "
        "(SELECT count(*) FROM (SELECT 1 FROM core_interaction LIMIT 1) b)"
    )
    return row is not None and int(row[0]) == 0


async def seed_demo(house: House, seed: int = SEED) -> tuple[int, int]:
    """Fill the house; returns how many customers and interactions core made.

    Plugins add their part by ``relatum_seed_demo``, each in a transaction of its own.
    """
    random = Random(seed)
    async with house.db.transaction():
        customers = await _customers(house, random, await hire(house))
        count = await _interactions(house, random, customers)
    for plugin_id in house.dispatcher.participants("relatum_seed_demo"):
        async with house.db.transaction():
            await house.dispatcher.ask(
                plugin_id, "relatum_seed_demo", customers=customers, seed=seed
            )
    await house.handlers.run_once()
    return len(customers), count


async def _customers(house: House, random: Random, staff: Staff) -> list[Customer]:
    await house.customers.declare_fields(
        [
            FieldDraft(key="city", title_en="City", title_vi="Thành phố"),
            FieldDraft(key="trade", title_en="Trade", title_vi="Ngành", applies_to="organisation"),
        ]
    )
    people = [_person(random, n) for n in range(PEOPLE)]
    organisations = [_organisation(random, n) for n in range(ORGANISATIONS)]
    # chance of its own, so that the rest of the company stays as it was
    drafts = distributed(Random(len(people)), [*people, *organisations], staff)
    ids = await house.customers.create(drafts, by=BY)
    await house.customers.links.create(_links(random, ids), by=BY)
    return await house.customers.get_many(ids)


def _person(random: Random, n: int) -> CustomerDraft:
    woman = random.random() < 0.5
    family = random.choices([f for f, _ in FAMILIES], [w for _, w in FAMILIES])[0]
    middle = random.choice(MIDDLE_WOMEN if woman else MIDDLE_MEN)
    given = random.choice(WOMEN if woman else MEN)
    points = [ContactPointDraft(kind="phone", raw=_mobile(random))]
    if random.random() < 0.6:
        address = f"{fold(given)}.{fold(family)}{n}@example.com"
        points.append(ContactPointDraft(kind="email", raw=address))
    return CustomerDraft(
        display_name=f"{family} {middle} {given}",
        contact_points=points,
        roles=["customer" if random.random() < 0.7 else "prospect"],
        tags=random.sample(TAGS, k=random.choice((0, 0, 1, 1, 2))),
        fields={"city": random.choice(CITIES)},
        external_ids={"demo": f"P{n:03}"},
    )


def _organisation(random: Random, n: int) -> CustomerDraft:
    trade = random.choice(TRADES)
    brand = f"{random.choice(BRANDS)} {random.choice(CITIES)}"
    domain = "".join(letter for letter in fold(brand) if letter.isalnum())
    return CustomerDraft(
        display_name=f"{random.choice(FORMS)} {trade} {brand}",
        kind="organisation",
        contact_points=[
            ContactPointDraft(kind="phone", raw=f"024 3{random.randrange(10**6, 10**7)}"),
            ContactPointDraft(kind="email", raw=f"lienhe@{domain}{n}.example.com"),
        ],
        roles=["customer" if random.random() < 0.5 else "prospect"],
        tags=random.sample(TAGS, k=random.choice((0, 1))),
        fields={"city": random.choice(CITIES), "trade": trade},
        external_ids={"demo": f"O{n:03}"},
    )


def _mobile(random: Random) -> str:
    number = random.randrange(10_000_000)
    return f"{random.choice(MOBILE_PREFIXES)} {number // 10_000:03} {number % 10_000:04}"


def _links(random: Random, ids: list[UUID]) -> list[LinkDraft]:
    people, organisations = ids[:PEOPLE], ids[PEOPLE:]
    contacts = random.sample(people, k=ORGANISATIONS)
    roles = ("Giám đốc", "Kế toán", "Mua hàng")
    return [
        LinkDraft(source=person, target=organisation, kind="contact_of", role=random.choice(roles))
        for person, organisation in zip(contacts, organisations, strict=True)
    ]


async def _interactions(house: House, random: Random, customers: list[Customer]) -> int:
    today = now()
    drafts = [_interaction(random, random.choice(customers), today) for _ in range(INTERACTIONS)]
    drafts.sort(key=lambda draft: draft.occurred_at or today)
    return len(await house.interactions.record(drafts, by=BY))


def _interaction(random: Random, customer: Customer, today: dt.datetime) -> InteractionDraft:
    # More happens lately than long ago, as in any business that grows.
    days = int(540 * random.random() ** 1.6) + 1
    moment = (today - dt.timedelta(days=days)).replace(
        hour=random.randrange(1, 11), minute=random.randrange(60), second=0, microsecond=0
    )
    return random.choices((_purchase, _note, _call, _message, _visit), (40, 15, 20, 15, 10))[0](
        random, customer.id, moment
    )


def _purchase(random: Random, customer: UUID, moment: dt.datetime) -> InteractionDraft:
    item, price = random.choice(GOODS)
    quantity = random.choice((1, 1, 1, 2, 2, 3, 5, 10))
    return InteractionDraft(
        kind="core.purchase",
        customer_id=customer,
        channel=random.choice(("store", "web", "zalo")),
        direction="in",
        occurred_at=moment,
        payload={"item": item, "quantity": str(quantity), "unit_price": str(price)},
        money=Amount(price * quantity, "VND"),
    )


def _note(random: Random, customer: UUID, moment: dt.datetime) -> InteractionDraft:
    return InteractionDraft(
        kind="core.note",
        customer_id=customer,
        occurred_at=moment,
        payload={"text": random.choice(NOTES)},
    )


def _call(random: Random, customer: UUID, moment: dt.datetime) -> InteractionDraft:
    answered = random.random() < 0.8
    return InteractionDraft(
        kind="core.call",
        customer_id=customer,
        channel="phone",
        direction=random.choice(("in", "out")),
        occurred_at=moment,
        payload={"seconds": random.randrange(20, 900) if answered else 0, "answered": answered},
    )


def _message(random: Random, customer: UUID, moment: dt.datetime) -> InteractionDraft:
    return InteractionDraft(
        kind="core.message",
        customer_id=customer,
        channel=random.choice(("zalo", "email", "facebook")),
        direction=random.choice(("in", "in", "out")),
        occurred_at=moment,
        payload={"text": random.choice(NOTES)},
    )


def _visit(random: Random, customer: UUID, moment: dt.datetime) -> InteractionDraft:
    return InteractionDraft(
        kind="core.visit",
        customer_id=customer,
        channel="store",
        direction="in",
        occurred_at=moment,
        payload={"place": random.choice(CITIES)},
    )
