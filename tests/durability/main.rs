//! A gateway that is killed between any two steps of a registration: afterwards either the account exists and its mail arrives,
//! or neither.
#![expect(clippy::indexing_slicing, reason = "what is not there fails the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use testkit::{
    Eml, Engine, Gateway, GatewayBuilder, Request, eventually, log_in, on_both_databases, read_folder, register,
    sign_up,
};
use tokio::time::sleep;

on_both_databases! {
    scenarios: [killed_at_any_moment, killed_at_the_first_answer]
}

/// How long after the first byte of the first request the gateway is killed, from before it has read anything to after it has
/// sent most mail.
const MOMENTS: [u64; 14] = [0, 2, 5, 10, 20, 30, 45, 60, 80, 100, 130, 170, 250, 400];

const AT_ONCE: usize = 6;

fn settings(engine: Engine) -> GatewayBuilder {
    // With Glue's own rule for an open claim another sign-up tells whether the account exists.
    let gateway = Gateway::on(engine).set("VESTIBULE__ACCOUNTS__REREGISTRATION", "reject");
    let folder = gateway.path("mail").display().to_string();
    gateway.set("VESTIBULE__MAIL__TRANSPORT", "file").set("VESTIBULE__MAIL__FILE__PATH", &folder)
}

/// What a client knows of its sign-up when the gateway is gone.
struct Attempt {
    address: String,
    created: bool,
}

async fn killed_at_any_moment(engine: Engine) {
    let mut builder = settings(engine);
    let mut attempts = Vec::new();
    for moment in MOMENTS {
        let gateway = builder.start().await;
        let client = gateway.client();
        let addresses: Vec<String> = (0..AT_ONCE).map(|index| format!("mira-{moment}-{index}@example.com")).collect();
        let requests: Vec<Request> = addresses.iter().map(|address| register(&sign_up(address))).collect();
        let answers = join_all(requests.iter().map(|request| client.try_send(request)));
        let killed = async {
            sleep(Duration::from_millis(moment)).await;
            gateway.kill().await
        };
        let (answers, next) = tokio::join!(answers, killed);
        builder = next;
        attempts.extend(
            addresses.into_iter().zip(answers).map(|(address, answer)| Attempt {
                address,
                created: answer.is_some_and(|answer| answer.status == 201),
            }),
        );
    }
    let existing = assert_all_or_nothing(builder, &attempts).await;
    // Else the moments are all too early or all too late, and nothing was shown.
    assert!(0 < existing && existing < attempts.len(), "{existing} of {} accounts exist", attempts.len());
}

async fn killed_at_the_first_answer(engine: Engine) {
    let mut builder = settings(engine);
    let mut attempts = Vec::new();
    for round in 0..4 {
        let gateway = builder.start().await;
        let address = format!("first-{round}@example.com");
        gateway.register(&address).await;
        // The client has its 201: from here on nothing may be lost, whatever has been done about the mail.
        builder = gateway.kill().await;
        attempts.push(Attempt { address, created: true });
    }
    assert_eq!(assert_all_or_nothing(builder, &attempts).await, attempts.len());
}

/// Answers how many of the accounts exist.
async fn assert_all_or_nothing(builder: GatewayBuilder, attempts: &[Attempt]) -> usize {
    let folder = builder.path("mail");
    let gateway = builder.start().await;
    // What a killed worker had leased becomes free when its lease ends.
    eventually("the outbox is empty", async || {
        gateway.advance(120).await;
        let ready = gateway.send(&Request::get("/health/ready")).await.json();
        assert_eq!(ready["outbox"]["dead"], 0, "{ready}");
        ready["outbox"]["queued"] == 0
    })
    .await;

    let mails = read_folder(&folder);
    let reached: BTreeSet<&str> = mails.iter().filter_map(recipient).collect();
    let mut existing = 0;
    for Attempt { address, created } in attempts {
        let again = gateway.send(&register(&sign_up(address))).await;
        let exists = match again.status {
            422 => true,
            201 => false,
            _ => panic!("{again:?}"),
        };
        assert!(exists || !created, "{address} was told 201 and is not there");
        assert_eq!(
            exists,
            reached.contains(address.as_str()),
            "{address}: an account without a mail, or a mail without one"
        );
        if exists {
            existing += 1;
            let keys = mails.iter().filter(|mail| recipient(mail) == Some(address)).filter_map(Eml::token);
            let mut confirmed = 0;
            for key in keys {
                confirmed += usize::from(gateway.send(&testkit::confirm(key)).await.status == 204);
            }
            assert_eq!(confirmed, 1, "{address}: one of its mails opens the second door, and once");
            assert_eq!(gateway.send(&log_in(address, testkit::PASSWORD)).await.status, 201);
        }
    }
    existing
}

fn recipient(mail: &Eml) -> Option<&str> {
    mail.header("To").map(|to| to.trim_start_matches('<').trim_end_matches('>'))
}
