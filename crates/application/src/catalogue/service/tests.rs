use std::time::Duration;

use futures_util::future::{join, join_all};
use testkit::{CatalogueService, eventually};

use super::*;

const BUSY: Failure = Failure::Busy { retry_after_seconds: RETRY_AFTER_SECONDS };

fn settings(url: &str) -> CatalogueSettings {
    CatalogueSettings {
        url: url.to_owned(),
        timeout_milliseconds: 10_000,
        cache_seconds: 3600,
        cache_entries: 100,
        demo: true,
    }
}

fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

/// A service that knows these products, and what asks it.
async fn knowing(skus: &[&str]) -> (CatalogueService, Service) {
    let other = CatalogueService::start().await;
    for sku in skus {
        other.tells(sku, 200, CatalogueService::product(sku).to_string());
    }
    let service = Service::new(&settings(&other.url()));
    (other, service)
}

#[tokio::test]
async fn a_product_is_asked_for_by_its_encoded_sku_and_remembered() {
    let (other, service) = knowing(&[]).await;
    let encoded = "a%2Fb%20%C3%BC%3F%25%23%26%7B-._~1";
    other.tells(encoded, 200, CatalogueService::product("a/b ü?%#&{-._~1").to_string());
    for _ in 0..3 {
        let offer = service.find_offer(&sku("a/b ü?%#&{-._~1")).await.unwrap().unwrap();
        assert_eq!((offer.sku.as_str(), offer.tax_rate.hundredths(), offer.stock), ("a/b ü?%#&{-._~1", 1900, None));
    }
    assert_eq!(other.asked(), [format!("/offers/{encoded}")]);
}

#[tokio::test]
async fn an_unknown_product_is_remembered_too() {
    let (other, service) = knowing(&["a"]).await;
    for _ in 0..3 {
        assert_eq!(service.find_offer(&sku("b")).await, Ok(None));
    }
    assert_eq!(other.asked(), ["/offers/b"]);
    for dots in [".", ".."] {
        assert_eq!(service.find_offer(&sku(dots)).await, Ok(None));
    }
    assert_eq!(other.asked().len(), 1);
}

#[tokio::test]
async fn members_that_a_product_does_not_have_are_passed_over() {
    let (other, service) = knowing(&[]).await;
    let mut product = CatalogueService::product("a");
    product["rating"] = 5.into();
    other.tells("a", 200, serde_json::to_string_pretty(&product).unwrap());
    assert!(service.find_offer(&sku("a")).await.unwrap().is_some());
}

