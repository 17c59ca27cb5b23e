"""Cases of the routes about who comes in and what they may: accounts, roles, sessions, pages."""

from __future__ import annotations

from tests.security.bodies import Body, just

PASSWORD = "cây bàng 41 lá đỏ mùa đông"
OTHER_PASSWORD = "hai mươi con thuyền ra khơi sớm"

_NEWCOMER = "SELECT id FROM core_account WHERE email = 'newcomer@example.com'"
#: An active, an invited and a suspended one.
_SOME = (
    "SELECT id FROM core_account WHERE email IN "
    "('newcomer@example.com', 'guest@example.com', 'gone@example.com')"
)
_ROBOT = "SELECT id FROM core_account WHERE kind = 'service'"
_TOKENS_OF_ROBOT = (
    "SELECT t.id FROM core_api_token t JOIN core_account a ON a.id = t.account_id "
    "WHERE a.kind = 'service'"
)
_SPARE_TOKEN = (
    "SELECT t.id FROM core_api_token t JOIN core_account a ON a.id = t.account_id "
    "WHERE a.email = 'owner@example.com' AND t.name = 'spare'"
)
_SESSIONS = "SELECT id FROM core_session"
_TEAMS = "SELECT id FROM core_team ORDER BY CASE name WHEN 'spare' THEN 0 ELSE 1 END"

STAFF_VALUES: dict[tuple[str, str], list[str] | str] = {
    ("/api/v1/accounts/", "account_id"): _SOME,
    ("/api/v1/service-accounts/", "account_id"): _ROBOT,
    ("/api/v1/service-accounts/", "token_id"): _TOKENS_OF_ROBOT,
    ("/api/v1/standings/", "account_id"): _NEWCOMER,
    ("/api/v1/me/sessions/", "session_id"): _SESSIONS,
    ("/api/v1/me/tokens/", "token_id"): _SPARE_TOKEN,
    ("/api/v1/roles/", "role_key"): ["spare", "vip_desk"],
    ("/api/v1/rules/", "rule_key"): ["spare", "vip"],
    ("/api/v1/teams/", "team_id"): _TEAMS,
    ("/account/sessions/", "session_id"): _SESSIONS,
    ("/account/tokens/", "token_id"): _SPARE_TOKEN,
    ("/people/{account_id}/tokens/", "token_id"): _TOKENS_OF_ROBOT,
    ("/people/{account_id}/tokens", "account_id"): _ROBOT,
    ("/people/", "account_id"): _SOME,
    ("/roles/", "key"): ["spare", "vip_desk"],
    ("/settings/fields/", "key"): "SELECT key FROM core_customer_field",
    ("/settings/plugins/", "plugin"): ["sales_pipeline"],
    ("/rules/", "key"): ["spare", "vip"],
    ("/teams/", "team_id"): _TEAMS,
}

#: A page for browsers only, pages of links that nobody has here, and of those who are in already.
STAFF_ANSWERS: dict[str, tuple[int, ...]] = {
    "/account": (403,),
    "/account/activity": (403,),
    "/account/security": (403,),
    "/account/tokens": (403,),
    "/invitation": (410, 429),
    "/password-reset": (410, 429),
    "/setup": (410, 429),
    "/setup/owner": (410, 429),
    "/setup/protect": (403,),
    "/sign-in": (200, 303),
    "/sign-in/second-factor": (200, 303),
    "/sign-out": (200, 303),
    "/sign-in/oidc": (303, 404),
    "/sign-in/oidc/callback": (404,),
}

_PAGE = (200, 302, 303)
#: The shape is right, and what it needs is not there: a code of an app, a link, a second factor.
#: The password may have been changed by then.
_IN = (*_PAGE, 401)
#: Whichever of page and API comes second has the wrong old password.
_ONCE = (200, 204, 302, 303, 403, 422)
_NEEDS_MORE = (400, 401, 403, 404, 409, 410, 422)


def _form(*, ok: tuple[int, ...] = _PAGE, **fields: object) -> Body:
    return Body(lambda known: dict(fields), ok=ok, kind="form")


_CONDITION = {"attribute1": "tag", "sense1": "is", "values1": "vip"}
_ACCOUNT = {"roles": ["analyst"], "language": "en"}

