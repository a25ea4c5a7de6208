//! Carts: what the demo shop sells, requests about the carts of guests and of customers alike, and what is in them.

use serde_json::{Value, json};

use crate::{Gateway, Request, Session, document};

/// The header that says which guest somebody is.
pub const GUEST: &str = "X-Anonymous-Customer-Unique-Id";

/// 99.99 EUR, 114.99 CHF, 19 % tax; as many as anybody wants.
pub const CAMERA: &str = "001_25904006";
/// 45.50 EUR, 52.33 CHF, 19 % tax; ten of them.
pub const LENS: &str = "002_25904004";
/// 25.00 EUR, not sold for CHF, 7 % tax; as many as anybody wants.
pub const BOOK: &str = "003_26138343";
/// 19.95 EUR, 22.94 CHF, 19 % tax; none is left.
pub const SOLD_OUT: &str = "004_30663301";
/// 0.01 EUR, 0.01 CHF, no tax; as many as anybody wants.
pub const STICKER: &str = "005_30663302";
/// 1234.56 EUR, 1419.74 CHF, 19 % tax; three of them.
pub const DRONE: &str = "006_27538823";

/// A cart and what is in it: SKU and quantity, oldest line first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Basket {
    /// The cart's id.
    pub id: String,
    /// SKU and quantity of each line.
    pub items: Vec<(String, u64)>,
}

impl Basket {
    /// The cart of that id with these products.
    pub fn of(id: &str, items: &[(&str, u64)]) -> Self {
        let items = items.iter().map(|(sku, quantity)| ((*sku).to_owned(), *quantity)).collect();
        Self { id: id.to_owned(), items }
    }

    /// How many pieces of a product are in it.
    pub fn quantity(&self, sku: &str) -> u64 {
        self.items.iter().filter(|(own, _)| own == sku).map(|(_, quantity)| *quantity).sum()
    }
}

/// Who has a cart. Requests of guests and of customers differ in nothing but their paths, types and one header.
#[derive(Clone, Debug)]
pub enum Shopper {
    /// Who sends this as [`GUEST`].
    Guest(String),
    /// Whose access token this is.
    Customer(String),
}

impl Shopper {
    /// The guest who sends that.
    pub fn guest(identity: &str) -> Self {
        Self::Guest(identity.to_owned())
    }

    /// The type of their carts.
    pub const fn carts(&self) -> &'static str {
        match self {
            Self::Guest(_) => "guest-carts",
            Self::Customer(_) => "carts",
        }
    }

    /// The type of what is in them.
    pub const fn items(&self) -> &'static str {
        match self {
            Self::Guest(_) => "guest-cart-items",
            Self::Customer(_) => "items",
        }
    }

    /// The request as theirs.
    pub fn sign(&self, request: Request) -> Request {
        match self {
            Self::Guest(identity) => request.header(GUEST, identity),
            Self::Customer(token) => request.bearer(token),
        }
    }

    /// `/carts/7c0e4a35-…`
    pub fn path(&self, id: &str) -> String {
        format!("/{}/{id}", self.carts())
    }

    /// `/carts/7c0e4a35-…/items`
    pub fn items_path(&self, id: &str) -> String {
        format!("{}/{}", self.path(id), self.items())
    }

    /// `/carts/7c0e4a35-…/items/001_25904006`
    pub fn item_path(&self, id: &str, sku: &str) -> String {
        format!("{}/{sku}", self.items_path(id))
    }

    /// Reads all of their carts.
    pub fn list(&self) -> Request {
        self.sign(Request::get(&format!("/{}", self.carts())))
    }

    /// Reads a cart.
    pub fn read(&self, id: &str) -> Request {
        self.sign(Request::get(&self.path(id)))
    }

    /// Reads a cart and what is in it.
    pub fn read_whole(&self, id: &str) -> Request {
        self.sign(Request::get(&format!("{}?include={}", self.path(id), self.items())))
    }

    /// Changes a cart. A customer's request needs `If-Match` as well.
    pub fn patch(&self, id: &str, attributes: &Value) -> Request {
        self.sign(Request::patch(&self.path(id), &document(self.carts(), attributes)))
    }

    /// Puts something into a cart, with these attributes.
    pub fn post_item(&self, id: &str, attributes: &Value) -> Request {
        self.sign(Request::post(&self.items_path(id), &document(self.items(), attributes)))
    }

    /// Puts pieces of a product into a cart.
    pub fn add(&self, id: &str, sku: &str, quantity: impl Into<Value>) -> Request {
        self.post_item(id, &json!({ "sku": sku, "quantity": quantity.into() }))
    }

    /// Changes a line of a cart, with these attributes.
    pub fn patch_item(&self, id: &str, sku: &str, attributes: &Value) -> Request {
        self.sign(Request::patch(&self.item_path(id, sku), &document(self.items(), attributes)))
    }

    /// Sets how many pieces of a product are in a cart.
    pub fn change(&self, id: &str, sku: &str, quantity: impl Into<Value>) -> Request {
        self.patch_item(id, sku, &json!({ "quantity": quantity.into() }))
    }

    /// Takes a product out of a cart.
    pub fn remove(&self, id: &str, sku: &str) -> Request {
        self.sign(Request::delete(&self.item_path(id, sku)))
    }
}

