use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::keys::KEYS;
use super::*;
use crate::tool::SessionLimit;

fn load(file: &str, env: &[(&str, &str)]) -> Result<Config, Problems> {
    let env = env.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
    let file = (!file.is_empty()).then(|| ("vestibule.toml".to_owned(), file.to_owned()));
    Config::load(&Sources { file, env })
}

fn problems(file: &str, env: &[(&str, &str)]) -> Vec<String> {
    load(file, env).unwrap_err().iter().map(ToString::to_string).collect()
}

fn random_key() -> String {
    STANDARD.encode((0_u8..32).collect::<Vec<u8>>())
}

#[test]
fn the_commented_defaults_and_the_compiled_ones_agree() {
    let from_file = load(DEFAULTS, &[]).unwrap();
    assert_eq!(format!("{from_file:#?}"), format!("{:#?}", Config::default()));
    assert_eq!(from_file.store.url, Config::default().store.url);
}

#[test]
fn every_key_stands_in_the_defaults_under_a_comment_of_its_own() {
    let mut section = String::new();
    let mut seen = Vec::new();
    let lines: Vec<&str> = DEFAULTS.lines().collect();
    for (n, line) in lines.iter().enumerate() {
        if let Some(name) = line.strip_prefix('[') {
            section = format!("{}.", name.trim_end_matches(']'));
            continue;
        }
        let Some((name, _)) = line.trim_start_matches("# ").split_once(" = ") else { continue };
        let above = lines[n - 1];
        assert!(
            above.starts_with("# ") && above.len() > 20 && !above.contains(" = "),
            "{line}: no comment above"
        );
        seen.push(format!("{section}{name}"));
    }
    let table: Vec<String> = KEYS.iter().map(|key| key.path.to_owned()).collect();
    assert_eq!(seen, table);
    // Only what has no default at all may be commented out.
    let absent: Vec<&&str> =
        lines.iter().filter(|line| line.starts_with("# ") && line.contains(" = \"")).collect();
    assert_eq!(absent.len(), 21, "{absent:?}");
}

#[test]
fn no_two_keys_share_a_name() {
    let names: Vec<&str> = KEYS.iter().flat_map(|key| [Some(key.path), key.alias]).flatten().collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
}

#[test]
fn the_environment_goes_before_the_file_and_the_file_before_the_defaults() {
    let file = "[limits]\notp_max_attempts = 4\nlockout_minutes = 7\n[store]\nurl = 'sqlite:a.db'\n";
    let config = load(file, &[("OTP_MAX_ATTEMPTS", "2"), ("PATH", "/bin"), ("HTTP_ADDR", "x")]).unwrap();
    assert_eq!(config.limit.otp_max_attempts, 2);
    assert_eq!(config.limit.lockout_minutes, 7);
    assert_eq!(config.limit.otp_expiry_minutes, 10);
    assert_eq!(config.store.url, "sqlite:a.db");
}

#[test]
fn the_shared_names_are_honoured_and_our_own_win() {
    let config = load(
        "",
        &[
            ("VESTIBULE__LIMITS__OTP_EXPIRY_MINUTES", "12"),
            ("OTP_EXPIRY_MINUTES", "11"),
            ("OTP_MAX_ATTEMPTS", "4"),
            ("OTP_SEND_LIMIT_PER_DAY", "13"),
            ("SESSION_TOKEN_EXPIRY_DAYS", "14"),
            ("MAX_ACTIVE_SESSIONS_PER_USER", "6"),
            ("LOCKOUT_DURATION_MINUTES", "15"),
            ("MAX_LOGIN_ATTEMPTS", "7"),
            ("DATABASE_URL", "postgres://db/main"),
        ],
    )
    .unwrap();
    let limit = &config.limit;
    assert_eq!((limit.otp_expiry_minutes, limit.otp_max_attempts, limit.otp_send_limit_per_day), (12, 4, 13));
    assert_eq!((config.tool.session_expiry_days, config.tool.max_active_sessions), (14, 6));
    assert_eq!((limit.lockout_minutes, limit.max_login_attempts), (15, 7));
    assert_eq!(config.store.url, "postgres://db/main");
}

