//! The carts of guests, and how they change hands.

use domain::{CartId, CustomerId, DoubleOptIn, GuestId, ItemRefusal, NewCart, Offer, PriceMode, Quantity};
use store::{CartOwner, CartRules, ChangeCart, ClaimOutcome, KeyOutcome, NewClaim, TakeOver};

use crate::carts::{changed, currency, euro_offer, guest, lines, multi_cart, new_cart, offer, pieces, rules, sku};
use crate::common::{START, TestStore, after, at_once, claim, inserted, new_key, on_both_engines};

const DAY: u64 = 86_400;

/// A sign-up with the guest's header.
fn sign_up(email: &str, guest: GuestId, rules: CartRules) -> NewClaim {
    NewClaim { guest: Some((guest, rules)), ..claim(email) }
}

/// The rules at a later moment.
fn at(seconds: u64) -> CartRules {
    CartRules { now: after(seconds), ..rules() }
}

impl TestStore {
    async fn sign_up(&self, email: &str, guest: GuestId) -> CustomerId {
        inserted(self.insert_claim(sign_up(email, guest, rules())).await.unwrap()).id
    }

    async fn confirm(&self, claim: CustomerId) {
        let key = self.key(claim, &format!("key of {claim}")).await;
        assert_eq!(self.confirm_by_key(key, START).await, Ok(Some(claim)));
    }

    /// Logs in, and tells what stayed for want of a price.
    async fn log_in_as(&self, customer: CustomerId, guest: GuestId, how: TakeOver) -> Vec<String> {
        let stayed = self.take_guest_cart(customer, guest, how, Vec::new(), multi_cart()).await.unwrap();
        stayed.into_iter().map(|sku| sku.to_string()).collect()
    }

    async fn guest_carts(&self, guest: GuestId) -> usize {
        self.carts(CartOwner::Guest(guest)).await.len()
    }

    /// A guest whose cart came back: a rival on the address was quicker. Tells the cart.
    async fn come_back(&self, guest: GuestId, name: &str, count: u32) -> CartId {
        let id = self.put_as_guest(guest, name, count).await.id;
        let email = format!("contended{id}@example.com");
        self.sign_up(&email, guest).await;
        let winner = self.claim(&email).await.id;
        self.confirm(winner).await;
        id
    }
}

