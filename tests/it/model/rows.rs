//! The database's own account of a history, held against the reference's.

use jiff::SignedDuration;
use vestibule::limit::{Counter, Limit};
use vestibule::model::Actor;

use super::case::Case;
use super::doubles::since;
use super::reference::Reference;
use super::rules::{DAY, Fate, Whom};

/// A code's row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    pub(super) conversation: String,
    pub(super) reference: String,
    pub(super) effect: String,
    /// Status, tries, most tries, digits, and tries that were charged.
    state: [String; 5],
}

fn devices(case: &Case<'_>) -> String {
    let devices: Vec<String> = case.devices.iter().map(|d| format!("'{}'", d.id)).collect();
    devices.join(", ")
}

/// The codes of the history's devices.
pub(super) async fn codes(case: &Case<'_>) -> Vec<Row> {
    // Charges are forgotten after 31 days.
    let kept = case.world.app(0).engine().now() - SignedDuration::from_hours(31 * 24);
    let sql = format!(
        "SELECT c.id, c.conversation_id, c.reference, o.id, c.status, CAST(c.attempts AS TEXT), \
         CAST(c.max_attempts AS TEXT), CAST(c.digits AS TEXT), \
         CAST(CASE WHEN c.issued_at < {} THEN c.attempts \
         ELSE (SELECT COUNT(*) FROM charges h WHERE h.challenge_id = c.id) END AS TEXT) \
         FROM challenges c JOIN outbox o ON o.challenge_id = c.id WHERE c.device_id IN ({})",
        kept.as_microsecond(),
        devices(case)
    );
    let rows = case.world.eyes.lock().await.texts(&sql).await;
    let read = |row: Vec<String>| {
        let [id, conversation, reference, effect, state @ ..]: [String; 9] = row.try_into().unwrap();
        Row { id, conversation, reference, effect, state }
    };
    rows.into_iter().map(read).collect()
}

/// Every code is in the rows as the reference has it, and there is no other.
pub(super) fn agree(model: &Reference, rows: &[Row]) -> Result<(), String> {
    if rows.len() != model.codes.len() {
        return Err(format!("{} codes in the database, {} expected", rows.len(), model.codes.len()));
    }
    for code in &model.codes {
        let row = rows.iter().find(|row| row.id == code.id).ok_or("a code is missing")?;
        let status = match code.fate {
            Fate::Live => "live",
            Fate::Void => "void",
            Fate::Burnt => "burnt",
            Fate::Used => "consumed",
        };
        let figures = [code.tried, code.most, code.length, code.tried].map(|n| n.to_string());
        let [tried, most, length, charged] = figures;
        let expected = [status.to_owned(), tried, most, length, charged];
        if row.state != expected {
            return Err(format!("expected the code's row to be {expected:?}, it is {:?}", row.state));
        }
    }
    Ok(())
}

/// Whatever the order of events: a code is compared no oftener than it may be, and met once at most.
pub(super) async fn compared(case: &Case<'_>) -> Result<(), String> {
    let sql = format!("SELECT kind, detail FROM audit WHERE device_id IN ({})", devices(case));
    let events = case.world.eyes.lock().await.texts(&sql).await;
    for code in &case.model.codes {
        let count = |kind: &str| events.iter().filter(|e| e[0] == kind && e[1].contains(&code.id)).count();
        let (met, missed) = (count("otp_verify_ok"), count("otp_verify_fail"));
        if met > 1 || met + missed > code.most || met + missed > code.tried {
            return Err(format!(
                "a code was met {met} times and missed {missed} times, tried {}",
                code.tried
            ));
        }
    }
    Ok(())
}

/// The counters of numbers and devices, at the end.
pub(super) async fn counters(case: &Case<'_>) -> Result<(), String> {
    let keys = case.world.app(0).keys();
    let (model, now) = (&case.model, case.now());
    for (n, phone) in case.phones.iter().enumerate() {
        let key = keys.lookup("phone", phone);
        let (failures, lock) = read(case, (Limit::Failures, &key)).await?;
        let (tries, ended) = model.failing(Whom::Number(n));
        let is_over = ended.is_some_and(|end| end <= now);
        let expected = tries.iter().filter(|&&at| at > now - DAY).count();
        same(&format!("lock of number {n}"), &lock, &model.lock(Whom::Number(n), now))?;
        // The row of a lock that is over is written anew with the next try.
        if !is_over {
            same(&format!("failures of number {n}"), &failures, &expected)?;
        }
        let (sends, _) = read(case, (Limit::Sends, &key)).await?;
        same(&format!("codes to number {n}"), &sends, &model.sent_today(n, now))?;
        let app = case.world.app(0);
        let rule = case.world.limits.rule(Limit::Hardened);
        let asked = (app.engine().now() - rule.window, rule.most);
        let month = app.store().failed_tries(&Actor::System, &key, asked).await;
        let is_hardened = month.map_err(|e| e.to_string())? >= rule.most;
        same(&format!("long codes for number {n}"), &is_hardened, &model.hardened(n, now))?;
    }
    for (n, device) in case.devices.iter().enumerate() {
        let (sends, _) = read(case, (Limit::DeviceSends, &keys.lookup("device", device.id.as_str()))).await?;
        same(&format!("codes of device {n}"), &sends, &model.sent_from(n, now))?;
    }
    Ok(())
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, is: &T, expected: &T) -> Result<(), String> {
    if is == expected { Ok(()) } else { Err(format!("{what}: expected {expected:?}, it is {is:?}")) }
}

/// The marks of a counter within its window, and its lock.
async fn read(case: &Case<'_>, (limit, subject): (Limit, &[u8])) -> Result<(usize, Option<i64>), String> {
    let app = case.world.app(0);
    let (rule, now) = (case.world.limits.rule(limit), app.engine().now());
    let row = app.store().counter(&Actor::System, rule.name, subject).await.map_err(|e| e.to_string())?;
    let Some(row) = row else { return Ok((0, None)) };
    let counter = Counter::parse(&row.marks, row.locked_until).ok_or("a counter cannot be read")?;
    Ok((counter.count(&rule, now), counter.lock(now).map(since)))
}

impl Row {
    /// How many digits the code has.
    pub(super) fn length(&self) -> usize {
        self.state[3].parse().unwrap()
    }
}
