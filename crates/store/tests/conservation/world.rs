//! One interleaving's own guests, addresses and carts in a database that it shares with others.

use std::collections::HashMap;
use std::time::Duration;

use domain::{
    Account, Cart, CartId, Currency, CustomerId, Digest, DoubleOptIn, EmailAddress, GuestId, Locale, MessageId,
    NewCart, Offer, PasswordHash, Price, PriceMode, Profile, Quantity, Reregistration, SecretPurpose, Sku,
    SystemRandomness, TaxRate, Timestamp, UnitPrice,
};
use store::{
    CartOwner, CartRules, ChangeCart, ChangeItemRefusal, ClaimOutcome, DeleteCart, InsertCart, KeyOutcome, NewClaim,
    NewKey, Store, StoreError, TakeOver,
};
use tokio::time::timeout;

use crate::model::{ADDRESSES, Holder, Line, MAX_CLAIMS, Outcome, PRODUCTS};
use crate::script::{Deed, Shop, Step, Who};

/// The moment at which all of this happens.
pub const NOW: Timestamp = Timestamp::from_micros(1_772_619_300_123_456);

/// After which a step is held to have no end.
const ENDLESS: Duration = Duration::from_secs(20);

/// What is said of such a step.
pub const HAS_NO_END: &str = "has no end";

/// A row of `carts`, and its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub customer: Option<i64>,
    pub guest: Option<Vec<u8>>,
    pub returns_to: Option<Vec<u8>>,
    pub is_default: bool,
    pub lines: Vec<Line>,
}

/// Does what steps say, and remembers who is who.
#[derive(Clone)]
pub struct World {
    store: Store,
    shop: Shop,
    number: u32,
    claims: HashMap<u32, (CustomerId, usize)>,
    keys: HashMap<u32, Digest>,
    owners: [Option<CustomerId>; ADDRESSES],
}

impl World {
    pub fn new(store: Store, shop: Shop, number: u32) -> Self {
        Self { store, shop, number, claims: HashMap::new(), keys: HashMap::new(), owners: [None; ADDRESSES] }
    }

    /// What UUIDs of its carts begin with.
    pub fn prefix(&self) -> String {
        format!("{:08x}", self.number)
    }

    /// The cart that a step makes.
    pub fn uuid(&self, step: u32) -> String {
        format!("{}-0000-4000-8000-{step:012x}", self.prefix())
    }

    /// The step that made a cart.
    fn step(id: &CartId) -> u32 {
        u32::from_str_radix(&id.as_str()[28..], 16).unwrap()
    }

    fn guest(&self, guest: usize) -> GuestId {
        GuestId::of(format!("{}-{guest}", self.number).as_bytes()).unwrap()
    }

    fn email(&self, address: usize) -> EmailAddress {
        EmailAddress::parse(&format!("w{}a{address}@example.com", self.number)).unwrap()
    }

    fn owner(&self, who: Who) -> Option<CartOwner> {
        Some(match who {
            Who::Guest(guest) => CartOwner::Guest(self.guest(guest)),
            Who::Customer(address) => CartOwner::Customer(self.owners[address]?),
        })
    }

    fn id(&self, cart: u32) -> CartId {
        CartId::parse(&self.uuid(cart)).unwrap()
    }

    fn rules(&self) -> CartRules {
        CartRules {
            max_items: self.shop.max_items,
            max_carts: i64::try_from(self.shop.max_carts).unwrap(),
            guest_cart_lifetime: Duration::from_secs(1000),
            shows_returned: !self.shop.hide_taken,
            now: NOW,
        }
    }

    fn new_cart(&self, step: u32) -> NewCart {
        let (price_mode, currency) = (PriceMode::Gross, Currency::parse("EUR").unwrap());
        NewCart { id: self.id(step), price_mode, currency, store: "DE".to_owned(), name: None }
    }

    /// How the row of a cart must look.
    pub fn row(&self, cart: &crate::model::Cart) -> Row {
        let digest = |guest: usize| Some(self.guest(guest).as_bytes().to_vec());
        let (customer, guest, returns_to) = match cart.holder {
            Holder::Guest(guest) => (None, digest(guest), None),
            Holder::Customer(customer, guest) => (Some(self.claims[&customer].0.0), None, guest.and_then(digest)),
            Holder::Returned(guest) => (None, None, digest(guest)),
        };
        Row { customer, guest, returns_to, is_default: cart.is_default, lines: cart.lines.clone() }
    }

