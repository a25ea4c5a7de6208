//! Carts and what is in them, whoever has them.

use domain::{
    Cart, CartChanges, CartId, Currency, CustomerId, GuestId, ItemRefusal, NewCart, Offer, Price, PriceMode, Quantity,
    Sku, SystemRandomness, TaxRate, UnitPrice,
};
use store::{
    CartOwner, CartRefusal, CartRules, ChangeCart, ChangeItemRefusal, DeleteCart, InsertCart, Store, StoreError,
};

use crate::common::{START, TestStore, after, at_once, cart_rules, on_both_engines};

pub fn sku(name: &str) -> Sku {
    Sku::parse(name).unwrap()
}

pub fn pieces(count: u32) -> Quantity {
    Quantity::new(count).unwrap()
}

pub fn currency(name: &str) -> Currency {
    Currency::parse(name).unwrap()
}

/// Sold for 10.00 EUR gross and 8.00 EUR net, and for as many CHF; as many as anybody wants.
pub fn offer(name: &str) -> Offer {
    let price = |name| Price { currency: currency(name), gross: Some(UnitPrice(1000)), net: Some(UnitPrice(800)) };
    Offer {
        sku: sku(name),
        abstract_sku: sku("abstract"),
        tax_rate: TaxRate::from_hundredths(1900).unwrap(),
        stock: None,
        prices: vec![price("EUR"), price("CHF")],
    }
}

/// The same, sold for EUR only.
pub fn euro_offer(name: &str) -> Offer {
    let mut offer = offer(name);
    offer.prices.truncate(1);
    offer
}

pub fn new_cart() -> NewCart {
    NewCart {
        id: CartId::generate(&SystemRandomness),
        price_mode: PriceMode::Gross,
        currency: currency("EUR"),
        store: "DE".to_owned(),
        name: None,
    }
}

/// A shop in which customers have up to three carts.
pub fn multi_cart() -> CartRules {
    CartRules { max_carts: 3, ..cart_rules(START) }
}

pub fn rules() -> CartRules {
    cart_rules(START)
}

pub fn guest(name: &str) -> GuestId {
    GuestId::of(name.as_bytes()).unwrap()
}

/// SKU and quantity of each line, in order.
pub fn lines(cart: &Cart) -> Vec<(&str, u32)> {
    cart.items.iter().map(|item| (item.sku.as_str(), item.quantity.get())).collect()
}

pub fn changed<R: std::fmt::Debug>(change: ChangeCart<R>) -> Cart {
    match change {
        ChangeCart::Changed(cart) => cart,
        other => panic!("it was not changed: {other:?}"),
    }
}

impl TestStore {
    /// Another cart of a customer's.
    pub async fn cart_of(&self, customer: CustomerId, rules: CartRules) -> Cart {
        match self.insert_cart(customer, new_cart(), rules).await.unwrap() {
            InsertCart::Inserted(cart) => cart,
            other => panic!("no cart: {other:?}"),
        }
    }

    /// Adds to a cart.
    pub async fn put(&self, owner: CartOwner, cart: &CartId, name: &str, count: u32) -> Cart {
        changed(self.add_item(owner, cart, offer(name), pieces(count), rules()).await.unwrap())
    }

    /// Adds to the cart of a guest, which is made where there is none.
    pub async fn put_as_guest(&self, guest: GuestId, name: &str, count: u32) -> Cart {
        changed(self.add_guest_item(guest, new_cart(), offer(name), pieces(count), rules()).await.unwrap())
    }

    /// The carts of somebody.
    pub async fn carts(&self, owner: CartOwner) -> Vec<Cart> {
        self.list_carts(owner, rules()).await.unwrap()
    }

    /// The only cart of somebody.
    pub async fn cart(&self, owner: CartOwner) -> Cart {
        let mut carts = self.carts(owner).await;
        assert_eq!(carts.len(), 1, "{carts:?}");
        carts.remove(0)
    }

    /// Pieces of everything in all carts, whoever has them.
    pub fn pieces_in_all_carts(&self) -> i64 {
        self.number("SELECT CAST(coalesce(sum(quantity), 0) AS BIGINT) AS value FROM cart_items")
    }

    pub fn count_carts(&self) -> i64 {
        self.number("SELECT count(*) AS value FROM carts")
    }
}