impl Session {
    /// The customer as one who has carts.
    pub fn shopper(&self) -> Shopper {
        Shopper::Customer(self.access_token.clone())
    }
}

/// The attributes of a cart that nothing is wrong with: gross prices in EUR.
pub fn new_cart() -> Value {
    json!({ "priceMode": "GROSS_MODE", "currency": "EUR", "store": "DE" })
}

/// A new cart of a customer.
pub fn insert_cart(session: &Session, attributes: &Value) -> Request {
    Request::post("/carts", &document("carts", attributes)).bearer(&session.access_token)
}

/// Something for the only cart of a guest, which is made if there is none, with these attributes.
pub fn post_guest_item(guest: &str, attributes: &Value) -> Request {
    Request::post("/guest-cart-items", &document("guest-cart-items", attributes)).header(GUEST, guest)
}

/// Pieces of a product for the only cart of a guest, which is made if there is none.
pub fn add_guest_item(guest: &str, sku: &str, quantity: impl Into<Value>) -> Request {
    post_guest_item(guest, &json!({ "sku": sku, "quantity": quantity.into() }))
}

impl Gateway {
    /// Puts products into a guest's cart and answers its id.
    ///
    /// # Panics
    /// Without products: a guest's cart comes with the first one.
    pub async fn fill(&self, guest: &str, items: &[(&str, u64)]) -> String {
        let mut id = None;
        for (sku, quantity) in items {
            let added = self.send(&add_guest_item(guest, sku, *quantity)).await.expect_status(201);
            id = Some(added.text("/data/id"));
        }
        id.expect("something to put into the cart")
    }

    /// Makes a customer a cart with these products and answers its id.
    pub async fn insert_cart(&self, session: &Session, attributes: &Value, items: &[(&str, u64)]) -> String {
        let id = self.send(&insert_cart(session, attributes)).await.expect_status(201).text("/data/id");
        for (sku, quantity) in items {
            self.send(&session.shopper().add(&id, sku, *quantity)).await.expect_status(201);
        }
        id
    }

    /// What is in a cart.
    ///
    /// # Panics
    /// Where the document does not hold every line that it names.
    pub async fn basket(&self, shopper: &Shopper, id: &str) -> Basket {
        let cart = self.send(&shopper.read_whole(id)).await.expect_status(200).json();
        let list = |pointer: &str| cart.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
        let included = list("/included");
        let named = list(&format!("/data/relationships/{}/data", shopper.items()));
        assert_eq!(named.len(), included.len(), "{cart}");
        let items = named.iter().map(|identifier| {
            let item = included.iter().find(|item| item.get("id") == identifier.get("id"));
            let item = item.unwrap_or_else(|| panic!("no {identifier} in {cart}"));
            let sku = item.pointer("/attributes/sku").and_then(Value::as_str).expect("a SKU");
            (sku.to_owned(), item.pointer("/attributes/quantity").and_then(Value::as_u64).expect("a quantity"))
        });
        Basket { id: id.to_owned(), items: items.collect() }
    }

    /// All carts of somebody, oldest first.
    ///
    /// # Panics
    /// Where the list is none.
    pub async fn baskets(&self, shopper: &Shopper) -> Vec<Basket> {
        let list = self.send(&shopper.list()).await.expect_status(200).json();
        let mut baskets = Vec::new();
        for cart in list.pointer("/data").and_then(Value::as_array).expect("a list of carts") {
            let id = cart.get("id").and_then(Value::as_str).expect("a cart's id");
            baskets.push(self.basket(shopper, id).await);
        }
        baskets
    }
}
