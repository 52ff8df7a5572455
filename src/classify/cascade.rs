//! The tiers in their order, and the form of their answer.

use super::asked::Proposal;
use super::awaited::{self, Rules, Verdict, outside_phone};
use super::entities::{Message, is_forbidden, missing, of_route};
use super::proposed::{Merged, merge};
use super::text::Words;
use super::{Input, Options, control, legacy, named_route, several, taken_back};
use crate::model::{Control, Entities, Rejected, Route, Slot, SubIntent, Tier, Understanding};
use crate::nlu::{Context, Model};

/// How many of the local classifier's scores are told.
const TOLD: usize = 3;

/// What the tiers on this machine make of a message.
pub(super) struct Local {
    /// What holds where no model is asked, or none answers.
    pub(super) understanding: Understanding,
    /// Whether it is sure enough that a model need not be asked.
    pub(super) sure: bool,
}

/// A message on its way through the tiers.
pub(super) struct Cascade<'a> {
    pub(super) model: &'a Model,
    pub(super) options: &'a Options,
    pub(super) input: &'a Input<'a>,
    pub(super) message: Message<'a>,
}

impl Cascade<'_> {
    /// The tiers on this machine. Moves that steer the conversation are rules whatever the tiers are: whoever says "cancel"
    /// is never asked what that means.
    pub(super) fn local_tiers(&self) -> Local {
        if let Some(understanding) = self.control() {
            return Local { understanding, sure: true };
        }
        if let Some(understanding) = self.awaited().or_else(|| self.legacy()) {
            return Local { understanding, sure: self.options.has(Tier::Rule) };
        }
        let understanding = self.local();
        let understanding = self.digression(&understanding).unwrap_or(understanding);
        if let Some(understanding) = self.several(&understanding) {
            return Local { understanding, sure: self.options.has(Tier::Local) };
        }
        let sure = self.options.has(Tier::Local)
            && understanding.confidence >= self.options.sure
            && !understanding.unclear;
        Local { understanding, sure }
    }

    /// What a model's proposal makes of what the tiers on this machine understood.
    pub(super) fn with(&self, local: Understanding, proposal: Proposal) -> Understanding {
        // The awaited slot's own rule reads a text better than any model; the model only says that it was asked.
        if local.tier == Tier::Rule {
            return Understanding { tier: Tier::Llm, ..local };
        }
        let Proposal { route, confidence, entities } = proposal;
        let agrees = route == local.route && !local.unclear;
        let Merged { entities, proposed } = merge(&self.message, &route, &entities, agrees);
        let unclear = confidence < self.options.accept || self.is_forbidden(&route);
        let answers = !unclear && self.fills(&route, &entities);
        let reasoning = format!("llm: {} {confidence:.2}; {}", route.as_str(), local.reasoning);
        Understanding {
            confidence,
            unclear,
            answers,
            proposed,
            tier: Tier::Llm,
            scores: local.scores,
            ..self.by_rule(route, entities, reasoning)
        }
    }

    /// Whether what a model found is what the person was asked for. A code, a number and a name are the readers' alone.
    fn fills(&self, route: &Route, entities: &Entities) -> bool {
        let is_home = self.input.active.as_ref() == Some(route);
        is_home
            && match self.input.awaiting {
                Some(Slot::Device) => entities.device_name.is_some(),
                Some(Slot::MigrationType) => entities.migration_type.is_some(),
                Some(Slot::Field) => entities.field.is_some(),
                _ => false,
            }
    }

    fn control(&self) -> Option<Understanding> {
        let found = control::find(self.message.words, self.is_idle());
        let found = found.filter(|found| match found {
            Control::Email => self.may_be_by_email(),
            Control::Yes | Control::No => !self.may_be_text(),
            // "Una persona" answers "how many?"; who asks for one says more.
            Control::Human => !(self.fits_text() && self.message.words.len() <= 2),
            _ => true,
        });
        if let Some(found) = found {
            return Some(self.moved(found, Entities::default()));
        }
        if self.fits_text() {
            return None;
        }
        // While a code is awaited a number may stand beside a code; the slot's rule weighs the two.
        let corrects = taken_back::corrects(&outside_phone(&self.message), self.message.phone.is_some());
        if corrects && (self.input.awaiting != Some(Slot::Otp) || self.message.phone.is_none()) {
            let is_of_identity = self.input.active == Some(Route::User(SubIntent::UpdateIdentity))
                && self.input.awaiting != Some(Slot::Otp);
            let found = if is_of_identity { self.of_active() } else { self.message.common() };
            return Some(self.moved(Control::Correct, Entities { otp_code: None, ..found }));
        }
        self.taken_back().map(|entities| self.moved(Control::Correct, entities))
    }

    /// Whether the message is what a question for a text looks for.
    fn fits_text(&self) -> bool {
        self.input.awaiting == Some(Slot::Text) && awaited::fits(self.input.text, self.input.pattern)
    }

    /// What the agent that asks reads out of the message.
    fn of_active(&self) -> Entities {
        let route = self.input.active.as_ref();
        route.map_or_else(|| self.message.common(), |route| of_route(&self.message, route))
    }

    /// What an earlier answer is taken back for, where the question that waits has a way back. What says more than that is
    /// heard as what it says, unless a name is asked for, for which a whole sentence could be taken.
    fn taken_back(&self) -> Option<Entities> {
        let (words, slot) = (self.message.words, self.input.awaiting.filter(|_| self.input.corrects)?);
        let is_bare = taken_back::calls_wrong(words);
        match slot {
            // "No onions" is an answer to a question for anything.
            Slot::Text if self.input.pattern.is_none() => is_bare.then(Entities::default),
            Slot::Text | Slot::Confirm => taken_back::takes_back(words).then(Entities::default),
            // A number is taken back by words about numbers, and a code is checked.
            Slot::Phone | Slot::Otp => None,
            Slot::Name | Slot::NewPhone | Slot::Email | Slot::Field => {
                let heard = self.of_active();
                let is_other = heard.field.is_some() && heard.field.as_deref() != field_of(slot);
                let puts_in_place = is_other && heard.value.is_none() && taken_back::puts_in_place(words);
                let is_sentence = slot == Slot::Name && taken_back::begins_wrong(words);
                let is_look = heard.action.is_some();
                (is_bare || is_sentence || (puts_in_place && !is_look)).then_some(heard)
            }
            Slot::DeviceName => {
                let heard = Entities { action: None, ..self.of_active() };
                let means_other = taken_back::means(words) && heard.device_name.is_some();
                (is_bare || taken_back::begins_wrong(words) || means_other).then_some(heard)
            }
            Slot::Device | Slot::MigrationType => is_bare.then(Entities::default),
        }
    }

    fn awaited(&self) -> Option<Understanding> {
        let slot = self.input.awaiting?;
        let rules = Rules { region: self.options.region, pattern: self.input.pattern };
        let other = || {
            let is_plain = self.may_be_text() && control::confirmation(self.message.words).is_some();
            !is_plain && (self.is_other_request() || (slot == Slot::Device && self.looks()))
        };
        let verdict = awaited::judge(&self.message, &rules, other)?;
        let route = self.input.active.clone().unwrap_or_else(|| home(slot));
        Some(match verdict {
            Verdict::Answer(mut entities) => {
                if slot == Slot::Name && route == Route::User(SubIntent::UpdateIdentity) {
                    entities.field = Some("name".to_owned());
                }
                let reasoning = format!("rule: {0} while {0} is awaited", slot.as_str());
                Understanding { answers: true, ..self.by_rule(route, *entities, reasoning) }
            }
            Verdict::Rejected(reason) => {
                let reasoning = format!("rule: meant as {} and refused, {reason}", slot.as_str());
                let rejected = Some(Rejected { slot, reason });
                Understanding { rejected, ..self.by_rule(route, Entities::default(), reasoning) }
            }
            Verdict::Correct(entities) => self.moved(Control::Correct, *entities),
            Verdict::Confirmed(control) => self.moved(control, Entities::default()),
        })
    }

    fn legacy(&self) -> Option<Understanding> {
        let route = legacy::route(self.input.text)?;
        let entities = of_route(&self.message, &route);
        Some(self.by_rule(route, entities, "rule: the name of an intent".to_owned()))
    }

    fn local(&self) -> Understanding {
        let scores = self.model.classify(self.input.text, &self.context());
        let best = scores.best();
        let route = best.map_or(Route::OutOfScope, |score| named_route(score.label));
        let confidence = best.map_or(0.0, |score| score.probability).clamp(0.0, 1.0);
        let second =
            scores.second().map_or_else(String::new, |s| format!(" over {} {:.2}", s.label, s.probability));
        let entities = of_route(&self.message, &route);
        let reasoning = format!("local: {} {confidence:.2}{second}", route.as_str());
        Understanding {
            confidence,
            unclear: confidence < self.options.accept || self.is_forbidden(&route),
            tier: Tier::Local,
            scores: scores.iter().take(TOLD).map(|s| (s.label.to_owned(), s.probability)).collect(),
            ..self.by_rule(route, entities, reasoning)
        }
    }

    /// What the message asks for where the question that waits is taken away, if that is plainly something else. On the way
    /// to a sign-in "my name is Anna" belongs to it.
    fn digression(&self, heard: &Understanding) -> Option<Understanding> {
        self.input.awaiting?;
        if self.input.active == Some(Route::User(SubIntent::Authenticate)) {
            return None;
        }
        let plain = self.request(self.input.text)?;
        let is_other = plain.route != heard.route && Some(&plain.route) != self.input.active.as_ref();
        let reasoning = format!("{}; whatever is awaited", plain.reasoning);
        is_other.then_some(Understanding { reasoning, ..plain })
    }

    /// The message as several requests, where it is that. What it is as a whole stands, if it is one of them.
    fn several(&self, whole: &Understanding) -> Option<Understanding> {
        let requests = several::parts(self);
        let first = requests.first()?;
        let is_one = !whole.unclear && requests.iter().any(|request| request.route == whole.route);
        let heard = if is_one { whole } else { first }.clone();
        let reasoning = format!("{}; {} requests", heard.reasoning, requests.len());
        Some(Understanding { requests, reasoning, ..heard })
    }

    /// A part of the message, where it is surely a request by itself.
    pub(super) fn request(&self, part: &str) -> Option<Understanding> {
        let words = Words::of(part);
        let phone = Message::phone(part, None, self.options.region);
        let plain = Message::plain(part, &words, None);
        let message = Message { phone: phone.as_ref(), region: self.options.region, ..plain };
        let input = Input { text: part, ..Input::default() };
        let cascade = Cascade { model: self.model, options: self.options, input: &input, message };
        let heard = cascade.local();
        let is_sure = heard.confidence >= self.options.sure && !heard.unclear;
        (is_sure && several::is_whole(&heard.route, &heard.entities, &words)).then_some(heard)
    }

    /// Whether the message says not to do what the route does: asking is then safer than any act.
    fn is_forbidden(&self, route: &Route) -> bool {
        *route == Route::User(SubIntent::MigrateIdentity) && is_forbidden(self.message.words)
    }

    /// "E-mail" alone asks for the code by e-mail where a number or a code is awaited; elsewhere it may be the answer.
    fn may_be_by_email(&self) -> bool {
        let is_asked = matches!(self.input.awaiting, Some(Slot::Phone | Slot::Otp));
        is_asked || !control::is_bare_email(self.message.words)
    }

    /// Whether a yes or no is what was asked for, where that is a text.
    fn may_be_text(&self) -> bool {
        let is_any = self.input.pattern.is_none() || awaited::fits(self.input.text, self.input.pattern);
        self.input.awaiting == Some(Slot::Text) && !self.input.offered && is_any
    }

    fn is_idle(&self) -> bool {
        self.input.awaiting.is_none() && self.input.active.is_none()
    }

    /// Whether the text is, clearly, a request for something else than what is being worked on.
    fn is_other_request(&self) -> bool {
        if self.input.awaiting == Some(Slot::Text) {
            return self.is_no_text();
        }
        let scores = self.model.classify(self.input.text, &self.context());
        let home = self.input.awaiting.map(home);
        let active = self.input.active.as_ref().or(home.as_ref()).map(Route::as_str);
        scores
            .best()
            .is_some_and(|best| Some(best.label) != active && best.probability >= self.options.accept)
    }

    /// Whether what was said is no try to give the text that is asked for: where any text may be meant, only what is surely
    /// another request, or small talk. Numbers say nothing of that: they are the likeliest part of an answer.
    fn is_no_text(&self) -> bool {
        let is_word = |word: &&str| !word.contains(char::is_numeric);
        let said = self.input.text.split_whitespace().filter(is_word).collect::<Vec<_>>().join(" ");
        if !said.contains(char::is_alphabetic) {
            return false;
        }
        let is_other = |route: &Route| Some(route) != self.input.active.as_ref();
        if self.request(&said).is_some_and(|request| is_other(&request.route))
            || !several::parts(self).is_empty()
        {
            return true;
        }
        let scores = self.model.classify(&said, &Context::default());
        scores.best().is_some_and(|best| {
            let route = named_route(best.label);
            let is_elsewhere = matches!(route, Route::Agent(_) | Route::General) && is_other(&route);
            is_elsewhere && best.probability >= self.options.sure
        })
    }

    /// Whether the text is surely a wish to see something, which a device is no answer to.
    fn looks(&self) -> bool {
        self.request(self.input.text).is_some_and(|request| request.entities.looks())
    }

    fn context(&self) -> Context {
        Context {
            awaiting: self.input.awaiting.map(|slot| slot.as_str().to_owned()),
            active: self.input.active.as_ref().map(|route| route.as_str().to_owned()),
        }
    }

    /// A move that steers the conversation.
    fn moved(&self, control: Control, entities: Entities) -> Understanding {
        let begun = self.input.active.clone().or_else(|| self.input.awaiting.map(home));
        let route = match control {
            Control::Help | Control::Human | Control::Repeat => Route::General,
            Control::Resend | Control::Correct | Control::Email | Control::Lost => {
                begun.unwrap_or(Route::User(SubIntent::Authenticate))
            }
            Control::Cancel | Control::StartOver | Control::Yes | Control::No => {
                begun.unwrap_or(Route::General)
            }
        };
        let answers = match self.input.awaiting {
            Some(Slot::Confirm) => matches!(control, Control::Yes | Control::No),
            Some(Slot::Phone | Slot::NewPhone) => entities.phone.is_some(),
            _ => false,
        };
        let mut entities = entities;
        if self.input.awaiting == Some(Slot::NewPhone) && answers {
            entities.field = Some("phone".to_owned());
            entities.value = entities.phone.as_ref().map(|phone| phone.e164().to_owned());
        }
        let reasoning = format!("rule: {}", control.as_str());
        Understanding { control: Some(control), answers, ..self.by_rule(route, entities, reasoning) }
    }

    fn by_rule(&self, route: Route, entities: Entities, reasoning: String) -> Understanding {
        let missing = missing(&route, &entities, self.input.awaiting);
        Understanding { missing, ..Understanding::by_rule(route, entities, reasoning) }
    }
}

/// The field that a question of the identity manager asks for, once it is known which.
fn field_of(slot: Slot) -> Option<&'static str> {
    match slot {
        Slot::NewPhone => Some("phone"),
        Slot::Email => Some("email"),
        Slot::Name => Some("name"),
        _ => None,
    }
}

/// The route that asks for a slot.
fn home(slot: Slot) -> Route {
    match slot {
        Slot::Phone | Slot::Otp | Slot::Name => Route::User(SubIntent::Authenticate),
        Slot::Email | Slot::NewPhone | Slot::Field => Route::User(SubIntent::UpdateIdentity),
        Slot::Device | Slot::DeviceName => Route::User(SubIntent::ManageSessions),
        Slot::MigrationType => Route::User(SubIntent::MigrateIdentity),
        Slot::Confirm | Slot::Text => Route::General,
    }
}
