//! The mailbox as people, test suites and other processes use it.
#![expect(clippy::unwrap_used, reason = "a test that finds nothing has failed")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::MovableClock;
use mailer::{MailSettings, Mailbox, MailboxFilter, Mailer};
use support::{confirmation, open, settings};

async fn send(mailer: &Mailer, email: &str) -> String {
    let receipt = mailer.send(&confirmation(mailer, email)).await.unwrap();
    receipt.answer.strip_prefix("mailbox ").unwrap().to_owned()
}

fn to(address: &str) -> MailboxFilter {
    MailboxFilter { to: Some(address.to_owned()), after: None }
}

async fn ids(mailbox: &Mailbox, filter: &MailboxFilter) -> Vec<String> {
    mailbox.list(filter).await.unwrap().into_iter().map(|message| message.id).collect()
}

fn files(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().filter(|entry| entry.as_ref().unwrap().file_name() != ".lock").count()
}

#[tokio::test]
async fn a_message_shows_everything_that_a_test_suite_needs() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mailbox = mailer.mailbox().unwrap();
    let mail = confirmation(&mailer, "Mira@example.com");
    mailer.send(&mail).await.unwrap();
    let shown = serde_json::to_value(mailbox.list(&MailboxFilter::default()).await.unwrap()).unwrap();
    let message = &shown[0];
    for (name, value) in [
        ("channel", "mail"),
        ("kind", "registration-confirmation"),
        ("to", "Mira@example.com"),
        ("from", "noreply@vestibule.example"),
        ("subject", "Thank you for signing up with Vestibule Demo Shop!"),
        ("text", &mail.text),
        ("html", &mail.html),
        ("link", mail.link.as_ref().unwrap()),
        ("token", support::KEY),
        ("code", support::CODE),
    ] {
        assert_eq!(message[name], value, "{name}");
    }
    assert!(message["sentAt"].as_str().unwrap().ends_with('Z'));
    assert_eq!(message.as_object().unwrap().len(), 12);
    let id = message["id"].as_str().unwrap();
    assert_eq!(mailbox.raw(id).await.unwrap().unwrap(), mail.raw());
    assert_eq!(mailbox.find(id).await.unwrap().unwrap().id, id);
}

#[tokio::test]
async fn the_list_is_newest_first_and_can_be_narrowed() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mailbox = mailer.mailbox().unwrap();
    let first = send(&mailer, "mira@bücher.example").await;
    let second = send(&mailer, "other@example.com").await;
    let third = send(&mailer, "Mira@BÜCHER.example").await;
    assert_eq!(ids(&mailbox, &MailboxFilter::default()).await, [third.as_str(), &second, &first]);
    for spelling in ["mira@bücher.example", "MIRA@xn--bcher-kva.example", " mira@Bücher.example "] {
        assert_eq!(ids(&mailbox, &to(spelling)).await, [third.as_str(), &first], "{spelling}");
    }
    assert_eq!(ids(&mailbox, &to("nobody@example.com")).await, [""; 0]);
    let after = |id: &str| MailboxFilter { to: None, after: Some(id.to_owned()) };
    assert_eq!(ids(&mailbox, &after(&first)).await, [third.as_str(), &second]);
    assert_eq!(ids(&mailbox, &after(&third)).await, [""; 0]);
    assert!(mailbox.delete(&second).await.unwrap());
    assert_eq!(ids(&mailbox, &after(&second)).await, [third.as_str()]);
}

