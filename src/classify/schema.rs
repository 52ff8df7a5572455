//! JSON schemas in the strict form that model providers demand: every field required, nothing beyond them, what may be
//! absent nullable, and no keyword that strict mode refuses.

use schemars::JsonSchema;
use serde_json::{Map, Value, json};

/// Keywords that strict mode knows. Others only describe or restrict further, and leaving them out loses no shape.
const KNOWN: &[&str] = &[
    "$defs",
    "$ref",
    "additionalProperties",
    "anyOf",
    "const",
    "description",
    "enum",
    "items",
    "properties",
    "required",
    "type",
];

/// The strict schema of a type.
pub fn strict_schema<T: JsonSchema>() -> Value {
    let mut schema = schemars::schema_for!(T).to_value();
    strict(&mut schema);
    schema
}

fn strict(schema: &mut Value) {
    let Value::Object(object) = schema else { return };
    if let Some(of) = object.remove("oneOf") {
        object.insert("anyOf".to_owned(), of);
    }
    object.retain(|keyword, _| KNOWN.contains(&keyword.as_str()));
    // A reference must stand alone.
    if object.contains_key("$ref") {
        object.retain(|keyword, _| keyword == "$ref");
    }
    fields(object);
    for under in ["$defs"] {
        if let Some(Value::Object(named)) = object.get_mut(under) {
            named.values_mut().for_each(strict);
        }
    }
    if let Some(items) = object.get_mut("items") {
        strict(items);
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.iter_mut().for_each(strict);
        plain_enum(object);
    }
}

/// Makes every field required; one that was not may be null instead.
fn fields(object: &mut Map<String, Value>) {
    let is_object = object.get("type") == Some(&json!("object"));
    if !is_object {
        return;
    }
    let required: Vec<Value> = object.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names = Vec::new();
    if let Some(Value::Object(properties)) = object.get_mut("properties") {
        for (name, field) in properties.iter_mut() {
            strict(field);
            if !required.contains(&json!(name)) {
                nullable(field);
            }
            names.push(json!(name));
        }
    } else {
        object.insert("properties".to_owned(), json!({}));
    }
    object.insert("required".to_owned(), Value::Array(names));
    object.insert("additionalProperties".to_owned(), json!(false));
}

fn nullable(field: &mut Value) {
    let null = json!("null");
    let done = match field.get_mut("type") {
        Some(Value::Array(types)) => {
            if !types.contains(&null) {
                types.push(null);
            }
            true
        }
        Some(Value::String(one)) => {
            let types = json!([one.clone(), "null"]);
            if let Some(object) = field.as_object_mut().filter(|object| !object.contains_key("enum")) {
                object.insert("type".to_owned(), types);
                true
            } else {
                false
            }
        }
        _ => (field.get("anyOf").and_then(Value::as_array))
            .is_some_and(|choices| choices.contains(&json!({ "type": "null" }))),
    };
    if !done {
        let given = field.take();
        *field = json!({ "anyOf": [given, { "type": "null" }] });
    }
}

/// Choices that are single constants are one enumeration.
fn plain_enum(object: &mut Map<String, Value>) {
    let Some(choices) = object.get("anyOf").and_then(Value::as_array) else { return };
    let constants: Option<Vec<Value>> = choices.iter().map(|choice| choice.get("const").cloned()).collect();
    if let Some(constants) = constants {
        object.remove("anyOf");
        object.insert("type".to_owned(), json!("string"));
        object.insert("enum".to_owned(), Value::Array(constants));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::SubIntentClassification;

    fn check(schema: &Value) {
        match schema {
            Value::Object(object) => {
                if object.get("type") == Some(&json!("object")) {
                    let names: Vec<Value> =
                        object["properties"].as_object().unwrap().keys().map(|k| json!(k)).collect();
                    assert_eq!(object["required"], json!(names));
                    assert_eq!(object["additionalProperties"], json!(false));
                }
                for banned in ["default", "format", "minimum", "oneOf", "title", "$schema"] {
                    assert!(!object.contains_key(banned), "{banned} in {schema}");
                }
                object.values().for_each(check);
            }
            Value::Array(all) => all.iter().for_each(check),
            _ => {}
        }
    }

    #[test]
    fn the_classification_is_strict_throughout() {
        let schema = strict_schema::<SubIntentClassification>();
        check(&schema);
        assert_eq!(
            schema["required"],
            json!(["sub_intent", "confidence", "entities", "missing_entities", "reasoning"])
        );
        assert_eq!(
            schema["$defs"]["SubIntent"]["enum"],
            json!(["authenticate", "manage_sessions", "migrate_identity", "update_identity"])
        );
        let entities = &schema["$defs"]["Entities"]["properties"];
        assert_eq!(entities["otp_code"]["type"], json!(["string", "null"]));
        assert!(entities["phone"]["anyOf"].as_array().unwrap().contains(&json!({ "type": "null" })));
        assert!(entities["action"]["anyOf"].as_array().unwrap().contains(&json!({ "type": "null" })));
    }
}