on_both_engines! {
    async fn the_first_piece_makes_the_cart_and_the_others_go_into_it(store: &TestStore) {
        let new = NewCart { price_mode: PriceMode::Net, currency: currency("CHF"), ..new_cart() };
        let first = changed(store.add_guest_item(guest("one"), new.clone(), offer("a"), pieces(2), rules()).await.unwrap());
        assert_eq!((&first.id, first.price_mode, first.currency, first.is_default), (&new.id, PriceMode::Net, currency("CHF"), true));
        assert_eq!((first.name.as_str(), first.store.as_str()), ("Shopping cart", "DE"));
        let second = store.put_as_guest(guest("one"), "b", 3).await;
        assert_eq!((&second.id, second.currency, lines(&second)), (&new.id, currency("CHF"), vec![("a", 2), ("b", 3)]));
        assert_eq!(store.cart(CartOwner::Guest(guest("one"))).await, second);
        assert_eq!(store.find_cart(CartOwner::Guest(guest("one")), &new.id, rules()).await, Ok(Some(second)));
        assert_eq!(store.guest_carts(guest("other")).await, 0);
        assert_eq!(store.texts("SELECT uuid AS value FROM carts"), [new.id.as_str()]);
    }

    async fn a_piece_that_does_not_fit_makes_no_cart(store: &TestStore) {
        let sold_out = Offer { stock: Some(0), ..offer("a") };
        let outcome = store.add_guest_item(guest("one"), new_cart(), sold_out, pieces(1), rules()).await;
        assert_eq!(outcome, Ok(ChangeCart::Refused(ItemRefusal::OutOfStock(0))));
        assert_eq!(store.count_carts(), 0);
    }

    async fn of_first_pieces_at_once_each_is_in_the_one_cart(store: &TestStore) {
        // The first guest's pieces find no connections yet, and meet less often.
        for (round, count) in [64, 16, 16, 16, 16].into_iter().enumerate() {
            let guest = guest(&round.to_string());
            let carts = at_once(count, |_| {
                let store = store.store.clone();
                async move {
                    changed(store.add_guest_item(guest, new_cart(), offer("a"), pieces(1), rules()).await.unwrap())
                }
            })
            .await;
            let cart = store.cart(CartOwner::Guest(guest)).await;
            assert_eq!(lines(&cart), [("a", u32::try_from(count).unwrap())]);
            assert!(carts.iter().all(|shown| shown.id == cart.id));
        }
        assert_eq!(store.count_carts(), 5);
    }

    async fn a_cart_that_nobody_changes_for_long_is_gone(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        changed(store.add_item(owner, &id, offer("a"), pieces(1), at(10 * DAY)).await.unwrap());
        let last = 40 * DAY - 1;
        assert_eq!(store.list_carts(owner, at(last)).await.unwrap().len(), 1, "reading does not prolong it");
        assert_eq!(store.count_expired_carts(at(last)).await, Ok(0));
        let late = at(40 * DAY);
        assert_eq!(store.list_carts(owner, late).await, Ok(Vec::new()));
        assert_eq!(store.find_cart(owner, &id, late).await, Ok(None));
        assert_eq!(store.add_item(owner, &id, offer("a"), pieces(1), late).await, Ok(ChangeCart::NotFound));
        assert_eq!(store.count_expired_carts(late).await, Ok(1));
        let mira = store.account("mira@example.com").await.id;
        store.take_guest_cart(mira, guest("one"), TakeOver::Merge, Vec::new(), late).await.unwrap();
        inserted(store.insert_claim(sign_up("noor@example.com", guest("one"), late)).await.unwrap());
        assert_eq!(store.number("SELECT count(*) AS value FROM carts WHERE customer_id IS NOT NULL"), 0);
        let cart = changed(store.add_guest_item(guest("one"), new_cart(), offer("b"), pieces(1), late).await.unwrap());
        assert_ne!(cart.id, id);
        assert_eq!((lines(&cart), store.count_carts(), store.count_expired_carts(late).await), (vec![("b", 1)], 1, Ok(0)));
    }

    async fn carts_that_are_gone_are_cleared_away_some_at_a_time(store: &TestStore) {
        for day in 0..5 {
            let (guest, rules) = (guest(&day.to_string()), at(day * DAY));
            store.add_guest_item(guest, new_cart(), offer("a"), pieces(1), rules).await.unwrap();
        }
        let mira = store.account("mira@example.com").await.id;
        store.cart_of(mira, rules()).await;
        let returned = store.come_back(guest("returned"), "a", 1).await;
        let late = at(33 * DAY);
        assert_eq!(store.count_expired_carts(late).await, Ok(5), "those of four days, and the one that came back");
        for count in [2, 2, 1, 0] {
            assert_eq!(store.delete_expired_carts(late, 2).await, Ok(count));
        }
        assert_eq!(store.count_expired_carts(late).await, Ok(0));
        assert_eq!((store.count_carts(), store.pieces_in_all_carts()), (2, 1), "customers' carts stay, and the fifth day's");
        assert_eq!(store.find_cart(CartOwner::Guest(guest("returned")), &returned, rules()).await, Ok(None));
    }

    async fn who_signs_up_takes_their_cart_along(store: &TestStore) {
        let before = store.put_as_guest(guest("one"), "a", 2).await;
        store.put_as_guest(guest("other"), "a", 1).await;
        let mira = store.sign_up("mira@example.com", guest("one")).await;
        let owner = CartOwner::Guest(guest("one"));
        assert_eq!(store.guest_carts(guest("one")).await, 0);
        assert_eq!(store.find_cart(owner, &before.id, rules()).await, Ok(None));
        assert_eq!(store.add_item(owner, &before.id, offer("a"), pieces(1), rules()).await, Ok(ChangeCart::NotFound));
        store.confirm(mira).await;
        let cart = store.cart(CartOwner::Customer(mira)).await;
        assert_eq!((&cart.id, &cart.items, cart.is_default), (&before.id, &before.items, true));
        assert_ne!(cart.entity_tag(), before.entity_tag());
        assert_eq!(store.guest_carts(guest("one")).await, 0);
        assert_eq!(store.guest_carts(guest("other")).await, 1);
        assert_ne!(store.put_as_guest(guest("one"), "b", 1).await.id, before.id, "a guest who goes on has a new one");
    }

    async fn who_has_no_cart_or_is_refused_takes_none_along(store: &TestStore) {
        let mira = store.sign_up("mira@example.com", guest("none")).await;
        assert_eq!(store.carts(CartOwner::Customer(mira)).await, []);
        store.confirm(mira).await;
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        let outcome = store.insert_claim(sign_up("mira@example.com", guest("one"), rules())).await.unwrap();
        assert!(matches!(outcome, ClaimOutcome::Taken));
        assert_eq!(store.cart(CartOwner::Guest(guest("one"))).await.id, id);
    }

    async fn a_cart_without_items_goes_along_too(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        store.delete_item(owner, &id, sku("a"), rules()).await.unwrap();
        let mira = store.sign_up("mira@example.com", guest("one")).await;
        assert_eq!(store.cart(CartOwner::Customer(mira)).await.id, id);
        assert_eq!(store.guest_carts(guest("one")).await, 0);
    }

    async fn who_signs_up_again_takes_it_all_along(store: &TestStore) {
        let first = store.put_as_guest(guest("one"), "a", 2).await.id;
        let mistyped = store.sign_up("mria@example.com", guest("one")).await;
        let mira = store.sign_up("mira@example.com", guest("one")).await;
        assert_eq!(store.carts(CartOwner::Customer(mistyped)).await, []);
        assert_eq!(store.cart(CartOwner::Customer(mira)).await.id, first);
        let second = store.put_as_guest(guest("one"), "a", 3).await.id;
        store.put_as_guest(guest("one"), "b", 1).await;
        let again = store.sign_up("mira@example.com", guest("one")).await;
        let cart = store.cart(CartOwner::Customer(again)).await;
        assert_eq!((&cart.id, lines(&cart)), (&second, vec![("a", 5), ("b", 1)]), "the cart that they had last, and what was in the other");
        assert_eq!(store.count_carts(), 1);
        store.confirm(again).await;
        assert_eq!(lines(&store.cart(CartOwner::Customer(again)).await), [("a", 5), ("b", 1)]);
    }

    async fn nothing_is_taken_from_who_is_confirmed_or_from_other_guests(store: &TestStore) {
        store.put_as_guest(guest("one"), "a", 1).await;
        let mira = store.sign_up("mira@example.com", guest("one")).await;
        store.put_as_guest(guest("other"), "b", 1).await;
        let noor = store.sign_up("noor@example.com", guest("other")).await;
        store.confirm(mira).await;
        let late = store.sign_up("late@example.com", guest("one")).await;
        for (customer, expected) in [(mira, vec![vec![("a", 1)]]), (noor, vec![vec![("b", 1)]]), (late, Vec::new())] {
            let carts = store.carts(CartOwner::Customer(customer)).await;
            assert_eq!(carts.iter().map(lines).collect::<Vec<_>>(), expected);
        }
    }

    async fn what_finds_no_room_in_a_newer_claim_goes_back_to_the_guest(store: &TestStore) {
        store.put_as_guest(guest("one"), "a", Quantity::MAX).await;
        store.put_as_guest(guest("one"), "b", 1).await;
        store.sign_up("mria@example.com", guest("one")).await;
        store.put_as_guest(guest("one"), "a", 1).await;
        let mira = store.sign_up("mira@example.com", guest("one")).await;
        assert_eq!(lines(&store.cart(CartOwner::Customer(mira)).await), [("a", 1), ("b", 1)]);
        assert_eq!(lines(&store.cart(CartOwner::Guest(guest("one"))).await), [("a", Quantity::MAX)]);
    }

    async fn the_carts_of_claims_that_lose_go_back_to_their_guests(store: &TestStore) {
        let (one, two) = (store.put_as_guest(guest("one"), "a", 1).await.id, store.put_as_guest(guest("two"), "a", 2).await);
        store.sign_up("mira@example.com", guest("one")).await;
        let winner = store.sign_up("mira@example.com", guest("two")).await;
        let elsewhere = store.put_as_guest(guest("three"), "a", 3).await.id;
        let noor = store.sign_up("noor@example.com", guest("three")).await;
        store.confirm(winner).await;
        let back = store.cart(CartOwner::Guest(guest("one"))).await;
        assert_eq!((&back.id, lines(&back), back.is_default), (&one, vec![("a", 1)], true));
        let won = store.cart(CartOwner::Customer(winner)).await;
        assert_eq!((&won.id, &won.items), (&two.id, &two.items));
        assert_eq!(store.guest_carts(guest("two")).await, 0);
        assert_eq!(store.cart(CartOwner::Customer(noor)).await.id, elsewhere, "another address");
        assert_eq!(lines(&store.put_as_guest(guest("one"), "a", 1).await), [("a", 2)]);
    }

    async fn a_cart_that_came_back_is_there_whatever_its_guest_does_first(store: &TestStore) {
        let names = ["list", "find", "add", "first", "change", "remove"];
        for name in names {
            let owner = CartOwner::Guest(guest(name));
            let id = store.come_back(guest(name), "a", 2).await;
            let cart = match name {
                "list" => store.cart(owner).await,
                "find" => store.find_cart(owner, &id, rules()).await.unwrap().unwrap(),
                "add" => store.put(owner, &id, "a", 1).await,
                "first" => store.put_as_guest(guest(name), "a", 1).await,
                "change" => {
                    changed(store.change_item(owner, &id, sku("a"), None, pieces(1), rules()).await.unwrap())
                }
                _ => changed(store.delete_item(owner, &id, sku("a"), rules()).await.unwrap()),
            };
            assert_eq!(cart.id, id, "{name}");
            assert_eq!(store.cart(owner).await, cart, "{name}");
            assert_eq!(store.find_cart(CartOwner::Guest(guest("other")), &id, rules()).await, Ok(None));
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM carts WHERE guest IS NOT NULL"), 6);
    }

    async fn a_cart_that_came_back_is_added_to_the_present_one(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let old = store.put_as_guest(guest("one"), "a", 2).await.id;
        store.put_as_guest(guest("one"), "b", 1).await;
        store.sign_up("mira@example.com", guest("one")).await;
        let present = store.put_as_guest(guest("one"), "a", 5).await.id;
        let winner = store.claim("mira@example.com").await.id;
        store.confirm(winner).await;
        assert_eq!(store.find_cart(owner, &old, rules()).await, Ok(None));
        let cart = store.cart(owner).await;
        assert_eq!((&cart.id, lines(&cart)), (&present, vec![("a", 7), ("b", 1)]));
        assert_eq!(store.count_carts(), 1);
    }

    async fn what_finds_no_room_stays_aside_and_nobody_waits_for_it(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let old = store.put_as_guest(guest("one"), "a", Quantity::MAX).await.id;
        store.sign_up("mira@example.com", guest("one")).await;
        let present = store.put_as_guest(guest("one"), "a", 1).await.id;
        let winner = store.claim("mira@example.com").await.id;
        store.confirm(winner).await;
        assert_eq!(lines(&store.put_as_guest(guest("one"), "b", 1).await), [("a", 1), ("b", 1)]);
        assert_eq!(store.add_item(owner, &old, offer("c"), pieces(1), rules()).await, Ok(ChangeCart::NotFound));
        let tag = store.cart(owner).await.entity_tag();
        assert_eq!(store.cart(owner).await.entity_tag(), tag, "to look at it changes nothing");
        assert_eq!(store.pieces_in_all_carts(), i64::from(Quantity::MAX) + 2);
        store.delete_item(owner, &present, sku("a"), rules()).await.unwrap();
        assert_eq!(lines(&store.cart(owner).await), [("b", 1), ("a", Quantity::MAX)], "now there is room");
        assert_eq!(store.count_carts(), 1);
    }

    async fn a_cart_in_another_currency_stays_aside_until_there_is_none(store: &TestStore) {
        let owner = CartOwner::Guest(guest("one"));
        let old = store.put_as_guest(guest("one"), "a", 2).await.id;
        store.sign_up("mira@example.com", guest("one")).await;
        let francs = NewCart { currency: currency("CHF"), ..new_cart() };
        store.add_guest_item(guest("one"), francs.clone(), offer("a"), pieces(1), rules()).await.unwrap();
        let winner = store.claim("mira@example.com").await.id;
        store.confirm(winner).await;
        assert_eq!(store.cart(owner).await.id, francs.id);
        assert_eq!(store.find_cart(owner, &old, rules()).await, Ok(None));
        let noor = store.account("noor@example.com").await.id;
        store.execute(&format!("UPDATE carts SET customer_id = {noor}, guest = NULL WHERE uuid = '{}'", francs.id));
        let cart = store.cart(owner).await;
        assert_eq!((&cart.id, lines(&cart), cart.currency), (&old, vec![("a", 2)], currency("EUR")));
    }

    async fn where_nobody_may_learn_that_a_claim_is_gone_its_cart_is_not_shown_until_its_guest_is_known(store: &TestStore) {
        let hidden = CartRules { shows_returned: false, ..rules() };
        let owner = CartOwner::Guest(guest("one"));
        let id = store.come_back(guest("one"), "a", 2).await;
        assert_eq!(store.list_carts(owner, hidden).await, Ok(Vec::new()));
        assert_eq!(store.find_cart(owner, &id, hidden).await, Ok(None));
        assert_eq!(store.add_item(owner, &id, offer("a"), pieces(1), hidden).await, Ok(ChangeCart::NotFound));
        let new = changed(store.add_guest_item(guest("one"), new_cart(), offer("b"), pieces(1), hidden).await.unwrap());
        assert_eq!(lines(&new), [("b", 1)]);
        let mira = inserted(store.insert_claim(sign_up("new@example.com", guest("one"), hidden)).await.unwrap()).id;
        assert_eq!(lines(&store.cart(CartOwner::Customer(mira)).await), [("b", 1), ("a", 2)]);
        store.come_back(guest("two"), "a", 4).await;
        let noor = store.account("noor@example.com").await.id;
        store.take_guest_cart(noor, guest("two"), TakeOver::Merge, Vec::new(), hidden).await.unwrap();
        assert_eq!(lines(&store.cart(CartOwner::Customer(noor)).await), [("a", 4)]);
    }

    async fn the_cart_of_a_claim_that_was_overtaken_goes_back(store: &TestStore) {
        let id = store.put_as_guest(guest("one"), "a", 2).await.id;
        store.account("mira@example.com").await;
        let hidden = NewClaim { hide_taken: true, ..sign_up("mira@example.com", guest("one"), rules()) };
        let late = inserted(store.insert_claim(hidden).await.unwrap()).id;
        assert_eq!(store.guest_carts(guest("one")).await, 0);
        assert_eq!(store.insert_key(new_key(late, "late")).await, Ok(KeyOutcome::Settled));
        assert_eq!(store.cart(CartOwner::Guest(guest("one"))).await.id, id);
    }

    async fn without_double_opt_in_the_cart_is_the_customers_at_once(store: &TestStore) {
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        store.sign_up("mira@example.com", guest("one")).await;
        store.put_as_guest(guest("two"), "b", 1).await;
        store.sign_up("mira@example.com", guest("two")).await;
        // The claim of the same guest on the same address goes, and its cart comes along all the same.
        let off = NewClaim { double_opt_in: DoubleOptIn::Off, ..sign_up("mira@example.com", guest("one"), rules()) };
        let mira = inserted(store.insert_claim(off).await.unwrap()).id;
        let cart = store.cart(CartOwner::Customer(mira)).await;
        assert_eq!((&cart.id, lines(&cart)), (&id, vec![("a", 1)]));
        assert_eq!(lines(&store.cart(CartOwner::Guest(guest("two"))).await), [("b", 1)]);
        assert_eq!(store.guest_carts(guest("one")).await, 0);
    }

    async fn who_leaves_does_not_send_a_cart_back(store: &TestStore) {
        store.put_as_guest(guest("one"), "a", 1).await;
        let mira = store.sign_up("mira@example.com", guest("one")).await;
        store.confirm(mira).await;
        let replacement = domain::EmailAddress::parse("nobody@example.com").unwrap();
        assert_eq!(store.anonymise_customer(mira, replacement, after(1)).await, Ok(true));
        assert_eq!((store.guest_carts(guest("one")).await, store.count_carts()), (0, 0));
    }

    async fn a_login_adds_the_guests_items_to_the_customers_oldest_cart(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let oldest = store.cart_of(mira, multi_cart()).await.id;
        let newest = store.cart_of(mira, multi_cart()).await.id;
        store.put(CartOwner::Customer(mira), &oldest, "a", 1).await;
        let of_guest = store.put_as_guest(guest("one"), "a", 2).await;
        store.put_as_guest(guest("one"), "b", 3).await;
        assert_eq!(store.log_in_as(mira, guest("one"), TakeOver::Merge).await, Vec::<String>::new());
        let carts = store.carts(CartOwner::Customer(mira)).await;
        let shown: Vec<_> = carts.iter().map(|cart| (&cart.id, lines(cart), cart.is_default)).collect();
        assert_eq!(shown, [(&oldest, vec![("a", 3), ("b", 3)], false), (&newest, Vec::new(), true)]);
        assert_eq!(store.guest_carts(guest("one")).await, 0);
        assert_eq!(store.find_cart(CartOwner::Customer(mira), &of_guest.id, rules()).await, Ok(None));
        for _ in 0..2 {
            store.log_in_as(mira, guest("one"), TakeOver::Merge).await;
        }
        assert_eq!(store.carts(CartOwner::Customer(mira)).await, carts, "a second time there is nothing to add");
    }

    async fn a_login_makes_the_guests_cart_the_customers_where_they_have_none(store: &TestStore) {
        for how in [TakeOver::Merge, TakeOver::Convert] {
            let mira = store.account(&format!("{how:?}@example.com")).await.id;
            let before = store.put_as_guest(guest("one"), "a", 2).await;
            store.log_in_as(mira, guest("one"), how).await;
            let cart = store.cart(CartOwner::Customer(mira)).await;
            assert_eq!((&cart.id, &cart.items, cart.is_default), (&before.id, &before.items, true));
            assert_eq!(store.guest_carts(guest("one")).await, 0);
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM carts WHERE returns_to IS NOT NULL"), 0, "for good");
    }

    async fn a_login_that_converts_adds_a_cart_as_long_as_there_may_be_more(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let own = store.cart_of(mira, multi_cart()).await.id;
        let mut ids = vec![own.clone()];
        for count in 1..=2 {
            ids.push(store.put_as_guest(guest("one"), "a", count).await.id);
            store.log_in_as(mira, guest("one"), TakeOver::Convert).await;
        }
        let carts = store.carts(CartOwner::Customer(mira)).await;
        let shown: Vec<_> = carts.iter().map(|cart| (cart.id.clone(), cart.is_default)).collect();
        assert_eq!(shown, [(ids[0].clone(), false), (ids[1].clone(), false), (ids[2].clone(), true)]);
        store.put_as_guest(guest("one"), "b", 7).await;
        store.log_in_as(mira, guest("one"), TakeOver::Convert).await;
        let carts = store.carts(CartOwner::Customer(mira)).await;
        assert_eq!((carts.len(), lines(&carts[0])), (3, vec![("b", 7)]), "the oldest one takes what is too much");
    }

    async fn a_cart_without_items_is_nothing_to_a_login(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let id = store.put_as_guest(guest("one"), "a", 1).await.id;
        store.delete_item(CartOwner::Guest(guest("one")), &id, sku("a"), rules()).await.unwrap();
        // So is one that a claim on the customer's own address holds.
        store.put_as_guest(guest("two"), "a", 1).await;
        let of_two = store.cart(CartOwner::Guest(guest("two"))).await.id;
        store.delete_item(CartOwner::Guest(guest("two")), &of_two, sku("a"), rules()).await.unwrap();
        let hidden = NewClaim { hide_taken: true, ..sign_up("mira@example.com", guest("two"), rules()) };
        inserted(store.insert_claim(hidden).await.unwrap());
        for how in [TakeOver::Merge, TakeOver::Convert] {
            for name in ["one", "two", "nobody"] {
                store.log_in_as(mira, guest(name), how).await;
            }
        }
        assert_eq!(store.carts(CartOwner::Customer(mira)).await, []);
        assert_eq!(store.cart(CartOwner::Guest(guest("one"))).await.id, id);
        assert_eq!(store.count_carts(), 2);
    }

    async fn a_login_brings_what_came_back_and_what_waits_with_a_claim_on_the_same_address(store: &TestStore) {
        store.come_back(guest("one"), "a", 1).await;
        let mira = store.account("mira@example.com").await.id;
        store.cart_of(mira, rules()).await;
        store.put_as_guest(guest("two"), "b", 2).await;
        let hidden = |email: &str, name| NewClaim { hide_taken: true, ..sign_up(email, guest(name), rules()) };
        inserted(store.insert_claim(hidden("mira@example.com", "two")).await.unwrap());
        store.put_as_guest(guest("three"), "c", 3).await;
        let elsewhere = inserted(store.insert_claim(hidden("elsewhere@example.com", "three")).await.unwrap()).id;
        for name in ["one", "two", "three"] {
            store.log_in_as(mira, guest(name), TakeOver::Merge).await;
        }
        assert_eq!(lines(&store.cart(CartOwner::Customer(mira)).await), [("a", 1), ("b", 2)]);
        assert_eq!(lines(&store.cart(CartOwner::Customer(elsewhere)).await), [("c", 3)]);
    }

    async fn nobody_gets_the_cart_of_a_guest_who_is_not_there(store: &TestStore) {
        store.put_as_guest(guest("one"), "a", 1).await;
        let mira = store.account("mira@example.com").await.id;
        store.execute("UPDATE customers SET anonymised_at = 1");
        for customer in [mira, CustomerId(4711)] {
            store.log_in_as(customer, guest("one"), TakeOver::Merge).await;
        }
        assert_eq!(lines(&store.cart(CartOwner::Guest(guest("one"))).await), [("a", 1)]);
    }

    async fn what_has_no_price_in_the_customers_cart_stays_with_the_guest(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let francs = NewCart { currency: currency("CHF"), ..new_cart() };
        store.insert_cart(mira, francs, rules()).await.unwrap();
        let id = store.put_as_guest(guest("one"), "a", 2).await.id;
        store.put_as_guest(guest("one"), "b", 3).await;
        let mut stayed = store.log_in_as(mira, guest("one"), TakeOver::Merge).await;
        stayed.sort();
        assert_eq!(stayed, ["a", "b"]);
        assert_eq!(lines(&store.cart(CartOwner::Guest(guest("one"))).await), [("a", 2), ("b", 3)]);
        let offers = vec![offer("a"), euro_offer("b")];
        let stayed = store.take_guest_cart(mira, guest("one"), TakeOver::Merge, offers, rules()).await.unwrap();
        assert_eq!(stayed, [], "there is an offer for each: it would be of no use to ask again");
        let own = store.cart(CartOwner::Customer(mira)).await;
        assert_eq!((lines(&own), own.currency), (vec![("a", 2)], currency("CHF")));
        let rest = store.cart(CartOwner::Guest(guest("one"))).await;
        assert_eq!((&rest.id, lines(&rest), rest.currency), (&id, vec![("b", 3)], currency("EUR")));
    }

    async fn what_finds_no_room_in_the_customers_cart_stays_with_the_guest(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let own = store.cart_of(mira, rules()).await.id;
        for (name, count) in [("a", Quantity::MAX - 1), ("b", 1)] {
            store.put(CartOwner::Customer(mira), &own, name, count).await;
        }
        for (name, count) in [("a", 2), ("b", 5), ("c", 1), ("d", 1)] {
            store.put_as_guest(guest("one"), name, count).await;
        }
        let small = CartRules { max_items: 3, ..rules() };
        let stayed = store.take_guest_cart(mira, guest("one"), TakeOver::Merge, Vec::new(), small).await;
        assert_eq!(stayed, Ok(Vec::new()), "for want of room, not of a price");
        let cart = store.cart(CartOwner::Customer(mira)).await;
        assert_eq!(lines(&cart), [("a", Quantity::MAX - 1), ("b", 6), ("c", 1)]);
        assert_eq!(lines(&store.cart(CartOwner::Guest(guest("one"))).await), [("a", 2), ("d", 1)]);
        // A login to which nothing can be added changes nothing.
        store.take_guest_cart(mira, guest("one"), TakeOver::Merge, Vec::new(), small).await.unwrap();
        assert_eq!(store.cart(CartOwner::Customer(mira)).await.entity_tag(), cart.entity_tag());
    }

    async fn pieces_and_a_sign_up_at_once_are_all_somewhere(store: &TestStore) {
        for round in 0..4 {
            let name = format!("guest {round}");
            let id = store.put_as_guest(guest(&name), "a", 1).await.id;
            let claims = at_once(24, |index| {
                let (store, id, guest) = (store.store.clone(), id.clone(), guest(&name));
                async move {
                    let owner = CartOwner::Guest(guest);
                    match index % 8 {
                        3 => {
                            let email = format!("mira{round}{index}@example.com");
                            inserted(store.insert_claim(sign_up(&email, guest, rules())).await.unwrap());
                            return 0;
                        }
                        4..8 => changed(store.add_guest_item(guest, new_cart(), offer("a"), pieces(1), rules()).await.unwrap()),
                        _ => match store.add_item(owner, &id, offer("a"), pieces(1), rules()).await.unwrap() {
                            ChangeCart::Changed(cart) => cart,
                            ChangeCart::NotFound => return 0,
                            ChangeCart::Refused(refusal) => panic!("{refusal:?}"),
                        },
                    };
                    1
                }
            })
            .await;
            let added: i64 = claims.into_iter().sum();
            assert_eq!(store.pieces_in_all_carts(), added + 1);
            store.execute("DELETE FROM carts");
        }
    }

    async fn pieces_and_logins_at_once_are_all_somewhere(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let own = store.cart_of(mira, rules()).await.id;
        for round in 1..=6 {
            store.put_as_guest(guest("one"), "a", 1).await;
            at_once(32, |index| {
                let (store, own) = (store.store.clone(), own.clone());
                async move {
                    let (one, piece) = (offer("a"), pieces(1));
                    match index % 4 {
                        0 => {
                            let merge = TakeOver::Merge;
                            drop(store.take_guest_cart(mira, guest("one"), merge, Vec::new(), rules()).await.unwrap());
                        }
                        1 => {
                            let owner = CartOwner::Customer(mira);
                            changed(store.add_item(owner, &own, one, piece, rules()).await.unwrap());
                        }
                        _ => {
                            changed(store.add_guest_item(guest("one"), new_cart(), one, piece, rules()).await.unwrap());
                        }
                    }
                }
            })
            .await;
            assert_eq!(store.pieces_in_all_carts(), round * 25);
        }
        store.log_in_as(mira, guest("one"), TakeOver::Merge).await;
        assert_eq!(lines(&store.cart(CartOwner::Customer(mira)).await), [("a", 150)]);
    }

    async fn of_16_logins_at_once_one_brings_the_cart(store: &TestStore) {
        for (how, has_cart) in [(TakeOver::Merge, true), (TakeOver::Merge, false), (TakeOver::Convert, true)] {
            let mira = store.account(&format!("{how:?}{has_cart}@example.com")).await.id;
            if has_cart {
                store.cart_of(mira, multi_cart()).await;
            }
            store.put_as_guest(guest("one"), "a", 3).await;
            at_once(16, |_| {
                let store = store.store.clone();
                async move { store.take_guest_cart(mira, guest("one"), how, Vec::new(), multi_cart()).await.unwrap() }
            })
            .await;
            let carts = store.carts(CartOwner::Customer(mira)).await;
            assert_eq!(carts.iter().flat_map(lines).collect::<Vec<_>>(), [("a", 3)]);
            assert_eq!(carts.len(), if has_cart && how == TakeOver::Convert { 2 } else { 1 });
            assert_eq!(carts.iter().filter(|cart| cart.is_default).count(), 1);
            assert_eq!(store.guest_carts(guest("one")).await, 0);
        }
    }

    async fn of_two_customers_who_log_in_at_once_one_gets_the_cart(store: &TestStore) {
        for round in 0..4 {
            let mut customers = Vec::new();
            for index in 0..4 {
                customers.push(store.account(&format!("mira{round}{index}@example.com")).await.id);
            }
            store.put_as_guest(guest("one"), "a", 3).await;
            at_once(16, |index| {
                let (store, customer) = (store.store.clone(), customers[index % 4]);
                async move {
                    store.take_guest_cart(customer, guest("one"), TakeOver::Merge, Vec::new(), rules()).await.unwrap()
                }
            })
            .await;
            let mut carts = Vec::new();
            for customer in customers {
                carts.extend(store.carts(CartOwner::Customer(customer)).await);
            }
            assert_eq!(carts.iter().map(lines).collect::<Vec<_>>(), [[("a", 3)]]);
        }
    }

    async fn a_confirmation_and_a_sign_up_at_once_leave_the_cart_to_one_of_them(store: &TestStore) {
        for round in 0..8 {
            let name = format!("guest {round}");
            store.put_as_guest(guest(&name), "a", 3).await;
            let first = store.sign_up(&format!("mira{round}@example.com"), guest(&name)).await;
            let rival = store.claim(&format!("mira{round}@example.com")).await.id;
            let keys = [store.key(first, &format!("first {round}")).await, store.key(rival, &format!("rival {round}")).await];
            let claims = at_once(3, |index| {
                let (store, guest) = (store.store.clone(), guest(&name));
                async move {
                    if index == 1 {
                        let again = sign_up(&format!("noor{round}@example.com"), guest, rules());
                        Some(inserted(store.insert_claim(again).await.unwrap()).id)
                    } else {
                        store.confirm_by_key(keys[index / 2], START).await.unwrap()
                    }
                }
            })
            .await;
            let mut found = Vec::new();
            for claim in claims.into_iter().flatten() {
                found.extend(store.carts(CartOwner::Customer(claim)).await);
            }
            found.extend(store.carts(CartOwner::Guest(guest(&name))).await);
            assert_eq!(found.iter().map(lines).collect::<Vec<_>>(), [[("a", 3)]], "round {round}");
        }
    }
}