#[tokio::test]
async fn only_the_newest_are_kept_and_a_clock_set_back_does_not_mix_them_up() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.mailbox.keep = 3;
    let ahead = Arc::new(MovableClock::default());
    ahead.advance(Duration::from_secs(86_400 * 365));
    let before = Mailer::new(&settings, ahead).unwrap();
    send(&before, "a@example.com").await;
    send(&before, "b@example.com").await;
    // A new process, whose clock runs with the system's again.
    let mailer = open(&settings).unwrap();
    let mailbox = mailer.mailbox().unwrap();
    let newest = ids(&mailbox, &MailboxFilter::default()).await[0].clone();
    let third = send(&mailer, "c@example.com").await;
    let fourth = send(&mailer, "d@example.com").await;
    assert!(third > newest && fourth > third);
    let kept = mailbox.list(&MailboxFilter::default()).await.unwrap();
    assert_eq!(
        kept.iter().map(|message| message.to.as_str()).collect::<Vec<_>>(),
        ["d@example.com", "c@example.com", "b@example.com"]
    );
    assert_eq!(files(Path::new(&settings.mailbox.path)), 6);
}

#[tokio::test]
async fn what_a_crash_left_half_written_is_never_shown_and_goes_in_its_turn() {
    let folder = tempfile::tempdir().unwrap();
    let mut settings = settings(folder.path());
    settings.mailbox.keep = 1;
    let mailer = open(&settings).unwrap();
    let path = Path::new(&settings.mailbox.path);
    for name in ["0000000000000000001-00000000.eml", "0000000000000000001-00000000.tmp"] {
        fs::write(path.join(name), "{").unwrap();
    }
    fs::write(path.join("0000000000000000002-00000000.json"), "{\"id\":").unwrap();
    fs::write(path.join("notes.json"), "{}").unwrap();
    let mailbox = mailer.mailbox().unwrap();
    assert_eq!(ids(&mailbox, &MailboxFilter::default()).await, [""; 0]);
    let id = send(&mailer, "a@example.com").await;
    assert_eq!(ids(&mailbox, &MailboxFilter::default()).await, [id]);
    assert_eq!(files(path), 3, "the message's two files and what is none of ours");
}

#[tokio::test]
async fn deleting_and_clearing_leave_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mailer = open(&settings).unwrap();
    let mailbox = mailer.mailbox().unwrap();
    let first = send(&mailer, "a@example.com").await;
    send(&mailer, "b@example.com").await;
    assert!(mailbox.delete(&first).await.unwrap());
    assert!(!mailbox.delete(&first).await.unwrap());
    assert!(mailbox.find(&first).await.unwrap().is_none() && mailbox.raw(&first).await.unwrap().is_none());
    assert_eq!(files(Path::new(&settings.mailbox.path)), 2);
    mailbox.clear().await.unwrap();
    assert_eq!(files(Path::new(&settings.mailbox.path)), 0);
    assert_eq!(ids(&mailbox, &MailboxFilter::default()).await, [""; 0]);
}

#[tokio::test]
async fn no_id_leads_out_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mailbox = mailer.mailbox().unwrap();
    let secret = folder.path().join("abc");
    for extension in ["eml", "json"] {
        fs::write(secret.with_extension(extension), "{}").unwrap();
    }
    let absolute = secret.display().to_string();
    for id in ["../abc", "..%2fabc", absolute.as_str(), "..", ".", "", ".lock", "abc\0", "ABC", &"a".repeat(65)] {
        assert!(mailbox.find(id).await.unwrap().is_none(), "{id:?}");
        assert!(mailbox.raw(id).await.unwrap().is_none(), "{id:?}");
        assert!(!mailbox.delete(id).await.unwrap(), "{id:?}");
    }
    assert!(secret.with_extension("eml").exists());
}