#[tokio::test]
async fn who_asks_for_what_is_asked_for_waits_for_the_same_answer() {
    let (other, service) = knowing(&["a"]).await;
    for answers in [Ok(true), Err(BUSY)] {
        other.holds(true);
        let before = other.asked().len();
        let wanted = sku("a");
        let asking = join_all((0..50).map(|_| service.find_offer(&wanted)));
        let releasing = async {
            eventually("the service is asked", async || other.asked().len() > before).await;
            other.holds(false);
        };
        let (found, ()) = join(asking, releasing).await;
        assert_eq!(other.asked().len(), before + 1);
        assert!(
            found.iter().all(|found| found.as_ref().map(Option::is_some) == answers.as_ref().copied()),
            "{found:?}"
        );
        service.answers.invalidate(&wanted).await;
        other.tells("a", 500, "");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_told_as_such_and_not_remembered() {
    let (other, service) = knowing(&[]).await;
    let product = CatalogueService::product("a").to_string();
    let long = format!("{product}{}", " ".repeat(262_144));
    let answers: [(u16, &str); 9] = [
        (500, &product),
        (503, ""),
        (204, ""),
        (301, &product),
        (403, "{}"),
        (200, ""),
        (200, "<html>"),
        (200, r#"{"sku":"a","taxRate":19}"#),
        (200, &long),
    ];
    for (status, body) in answers {
        other.tells("a", status, body);
        assert_eq!(service.find_offer(&sku("a")).await, Err(BUSY), "{status} {body:.40}");
    }
    for bytes in ["", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"sku\"", "220 smtp.example ready\r\n"] {
        other.sends("a", bytes);
        assert_eq!(service.find_offer(&sku("a")).await, Err(BUSY), "{bytes}");
    }
    let asked = other.asked().len();
    assert!(asked >= 12, "{asked}");
    other.tells("a", 200, &product);
    assert!(service.find_offer(&sku("a")).await.unwrap().is_some());
    assert_eq!(other.asked().len(), asked + 1);
}

#[tokio::test]
async fn a_product_of_another_spelling_is_not_the_one_asked_for() {
    let (other, service) = knowing(&[]).await;
    other.tells("a", 200, r#"{"sku":"A","taxRate":19,"prices":{"EUR":{"net":1}}}"#);
    assert_eq!(service.find_offer(&sku("a")).await, Ok(None));
}

#[tokio::test]
async fn a_redirection_leads_nowhere() {
    let (other, service) = knowing(&["b"]).await;
    let target = other.url().replace("{sku}", "b");
    other.sends(
        "a",
        format!("HTTP/1.1 302 Found\r\nLocation: {target}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"),
    );
    assert_eq!(service.find_offer(&sku("a")).await, Err(BUSY));
    assert_eq!(other.asked(), ["/offers/a"]);
}

#[tokio::test]
async fn nobody_waits_longer_than_the_time_that_is_set() {
    let other = CatalogueService::start().await;
    other.holds(true);
    let service = Service::new(&CatalogueSettings { timeout_milliseconds: 50, ..settings(&other.url()) });
    let begun = Instant::now();
    assert_eq!(service.find_offer(&sku("a")).await, Err(BUSY));
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
    // Nobody listens there.
    let gone = Service::new(&settings("http://127.0.0.1:1/{sku}"));
    assert_eq!(gone.find_offer(&sku("a")).await, Err(BUSY));
}

#[tokio::test]
async fn a_silent_service_occupies_so_many_threads_at_most() {
    let (other, service) = knowing(&[]).await;
    let skus: Vec<_> = (0..100).map(|number| sku(&number.to_string())).collect();
    other.holds(true);
    let releasing = async {
        eventually("some are asked for", async || other.asked().len() == MAX_ASKS).await;
        other.holds(false);
    };
    let (found, ()) = join(join_all(skus.iter().map(|sku| service.find_offer(sku))), releasing).await;
    assert!(found.iter().all(|found| *found == Ok(None)), "{found:?}");
    assert_eq!((other.asked().len(), other.most_waiting()), (100, MAX_ASKS));

    other.holds(true);
    let service = Service::new(&CatalogueSettings { timeout_milliseconds: 300, ..settings(&other.url()) });
    let found = join_all(skus.iter().map(|sku| service.find_offer(sku))).await;
    assert!(found.iter().all(|found| *found == Err(BUSY)), "{found:?}");
    assert_eq!(service.asks.available_permits(), MAX_ASKS);
}

#[tokio::test]
async fn many_products_are_asked_for_at_once_but_not_all() {
    let names: Vec<_> = (0..20).map(|number| format!("p{number}")).collect();
    let (other, service) = knowing(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    other.holds(true);
    let mut wanted: Vec<_> = names.iter().map(|name| sku(name)).collect();
    wanted.extend([sku("p0"), sku("unknown")]);
    let releasing = async {
        eventually("some are asked for", async || other.asked().len() == MAX_ASKS_OF_ONE).await;
        other.holds(false);
    };
    let (found, ()) = join(service.find_offers(&wanted), releasing).await;
    let found: BTreeSet<_> = found.unwrap().into_iter().map(|offer| offer.sku).collect();
    assert_eq!(found, names.iter().map(|name| sku(name)).collect());
    assert_eq!(other.asked().len(), 21);
    assert_eq!(other.most_waiting(), MAX_ASKS_OF_ONE);

    other.tells("new", 500, "");
    assert_eq!(service.find_offers(&[sku("p0"), sku("new")]).await, Err(BUSY));
}

#[tokio::test]
async fn answers_are_kept_for_a_time_and_not_for_ever() {
    for (seconds, known, unknown) in [(0, 0, 0), (5, 5, 5), (60, 60, 10)] {
        let lifetimes = Lifetimes::new(seconds);
        let offer = product_of_json(CatalogueService::product("a").to_string().as_bytes(), UnknownMembers::Told);
        assert_eq!(lifetimes.of(&Some(Arc::new(offer.unwrap().offer))), Duration::from_secs(known));
        assert_eq!(lifetimes.of(&None), Duration::from_secs(unknown));
    }
    let (other, _) = knowing(&["a"]).await;
    let forgetful = Service::new(&CatalogueSettings { cache_seconds: 0, ..settings(&other.url()) });
    for asked in 1..=3 {
        assert!(forgetful.find_offer(&sku("a")).await.unwrap().is_some());
        assert_eq!(other.asked().len(), asked);
    }
    let brief = Service::new(&CatalogueSettings { cache_seconds: 1, ..settings(&other.url()) });
    eventually("the service is asked again", async || {
        assert!(brief.find_offer(&sku("a")).await.unwrap().is_some());
        other.asked().len() >= 5
    })
    .await;
}

#[tokio::test]
async fn so_many_answers_are_kept_at_most() {
    let (other, _) = knowing(&["a"]).await;
    let service = Service::new(&CatalogueSettings { cache_entries: 10, ..settings(&other.url()) });
    for number in 0..100 {
        assert_eq!(service.find_offer(&sku(&number.to_string())).await, Ok(None));
    }
    service.answers.run_pending_tasks().await;
    assert!(service.answers.entry_count() <= 10, "{}", service.answers.entry_count());
}
