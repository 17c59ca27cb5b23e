"""What identity says when core asks who is there already (``relatum_find_duplicates``)."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from relatum.api import CustomerDraft, LikelyDuplicate, Plugin, Text
from relatum_identity.services.checking import Checking
from relatum_identity.services.records import text_of
from relatum_identity.settings import Settings
from relatum_identity.types import Evidence, Sought

_FIELDS = {
    "name": Text(en="name", vi="tên"),
    "phone": Text(en="phone", vi="số điện thoại"),
    "email": Text(en="e-mail", vi="e-mail"),
    "birth": Text(en="date of birth", vi="ngày sinh"),
    "address": Text(en="address", vi="địa chỉ"),
    "tax": Text(en="tax code", vi="mã số thuế"),
    "domain": Text(en="mail or web domain", vi="tên miền e-mail hoặc web"),
}
_LEVELS = {
    "same": Text(en="the same", vi="trùng"),
    "same_without_marks": Text(en="the same but for marks", vi="trùng, khác dấu"),
    "middle_lost": Text(en="without the middle name", vi="thiếu tên đệm"),
    "typo": Text(en="a slip of writing", vi="lệch một lỗi gõ"),
    "part_differs": Text(en="a part differs", vi="khác một phần"),
    "same_given": Text(en="only the given name", vi="chỉ trùng tên gọi"),
    "same_family": Text(en="only the family name", vi="chỉ trùng họ"),
    "one_digit": Text(en="one digit differs", vi="khác một chữ số"),
    "day_month_swapped": Text(en="day and month swapped", vi="đảo ngày và tháng"),
    "partly": Text(en="partly", vi="trùng một phần"),
    "similar": Text(en="similar", vi="gần giống"),
    "same_area": Text(en="the same area", vi="cùng khu vực"),
    "same_number_and_street": Text(en="the same house", vi="cùng số nhà"),
    "little_alike": Text(en="a little alike", vi="hơi giống"),
    "nearly_same": Text(en="nearly the same", vi="gần như trùng"),
    "other_form": Text(en="another legal form or branch", vi="khác loại hình hoặc chi nhánh"),
    "other_trade": Text(en="the same but for the trade", vi="trùng, khác ngành nghề"),
    "other_branch": Text(en="another branch", vi="chi nhánh khác"),
    "differs": Text(en="differs", vi="khác"),
}
#: Bits on either side of zero that say nothing worth reading.
_LITTLE = 1.0


async def likely_duplicates(
    plugin: Plugin, drafts: Sequence[CustomerDraft]
) -> list[LikelyDuplicate]:
    """For each draft the customers, and the earlier drafts, that it is likely the same as."""
    sought = [sought_of(draft, plugin.settings) for draft in drafts]
    return [
        LikelyDuplicate(
            index=one.index,
            customer=one.customer,
            draft=one.draft,
            probability=one.probability,
            sure=one.proposal == "auto",
            reasons=tuple(reasons_of(one.evidence)),
        )
        for one in await Checking(plugin).among(sought)
    ]


def sought_of(draft: CustomerDraft, settings: Settings) -> Sought:
    """A draft as it is compared; a date that is none is left out."""
    return Sought(
        display_name=draft.display_name,
        kind=draft.kind,
        contact_points=draft.contact_points,
        birth=_day(draft.fields.get(settings.birth_field)),
        tax_code=text_of(draft.fields.get(settings.tax_field)) or "",
    )


def _day(value: object) -> dt.date | None:
    try:
        return value if isinstance(value, dt.date) else dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def reasons_of(evidence: Sequence[Evidence]) -> list[Text]:
    """What speaks for it, then what speaks against, the strongest first."""
    ranked = sorted(evidence, key=lambda each: (each.bits < 0, -abs(each.bits)))
    return [_reason(each) for each in ranked if abs(each.bits) >= _LITTLE]


def _reason(each: Evidence) -> Text:
    field, level = _FIELDS[each.field], _LEVELS[each.level]
    return Text(en=f"{field.en}: {level.en}", vi=f"{field.vi}: {level.vi}")
