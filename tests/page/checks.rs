//! What every page is held to: that all can read it, whatever they see, hear or point with.

use std::path::PathBuf;

use fantoccini::key::Key;
use serde_json::{Value, json};

use crate::browser::{Browser, pictures};

const WORDS: &str = include_str!("person.js");
const CHECKS: &str = include_str!("checks.js");

/// What the rules of WCAG 2.2 AA find that a machine can find; `None` if axe-core is not at hand.
///
/// `scripts/test-page` fetches it where there is npm.
pub(crate) struct Axe(Option<String>);

impl Axe {
    pub(crate) fn load() -> Self {
        let path = std::env::var_os("CALCOM_TEST_AXE").map(PathBuf::from);
        let path = path.unwrap_or_else(|| pictures().join("axe/package/axe.min.js"));
        let script = std::fs::read_to_string(path).ok();
        if script.is_none() {
            eprintln!(
                "SKIPPED: axe-core, which is not in target/page; the checks by hand are made"
            );
        }
        Self(script)
    }

    pub(crate) async fn complaints(&self, browser: &Browser) -> Vec<String> {
        let Some(script) = &self.0 else {
            return Vec::new();
        };
        browser.run(script, Vec::new()).await;
        // What sticks to the lower edge covers nothing there.
        let to_the_end = "window.scrollTo(0, document.body.scrollHeight)";
        browser.run(to_the_end, Vec::new()).await;
        let rules = json!({
            "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
            "resultTypes": ["violations"],
        });
        let run = "const [rules, done] = arguments;
            axe.run(document, rules).then(
                (found) => done(found.violations.flatMap((one) => one.nodes.map(
                    (node) => `axe: ${one.id}: ${one.help}: ${node.html.slice(0, 160)}: ${node.failureSummary}`))),
                (error) => done([`axe fails: ${error}`]));";
        let found = browser.client().execute_async(run, vec![rules]).await;
        texts(&found.unwrap())
    }
}

fn texts(found: &Value) -> Vec<String> {
    let found = found.as_array().expect("a list of texts");
    let texts = found.iter().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

impl Browser {
    /// What is wrong with the page that is open.
    pub(crate) async fn complaints(&self, axe: &Axe) -> Vec<String> {
        let script = format!("{WORDS}\n{CHECKS}");
        let mut wrong = texts(&self.run(&script, Vec::new()).await);
        wrong.extend(self.unnamed().await);
        wrong.extend(axe.complaints(self).await);
        wrong
    }

    /// What the browser tells a screen reader without a name.
    async fn unnamed(&self) -> Vec<String> {
        let tree = self.cdp("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().expect("the tree has nodes");
        let roles = [
            "button",
            "link",
            "textbox",
            "checkbox",
            "radio",
            "combobox",
            "searchbox",
            "image",
            "progressbar",
            "heading",
            "DisclosureTriangle",
        ];
        let unnamed = nodes.iter().filter(|node| {
            let role = node["role"]["value"].as_str().unwrap_or_default();
            let name = node["name"]["value"].as_str().unwrap_or_default();
            node["ignored"] != true && roles.contains(&role) && name.trim().is_empty()
        });
        let texts = unnamed
            .map(|node| format!("a screen reader is told no name: {}", node["role"]["value"]));
        texts.collect()
    }

    /// Goes through the page by the Tab key, and returns what cannot be reached, or does not show that it
    /// has the focus.
    pub(crate) async fn complaints_of_the_keyboard(&self) -> Vec<String> {
        let script = format!("{WORDS}\n{COLLECT}");
        let all = self.run(&script, Vec::new()).await.as_u64().unwrap();
        let mut wrong = Vec::new();
        for _ in 0..all + 20 {
            self.key(Key::Tab).await;
            let step = self.run(STEP, Vec::new()).await;
            if let Some(complaint) = step.as_str() {
                if complaint == "around" {
                    break;
                }
                wrong.push(complaint.to_owned());
            }
        }
        wrong.extend(texts(&self.run(MISSED, Vec::new()).await));
        wrong
    }
}

/// Notes what is to be reached, and how it looks without the focus.
const COLLECT: &str = "
    // The way begins at the top, wherever the focus was.
    const top = document.createElement('span');
    top.tabIndex = -1;
    (document.querySelector('dialog[open]') ?? document.body).prepend(top);
    top.focus();
    window.scrollTo(0, 0);
    const look = (element) => {
        const style = getComputedStyle(element);
        return [style.outlineStyle, style.outlineWidth, style.outlineColor, style.boxShadow, style.borderColor, style.backgroundColor].join();
    };
    // A dialog keeps the focus.
    const place = document.querySelector('dialog[open]') ?? document;
    const all = [...place.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex=\"0\"]')]
        .filter((element) => element.checkVisibility({visibilityProperty: true}) && !element.disabled);
    // The buttons of a group are one stop.
    const stops = all.filter((element) => element.type !== 'radio' || element.checked
        || (![...document.getElementsByName(element.name)].some((other) => other.checked)
            && document.getElementsByName(element.name)[0] === element));
    window.met = {look, stops: new Map(stops.map((element) => [element, look(element)])), reached: new Set(), last: null};
    return stops.length;";

/// Looks at what has the focus now.
const STEP: &str = "
    const {look, stops, reached, last} = window.met;
    const element = document.activeElement;
    if (!element || element === document.body) return last ? 'around' : null;
    // A field for a day has several parts.
    if (element === last) return null;
    if (reached.has(element)) return 'around';
    window.met.last = element;
    reached.add(element);
    const style = getComputedStyle(element);
    const hasOutline = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0;
    if (stops.has(element) && !hasOutline && look(element) === stops.get(element)) return `the focus does not show: ${element.outerHTML.slice(0, 100)}`;
    const box = element.getBoundingClientRect();
    if (!(box.width > 0 && box.height > 0)) return `what has the focus has no extent: ${element.outerHTML.slice(0, 100)}`;
    const [x, y] = [box.left + Math.min(box.width, innerWidth) / 2, box.top + Math.min(box.height, 40) / 2];
    const there = document.elementFromPoint(x, y);
    if (there && !there.contains(element) && !element.contains(there) && !there.closest('label')?.contains(element)) return `what has the focus is covered by ${there.outerHTML.slice(0, 60)}: ${element.outerHTML.slice(0, 100)}`;
    if (box.bottom < 1 || box.top > innerHeight - 1) return `what has the focus is out of sight: ${element.outerHTML.slice(0, 100)}`;
    return null;";

const MISSED: &str = "
    const {stops, reached} = window.met;
    const missed = [...stops.keys()].filter((element) => element.isConnected && !reached.has(element));
    return missed.map((element) => `no Tab leads to ${element.outerHTML.slice(0, 120)}`);";
