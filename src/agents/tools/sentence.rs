//! Sentences for what happens around the tools.

use chrono::NaiveDateTime;

use super::Tools;
use crate::agents::caller::Caller;
use crate::agents::language::{Language, Scene};
use crate::agents::outcome::{Answer, Outcome};
use crate::agents::tool::Tool;
use crate::sync::Tenant;

impl Tools {
    /// The language in which a caller is answered: the one that they speak, else the tenant's, else the
    /// first. `de-AT` is answered in `de` unless it is known itself.
    pub(crate) fn language_of(&self, tenant: &Tenant, caller: &Caller) -> &dyn Language {
        let wanted = [
            caller.language.as_deref(),
            Some(tenant.locale().language.as_str()),
        ];
        let known = |code: &str| {
            let mut languages = self.languages.iter();
            languages.find(|language| language.code().eq_ignore_ascii_case(code))
        };
        let find = |tag: &str| {
            let primary = tag.split(['-', '_']).next().unwrap_or_default();
            known(tag).or_else(|| known(primary))
        };
        let found = wanted.into_iter().flatten().find_map(find);
        found.unwrap_or(&self.languages[0]).as_ref()
    }

    /// An outcome that no tool has come to, with the sentence for it.
    pub(crate) fn tell(
        &self,
        tenant: &Tenant,
        caller: &Caller,
        tool: Tool,
        outcome: Outcome,
        now: NaiveDateTime,
    ) -> Answer {
        let language = self.language_of(tenant, caller);
        let say = language.say(&outcome, &Scene::new(tool, now));
        Answer::new(outcome, say)
    }
}
