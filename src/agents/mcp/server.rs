//! The server's requests.

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, CustomRequest, CustomResult,
    ErrorCode, Implementation, ListResourcesResult, ListToolsResult, PaginatedRequestParams,
    ReadResourceRequestParams, ReadResourceResponse, ServerCapabilities, ServerConfig,
};
use rmcp::service::RequestContext;
use rmcp::{ErrorData, RoleServer, ServerHandler};
use serde_json::Value;

use super::{answer, listed, resources};
use crate::agents::{Caller, Tool, Tools};
use crate::store::TenantId;

const CALL_TOOL: &str = "tools/call";

const INSTRUCTIONS: &str = "\
Finds, takes, moves and cancels appointments of one business. Call list_services first, then find_next_slot or \
check_availability, and book_appointment only once the customer has agreed to service, day and time. Give the \
customer's name, and their phone number or e-mail address. Give times as ISO 8601, as the tools do. Repeating a call \
with the same arguments changes nothing more. A time that is taken is answered with alternatives; what is unclear is \
answered with what to ask.";

/// The tools of one tenant.
#[derive(Clone, Debug)]
pub(crate) struct McpServer {
    pub(super) tools: Tools,
    pub(super) tenant: TenantId,
}

impl McpServer {
    pub(crate) fn new(tools: Tools, tenant: TenantId) -> Self {
        Self { tools, tenant }
    }

    async fn call(&self, name: &str, arguments: Value) -> Result<CallToolResult, ErrorData> {
        // The name comes from outside and is not repeated.
        let unknown = |_| ErrorData::invalid_params("there is no tool of this name", None);
        let tool: Tool = name.parse().map_err(unknown)?;
        let caller = Caller::program();
        let answer = self.tools.call(&self.tenant, &caller, tool, arguments);
        answer::result(&answer.await)
    }
}

impl ServerHandler for McpServer {
    fn get_info(&self) -> ServerConfig {
        let capabilities = ServerCapabilities::builder()
            .enable_tools()
            .enable_resources()
            .build();
        let server =
            Implementation::new("calcom", env!("CARGO_PKG_VERSION")).with_title("Appointments");
        ServerConfig::new(capabilities)
            .with_server_info(server)
            .with_instructions(INSTRUCTIONS)
    }

    async fn list_tools(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(listed::tools()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let arguments = request.arguments.map_or(Value::Null, Value::Object);
        Ok(self.call(&request.name, arguments).await?.into())
    }

    async fn list_resources(
        &self,
        _: Option<PaginatedRequestParams>,
        _: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        Ok(ListResourcesResult::with_all_items(resources::listed()))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        Ok(self.read(&request.uri).await?.into())
    }

    /// A call whose arguments are no object fits no request that the SDK knows. The tools answer it all the
    /// same, as they do where a model writes the object as a text.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        _: RequestContext<RoleServer>,
    ) -> Result<CustomResult, ErrorData> {
        if request.method != CALL_TOOL {
            let message = "there is no such method";
            return Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, message, None));
        }
        let params = request.params.unwrap_or_default();
        let Some(name) = params.get("name").and_then(Value::as_str) else {
            return Err(ErrorData::invalid_params("the tool is not named", None));
        };
        let arguments = params.get("arguments").cloned().unwrap_or_default();
        let mut result = self.call(name, arguments).await?;
        // Peers of earlier versions do not know it, and the others do without it.
        result.result_type = None;
        let result = serde_json::to_value(result).map_err(answer::unwritable)?;
        Ok(CustomResult::new(result))
    }
}