    /// Does a step, and tells what it comes to and what is to be [learnt](Self::learn); or what went wrong.
    pub async fn act(&self, step: &Step) -> Result<(Outcome, Option<Learned>), String> {
        match timeout(ENDLESS, self.do_step(step)).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(format!("{step:?} failed: {error}")),
            Err(_) => Err(format!("{step:?} {HAS_NO_END}")),
        }
    }

    async fn do_step(&self, step: &Step) -> Result<(Outcome, Option<Learned>), StoreError> {
        let store = &self.store;
        let outcome = match step.deed {
            Deed::AddFirst { guest, product, pieces } => {
                let (guest, new) = (self.guest(guest), self.new_cart(step.number));
                let added = store.add_guest_item(guest, new, offer(product), quantity(pieces), self.rules()).await?;
                changed(added, |_| Outcome::Refused)
            }
            Deed::Add { who, cart, product, pieces } => {
                let Some(owner) = self.owner(who) else { return Ok((Outcome::Nothing, None)) };
                let (id, offer) = (self.id(cart), offer(product));
                let added = store.add_item(owner, &id, offer, quantity(pieces), self.rules()).await?;
                changed(added, |_| Outcome::Refused)
            }
            Deed::Change { who, cart, product, pieces } => {
                let Some(owner) = self.owner(who) else { return Ok((Outcome::Nothing, None)) };
                let (id, offer) = (self.id(cart), Some(offer(product)));
                let done = store.change_item(owner, &id, sku(product), offer, quantity(pieces), self.rules()).await?;
                changed(done, |refusal| match refusal {
                    ChangeItemRefusal::NotInCart => Outcome::NotInCart,
                    ChangeItemRefusal::Item(_) => Outcome::Refused,
                })
            }
            Deed::Remove { who, cart, product } => {
                let Some(owner) = self.owner(who) else { return Ok((Outcome::Nothing, None)) };
                let removed = store.delete_item(owner, &self.id(cart), sku(product), self.rules()).await?;
                changed(removed, |()| Outcome::NotInCart)
            }
            Deed::Register { address, guest } => return self.register(step.number, address, guest).await,
            Deed::Mail { claim } => return self.mail(step.number, claim).await,
            Deed::Confirm { claim } => return self.confirm(step.number, claim).await,
            Deed::LogIn { address, guest } => {
                let login = store.find_login(self.email(address).canonical()).await?;
                let Some(customer) = login.filter(|login| login.customer.confirmed().is_some()) else {
                    return Ok((Outcome::Nothing, None));
                };
                let customer = customer.customer.confirmed().unwrap().account().id;
                if let Some(guest) = guest {
                    let how = if self.shop.merges { TakeOver::Merge } else { TakeOver::Convert };
                    store.take_guest_cart(customer, self.guest(guest), how, Vec::new(), self.rules()).await?;
                }
                Outcome::Done
            }
            Deed::NewCart { address } => {
                let Some(customer) = self.owners[address] else { return Ok((Outcome::Nothing, None)) };
                match store.insert_cart(customer, self.new_cart(step.number), self.rules()).await? {
                    InsertCart::Inserted(cart) => show(&cart),
                    InsertCart::Full => Outcome::Refused,
                    InsertCart::Gone => Outcome::NotFound,
                }
            }
            Deed::DropCart { address, cart } => {
                let Some(customer) = self.owners[address] else { return Ok((Outcome::Nothing, None)) };
                match store.delete_cart(customer, &self.id(cart)).await? {
                    DeleteCart::Deleted => Outcome::Done,
                    DeleteCart::NotFound => Outcome::NotFound,
                    DeleteCart::Last => Outcome::Refused,
                }
            }
            Deed::List { who } => {
                let Some(owner) = self.owner(who) else { return Ok((Outcome::Nothing, None)) };
                let carts = store.list_carts(owner, self.rules()).await?;
                Outcome::Carts(carts.iter().map(|cart| (Self::step(&cart.id), lines(cart))).collect())
            }
        };
        Ok((outcome, None))
    }

    async fn register(
        &self,
        step: u32,
        address: usize,
        guest: Option<usize>,
    ) -> Result<(Outcome, Option<Learned>), StoreError> {
        let claim = NewClaim {
            email: self.email(address),
            password_hash: Some(PasswordHash::from_stored("$argon2id$test".to_owned())),
            profile: Profile::default(),
            locale: Locale::parse("de_DE").unwrap(),
            store: "DE".to_owned(),
            reference_prefix: "DE".to_owned(),
            consents: Vec::new(),
            double_opt_in: DoubleOptIn::Required,
            reregistration: Reregistration::Claim,
            hide_taken: self.shop.hide_taken,
            phone_is_unique: false,
            max_open_claims: i64::try_from(MAX_CLAIMS).unwrap(),
            message_id: MessageId::generate(&SystemRandomness),
            notice_cool_down: Duration::from_secs(60),
            guest: guest.map(|guest| (self.guest(guest), self.rules())),
            now: NOW,
        };
        let ClaimOutcome::Inserted(Account { id, .. }) = self.store.insert_claim(claim).await? else {
            return Ok((Outcome::Nothing, None));
        };
        Ok((Outcome::Done, Some(Learned::Claim { claim: step, id, address })))
    }

    async fn mail(&self, step: u32, claim: u32) -> Result<(Outcome, Option<Learned>), StoreError> {
        let Some((customer, _)) = self.claims.get(&claim) else { return Ok((Outcome::Nothing, None)) };
        let digest = Digest::of(&format!("{}-{step}", self.number));
        let key = NewKey {
            customer: *customer,
            purpose: SecretPurpose::Confirmation,
            digest,
            code: None,
            is_code: false,
            expires_at: None,
            email: None,
            message: None,
            notice_id: MessageId::generate(&SystemRandomness),
            notice_cool_down: Duration::from_secs(60),
            now: NOW,
        };
        Ok(match self.store.insert_key(key).await? {
            KeyOutcome::Inserted => (Outcome::Done, Some(Learned::Key { claim, digest })),
            KeyOutcome::Settled => (Outcome::Nothing, None),
        })
    }

    async fn confirm(&self, step: u32, claim: u32) -> Result<(Outcome, Option<Learned>), StoreError> {
        let Some((_, address)) = self.claims.get(&claim) else { return Ok((Outcome::Nothing, None)) };
        let key = match self.keys.get(&claim) {
            Some(key) => *key,
            None => match self.mail(step, claim).await? {
                (_, Some(Learned::Key { digest, .. })) => digest,
                _ => return Ok((Outcome::Nothing, None)),
            },
        };
        Ok(match self.store.confirm_by_key(key, NOW).await? {
            Some(id) => (Outcome::Done, Some(Learned::Owner { claim, key, address: *address, id })),
            None => (Outcome::Nothing, None),
        })
    }

    /// Takes in what a step told.
    pub fn learn(&mut self, learned: Learned) {
        match learned {
            Learned::Claim { claim, id, address } => {
                self.claims.insert(claim, (id, address));
            }
            Learned::Key { claim, digest } => {
                self.keys.insert(claim, digest);
            }
            Learned::Owner { claim, key, address, id } => {
                self.keys.insert(claim, key);
                self.owners[address] = Some(id);
            }
        }
    }
}

