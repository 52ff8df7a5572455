//! Checking a code: charge, then compare.

use jiff::Timestamp;
use serde_json::json;
use tracing::instrument;

use super::trust::Standing;
use super::{CodeVerified, Purpose, Sealed, VerifyOtp, VerifyOtpAnswer, budget};
use crate::bus::Boundary;
use crate::crypto::{Code, CodeOf, Keys};
use crate::limit::{Limit, Rule, SKEW, Verdict};
use crate::model::{Actor, ChallengeId, Contact, EventKind};
use crate::store::challenges::{self, Challenge, ChallengeStatus};
use crate::store::{Applied, counters};
use crate::tool::counts::Counts;
use crate::tool::{Error, Toolbox};
use crate::trace::TOOL;

/// How often a charge is tried again because others changed the identifier's counters in between.
const CHARGES: usize = 32;

/// Checks a code. Each try is charged before it is compared, in a transaction of its own, so that neither a crash nor a
/// rolled-back turn gives a free guess; the same try of the same message is charged once.
#[instrument(target = TOOL, skip_all, err)]
pub async fn verify_otp(tools: &mut Toolbox, arguments: VerifyOtp) -> Result<VerifyOtpAnswer, Error> {
    let VerifyOtp { challenge_id, otp_code, purpose } = arguments;
    let Some(challenge) = find(tools, challenge_id.as_ref()).await? else {
        return Ok(VerifyOtpAnswer::NoCode);
    };
    if challenge.purpose != purpose.as_str() {
        return Ok(VerifyOtpAnswer::NoCode);
    }
    if let Some(dead) = dead(tools, &challenge) {
        return Ok(dead);
    }
    let digits = digits(&challenge);
    if otp_code.len() != digits as usize {
        return Ok(VerifyOtpAnswer::Malformed { digits });
    }
    let (issued, code) = open(tools, challenge)?;
    // Its pepper is out of use.
    let Some(code) = code else { return Ok(VerifyOtpAnswer::Expired) };
    match charge(tools, &issued.challenge, &otp_code).await? {
        Charge::Charged(charged) => {
            tools.boundaries.pass(Boundary::Charged).await;
            if issued.to.is_some() && code.matches(&otp_code) {
                Ok(accept(tools, issued, (purpose, charged)))
            } else {
                note_replay(tools, &issued.challenge, &otp_code).await?;
                reject(tools, &issued.challenge, &charged).await
            }
        }
        Charge::Refused(answer) => Ok(answer),
    }
}

/// The challenge, if it is one of this conversation and this device, and of this session where it stands for its act.
pub(super) async fn find(tools: &Toolbox, id: Option<&ChallengeId>) -> Result<Option<Challenge>, Error> {
    let (Some(id), Some(conversation)) = (id, &tools.conversation) else { return Ok(None) };
    let challenge = tools.store.challenge(&tools.actor, conversation, id).await?;
    Ok(challenge.filter(|c| {
        let is_ours = Some(&c.device) == tools.actor.device();
        is_ours && (c.session.is_none() || c.session.as_ref() == tools.actor.session())
    }))
}

/// Why a challenge takes no more tries.
fn dead(tools: &mut Toolbox, challenge: &Challenge) -> Option<VerifyOtpAnswer> {
    let id = challenge.id.as_str();
    match challenge.status {
        ChallengeStatus::Consumed => {
            tools.audit(EventKind::OtpReplay, json!({ "challenge": id }));
            Some(VerifyOtpAnswer::NoCode)
        }
        ChallengeStatus::Void => Some(VerifyOtpAnswer::NoCode),
        ChallengeStatus::Burnt => Some(VerifyOtpAnswer::Exhausted),
        ChallengeStatus::Live if !in_its_time(tools, challenge.issued_at, challenge.expires_at) => {
            tools.audit(EventKind::OtpExpired, json!({ "challenge": id }));
            Some(VerifyOtpAnswer::Expired)
        }
        ChallengeStatus::Live => None,
    }
}

/// Whether it is time for what began then and ends then, by a clock that may be a little behind the one that said so.
fn in_its_time(tools: &Toolbox, begins: Timestamp, ends: Timestamp) -> bool {
    begins <= tools.now + SKEW && tools.now < ends
}