#[test]
fn every_kind_of_value_reads_from_both() {
    let file = "profile = 'prod'\n[http]\naddr = '[::]:80'\ntrusted_proxies = ['10.0.0.7', '::1']\n\
                [crypto]\nkey_file = '/run/key'\n[classify]\naccept = 1\nregion = 'none'\n[store]\nschema = 'v1'\n\
                [telemetry]\nlevel = 'warn,vestibule=debug'\n[fetch]\nallow = ['mcp.example:8443', '[fd00::]/8']\n";
    let env = [
        ("VESTIBULE__PROFILE", "prod"),
        ("VESTIBULE__HTTP__ADDR", "[::]:80"),
        ("VESTIBULE__HTTP__TRUSTED_PROXIES", "10.0.0.7, ::1"),
        ("VESTIBULE__CRYPTO__KEY_FILE", "/run/key"),
        ("VESTIBULE__CLASSIFY__ACCEPT", "1.0"),
        ("VESTIBULE__CLASSIFY__REGION", "none"),
        ("VESTIBULE__STORE__SCHEMA", "v1"),
        ("VESTIBULE__TELEMETRY__LEVEL", "warn,vestibule=debug"),
        ("VESTIBULE__FETCH__ALLOW", "mcp.example:8443, [fd00::]/8"),
    ];
    let config = load(file, &[]).unwrap();
    assert_eq!((config.http.trusted_proxies.len(), config.fetch.allow.len()), (2, 2));
    assert!(config.classify.region.is_none() && config.profile == Profile::Prod);
    assert_eq!(format!("{config:?}"), format!("{:?}", load("", &env).unwrap()));
}

