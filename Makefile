# Building and testing start here; CI calls these targets too. `make help` lists them.
SHELL := /bin/bash -o pipefail

MODULE   := github.com/pullchat/pullchat
BIN      := $(CURDIR)/.bin
LINT     := v2.15.0
HZ_MOD   := -modfile=internal/gen/hz.mod
# Packages that test real programs. Their programs are built without the race detector, so they are tested without it.
processes = $(addprefix $(MODULE)/test/,benchmarks browser budgets delivery e2e faults projections proxy)
# All others, whose code runs in the tests themselves.
units     = $(filter-out $(processes),$(shell go list ./...))
# Hand-written packages: what the coverage is of.
covered   = $(shell go list ./... | grep -v -e /internal/gen -e /test | paste -sd,)
race      = $(if $(shell command -v gcc || command -v cc),-race,$(warning no C compiler: the race detector is off))
# How many packages are tested at a time. Unit tests often wait; those of processes keep two cores busy. CI takes fewer.
UNITS_AT_ONCE     ?= 3
PROCESSES_AT_ONCE ?= 2
at_once   = -shuffle=on -p $(UNITS_AT_ONCE) -parallel 4
PROGRAMS  := $(BIN)/test
LINTER    := $(BIN)/golangci-lint-$(LINT)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: ## run everything in one process: HTTP on :8080; messages stay in the folder DATA where it is given, else they are in memory unless REDIS_URL is set
	go run ./pullchat serve $(if $(DATA),--data $(DATA))

.PHONY: build
build: ## build all programs into .bin/
	go build -trimpath -o $(BIN)/ ./pullchat ./http-server ./rpc-server ./tcp-server ./worker

.PHONY: check
check: format-check generated-untouched ## before each commit: format, vet, lint, unit tests without servers; a minute or two
	go vet ./...
	@if test -x $(LINTER); then $(LINTER) run; else echo 'NOT LINTED: make lint installs the linter once'; fi
	go test -short -p 4 $(units)

.PHONY: test
test: redis-server nginx prometheus kcat programs ## all tests but those of pages (make browser-test), on a real Redis that they start
	@rm -f test.log
	go test -count=1 ./test/budgets | tee -a test.log # alone, because it counts allocations
	status=0; \
	  TEST_PROGRAMS=$(PROGRAMS) go test $(race) $(at_once) -timeout 20m $(units) 2>&1 | tee -a test.log || status=1; \
	  TEST_PROGRAMS=$(PROGRAMS) go test -shuffle=on -p $(PROCESSES_AT_ONCE) -timeout 20m $(filter-out %/budgets %/browser,$(processes)) 2>&1 | tee -a test.log || status=1; \
	  grep -E '^(ok|FAIL|---)' test.log; exit $$status

# Apart from the tests with the race detector: with both, tests take half as much CPU again.
.PHONY: coverage
coverage: redis-server nginx prometheus programs ## the coverage of hand-written code by the unit tests; writes coverage.out
	TEST_PROGRAMS=$(PROGRAMS) go test $(at_once) -timeout 20m -coverpkg=$(covered) -coverprofile=coverage.out $(units) 2>&1 | sed "s/ of statements in .*//"
	@go tool cover -func=coverage.out | awk '/^total/ { print "coverage of hand-written code: " $$3 }'

.PHONY: test-long
test-long: redis-server nginx prometheus kcat programs ## what is long (about 40 minutes): everything with the race detector, and the long forms of test/faults and test/delivery
	TESTS=long TEST_PROGRAMS=$(PROGRAMS) go test $(race) -shuffle=on -timeout 30m $(filter-out %/budgets,$(units) $(processes)) 2>&1 | tee test-long.log
	TEST_PROGRAMS=$(PROGRAMS) FAULTS=long DELIVERY=long go test -count=1 -p 1 -timeout 60m ./test/faults/... ./test/delivery 2>&1 | tee -a test-long.log

.PHONY: browser-test
browser-test: redis-server nginx chromium ## test/browser with a real browser, Chromium (400 MB, which make test does not install)
	REQUIRE_BROWSER=1 go test $(race) -count=1 -timeout 10m ./test/browser