/// Adds at once, one piece each.
async fn add_one(store: Store, owner: CartOwner, cart: CartId, name: &'static str) -> ChangeCart<ItemRefusal> {
    store.add_item(owner, &cart, offer(name), pieces(1), rules()).await.unwrap()
}

on_both_engines! {
    async fn a_new_cart_is_as_it_was_ordered_and_the_default_one(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        assert_eq!(store.carts(CartOwner::Customer(mira)).await, []);
        let new = NewCart {
            price_mode: PriceMode::Net,
            currency: currency("CHF"),
            name: Some("Gifts".to_owned()),
            ..new_cart()
        };
        let InsertCart::Inserted(cart) = store.insert_cart(mira, new.clone(), rules()).await.unwrap() else {
            panic!("no cart");
        };
        assert_eq!(cart, Cart::new(new, true));
        assert_eq!((cart.name.as_str(), cart.store.as_str(), cart.totals()), ("Gifts", "DE", None));
        assert_eq!(store.cart(CartOwner::Customer(mira)).await, cart);
        assert_eq!(store.find_cart(CartOwner::Customer(mira), &cart.id, rules()).await.unwrap(), Some(cart));
    }

    async fn a_customer_has_as_many_carts_as_the_shop_allows(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let noor = store.account("noor@example.com").await.id;
        let first = store.cart_of(mira, rules()).await;
        assert_eq!(store.insert_cart(mira, new_cart(), rules()).await.unwrap(), InsertCart::Full);
        store.cart_of(noor, rules()).await;
        let (second, third) = (store.cart_of(mira, multi_cart()).await, store.cart_of(mira, multi_cart()).await);
        assert_eq!(store.insert_cart(mira, new_cart(), multi_cart()).await.unwrap(), InsertCart::Full);
        let carts = store.carts(CartOwner::Customer(mira)).await;
        let known: Vec<_> = carts.iter().map(|cart| (&cart.id, cart.is_default)).collect();
        assert_eq!(known, [(&first.id, false), (&second.id, false), (&third.id, true)], "oldest first");
        assert_ne!(carts[0].entity_tag(), first.entity_tag(), "it is not the default one any more");
    }

    async fn nobody_gets_a_cart_who_is_not_there(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        store.execute("UPDATE customers SET anonymised_at = 1");
        for customer in [mira, CustomerId(4711)] {
            assert_eq!(store.insert_cart(customer, new_cart(), rules()).await.unwrap(), InsertCart::Gone);
        }
        assert_eq!(store.count_carts(), 0);
    }

    async fn of_32_new_carts_at_once_there_are_as_many_as_may_be_and_one_default(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        for (rules, count) in [(rules(), 1), (multi_cart(), 3)] {
            at_once(32, |_| {
                let store = store.store.clone();
                async move { store.insert_cart(mira, new_cart(), rules).await.unwrap() }
            })
            .await;
            let carts = store.carts(CartOwner::Customer(mira)).await;
            assert_eq!(carts.len(), count);
            assert_eq!(carts.iter().filter(|cart| cart.is_default).count(), 1);
        }
    }

    async fn a_cart_is_there_for_its_owner_only(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let noor = store.account("noor@example.com").await.id;
        let of_mira = store.cart_of(mira, rules()).await;
        store.cart_of(noor, rules()).await;
        let of_mira = store.put(CartOwner::Customer(mira), &of_mira.id, "a", 2).await;
        let of_guest = store.put_as_guest(guest("one"), "a", 3).await;
        store.put_as_guest(guest("other"), "a", 1).await;
        let unknown = CartId::generate(&SystemRandomness);
        let everything = || {
            let dump = store.database.dump();
            let mut rows: Vec<String> = dump.lines().map(str::to_owned).collect();
            rows.sort();
            rows
        };
        let before = everything();
        for (owner, id) in [
            (CartOwner::Customer(noor), &of_mira.id),
            (CartOwner::Guest(guest("one")), &of_mira.id),
            (CartOwner::Guest(guest("other")), &of_guest.id),
            (CartOwner::Guest(guest("nobody")), &of_guest.id),
            (CartOwner::Customer(mira), &of_guest.id),
            (CartOwner::Customer(CustomerId(4711)), &of_mira.id),
            (CartOwner::Customer(mira), &unknown),
        ] {
            let what = format!("{owner:?} {id}");
            assert_eq!(store.find_cart(owner, id, rules()).await, Ok(None), "{what}");
            let added = store.add_item(owner, id, offer("a"), pieces(1), rules()).await;
            assert_eq!(added, Ok(ChangeCart::NotFound), "{what}");
            let item = store.change_item(owner, id, sku("a"), Some(offer("a")), pieces(9), rules()).await;
            assert_eq!(item, Ok(ChangeCart::NotFound), "{what}");
            assert_eq!(store.delete_item(owner, id, sku("a"), rules()).await, Ok(ChangeCart::NotFound), "{what}");
            let changes = CartChanges { name: Some("x".to_owned()), ..CartChanges::default() };
            let cart = store.update_cart(owner, id, changes, None, Vec::new(), rules()).await;
            assert_eq!(cart, Ok(ChangeCart::NotFound), "{what}");
            if let CartOwner::Customer(customer) = owner {
                assert_eq!(store.delete_cart(customer, id).await, Ok(DeleteCart::NotFound), "{what}");
            }
        }
        assert_eq!(everything(), before);
    }

    async fn items_add_up_and_keep_their_order(store: &TestStore) {
        let mira = CartOwner::Customer(store.account("mira@example.com").await.id);
        let CartOwner::Customer(customer) = mira else { unreachable!() };
        let id = store.cart_of(customer, rules()).await.id;
        for (name, count) in [("b", 1), ("a", 2), ("c", 3), ("a", 40), ("b", 500)] {
            store.put(mira, &id, name, count).await;
        }
        let cart = store.cart(mira).await;
        assert_eq!(lines(&cart), [("b", 501), ("a", 42), ("c", 3)]);
        let item = cart.item(&sku("a")).unwrap();
        assert_eq!((item.abstract_sku.as_str(), item.unit_price, item.tax_rate.hundredths()), ("abstract", UnitPrice(1000), 1900));
        assert_eq!(cart.totals().unwrap().grand_total, (501 + 42 + 3) * 1000);
        assert_eq!(store.find_cart(mira, &id, rules()).await, Ok(Some(cart)));
    }

    async fn a_line_has_the_price_of_the_last_time_it_was_changed(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        let at = |cents: u32, tax| {
            let mut offer = offer("a");
            offer.prices[0].gross = Some(UnitPrice(cents));
            offer.abstract_sku = sku("other");
            offer.tax_rate = TaxRate::from_hundredths(tax).unwrap();
            offer
        };
        let shown = |cart: &Cart| {
            let item = cart.item(&sku("a")).unwrap();
            (item.quantity.get(), item.unit_price.0, item.tax_rate.hundredths(), item.abstract_sku.to_string())
        };
        let cart = changed(store.add_item(owner, &id, at(1100, 700), pieces(1), rules()).await.unwrap());
        assert_eq!(shown(&cart), (2, 1100, 700, "other".to_owned()));
        let cart = changed(store.change_item(owner, &id, sku("a"), Some(at(1200, 1900)), pieces(5), rules()).await.unwrap());
        assert_eq!(shown(&cart), (5, 1200, 1900, "other".to_owned()));
        assert_eq!(store.cart(owner).await, cart, "and so it is stored");
        let cart = changed(store.change_item(owner, &id, sku("a"), None, pieces(4), rules()).await.unwrap());
        assert_eq!(shown(&cart), (4, 1200, 1900, "other".to_owned()), "not sold any more, but fewer can be had");
        assert_eq!(store.cart(owner).await, cart);
    }

    async fn what_does_not_fit_changes_nothing(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let small = CartRules { max_items: 2, ..rules() };
        let id = store.put_as_guest(guest("one"), "a", 3).await.id;
        let cart = store.put(owner, &id, "b", Quantity::MAX).await;
        let scarce = Offer { stock: Some(4), ..offer("a") };
        let unpriced = Offer { prices: Vec::new(), ..offer("a") };
        let eur = currency("EUR");
        for (offer, count, refusal) in [
            (offer("c"), 1, ItemRefusal::Full(2)),
            (offer("b"), 1, ItemRefusal::TooMany),
            (scarce.clone(), 2, ItemRefusal::OutOfStock(4)),
            (unpriced.clone(), 1, ItemRefusal::NoPrice(eur)),
        ] {
            let outcome = store.add_item(owner, &id, offer.clone(), pieces(count), small).await.unwrap();
            assert_eq!(outcome, ChangeCart::Refused(refusal));
            let outcome = store.add_guest_item(guest("one"), new_cart(), offer, pieces(count), small).await.unwrap();
            assert_eq!(outcome, ChangeCart::Refused(refusal));
        }
        for (name, offer, count, refusal) in [
            ("a", Some(scarce.clone()), 5, ChangeItemRefusal::Item(ItemRefusal::OutOfStock(4))),
            ("a", Some(unpriced), 4, ChangeItemRefusal::Item(ItemRefusal::NoPrice(eur))),
            ("a", None, 4, ChangeItemRefusal::Item(ItemRefusal::NoPrice(eur))),
            ("c", Some(offer("c")), 1, ChangeItemRefusal::NotInCart),
            ("c", None, 1, ChangeItemRefusal::NotInCart),
        ] {
            let outcome = store.change_item(owner, &id, sku(name), offer, pieces(count), small).await.unwrap();
            assert_eq!(outcome, ChangeCart::Refused(refusal), "{count} of {name}");
        }
        let outcome = store.delete_item(owner, &id, sku("c"), small).await.unwrap();
        assert_eq!(outcome, ChangeCart::Refused(()));
        assert_eq!(store.cart(owner).await, cart);
        changed(store.change_item(owner, &id, sku("a"), Some(scarce), pieces(4), small).await.unwrap());
    }

    async fn an_item_can_be_taken_out_and_put_in_again(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        store.put(owner, &id, "b", 1).await;
        let cart = changed(store.delete_item(owner, &id, sku("a"), rules()).await.unwrap());
        assert_eq!(lines(&cart), [("b", 1)]);
        assert_eq!(lines(&store.put(owner, &id, "a", 7).await), [("b", 1), ("a", 7)]);
        for name in ["a", "b"] {
            store.delete_item(owner, &id, sku(name), rules()).await.unwrap();
        }
        let cart = store.cart(owner).await;
        assert_eq!((lines(&cart), cart.totals().map(|totals| totals.grand_total)), (Vec::new(), Some(0)));
    }

    async fn each_change_of_a_cart_changes_its_tag_and_nothing_else_does(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let owner = CartOwner::Customer(mira);
        let id = store.cart_of(mira, multi_cart()).await.id;
        let mut tags = vec![store.cart(owner).await.entity_tag()];
        let tag = async || store.find_cart(owner, &id, rules()).await.unwrap().unwrap().entity_tag();
        store.put(owner, &id, "a", 1).await;
        tags.push(tag().await);
        store.change_item(owner, &id, sku("a"), Some(offer("a")), pieces(2), rules()).await.unwrap();
        tags.push(tag().await);
        let changes = CartChanges { name: Some("x".to_owned()), ..CartChanges::default() };
        store.update_cart(owner, &id, changes, None, Vec::new(), rules()).await.unwrap();
        tags.push(tag().await);
        store.delete_item(owner, &id, sku("a"), rules()).await.unwrap();
        tags.push(tag().await);
        let other = store.cart_of(mira, multi_cart()).await.id;
        tags.push(tag().await);
        assert_eq!(store.delete_cart(mira, &other).await, Ok(DeleteCart::Deleted));
        tags.push(tag().await);
        store.delete_item(owner, &id, sku("a"), rules()).await.unwrap();
        assert_eq!(tags.last(), Some(&tag().await), "a refusal changes nothing");
        assert!(tags.iter().all(|tag| tag.len() == 32));
        let count = tags.len();
        tags.sort();
        tags.dedup();
        assert_eq!(tags.len(), count);
    }

    async fn a_cart_takes_what_is_changed_and_keeps_the_rest(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 2).await.id;
        let update = async |changes: CartChanges, offers: Vec<Offer>| {
            store.update_cart(owner, &id, changes, None, offers, rules()).await.unwrap()
        };
        let renamed = changed(update(CartChanges { name: Some("Gifts".to_owned()), ..CartChanges::default() }, vec![]).await);
        assert_eq!((renamed.name.as_str(), lines(&renamed)), ("Gifts", vec![("a", 2)]));
        let chf = CartChanges { currency: Some(currency("CHF")), ..CartChanges::default() };
        for offers in [Vec::new(), vec![euro_offer("a"), offer("b")]] {
            let outcome = update(chf.clone(), offers).await;
            assert_eq!(outcome, ChangeCart::Refused(CartRefusal::NoPrice(sku("a"))));
        }
        let net = CartChanges { price_mode: Some(PriceMode::Net), ..CartChanges::default() };
        assert_eq!(update(net.clone(), vec![offer("a")]).await, ChangeCart::Refused(CartRefusal::PriceModeFixed));
        assert_eq!(store.cart(owner).await, renamed);
        let same = CartChanges { price_mode: Some(PriceMode::Gross), currency: Some(currency("EUR")), name: None };
        assert_eq!(lines(&changed(update(same, vec![]).await)), [("a", 2)]);
        let mut dear = offer("a");
        dear.prices[1].gross = Some(UnitPrice(1500));
        let swiss = changed(update(chf, vec![dear]).await);
        assert_eq!((swiss.currency, swiss.items[0].unit_price, lines(&swiss)), (currency("CHF"), UnitPrice(1500), vec![("a", 2)]));
        assert_eq!(store.cart(owner).await, swiss);
        store.delete_item(owner, &id, sku("a"), rules()).await.unwrap();
        let net = changed(update(net, vec![]).await);
        assert_eq!((net.price_mode, net.name.as_str()), (PriceMode::Net, "Gifts"));
        assert_eq!(store.put(owner, &id, "a", 1).await.items[0].unit_price, UnitPrice(800));
    }

    async fn only_who_knows_a_cart_as_it_is_changes_it(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let cart = store.cart_of(mira, rules()).await;
        let rename = async |name: &str, tag: &str| {
            let changes = CartChanges { name: Some(name.to_owned()), ..CartChanges::default() };
            let (owner, tag) = (CartOwner::Customer(mira), Some(tag.to_owned()));
            store.update_cart(owner, &cart.id, changes, tag, Vec::new(), rules()).await.unwrap()
        };
        let first = changed(rename("first", &cart.entity_tag()).await);
        for tag in [cart.entity_tag(), String::new(), "x".to_owned()] {
            assert_eq!(rename("second", &tag).await, ChangeCart::Refused(CartRefusal::WrongTag));
        }
        assert_eq!(store.cart(CartOwner::Customer(mira)).await, first);
        changed(rename("second", &first.entity_tag()).await);
    }

    async fn of_32_changes_with_one_tag_one_counts(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let cart = store.cart_of(mira, rules()).await;
        let outcomes = at_once(32, |index| {
            let (store, id, tag) = (store.store.clone(), cart.id.clone(), cart.entity_tag());
            let changes = CartChanges { name: Some(index.to_string()), ..CartChanges::default() };
            async move {
                let owner = CartOwner::Customer(mira);
                store.update_cart(owner, &id, changes, Some(tag), Vec::new(), rules()).await.unwrap()
            }
        })
        .await;
        let (changed, refused): (Vec<_>, Vec<_>) =
            outcomes.into_iter().partition(|outcome| matches!(outcome, ChangeCart::Changed(_)));
        assert_eq!(changed, [ChangeCart::Changed(store.cart(CartOwner::Customer(mira)).await)]);
        assert!(refused.iter().all(|outcome| *outcome == ChangeCart::Refused(CartRefusal::WrongTag)), "{refused:?}");
    }

    async fn each_of_64_pieces_added_at_once_is_there(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let owner = CartOwner::Customer(mira);
        let id = store.cart_of(mira, rules()).await.id;
        at_once(64, |index| add_one(store.store.clone(), owner, id.clone(), ["a", "b"][index % 2])).await;
        let cart = store.cart(owner).await;
        assert_eq!((cart.item(&sku("a")).unwrap().quantity.get(), cart.item(&sku("b")).unwrap().quantity.get()), (32, 32));
        assert_eq!(cart.version, 65, "one state after the other");
    }

    async fn pieces_are_added_before_or_after_a_quantity_is_set_and_never_lost_in_between(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        let outcomes = at_once(32, |index| {
            let (store, id) = (store.store.clone(), id.clone());
            async move {
                if index == 16 {
                    let set = store.change_item(owner, &id, sku("a"), Some(offer("a")), pieces(1000), rules());
                    changed(set.await.unwrap())
                } else {
                    changed(add_one(store, owner, id, "a").await)
                }
            }
        })
        .await;
        let set = outcomes.iter().find(|cart| cart.items[0].quantity == pieces(1000)).unwrap();
        let later = outcomes.iter().filter(|cart| cart.version > set.version).count();
        let sum = store.cart(owner).await.items[0].quantity.get();
        assert_eq!(sum, 1000 + u32::try_from(later).unwrap());
    }

    async fn a_customer_keeps_a_cart_and_has_a_default_one(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let owner = CartOwner::Customer(mira);
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(store.cart_of(mira, multi_cart()).await.id);
            store.put(owner, &ids[ids.len() - 1], "a", 1).await;
        }
        let default = async || {
            let carts = store.carts(owner).await;
            let mut defaults = carts.into_iter().filter(|cart| cart.is_default);
            let default = defaults.next().unwrap();
            assert_eq!(defaults.next(), None);
            default.id
        };
        assert_eq!(store.delete_cart(mira, &ids[0]).await, Ok(DeleteCart::Deleted));
        assert_eq!(default().await, ids[2], "another one went");
        let third = store.cart_of(mira, multi_cart()).await.id;
        assert_eq!(store.delete_cart(mira, &third).await, Ok(DeleteCart::Deleted));
        assert_eq!(default().await, ids[2], "the newest of those that are left");
        assert_eq!(store.delete_cart(mira, &third).await, Ok(DeleteCart::NotFound));
        assert_eq!(store.delete_cart(mira, &ids[2]).await, Ok(DeleteCart::Deleted));
        assert_eq!(default().await, ids[1]);
        assert_eq!(store.delete_cart(mira, &ids[1]).await, Ok(DeleteCart::Last));
        assert_eq!(lines(&store.cart(owner).await), [("a", 1)]);
        assert_eq!((store.count_carts(), store.pieces_in_all_carts()), (1, 1), "what was in a cart goes with it");
    }

    async fn of_carts_that_are_removed_at_once_one_stays(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(store.cart_of(mira, multi_cart()).await.id);
        }
        let outcomes = at_once(3, |index| {
            let (store, id) = (store.store.clone(), ids[index].clone());
            async move { store.delete_cart(mira, &id).await.unwrap() }
        })
        .await;
        assert_eq!(outcomes.iter().filter(|outcome| **outcome == DeleteCart::Last).count(), 1, "{outcomes:?}");
        assert!(store.cart(CartOwner::Customer(mira)).await.is_default);
    }

    async fn a_piece_is_added_to_a_cart_or_there_is_no_such_cart(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let owner = CartOwner::Customer(mira);
        let (id, _other) = (store.cart_of(mira, multi_cart()).await.id, store.cart_of(mira, multi_cart()).await);
        at_once(16, |index| {
            let (store, id) = (store.store.clone(), id.clone());
            async move {
                if index == 8 {
                    assert_eq!(store.delete_cart(mira, &id).await, Ok(DeleteCart::Deleted));
                } else {
                    let outcome = add_one(store, owner, id, "a").await;
                    assert!(matches!(outcome, ChangeCart::Changed(_) | ChangeCart::NotFound), "{outcome:?}");
                }
            }
        })
        .await;
        assert_eq!((store.count_carts(), store.pieces_in_all_carts()), (1, 0));
    }

    async fn a_cart_that_could_not_have_been_written_here_is_not_shown(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        for (column, sql) in [
            ("currency", "UPDATE carts SET currency = 'eur'"),
            ("uuid", "UPDATE carts SET uuid = 'x', currency = 'EUR'"),
        ] {
            store.execute(sql);
            let outcome = store.list_carts(owner, rules()).await;
            assert_eq!(outcome, Err(StoreError::Corrupt { table: "carts", column }));
        }
        store.execute(&format!("UPDATE carts SET uuid = '{id}'"));
        for (column, sql) in [
            ("unit_price", "UPDATE cart_items SET unit_price = 4294967296"),
            ("sku", "UPDATE cart_items SET unit_price = 1, sku = ''"),
            ("abstract_sku", "UPDATE cart_items SET sku = 'a', abstract_sku = ' '"),
        ] {
            store.execute(sql);
            let outcome = store.find_cart(owner, &id, rules()).await;
            assert_eq!(outcome, Err(StoreError::Corrupt { table: "cart_items", column }));
        }
    }

    async fn who_leaves_takes_their_carts_along(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let id = store.cart_of(mira, rules()).await.id;
        store.put(CartOwner::Customer(mira), &id, "a", 1).await;
        let replacement = domain::EmailAddress::parse("nobody@example.com").unwrap();
        assert_eq!(store.anonymise_customer(mira, replacement, after(1)).await, Ok(true));
        assert_eq!((store.count_carts(), store.pieces_in_all_carts()), (0, 0));
        assert_eq!(store.carts(CartOwner::Customer(mira)).await, []);
    }
}