#[test]
fn a_session_too_many_evicts_or_is_rejected() {
    assert_eq!(Config::default().tool.session_limit, SessionLimit::Evict);
    let told =
        load("[tool]\nsession_limit = 'reject'\n[limits]\nlive_codes_per_identifier = 7\n", &[]).unwrap();
    assert_eq!((told.tool.session_limit, told.limit.live_codes_per_identifier), (SessionLimit::Reject, 7));
    let told = load("", &[("VESTIBULE__TOOL__SESSION_LIMIT", "reject")]).unwrap();
    assert_eq!(told.tool.session_limit, SessionLimit::Reject);
    assert_eq!(
        problems("[tool]\nsession_limit = 'Reject'\n", &[]),
        ["vestibule.toml:2:17: tool.session_limit takes one of evict, reject; `Reject` is not"]
    );
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_in_its_place() {
    let file = "profile = 'dev'\n\n[http]\n  adr = 'x'\nbody_limit = '1'\n[limit]\notp_max_attempts = 3\n[tool]\n\
                session_expiry_days = 0\n";
    let env = [("OTP_EXPIRY_MINUTES", "ten"), ("VESTIBULE__HTTP__ADR", "x"), ("VESTIBULE__ZZZZ", "y")];
    assert_eq!(
        problems(file, &env),
        [
            "vestibule.toml:4:3: `http.adr` is not a key; did you mean `http.addr`?",
            "vestibule.toml:5:14: http.body_limit takes a whole number from 16384 to 16777216; `1` is not",
            "vestibule.toml:7:1: `limit.otp_max_attempts` is not a key; did you mean `limits.otp_max_attempts`?",
            "vestibule.toml:9:23: tool.session_expiry_days takes a whole number from 1 to 365; `0` is not",
            "environment variable OTP_EXPIRY_MINUTES: limits.otp_expiry_minutes takes a whole number from 1 to 60; \
             `ten` is not",
            "environment variable VESTIBULE__HTTP__ADR: `VESTIBULE__HTTP__ADR` is not a key; \
             did you mean `VESTIBULE__HTTP__ADDR`?",
            "environment variable VESTIBULE__ZZZZ: `VESTIBULE__ZZZZ` is not a key",
        ]
    );
}

#[test]
fn what_is_no_toml_is_told_with_its_place_and_without_its_text() {
    let told = problems("[http]\nbody_limit = hunter2 hunter2\n[tool]\nmax_active_sessions = 0\n", &[]);
    assert!(told[0].starts_with("vestibule.toml:2:"), "{told:?}");
    assert!(
        told.iter().any(|t| t.starts_with("vestibule.toml:4:23: tool.max_active_sessions takes")),
        "{told:?}"
    );
    assert!(!told.concat().contains("hunter2"), "{told:?}");
    assert!(!problems("[crypto]\nhunter2\nkey = hunter2\nhunter2==\n", &[]).concat().contains("hunter2"));
    assert!(problems("a = 1\na = 2\n", &[])[0].starts_with("vestibule.toml:"));
}

#[test]
fn columns_count_characters() {
    assert!(
        problems("http = { 'é' = 1 , adr = 2 }", &[]).iter().any(|t| t.starts_with("vestibule.toml:1:20: "))
    );
}

#[test]
fn a_section_is_no_value_and_a_value_no_section() {
    assert_eq!(problems("http = 3", &[]), ["vestibule.toml:1:1: `http` is a section: [http]"]);
    assert!(problems("[http.addr]\nport = 1\n", &[])[0].contains("http.addr takes an address"));
    assert!(problems("[other]", &[])[0].contains("`other` is not a key"));
    assert!(
        problems("", &[("vestibule__http__addr", "x")])[0].contains("did you mean `VESTIBULE__HTTP__ADDR`?")
    );
}

#[test]
fn a_secret_is_never_repeated() {
    let file = "[crypto]\nkey = 'hunter2'\n[store]\nurl = 'mysql://ann:hunter2@db'\n";
    let env = [
        ("VESTIBULE__CRYPTO__KEY", "hunter2"),
        ("DATABASE_URL", "hunter2"),
        ("VESTIBULE__MAIL__SMTP_URL", "smtps://ann:hunter2"),
    ];
    let told = problems(file, &env);
    assert_eq!(told.len(), 5);
    assert!(!told.concat().contains("hunter2"), "{told:?}");
    let sources =
        Sources { file: Some(("f".into(), "hunter2".into())), env: vec![("A".into(), "hunter2".into())] };
    assert!(!format!("{sources:?}").contains("hunter2"));
    let config = load(
        "",
        &[
            ("DATABASE_URL", "postgres://ann:hunter2@db/a"),
            ("VESTIBULE__CRYPTO__KEY", &random_key()),
            ("VESTIBULE__MAIL__SMTP_URL", "smtps://hunter2:hunter2@mail.example.com"),
            ("VESTIBULE__MAIL__FROM", "codes@example.com"),
        ],
    );
    let shown = format!("{:?}", config.unwrap());
    assert!(!shown.contains("hunter2") && !shown.contains(&random_key()), "{shown}");
}

#[test]
fn a_mail_server_is_set_or_left_out() {
    let env = [("VESTIBULE__MAIL__SMTP_URL", ""), ("VESTIBULE__MAIL__FROM", "")];
    let config = load("", &env).unwrap();
    assert!(config.mail.smtp_url.is_none() && config.mail.from.is_none());
    let file = "[mail]\nsmtp_url = 'smtp://localhost?tls=none'\nfrom = 'Vestibule <codes@example.com>'\n";
    let config = load(file, &[]).unwrap();
    assert_eq!(config.mail.smtp_url.unwrap().port, 25);
    assert_eq!(config.mail.from.unwrap().name.as_deref(), Some("Vestibule"));
    let told = problems("", &[("VESTIBULE__MAIL__SMTP_URL", "smtp://mail.example.com?tls=none")]).concat();
    assert!(told.contains("for a server on this machine only"), "{told}");
}

#[test]
fn dev_and_test_stay_on_this_machine() {
    for profile in ["dev", "test"] {
        for addr in ["0.0.0.0:80", "10.1.2.3:80", "[::]:80"] {
            let file = format!("profile = '{profile}'\n[http]\naddr = '{addr}'\n");
            let told = problems(&file, &[]);
            assert_eq!(told.len(), 1);
            assert!(told[0].starts_with("vestibule.toml:3:8: the profiles dev and test"), "{told:?}");
        }
        assert!(load(&format!("profile = '{profile}'\n[http]\naddr = '[::1]:0'\n"), &[]).is_ok());
    }
    // A misspelt profile is told as that, and not as an address that the default profile refuses.
    assert_eq!(problems("profile = 'production'\n[http]\naddr = '0.0.0.0:80'\n", &[]).len(), 1);
}

#[test]
fn prod_demands_a_key_of_its_own() {
    let told = problems("", &[("VESTIBULE__PROFILE", "prod")]);
    assert!(
        told[0].starts_with("environment variable VESTIBULE__PROFILE: the profile prod needs a key"),
        "{told:?}"
    );
    for file in ["data/vestibule.key", "./data/vestibule.key"] {
        assert_eq!(
            problems(&format!("profile = 'prod'\n[crypto]\nkey_file = '{file}'"), &[]).len(),
            1,
            "{file}"
        );
    }
    let with_key = |bytes: &[u8]| {
        load(
            "profile = 'prod'\n[http]\naddr = '0.0.0.0:80'\n",
            &[("VESTIBULE__CRYPTO__KEY", &STANDARD.encode(bytes))],
        )
    };
    assert!(with_key(&[7; 32]).unwrap_err().to_string().contains("all equal"));
    let varied: Vec<u8> = (0..32).collect();
    assert!(with_key(&varied[..31]).unwrap_err().to_string().contains("at least 32 bytes"));
    assert_eq!(with_key(&varied[..31]).unwrap_err().iter().count(), 1);
    assert!(with_key(&varied).is_ok());
}

#[test]
fn values_that_make_no_sense_together_are_refused() {
    for (file, blamed) in [
        ("[tool]\nsession_expiry_days = 91", "tool.session_absolute_days has"),
        ("[tool]\nsession_expiry_days = 1\naccess_token_minutes = 1441", "tool.access_token_minutes must"),
        ("[limits]\notp_resend_seconds = 61\notp_expiry_minutes = 1", "limits.otp_resend_seconds must"),
        ("[worker]\nlease_seconds = 2", "worker.lease_seconds has"),
        ("[graph]\nsilence_seconds = 9", "graph.silence_seconds is 0"),
        ("[graph]\nsilence_seconds = 600", "graph.silence_seconds has"),
        ("[mail]\nsmtp_url = 'smtps://mail.example.com'", "mail.smtp_url needs mail.from"),
        ("[handoff]\nurl = 'https://desk.example.com'", "handoff.url needs handoff.secret"),
        ("[handoff]\nurl = 'http://desk.example.com'\nsecret = 'sixteen letters!'", "handoff.url has"),
        (
            "[handoff]\nurl = 'https://desk.example.com'\nsecret = 'sixteen letters!'\ntimeout_ms = 30000",
            "longer than handoff.timeout_ms",
        ),
        (
            "[mail]\nsmtp_url = 'smtps://mail.example.com'\nfrom = 'a@example.com'\ntimeout_ms = 15000",
            "mail.timeout_ms has",
        ),
    ] {
        let told = problems(file, &[]);
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(blamed), "{told:?}");
    }
}