.PHONY: pictures
pictures: redis-server chromium ## take the pictures of docs/web with Chromium
	@fc-list | grep -q NotoColorEmoji || { apt-get update -qq && apt-get install -y -qq --no-install-recommends fonts-noto-color-emoji; }
	PICTURES=$(CURDIR)/docs/web go test -count=1 -run '^TestPictures$$' ./test/browser

.PHONY: s3-test
s3-test: versitygw ## rpc-server/files on a real S3 server that checks signatures, versitygw (5 minutes to install; make test runs the same suite on the store on disk)
	VERSITYGW=$(BIN)/versitygw go test -count=1 ./rpc-server/files

.PHONY: bench
bench: redis-server webdis-and-wrk centrifugo ## the whole set of benchmarks, ROUNDS times (default 5, about 15 minutes); writes docs/benchmarks
	BENCHMARK_REPORT=$(CURDIR)/docs/benchmarks BENCHMARK_ROUNDS=$(or $(ROUNDS),5) go test -count=1 -timeout 60m -run '^TestReport$$' -v ./test/benchmarks

.PHONY: bench-quick
bench-quick: redis-server webdis-and-wrk centrifugo ## sends and pulls beside Centrifugo's and webdis's in one run, ROUNDS times (default 5, about 3 minutes); prints the ratios
	BENCHMARK_QUICK=1 BENCHMARK_ROUNDS=$(or $(ROUNDS),5) go test -count=1 -timeout 20m -run '^TestQuick$$' -v ./test/benchmarks

.PHONY: bench-abuse
bench-abuse: redis-server ## the sends of a bystander while one user or stranger attacks (about a minute); prints the table of docs/security.md
	BENCHMARK_ABUSE=1 go test -count=1 -timeout 10m -run '^TestAbuse$$' -v ./test/benchmarks

.PHONY: bench-options
bench-options: redis-server webdis-and-wrk ## sends with metrics on, and with a worker of five projections, beside plain ones, ROUNDS times (default 5, about 4 minutes); the lag of webhooks
	BENCHMARK_OPTIONS=1 BENCHMARK_ROUNDS=$(or $(ROUNDS),5) go test -count=1 -timeout 20m -run '^TestOptions$$' -v ./test/benchmarks

.PHONY: bench-tcp
bench-tcp: redis-server ## what 10,000 idle connections of devices and of telnet cost, and the time from a send to them (two minutes); prints the tables of docs/devices.md and docs/telnet.md
	BENCHMARK_TCP=1 go test -count=1 -timeout 15m -run '^TestTCP$$' -v ./test/benchmarks

.PHONY: bench-go
bench-go: redis-server ## Go benchmarks COUNT times (default 1), for benchstat: an append, a range read, a send and a pull
	go test -run '^$$' -bench . -benchmem -count=$(or $(COUNT),1) ./internal/batch ./rpc-server/storage ./rpc-server/hints ./test

.PHONY: faults
faults: redis-server ## the long form of test/faults (about 18 minutes): kills, hangs, networks, with AUTH off and on (FAULTS_AUTH chooses one), a soak of FAULTS_SOAK (default 100s); writes docs/reliability
	FAULTS=long FAULTS_REPORT=$(CURDIR)/docs/reliability go test -count=1 -timeout 60m -v ./test/faults/... 2>&1 | grep -v '^ *{"time"'

.PHONY: delivery
delivery: redis-server ## the long form of test/delivery (about 12 minutes): watchers of every transport through kills, hangs, failovers, lost hints, with AUTH off and on (DELIVERY_AUTH chooses one); writes docs/reliability/delivery.md
	DELIVERY=long DELIVERY_REPORT=$(CURDIR)/docs/reliability go test -count=1 -timeout 60m -v ./test/delivery 2>&1 | grep -v '^ *{"time"'

.PHONY: delivery-js
delivery-js: web redis-server nginx chromium programs ## test/delivery with clients/js in Node and in Chromium, behind nginx, through kills, hangs and restarts (about 5 minutes)
	TEST_PROGRAMS=$(PROGRAMS) REQUIRE_JAVASCRIPT=1 go test -count=1 -timeout 30m -run '^TestJavaScript' -v ./test/delivery 2>&1 | grep -v '^ *{"time"'

