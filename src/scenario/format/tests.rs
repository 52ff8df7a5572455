use super::*;

fn problems(text: &str) -> Vec<String> {
    let Err(Problems(found)) = Scenario::parse("s.md", text) else { panic!("was taken: {text}") };
    found.iter().map(|problem| format!("{}: {}", problem.line, problem.what)).collect()
}

#[test]
fn a_whole_scenario_reads_back() {
    let text = "# Title\nSome prose.\nclock 2026-02-01T00:00:00Z\nseed 7\nactor alice\nactor bob\n\
                config OTP_MAX_ATTEMPTS=2\n\n> hello {code} and {bob.code:2}\n\
                < auth.x action=otp_sent data.phone=\"+1 • \\\"x\\\"\" data.n=2 data.a=* data.b=!\n\
                ! sms to=+14155552671\n! mail to=anna@example.com subject=\"A code\"\n! none\n= state.otp_sent=true audit=a,b effects=1\n~ 10m 1s\n\
                # A heading\n@bob > {wrong}\n& refuse 21610\n& restart\n";
    let scenario = Scenario::parse("s.md", text).unwrap();
    assert_eq!((scenario.title.as_str(), scenario.seed), ("Title", 7));
    assert_eq!(scenario.clock.to_string(), "2026-02-01T00:00:00Z");
    assert_eq!(scenario.actors, ["alice", "bob"]);
    assert_eq!(scenario.config, [("OTP_MAX_ATTEMPTS".to_owned(), "2".to_owned())]);
    let steps: Vec<(usize, usize)> = scenario.steps.iter().map(|step| (step.line, step.actor)).collect();
    assert_eq!(steps, (9..=15).map(|n| (n, 0)).chain((17..=19).map(|n| (n, 1))).collect::<Vec<_>>());
    let What::Say(pieces) = &scenario.steps[0].what else { panic!("no message") };
    let said = [
        Piece::Text("hello ".into()),
        Piece::Code { actor: 0, nth: None },
        Piece::Text(" and ".into()),
        Piece::Code { actor: 1, nth: Some(2) },
    ];
    assert_eq!(pieces, &said);
    let What::Answer(fields) = &scenario.steps[1].what else { panic!("no answer") };
    let wanted: Vec<(&str, &Wanted)> = fields.iter().map(|f| (f.path.as_str(), &f.wanted)).collect();
    assert_eq!(
        wanted,
        [
            ("reply", &Wanted::Equal("auth.x".into())),
            ("action", &Wanted::Equal("otp_sent".into())),
            ("data.phone", &Wanted::Equal("+1 • \"x\"".into())),
            ("data.n", &Wanted::Equal(2.into())),
            ("data.a", &Wanted::Present),
            ("data.b", &Wanted::Absent),
        ]
    );
    for (at, channel, fields) in
        [(2, Channel::Sms, "to=+14155552671"), (3, Channel::Mail, "to=anna@example.com subject=A code")]
    {
        let What::Sent(Some((found, wanted))) = &scenario.steps[at].what else { panic!("no message") };
        let told: Vec<String> = wanted.iter().map(|f| format!("{}={}", f.path, f.text())).collect();
        assert_eq!((*found, told.join(" ").as_str()), (channel, fields));
    }
    assert!(matches!(scenario.steps[4].what, What::Sent(None)));
    assert!(matches!(scenario.steps[6].what, What::Pass(time) if time == SignedDuration::from_secs(601)));
    assert!(matches!(&scenario.steps[8].what, What::Do(Command::Refuse(code)) if code == "21610"));
}

