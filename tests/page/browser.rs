//! A headless Chromium, and everything it said while a test used it.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;
use std::time::Duration;

use fantoccini::elements::Element;
use fantoccini::wd::{TimeoutConfiguration, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, Command};
use url::Url;

/// How long anything at all may take to begin.
const PATIENCE: Duration = Duration::from_secs(20);

/// The size and the colours in which a page is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Look {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_dark: bool,
}

impl Look {
    pub(crate) const DESK: Self = Self {
        width: 1280,
        height: 900,
        is_dark: false,
    };
    pub(crate) const PHONE: Self = Self {
        width: 390,
        height: 844,
        is_dark: false,
    };

    pub(crate) const fn dark(self) -> Self {
        let is_dark = true;
        Self { is_dark, ..self }
    }

    pub(crate) fn is_phone(self) -> bool {
        self.width < 600
    }

    /// As a part of a file's name.
    pub(crate) fn name(self) -> String {
        let light = if self.is_dark { "dark" } else { "light" };
        format!("{}-{light}", self.width)
    }
}

/// One browser with a profile of its own. Its processes end when it is dropped.
pub(crate) struct Browser {
    client: Client,
    /// Where pages are looked for.
    base: Url,
    /// What the browser asked for, and what it complained about, so far.
    said: Mutex<Said>,
    chromium: Option<u64>,
    _driver: Child,
    profile: tempfile::TempDir,
}

