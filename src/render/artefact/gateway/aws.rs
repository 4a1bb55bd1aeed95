//! Amazon API Gateway: an HTTP API as OpenAPI inside a CloudFormation template.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::super::cloudformation::MOST_PARAMETERS;
use super::{
    AUDIENCE, Edge, EdgeRoute, File, ISSUER, Piece, REMOVED, Rule, Token, limits, new_file,
    template,
};

const NO_STREAM: &str =
    "an HTTP API ends every request after 30 s; the Application Load Balancer serves it";
const NO_GRPC: &str =
    "an HTTP API speaks no gRPC; the Application Load Balancer serves it, with a gRPC target group";

/// Integrations of an HTTP API, of which each route has one. It is a quota that AWS does not raise:
/// <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html>.
const MOST_INTEGRATIONS: usize = 300;

pub(super) fn file(edge: &Edge<'_>) -> File {
    let behind: BTreeSet<&str> = edge.routes.iter().map(|r| r.service.as_str()).collect();
    // Beside the link into the network.
    let imports = behind.len() >= MOST_PARAMETERS;
    let served = edge.routes.iter().filter(|r| !r.grpc && r.stream.is_none());
    let crowded = served.count() > MOST_INTEGRATIONS;
    let (mut paths, mut settings, mut parameters) = (Map::new(), Map::new(), Map::new());
    let mut left_out = Vec::new();
    parameters.insert(
        "VpcLinkId".to_owned(),
        json!({ "Type": "String", "Description": "VPC link into the network of the services" }),
    );
    for r in &edge.routes {
        if r.grpc || r.stream.is_some() {
            left_out.push((r.name.clone(), if r.grpc { NO_GRPC } else { NO_STREAM }));
            continue;
        }
        let arn = if imports {
            json!({ "Fn::ImportValue": format!("{}-arn", r.service) })
        } else {
            let parameter = parameter(&r.service);
            parameters.insert(parameter.clone(), json!({
                "Type": "String",
                "Description": format!("ARN of the Cloud Map service or of the load balancer listener of {}", r.service),
            }));
            json!({ "Ref": parameter })
        };
        let (path, method) = (
            path(r),
            r.method.map_or(
                "x-amazon-apigateway-any-method".to_owned(),
                str::to_ascii_lowercase,
            ),
        );
        let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
        item[method.as_str()] = operation(r, &arn);
        settings.insert(
            format!("{} {path}", r.method.unwrap_or("ANY")),
            json!({
                "ThrottlingRateLimit": r.limit.0,
                "ThrottlingBurstLimit": r.at_once,
                "DetailedMetricsEnabled": true,
            }),
        );
    }
    if paths.is_empty() {
        paths.insert("/".to_owned(), json!({}));
    }
    let mut file = new_file(String::new(), Some("`cfn-lint`"));
    cannot(edge, &mut file);
    let instead: Vec<&str> = file.cannot.iter().map(|(_, n)| *n).collect();
    let value = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
        "Metadata": { "NotHere": instead, "Limits": limits(edge) },
        "Description": format!("HTTP API of {}. Replace {ISSUER} and {AUDIENCE}.", edge.plan.choices.namespace),
        "Parameters": parameters,
        "Resources": {
            "Api": { "Type": "AWS::ApiGatewayV2::Api", "Properties": { "Body": {
                "openapi": "3.0.1",
                "info": { "title": edge.plan.choices.namespace, "version": "1.0" },
                "paths": paths,
                "components": { "securitySchemes": { "users": {
                    "type": "oauth2",
                    "flows": {},
                    "x-amazon-apigateway-authorizer": {
                        "type": "jwt",
                        "identitySource": "$request.header.Authorization",
                        "jwtConfiguration": { "issuer": ISSUER, "audience": [AUDIENCE] },
                    },
                } } },
            } } },
            "Stage": { "Type": "AWS::ApiGatewayV2::Stage", "Properties": {
                "ApiId": { "Ref": "Api" },
                "StageName": "$default",
                "AutoDeploy": true,
                "DefaultRouteSettings": { "ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 1 },
                "RouteSettings": settings,
            } },
        },
        "Outputs": { "Endpoint": { "Value": { "Fn::GetAtt": ["Api", "ApiEndpoint"] } } },
    });
    file.text = serde_json::to_string_pretty(&value).unwrap_or_default() + "\n";
    file.left_out = left_out;
    if crowded {
        file.notes.push("These are more than the 300 integrations that an HTTP API takes: spread them over several, each with its own stack.");
    }
    if imports {
        file.notes.push("These are more services than a template has parameters: the stack of each exports the ARN of its Cloud Map service or listener, under its name and `-arn`.");
    }
    file.notes.push("HTTP APIs do not write `traceparent`: the service behind starts the trace if the client did not.");
    file
}

