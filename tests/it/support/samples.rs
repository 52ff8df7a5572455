//! Records to write, each with every column filled.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use vestibule::model::{
    Actor, ChallengeId, ConversationId, DeviceId, EffectId, Event, EventId, EventKind, MessageId, Owner,
    Randomness, SessionId, TurnRng, UserId,
};
use vestibule::store::{
    Applied, Challenge, ChallengeStatus, Conversation, Device, Effect, Message, PendingResponse,
    PendingStatus, Role, Session, Store, User, Write, conversations, devices, sessions, users,
};

/// Seconds after the samples' beginning of time.
pub(crate) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microsecond(1_768_471_200_000_001).unwrap() + SignedDuration::from_secs(seconds)
}

/// Applies as the system and expects it done.
pub(crate) async fn done(store: &Store, writes: Vec<Write>) {
    assert_eq!(store.apply(&Actor::System, writes).await.unwrap(), Applied::Done);
}

/// Applies as the system and gives the place of the write that was stale.
pub(crate) async fn stale(store: &Store, writes: Vec<Write>) -> usize {
    match store.apply(&Actor::System, writes).await.unwrap() {
        Applied::Stale { at } => at,
        Applied::Done => panic!("the set was applied"),
    }
}

/// Makes records with ids of its own.
pub(crate) struct Samples(TurnRng);

impl Samples {
    pub(crate) fn new() -> Self {
        Self(Randomness::seeded(7).stream("samples"))
    }

    pub(crate) fn device(&mut self) -> Device {
        let id = DeviceId::new(at(0), &mut self.0);
        Device {
            token_hash: format!("token of {id}").into_bytes(),
            id,
            user: None,
            name: Some("Anna's phone".into()),
            old_token_hash: None,
            old_token_message: None,
            rotated_at: None,
            created_at: at(0),
            last_seen_at: at(1),
        }
    }

    pub(crate) fn user(&mut self) -> User {
        let id = UserId::new(at(0), &mut self.0);
        User {
            phone_key: Some(format!("key of {id}").into_bytes()),
            email_key: Some(format!("e-mail key of {id}").into_bytes()),
            id,
            version: 1,
            phone: Some("+14155552671".into()),
            full_name: Some("Anna Ångström".into()),
            email: Some("anna@example.com".into()),
            email_verified_at: Some(at(1)),
            locale: Some("sv".into()),
            created_at: at(0),
            last_seen_at: at(1),
            closed_at: None,
            deactivated_at: None,
        }
    }

    pub(crate) fn session(&mut self, user: &User, device: &Device) -> Session {
        let id = SessionId::new(at(0), &mut self.0);
        Session {
            token_hash: format!("token of {id}").into_bytes(),
            id,
            user: user.id.clone(),
            device: device.id.clone(),
            rotated_at: None,
            created_by: "m-1".into(),
            created_at: at(0),
            expires_at: at(1000),
            absolute_expires_at: at(3000),
            last_used_at: at(0),
            first_used_at: None,
            revoked_at: None,
            revoked_by: None,
            revoked_message: None,
        }
    }

    pub(crate) fn conversation(&mut self, owner: &Owner) -> Conversation {
        Conversation {
            id: ConversationId::new(at(0), &mut self.0),
            owner: owner.clone(),
            project: "shop".into(),
            version: 1,
            state: r#"{"node":"ask_phone"}"#.into(),
            locale: Some("de".into()),
            title: Some("Hallo".into()),
            current: false,
            pinned: true,
            archived: false,
            message_count: 0,
            created_at: at(0),
            last_message_at: at(2),
        }
    }

    pub(crate) fn message(&mut self, conversation: &Conversation, seq: i64) -> Message {
        Message {
            id: MessageId::new(at(seq), &mut self.0),
            conversation: conversation.id.clone(),
            owner: conversation.owner.clone(),
            seq,
            role: Role::Assistant,
            content: format!("message {seq} \u{1f44b} $1 'quoted'"),
            response: Some("{}".into()),
            created_at: at(seq),
        }
    }