fn digits(challenge: &Challenge) -> u32 {
    u32::try_from(challenge.digits).unwrap_or(Code::DIGITS)
}

/// A challenge with what is sealed in it.
#[derive(Debug)]
pub struct Issued {
    /// The row.
    pub challenge: Challenge,
    /// Whom the code is for.
    pub identifier: Contact,
    /// Where it went; `None` is nowhere.
    pub to: Option<Contact>,
}

/// Opens a challenge, and derives its code where its pepper is in use.
fn open(tools: &Toolbox, challenge: Challenge) -> Result<(Issued, Option<Code>), Error> {
    let unreadable = || crate::crypto::Error::Unsealable;
    let sealed = challenge.destination_sealed.as_deref().unwrap_or_default();
    let plain = tools.keys.open(challenge.id.as_str(), sealed)?;
    let sealed: Sealed = serde_json::from_slice(&plain).map_err(|_| unreadable())?;
    let contact = |kind: &str, address: &str| Contact::parse(kind, address).ok_or_else(unreadable);
    let identifier = contact(&sealed.kind, &sealed.identifier)?;
    let to = sealed.to_kind.as_deref().map(|kind| contact(kind, &sealed.to)).transpose()?;
    let code = code_of(&tools.keys, &challenge, &sealed.to);
    Ok((Issued { challenge, identifier, to }, code))
}

/// The code of a challenge that went to `address`; `None` where its pepper is out of use.
pub fn code_of(keys: &Keys, challenge: &Challenge, address: &str) -> Option<Code> {
    keys.code(CodeOf {
        pepper: &challenge.pepper,
        challenge: &challenge.id,
        purpose: &challenge.purpose,
        to: address,
        digits: digits(challenge),
    })
}

struct Charged {
    /// The name of the try.
    attempt: Vec<u8>,
    /// Until when the identifier is locked if the try turns out wrong.
    locked_until: Option<Timestamp>,
    /// Whether an earlier run of the same message was charged for it.
    again: bool,
    /// The counter of failures it was charged to, and whose.
    limit: Limit,
    subject: Vec<u8>,
}

enum Charge {
    /// The try counts.
    Charged(Charged),
    /// No try may be made.
    Refused(VerifyOtpAnswer),
}

/// What one try is charged to.
struct Ledger {
    counts: Counts,
    rule: Rule,
    limit: Limit,
    subject: Vec<u8>,
}

impl Ledger {
    /// A device that the account trusts has a counter of its own (D2); for all others it is the identifier's, and an
    /// identifier with many failures locks for longer (D1).
    async fn read(tools: &Toolbox, challenge: &Challenge) -> Result<Self, Error> {
        let Standing { identifier_key, pair } =
            Standing::by_key(tools, challenge.identifier_key.clone()).await?;
        if let Some(pair) = pair {
            let limit = Limit::TrustedFailures;
            let counts = Counts::read(tools, &[(limit, &pair)]).await?;
            return Ok(Self { rule: counts.rule(limit), counts, limit, subject: pair });
        }
        let limit = Limit::Failures;
        let counts = Counts::read(tools, &[(limit, &identifier_key)]).await?;
        let mut rule = counts.rule(limit);
        if budget::is_hardened(tools, &identifier_key).await? {
            rule.lock = counts.rule(Limit::Hardened).lock;
        }
        Ok(Self { counts, rule, limit, subject: identifier_key })
    }

    /// Whose failure the try is over the month: a trusted device's is nobody's.
    fn failed_for(&self) -> Option<&[u8]> {
        (self.limit == Limit::Failures).then_some(self.subject.as_slice())
    }

    /// The lock that stands in the way of a try that was charged at `at`: one that this very try set does not.
    fn foreign_lock(&self, at: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let lock = self.counts.of(self.limit).lock(now)?;
        let own = [self.counts.rule(self.limit).lock, self.counts.rule(Limit::Hardened).lock];
        (!own.iter().any(|&length| at + length == lock)).then_some(lock)
    }
}

