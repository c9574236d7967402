//! The tools as they are listed.

use std::sync::{Arc, LazyLock};

use rmcp::model::{JsonObject, Tool as ListedTool, ToolAnnotations};
use serde_json::Value;

use crate::agents::Tool;

/// All tools. Their schemas are made once.
pub(super) fn tools() -> Vec<ListedTool> {
    static TOOLS: LazyLock<Vec<ListedTool>> = LazyLock::new(|| {
        let answers = Arc::new(schema(Tool::answer_schema()));
        Tool::ALL
            .into_iter()
            .map(|tool| listed(tool, &answers))
            .collect()
    });
    TOOLS.clone()
}

fn listed(tool: Tool, answers: &Arc<JsonObject>) -> ListedTool {
    let hints = tool.hints();
    let annotations = ToolAnnotations::with_title(tool.title())
        .read_only(hints.read_only)
        .destructive(hints.destructive)
        .idempotent(hints.idempotent)
        // Cal.com and the business's own calendar are all that they reach.
        .open_world(false);
    let parameters = schema(tool.parameters());
    ListedTool::new(tool.as_str(), tool.description(), parameters)
        .with_title(tool.title())
        .with_raw_output_schema(Arc::clone(answers))
        .with_annotations(annotations)
}

/// A schema as MCP clients take it.
fn schema(mut schema: Value) -> JsonObject {
    without_formats(&mut schema);
    match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    }
}

/// Removes formats such as `uint32`, which JSON Schema does not define: the validator of the official client
/// warns of each.
fn without_formats(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            // A property may have that name, too, and then it is no text.
            if members.get("format").is_some_and(Value::is_string) {
                members.remove("format");
            }
            members.values_mut().for_each(without_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(without_formats),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_is_listed_with_its_schemas_and_hints() {
        let tools = tools();
        assert_eq!(tools.len(), Tool::ALL.len());
        for (tool, listed) in Tool::ALL.into_iter().zip(&tools) {
            assert_eq!(listed.name, tool.as_str());
            let output = listed.output_schema.as_deref().unwrap();
            for schema in [&*listed.input_schema, output] {
                assert_eq!(schema["type"], "object", "{tool}");
                let text = serde_json::to_string(schema).unwrap();
                assert!(!text.contains("\"format\":\""), "{tool}: {text}");
            }
            let hints = listed.annotations.as_ref().unwrap();
            let books = matches!(
                tool,
                Tool::BookAppointment | Tool::MoveAppointment | Tool::CancelAppointment
            );
            assert_eq!(hints.read_only_hint, Some(!books), "{tool}");
            assert_eq!(hints.idempotent_hint, Some(true), "{tool}");
            assert_eq!(hints.open_world_hint, Some(false), "{tool}");
        }
    }
}
