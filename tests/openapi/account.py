"""Customers of a gateway under test: signed up, confirmed through the mailbox, logged in."""

import itertools
import json
import secrets
import urllib.parse
import urllib.request

PASSWORD = "Vestibule-2nd-Door!"
_RUN = secrets.token_hex(4)
_NUMBERS = itertools.count()


def unique_email():
    """An address that no other customer of this gateway has."""
    return f"fuzz-{_RUN}-{next(_NUMBERS)}@example.com"


def sign_up_attributes():
    """The attributes of a sign-up that nothing is wrong with."""
    return {
        "salutation": "Ms",
        "firstName": "Mira",
        "lastName": "Olsen",
        "gender": "Female",
        "email": unique_email(),
        "password": PASSWORD,
        "confirmPassword": PASSWORD,
        "acceptedTerms": True,
    }


def _call(url, document=None):
    body = None if document is None else json.dumps(document).encode()
    headers = {"Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json"}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=40) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def _create(base, kind, attributes):
    return _call(f"{base}/{kind}", {"data": {"type": kind, "attributes": attributes}})


def open_account(base):
    """A new confirmed customer: reference, address, access token, refresh token."""
    attributes = sign_up_attributes()
    customer = _create(base, "customers", attributes)
    query = urllib.parse.urlencode({"to": attributes["email"], "wait": 20})
    key = _call(f"{base}/mailbox/api/messages?{query}")["messages"][0]["token"]
    _create(base, "customer-confirmation", {"registrationKey": key})
    return {"reference": customer["data"]["id"], "email": attributes["email"], **log_in(base, attributes["email"])}


def log_in(base, email):
    """A customer's access token and refresh token."""
    tokens = _create(base, "access-tokens", {"username": email, "password": PASSWORD})["data"]["attributes"]
    return {"access_token": tokens["accessToken"], "refresh_token": tokens["refreshToken"]}