/// What a step tells about customers.
#[derive(Clone, Copy)]
pub enum Learned {
    Claim { claim: u32, id: CustomerId, address: usize },
    Key { claim: u32, digest: Digest },
    Owner { claim: u32, key: Digest, address: usize, id: CustomerId },
}

fn changed<R>(change: ChangeCart<R>, refused: impl FnOnce(R) -> Outcome) -> Outcome {
    match change {
        ChangeCart::Changed(cart) => show(&cart),
        ChangeCart::NotFound => Outcome::NotFound,
        ChangeCart::Refused(refusal) => refused(refusal),
    }
}

fn show(cart: &Cart) -> Outcome {
    Outcome::Cart(World::step(&cart.id), lines(cart))
}

fn lines(cart: &Cart) -> Vec<Line> {
    cart.items.iter().map(|item| (product_of(item.sku.as_str()), item.quantity.get())).collect()
}

fn sku(product: usize) -> Sku {
    Sku::parse(&format!("p{product}")).unwrap()
}

/// The product of a SKU.
pub fn product_of(sku: &str) -> usize {
    sku[1..].parse().unwrap()
}

fn quantity(pieces: u32) -> Quantity {
    Quantity::new(pieces).unwrap()
}

fn offer(product: usize) -> Offer {
    assert!(product <= PRODUCTS);
    let currency = Currency::parse("EUR").unwrap();
    Offer {
        sku: sku(product),
        abstract_sku: sku(product),
        tax_rate: TaxRate::from_hundredths(1900).unwrap(),
        stock: None,
        prices: vec![Price { currency, gross: Some(UnitPrice(100)), net: None }],
    }
}
