"""Consent, wishes and the contact gate through ``/api/v1``, as a programme uses them."""

from __future__ import annotations

from typing import Any

from tests.api.conftest import Api

PROOF = {"method": "form", "wording": "I want to hear of offers.", "where": "shop.example/yes"}
OFFER = {"channel": "email", "purpose": "advertising"}


async def reachable(api: Api) -> str:
    point = {"kind": "email", "raw": "hoa@example.com"}
    customer = await api.customer(contact_points=[point])
    return str(customer["id"])


async def asked(api: Api, customer: str, **more: Any) -> dict[str, Any]:
    answer = await api.post(
        "/contact-verdicts", {"items": [{"customer": customer, **OFFER, **more}]}
    )
    assert answer.status_code == 201, answer.text
    verdict: dict[str, Any] = answer.json()["items"][0]
    return verdict


async def test_from_silence_to_consent_and_back(api: Api) -> None:
    id = await reachable(api)
    path = f"/customers/{id}"
    denied = await asked(api, id)
    assert (denied["outcome"], denied["reasons"][0]["rule"]) == ("deny", "consent")
    given = await api.post(f"{path}/consents", {"purpose": "advertising", "proof": PROOF})
    assert given.status_code == 201
    allowed = await asked(api, id)
    assert (allowed["outcome"], allowed["reasons"]) == ("allow", [])
    assert (await api.get(f"/contact-verdicts/{allowed['id']}")).json() == allowed
    taken = await api.post(f"{path}/withdrawals", {"purpose": "advertising", "channel": "email"})
    assert taken.status_code == 201
    assert (await asked(api, id))["outcome"] == "deny"
    lines = (await api.get(f"{path}/consents")).json()["items"]
    assert [(line["state"], line["channel"]) for line in lines] == [
        ("withdrawn", "email"),
        ("granted", "*"),
    ]
    assert lines[1]["wording"] == PROOF["wording"]
    verdicts = (await api.get(f"{path}/contact-verdicts")).json()["items"]
    assert len(verdicts) == 3


async def test_a_consent_without_an_act_and_its_proof_is_refused(api: Api) -> None:
    path = f"/customers/{await reachable(api)}/consents"
    bad: list[dict[str, Any]] = [
        {"purpose": "advertising"},
        {"purpose": "advertising", "proof": {**PROOF, "method": "pre_ticked"}},
        {"purpose": "advertising", "proof": {**PROOF, "wording": ""}},
        {"purpose": "everything", "proof": PROOF},
        {"purpose": "advertising", "proof": PROOF, "given_at": "2100-01-01T00:00:00Z"},
    ]
    for body in bad:
        answer = await api.post(path, body)
        assert answer.status_code == 422, body
        assert answer.json()["problems"]
    assert (await api.get(path)).json() == {"items": []}


async def test_holds_and_wishes(api: Api) -> None:
    id = await reachable(api)
    path = f"/customers/{id}"
    await api.post(f"{path}/consents", {"purpose": "advertising", "proof": PROOF})
    held = await api.post(f"{path}/contact-holds", {"reason": "Broken on arrival"})
    assert (await asked(api, id))["reasons"][0]["rule"] == "hold_complaint"
    (hold,) = (await api.get(f"{path}/contact-holds")).json()["items"]
    assert (hold["id"], hold["reason"]) == (held.json()["id"], "Broken on arrival")
    assert (await api.ask("DELETE", f"/contact-holds/{hold['id']}")).status_code == 204
    assert (await api.get(f"{path}/contact-holds")).json() == {"items": []}
    wish = {"restricted": True, "quiet_from": None, "quiet_until": None}
    assert (await api.ask("PUT", f"{path}/contact-preference", json=wish)).json() == wish
    assert (await api.get(f"{path}/contact-preference")).json() == wish
    assert (await asked(api, id, purpose="service"))["reasons"][0]["rule"] == "restricted"


async def test_the_list_of_refusal(api: Api) -> None:
    id = await reachable(api)
    await api.post(f"/customers/{id}/consents", {"purpose": "advertising", "proof": PROOF})
    address = {"kind": "email", "address": "Hoa@Example.com"}
    assert (await api.post("/contact-refusals", {"items": [address]})).json() == {"changed": 1}
    assert (await asked(api, id))["reasons"][0]["rule"] == "do_not_contact"
    for changed in (1, 0):
        answer = await api.post("/contact-refusals/lifted", address)
        assert answer.json() == {"changed": changed}
    assert (await asked(api, id))["outcome"] == "allow"
    bad = await api.post("/contact-refusals", {"items": [{"kind": "phone", "address": "12a"}]})
    assert (bad.status_code, bad.json()["problems"][0]["where"]) == (422, "/0/address")


async def test_a_reference_makes_asking_again_safe_and_a_release_frees(api: Api) -> None:
    id = await reachable(api)
    first = await asked(api, id, purpose="service", reference="order-7")
    assert (await asked(api, id, purpose="service", reference="order-7"))["id"] == first["id"]
    released = await api.ask("DELETE", f"/contact-verdicts/{first['id']}")
    assert released.status_code == 204


async def test_what_there_is_to_ask_for(api: Api) -> None:
    rules = (await api.get("/contact-rules")).json()
    assert rules["profile"] == "vn-2026/1"
    assert {each["id"] for each in rules["purposes"]} == {
        *("service", "care", "survey", "advertising")
    }