fn cannot(edge: &Edge<'_>, file: &mut File) {
    file.cannot(
        &[Rule::ClientLimit, Rule::Burst],
        "An HTTP API throttles a route, not a client: the limit of one client needs AWS WAF with a rate-based rule on a CloudFront distribution in front.",
    );
    file.cannot(
        &[Rule::Body],
        "An HTTP API takes bodies of up to 10 MB; the service behind refuses what is too large for it.",
    );
    file.cannot(
        &[Rule::Method],
        "An HTTP API answers another method on a path of the design with 404, not 405.",
    );
    if edge.routes.iter().any(|r| r.token == Token::IfPresent) {
        file.cannot(
            &[Rule::Token],
            "A JWT authorizer cannot be optional: routes that check a token only if there is one leave the check to the service behind.",
        );
    }
}

fn parameter(service: &str) -> String {
    let mut out = String::new();
    for part in service.split('-') {
        let mut chars = part.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.extend(chars);
    }
    out.chars().take(200).collect::<String>() + "Arn"
}

fn path(r: &EdgeRoute) -> String {
    // A parameter fills a whole segment here; anything around it is dropped.
    let whole: String = template(&r.path)
        .split('/')
        .map(|s| match (s.find('{'), s.find('}')) {
            (Some(a), Some(b)) if a < b => s[a..=b].to_owned(),
            _ => s.to_owned(),
        })
        .collect::<Vec<_>>()
        .join("/");
    if r.prefix {
        format!("{}/{{proxy+}}", whole.trim_end_matches('/'))
    } else {
        whole
    }
}

fn operation(r: &EdgeRoute, arn: &Value) -> Value {
    let mut headers = Map::new();
    headers.insert("overwrite:path".to_owned(), json!("$request.path"));
    for header in REMOVED.iter().filter(|h| **h != "x-user-id") {
        headers.insert(format!("remove:header.{header}"), json!("''"));
    }
    if r.token == Token::Required {
        headers.insert(
            "overwrite:header.x-user-id".to_owned(),
            json!("$context.authorizer.claims.sub"),
        );
    } else {
        headers.insert("remove:header.x-user-id".to_owned(), json!("''"));
    }
    headers.insert(
        "overwrite:header.x-request-id".to_owned(),
        json!("$context.requestId"),
    );
    let mut out = json!({
        "operationId": r.name,
        "responses": { "default": { "description": "The answer of the service behind" } },
        "x-amazon-apigateway-integration": {
            "type": "http_proxy",
            "httpMethod": r.method.unwrap_or("ANY"),
            "connectionType": "VPC_LINK",
            "connectionId": { "Ref": "VpcLinkId" },
            "uri": arn,
            "payloadFormatVersion": "1.0",
            "timeoutInMillis": r.timeout_ms().map(|ms| ms.max(50)),
            "requestParameters": headers,
        },
    });
    let mut parameters: Vec<Value> = r
        .path
        .iter()
        .filter_map(|p| match p {
            Piece::Param(name) => Some(path_parameter(name)),
            Piece::Text(_) => None,
        })
        .collect();
    if r.prefix {
        parameters.push(path_parameter("proxy"));
    }
    if !parameters.is_empty() {
        out["parameters"] = json!(parameters);
    }
    if r.token == Token::Required {
        out["security"] = json!([{ "users": [] }]);
    }
    out
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}
