//! What an answer says: the reply that the graph chose, and what is said around it, in the order of the text.

use super::response::in_a_row;
use crate::graph::Say;
use crate::model::Action;

/// Where a reply stands beside what the graph says; at most one is at each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// First of all.
    Opening,
    /// After all.
    Closing,
}

/// What an answer says.
#[derive(Debug, Clone, Default)]
pub struct Saying {
    /// What the graph says of itself, in its order; the last is the answer's own.
    chosen: Vec<Say>,
    /// Whether the last of it leads on to what is said after it.
    leads_on: bool,
    /// What is said before it, with an action for the answer.
    lead: Option<Say>,
    around: Vec<(Place, String)>,
}

impl Saying {
    /// Says something in place of what was said, unless that leads on: then after it.
    pub fn say(&mut self, say: Say) {
        if !std::mem::take(&mut self.leads_on) {
            self.chosen.pop();
        }
        self.chosen.push(say);
    }

    /// What was said last leads on to something.
    pub fn lead_on(&mut self) {
        self.leads_on = true;
    }

    /// Says something beside it.
    pub fn put(&mut self, place: Place, reply: &str) {
        self.take_away(place);
        self.around.push((place, reply.to_owned()));
    }

    /// Says something before it, whose action the answer has, unless what comes after it did not go well.
    pub fn lead(&mut self, reply: &str, action: Action) {
        self.lead = Some(Say { reply: reply.to_owned(), action });
    }

    /// Does not say what was to be said there.
    pub fn take_away(&mut self, place: Place) {
        self.around.retain(|(at, _)| *at != place);
    }

    /// The answer's own reply.
    pub fn reply(&self) -> Option<&str> {
        self.chosen.last().map(|say| say.reply.as_str())
    }

    /// The answer's action and its text; `None` where nothing is said.
    pub fn worded<E>(
        &self,
        mut word: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Option<(Action, String)>, E> {
        let Some(own) = self.chosen.last() else { return Ok(None) };
        let at =
            |place: Place| self.around.iter().filter(move |(at, _)| *at == place).map(|(_, reply)| reply);
        let said = self.lead.iter().chain(&self.chosen).map(|say| &say.reply);
        let all = at(Place::Opening).chain(said).chain(at(Place::Closing));
        let mut text = String::new();
        for reply in all.filter(|reply| !reply.is_empty()) {
            let words = word(reply)?;
            text = if text.is_empty() { words } else { in_a_row(&text, &words) };
        }
        let lead = self.lead.as_ref().filter(|_| own.action.success());
        Ok(Some((lead.unwrap_or(own).action, text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(reply: &str) -> Say {
        Say { reply: reply.to_owned(), action: Action::Answered }
    }

    fn worded(saying: &Saying) -> (Action, String) {
        saying.worded(|reply| Ok::<_, ()>(reply.to_owned())).unwrap().unwrap()
    }

    #[test]
    fn what_leads_on_is_said_before_what_is_said_last() {
        let mut saying = Saying::default();
        assert_eq!(saying.worded(|reply| Ok::<_, ()>(reply.to_owned())), Ok(None));
        saying.say(say("overridden"));
        saying.say(say("one"));
        saying.lead_on();
        saying.say(say("two"));
        saying.lead_on();
        saying.say(say("overridden"));
        saying.say(say("last?"));
        assert_eq!(worded(&saying).1, "one. two. last?");
        assert_eq!(saying.reply(), Some("last?"));
    }

    #[test]
    fn what_stands_around_it_is_one_reply_each_whenever_it_is_put_there() {
        let mut saying = Saying::default();
        saying.put(Place::Closing, "rest");
        saying.say(say("own"));
        saying.lead("other", Action::Help);
        saying.lead("lead", Action::IdentityUpdated);
        saying.put(Place::Opening, "news");
        assert_eq!(worded(&saying), (Action::IdentityUpdated, "news. lead. own. rest".to_owned()));
        saying.take_away(Place::Opening);
        saying.say(Say { reply: "no".to_owned(), action: Action::InvalidValue });
        assert_eq!(worded(&saying), (Action::InvalidValue, "lead. no. rest".to_owned()));
    }
}
