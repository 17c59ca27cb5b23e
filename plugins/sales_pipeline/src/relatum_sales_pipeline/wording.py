"""What the plugin finds wrong, as sentences in the languages of the pages, by code.

Problems are written in English, for logs and programs. On pages these stand in their place:
``%(got)s`` is what came, ``%(expected)s`` what was expected.
"""

from __future__ import annotations

from relatum.api import Text

_CHOOSE = Text(en="Choose one that is there.", vi="Hãy chọn một mục có sẵn.")

SENTENCES: dict[str, Text] = {
    # names
    "unknown-pipeline": Text(en="There is no pipeline %(got)s.", vi="Không có quy trình %(got)s."),
    "unknown-stage": Text(
        en="The pipeline has no stage %(got)s.", vi="Quy trình không có giai đoạn %(got)s."
    ),
    "no-such-stage": Text(
        en="The pipeline has no such stage.", vi="Quy trình không có giai đoạn này."
    ),
    "unknown-member": Text(
        en="There is no such seller. Choose one of the list.",
        vi="Không có người bán này. Hãy chọn trong danh sách.",
    ),
    "unknown-team": Text(
        en="There is no such team. Choose one of the list.",
        vi="Không có đội này. Hãy chọn trong danh sách.",
    ),
    "unknown-product": Text(
        en="There is no such product. Choose one of the list.",
        vi="Không có sản phẩm này. Hãy chọn trong danh sách.",
    ),
    "unknown-customer": Text(
        en="There is no customer with this name. Add the customer first.",
        vi="Không có khách hàng tên này. Hãy thêm khách hàng trước.",
    ),
    "unknown-currency": Text(
        en="There is no such currency: %(got)s.", vi="Không có loại tiền %(got)s."
    ),
    "unknown-lost-reason": Text(
        en="There is no such reason: %(got)s.", vi="Không có lý do thua %(got)s."
    ),
    "unknown-question": Text(en="There is no such question.", vi="Không có câu hỏi này."),
    "unknown-choice": _CHOOSE,
    "bad-choice": Text(
        en="Each answer once, with a match from 0 to 100 percent.",
        vi="Mỗi câu trả lời một lần, mức phù hợp từ 0 đến 100 %.",
    ),
    "whose-lead": Text(
        en="Say whose lead it is: one customer of the list, or a new one.",
        vi="Hãy cho biết là của ai: một khách hàng có sẵn hoặc khách hàng mới.",
    ),
    "several-customers": Text(
        en="Several customers have this name. Write the customer's number instead.",
        vi="Có nhiều khách hàng trùng tên này. Hãy ghi mã số của khách hàng.",
    ),
    "no-account": Text(
        en="The deal has no customer; it goes in without one.",
        vi="Cơ hội không có khách hàng; vẫn được nhập, không gắn khách hàng.",
    ),
    "replaced": Text(
        en="%(got)s is taken as %(expected)s, as was said.",
        vi="%(got)s được hiểu là %(expected)s như đã chọn.",
    ),
    "confirmed-unknown": Text(
        en="What was to stand in its place is not known either: %(got)s.",
        vi="Giá trị được chọn để thay thế cũng không có: %(got)s.",
    ),
    "agent-without-deals": Text(
        en="No deal mentions this seller.", vi="Không có cơ hội nào nhắc đến người bán này."
    ),
    "name-taken": Text(
        en="This name is taken. Add something that tells them apart.",
        vi="Tên này đã có. Hãy thêm chi tiết để phân biệt.",
    ),
    "code-taken": Text(
        en="Another product has the code %(got)s.", vi="Sản phẩm khác đã dùng mã %(got)s."
    ),
    "reference-taken": Text(
        en="Another deal has the number %(got)s already.", vi="Cơ hội khác đã có mã %(got)s."
    ),
    "duplicate-key": Text(en="This is there twice.", vi="Mục này bị lặp."),
    "half-a-reference": Text(
        en="A number of another system needs the name of that system.",
        vi="Mã của hệ thống khác cần có tên của hệ thống đó.",
    ),
    "empty": Text(en="Fill this in.", vi="Hãy điền mục này."),
    # stages and days
    "closed-without-day": Text(
        en="A deal that is won or lost needs the day on which it was closed.",
        vi="Cơ hội thắng hoặc thua cần có ngày kết thúc.",
    ),
    "closed-but-open": Text(
        en="A deal in an open stage has no day of closing. Leave it out, or choose another stage.",
        vi="Cơ hội đang mở không có ngày kết thúc. Hãy bỏ ngày hoặc chọn giai đoạn khác.",
    ),
    "closed-before-engaged": Text(
        en="The deal was closed before work on it began: %(expected)s is expected.",
        vi="Ngày kết thúc trước ngày bắt đầu: cần %(expected)s.",
    ),
    "bad-day": Text(
        en="This day cannot be right: %(expected)s is expected.",
        vi="Ngày này không đúng: cần %(expected)s.",
    ),
    "bad-moment": Text(en="This moment cannot be right.", vi="Thời điểm này không đúng."),
    "days-turned-round": Text(
        en="The last day is before the first. Correct one of them.",
        vi="Ngày cuối trước ngày đầu. Hãy sửa một trong hai.",
    ),
    "history-ends-elsewhere": Text(
        en="The history does not end in the stage of the deal.",
        vi="Lịch sử không kết thúc ở giai đoạn của cơ hội.",
    ),
    "reason-without-loss": Text(
        en="Only a lost deal has a reason for losing.", vi="Chỉ cơ hội thua mới có lý do thua."
    ),
    # money and numbers
    "negative-value": Text(en="Write zero or more.", vi="Hãy nhập số từ 0 trở lên."),
    "absurd-value": Text(
        en="This value is too large: %(expected)s is expected.",
        vi="Giá trị này quá lớn: cần %(expected)s.",
    ),
    "negative-price": Text(en="A price is zero or more.", vi="Giá phải từ 0 trở lên."),
    "bad-price": Text(en="This is no price: %(got)s.", vi="Đây không phải là giá: %(got)s."),
    "overlapping-price": Text(
        en="Another price of this product holds on some of these days. End it first.",
        vi="Giá khác của sản phẩm này còn hiệu lực trong những ngày đó. Hãy kết thúc nó trước.",
    ),
    "bad-quantity": Text(
        en="Write a quantity above 0, with up to three decimals.",
        vi="Hãy nhập số lượng lớn hơn 0, tối đa ba chữ số thập phân.",
    ),
    "two-currencies": Text(
        en="Everything in a deal is in one currency.", vi="Một cơ hội chỉ dùng một loại tiền."
    ),
    "bad-probability": Text(
        en="Write a probability from 0 to 100 percent.", vi="Hãy nhập xác suất từ 0 đến 100 %."
    ),
    "bad-target": Text(en="This cannot be a target.", vi="Giá trị này không thể là chỉ tiêu."),
    "not-an-amount": Text(en="This is no amount of money.", vi="Đây không phải là số tiền."),
    "too-many-decimals": Text(
        en="This currency has not so many decimals.",
        vi="Loại tiền này không có nhiều chữ số thập phân như vậy.",
    ),
    "ambiguous-amount": Text(
        en="This amount can be read in two ways. Write all its digits.",
        vi="Số tiền này có thể hiểu theo hai cách. Hãy ghi đầy đủ các chữ số.",
    ),
    "amount-too-large": Text(en="This amount is too large.", vi="Số tiền này quá lớn."),
    # taking back
    "kept": Text(
        en="It stays as it is: somebody changed it since, or something points at it.",
        vi="Được giữ nguyên: đã có người sửa hoặc có dữ liệu khác dùng đến.",
    ),
    "conflict": Text(
        en="Somebody changed this meanwhile. Look at both versions.",
        vi="Trong lúc đó đã có người sửa. Hãy xem cả hai phiên bản.",
    ),
}

#: A person who sells comes once in a list of people.
AGENT_GIVEN_TWICE = Text(
    en="This person came before in this file. Remove one of the lines.",
    vi="Người này đã có ở dòng trước trong tệp. Hãy bỏ một dòng.",
)
