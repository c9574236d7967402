//! Finding what somebody means by a name.

/// What is meant by a name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Meant<'a, T> {
    /// This one.
    One(&'a T),
    /// One of these.
    Several(Vec<&'a T>),
    /// Nothing that there is.
    Nothing,
}

/// How alike two names must be to be taken for the same, where nothing fits better: one wrong letter in
/// five.
const ALIKE: f64 = 0.8;

/// Finds what is meant by `said` among `items`: by id, by name, by a part of the name, by a name that sounds
/// much like it.
pub(super) fn meant<'a, T>(
    said: &str,
    items: &'a [T],
    id: impl Fn(&T) -> &str,
    name: impl Fn(&T) -> &str,
) -> Meant<'a, T> {
    if let Some(found) = items.iter().find(|item| id(item) == said) {
        return Meant::One(found);
    }
    let said = fold(said);
    if said.is_empty() {
        return Meant::Nothing;
    }
    let words: Vec<&str> = said.split(' ').collect();
    let folded: Vec<(String, &T)> = items.iter().map(|item| (fold(name(item)), item)).collect();
    let with = |fits: &dyn Fn(&str) -> bool| -> Vec<&'a T> {
        let fitting = folded.iter().filter(|(name, _)| fits(name));
        fitting.map(|(_, item)| *item).collect()
    };
    let has_all = |name: &str| {
        let of_name: Vec<&str> = name.split(' ').collect();
        words.iter().all(|word| of_name.contains(word))
    };
    let is_said =
        |name: &str| !name.is_empty() && format!(" {said} ").contains(&format!(" {name} "));
    let starts = |name: &str| name.starts_with(&said);
    let exactly = |name: &str| name == said;
    for found in [
        with(&exactly),
        with(&has_all),
        with(&is_said),
        with(&starts),
    ] {
        match found.as_slice() {
            [] => {}
            [one] => return Meant::One(one),
            _ => return Meant::Several(found),
        }
    }
    let mut alike: Vec<(f64, &T)> = folded
        .iter()
        .map(|(name, item)| (strsim::normalized_damerau_levenshtein(name, &said), *item))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .collect();
    alike.sort_by(|a, b| b.0.total_cmp(&a.0));
    match alike.as_slice() {
        [] => Meant::Nothing,
        [(_, one)] => Meant::One(one),
        [(first, one), (second, _), ..] if first > second => Meant::One(one),
        _ => Meant::Several(alike.into_iter().map(|(_, item)| item).collect()),
    }
}

/// A name as it is compared: small letters without diacritics' dots, words with one blank between them.
pub(super) fn fold(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for c in name.chars().flat_map(char::to_lowercase) {
        match c {
            'ä' => folded.push_str("ae"),
            'ö' => folded.push_str("oe"),
            'ü' => folded.push_str("ue"),
            'ß' => folded.push_str("ss"),
            _ if c.is_alphanumeric() => folded.push(c),
            _ if folded.ends_with(' ') || folded.is_empty() => {}
            _ => folded.push(' '),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICES: [(&str, &str); 5] = [
        ("s-1", "Herrenhaarschnitt"),
        ("s-2", "Damenhaarschnitt"),
        ("s-3", "Färben und Föhnen"),
        ("s-4", "Färben"),
        ("s-5", "Beard trim"),
    ];

    fn found(said: &str) -> Vec<&'static str> {
        static ITEMS: [(&str, &str); 5] = SERVICES;
        match meant(said, &ITEMS, |item| item.0, |item| item.1) {
            Meant::One(item) => vec![item.0],
            Meant::Several(items) => items.iter().map(|item| item.0).collect(),
            Meant::Nothing => Vec::new(),
        }
    }

    #[test]
    fn a_name_is_found_as_people_say_it() {
        for (said, ids) in [
            ("s-3", vec!["s-3"]),
            ("faerben", vec!["s-4"]),
            ("FÄRBEN", vec!["s-4"]),
            ("Föhnen", vec!["s-3"]),
            ("einmal Damenhaarschnitt bitte", vec!["s-2"]),
            ("Herrenharschnitt", vec!["s-1"]),
            ("beard", vec!["s-5"]),
            ("Herren", vec!["s-1"]),
            ("massage", vec![]),
            ("", vec![]),
            ("?!", vec![]),
        ] {
            assert_eq!(found(said), ids, "{said}");
        }
    }

    #[test]
    fn a_name_that_fits_several_is_not_guessed() {
        let items = [("a", "Cut short"), ("b", "Cut long")];
        let several = meant("cut", &items, |item| item.0, |item| item.1);
        assert!(matches!(several, Meant::Several(found) if found.len() == 2));
    }
}
