//! A number that may have got another owner (D35): its account asks for a second proof, or is given up.

use crate::agent::codes::{self, Asked, SendOutcome, checked};
use crate::agent::handler::outcomes;
use crate::agent::{Error, Handler, Turn};
use crate::model::{Assurance, Contact};
use crate::store::challenges;
use crate::tool::contact::{self, Cleared, Recycled};
use crate::tool::otp::{self, CheckUserExists, Order, Purpose, Route};

outcomes! {
    /// What the account of a verified number asks for besides.
    SecondProofOutcome {
        /// Nothing: it was used not long ago, or on this very device.
        NotNeeded = "not_needed",
        /// A code sent to its e-mail address.
        ByEmail = "by_email",
        /// It has nothing that could prove it.
        None = "none",
    }
}

/// Looks whether the number may have got another owner since its account was last used.
#[derive(Debug)]
pub struct SecondProof;

impl Handler for SecondProof {
    const NAME: &'static str = "second_proof";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = SecondProofOutcome;

    async fn run(turn: &mut Turn) -> Result<SecondProofOutcome, Error> {
        let user = turn.user.clone().ok_or(Error::Unproven(Self::NAME))?;
        let proof = turn.proof.clone().ok_or(Error::Unproven(Self::NAME))?;
        // Made just now, or the address itself gave this code back: there is nothing left to prove.
        turn.cleared = turn.cleared.take().or_else(|| Cleared::by_address(&proof, &user));
        if turn.cleared.is_some() {
            return Ok(SecondProofOutcome::NotNeeded);
        }
        Ok(match contact::recycled(&turn.tools, &user).await? {
            Recycled::No(cleared) => {
                turn.cleared = Some(cleared);
                SecondProofOutcome::NotNeeded
            }
            Recycled::ByEmail(_) => {
                turn.state.work.first_proof = Some(proof.challenge().clone());
                SecondProofOutcome::ByEmail
            }
            Recycled::NoProof => SecondProofOutcome::None,
        })
    }
}

/// Sends the second proof's code to the address of the account's record.
#[derive(Debug)]
pub struct SendSecond;

impl Handler for SendSecond {
    const NAME: &'static str = "send_second";
    type Outcome = SendOutcome;

    async fn run(turn: &mut Turn) -> Result<SendOutcome, Error> {
        // In the turn that brought it, the first proof is not in the store yet.
        let first = match turn.proof.clone() {
            Some(proof) => Some(proof),
            None => otp::verified(&turn.tools, turn.state.work.first_proof.as_ref(), Purpose::Login).await?,
        };
        let user = match &first {
            Some(proof) => otp::check_user_exists(&turn.tools, proof, CheckUserExists {}).await?.user,
            None => None,
        };
        let address = user.as_ref().and_then(otp::verified_email);
        let Some((user, address)) = user.zip(address) else {
            begin_again(turn);
            return Ok(SendOutcome::Missing);
        };
        let last = otp::issued(&turn.tools, turn.state.work.challenge.as_ref()).await?;
        let live = last.is_some_and(|issued| {
            issued.challenge.purpose == Purpose::VerifyEmail.as_str()
                && issued.challenge.is_live(turn.tools.now)
        });
        let order = Order { user: Some(user.id), ..Order::to(Contact::Email(address), Purpose::VerifyEmail) };
        let answer = otp::send_code(&mut turn.tools, order).await?;
        codes::note_sent(turn, answer, Asked { route: Route::Email, to: None, live })
    }
}

/// The first proof stands no more. What is left of it is the number, so that "resend" goes there.
fn begin_again(turn: &mut Turn) {
    if let Some(second) = turn.state.work.challenge.take() {
        turn.tools.unit.push(challenges::void(&second));
    }
    turn.state.work.challenge = turn.state.work.first_proof.take();
    turn.state.progress.code_void();
}

checked! {
    /// What became of the second proof's code.
    VerifySecondOutcome grants CodeVerified
}

/// Checks the second proof's code; the first one has to stand still.
#[derive(Debug)]
pub struct VerifySecond;

impl Handler for VerifySecond {
    const NAME: &'static str = "verify_second";
    type Outcome = VerifySecondOutcome;

    async fn run(turn: &mut Turn) -> Result<VerifySecondOutcome, Error> {
        let first = otp::verified(&turn.tools, turn.state.work.first_proof.as_ref(), Purpose::Login).await?;
        // The second code was sent after the first was met, so it never is too old while the first proof stands.
        let Some(first) = first else {
            begin_again(turn);
            return Ok(VerifySecondOutcome::Expired);
        };
        let (outcome, second) = VerifySecondOutcome::of(codes::check(turn, Purpose::VerifyEmail).await?);
        if let Some(second) = second {
            let found = otp::check_user_exists(&turn.tools, &first, CheckUserExists {}).await?.user;
            let user = found.ok_or(Error::Unproven(Self::NAME))?;
            turn.cleared = Cleared::by_address(&second, &user);
            turn.user = Some(user);
            turn.proof = Some(first);
            turn.state.work.first_proof = None;
        }
        Ok(outcome)
    }
}

outcomes! {
    /// Giving an account up always goes on.
    DetachOutcome {
        /// Its number is free.
        Detached = "detached",
    }
}

/// Closes the account and gives its number free; a new account may be made with it.
#[derive(Debug)]
pub struct DetachAccount;

impl Handler for DetachAccount {
    const NAME: &'static str = "detach_account";
    const NEEDS: Assurance = Assurance::CodeVerified;
    type Outcome = DetachOutcome;

    async fn run(turn: &mut Turn) -> Result<DetachOutcome, Error> {
        let user = turn.user.take().ok_or(Error::Unproven(Self::NAME))?;
        let proof = turn.proof.clone().ok_or(Error::Unproven(Self::NAME))?;
        contact::detach(&mut turn.tools, &proof, &user).await?;
        Ok(DetachOutcome::Detached)
    }
}
