//! Maps with known keys.

use serde_json::{Map, Value as Json, json};

use super::words::Words;

/// A map that has these keys and no others.
pub(super) struct Keys {
    title: &'static str,
    words: Words,
    properties: Map<String, Json>,
    needed: Vec<&'static str>,
    /// What else holds of the whole map.
    more: Map<String, Json>,
}

impl Keys {
    pub(super) fn new(title: &'static str, words: Words) -> Self {
        Self { title, words, properties: Map::new(), needed: Vec::new(), more: Map::new() }
    }

    /// A key that may be left out.
    pub(super) fn may(mut self, key: &'static str, shape: Json) -> Self {
        let shape = match self.words.find(key) {
            Some(word) => described(shape, &word.shown()),
            None => shape,
        };
        self.properties.insert(key.to_owned(), shape);
        self
    }

    /// A key that must stand there.
    pub(super) fn must(mut self, key: &'static str, shape: Json) -> Self {
        self.needed.push(key);
        self.may(key, shape)
    }

    /// One of these ways, and no two.
    pub(super) fn one_of(mut self, ways: &[Json]) -> Self {
        self.more.insert("oneOf".to_owned(), json!(ways));
        self
    }

    /// One of these ways at least.
    pub(super) fn any_of(mut self, ways: &[Json]) -> Self {
        self.more.insert("anyOf".to_owned(), json!(ways));
        self
    }

    /// The map as a file has it.
    pub(super) fn whole(self) -> Json {
        let mut schema = json!({
            "title": self.title,
            "type": "object",
            "properties": self.properties,
            "additionalProperties": false,
        });
        if !self.needed.is_empty() {
            schema["required"] = json!(self.needed);
        }
        if let Some(schema) = schema.as_object_mut() {
            schema.extend(self.more);
        }
        schema
    }

    /// The map where it stands for changes of another one: each key may be left out.
    pub(super) fn changes(self) -> Json {
        Self { needed: Vec::new(), more: Map::new(), ..self }.whole()
    }

    /// The keys themselves, for a map that has them and more.
    pub(super) fn into_properties(self) -> Map<String, Json> {
        self.properties
    }

    /// Takes keys over, as they are described there.
    pub(super) fn with(mut self, properties: impl IntoIterator<Item = (String, Json)>) -> Self {
        self.properties.extend(properties);
        self
    }
}

/// The shape with what it means.
pub(super) fn described(mut shape: Json, meaning: &str) -> Json {
    shape["description"] = json!(meaning);
    shape
}

/// A way in which the keys of a map go together: which must stand there, and which must not.
pub(super) fn together(title: &str, must: &[&str], not: &[&str]) -> Json {
    let mut way = json!({ "title": title, "required": must });
    if !not.is_empty() {
        way["properties"] = not.iter().map(|key| ((*key).to_owned(), Json::Bool(false))).collect();
    }
    way
}
