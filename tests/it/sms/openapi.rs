//! Requests held against Twilio's own description of its operations, in `fixtures/twilio/`.

use serde_json::{Value, json};

use crate::support::fake_twilio::Came;

const DOCUMENTS: [&str; 2] = [
    include_str!("../../../fixtures/twilio/api_v2010.json"),
    include_str!("../../../fixtures/twilio/verify_v2.json"),
];
const FORM: &str = "/requestBody/content/application~1x-www-form-urlencoded/schema";

/// An operation that a request fits, with what stands for the parameters of its path.
struct Described<'a> {
    document: &'a Value,
    operation: &'a Value,
    in_path: Vec<(String, String)>,
}

/// What is wrong with a request.
pub(super) fn wrong(came: &Came) -> Vec<String> {
    let documents = DOCUMENTS.map(|text| serde_json::from_str::<Value>(text).unwrap());
    let Some(found) = documents.iter().find_map(|document| operation(document, came)) else {
        return vec![format!("there is no {} {}", came.method, came.path)];
    };
    let parameters = |place: &str| -> Vec<&Value> {
        let all = found.operation["parameters"].as_array().unwrap();
        all.iter().filter(|parameter| parameter["in"] == place).collect()
    };
    let mut wrong = found.judge(&parameters("path"), &found.in_path);
    wrong.extend(found.judge(&parameters("query"), &came.query));
    let form = found.operation.pointer(FORM);
    let required = form.and_then(|form| form["required"].as_array()).cloned().unwrap_or_default();
    let fields: Vec<Value> = form
        .and_then(|form| form["properties"].as_object())
        .into_iter()
        .flatten()
        .map(|(name, schema)| {
            json!({ "name": name, "schema": schema, "required": required.contains(&json!(name)) })
        })
        .collect();
    wrong.extend(found.judge(&fields.iter().collect::<Vec<_>>(), &came.form));
    wrong
}

fn operation<'a>(document: &'a Value, came: &Came) -> Option<Described<'a>> {
    let paths = document["paths"].as_object()?;
    paths.iter().find_map(|(template, methods)| {
        let in_path = fit(template, &came.path)?;
        let operation = methods.get(came.method.to_lowercase())?;
        Some(Described { document, operation, in_path })
    })
}

/// The values of a template's parameters in a path of that form.
fn fit(template: &str, path: &str) -> Option<Vec<(String, String)>> {
    if template.split('/').count() != path.split('/').count() {
        return None;
    }
    let mut values = Vec::new();
    for (wanted, given) in template.split('/').zip(path.split('/')) {
        match wanted.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => values.push((name.to_owned(), given.to_owned())),
            None if wanted == given => {}
            None => return None,
        }
    }
    Some(values)
}

impl Described<'_> {
    /// What is wrong with values for what is described.
    fn judge(&self, described: &[&Value], given: &[(String, String)]) -> Vec<String> {
        let mut wrong = Vec::new();
        for one in described {
            let count = given.iter().filter(|(name, _)| one["name"] == name.as_str()).count();
            if count == 0 && one["required"] == true {
                wrong.push(format!("{} is missing", one["name"]));
            }
            if count > 1 && self.resolved(&one["schema"])["type"] != "array" {
                wrong.push(format!("{} is there twice", one["name"]));
            }
        }
        for (name, value) in given {
            match described.iter().find(|one| one["name"] == name.as_str()) {
                None => wrong.push(format!("{name} is not known")),
                Some(one) if !self.fits(&one["schema"], value) => wrong.push(format!("{name} is no {value}")),
                Some(_) => {}
            }
        }
        wrong
    }

    fn resolved<'b>(&'b self, schema: &'b Value) -> &'b Value {
        let name = schema["$ref"].as_str().map(|name| name.trim_start_matches('#'));
        name.map_or(schema, |name| self.document.pointer(name).unwrap())
    }

    /// A form has texts alone; which of them are numbers is its schema's to say.
    fn fits(&self, schema: &Value, text: &str) -> bool {
        let schema = self.resolved(schema);
        let value = match schema["type"].as_str() {
            Some("integer") => text.parse::<i64>().map(Value::from).ok(),
            Some("boolean") => text.parse::<bool>().map(Value::from).ok(),
            Some("number") => text.parse::<f64>().map(Value::from).ok(),
            _ => None,
        };
        let value = value.unwrap_or_else(|| Value::from(text));
        jsonschema::validator_for(schema).unwrap().is_valid(&value)
    }
}

fn came(method: &str, target: &str, form: &str) -> Came {
    Came::parse(&format!("{method} {target} HTTP/1.1\r\nhost: x\r\n\r\n{form}"))
}

#[test]
fn what_does_not_fit_is_seen() {
    let account = format!("AC{}", "a".repeat(32));
    let (path, to) = (format!("/2010-04-01/Accounts/{account}/Messages.json"), "To=%2B14155552671");
    let post = |form: &str| wrong(&came("POST", &path, form)).len();
    assert_eq!(post(&format!("{to}&ValidityPeriod=600&SmartEncoded=true&ContentRetention=discard")), 0);
    for bad in [
        "ValidityPeriod=600",
        "To=1&To=2",
        "To=1&Too=1",
        "To=1&ValidityPeriod=ten",
        "To=1&SmartEncoded=yes",
        "To=1&ContentRetention=burn",
        "To=1&MessagingServiceSid=MG1",
        "To=1&MessagingServiceSid=XX00000000000000000000000000000000",
    ] {
        assert_eq!(post(bad), 1, "{bad}");
    }
    let get = |query: &str| wrong(&came("GET", &format!("{path}?{query}"), "")).len();
    assert_eq!(
        (get("To=1&DateSent%3E=2026-10-21&PageSize=100"), get("PageSize=1001"), get("Since=1")),
        (0, 1, 1)
    );
    for (method, target) in [
        ("PUT", path.as_str()),
        ("POST", "/2010-04-01/Accounts/AC1/Messages.json"),
        ("POST", "/2010-04-01/Messages.json"),
        ("GET", "/v2/Services/VA1/Verifications"),
    ] {
        assert_ne!(wrong(&came(method, target, to)), Vec::<String>::new(), "{method} {target}");
    }
}
