//! Bringing customers along.

use crate::common::{START, TestStore, after, at_once, claim, hash, inserted, message_id, new_key, on_both_engines};
use domain::{Customer, EmailAddress, Locale, Profile};
use store::{ImportConflict, ImportConflictKind, ImportOutcome, ImportedCustomer, KeyOutcome, StoreError};

fn imported(line: u64, reference: Option<&str>, email: &str) -> ImportedCustomer {
    ImportedCustomer {
        line,
        reference: reference.map(str::to_owned),
        email: EmailAddress::parse(email).unwrap(),
        password_hash: Some(hash("$2y$12$abc")),
        profile: Profile { company: Some("Olsen & Co".to_owned()), ..Profile::default() },
        locale: Locale::parse("de_DE").unwrap(),
        store: "DE".to_owned(),
        reference_prefix: "DE".to_owned(),
        confirmed_at: Some(START),
        message_id: message_id(),
    }
}

async fn import(store: &TestStore, customers: Vec<ImportedCustomer>) -> ImportOutcome {
    store.import_customers(customers, after(5)).await.unwrap()
}

fn conflict(line: u64, kind: ImportConflictKind) -> ImportConflict {
    ImportConflict { line, kind }
}

on_both_engines! {
    async fn who_is_brought_along_keeps_number_reference_and_password(store: &TestStore) {
        let outcome = import(store, vec![
            imported(2, None, "none@example.com"),
            imported(3, Some("customer--50"), "Mira@example.com"),
            imported(4, Some("OLD-7"), "old@example.com"),
            imported(5, Some("DE--007"), "seven@example.com"),
            imported(6, Some("other--50"), "other@example.com"),
            imported(7, Some("DE--99999999999999999999"), "big@example.com"),
            imported(8, Some("DE--"), "empty@example.com"),
            imported(9, Some("DE--+3"), "sign@example.com"),
        ])
        .await;
        assert_eq!(outcome, ImportOutcome::Imported(8));
        let rows = "SELECT CAST(id AS TEXT) || ' ' || reference AS value FROM customers ORDER BY email_canonical";
        let rows = store.texts(rows);
        assert_eq!(rows[2], "50 customer--50");
        let number = |row: &str| row.split_once(' ').unwrap().0.parse::<i64>().unwrap();
        for (index, reference) in
            [(0, "DE--99999999999999999999"), (1, "DE--"), (4, "OLD-7"), (5, "other--50"), (7, "DE--+3")]
        {
            assert!(rows[index].ends_with(&format!(" {reference}")) && number(&rows[index]) > 50, "{rows:?}");
        }
        assert_eq!(rows[6], "7 DE--007");
        let none = number(&rows[3]);
        assert!(none > 50 && rows[3] == format!("{none} DE--{none}"), "{rows:?}");
        let login = store.find_login("mira@example.com").await.unwrap().unwrap();
        assert_eq!(login.password_hash.unwrap().expose(), "$2y$12$abc");
        let customer = login.customer.confirmed().unwrap();
        assert_eq!((customer.confirmed_at(), customer.account().created_at), (START, after(5)));
        assert_eq!(customer.account().profile.company.as_deref(), Some("Olsen & Co"));
        assert_eq!(store.lines(customer.account().id), ["imported"]);
        assert!(store.queued().is_empty());
        let next = store.claim("next@example.com").await;
        assert!(next.id.0 > rows.iter().map(|row| number(row)).max().unwrap());
        assert_eq!(next.reference, format!("DE--{}", next.id));
    }

    async fn who_comes_later_gets_a_higher_number_even_where_the_highest_was_not_free(store: &TestStore) {
        for (round, reference) in ["DE--1", "customer--1", "customer--2", "X--30"].into_iter().enumerate() {
            let outcome = import(store, vec![imported(2, Some(reference), &format!("mira{round}@example.com"))]).await;
            assert_eq!(outcome, ImportOutcome::Imported(1), "{reference}");
            store.claim(&format!("next{round}@example.com")).await;
        }
        let last = store.claim("last@example.com").await;
        assert!(last.id.0 > 30, "{}", last.id);
    }

    async fn a_number_that_somebody_has_is_given_to_nobody_else(store: &TestStore) {
        let first = store::NewClaim { reference_prefix: "shop".to_owned(), ..claim("first@example.com") };
        let first = inserted(store.insert_claim(first).await.unwrap());
        let reference = format!("DE--{}", first.id);
        let outcome = import(store, vec![imported(2, Some(&reference), "mira@example.com")]).await;
        assert_eq!(outcome, ImportOutcome::Imported(1));
        let mira = store.find_login("mira@example.com").await.unwrap().unwrap().customer;
        assert_eq!(mira.account().reference, reference);
        assert_ne!(mira.account().id, first.id);
    }

    async fn conflicts_are_all_told_and_nothing_is_written(store: &TestStore) {
        let owner = store.account("mira@example.com").await;
        let claims = store.claim("claim@example.com").await;
        let mut unconfirmed = imported(7, None, "new@example.com");
        unconfirmed.confirmed_at = None;
        let outcome = import(store, vec![
            imported(2, Some(&owner.reference), "one@example.com"),
            imported(3, Some("X--1000"), "Mira@example.com"),
            imported(4, Some("X--1001"), "new@example.com"),
            imported(5, Some("X--1001"), "two@example.com"),
            imported(6, Some(&claims.reference), "MIRA@example.com"),
            unconfirmed,
            imported(8, None, "three@example.com"),
            imported(9, None, "claim@example.com"),
        ])
        .await;
        let expected = vec![
            conflict(2, ImportConflictKind::ReferenceTaken),
            conflict(3, ImportConflictKind::EmailTaken),
            conflict(5, ImportConflictKind::ReferenceTaken),
            conflict(6, ImportConflictKind::ReferenceTaken),
            conflict(6, ImportConflictKind::EmailTaken),
            conflict(7, ImportConflictKind::EmailTaken),
        ];
        assert_eq!(outcome, ImportOutcome::Conflicts(expected));
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 2);
        assert_eq!(store.claim("next@example.com").await.id.0, claims.id.0 + 1);
    }

    async fn of_many_conflicts_the_first_fifty_are_told(store: &TestStore) {
        store.account("mira@example.com").await;
        let lines = (2..=1200).map(|line| imported(line, None, "mira@example.com")).collect();
        let ImportOutcome::Conflicts(conflicts) = import(store, lines).await else { panic!("imported") };
        assert_eq!((conflicts.len(), conflicts[49].line), (50, 51));
    }

    async fn who_is_confirmed_settles_the_claims_and_who_is_not_is_asked(store: &TestStore) {
        let rival = store.claim("mira@example.com").await;
        let other = store.claim("noor@example.com").await;
        store.execute("DELETE FROM outbox");
        let mut open = imported(3, None, "noor@example.com");
        open.confirmed_at = None;
        assert_eq!(import(store, vec![imported(2, None, "mira@example.com"), open]).await, ImportOutcome::Imported(2));
        assert!(store.find_customer(rival.id).await.unwrap().is_none());
        assert!(store.find_customer(other.id).await.unwrap().is_some());
        assert_eq!(store.queued(), ["registration-confirmation"]);
        let open = store.find_login("noor@example.com").await.unwrap().unwrap().customer;
        assert!(matches!(open, Customer::Unconfirmed(_)) && open.account().id > other.id);
        assert_eq!(store.insert_key(new_key(open.account().id, "key")).await.unwrap(), KeyOutcome::Inserted);
    }

    async fn those_who_are_to_confirm_need_room_in_the_outbox(store: &TestStore) {
        let asked = |count: u64| {
            (0..count)
                .map(|line| ImportedCustomer {
                    confirmed_at: None,
                    ..imported(line, None, &format!("mira{line}@example.com"))
                })
                .collect::<Vec<_>>()
        };
        store.claim("noor@example.com").await;
        for too_many in [1000, 1001] {
            let refused = store.import_customers(asked(too_many), START).await;
            assert_eq!(refused, Err(StoreError::OutboxFull), "{too_many}");
        }
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 1);
        assert_eq!(import(store, asked(999)).await, ImportOutcome::Imported(999));
        assert_eq!(import(store, vec![imported(1, None, "tom@example.com")]).await, ImportOutcome::Imported(1));
    }

    async fn more_than_one_statement_takes_are_brought_along(store: &TestStore) {
        let lines = |from: u64| -> Vec<ImportedCustomer> {
            (from..from + 600)
                .map(|line| imported(line, Some(&format!("X--{line}")), &format!("mira{line}@example.com")))
                .collect()
        };
        assert_eq!(import(store, lines(100)).await, ImportOutcome::Imported(600));
        let ImportOutcome::Conflicts(conflicts) = import(store, lines(699)).await else { panic!("imported") };
        assert_eq!(conflicts.len(), 2);
    }

    async fn imports_and_sign_ups_at_once_share_no_number(store: &TestStore) {
        at_once(24, |index| {
            let store = store.store.clone();
            async move {
                if index % 3 == 0 {
                    let reference = format!("DE--{}", index + 1);
                    let line = imported(2, Some(&reference), &format!("old{index}@example.com"));
                    store.import_customers(vec![line], START).await.unwrap();
                } else {
                    inserted(store.insert_claim(claim(&format!("new{index}@example.com"))).await.unwrap());
                }
            }
        })
        .await;
        assert!(store.number("SELECT count(*) AS value FROM customers") >= 16);
    }

    async fn of_many_imports_of_one_file_at_once_one_counts(store: &TestStore) {
        let outcomes = at_once(4, |_| {
            let store = store.store.clone();
            let lines = vec![imported(2, Some("X--10"), "mira@example.com"), imported(3, None, "noor@example.com")];
            async move { store.import_customers(lines, START).await }
        })
        .await;
        let counted = outcomes.iter().filter(|outcome| **outcome == Ok(ImportOutcome::Imported(2))).count();
        assert_eq!(counted, 1, "{outcomes:?}");
        assert_eq!(store.number("SELECT count(*) AS value FROM customers"), 2);
    }
}
