"""Customers of a gateway under test: signed up, confirmed through the mailbox, logged in; carts; a merchant's users."""

import itertools
import json
import os
import secrets
import urllib.parse
import urllib.request

PASSWORD = "Vestibule-2nd-Door!"
GUEST = "X-Anonymous-Customer-Unique-Id"
# Of the built-in catalogue; there are as many as anybody wants.
ITEM = {"sku": "001_25904006", "quantity": 1}
# The merchant who brings users along: merchantId, clientId, clientSecret.
MERCHANT = json.loads(os.environ["MERCHANT_CLIENT"])
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


def _ask(url, document=None, headers=None):
    body = None if document is None else json.dumps(document).encode()
    headers = {"Accept": "application/vnd.api+json", "Content-Type": "application/vnd.api+json", **(headers or {})}
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=40) as answer:
        text = answer.read()
        return (json.loads(text) if text else None), answer.headers


def _call(url, document=None, headers=None):
    return _ask(url, document, headers)[0]


def _create(base, kind, attributes, path=None, headers=None):
    document = {"data": {"type": kind, "attributes": attributes}}
    return _call(f"{base}/{path or kind}", document, headers)


def _read_mail(base, email):
    query = urllib.parse.urlencode({"to": email, "wait": 20})
    return _call(f"{base}/mailbox/api/messages?{query}")["messages"][0]


def open_account(base):
    """A new confirmed customer: reference, address, access token, refresh token."""
    attributes = sign_up_attributes()
    customer = _create(base, "customers", attributes)
    _create(base, "customer-confirmation", {"registrationKey": _read_mail(base, attributes["email"])["token"]})
    return {"reference": customer["data"]["id"], "email": attributes["email"], **log_in(base, attributes["email"])}


def log_in(base, email):
    """A customer's access token and refresh token."""
    tokens = _create(base, "access-tokens", {"username": email, "password": PASSWORD})["data"]["attributes"]
    return {"access_token": tokens["accessToken"], "refresh_token": tokens["refreshToken"]}


def new_cart():
    """The attributes of a cart that nothing is wrong with."""
    return {"priceMode": "GROSS_MODE", "currency": "EUR", "store": "DE", "name": "Fuzz"}


def open_cart(base, access_token):
    """A new cart of a customer with something in it: its id."""
    headers = {"Authorization": f"Bearer {access_token}"}
    cart = _create(base, "carts", new_cart(), headers=headers)["data"]["id"]
    _create(base, "items", ITEM, f"carts/{cart}/items", headers)
    return cart


def fill_guest_cart(base, guest):
    """Puts something into a guest's cart: its id."""
    return _create(base, "guest-cart-items", ITEM, headers={GUEST: guest})["data"]["id"]


def entity_tag(base, access_token, cart):
    """What names the present state of a customer's cart."""
    return _ask(f"{base}/carts/{cart}", headers={"Authorization": f"Bearer {access_token}"})[1]["ETag"]


def log_in_at_shop(base, email):
    """A customer's bearer token for the shop API of Bagisto."""
    body = json.dumps({"email": email, "password": PASSWORD}).encode()
    headers = {"Content-Type": "application/json", "X-STOREFRONT-KEY": os.environ["STOREFRONT_KEY"]}
    request = urllib.request.Request(f"{base}/api/shop/customer/login", body, headers)
    with urllib.request.urlopen(request, timeout=40) as answer:
        return json.load(answer)["token"]


def client_credentials():
    """The form by which the merchant's client gets a token."""
    names = {"client_id": MERCHANT["clientId"], "client_secret": MERCHANT["clientSecret"]}
    return {"grant_type": "client_credentials", **names}


def log_in_merchant(base):
    """The merchant's bearer token for the onboarding API of 10npay."""
    body = urllib.parse.urlencode(client_credentials()).encode()
    with urllib.request.urlopen(f"{base}/connect/token", body, timeout=40) as answer:
        return json.load(answer)["access_token"]


def open_user(base, bearer):
    """A new user of the merchant: number, address."""
    document = {"merchantId": MERCHANT["merchantId"], "email": unique_email()}
    headers = {"Accept": "application/json", "Content-Type": "application/json", "Authorization": f"Bearer {bearer}"}
    return {"id": _call(f"{base}/User", document, headers)["id"], "email": document["email"]}


def read_code(base, email):
    """The code that was mailed to a user."""
    return _read_mail(base, email)["code"]
