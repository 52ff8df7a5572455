//! Whether a code may be sent (D1, D2): everything is asked before anything is written, and the first to trip wins.
//!
//! The number's country comes before all counting: a number that no code goes to draws on nothing that is anybody's.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use super::trust::Standing;
use super::{Order, Purpose, SendOtpAnswer};
use crate::limit::{self, Counter, Limit, Rule, Verdict};
use crate::mask;
use crate::model::{Actor, Contact, EventKind, Phone};
use crate::store::challenges::Conversion;
use crate::store::{Write, counters};
use crate::tool::counts::{Counts, Slots};
use crate::tool::{Error, Toolbox};

/// A code that may be sent: what that costs, and how long it has to be.
pub(super) struct Admitted {
    pub(super) writes: Vec<Write>,
    /// Codes this conversation has asked for, this one included.
    pub(super) in_conversation: u32,
    /// Whether the identifier was tried so often that its codes are longer.
    pub(super) hardened: bool,
    /// What the code's number counts by towards its prefix's conversion.
    pub(super) prefix_key: Option<Vec<u8>>,
}

/// Asks every limit about one code. A refusal is noted in the audit log.
pub(super) async fn admit(
    tools: &mut Toolbox,
    order: &Order,
    standing: &Standing,
) -> Result<Result<Admitted, SendOtpAnswer>, Error> {
    let device = tools.keys.lookup("device", tools.device()?.as_str());
    let conversation = tools.conversation.clone().ok_or(Error::NoConversation)?;
    let conversation = tools.keys.lookup("conversation", conversation.as_str());
    let prefix = prefix(order, standing);
    if prefix.is_some_and(|phone| !is_served(tools, order, phone)) {
        tools.audit(EventKind::OtpBlocked, json!({ "reason": "country" }));
        return Ok(Err(SendOtpAnswer::CountryNotServed));
    }
    let prefix_key = prefix.map(|phone| tools.keys.lookup("prefix", phone.prefix()));
    let mut asked = vec![
        (Limit::Failures, standing.identifier_key.as_slice()),
        (Limit::ConversationSends, conversation.as_slice()),
        (Limit::Sends, standing.identifier_key.as_slice()),
        (Limit::DeviceSends, device.as_slice()),
    ];
    if let Some(pair) = &standing.pair {
        asked.extend([(Limit::TrustedFailures, pair.as_slice()), (Limit::TrustedSends, pair.as_slice())]);
    }
    if let Some(prefix) = &prefix_key {
        asked.push((Limit::PrefixConversion, prefix.as_slice()));
    }
    let counts = Counts::read(tools, &asked).await?;
    let mut writes = Vec::new();
    let refused = match judge(&counts, standing, tools.now, &mut writes) {
        Err(refused) => Some(refused),
        Ok(()) => crowded(tools, standing).await?.map(|until| (Limit::LiveCodes, until)),
    };
    if let Some(refused) = refused {
        return Ok(Err(refuse(tools, refused)));
    }
    if let Some((prefix_key, phone)) = prefix_key.as_ref().zip(prefix)
        && let Some(refused) = stopped(tools, &counts, (prefix_key, phone)).await?
    {
        return Ok(Err(refuse(tools, refused)));
    }
    let budgets = if standing.pair.is_some() { Vec::new() } else { budgets(tools, prefix_key.as_ref()) };
    match Slots::read(tools, budgets).await?.take(tools) {
        Ok(taken) => writes.extend(taken),
        Err(refused) => return Ok(Err(refuse(tools, refused))),
    }
    let in_conversation = counts.of(Limit::ConversationSends);
    let in_conversation = in_conversation.count(&counts.rule(Limit::ConversationSends), tools.now);
    Ok(Ok(Admitted {
        writes,
        in_conversation: u32::try_from(in_conversation).unwrap_or(u32::MAX).saturating_add(1),
        hardened: standing.pair.is_none() && is_hardened(tools, &standing.identifier_key).await?,
        prefix_key,
    }))
}

/// Whether so many wrong codes were tried for the identifier that it gets the longer ones.
pub(super) async fn is_hardened(tools: &Toolbox, identifier_key: &[u8]) -> Result<bool, Error> {
    let rule = tools.limits.rule(Limit::Hardened);
    let asked = (tools.now - rule.window, rule.most);
    Ok(tools.store.failed_tries(&Actor::System, identifier_key, asked).await? >= rule.most)
}

/// Forgets the codes that this conversation asked for: what they were for is done. It may not stand in one unit with a code
/// that is sent, which counts.
pub fn forget_sends(tools: &mut Toolbox) {
    if let Some(conversation) = &tools.conversation {
        let subject = tools.keys.lookup("conversation", conversation.as_str());
        let name = tools.limits.rule(Limit::ConversationSends).name;
        tools.unit.push(counters::clear(name, &subject));
    }
}

type Refused = (Limit, Timestamp);

