"""What a new installation begins with. All of it is data: it can be changed and switched off."""

import json
from uuid import UUID

from piccolo.apps.migrations.auto.migration_manager import MigrationManager

from relatum.api import add_statements

ID = "2026-11-22T05:00:00:000002"
VERSION = "1.38.0"
DESCRIPTION = "The first pipeline, lost reasons and qualification questions"

# UUIDv7 of one moment, numbered, so that every installation has the same.
FIRST = 0x019AA94E_0000_7000_8000_000000000000

PIPELINE = FIRST
STAGES = [
    # key, title, Vietnamese title, outcome, probability
    ("prospecting", "Prospecting", "Tìm hiểu", "open", 1000),
    ("engaging", "Engaging", "Đang trao đổi", "open", 4000),
    ("won", "Won", "Thắng", "won", 10000),
    ("lost", "Lost", "Thua", "lost", 0),
]
LOST_REASONS = [
    ("price", "Price", "Giá"),
    ("competitor", "Chose a competitor", "Chọn đối thủ"),
    ("no_budget", "No budget", "Không có ngân sách"),
    ("no_need", "No need any more", "Không còn nhu cầu"),
    ("product_fit", "The product does not fit", "Sản phẩm không phù hợp"),
    ("timing", "Not now", "Chưa đúng lúc"),
    ("no_answer", "No answer any more", "Không phản hồi"),
    ("other", "Another reason", "Lý do khác"),
]
YES_PARTLY_NO = [
    ("yes", "Yes", "Có", 10000),
    ("partly", "Partly", "Một phần", 5000),
    ("no", "No", "Không", 0),
]
YES_NO = [("yes", "Yes", "Có", 10000), ("no", "No", "Không", 0)]
WHEN = [
    ("three_months", "Within three months", "Trong ba tháng", 10000),
    ("twelve_months", "Within twelve months", "Trong mười hai tháng", 5000),
    ("unknown", "Did not say", "Chưa nói", 0),
]
QUESTIONS = [
    # key, test, kind of customer, title, Vietnamese title, weight, choices
    (
        "org_industry",
        "fit",
        "organisation",
        "Is the organisation in one of our target industries?",
        "Tổ chức có thuộc ngành mục tiêu không?",
        3000,
        YES_PARTLY_NO,
    ),
    (
        "org_size",
        "fit",
        "organisation",
        "Is it of the size we serve well?",
        "Quy mô có phù hợp với chúng ta không?",
        2500,
        YES_PARTLY_NO,
    ),
    (
        "org_area",
        "fit",
        "organisation",
        "Is it where we sell and serve?",
        "Có ở khu vực chúng ta phục vụ không?",
        2500,
        YES_NO,
    ),
    (
        "org_decider",
        "fit",
        "organisation",
        "Do we know who decides?",
        "Đã biết ai là người quyết định chưa?",
        2000,
        YES_PARTLY_NO,
    ),
    (
        "person_need",
        "fit",
        "person",
        "Does the person have a need that we meet?",
        "Khách có nhu cầu mà chúng ta đáp ứng không?",
        4000,
        YES_PARTLY_NO,
    ),
    (
        "person_means",
        "fit",
        "person",
        "Can the person afford it?",
        "Khách có khả năng chi trả không?",
        3000,
        YES_PARTLY_NO,
    ),
    (
        "person_area",
        "fit",
        "person",
        "Is the person where we sell and serve?",
        "Khách có ở khu vực chúng ta phục vụ không?",
        3000,
        YES_NO,
    ),
    (
        "asked_price",
        "behaviour",
        "both",
        "Did they ask for a price or a demonstration?",
        "Khách đã hỏi giá hoặc xin xem thử chưa?",
        3000,
        YES_NO,
    ),
    (
        "answers_soon",
        "behaviour",
        "both",
        "Do they answer within two working days?",
        "Khách có phản hồi trong hai ngày làm việc không?",
        2500,
        YES_PARTLY_NO,
    ),
    (
        "when_to_buy",
        "behaviour",
        "both",
        "When do they want to buy?",
        "Khi nào khách muốn mua?",
        2500,
        WHEN,
    ),
    (
        "money_ready",
        "behaviour",
        "both",
        "Is the money set aside?",
        "Đã có sẵn ngân sách chưa?",
        2000,
        YES_PARTLY_NO,
    ),
]


def quoted(value: object) -> str:
    if isinstance(value, bool | int):
        return str(value).lower()
    return "'" + str(value).replace("'", "''") + "'"


def insert(table: str, columns: str, *values: object) -> str:
    row = ", ".join(map(quoted, values))
    return f"INSERT INTO sales_pipeline_{table} ({columns}) VALUES ({row})"  # noqa: S608 - all of it is written here


def statements() -> list[str]:
    rows = [
        insert(
            "pipeline",
            "id, key, title, title_vi, position, active",
            UUID(int=PIPELINE),
            "sales",
            "Sales",
            "Bán hàng",
            1,
            True,
        )
    ]
    for n, (key, title, title_vi, outcome, probability) in enumerate(STAGES, start=1):
        rows.append(
            insert(
                "stage",
                "id, pipeline_id, key, title, title_vi, position, outcome, probability, active",
                UUID(int=FIRST + 0x100 + n),
                UUID(int=PIPELINE),
                key,
                title,
                title_vi,
                n,
                outcome,
                probability,
                True,
            )
        )
    for n, (key, title, title_vi) in enumerate(LOST_REASONS, start=1):
        rows.append(
            insert(
                "lost_reason",
                "id, key, title, title_vi, position, active",
                UUID(int=FIRST + 0x200 + n),
                key,
                title,
                title_vi,
                n,
                True,
            )
        )
    for n, (key, test, kind, title, title_vi, weight, choices) in enumerate(QUESTIONS, start=1):
        encoded = json.dumps(
            [{"key": k, "title": t, "title_vi": v, "match": m} for k, t, v, m in choices],
            ensure_ascii=False,
        )
        rows.append(
            insert(
                "question",
                "id, key, test, customer_kind, title, title_vi, weight, position, choices, active",
                UUID(int=FIRST + 0x300 + n),
                key,
                test,
                kind,
                title,
                title_vi,
                weight,
                n,
                encoded,
                True,
            )
        )
    return rows


async def forwards() -> MigrationManager:
    manager = MigrationManager(migration_id=ID, app_name="sales_pipeline", description=DESCRIPTION)
    add_statements(manager, *statements())
    return manager