STAFF_BODIES: dict[tuple[str, str], Body] = {
    ("POST", "/api/v1/accounts"): Body(
        lambda known: {"name": known.new, "email": f"{known.new}@example.com", **_ACCOUNT}
    ),
    ("POST", "/api/v1/accounts/{account_id}/invitation"): Body(None),
    ("POST", "/api/v1/accounts/{account_id}/reactivate"): Body(None),
    ("POST", "/api/v1/accounts/{account_id}/reset-link"): Body(None),
    ("DELETE", "/api/v1/accounts/{account_id}/second-factor"): Body(None, ok=(204, 409)),
    ("DELETE", "/api/v1/accounts/{account_id}/sessions"): Body(None),
    ("POST", "/api/v1/accounts/{account_id}/suspend"): Body(None),
    ("PATCH", "/api/v1/me"): Body(lambda known: {"name": known.new}),
    ("POST", "/api/v1/me/password"): just({"old": PASSWORD, "new": OTHER_PASSWORD}, ok=_ONCE),
    ("POST", "/api/v1/me/second-factor"): Body(None),
    ("POST", "/api/v1/me/second-factor/confirm"): just({"code": "000000"}, ok=_NEEDS_MORE),
    ("POST", "/api/v1/me/second-factor/off"): just({"code": "000000"}, ok=_NEEDS_MORE),
    ("POST", "/api/v1/me/second-factor/recovery-codes"): just({"code": "0"}, ok=_NEEDS_MORE),
    ("DELETE", "/api/v1/me/sessions"): Body(None),
    ("DELETE", "/api/v1/me/sessions/{session_id}"): Body(None),
    ("POST", "/api/v1/me/tokens"): Body(lambda known: {"name": known.new}),
    ("DELETE", "/api/v1/me/tokens/{token_id}"): Body(None),
    ("POST", "/api/v1/roles"): Body(
        lambda known: {"key": known.new, "title_en": known.new, "title_vi": known.new}
    ),
    ("PATCH", "/api/v1/roles/{role_key}"): Body(lambda known: {"title_en": known.new}),
    ("DELETE", "/api/v1/roles/{role_key}"): Body(None),
    ("POST", "/api/v1/rules"): Body(
        lambda known: {
            "key": known.new,
            "rule": {"all_of": [{"attribute": "tag", "is_one_of": [known.new]}]},
        }
    ),
    ("PATCH", "/api/v1/rules/{rule_key}"): Body(lambda known: {"title_en": known.new}),
    ("DELETE", "/api/v1/rules/{rule_key}"): Body(None),
    ("POST", "/api/v1/service-accounts"): Body(
        lambda known: {"name": known.new, "roles": ["analyst"]}
    ),
    ("POST", "/api/v1/service-accounts/{account_id}/tokens"): Body(
        lambda known: {"name": known.new}
    ),
    ("DELETE", "/api/v1/service-accounts/{account_id}/tokens/{token_id}"): Body(None),
    ("POST", "/api/v1/session"): just({"email": "owner@example.com", "password": PASSWORD}, ok=_IN),
    ("POST", "/api/v1/session/second-factor"): just(
        {"ticket": "x" * 43, "code": "000000"}, ok=_NEEDS_MORE
    ),
    ("DELETE", "/api/v1/session"): Body(None),
    ("PUT", "/api/v1/standings/{account_id}"): just({"roles": ["newcomer"]}),
    ("POST", "/api/v1/teams"): Body(lambda known: {"name": known.new}),
    ("PATCH", "/api/v1/teams/{team_id}"): Body(lambda known: {"name": known.new}),
    ("DELETE", "/api/v1/teams/{team_id}"): Body(None),
    # -- pages ------------------------------------------------------------------------------------
    ("POST", "/account/profile"): _form(name="Chủ", language="vi"),
    ("POST", "/account/display"): _form(theme="auto", keys="on"),
    ("POST", "/account/reading"): _form(
        time_zone="", dates="language", clock="language", numbers="language"
    ),
    ("POST", "/account/theme"): _form(theme="auto"),
    ("POST", "/account/language"): _form(language="vi"),
    ("POST", "/account/password"): _form(
        old_password=PASSWORD,
        new_password=OTHER_PASSWORD,
        again_password=OTHER_PASSWORD,
        ok=_ONCE,
    ),
    ("POST", "/account/second-factor"): _form(),
    ("POST", "/account/second-factor/confirm"): _form(code="000000", ok=_NEEDS_MORE),
    ("POST", "/account/second-factor/codes"): _form(code="000000", ok=_NEEDS_MORE),
    ("POST", "/account/second-factor/off"): _form(code="000000", ok=_NEEDS_MORE),
    ("POST", "/account/sessions/others"): _form(),
    ("POST", "/account/sessions/{session_id}/end"): _form(),
    ("POST", "/account/tokens"): _form(name="máy", days="30"),
    ("POST", "/account/tokens/{token_id}/revoke"): _form(),
    ("POST", "/invitation"): _form(password=PASSWORD, again_password=PASSWORD, ok=_NEEDS_MORE),
    ("POST", "/password-reset"): _form(password=PASSWORD, again_password=PASSWORD, ok=_NEEDS_MORE),
    ("POST", "/setup"): _form(
        name="Chủ",
        country="VN",
        time_zone="Asia/Ho_Chi_Minh",
        currency="VND",
        language="vi",
        ok=_NEEDS_MORE,
    ),
    ("POST", "/setup/owner"): _form(
        name="Chủ",
        email="chu@example.com",
        password=PASSWORD,
        again_password=PASSWORD,
        ok=_NEEDS_MORE,
    ),
    ("POST", "/setup/protect"): _form(),
    ("POST", "/setup/protect/confirm"): _form(code="000000", ok=_NEEDS_MORE),
    ("POST", "/setup/plugins"): _form(on="sales_pipeline"),
    ("POST", "/setup/data"): _form(way="empty"),
    ("POST", "/settings/company"): _form(
        name="Chủ",
        country="VN",
        time_zone="Asia/Ho_Chi_Minh",
        currency="VND",
        language="vi",
    ),
    ("POST", "/settings/migrations"): _form(),
    ("POST", "/settings/plugins/{plugin}/on"): _form(),
    ("POST", "/settings/plugins/{plugin}/off"): _form(),
    ("POST", "/settings/fields/new"): Body(
        lambda known: {"title_vi": known.new, "key": known.new, "applies_to": "both"},
        ok=_PAGE,
        kind="form",
    ),
    ("POST", "/settings/fields/{key}"): _form(title_vi="X", applies_to="both"),
    ("POST", "/people/invite"): Body(
        lambda known: {"name": known.new, "email": f"{known.new}@example.com", **_ACCOUNT},
        ok=_PAGE,
        kind="form",
    ),
    ("POST", "/people/service"): Body(
        lambda known: {"name": known.new, "roles": "analyst"}, ok=_PAGE, kind="form"
    ),
    ("POST", "/people/{account_id}/link"): _form(),
    ("POST", "/people/{account_id}/reactivate"): _form(),
    ("POST", "/people/{account_id}/second-factor/remove"): _form(ok=(*_PAGE, 409)),
    ("POST", "/people/{account_id}/standing"): _form(roles="newcomer"),
    ("POST", "/people/{account_id}/suspend"): _form(),
    ("POST", "/people/{account_id}/tokens"): _form(name="máy", days="30"),
    ("POST", "/people/{account_id}/tokens/{token_id}/revoke"): _form(),
    ("POST", "/roles/new"): Body(
        lambda known: {
            "key": known.new,
            "title_en": known.new,
            "title_vi": known.new,
            "based_on": "analyst",
        },
        ok=_PAGE,
        kind="form",
    ),
    ("POST", "/roles/{key}"): _form(
        title_en="X", title_vi="X", version="1", scopes="own", ok=(*_PAGE, 409)
    ),
    ("POST", "/roles/{key}/remove"): _form(ok=(*_PAGE, 409)),
    ("POST", "/rules/new"): Body(
        lambda known: {
            "key": known.new,
            "title_en": known.new,
            "title_vi": known.new,
            **_CONDITION,
        },
        ok=_PAGE,
        kind="form",
    ),
    ("POST", "/rules/{key}"): _form(
        title_en="X", title_vi="X", version="1", **_CONDITION, ok=(*_PAGE, 409)
    ),
    ("POST", "/rules/{key}/remove"): _form(),
    ("POST", "/teams"): Body(lambda known: {"name": known.new}, ok=_PAGE, kind="form"),
    ("POST", "/teams/{team_id}"): Body(lambda known: {"name": known.new}, ok=_PAGE, kind="form"),
    ("POST", "/teams/{team_id}/remove"): _form(),
    ("POST", "/sign-in"): _form(email="owner@example.com", password=PASSWORD, ok=_IN),
    ("POST", "/sign-in/second-factor"): _form(code="000000", ok=_NEEDS_MORE),
    ("POST", "/sign-out"): _form(),
}
