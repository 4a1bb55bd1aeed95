//! What CloudFormation templates have in common.

use serde_json::{Map, Value};

use crate::plan::slug;

/// Parameters of a template and resources of a stack: CloudFormation takes no more, see
/// <https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html>.
pub(super) const MOST_PARAMETERS: usize = 200;
pub(super) const MOST_RESOURCES: usize = 500;

/// `order-placed-v1` as a name inside a template: letters and digits, not taken yet.
pub(super) fn unique(taken: &Map<String, Value>, what: &str, name: &str) -> String {
    let mut stem = String::new();
    for part in slug(name).split('-').filter(|p| !p.is_empty()) {
        let (first, rest) = part.split_at(1);
        stem.push_str(&first.to_ascii_uppercase());
        stem.push_str(rest);
    }
    let base = format!("{stem}{what}");
    let mut name = base.clone();
    let mut n = 2;
    while taken.contains_key(&name) {
        name = format!("{base}{n}");
        n += 1;
    }
    name
}
