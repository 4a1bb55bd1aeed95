//! Terraform's language, as `terraform fmt` writes it.

use super::File;

/// A value of an attribute.
#[derive(Clone, Debug)]
pub(super) enum Hcl {
    /// A text in which nothing is filled in.
    Text(String),
    /// An expression, as it stands; never of the author's words.
    Is(String),
    Number(u64),
    Bool(bool),
}

impl From<&str> for Hcl {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A block: attributes first, then blocks.
#[derive(Clone, Debug)]
pub(super) struct Block {
    head: String,
    attributes: Vec<(String, Hcl)>,
    blocks: Vec<Block>,
}

impl Block {
    /// `dead_letter_policy`, or `provider` with labels.
    pub(super) fn new(kind: &str, labels: &[&str]) -> Self {
        let mut head = kind.to_owned();
        for label in labels {
            head.push(' ');
            head.push_str(&quoted(label));
        }
        Self {
            head,
            attributes: Vec::new(),
            blocks: Vec::new(),
        }
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<Hcl>) -> Self {
        self.attributes.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn number(self, name: &str, value: u64) -> Self {
        self.with(name, Hcl::Number(value))
    }

    pub(super) fn on(self, name: &str) -> Self {
        self.with(name, Hcl::Bool(true))
    }

    pub(super) fn off(self, name: &str) -> Self {
        self.with(name, Hcl::Bool(false))
    }

    /// An attribute that is an expression.
    pub(super) fn is(self, name: &str, expression: impl Into<String>) -> Self {
        self.with(name, Hcl::Is(expression.into()))
    }

    pub(super) fn block(mut self, block: Block) -> Self {
        self.blocks.push(block);
        self
    }

    fn write(&self, out: &mut String, indent: &str) {
        out.push_str(&format!("{indent}{} {{\n", self.head));
        let wide = self.attributes.iter().map(|(n, _)| n.len()).max();
        let wide = wide.unwrap_or_default();
        for (name, value) in &self.attributes {
            let value = match value {
                Hcl::Text(text) => quoted(text),
                Hcl::Is(expression) => expression.clone(),
                Hcl::Number(n) => n.to_string(),
                Hcl::Bool(b) => b.to_string(),
            };
            out.push_str(&format!("{indent}  {name:wide$} = {value}\n"));
        }
        for (n, block) in self.blocks.iter().enumerate() {
            if n > 0 || !self.attributes.is_empty() {
                out.push('\n');
            }
            block.write(out, &format!("{indent}  "));
        }
        out.push_str(&format!("{indent}}}\n"));
    }
}

/// `blocks` as the file of the broker `name`; `bindings` are those of its provider that tests read.
pub(super) fn file(name: &str, blocks: &[Block], bindings: &str) -> File {
    File {
        path: format!("broker/{name}.tf"),
        fence: "hcl",
        text: text(blocks),
        checked_by: Some("Terraform's parser"),
        notes: vec![format!(
            "The provider itself could not be had for our tests: Terraform's parser reads the file, and names and \
             types of arguments are held against the bindings of {bindings}."
        )],
    }
}

/// The text of a file of `blocks`.
fn text(blocks: &[Block]) -> String {
    let mut out = String::new();
    for (n, block) in blocks.iter().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        block.write(&mut out, "");
    }
    out
}

/// `text` between quotes; nothing in it is an escape or a template.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            // `${` and `%{` begin a template.
            '{' if out.ends_with(['$', '%']) => {
                let sign = if out.ends_with('$') { '$' } else { '%' };
                out.push(sign);
                out.push(c);
            }
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::{Block, text};

    #[test]
    fn attributes_stand_in_line_and_words_are_no_templates() {
        let block = Block::new("resource", &["a", "b"])
            .with("name", "x\"${y}%{z}\n")
            .number("attempts", 5)
            .block(Block::new("policy", &[]).on("strict"));
        assert_eq!(
            text(&[block]),
            "resource \"a\" \"b\" {\n  name     = \"x\\\"$${y}%%{z} \"\n  attempts = 5\n\n  policy {\n    strict = true\n  }\n}\n"
        );
    }
}