.PHONY: fuzz
fuzz: ## every fuzz target for FUZZTIME (default 30s)
	@for package in $$(go list ./...); do \
	  for target in $$(go test -list '^Fuzz' $$package 2>/dev/null | grep '^Fuzz'); do \
	    echo "$$package $$target"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $${FUZZTIME:-30s} $$package || exit 1; \
	  done; \
	done

.PHONY: lint
lint: ## golangci-lint with .golangci.yml; builds it once, which takes minutes
	@test -x $(LINTER) || { GOBIN=$(BIN) go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT) && mv $(BIN)/golangci-lint $(LINTER); }
	$(LINTER) run

.PHONY: format-check
format-check: ## fail if gofmt would change a file
	@changed=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')) || exit 1; \
	  test -z "$$changed" || { echo "$$changed"; echo 'gofmt -w these files'; exit 1; }

# make generate-check compares with what the IDLs give, and takes longer.
.PHONY: generated-untouched
generated-untouched: ## fail if internal/gen was edited while what it is generated from was not
	@test -z "$$(git status --porcelain 'internal/gen/*.go')" || test -n "$$(git status --porcelain '*.thrift' '*.proto' Makefile go.mod internal/gen/hz.mod internal/gen/protoc)" || \
	  { git status --porcelain internal/gen; echo 'internal/gen is generated: change an IDL and run make generate'; exit 1; }

.PHONY: vulncheck
vulncheck: ## known vulnerabilities in what is called (asks vuln.go.dev)
	go run golang.org/x/vuln/cmd/govulncheck@v1.1.4 ./...

.PHONY: generate
generate: thrift-compiler ## write internal/gen anew from the two IDLs
	go build -o $(BIN)/ tool ./internal/gen/protoc
	go build $(HZ_MOD) -o $(BIN)/ tool
	rm -rf internal/gen/{api,http,rpc,apache}
	PATH=$(BIN):$$PATH hz model --mod $(MODULE) --idl idl_http.proto --model_dir internal/gen --unset_omitempty \
	  -I $$(go list $(HZ_MOD) -m -f '{{.Dir}}' github.com/cloudwego/hertz/cmd/hz)/protobuf/api
	sed -i -E 's/^(\t(Body|Metadata) +)\[\]byte /\1json.RawMessage /; s/^import \($$/&\n\t"encoding\/json"/' internal/gen/http/idl_http.pb.go # objects as they are
	PATH=$(BIN):$$PATH kitex -module $(MODULE) -streamx -gen-path internal/gen idl_rpc.thrift
	sed -i -E 's/^(\t+)(_field := make\(\[\].*, size\))$$/\1if size > len(buf)-offset || size > 1<<20 { \/\/ no claim takes memory before its bytes arrive\n\1\treturn offset, thrift.NewProtocolException(thrift.SIZE_LIMIT, "a list claims more elements than there are bytes, or than 1,048,576")\n\1}\n\1\2/' internal/gen/rpc/k-idl_rpc.go
	mkdir internal/gen/apache
	go build -o $(BIN)/ github.com/cloudwego/thriftgo/tool/trimmer # Apache's code is for one test and ten times as long: the test's three methods
	$(BIN)/trimmer -m IMService.Send -m IMService.Pull -m IMService.Ready -o $(BIN)/idl_rpc.thrift idl_rpc.thrift
	thrift -r --gen go:package_prefix=$(MODULE)/internal/gen/apache/,skip_remote -out internal/gen/apache $(BIN)/idl_rpc.thrift
	gofmt -w internal/gen

.PHONY: generate-check
generate-check: generate ## fail if the committed internal/gen is not what the IDLs give
	@changed=$$(git status --porcelain internal/gen) || exit 1; \
	  test -z "$$changed" || { echo "$$changed"; git diff internal/gen | head -50; echo 'internal/gen is stale: commit what make generate wrote'; exit 1; }

# The page and the JavaScript client, from packages of npm that the lock files pin. Node 20; everything else needs Go only.
npm_ci = npm ci --ignore-scripts --no-audit --no-fund --prefix

.PHONY: web
web: node ## build the page of http-server into web/dist, and the types of clients/js from openapi.yaml
	$(npm_ci) clients/js && npm run --prefix clients/js types && npm run --prefix clients/js build
	$(npm_ci) web && npm run --prefix web build

