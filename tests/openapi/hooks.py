"""Turns some of the requests that were made up into ones that get past the checks, so that handlers are reached as well.

Only requests that keep to the description are touched: one that breaks it on purpose must arrive as it was made up.
"""

import os
import sys

import schemathesis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import account  # noqa: E402

BASE = os.environ["VESTIBULE_URL"]
OWN = {name: os.environ[f"VESTIBULE_{name.upper()}"] for name in ("reference", "email", "access_token", "refresh_token")}
# Resources that were made on the way, by their type.
MADE = {}
# A cart of the caller's that stays.
CARTS = []
# Who has the cart that guests' requests are about.
GUEST = "fuzz-guest"


def _sign_up(attributes):
    good = account.sign_up_attributes()
    return attributes | {name: good[name] for name in ("email", "password", "confirmPassword")}


def _credentials(attributes):
    return attributes | {"username": OWN["email"], "password": account.PASSWORD}


def _refresh(attributes):
    return attributes | {"refreshToken": account.log_in(BASE, OWN["email"])["refresh_token"]}


def _same_everywhere(attributes):
    names = ("password", "newPassword", "confirmPassword")
    return attributes | {name: account.PASSWORD for name in names if name in attributes}


def _without_credentials(attributes):
    return {name: value for name, value in attributes.items() if name not in ("email", "password", "confirmPassword")}


def _new_cart(attributes):
    return attributes | account.new_cart()


def _changed_cart(attributes):
    return {name: value for name, value in attributes.items() if name == "name"} | {"currency": "CHF"}


def _item(attributes):
    return attributes | account.ITEM


# Bagisto's shop API, whose requests are no JSON:API documents.
SHOP = "/api/shop/"


def _let_into_shop(case):
    """Has some requests to the shop API that sign up or log in succeed; tells whether it is one to that API."""
    if not case.operation.path.startswith(SHOP):
        return False
    if not isinstance(case.body, dict) or not _is_its_turn(case):
        return True
    operation = _operation(case)
    if operation == "bagisto-register":
        names = ("firstName", "lastName", "email", "password", "confirmPassword")
        good = account.sign_up_attributes()
        case.body = {name: good[name] for name in names} | {"subscribedToNewsLetter": True}
    if operation.startswith("bagisto-login"):
        case.body = {"email": OWN["email"], "password": account.PASSWORD}
    return True


# 10npay's onboarding API, likewise.
ONBOARDING = ("/User", "/connect/")
# A user of the merchant's who is never confirmed.
USERS = []


def _let_onboard(case):
    """Has some requests to the onboarding API succeed, or be about a real user; tells whether it is one to that API."""
    if not case.operation.path.startswith(ONBOARDING):
        return False
    if not _is_its_turn(case):
        return True
    bearer = os.environ["MERCHANT_BEARER"]
    if not USERS:
        USERS.append(account.open_user(BASE, bearer))
    user = USERS[0]
    operation = _operation(case)
    if operation == "10npay-status":
        case.path_parameters["id"] = user["id"]
    if not isinstance(case.body, dict):
        return True
    if operation == "10npay-token":
        good = account.client_credentials()
        # Otherwise a good client asks for what was made up.
        case.body = good if _is_rare_turn(case) else case.body | good | {"grant_type": case.body["grant_type"]}
    if operation == "10npay-create":
        email = account.unique_email() if case.body.get("email") is not None else None
        case.body = case.body | {"merchantId": account.MERCHANT["merchantId"], "email": email}
    if operation == "10npay-send-confirmation":
        case.body = case.body | user
    if operation == "10npay-confirm" and _is_rare_turn(case):
        user = account.open_user(BASE, bearer)
        case.body = case.body | {"id": user["id"], "token": account.read_code(BASE, user["email"])}
    elif operation == "10npay-confirm":
        case.body = case.body | {"id": user["id"]}
    return True


