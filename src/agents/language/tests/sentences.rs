use super::outcomes::all;
use super::{NOW, local};
use crate::agents::language::{English, German, Language, Scene};

#[test]
fn print() {
    for (tool, outcome) in all() {
        let scene = Scene::new(tool, local(NOW));
        println!("{}\n{}", German.say(&outcome, &scene), English.say(&outcome, &scene));
    }
}