// SEC-54
#[test]
fn what_is_called_plainly_is_this_machine_or_an_exception() {
    let told = |url: &str, allow: &str| {
        let file = format!("[llm]\nmodels = ['m']\nbase_url = '{url}'\n[fetch]\nallow = [{allow}]\n");
        let traces = format!("[telemetry]\notlp_endpoint = '{url}'\n[fetch]\nallow = [{allow}]\n");
        [file, traces]
            .map(|file| load(&file, &[]).err().map(|told| told.to_string()).unwrap_or_default())
            .concat()
    };
    for (url, allow) in [
        ("https://models.example/v1", ""),
        ("https://10.0.0.7/v1", ""),
        ("http://localhost:11434/v1", ""),
        ("http://127.0.0.1:11434/v1", ""),
        ("http://[::1]:11434/v1", ""),
        ("http://models.example:8000/v1", "'models.example'"),
        ("http://10.0.0.7:8000/v1", "'10.0.0.0/24'"),
    ] {
        assert_eq!(told(url, allow), "", "{url}");
    }
    for (url, allow) in [
        ("http://models.example/v1", ""),
        ("http://10.0.0.7/v1", ""),
        ("http://localhost.example/v1", ""),
        ("http://models.example:8000/v1", "'models.example:8001', 'example'"),
        ("http://10.0.1.7/v1", "'10.0.0.0/24'"),
    ] {
        let told = told(url, allow);
        assert!(told.contains("llm.base_url has to be https"), "{told}");
        assert!(told.contains("telemetry.otlp_endpoint has to be https"), "{told}");
    }
}

