//! What a person does at the page: looks for things by what they are and what they say, and presses them.

use std::future::Future;
use std::time::Duration;

use chrono::{DateTime, Utc};
use fantoccini::actions::{ActionSequence, Actions, InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::Browser;

const WORDS: &str = include_str!("person.js");
/// How long a person waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(60);

/// Tries something until it is there, and describes the page otherwise.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(
    browser: &Browser,
    what: &str,
    mut attempt: impl FnMut() -> F,
) -> T {
    let waiting = async {
        loop {
            if let Some(found) = attempt().await {
                return found;
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    match tokio::time::timeout(PATIENCE, waiting).await {
        Ok(found) => found,
        Err(_) => {
            let (path, text) = (browser.path().await, browser.text().await);
            browser.picture("failed").await;
            panic!("{what} does not come; {path} says:\n{text}");
        }
    }
}

impl Browser {
    /// Everything that is to be read, as it is laid out.
    pub(crate) async fn text(&self) -> String {
        let text = self.run("return document.body.innerText", Vec::new()).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The words of the page's main part, with single spaces.
    pub(crate) async fn main_text(&self) -> String {
        let script = "return (document.querySelector('main') || document.body).innerText.replace(/\\s+/g, ' ')";
        let text = self.run(script, Vec::new()).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// The title of the page: what stands in its largest heading.
    pub(crate) async fn heading(&self) -> String {
        let script = "return document.querySelector('h1')?.innerText ?? ''";
        let text = self.run(script, Vec::new()).await;
        text.as_str().unwrap_or_default().trim().to_owned()
    }

    /// Waits until the page has this title.
    pub(crate) async fn is_headed(&self, title: &str) {
        let what = format!("the heading {title:?}");
        let is_there = async || (self.heading().await == title).then_some(());
        until(self, &what, is_there).await;
    }

    /// Waits until a text is to be read.
    pub(crate) async fn sees(&self, text: &str) {
        let what = format!("the text {text:?}");
        let is_there = async || self.main_text().await.contains(text).then_some(());
        until(self, &what, is_there).await;
    }

    /// Waits until a text is to be read anywhere, in a dialog too.
    pub(crate) async fn sees_anywhere(&self, text: &str) {
        let what = format!("the text {text:?}");
        let is_there = async || {
            let shown = self.text().await;
            let shown = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            shown.contains(text).then_some(())
        };
        until(self, &what, is_there).await;
    }

    /// The visible text of the first element that a selector finds; waits for it.
    pub(crate) async fn text_of(&self, selector: &str) -> String {
        let script = "const found = document.querySelector(arguments[0]);
            return found ? found.innerText.replace(/\\s+/g, ' ').trim() : null;";
        until(self, selector, async || {
            let text = self.run(script, vec![json!(selector)]).await;
            text.as_str().map(str::to_owned)
        })
        .await
    }

    /// What is said about the only element of a role and name beside its name.
    pub(crate) async fn description(&self, role: &str, name: &str) -> String {
        let element = self.the(role, name).await;
        let script = "const by = (arguments[0].getAttribute('aria-describedby') || '').split(/\\s+/).filter(Boolean);
            return by.map((id) => document.getElementById(id)?.innerText ?? '').join(' ').replace(/\\s+/g, ' ');";
        let said = self.run(script, vec![json!(element)]).await;
        said.as_str().unwrap_or_default().to_owned()
    }

    /// Picks a free slot by the day and the time that are shown for it.
    pub(crate) async fn pick_slot(&self, slot: DateTime<Utc>) {
        let shown = slot.with_timezone(&chrono_tz::Europe::Berlin);
        let (day, time) = (shown.format("%A %-d %B"), shown.format("%H:%M"));
        let is_folded = format!(
            "{WORDS}
            const days = [...document.querySelectorAll('details.day')];
            return days.some((day) => !day.open && clean(day.querySelector('summary').textContent).startsWith(arguments[0]));"
        );
        let day = day.to_string();
        if self.run(&is_folded, vec![json!(day)]).await == true {
            self.press("disclosure", &day).await;
        }
        let script = format!(
            "{WORDS}
            const [day, time] = arguments;
            const group = [...document.querySelectorAll('fieldset')].find((group) => clean(group.querySelector('legend')?.textContent) === day);
            return group ? [...group.querySelectorAll('label')].filter((label) => clean(label.textContent) === time) : [];"
        );
        let args = vec![json!(day), json!(time.to_string())];
        let found = self.elements(&script, args).await;
        assert_eq!(found.len(), 1, "slots for {day}, {time}");
        found[0].click().await.unwrap();
    }

    /// Waits until a text is no longer to be read.
    pub(crate) async fn sees_no_more(&self, text: &str) {
        let what = format!("the end of the text {text:?}");
        let is_gone = async || (!self.main_text().await.contains(text)).then_some(());
        until(self, &what, is_gone).await;
    }

    /// The visible elements of a role whose name contains this text; those that have exactly this
    /// name, if there are any.
    pub(crate) async fn all(&self, role: &str, name: &str) -> Vec<Element> {
        self.all_within("body", role, name).await
    }

    /// The same within the first visible element that a selector finds.
    pub(crate) async fn all_within(&self, place: &str, role: &str, name: &str) -> Vec<Element> {
        let script = format!(
            "{WORDS}
            const [place, role, name] = arguments;
            const root = [...document.querySelectorAll(place)].find(isShown);
            if (!root) return [];
            const all = [...root.querySelectorAll(ROLES[role])].filter(isShown);
            const named = all.map((element) => [element, nameOf(element)]);
            const exact = named.filter(([, own]) => own === name);
            const found = exact.length ? exact : named.filter(([, own]) => own.includes(name));
            return found.map(([element]) => element);"
        );
        let args = vec![json!(place), json!(role), json!(name)];
        self.elements(&script, args).await
    }

    /// The names of all visible elements of a role.
    pub(crate) async fn names(&self, role: &str) -> Vec<String> {
        let script = format!(
            "{WORDS}
            return [...document.querySelectorAll(ROLES[arguments[0]])].filter(isShown).map(nameOf);"
        );
        let names = self.run(&script, vec![json!(role)]).await;
        let names = names.as_array().cloned().unwrap_or_default();
        let names = names.into_iter().filter_map(|name| match name {
            Value::String(name) => Some(name),
            _ => None,
        });
        names.collect()
    }

    /// The only visible element of a role that has this name, or has it in its name; waits for it.
    pub(crate) async fn the(&self, role: &str, name: &str) -> Element {
        self.the_within("body", role, name).await
    }

    /// The same within the first visible element that a selector finds.
    pub(crate) async fn the_within(&self, place: &str, role: &str, name: &str) -> Element {
        let what = format!("the {role} {name:?}");
        let found = async || {
            let mut found = self.all_within(place, role, name).await;
            assert!(found.len() < 2, "there are {} of {what}", found.len());
            found.pop()
        };
        until(self, &what, found).await
    }

    /// Clicks the only element of a role and name. If the page is brought up to date at that moment,
    /// looks again.
    pub(crate) async fn press(&self, role: &str, name: &str) {
        self.press_within("body", role, name).await;
    }

    /// The same within the first visible element that a selector finds.
    pub(crate) async fn press_within(&self, place: &str, role: &str, name: &str) {
        for _ in 0..5 {
            let found = self.the_within(place, role, name).await;
            match found.click().await {
                Ok(()) => return,
                Err(CmdError::Standard(error)) if error.error() == "stale element reference" => {}
                Err(error) => panic!("the {role} {name:?} cannot be pressed: {error}"),
            }
        }
        panic!("the {role} {name:?} never stands still");
    }

    /// The same, and waits until another page has taken the place of this one.
    pub(crate) async fn press_and_leave(&self, role: &str, name: &str) {
        self.mark().await;
        self.press(role, name).await;
        let is_left = async || (!self.is_marked().await).then_some(());
        until(self, "another page", is_left).await;
    }

    /// Fills a field in.
    pub(crate) async fn fill(&self, label: &str, text: &str) {
        let field = self.the("textbox", label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Picks an option of a list by its text.
    pub(crate) async fn pick(&self, label: &str, option: &str) {
        let list = self.the("combobox", label).await;
        let script =
            "return [...arguments[0].options].filter((option) => option.text === arguments[1])";
        let found = self
            .elements(script, vec![json!(list), json!(option)])
            .await;
        assert_eq!(found.len(), 1, "{option:?} among those of {label:?}");
        found[0].click().await.unwrap();
    }

    /// Follows a link of the page's own navigation.
    pub(crate) async fn go_to(&self, name: &str) {
        self.press_within("nav", "link", name).await;
    }

    /// Presses a key, wherever the focus is.
    pub(crate) async fn key(&self, key: Key) {
        let key = char::from(key);
        let presses = KeyActions::new("keyboard".to_owned())
            .then(KeyAction::Down { value: key })
            .then(KeyAction::Up { value: key });
        let presses = Actions::from(ActionSequence::from(presses));
        self.client().perform_actions(presses).await.unwrap();
    }

    /// Types a text, wherever the focus is.
    pub(crate) async fn type_text(&self, text: &str) {
        let mut presses = KeyActions::new("keyboard".to_owned());
        for value in text.chars() {
            presses = presses.then(KeyAction::Down { value });
            presses = presses.then(KeyAction::Up { value });
        }
        let presses = Actions::from(ActionSequence::from(presses));
        self.client().perform_actions(presses).await.unwrap();
    }

    /// The role and name of what has the focus, such as `button Retry`; empty if nothing has.
    pub(crate) async fn focused(&self) -> String {
        let script = format!(
            "{WORDS}
            const element = document.activeElement;
            if (!element || element === document.body) return '';
            const role = Object.keys(ROLES).find((role) => element.matches(ROLES[role]));
            return `${{role ?? element.localName}} ${{nameOf(element)}}`;"
        );
        let focused = self.run(&script, Vec::new()).await;
        focused.as_str().unwrap_or_default().to_owned()
    }

    /// Presses the Tab key until something has the focus whose role and name contain this text.
    pub(crate) async fn tab_to(&self, wanted: &str) {
        let mut met = Vec::new();
        for _ in 0..120 {
            self.key(Key::Tab).await;
            let focused = self.focused().await;
            if focused.contains(wanted) {
                return;
            }
            met.push(focused);
        }
        panic!("no Tab leads to {wanted:?}, but to {met:#?}");
    }
}