async fn charge(tools: &mut Toolbox, challenge: &Challenge, guess: &str) -> Result<Charge, Error> {
    let attempt = tools.keys.attempt(&tools.message_id, guess);
    for _ in 0..CHARGES {
        let ledger = Ledger::read(tools, challenge).await?;
        if let Some(at) = tools.store.charged(&tools.actor, &challenge.id, &attempt).await? {
            if let Some(until) = ledger.foreign_lock(at, tools.now) {
                return Ok(Charge::Refused(VerifyOtpAnswer::Locked { until }));
            }
            let locked_until = ledger.counts.of(ledger.limit).lock(tools.now);
            let Ledger { limit, subject, .. } = ledger;
            return Ok(Charge::Charged(Charged { attempt, locked_until, again: true, limit, subject }));
        }
        let before = ledger.counts.of(ledger.limit);
        let counter = match before.judge(&ledger.rule, tools.now) {
            Verdict::Allowed { counter, .. } => counter,
            Verdict::Refused { until, .. } => return Ok(Charge::Refused(VerifyOtpAnswer::Locked { until })),
        };
        let mut writes = vec![
            challenges::charge(&challenge.id, &attempt, tools.now, ledger.failed_for()),
            challenges::attempt(&challenge.id, tools.now),
        ];
        writes.extend(ledger.counts.save(ledger.limit, &counter));
        if let Some(ended) = before.locked_until {
            writes.push(tools.event(EventKind::LockEnd, json!({ "ended": ended.to_string() })));
        }
        match tools.store.apply(&tools.actor, writes).await? {
            Applied::Done => {
                let locked_until = counter.locked_until;
                let Ledger { limit, subject, .. } = ledger;
                return Ok(Charge::Charged(Charged { attempt, locked_until, again: false, limit, subject }));
            }
            // The same try was charged by another run of this message, or a counter moved, or somebody else used up the
            // code's last try: look again.
            Applied::Stale { .. } => {
                let Some(again) = find(tools, Some(&challenge.id)).await? else {
                    return Ok(Charge::Refused(VerifyOtpAnswer::NoCode));
                };
                if let Some(dead) = dead(tools, &again) {
                    return Ok(Charge::Refused(dead));
                }
                let charged = tools.store.charged(&tools.actor, &challenge.id, &attempt).await?;
                if again.attempts >= again.max_attempts && charged.is_none() {
                    return Ok(Charge::Refused(VerifyOtpAnswer::Exhausted));
                }
            }
        }
    }
    Err(Error::Contended)
}

fn accept(tools: &mut Toolbox, issued: Issued, (purpose, charged): (Purpose, Charged)) -> VerifyOtpAnswer {
    let Issued { challenge, identifier, to } = issued;
    // A try that was charged before is among the attempts already.
    let wrong_before = challenge.attempts - i64::from(charged.again);
    tools.unit.push(challenges::consume(&challenge.id, &tools.message_id, tools.now));
    tools.unit.push(counters::clear(tools.limits.rule(charged.limit).name, &charged.subject));
    tools.unit.push(challenges::absolve(&challenge.id, &charged.attempt));
    tools.audit(
        EventKind::OtpVerifyOk,
        json!({ "challenge": challenge.id.as_str(), "purpose": purpose.as_str(), "wrong_before": wrong_before }),
    );
    VerifyOtpAnswer::Accepted(CodeVerified {
        challenge: challenge.id,
        purpose,
        identifier,
        by_email: is_email(to.as_ref()),
        user: challenge.user,
        wrong_before: wrong_before > 0,
    })
}

async fn reject(
    tools: &mut Toolbox,
    challenge: &Challenge,
    charged: &Charged,
) -> Result<VerifyOtpAnswer, Error> {
    let id = json!(challenge.id.as_str());
    // The row, not our copy of it, says how many tries are left: others may have tried at the same time.
    let tried = find(tools, Some(&challenge.id)).await?.map_or(challenge.max_attempts, |c| c.attempts);
    let left = u32::try_from(challenge.max_attempts - tried).unwrap_or(0);
    tools.audit(EventKind::OtpVerifyFail, json!({ "challenge": id, "left": left }));
    if left == 0 {
        tools.unit.push(challenges::burn(&challenge.id));
        tools.audit(EventKind::OtpBurnt, json!({ "challenge": id }));
    }
    if let Some(until) = charged.locked_until {
        let counter = tools.limits.rule(charged.limit).name;
        tools.audit(EventKind::LockSet, json!({ "until": until.to_string(), "counter": counter }));
        return Ok(VerifyOtpAnswer::Locked { until });
    }
    Ok(if left == 0 { VerifyOtpAnswer::Exhausted } else { VerifyOtpAnswer::Rejected { left } })
}

