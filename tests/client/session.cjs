// A customer's session with Devour, a JSON:API client that knows nothing of this gateway: `node session.cjs URL`.
//
// It fills a cart as a guest, signs up, confirms through the mailbox, logs in, finds its cart, reads its account, keeps an address and
// edits it, and leaves. What the library makes of the answers is what is asserted: attributes beside `id` and `type`, relationships
// resolved from `included`.
"use strict";

const assert = require("node:assert/strict");
const JsonApi = require("devour-client");

const [base] = process.argv.slice(2);
const PASSWORD = "Vestibule-2nd-Door!";
const name = `devour-${Date.now().toString(36)}${Math.floor(Math.random() * 1e6)}`;
const email = `${name}@example.com`;
const GUEST = "X-Anonymous-Customer-Unique-Id";
// Of the built-in catalogue: 99.99 EUR, and 45.50 EUR.
const CAMERA = "001_25904006";
const LENS = "002_25904004";

// The library keeps title and detail of an error unless told what else counts.
const errorBuilder = ({ code, status, title, detail }) => ({ code, status, title, detail });
const api = new JsonApi({ apiUrl: base, pluralize: false, logger: false, errorBuilder });

const person = { salutation: "", firstName: "", lastName: "" };
api.define("customers", {
    ...person, gender: "", dateOfBirth: "", email: "", password: "", confirmPassword: "", acceptedTerms: "", createdAt: "", updatedAt: "",
    addresses: { jsonApi: "hasMany", type: "addresses" },
});
api.define("customer-confirmation", { registrationKey: "" });
api.define("access-tokens", { username: "", password: "", tokenType: "", expiresIn: "", accessToken: "", refreshToken: "" });
api.define("addresses", {
    ...person, address1: "", address2: "", address3: "", zipCode: "", city: "", country: "", iso2Code: "", company: "", phone: "",
    isDefaultShipping: "", isDefaultBilling: "",
});

const cart = { priceMode: "", currency: "", store: "", name: "", isDefault: "", totals: "", discounts: "", thresholds: "" };
const item = { sku: "", quantity: "", groupKey: "", abstractSku: "", amount: "", calculations: "", selectedProductOptions: "" };
api.define("guest-carts", { ...cart, "guest-cart-items": { jsonApi: "hasMany", type: "guest-cart-items" } });
api.define("guest-cart-items", item);
api.define("carts", { ...cart, items: { jsonApi: "hasMany", type: "items" } });
api.define("items", item);

const session = { passed: 0, failed: 0 };

/** One step of the session. The ones behind it need it, so the first that fails ends it. */
async function step(name, action) {
    try {
        await action();
        session.passed += 1;
        console.log(`client ${name} ... ok`);
    } catch (error) {
        session.failed += 1;
        console.log(`client ${name} ... FAILED\n${error.stack ?? JSON.stringify(error)}`);
        throw error;
    }
}

/** What the library throws has each error under what its source points at. */
async function refused(promise, status, code) {
    const thrown = await promise.then(() => assert.fail("it is not refused"), (refusal) => refusal);
    const [told] = Object.values(thrown);
    assert.deepEqual([told?.status, told?.code], [status, code]);
    return thrown;
}

