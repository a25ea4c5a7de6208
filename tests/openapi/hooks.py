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


# What makes the attributes of an operation good.
GOOD = {
    "post-customers": _sign_up,
    "patch-customers-id": _without_credentials,
    "post-access-tokens": _credentials,
    "post-refresh-tokens": _refresh,
    "patch-customer-restore-password-id": _same_everywhere,
    "patch-customer-password-id": _same_everywhere,
}


def _is_positive(case):
    return case.meta is not None and case.meta.generation.mode.is_positive


_seen = {}


def _is_its_turn(case):
    """Every second request of an operation, counted; every eighth of one that costs a whole account."""
    label = case.operation.label
    _seen[label] = _seen.get(label, 0) + 1
    return _seen[label] % (8 if _operation(case) == "delete-customers-id" else 2) == 0


def _operation(case):
    return case.operation.definition.raw.get("operationId", "")


@schemathesis.hook
def before_call(context, case, kwargs):
    """Makes some of the good requests ones that name the caller's own resources and have good attributes."""
    if not _is_positive(case) or not _is_its_turn(case):
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
        # The one whom all other requests are about must stay.
        leaving = account.open_account(BASE)
        names["id"] = leaving["reference"]
        case.headers["Authorization"] = f"Bearer {leaving['access_token']}"
    if (case.headers or {}).get("X-Anonymous-Customer-Unique-Id"):
        del case.headers["X-Anonymous-Customer-Unique-Id"]
    change = GOOD.get(operation)
    if change and isinstance(case.body, dict):
        data = case.body["data"]
        case.body = case.body | {"data": data | {"attributes": change(data["attributes"])}}


@schemathesis.hook
def after_call(context, case, response):
    """Remembers what was made, and forgets what was removed."""
    kind = case.operation.path.removesuffix("/{id}").rsplit("/", 1)[-1]
    if response.status_code == 201:
        data = response.json()["data"]
        if data.get("id") and "addresses" in kind:
            MADE.setdefault(kind, []).append(data["id"])
    if case.method == "DELETE" and response.status_code == 204 and MADE.get(kind):
        MADE[kind].pop()