/// A wrong try that is a code somebody gave back elsewhere is no guess: it was read or overheard.
async fn note_replay(tools: &mut Toolbox, challenge: &Challenge, guess: &str) -> Result<(), Error> {
    let since = tools.now - tools.limits.code_life();
    let used = tools.store.consumed_challenges(&Actor::System, &challenge.identifier_key, since).await?;
    for used in used {
        let id = used.id.clone();
        let (issued, code) = open(tools, used)?;
        if issued.to.is_some() && code.is_some_and(|code| code.matches(guess)) {
            tools.audit(EventKind::OtpReplay, json!({ "challenge": id.as_str() }));
        }
    }
    Ok(())
}

/// The proof of a code that was met in an earlier turn of this conversation, while it still stands: as long as a code
/// itself is valid.
pub async fn verified(
    tools: &Toolbox,
    id: Option<&ChallengeId>,
    purpose: Purpose,
) -> Result<Option<CodeVerified>, Error> {
    let Some(challenge) = find(tools, id).await? else { return Ok(None) };
    let fresh = challenge.consumed_at.is_some_and(|at| in_its_time(tools, at, at + tools.limits.code_life()));
    if challenge.status != ChallengeStatus::Consumed || challenge.purpose != purpose.as_str() || !fresh {
        return Ok(None);
    }
    let (Issued { challenge, identifier, to }, _) = open(tools, challenge)?;
    Ok(Some(CodeVerified {
        challenge: challenge.id,
        purpose,
        identifier,
        by_email: is_email(to.as_ref()),
        user: challenge.user,
        // The right try is among the attempts.
        wrong_before: challenge.attempts > 1,
    }))
}

fn is_email(to: Option<&Contact>) -> bool {
    matches!(to, Some(Contact::Email(_)))
}

/// A challenge of this conversation, with where it went.
pub async fn issued(tools: &Toolbox, id: Option<&ChallengeId>) -> Result<Option<Issued>, Error> {
    let Some(challenge) = find(tools, id).await? else { return Ok(None) };
    Ok(Some(open(tools, challenge)?.0))
}

/// The same for words alone: only while its code can still be given back. What an outside agent's answer leads back to is
/// told by the system, which has no device.
pub async fn told(tools: &Toolbox, id: Option<&ChallengeId>) -> Result<Option<Issued>, Error> {
    let challenge = match (&tools.actor, id, &tools.conversation) {
        (Actor::System, Some(id), Some(conversation)) => {
            tools.store.challenge(&tools.actor, conversation, id).await?
        }
        _ => find(tools, id).await?,
    };
    let live = challenge.filter(|challenge| challenge.is_live(tools.now));
    Ok(live.map(|challenge| open(tools, challenge)).transpose()?.map(|(issued, _)| issued))
}

/// Whom a challenge of this conversation is for, on whichever device it was asked for: that its message was refused is
/// told by the system, which has none.
pub async fn identifier(tools: &Toolbox, id: Option<&ChallengeId>) -> Result<Option<Contact>, Error> {
    let (Some(id), Some(conversation)) = (id, &tools.conversation) else { return Ok(None) };
    let challenge = tools.store.challenge(&tools.actor, conversation, id).await?;
    Ok(challenge.map(|challenge| open(tools, challenge)).transpose()?.map(|(issued, _)| issued.identifier))
}

/// Whether `guess` is the code that this conversation was signed in with.
pub async fn is_replay(tools: &Toolbox, id: Option<&ChallengeId>, guess: &str) -> Result<bool, Error> {
    let Some(challenge) = find(tools, id).await? else { return Ok(false) };
    let (issued, code) = open(tools, challenge)?;
    let is_used = issued.challenge.status == ChallengeStatus::Consumed;
    Ok(is_used && issued.to.is_some() && code.is_some_and(|code| code.matches(guess)))
}
