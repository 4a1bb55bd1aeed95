//! Amazon API Gateway: an HTTP API as OpenAPI inside a CloudFormation template.

use serde_json::{Map, Value, json};

use super::{
    AUDIENCE, Edge, EdgeRoute, File, ISSUER, Piece, REMOVED, Token, new_file, per_minute, template,
};

const NO_STREAM: &str = "an HTTP API ends every request after 30 s; a WebSocket API or an Application Load Balancer serves it";
const NO_GRPC: &str =
    "an HTTP API speaks no gRPC; an Application Load Balancer with a gRPC target group serves it";

pub(super) fn file(edge: &Edge<'_>) -> File {
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
        let parameter = parameter(&r.service);
        parameters.insert(parameter.clone(), json!({
            "Type": "String",
            "Description": format!("ARN of the Cloud Map service or of the load balancer listener of {}", r.service),
        }));
        let (path, method) = (
            path(r),
            r.method.map_or(
                "x-amazon-apigateway-any-method".to_owned(),
                str::to_ascii_lowercase,
            ),
        );
        let item = paths.entry(path.clone()).or_insert_with(|| json!({}));
        item[method.as_str()] = operation(edge, r, &parameter);
        settings.insert(
            format!("{} {path}", r.method.unwrap_or("ANY")),
            json!({
                "ThrottlingRateLimit": r.limit.0,
                "ThrottlingBurstLimit": per_minute(r.limit).div_ceil(60),
                "DetailedMetricsEnabled": true,
            }),
        );
    }
    if paths.is_empty() {
        paths.insert("/".to_owned(), json!({}));
    }
    let value = json!({
        "AWSTemplateFormatVersion": "2010-09-09",
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
    let mut file = new_file(
        serde_json::to_string_pretty(&value).unwrap_or_default() + "\n",
        Some("`cfn-lint`"),
    );
    file.left_out = left_out;
    file.notes.push("An HTTP API throttles a route, not a client: the limit of one client needs AWS WAF with a rate-based rule on a CloudFront distribution in front.");
    if edge.routes.iter().any(|r| r.token == Token::IfPresent) {
        file.notes.push("A JWT authorizer cannot be optional: routes that check a token only if there is one leave the check to the service behind.");
    }
    file.notes.push("HTTP APIs do not write `traceparent`: the service behind starts the trace if the client did not.");
    file
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

fn operation(edge: &Edge<'_>, r: &EdgeRoute, arn: &str) -> Value {
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
            "uri": { "Ref": arn },
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
    let _ = edge;
    out
}

fn path_parameter(name: &str) -> Value {
    json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
}