.PHONY: web-check
web-check: web redis-server programs ## fail if web/dist or the types of clients/js are stale; test clients/js on a real server, and write its reference
	@changed=$$(git status --porcelain web/dist clients/js/src/openapi.ts) || exit 1; \
	  test -z "$$changed" || { echo "$$changed"; echo 'the page is stale: commit what make web wrote'; exit 1; }
	npm run --prefix clients/js reference
	PULLCHAT=$(PROGRAMS)/pullchat npm test --prefix clients/js

.PHONY: deno-and-bun
deno-and-bun: web redis-server programs ## the tests of clients/js in Deno and in Bun, from their packages of npm (100 MB each)
	cd clients/js && PULLCHAT=$(PROGRAMS)/pullchat npx --yes deno@2.9.6 test --allow-all --no-check
	cd clients/js && for file in test/*.test.js; do \
	  PULLCHAT=$(PROGRAMS)/pullchat npx --yes --ignore-scripts=false bun@1.4.5 test --timeout 120000 ./$$file || exit 1; done

.PHONY: dashboard
dashboard: ## write deploy/observability/dashboard.json, Grafana's dashboard
	go run ./deploy/observability/dashboard >$(BIN)/dashboard.json && mv $(BIN)/dashboard.json deploy/observability/dashboard.json

.PHONY: compose-test
compose-test: ## the integration suite against the real stack, in containers; STORE is redis-7, redis-8 (default) or valkey-8
	@compose="docker compose --env-file /dev/null -f docker-compose.test.yml -f deploy/compose-$(or $(STORE),redis-8).yml"; \
	  $$compose up --build --abort-on-container-exit --exit-code-from integration; \
	  status=$$?; $$compose down --volumes; exit $$status

.PHONY: compose-secrets
compose-secrets: ## what docker-compose.auth.yml needs, once: keys, a password and a certificate for localhost, in .secrets/
	@test ! -e .secrets || { echo '.secrets/ is there already'; exit 1; }
	umask 077 && mkdir .secrets && for name in AUTH_SECRET RPC_SECRET REDIS_PASSWORD; do echo "$$name=$$(openssl rand -hex 32)"; done >.secrets/env
	echo 'TLS_DIR=$(CURDIR)/.secrets/tls' >>.secrets/env && mkdir .secrets/tls
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 365 -subj /CN=localhost \
	  -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout .secrets/tls/tls.key -out .secrets/tls/tls.crt 2>/dev/null
	chmod 755 .secrets/tls && chmod 644 .secrets/tls/tls.key .secrets/tls/tls.crt # the image's user reads them; .secrets/ is yours alone

# The programs that the tests run, built once for all packages.
.PHONY: programs
programs:
	go build -o $(PROGRAMS)/ ./pullchat ./http-server ./rpc-server ./tcp-server ./worker

# What the tests need beside Go, from Debian's packages.
.PHONY: node redis-server nginx prometheus kcat chromium thrift-compiler webdis-and-wrk centrifugo versitygw
webdis-and-wrk:
	@command -v webdis >/dev/null && command -v wrk >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends webdis wrk; }
# A peer for benchmarks and an S3 server, built from their modules: a few minutes each, once.
versitygw:
	@test -x $(BIN)/versitygw || GOBIN=$(BIN) go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
centrifugo:
	@test -x $(BIN)/centrifugo || GOBIN=$(BIN) go install github.com/centrifugal/centrifugo/v6@v6.9.1
node:
	@command -v npm >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nodejs npm; }
redis-server:
	@command -v redis-server >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends redis-server; }
chromium:
	@command -v chromium >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }
nginx:
	@PATH=$$PATH:/usr/sbin command -v nginx >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends nginx; }
prometheus: # promtool too; 20 MB
	@command -v prometheus >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus; }
kcat:
	@command -v kcat >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends kcat; }
thrift-compiler:
	@command -v thrift >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends thrift-compiler; }
	@thrift --version | grep -q 0.17.0 || { echo 'make generate wants the Thrift compiler 0.17.0, as in Debian 12'; exit 1; }

# Packages, Kubernetes, releases and the development loop.
include deploy/deploy.mk
