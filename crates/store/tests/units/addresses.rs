//! Address books.

use crate::common::{START, TestStore, after, at_once, on_both_engines};
use domain::{Address, AddressChanges, AddressFields, AddressId, Country, CustomerId, Salutation, SystemRandomness};
use store::{InsertAddress, NewAddress, StoreError};

fn fields(city: &str) -> AddressFields {
    AddressFields {
        salutation: Some(Salutation::Ms),
        first_name: "Mira".to_owned(),
        last_name: "Ölsen".to_owned(),
        address1: "Kieler Str.".to_owned(),
        address2: "75".to_owned(),
        address3: Some("Hinterhof".to_owned()),
        zip_code: "22525".to_owned(),
        city: city.to_owned(),
        company: None,
        phone: Some("+49 40 1234".to_owned()),
        country: Country::parse("DE").unwrap(),
    }
}

fn new(city: &str, default_billing: bool, default_shipping: bool) -> NewAddress {
    let id = AddressId::generate(&SystemRandomness);
    NewAddress { id, fields: fields(city), default_billing, default_shipping, now: START }
}

async fn insert(store: &TestStore, customer: CustomerId, address: NewAddress) -> Address {
    match store.insert_address(customer, address, 100).await.unwrap() {
        InsertAddress::Inserted(address) => address,
        outcome => panic!("{outcome:?}"),
    }
}

/// `city bs` of each address in order, with the letters of the defaults that it is.
async fn book(store: &TestStore, customer: CustomerId) -> Vec<String> {
    let addresses = store.list_addresses(customer).await.unwrap();
    let line = |address: &Address| {
        let letter = |is: bool, letter: &'static str| if is { letter } else { "" };
        let (billing, shipping) = (letter(address.is_default_billing, "b"), letter(address.is_default_shipping, "s"));
        format!("{} {billing}{shipping}", address.fields.city)
    };
    addresses.iter().map(line).collect()
}