/// The counters that one request at a time draws on. What they cost goes to `writes`.
fn judge(
    counts: &Counts,
    standing: &Standing,
    now: Timestamp,
    writes: &mut Vec<Write>,
) -> Result<(), Refused> {
    let is_trusted = standing.pair.is_some();
    let failures = if is_trusted { Limit::TrustedFailures } else { Limit::Failures };
    if let Some(until) = counts.of(failures).lock(now) {
        return Err((failures, until));
    }
    let mut charge = |rule: Rule, limit: Limit| match counts.of(limit).judge(&rule, now) {
        Verdict::Allowed { counter, .. } => {
            writes.extend(counts.save(limit, &counter));
            Ok(())
        }
        Verdict::Refused { until, .. } => Err((limit, until)),
    };
    charge(counts.rule(Limit::ConversationSends), Limit::ConversationSends)?;
    let sends = counts.rule(Limit::Sends);
    // Others may ask for codes for this number as fast as it allows; a trusted device waits for its own codes alone, and
    // has some left when theirs used up the day's.
    let rest = if is_trusted { sends.apart } else { SignedDuration::ZERO };
    let shared = if is_trusted { Rule { apart: SignedDuration::ZERO, ..sends } } else { sends };
    match charge(shared, Limit::Sends) {
        Err(_) if is_trusted => charge(counts.rule(Limit::TrustedSends), Limit::TrustedSends)?,
        verdict => verdict?,
    }
    let device = counts.rule(Limit::DeviceSends);
    // Switched off, the row still keeps a trusted device's codes apart.
    let most = if device.most == 0 { u32::MAX } else { device.most };
    if device.most > 0 || is_trusted {
        charge(Rule { apart: rest, most, ..device }, Limit::DeviceSends)?;
    }
    Ok(())
}

/// When the next code fits, where other conversations hold the most that may live for one identifier.
async fn crowded(tools: &Toolbox, standing: &Standing) -> Result<Option<Timestamp>, Error> {
    if standing.pair.is_some() {
        return Ok(None);
    }
    let live = tools.store.live_challenges(&Actor::System, &standing.identifier_key, tools.now).await?;
    let mut elsewhere: Vec<_> = live
        .iter()
        .filter(|c| Some(&c.conversation) != tools.conversation.as_ref())
        .map(|c| c.expires_at)
        .collect();
    elsewhere.sort_unstable();
    let most = tools.limits.live_codes_per_identifier as usize;
    // So many have to end before there is room for one more.
    Ok(elsewhere.len().checked_sub(most).and_then(|surplus| elsewhere.get(surplus).copied()))
}

/// The number whose prefix a code counts for: messages to numbers cost money, and a trusted device's are exempt.
fn prefix<'o>(order: &'o Order, standing: &Standing) -> Option<&'o Phone> {
    match &order.to {
        Some(Contact::Phone(phone)) if standing.pair.is_none() => Some(phone),
        _ => None,
    }
}

/// Whether a code may go to that number's country. Whoever is signed in steps up by the number of their account, which was
/// given a code back when its country was served: nobody chooses it, and so nobody earns by it.
fn is_served(tools: &Toolbox, order: &Order, phone: &Phone) -> bool {
    order.purpose == Purpose::StepUp || tools.served.takes(phone)
}

/// What a device that is not trusted draws on besides.
fn budgets(tools: &Toolbox, prefix_key: Option<&Vec<u8>>) -> Vec<(Limit, Vec<u8>)> {
    let mut budgets = Vec::new();
    if let Some(network) = tools.ip.as_deref().and_then(limit::network) {
        let key = tools.keys.lookup("network", &network);
        budgets.extend([(Limit::NetworkHour, key.clone()), (Limit::NetworkDay, key)]);
    }
    budgets.extend(prefix_key.map(|key| (Limit::PrefixHour, key.clone())));
    budgets
}

/// A prefix whose codes nobody gives back is being sent to for the money: it stops, and somebody is told.
async fn stopped(
    tools: &mut Toolbox,
    counts: &Counts,
    (key, phone): (&[u8], &Phone),
) -> Result<Option<Refused>, Error> {
    let rule = counts.rule(Limit::PrefixConversion);
    let (percent, last) = (u64::from(rule.most), tools.limits.prefix_conversion_last);
    if percent == 0 || last == 0 {
        return Ok(None);
    }
    let counter = counts.of(Limit::PrefixConversion);
    if let Some(until) = counter.lock(tools.now) {
        return Ok(Some((Limit::PrefixConversion, until)));
    }
    let since = counter.locked_until.unwrap_or(Timestamp::MIN).max(tools.now - rule.window);
    let asked = Conversion { since, now: tools.now, last };
    let (over, given_back) = tools.store.conversion(&Actor::System, key, asked).await?;
    if over < last || u64::from(given_back) * 100 >= percent * u64::from(over) {
        return Ok(None);
    }
    let until = tools.now + rule.lock;
    let stop = Counter { marks: Vec::new(), locked_until: Some(until) };
    tools.unit.extend(counts.save(Limit::PrefixConversion, &stop));
    let prefix = mask::text(phone.e164());
    tracing::error!(%prefix, over, given_back, "A prefix was stopped: its codes are not given back");
    Ok(Some((Limit::PrefixConversion, until)))
}

fn refuse(tools: &mut Toolbox, (limit, until): Refused) -> SendOtpAnswer {
    tools.audit(EventKind::OtpBlocked, json!({ "reason": tools.limits.rule(limit).name }));
    match limit {
        Limit::Failures | Limit::TrustedFailures => SendOtpAnswer::Locked { until },
        Limit::ConversationSends => SendOtpAnswer::Exhausted { until },
        _ => SendOtpAnswer::Limited { until },
    }
}
