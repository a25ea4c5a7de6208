-- Carts of guests and customers, and what can be put into them.
--
-- The folder of the other engine has a migration of the same name that ends in the same tables, columns and
-- nullability. Amounts are cents.

-- What can be bought.
CREATE TABLE products (
    id INTEGER NOT NULL PRIMARY KEY,
    -- The public identity (Spryker: concrete SKU).
    sku TEXT NOT NULL,
    -- That of the product of which it is a variant.
    abstract_sku TEXT NOT NULL,
    -- Hundredths of a percent.
    tax_rate INTEGER NOT NULL CHECK (tax_rate BETWEEN 0 AND 10000),
    -- Pieces that can be sold. None: as many as anybody wants.
    stock BIGINT CHECK (stock >= 0),
    -- Where a picture is.
    image TEXT,
    -- Of the built-in catalogue, which goes when the first product is imported.
    is_demo BOOLEAN NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE UNIQUE INDEX products_sku ON products (sku);

-- What products cost.
CREATE TABLE product_prices (
    product_id BIGINT NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    -- ISO 4217, upper-case.
    currency TEXT NOT NULL,
    -- The price that holds its tax. None: it is not sold by gross prices.
    gross BIGINT CHECK (gross >= 0),
    -- The price to which tax is added. None: it is not sold by net prices.
    net BIGINT CHECK (net >= 0),
    PRIMARY KEY (product_id, currency)
) WITHOUT ROWID;

-- What products are called.
CREATE TABLE product_names (
    product_id BIGINT NOT NULL REFERENCES products (id) ON DELETE CASCADE,
    -- Such as de_DE.
    locale TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (product_id, locale)
) WITHOUT ROWID;

-- A cart is a guest's or a customer's. A customer takes a guest's over by signing up or logging in; a claim that is removed
-- lets go of it, and it goes back to its guest.
CREATE TABLE carts (
    id INTEGER NOT NULL PRIMARY KEY,
    -- The public identity.
    uuid TEXT NOT NULL,
    -- Whose it is, unless it is a guest's.
    customer_id BIGINT REFERENCES customers (id) ON DELETE SET NULL,
    -- SHA-256 of the identity of the guest whose it is.
    guest BLOB,
    -- SHA-256 of the identity of the guest from whom the customer took it over: where it goes back.
    returns_to BLOB,
    name TEXT NOT NULL,
    price_mode TEXT NOT NULL CHECK (price_mode IN ('GROSS_MODE', 'NET_MODE')),
    -- ISO 4217, upper-case.
    currency TEXT NOT NULL,
    -- The store it was made in.
    store TEXT NOT NULL,
    is_default BOOLEAN NOT NULL,
    -- 1 at first, and one more with each change.
    version BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    -- The day of updated_at, in days since 1970-01-01. What is in an index is dear to change, and a day passes seldom.
    changed_on INTEGER NOT NULL,
    CHECK (customer_id IS NULL OR guest IS NULL)
);

CREATE UNIQUE INDEX carts_uuid ON carts (uuid);
-- One cart a guest, whatever happens at once.
CREATE UNIQUE INDEX carts_guest ON carts (guest);
CREATE INDEX carts_returns_to ON carts (returns_to);
-- Also finds the carts of guests that are gone.
CREATE INDEX carts_customer ON carts (customer_id, changed_on);
CREATE UNIQUE INDEX carts_default ON carts (customer_id) WHERE is_default;

-- What is in a cart: one line a product, which is priced when it is put in.
CREATE TABLE cart_items (
    id INTEGER NOT NULL PRIMARY KEY,
    cart_id BIGINT NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
    sku TEXT NOT NULL,
    abstract_sku TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    -- Of one piece, in the cart's currency and price mode.
    unit_price BIGINT NOT NULL CHECK (unit_price >= 0),
    -- Hundredths of a percent.
    tax_rate INTEGER NOT NULL CHECK (tax_rate BETWEEN 0 AND 10000)
);

CREATE UNIQUE INDEX cart_items_cart ON cart_items (cart_id, sku);
