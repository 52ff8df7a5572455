//! The tiers in their order, and the form of their answer.

use super::awaited::{self, Verdict, outside_phone};
use super::entities::{Message, is_forbidden, missing, of_route};
use super::text::Words;
use super::{Input, Options, control, legacy};
use crate::model::{Control, Entities, Rejected, Route, Slot, SubIntent, Tier, Understanding};
use crate::nlu::{Context, Model};

/// Runs the cascade.
pub(super) fn run(model: &Model, options: &Options, input: &Input<'_>) -> Understanding {
    let words = Words::of(input.text);
    let phone = Message::phone(input.text, input.awaiting, options.region);
    let message =
        Message { text: input.text, words: &words, awaiting: input.awaiting, phone: phone.as_ref() };
    let cascade = Cascade { model, options, input, message };
    cascade
        .control()
        .or_else(|| cascade.awaited())
        .or_else(|| cascade.legacy())
        .unwrap_or_else(|| cascade.local())
}

struct Cascade<'a> {
    model: &'a Model,
    options: &'a Options,
    input: &'a Input<'a>,
    message: Message<'a>,
}

impl Cascade<'_> {
    fn control(&self) -> Option<Understanding> {
        let found = control::find(self.message.words, self.is_idle());
        if let Some(found) = found.filter(|found| *found != Control::Email || self.may_be_by_email()) {
            return Some(self.moved(found, Entities::default()));
        }
        // While a code is awaited a number may stand beside a code; the slot's rule weighs the two.
        let corrects = control::corrects(&outside_phone(&self.message), self.message.phone.is_some());
        (corrects && (self.input.awaiting != Some(Slot::Otp) || self.message.phone.is_none()))
            .then(|| self.moved(Control::Correct, Entities { otp_code: None, ..self.message.common() }))
    }

    fn awaited(&self) -> Option<Understanding> {
        let slot = self.input.awaiting?;
        let verdict = awaited::judge(&self.message, self.options.region, || self.is_other_request())?;
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
            ..self.by_rule(route, entities, reasoning)
        }
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

    fn is_idle(&self) -> bool {
        self.input.awaiting.is_none() && self.input.active.is_none()
    }

    /// Whether the text is, clearly, a request for something else than what is being worked on.
    fn is_other_request(&self) -> bool {
        let scores = self.model.classify(self.input.text, &self.context());
        let home = self.input.awaiting.map(home);
        let active = self.input.active.as_ref().or(home.as_ref()).map(Route::as_str);
        scores
            .best()
            .is_some_and(|best| Some(best.label) != active && best.probability >= self.options.accept)
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
            Control::Help => Route::General,
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
        Understanding {
            missing: missing(&route, &entities, self.input.awaiting),
            route,
            confidence: 1.0,
            unclear: false,
            answers: false,
            control: None,
            entities,
            rejected: None,
            tier: Tier::Rule,
            reasoning,
        }
    }
}

/// The route that asks for a slot.
fn home(slot: Slot) -> Route {
    match slot {
        Slot::Phone | Slot::Otp | Slot::Name => Route::User(SubIntent::Authenticate),
        Slot::Email | Slot::NewPhone | Slot::Field => Route::User(SubIntent::UpdateIdentity),
        Slot::Device | Slot::DeviceName => Route::User(SubIntent::ManageSessions),
        Slot::MigrationType => Route::User(SubIntent::MigrateIdentity),
        Slot::Confirm => Route::General,
    }
}

/// The route that a label of the local model stands for. What is not one of ours is a graph's, whose examples it learned.
fn named_route(label: &str) -> Route {
    match (SubIntent::parse(label), label) {
        (Some(sub_intent), _) => Route::User(sub_intent),
        (None, "general") => Route::General,
        (None, "out_of_scope") => Route::OutOfScope,
        (None, agent) => Route::Agent(agent.to_owned()),
    }
}