on_both_engines! {
    async fn an_address_is_answered_as_it_is_stored(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        assert!(store.list_addresses(mira.id).await.unwrap().is_empty());
        let wanted = new("Hamburg", false, false);
        let address = insert(store, mira.id, wanted.clone()).await;
        assert_eq!(address.id, wanted.id);
        assert!(address.fields == wanted.fields);
        assert_eq!((address.created_at, address.updated_at), (START, START));
        assert_eq!(store.find_address(mira.id, &address.id).await.unwrap(), Some(address.clone()));
        assert_eq!(store.list_addresses(mira.id).await.unwrap(), [address]);
    }

    async fn the_first_is_both_defaults_and_a_new_default_ends_the_old_one(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        let noor = store.account("noor@example.com").await;
        insert(store, noor.id, new("Oslo", false, false)).await;
        insert(store, mira.id, new("Hamburg", false, false)).await;
        assert_eq!(book(store, mira.id).await, ["Hamburg bs"]);
        insert(store, mira.id, new("Kiel", false, false)).await;
        assert_eq!(book(store, mira.id).await, ["Hamburg bs", "Kiel "]);
        insert(store, mira.id, new("Bremen", true, false)).await;
        assert_eq!(book(store, mira.id).await, ["Hamburg s", "Kiel ", "Bremen b"]);
        insert(store, mira.id, new("Jena", false, true)).await;
        assert_eq!(book(store, mira.id).await, ["Hamburg ", "Kiel ", "Bremen b", "Jena s"]);
        assert_eq!(book(store, noor.id).await, ["Oslo bs"]);
    }

    async fn a_default_that_goes_leaves_none_and_the_next_new_one_takes_its_place(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        let first = insert(store, mira.id, new("Hamburg", false, false)).await;
        insert(store, mira.id, new("Kiel", false, true)).await;
        assert!(store.delete_address(mira.id, &first.id).await.unwrap());
        assert!(!store.delete_address(mira.id, &first.id).await.unwrap());
        assert_eq!(book(store, mira.id).await, ["Kiel s"]);
        insert(store, mira.id, new("Bremen", false, false)).await;
        assert_eq!(book(store, mira.id).await, ["Kiel s", "Bremen b"]);
    }

    async fn a_change_keeps_what_it_does_not_name(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        let first = insert(store, mira.id, new("Hamburg", false, false)).await;
        let second = insert(store, mira.id, new("Kiel", false, false)).await;
        let changes = AddressChanges {
            city: Some("Flensburg".to_owned()),
            address3: Some(None),
            company: Some(Some("Olsen & Co".to_owned())),
            country: Country::parse("DK"),
            ..AddressChanges::default()
        };
        let answer = store.update_address(mira.id, &second.id, changes.clone(), after(1)).await.unwrap().unwrap();
        assert!(answer.fields == changes.apply_to(second.fields));
        assert_eq!((answer.created_at, answer.updated_at), (START, after(1)));
        assert_eq!(book(store, mira.id).await, ["Hamburg bs", "Flensburg "], "false ends no default");
        let unchanged = store.update_address(mira.id, &first.id, AddressChanges::default(), after(2)).await;
        assert!(unchanged.unwrap().unwrap().fields == first.fields);
        assert_eq!(book(store, mira.id).await, ["Hamburg bs", "Flensburg "]);
    }

    async fn a_change_to_a_default_ends_the_old_one(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        insert(store, mira.id, new("Hamburg", false, false)).await;
        let second = insert(store, mira.id, new("Kiel", false, false)).await;
        for (default_billing, default_shipping, expected) in [
            (true, false, ["Hamburg s", "Kiel b"]),
            (true, true, ["Hamburg ", "Kiel bs"]),
            (false, false, ["Hamburg ", "Kiel bs"]),
        ] {
            let changes = AddressChanges { default_billing, default_shipping, ..AddressChanges::default() };
            store.update_address(mira.id, &second.id, changes, after(1)).await.unwrap().unwrap();
            assert_eq!(book(store, mira.id).await, expected);
        }
    }

    async fn nobody_sees_or_touches_anothers_address(store: &TestStore) {
        let (mira, noor) = (store.account("mira@example.com").await, store.account("noor@example.com").await);
        let address = insert(store, mira.id, new("Hamburg", false, false)).await;
        assert_eq!(store.find_address(noor.id, &address.id).await.unwrap(), None);
        let changes = AddressChanges { city: Some("Kiel".to_owned()), ..AddressChanges::default() };
        assert_eq!(store.update_address(noor.id, &address.id, changes, after(1)).await.unwrap(), None);
        assert!(!store.delete_address(noor.id, &address.id).await.unwrap());
        assert_eq!(book(store, mira.id).await, ["Hamburg bs"]);
    }

    async fn a_book_is_full_at_its_limit_and_gone_with_its_customer(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        for index in 0..3 {
            let outcome = store.insert_address(mira.id, new("Hamburg", false, false), 2).await.unwrap();
            assert_eq!(matches!(outcome, InsertAddress::Full), index == 2, "{outcome:?}");
        }
        store.execute("UPDATE customers SET anonymised_at = 1");
        for customer in [mira.id, CustomerId(4711)] {
            let outcome = store.insert_address(customer, new("Hamburg", false, false), 100).await.unwrap();
            assert!(matches!(outcome, InsertAddress::Gone), "{outcome:?}");
        }
    }

    async fn of_many_first_addresses_at_once_one_is_each_default_and_no_more_fit(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let outcomes = at_once(24, |index| {
            let store = store.store.clone();
            async move { store.insert_address(mira, new("Hamburg", index % 3 == 0, index % 2 == 0), 16).await.unwrap() }
        })
        .await;
        let inserted = outcomes.iter().filter(|outcome| matches!(outcome, InsertAddress::Inserted(_))).count();
        assert_eq!(inserted, 16);
        let addresses = store.list_addresses(mira).await.unwrap();
        assert_eq!(addresses.len(), 16);
        assert_eq!(addresses.iter().filter(|address| address.is_default_billing).count(), 1);
        assert_eq!(addresses.iter().filter(|address| address.is_default_shipping).count(), 1);
    }

    async fn changes_additions_and_removals_at_once_leave_one_default_at_most(store: &TestStore) {
        let mira = store.account("mira@example.com").await.id;
        let mut ids = Vec::new();
        for _ in 0..8 {
            ids.push(insert(store, mira, new("Hamburg", false, false)).await.id);
        }
        at_once(32, |index| {
            let (store, id) = (store.store.clone(), ids[index % 8].clone());
            async move {
                match index % 4 {
                    0 => drop(store.insert_address(mira, new("Kiel", true, true), 100).await.unwrap()),
                    1 => drop(store.delete_address(mira, &id).await.unwrap()),
                    _ => {
                        let (default_billing, default_shipping) = (true, true);
                        let wish = AddressChanges { default_billing, default_shipping, ..AddressChanges::default() };
                        store.update_address(mira, &id, wish, after(1)).await.unwrap();
                    }
                }
            }
        })
        .await;
        let addresses = store.list_addresses(mira).await.unwrap();
        assert_eq!(addresses.iter().filter(|address| address.is_default_billing).count(), 1);
        assert_eq!(addresses.iter().filter(|address| address.is_default_shipping).count(), 1);
    }

    async fn a_country_that_is_none_is_named(store: &TestStore) {
        let mira = store.account("mira@example.com").await;
        insert(store, mira.id, new("Hamburg", false, false)).await;
        store.execute("UPDATE addresses SET iso2_code = 'XX'");
        let error = store.list_addresses(mira.id).await.unwrap_err();
        assert_eq!(error, StoreError::Corrupt { table: "addresses", column: "iso2_code" });
    }
}