# What makes the attributes of an operation good.
GOOD = {
    "post-customers": _sign_up,
    "patch-customers-id": _without_credentials,
    "post-access-tokens": _credentials,
    "post-refresh-tokens": _refresh,
    "patch-customer-restore-password-id": _same_everywhere,
    "patch-customer-password-id": _same_everywhere,
    "post-carts": _new_cart,
    "patch-carts-id": _changed_cart,
    "patch-guest-carts-id": _changed_cart,
    "post-carts-items": _item,
    "patch-carts-items-id": _item,
    "post-guest-cart-items": _item,
    "post-guest-carts-guest-cart-items": _item,
    "patch-guest-carts-guest-cart-items-id": _item,
}


def _is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


_seen = {}


def _is_its_turn(case):
    """Every second request of an operation, counted; every eighth of one that costs a whole account."""
    label = case.operation.label
    _seen[label] = _seen.get(label, 0) + 1
    return _seen[label] % (8 if _operation(case) == "delete-customers-id" else 2) == 0


def _is_rare_turn(case):
    """Every eighth request of an operation, asked for those whose turn it is."""
    return _seen[case.operation.label] % 8 == 0


def _operation(case):
    return case.operation.definition.raw.get("operationId", "")


def _name_carts(case, operation, kind, names):
    """Makes a request one about a cart of the caller's, which has the item that the request is about."""
    if kind.startswith("guest-cart"):
        case.headers[account.GUEST] = GUEST
        cart = account.fill_guest_cart(BASE, GUEST)
        names.update({name: cart for name in ("guestCartId", "id") if name in names})
    elif kind in ("carts", "items") and "customerId" not in names:
        # One of its own for each that goes; all others are about the same one.
        is_leaving = operation == "delete-carts-id"
        if is_leaving or not CARTS:
            CARTS.append(account.open_cart(BASE, OWN["access_token"]))
        cart = CARTS.pop() if is_leaving else CARTS[-1]
        names.update({name: cart for name in ("cartId", "id") if name in names})
        if operation == "patch-carts-id":
            case.headers["If-Match"] = account.entity_tag(BASE, OWN["access_token"], cart)
    if kind.endswith("items") and "id" in names:
        names["id"] = account.ITEM["sku"]


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes some of the good requests ones that name the caller's own resources and have good attributes."""
    if _operation(case) == "delete-customers-id" and (case.path_parameters or {}).get("id") == OWN["reference"]:
        # Values that were seen in answers are tried too, and the one whom all other requests are about must stay.
        case.path_parameters["id"] = "DE--0"
    if not _is_positive(case) or _let_into_shop(case) or _let_onboard(case) or not _is_its_turn(case):
        return
    operation = _operation(case)
    names = case.path_parameters or {}
    kind = case.operation.path.removesuffix("/{id}").rsplit("/", 1)[-1]
    if "customerId" in names:
        names["customerId"] = OWN["reference"]
    if "id" in names:
        if kind in ("customers", "customer-password"):
            names["id"] = OWN["reference"]
        elif MADE.get(kind):
            names["id"] = MADE[kind][-1]
    if operation == "delete-customers-id":
        leaving = account.open_account(BASE)
        names["id"] = leaving["reference"]
        case.headers["Authorization"] = f"Bearer {leaving['access_token']}"
    if (case.headers or {}).get(account.GUEST):
        del case.headers[account.GUEST]
    _name_carts(case, operation, kind, names)
    change = GOOD.get(operation)
    if change and isinstance(case.body, dict):
        data = case.body["data"]
        case.body = case.body | {"data": data | {"attributes": change(data["attributes"])}}


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what was made, and forgets what was removed."""
    if case.operation.path.startswith((SHOP, *ONBOARDING)):
        return
    kind = case.operation.path.removesuffix("/{id}").rsplit("/", 1)[-1]
    if response.status_code == 201:
        data = response.json()["data"]
        if data.get("id") and "addresses" in kind:
            MADE.setdefault(kind, []).append(data["id"])
    if case.method == "DELETE" and response.status_code == 204 and MADE.get(kind):
        MADE[kind].pop()
