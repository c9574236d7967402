use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::*;

/// A mail server on loopback that keeps what it is sent.
struct Sink {
    address: std::net::SocketAddr,
    mails: mpsc::UnboundedReceiver<(Instant, String)>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    async fn start() -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn on(listener: TcpListener) -> Self {
        let address = listener.local_addr().unwrap();
        let (sender, mails) = mpsc::unbounded_channel();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                if let Some(mail) = converse(stream).await {
                    // Only a test that has ended does not listen.
                    let _ = sender.send((Instant::now(), mail));
                }
            }
        });
        Self {
            address,
            mails,
            task,
        }
    }

    async fn mail(&mut self) -> (Instant, String) {
        let mail = tokio::time::timeout(Duration::from_secs(10), self.mails.recv()).await;
        mail.expect("a mail comes").unwrap()
    }
}

/// One conversation by SMTP; gives what was sent after `DATA`.
async fn converse(stream: TcpStream) -> Option<String> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader).lines();
    writer.write_all(b"220 sink\r\n").await.ok()?;
    let mut mail = None;
    while let Some(line) = lines.next_line().await.ok()? {
        let answer: &[u8] = match line.split(' ').next()?.to_ascii_uppercase().as_str() {
            "EHLO" | "HELO" => b"250 sink\r\n",
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await.ok()?;
                let mut text = String::new();
                while let Some(line) = lines.next_line().await.ok()? {
                    if line == "." {
                        break;
                    }
                    text.push_str(&line);
                    text.push('\n');
                }
                mail = Some(text);
                b"250 taken\r\n"
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await.ok()?;
                break;
            }
            _ => b"250 ok\r\n",
        };
        writer.write_all(answer).await.ok()?;
    }
    mail
}

fn notifier(address: std::net::SocketAddr, every: Duration) -> MailNotifier {
    let settings = MailSettings {
        smtp: format!("smtp://{address}").into(),
        from: "Calendar <calendar@example.com>".to_owned(),
        to: vec![
            "office@example.com".to_owned(),
            "Ann <ann@example.com>".to_owned(),
        ],
        every,
    };
    MailNotifier::new(&settings, None).unwrap()
}

fn review(number: u32) -> Notification {
    let event = json!({
        "tenant": "salon", "at": "2026-12-01T09:00:00Z", "event": "review_opened",
        "review": number, "reason": "conflict", "appointment": format!("a-{number}"),
    });
    serde_json::from_value(event).unwrap()
}

#[tokio::test]
async fn what_comes_together_is_one_mail_and_the_next_one_waits() {
    const EVERY: Duration = Duration::from_millis(700);
    let mut sink = Sink::start().await;
    let notifier = notifier(sink.address, EVERY);
    for number in 1..=3 {
        notifier.notify(&review(number)).await.unwrap();
    }
    let (first_at, first) = sink.mail().await;
    assert!(
        first.contains("Subject: Calendar sync: 3 items need a decision"),
        "{first}"
    );
    assert!(first.contains("Auto-Submitted: auto-generated"), "{first}");
    assert_eq!(first.matches("salon: item").count(), 3, "{first}");
    notifier.notify(&review(4)).await.unwrap();
    notifier.notify(&review(5)).await.unwrap();
    let (second_at, second) = sink.mail().await;
    assert_eq!(second.matches("salon: item").count(), 2, "{second}");
    let pause = second_at - first_at;
    assert!(pause >= EVERY - Duration::from_millis(150), "{pause:?}");
    assert!(sink.mails.try_recv().is_err());
}

#[tokio::test]
async fn what_is_collected_is_sent_when_the_program_stops() {
    let mut sink = Sink::start().await;
    let notifier = notifier(sink.address, Duration::from_secs(3600));
    notifier.notify(&review(1)).await.unwrap();
    notifier.flush().await;
    let (_, mail) = sink.mail().await;
    assert!(mail.contains("salon: item 1 needs a decision"), "{mail}");
    notifier.flush().await;
    assert!(sink.mails.try_recv().is_err());
}

#[tokio::test]
async fn a_mail_that_was_not_sent_is_sent_later() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let notifier = notifier(address, Duration::from_secs(3600));
    notifier.notify(&review(1)).await.unwrap();
    notifier.flush().await;
    let mut sink = Sink::on(TcpListener::bind(address).await.unwrap());
    notifier.notify(&review(2)).await.unwrap();
    notifier.flush().await;
    let (_, mail) = sink.mail().await;
    assert!(
        mail.contains("item 1 needs") && mail.contains("item 2 needs"),
        "{mail}"
    );
}

#[test]
fn an_address_that_cannot_be_used_is_not_repeated() {
    let settings = MailSettings {
        smtp: "smtp://me:hidden@mail.example.com?tls=nonsense".into(),
        from: "a@example.com".to_owned(),
        to: vec!["b@example.com".to_owned()],
        every: Duration::from_secs(1),
    };
    let failure = MailNotifier::new(&settings, None).unwrap_err();
    assert!(failure.told().contains("mail.smtp") && !failure.told().contains("hidden"));
}