#[test]
fn values_out_of_their_range_are_refused() {
    for (name, value) in [
        ("OTP_MAX_ATTEMPTS", "0"),
        ("OTP_MAX_ATTEMPTS", "-1"),
        ("OTP_MAX_ATTEMPTS", ""),
        ("OTP_MAX_ATTEMPTS", "99999999999999999999"),
        ("OTP_MAX_ATTEMPTS", "\u{fffd}"),
        ("VESTIBULE__LIMITS__OTP_SENDS_PER_CONVERSATION", "6"),
        ("VESTIBULE__HTTP__REQUEST_TIMEOUT_MS", "0"),
        ("VESTIBULE__HTTP__ADDR", "localhost"),
        ("VESTIBULE__HTTP__TRUSTED_PROXIES", "0.0.0.0"),
        ("VESTIBULE__HTTP__TRUSTED_PROXIES", "10.0.0.1,,10.0.0.2"),
        ("VESTIBULE__CLASSIFY__ACCEPT", "0"),
        ("VESTIBULE__CLASSIFY__ACCEPT", "NaN"),
        ("VESTIBULE__CLASSIFY__REGION", "XX"),
        ("VESTIBULE__STORE__SCHEMA", "a;drop"),
        ("VESTIBULE__TELEMETRY__LEVEL", "inof"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "127.0.0.1:4318"),
        ("VESTIBULE__MAIL__SMTP_URL", "smtp://mail.example.com?tls=none"),
        ("VESTIBULE__MAIL__FROM", "Vestibule <codes@localhost>"),
        ("VESTIBULE__FETCH__ALLOW", "*.example"),
        ("VESTIBULE__FETCH__ALLOW", "10.1.2.3/16"),
        ("VESTIBULE__FETCH__ALLOW", "https://mcp.example"),
        ("VESTIBULE__PROMPT__LANGUAGE", "english"),
        ("VESTIBULE__CRYPTO__KEY_FILE", " "),
        ("DATABASE_URL", "sqlite::memory:"),
        ("DATABASE_URL", "postgres://"),
    ] {
        let told = problems("", &[(name, value)]);
        assert_eq!(told.len(), 1, "{name}={value}: {told:?}");
        assert!(told[0].starts_with(&format!("environment variable {name}: ")), "{told:?}");
    }
}

#[test]
fn a_refused_value_is_shown_short_and_without_control_characters() {
    let told = problems("", &[("OTP_MAX_ATTEMPTS", &format!("\u{1b}[2J\n{}", "9".repeat(500)))]);
    assert_eq!(told.len(), 1);
    assert!(told[0].len() < 250 && !told[0].contains(char::is_control), "{told:?}");
}

#[test]
fn a_file_that_was_named_has_to_be_there() {
    let told = Config::from_process(Some(Path::new("no/such/file.toml"))).unwrap_err();
    assert!(told.to_string().starts_with("no/such/file.toml: cannot be read: "), "{told}");
}

proptest! {
    #[test]
    fn no_file_brings_it_down(text in "([a-z\\[\\]{}='\"#.0-9é\n ]|http|limit|addr|crypto){0,80}") {
        if let Err(told) = load(&text, &[]) {
            prop_assert!(told.iter().all(|t| t.place != Place::Defaults && !t.text.contains('\n')));
        }
    }
}
