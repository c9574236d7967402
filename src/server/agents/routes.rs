//! The routes.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{Method, StatusCode};
use serde_json::Value;
use tracing::{Instrument, field};
use url::form_urlencoded;

use super::desk::{Desk, Params, Signed, empty, json, respond, tenant_of};
use crate::agents::Tool;
use crate::agents::dialect::retell::{InboundCall, answer, read_event, read_function};
use crate::agents::dialect::{NoTool, openai};
use crate::ambient::SystemEntropy;
use crate::server::answer::Outcome;
use crate::server::correlation::CorrelationId;
use crate::store::TenantId;
use crate::sync::ReceiveError;
use crate::webhook::VerifyError;

/// Declares a route: what becomes of a request, in a span of its own.
macro_rules! route {
    ($(#[$doc:meta])* $name:ident, $door:literal, $answer:ident) => {
        $(#[$doc])*
        pub(super) async fn $name(
            State(desk): State<Arc<Desk>>,
            params: Params,
            request: Request,
        ) -> Response {
            let correlation_id = CorrelationId::of(request.headers(), &SystemEntropy);
            let span = tracing::debug_span!(
                "calcom.agents",
                door = $door,
                otel.kind = "server",
                otel.status_code = field::Empty,
                http.response.status_code = field::Empty,
                %correlation_id,
            );
            let answered = desk.$answer(&params, request).instrument(span.clone()).await;
            respond(answered, correlation_id, &span)
        }
    };
}

route!(
    /// A custom function of Retell's.
    functions, "retell.functions", answer_function
);
route!(
    /// A call that Retell is about to take.
    inbound, "retell.inbound", answer_inbound
);
route!(
    /// An event of a call.
    events, "retell.events", answer_event
);
route!(
    /// Tool calls in OpenAI's form, or the tools' definitions.
    openai_tools, "openai.tools", answer_openai
);

impl Desk {
    async fn answer_function(
        &self,
        params: &Params,
        request: Request,
    ) -> Result<Response, Outcome> {
        let tenant = tenant_of(params)?;
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let in_query = form_urlencoded::parse(query).find(|(key, _)| key == "function");
        let in_query = in_query.map(|(_, name)| name.into_owned());
        let in_path = params.as_ref().ok().and_then(|params| params.get("name"));
        let named = in_path.cloned().or(in_query);
        let Signed { tenant, body, .. } = self.admit(tenant, request).await?;
        let asked = read_function(&body, named.as_deref());
        let tool = match asked.tool {
            Ok(tool) if self.config.allows(tool) => tool,
            Ok(tool) => {
                tracing::warn!(%tool, "an agent called a tool that is switched off");
                return Ok(json(answer(&self.unavailable(&tenant, &asked.caller))));
            }
            Err(why) => {
                tracing::warn!(error = %why, "an agent called no tool");
                return Ok(json(answer(&self.unavailable(&tenant, &asked.caller))));
            }
        };
        let called = self
            .tools
            .call(tenant.id(), &asked.caller, tool, asked.arguments);
        Ok(json(answer(&called.await)))
    }

    async fn answer_inbound(&self, params: &Params, request: Request) -> Result<Response, Outcome> {
        let Signed { tenant, body, .. } = self.admit(tenant_of(params)?, request).await?;
        let call = InboundCall::read(&body);
        let answer = self.take_call(&tenant, &call).await;
        Ok(json(answer.body().to_string()))
    }

    async fn answer_event(&self, params: &Params, request: Request) -> Result<Response, Outcome> {
        let signed = self.admit(tenant_of(params)?, request).await?;
        let Signed {
            tenant,
            headers,
            body,
        } = signed;
        let event = read_event(&body);
        if event.is_some_and(|event| self.config.accepts(&event)) {
            let (id, sender) = (tenant.id(), &self.retell);
            let received = self.engine.receive_from(id, sender, &headers, &body).await;
            match received {
                // What names no event names none when it is sent again.
                Ok(_) | Err(ReceiveError::Unverified(VerifyError::NoEvent)) => {}
                Err(error) => {
                    tracing::warn!(%error, "a call event was not stored");
                    return Err(Outcome::from(&Err(error)));
                }
            }
        }
        Ok(empty(StatusCode::NO_CONTENT))
    }

    async fn answer_openai(&self, params: &Params, request: Request) -> Result<Response, Outcome> {
        let id = TenantId::new(tenant_of(params)?);
        let source = self.intake.source(&request);
        self.intake.count(id.as_str(), &source).await?;
        let programs = &self.config.programs;
        if !programs.opens(&id, request.headers(), request.extensions()) {
            tracing::warn!("a program in OpenAI's dialect was not let in");
            return Err(Outcome::Unverified);
        }
        if request.method() == Method::GET {
            let tools = Tool::ALL.into_iter();
            let tools = tools.filter(|tool| self.config.allows(*tool));
            return Ok(json(Value::Array(openai::definitions(tools)).to_string()));
        }
        let (_, body) = self.intake.read(request).await?;
        let body: Value = serde_json::from_slice(&body).unwrap_or_default();
        let mut messages = Vec::new();
        // One after the other: a later one may rest on what an earlier one does.
        for asked in openai::read_calls(&body) {
            let message = match asked.call.tool {
                Ok(tool) if self.config.allows(tool) => {
                    let (caller, arguments) = (&asked.call.caller, asked.call.arguments.clone());
                    asked.result(&self.tools.call(&id, caller, tool, arguments).await)
                }
                Ok(_) => asked.no_tool(NoTool::Unknown),
                Err(why) => asked.no_tool(why),
            };
            messages.push(message);
        }
        Ok(json(Value::Array(messages).to_string()))
    }
}