#[test]
fn every_problem_is_told_with_its_line() {
    let text = "clock yesterday\nseed x\nactor Bob\nactor bob\nactor bob\nconfig NOPE=1\nconfig OTP_MAX_ATTEMPTS=99\n\
                < auth.x\n> {cod}\n> {code\n> {eve.code}\n@eve > hi\n> hi\n< auth.x wrong=1\n< a b\n\
                < session=maybe\n< data.x=\"open\n!none\n! fax\n= auth=1\n= x\n~ soon\n~ 0s\n& dance\n\
                & restart now\n& refuse\nprose\n>\n< x=\n! sms subject=x\n\
                ! desk to=x\n& desk says\n& desk dances\n";
    let found = problems(text);
    let expected = [
        "1: `yesterday` is no time",
        "1: there is no title",
        "2: `x` is no whole number",
        "3: `Bob` is no actor's name",
        "5: there is an actor `bob` already",
        "6: `NOPE` is no setting's variable",
        "7: limits.otp_max_attempts takes",
        "8: there is no message before it",
        "9: `{cod}` is none of",
        "10: a `{` is not closed",
        "11: nobody is called `eve`",
        "12: nobody is called `eve`",
        "14: `wrong` is not a field here",
        "15: `b` is no FIELD=VALUE",
        "16: `session=maybe`",
        "17: `data.x`: the quoted value does not end",
        "18: a space has to stand behind `!`",
        "19: this is none of `! sms …`, `! mail …`, `! desk …` and `! none`",
        "20: `auth` is not a field here",
        "21: `x` is no FIELD=VALUE",
        "22: `soon` is no time to pass",
        "23: `0s` is no time to pass",
        "24: `& dance` is none of",
        "25: `& restart` takes nothing",
        "26: `& refuse` takes one code",
        "27: this is no step",
        "28: the message is empty",
        "29: `x=` lacks a value",
        "30: `subject` is not a field here; there are to, template and verdict",
        "31: `to` is not a field here; there are event, text",
        "32: `& desk` takes `says TEXT`",
        "33: `& desk` takes `says TEXT`",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found:?} does not start with {expected:?}");
    }
    assert_eq!(problems("# Title\n"), ["1: nobody says anything: add a line `> …`"]);
}

#[test]
fn a_budget_is_of_figures_and_in_whole_numbers() {
    let text =
        "# T\nbudget llm_calls=0 statements<=300\n> hi\n< auth.x\n= steps<=9 tokens<=400 effects=0\nbudget\n";
    let read = Scenario::parse("s.md", &text.replace("budget\n", "")).unwrap();
    let told = |fields: &[Field]| {
        fields.iter().map(|f| format!("{}: {}", f.path, f.text())).collect::<Vec<_>>().join(", ")
    };
    assert_eq!(read.budgets.len(), 1);
    assert_eq!(read.budgets[0].line, 2);
    assert_eq!(told(&read.budgets[0].fields), "llm_calls: 0, statements: 300 at most");
    let What::Holds(fields) = &read.steps[2].what else { panic!("no figures") };
    assert_eq!(told(fields), "steps: 9 at most, tokens: 400 at most, effects: 0");
    let most = |most| Field { path: "steps".into(), wanted: Wanted::AtMost(most) };
    let holds = |field: Field, found: u64| field.holds(Some(&found.into()), SignedDuration::ZERO);
    assert!(holds(most(9), 9) && !holds(most(8), 9));

    let found = problems(
        "# T\nbudget\nbudget steps=*\nbudget steps<=x\nbudget effects=1\n> hi\n= effects<=1\n= tokens=!\n\
         = statements=1.5\n< data.n<=3\n",
    );
    let expected = [
        "2: there is no FIELD=VALUE",
        "3: `steps` wants a whole number, such as steps<=12",
        "4: `steps<=` wants a whole number",
        "5: `effects` is not a field here; there are llm_calls, tokens, statements, steps",
        "7: `effects<=`: only llm_calls, tokens, statements, steps have a most",
        "8: `tokens` wants a whole number",
        "9: `statements` wants a whole number",
        "10: `data.n<=`: only llm_calls",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found:?} does not start with {expected:?}");
    }
}

#[test]
fn a_time_may_be_late_and_nothing_else_may_differ() {
    let field = |wanted: &str| Field { path: "x".into(), wanted: Wanted::Equal(wanted.into()) };
    let late = SignedDuration::from_millis(1);
    let at = |text: &str| Some(serde_json::Value::from(text));
    let wanted = field("2026-01-15T10:00:00Z");
    assert!(wanted.holds(at("2026-01-15T10:00:00.001Z").as_ref(), late));
    assert!(!wanted.holds(at("2026-01-15T10:00:00.001Z").as_ref(), SignedDuration::ZERO));
    assert!(!wanted.holds(at("2026-01-15T10:00:00.002Z").as_ref(), late));
    assert!(!wanted.holds(at("2026-01-15T09:59:59.999Z").as_ref(), late));
    assert!(!field("a").holds(at("b").as_ref(), late));
    assert!(!field("1").holds(Some(&1.into()), late));
}

#[test]
fn the_help_names_every_line_and_command() {
    let help = help();
    for row in LINES.iter().chain(COMMANDS) {
        assert!(help.contains(row.form) && help.contains(row.about), "{}", row.form);
    }
}