    pub(crate) fn pending(&mut self, conversation: &Conversation) -> PendingResponse {
        PendingResponse {
            owner: conversation.owner.clone(),
            scope: conversation.id.as_str().into(),
            message_id: format!("client-{}", MessageId::new(at(0), &mut self.0)),
            body_hash: vec![0, 255, 10],
            status: PendingStatus::Completed,
            conversation: Some(conversation.id.clone()),
            reply: Some("{\"text\":\"hi\"}".into()),
            provisional_until: Some(at(2)),
            created_at: at(0),
            expires_at: at(86_400),
        }
    }

    pub(crate) fn challenge(&mut self, conversation: &Conversation, device: &Device) -> Challenge {
        Challenge {
            id: ChallengeId::new(at(0), &mut self.0),
            conversation: conversation.id.clone(),
            device: device.id.clone(),
            session: None,
            user: None,
            purpose: "login".into(),
            channel: "sms".into(),
            identifier_key: vec![1, 2, 3],
            destination_sealed: Some(vec![9, 9]),
            prefix_key: Some(vec![4, 5]),
            reference: "KX".into(),
            pepper: "p1".into(),
            digits: 6,
            issued_at: at(0),
            expires_at: at(600),
            status: ChallengeStatus::Live,
            attempts: 0,
            max_attempts: 3,
            consumed_at: None,
            consumed_by: None,
            spent_at: None,
        }
    }

    pub(crate) fn effect(&mut self, challenge: &Challenge) -> Effect {
        Effect {
            conversation: Some(challenge.conversation.clone()),
            locale: "en".into(),
            challenge: Some(challenge.id.clone()),
            destination_sealed: Some(vec![4, 5]),
            ..Effect::waiting(EffectId::new(at(0), &mut self.0), "sms", "code", (at(0), at(600)))
        }
    }

    pub(crate) fn event(&mut self, conversation: &Conversation) -> Event {
        let detail = json!({ "left": 2 });
        Event {
            id: EventId::new(at(0), &mut self.0),
            at: at(0),
            kind: EventKind::OtpVerifyFail,
            user: Some(UserId::new(at(0), &mut self.0)),
            device: Some(DeviceId::new(at(0), &mut self.0)),
            session: Some(SessionId::new(at(0), &mut self.0)),
            conversation: Some(conversation.id.clone()),
            ip: Some("192.0.2.1".into()),
            detail: detail.as_object().cloned().unwrap(),
        }
    }

    /// A device and a conversation of its own, written.
    pub(crate) async fn anonymous(&mut self, store: &Store) -> (Device, Conversation) {
        let device = self.device();
        let conversation = self.conversation(&Owner::Device(device.id.clone()));
        done(store, vec![devices::insert(&device), conversations::insert(&conversation)]).await;
        (device, conversation)
    }

    /// An account with a device, a session and a conversation, written.
    pub(crate) async fn signed_in(&mut self, store: &Store) -> SignedIn {
        let user = self.user();
        let device = Device { user: Some(user.id.clone()), ..self.device() };
        let session = self.session(&user, &device);
        let conversation = self.conversation(&Owner::User(user.id.clone()));
        let writes = vec![
            users::insert(&user),
            devices::insert(&device),
            sessions::insert(&session),
            conversations::insert(&conversation),
        ];
        done(store, writes).await;
        SignedIn { user, device, session, conversation }
    }
}

/// Somebody who is signed in.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) device: Device,
    pub(crate) session: Session,
    pub(crate) conversation: Conversation,
}

impl SignedIn {
    pub(crate) fn actor(&self) -> Actor {
        Actor::User {
            user: self.user.id.clone(),
            session: self.session.id.clone(),
            device: self.device.id.clone(),
        }
    }
}