#[derive(Default)]
struct Said {
    requests: Vec<String>,
    complaints: Vec<String>,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // After a failed test the session is still open; the driver is killed with its handle.
        if let Some(pid) = self.chromium.take() {
            let mut kill = std::process::Command::new("kill");
            let _ = kill.args(["-KILL", &pid.to_string()]).status();
        }
        // Its processes write until they have noticed.
        for _ in 0..40 {
            if std::fs::remove_dir_all(self.profile.path()).is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Browser {
    /// Starts a browser for the pages at `base`.
    pub(crate) async fn start(base: &Url) -> Self {
        let profile = tempfile::tempdir().unwrap();
        let (driver, port) = start_driver(profile.path()).await;
        let options = json!({
            "args": [
                "--headless=new",
                "--no-sandbox",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--disable-component-update",
                "--no-first-run",
                "--force-device-scale-factor=1",
                "--lang=en-GB",
                "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
                "--window-size=1280,900",
                format!("--user-data-dir={}", profile.path().display()),
            ],
            "perfLoggingPrefs": {"enableNetwork": true, "enablePage": false},
        });
        let capabilities = json!({
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        });
        let Value::Object(capabilities) = capabilities else {
            unreachable!("it is an object");
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let address = format!("http://127.0.0.1:{port}");
        let connecting = tokio::time::timeout(PATIENCE, builder.connect(&address));
        let client = connecting.await.expect("the browser starts in time");
        let client = client.expect("chromedriver starts a browser");
        let chromium = client.capabilities();
        let chromium = chromium.and_then(|told| told.get("goog:processID"));
        let chromium = chromium.and_then(Value::as_u64);
        let timeouts = TimeoutConfiguration::new(Some(PATIENCE), Some(PATIENCE), None);
        client.update_timeouts(timeouts).await.unwrap();
        let browser = Self {
            client,
            base: base.clone(),
            said: Mutex::default(),
            chromium,
            _driver: driver,
            profile,
        };
        browser.look(Look::DESK).await;
        // What the browser itself shows first is none of the page's.
        browser.client.goto("about:blank").await.unwrap();
        browser.listen().await;
        *browser.said.lock().unwrap() = Said::default();
        browser
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a page by its path, below that of the first page.
    pub(crate) async fn open(&self, path: &str) {
        let url = self.base.join(path).unwrap();
        let url = url.as_str().trim_end_matches('/');
        self.client.goto(url).await.unwrap();
    }

    /// The path that is open.
    pub(crate) async fn path(&self) -> String {
        self.client.current_url().await.unwrap().path().to_owned()
    }

    /// Shows what is open, and everything that will be opened, in another size and other colours.
    pub(crate) async fn look(&self, look: Look) {
        let size = json!({
            "width": look.width,
            "height": look.height,
            "deviceScaleFactor": 1,
            "mobile": look.is_phone(),
        });
        self.cdp("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if look.is_dark { "dark" } else { "light" };
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            // What fades in would be measured half faded.
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        let media = json!({"features": features});
        self.cdp("Emulation.setEmulatedMedia", media).await;
    }

    /// Stops all scripts of the pages that are opened from now on.
    pub(crate) async fn without_script(&self) {
        let off = json!({"value": true});
        self.cdp("Emulation.setScriptExecutionDisabled", off).await;
    }

    /// Runs a script and returns its result. The page's own policy does not apply to it.
    pub(crate) async fn run(&self, script: &str, args: Vec<Value>) -> Value {
        let ran = self.client.execute(script, args).await;
        ran.unwrap_or_else(|error| panic!("a script fails: {error}"))
    }

    /// A command of the protocol of the developer tools.
    pub(crate) async fn cdp(&self, command: &'static str, params: Value) -> Value {
        let body = json!({"cmd": command, "params": params});
        let path = "goog/cdp/execute";
        let answer = self.client.issue_cmd(Extension { path, body }).await;
        answer.unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    async fn log(&self, kind: &'static str) -> Vec<Value> {
        let body = json!({"type": kind});
        let entries = self.client.issue_cmd(Extension {
            path: "se/log",
            body,
        });
        let entries = entries.await.unwrap();
        entries.as_array().cloned().unwrap_or_default()
    }

    /// Takes in what the browser has said since the last time.
    pub(crate) async fn listen(&self) {
        let (network, console) = (self.log("performance").await, self.log("browser").await);
        let mut said = self.said.lock().unwrap();
        for entry in network {
            let message = entry["message"].as_str().unwrap_or_default();
            let message: Value = serde_json::from_str(message).unwrap_or_default();
            let message = &message["message"];
            if message["method"] == "Network.requestWillBeSent" {
                let url = &message["params"]["request"]["url"];
                said.requests.push(url.as_str().unwrap_or("?").to_owned());
            }
        }
        for entry in console {
            let level = entry["level"].as_str().unwrap_or("?");
            if level == "SEVERE" || level == "WARNING" {
                let text = entry["message"].as_str().unwrap_or("?");
                said.complaints.push(format!("{level}: {text}"));
            }
        }
    }

    /// Closes the browser, and holds what it said to what is always so: everything was loaded from the
    /// page's own address, and the console is empty, but for what contains one of these texts.
    pub(crate) async fn close(mut self, expected: &[&str]) {
        self.listen().await;
        {
            let said = self.said.lock().unwrap();
            assert!(!said.requests.is_empty(), "no request was seen at all");
            let origin = self.base.origin();
            let is_own = |url: &String| Url::parse(url).is_ok_and(|url| url.origin() == origin);
            // Nobody is asked for these: the browser draws the fields for days with them. The page's own
            // policy permits it none.
            let is_drawn = |url: &String| url.starts_with("data:image/svg+xml");
            let others = said.requests.iter();
            let others: Vec<_> = others
                .filter(|url| !is_own(url) && !is_drawn(url))
                .collect();
            assert!(others.is_empty(), "something else was asked: {others:#?}");
            let mut complaints = said.complaints.clone();
            complaints.retain(|text| !expected.iter().any(|known| text.contains(known)));
            assert!(complaints.is_empty(), "the console says: {complaints:#?}");
        }
        let closing = self.client.clone().close();
        let closed = tokio::time::timeout(PATIENCE, closing).await;
        closed.expect("the browser closes in time").unwrap();
        self.chromium = None;
    }

    /// Writes what is shown to `target/page/NAME.png`: the whole page, however long.
    pub(crate) async fn picture(&self, name: &str) {
        let params = json!({"format": "png", "captureBeyondViewport": true});
        self.capture(name, params).await;
    }

    /// Writes what is to be seen without scrolling to `target/page/NAME.png`.
    pub(crate) async fn picture_of_window(&self, name: &str) {
        self.capture(name, json!({"format": "png"})).await;
    }

    async fn capture(&self, name: &str, params: Value) {
        let taken = self.cdp("Page.captureScreenshot", params).await;
        let taken = taken["data"].as_str().expect("a picture");
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, taken);
        let folder = pictures();
        tokio::fs::create_dir_all(&folder).await.unwrap();
        let path = folder.join(format!("{name}.png"));
        let mut file = tokio::fs::File::create(path).await.unwrap();
        file.write_all(&bytes.unwrap()).await.unwrap();
        file.flush().await.unwrap();
    }

    /// The elements that a script returns.
    pub(crate) async fn elements(&self, script: &str, args: Vec<Value>) -> Vec<Element> {
        let found = self.run(script, args).await;
        let found = found.as_array().cloned().unwrap_or_default();
        let found = found.into_iter().map(|element| {
            let id = element
                .as_object()
                .and_then(|object| object.values().next());
            let id = id.and_then(Value::as_str).expect("an element");
            Element::from_element_id(self.client.clone(), id.to_owned().into())
        });
        found.collect()
    }
}

/// Where pictures go: `target/page`.
pub(crate) fn pictures() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target"));
    target.join("page")
}

/// Starts chromedriver on a free port, and returns that. What it and the browser write is in the folder.
async fn start_driver(folder: &Path) -> (Child, u16) {
    let mut command = Command::new("chromedriver");
    command.arg("--port=0").env("TMPDIR", folder);
    command.kill_on_drop(true);
    command.stdin(Stdio::null()).stderr(Stdio::null());
    let mut driver = command.stdout(Stdio::piped()).spawn();
    let driver_ref = driver
        .as_mut()
        .expect("chromedriver is to be installed (chromium-driver); scripts/test-page does that");
    let stdout = driver_ref.stdout.take().expect("it is piped");
    let mut lines = BufReader::new(stdout).lines();
    let reading = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            let port = line.split("successfully on port ").nth(1);
            if let Some(port) = port {
                return port.trim_end_matches('.').parse().expect("a port");
            }
        }
        panic!("chromedriver ended without naming its port");
    };
    let port = tokio::time::timeout(PATIENCE, reading).await;
    let port = port.expect("chromedriver starts in time");
    // A pipe that nobody reads would stop it.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    (driver.unwrap(), port)
}

/// A command of chromedriver's own.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