async function run() {
    let reference;
    let address;
    let basket;
    const addresses = () => api.one("customers", reference).all("addresses");
    const lines = (items) => items.map(({ id, quantity }) => [id, quantity]);

    await step("a guest without a name has no cart", () => refused(api.findAll("guest-carts"), 400, "109"));

    await step("filling a cart as a guest", async () => {
        api.headers[GUEST] = name;
        const { data } = await api.create("guest-cart-items", { sku: CAMERA, quantity: 1 });
        assert.equal(data.type, "guest-carts");
        assert.equal(data.totals.grandTotal, 9999);
        basket = data.id;
    });

    await step("putting something else in", async () => {
        const { data } = await api.one("guest-carts", basket).all("guest-cart-items").post({ sku: LENS, quantity: 3 });
        assert.equal(data.totals.grandTotal, 23649);
        const changed = await api.one("guest-carts", basket).one("guest-cart-items", LENS).patch({ quantity: 2 });
        assert.equal(changed.data.totals.grandTotal, 19099);
    });

    await step("reading the cart along with what is in it", async () => {
        const { data } = await api.find("guest-carts", basket, { include: "guest-cart-items" });
        assert.deepEqual(lines(data["guest-cart-items"]), [[CAMERA, 1], [LENS, 2]]);
    });

    await step("a sign-up with a wrong field is refused with an error of that field", async () => {
        const thrown = await refused(api.create("customers", { email: "mira" }), 422, "901");
        assert.equal(thrown.email.detail, "email => This value is not a valid email address.");
    });

    await step("signing up", async () => {
        const { data } = await api.create("customers", {
            salutation: "Ms", firstName: "Mira", lastName: "Olsen", gender: "Female", email,
            password: PASSWORD, confirmPassword: PASSWORD, acceptedTerms: true,
        });
        assert.equal(data.type, "customers");
        assert.equal(data.email, email);
        reference = data.id;
    });

    await step("the guest has the cart no more", async () => {
        const { data } = await api.findAll("guest-carts");
        assert.deepEqual(data, []);
        delete api.headers[GUEST];
    });

    await step("logging in before confirming is refused", () =>
        refused(api.create("access-tokens", { username: email, password: PASSWORD }), 401, "003"));

    await step("confirming with the key from the mail", async () => {
        const answer = await fetch(`${base}/mailbox/api/messages?to=${encodeURIComponent(email)}&wait=20`);
        const { messages: [mail] } = await answer.json();
        await api.create("customer-confirmation", { registrationKey: mail.token });
    });

    await step("logging in", async () => {
        const { data } = await api.create("access-tokens", { username: email, password: PASSWORD });
        assert.equal(data.tokenType, "Bearer");
        api.bearer = data.accessToken;
    });

    await step("finding the cart, by whoever is logged in now", async () => {
        const { data } = await api.findAll("carts", { include: "items" });
        assert.deepEqual(data.map(({ id, items }) => [id, lines(items)]), [[basket, [[CAMERA, 1], [LENS, 2]]]]);
    });

    await step("changing the cart with its entity tag", async () => {
        await refused(api.update("carts", { id: basket, currency: "CHF" }), 428, "005");
        const answer = await fetch(`${base}/carts/${basket}`, { headers: { Authorization: `Bearer ${api.bearer}` } });
        api.headers["If-Match"] = answer.headers.get("ETag");
        const { data } = await api.update("carts", { id: basket, currency: "CHF" });
        assert.deepEqual([data.currency, data.totals.grandTotal], ["CHF", 21965]);
        await refused(api.update("carts", { id: basket, currency: "EUR" }), 412, "006");
        delete api.headers["If-Match"];
    });

    await step("taking something out", async () => {
        await api.one("carts", basket).one("items", LENS).destroy();
        const { data } = await api.find("carts", basket, { include: "items" });
        assert.deepEqual(lines(data.items), [[CAMERA, 1]]);
    });

    await step("reading the account", async () => {
        const { data } = await api.find("customers", reference);
        assert.equal(data.id, reference);
        assert.equal(data.firstName, "Mira");
    });

    await step("reading some of it", async () => {
        const { data } = await api.find("customers", reference, { fields: { customers: "email" } });
        assert.equal(data.email, email);
        assert.equal(data.firstName, undefined);
    });

    await step("changing a name", async () => {
        const { data } = await api.update("customers", { id: reference, firstName: "Mirja" });
        assert.equal(data.firstName, "Mirja");
        assert.equal(data.lastName, "Olsen");
    });

    await step("keeping an address", async () => {
        const { data } = await addresses().post({
            salutation: "Ms", firstName: "Mira", lastName: "Olsen", address1: "Kieler Str.", address2: "75",
            zipCode: "22525", city: "Hamburg", iso2Code: "DE", isDefaultShipping: false, isDefaultBilling: false,
        });
        assert.equal(data.country, "Germany");
        address = data.id;
    });

    await step("editing it", async () => {
        const { data } = await api.one("customers", reference).one("addresses", address).patch({ city: "Kiel" });
        assert.equal(data.city, "Kiel");
        assert.equal(data.address1, "Kieler Str.");
    });

    await step("reading it along with the account", async () => {
        const { data } = await api.find("customers", reference, { include: "addresses" });
        assert.deepEqual(data.addresses.map(({ id, city }) => [id, city]), [[address, "Kiel"]]);
    });

    await step("removing it", async () => {
        await api.one("customers", reference).one("addresses", address).destroy();
        const { data } = await addresses().get();
        assert.deepEqual(data, []);
    });

    await step("leaving", async () => {
        await api.destroy("customers", reference);
        await refused(api.find("customers", reference), 404, "402");
    });
}

run()
    .catch(() => { process.exitCode = 1; })
    .finally(() => {
        const verdict = session.failed ? "FAILED" : "ok";
        console.log(`test result: ${verdict}. ${session.passed} passed; ${session.failed} failed`);
    });