#[tokio::test]
async fn waiting_ends_with_the_message_or_with_the_time() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = open(&settings(folder.path())).unwrap();
    let mailbox = mailer.mailbox().unwrap();
    let filter = to("mira@example.com");
    assert!(mailbox.wait(&filter, Duration::ZERO).await.unwrap().is_empty());
    assert!(mailbox.wait(&filter, Duration::from_millis(20)).await.unwrap().is_empty());
    let began = Instant::now();
    let limit = Duration::from_secs(60);
    let (found, ()) = tokio::join!(mailbox.wait(&filter, limit), async {
        send(&mailer, "other@example.com").await;
        send(&mailer, "mira@example.com").await;
    });
    assert_eq!(found.unwrap().len(), 1);
    assert_eq!(mailbox.wait(&filter, Duration::MAX).await.unwrap().len(), 1);
    assert!(began.elapsed() < limit / 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_arrival_is_missed_however_the_two_meet() {
    let folder = tempfile::tempdir().unwrap();
    let mailer = Arc::new(open(&settings(folder.path())).unwrap());
    let mailbox = mailer.mailbox().unwrap();
    let mut seen = String::new();
    for _ in 0..100 {
        let sender = Arc::clone(&mailer);
        let sent = tokio::spawn(async move { send(&sender, "mira@example.com").await });
        let filter = MailboxFilter { to: Some("mira@example.com".to_owned()), after: Some(seen.clone()) };
        let found = mailbox.wait(&filter, Duration::from_secs(60)).await.unwrap();
        assert_eq!(found.len(), 1);
        seen = sent.await.unwrap();
        assert_eq!(found[0].id, seen);
    }
}

fn shared(folder: &Path) -> (MailSettings, Mailer, Mailer) {
    let settings = settings(folder);
    let (one, two) = (open(&settings).unwrap(), open(&settings).unwrap());
    (settings, one, two)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_that_share_a_folder_see_each_others_messages() {
    let folder = tempfile::tempdir().unwrap();
    let (_, one, two) = shared(folder.path());
    let (here, there) = (one.mailbox().unwrap(), two.mailbox().unwrap());
    let filter = to("mira@example.com");
    let (found, id) = tokio::join!(here.wait(&filter, Duration::from_secs(60)), send(&two, "mira@example.com"));
    assert_eq!(found.unwrap()[0].id, id);
    assert!(here.delete(&id).await.unwrap());
    assert_eq!(ids(&there, &filter).await, [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ids_grow_in_the_order_in_which_messages_appear_whoever_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (_, one, two) = shared(folder.path());
    let (one, two) = (Arc::new(one), Arc::new(two));
    let reader = one.mailbox().unwrap();
    let writers: Vec<_> = (0..40)
        .map(|number| {
            let mailer = Arc::clone(if number % 2 == 0 { &one } else { &two });
            tokio::spawn(async move { send(&mailer, "mira@example.com").await })
        })
        .collect();
    // Whoever asks only for what is newer than the last thing seen must see everything.
    let mut seen = Vec::new();
    while seen.len() < 40 {
        let filter = MailboxFilter { to: None, after: seen.last().cloned() };
        let found = reader.wait(&filter, Duration::from_secs(30)).await.unwrap();
        assert!(!found.is_empty(), "{} of 40 were seen", seen.len());
        seen.extend(found.into_iter().rev().map(|message| message.id));
    }
    let mut sent = Vec::new();
    for writer in writers {
        sent.push(writer.await.unwrap());
    }
    sent.sort();
    assert_eq!(seen, sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_take_turns_across_processes() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, one, _) = shared(folder.path());
    let reader = one.mailbox().unwrap();
    let filter = to("mira@example.com");
    let turn = fs::OpenOptions::new().write(true).open(Path::new(&settings.mailbox.path).join(".lock")).unwrap();
    turn.lock().unwrap();
    let writer = tokio::spawn(async move { send(&one, "mira@example.com").await });
    assert!(reader.wait(&filter, Duration::from_millis(300)).await.unwrap().is_empty());
    drop(turn);
    let found = reader.wait(&filter, Duration::from_secs(60)).await.unwrap();
    assert_eq!(found[0].id, writer.await.unwrap());
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_user_can_read_the_mailbox() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let settings = settings(folder.path());
    let mailer = open(&settings).unwrap();
    let id = send(&mailer, "mira@example.com").await;
    let path = Path::new(&settings.mailbox.path);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path), 0o700);
    for extension in ["eml", "json"] {
        assert_eq!(mode(&path.join(format!("{id}.{extension}"))), 0o600, "{extension}");
    }
}
