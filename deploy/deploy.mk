# The part of the Makefile that is about releases, packages and Kubernetes.

# What a release says it is (internal/buildinfo). VERSION has no v: the tag of the commit, else the commit's time and hash.
VERSION ?= $(shell git describe --tags --exact-match 2>/dev/null | sed -n 's/^v//p' | grep . || TZ=UTC git log -1 --date=format-local:%Y%m%d%H%M%S --format=0.0.0~%cd.%h)
COMMIT   = $(shell git rev-parse HEAD)
DATE     = $(shell TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
LDFLAGS  = -s -w -X $(MODULE)/internal/buildinfo.release=v$(VERSION) -X $(MODULE)/internal/buildinfo.commit=$(COMMIT) -X $(MODULE)/internal/buildinfo.date=$(DATE)

NFPM        := v2.45.2
HELM        := v3.22.0
KUBECONFORM := v0.8.0
GORELEASER  := v2.15.1
SYFT        := v1.57.1
AIR         := v1.67.4
ARCH         = $(shell go env GOARCH)

# Tools, each built once from its module: nfpm a minute, helm 4, goreleaser and syft about 10 each.
$(BIN)/nfpm-$(NFPM):
	GOBIN=$(BIN) go install github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM) && mv $(BIN)/nfpm $@
$(BIN)/helm-$(HELM):
	GOBIN=$(BIN) go install helm.sh/helm/v3/cmd/helm@$(HELM) && mv $(BIN)/helm $@
$(BIN)/kubeconform-$(KUBECONFORM):
	GOBIN=$(BIN) go install github.com/yannh/kubeconform/cmd/kubeconform@$(KUBECONFORM) && mv $(BIN)/kubeconform $@
$(BIN)/goreleaser-$(GORELEASER):
	GOBIN=$(BIN) go install github.com/goreleaser/goreleaser/v2@$(GORELEASER) && mv $(BIN)/goreleaser $@
$(BIN)/air-$(AIR):
	GOBIN=$(BIN) go install github.com/air-verse/air@$(AIR) && mv $(BIN)/air $@
$(BIN)/syft-$(SYFT)/syft: # goreleaser looks for the name syft
	GOBIN=$(dir $@) go install github.com/anchore/syft/cmd/syft@$(SYFT)

.PHONY: package-files
package-files: # what deploy/packages/nfpm.yaml and a release put into packages
	@mkdir -p $(BIN)/package
	CGO_ENABLED=0 GOARCH=$(ARCH) go build -trimpath -buildvcs=false -ldflags='$(LDFLAGS)' -o $(BIN)/package/ ./pullchat ./http-server ./rpc-server ./tcp-server ./worker
	gzip -9nc deploy/packages/pullchat.1 >$(BIN)/package/pullchat.1.gz
	printf 'pullchat (%s-1) unstable; urgency=medium\n\n  * Commit %s; CHANGELOG.md of the source has the changes.\n\n -- The Pullchat authors <pullchat@users.noreply.github.com>  %s\n' \
	  '$(VERSION)' '$(shell git rev-parse --short=12 HEAD)' "$$(date -Ru -d '$(DATE)')" | gzip -9nc >$(BIN)/package/changelog.gz

.PHONY: deb rpm
deb rpm: package-files $(BIN)/nfpm-$(NFPM) ## a package of this commit in .bin/packages, the same bytes on every machine; VERSION names another version
	@mkdir -p $(BIN)/packages
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) ARCH=$(ARCH) VERSION='$(VERSION)' \
	  $(BIN)/nfpm-$(NFPM) package --config deploy/packages/nfpm.yaml --packager $@ --target $(BIN)/packages/

.PHONY: deb-test
deb-test: lintian ## lintian, a second build with the same bytes, and the deb under systemd in a container: install, serve, upgrade, remove
	BIN=$(BIN) deploy/packages/test.sh

.PHONY: lintian
lintian:
	@command -v lintian >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends lintian >/dev/null; }

CHART       := deploy/helm/pullchat
# The oldest Kubernetes in which a pod may sleep before it stops.
KUBERNETES  := 1.30.0
SCHEMAS     := deploy/kubernetes/check/schemas
# The API description that the schemas are made from, and the kinds that the chart uses.
API         := k8s.io/kubernetes@v1.37.0
KINDS       := v1/Service v1/ServiceAccount apps/v1/Deployment autoscaling/v2/HorizontalPodAutoscaler \
               policy/v1/PodDisruptionBudget networking.k8s.io/v1/NetworkPolicy networking.k8s.io/v1/Ingress
HELM_RENDER  = $(BIN)/helm-$(HELM) template pullchat $(CHART) --kube-version $(KUBERNETES)
# What deploy/kubernetes/tcp-server adds to the base.
TCP_ALONE    = -f deploy/kubernetes/values.yaml --set tcpServer.enabled=true,httpServer.enabled=false,rpcServer.enabled=false \
               $(patsubst %,--show-only templates/%.yaml,availability deployments networkpolicies services)
# The same of deploy/kubernetes/worker, which has no service.
WORKER_ALONE = -f deploy/kubernetes/values.yaml --set worker.enabled=true,httpServer.enabled=false,rpcServer.enabled=false \
               $(patsubst %,--show-only templates/%.yaml,availability deployments networkpolicies)
# ServiceMonitor is no kind of Kubernetes: the Go test decodes it with the operator's own types.
VALIDATE     = $(BIN)/kubeconform-$(KUBECONFORM) -strict -summary -skip ServiceMonitor \
               -schema-location '$(SCHEMAS)/{{.ResourceKind}}{{.KindSuffix}}.json'

.PHONY: helm-check
helm-check: kubectl $(BIN)/helm-$(HELM) $(BIN)/kubeconform-$(KUBECONFORM) ## the chart and the plain manifests, without a cluster: lint, schemas, references, and values that must be refused
	rm -rf $(BIN)/rendered && mkdir -p $(BIN)/rendered
	set -e; for values in $(CHART)/ci/*.yaml; do \
	  $(BIN)/helm-$(HELM) lint --quiet --strict --kube-version $(KUBERNETES) $(CHART) -f $$values; \
	  $(HELM_RENDER) -f $$values >$(BIN)/rendered/$$(basename $$values); \
	done
	$(HELM_RENDER) -f deploy/kubernetes/values.yaml | diff deploy/kubernetes/base/pullchat.yaml - || \
	  { echo 'deploy/kubernetes/base is stale: make kubernetes-manifests'; exit 1; }
	$(HELM_RENDER) $(TCP_ALONE) | diff deploy/kubernetes/tcp-server/tcp-server.yaml - || \
	  { echo 'deploy/kubernetes/tcp-server is stale: make kubernetes-manifests'; exit 1; }
	$(HELM_RENDER) $(WORKER_ALONE) | diff deploy/kubernetes/worker/worker.yaml - || \
	  { echo 'deploy/kubernetes/worker is stale: make kubernetes-manifests'; exit 1; }
	kubectl kustomize deploy/kubernetes/base >$(BIN)/rendered/kustomize-base.yaml
	kubectl kustomize deploy/kubernetes/example >$(BIN)/rendered/kustomize-example.yaml
	$(VALIDATE) $(BIN)/rendered
	HELM=$(BIN)/helm-$(HELM) CHART=$(CURDIR)/$(CHART) RENDERED=$(BIN)/rendered go test -C deploy/kubernetes/check -count=1 ./...

.PHONY: kubernetes-manifests
kubernetes-manifests: $(BIN)/helm-$(HELM) ## render deploy/kubernetes/base and its components from the chart
	$(HELM_RENDER) -f deploy/kubernetes/values.yaml >deploy/kubernetes/base/pullchat.yaml
	$(HELM_RENDER) $(TCP_ALONE) >deploy/kubernetes/tcp-server/tcp-server.yaml
	$(HELM_RENDER) $(WORKER_ALONE) >deploy/kubernetes/worker/worker.yaml

.PHONY: kubernetes-schemas
kubernetes-schemas: ## write deploy/kubernetes/check/schemas anew from the API description of Kubernetes
	rm -rf $(SCHEMAS) && mkdir $(SCHEMAS)
	go run -C deploy/kubernetes/check ./schema "$$(go mod download -json $(API) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/api/openapi-spec/swagger.json" schemas $(KINDS)

.PHONY: kubectl
kubectl:
	@command -v kubectl >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends kubernetes-client >/dev/null; }

.PHONY: release-files
release-files: $(BIN)/nfpm-$(NFPM) $(BIN)/helm-$(HELM) $(BIN)/goreleaser-$(GORELEASER) $(BIN)/syft-$(SYFT)/syft
	rm -rf $(BIN)/packages
	for arch in amd64 arm64; do $(MAKE) --no-print-directory deb rpm ARCH=$$arch || exit 1; done
	$(BIN)/helm-$(HELM) package $(CHART) --app-version 'v$(VERSION)' --destination $(BIN)/packages

GORELEASE = PATH=$(BIN)/syft-$(SYFT):$$PATH VERSION='$(VERSION)' LDFLAGS='$(LDFLAGS)' $(BIN)/goreleaser-$(GORELEASER) release --clean

.PHONY: release-snapshot
release-snapshot: release-files ## everything of a release, in .bin/dist and .bin/packages: archives, SBOMs, checksums, packages, chart; publishes nothing
	$(GORELEASE) --snapshot --skip=publish

.PHONY: release
release: release-files # by the release workflow, on a tag: a draft of the release
	$(GORELEASE)

.PHONY: images
images: ## the five images of this commit, IMAGE/http-server and so on (IMAGE is pullchat), with labels; PUSH=1 pushes them
	for target in http-server rpc-server tcp-server worker pullchat; do \
	  docker build --target $$target --build-arg VERSION='v$(VERSION)' --build-arg COMMIT=$(COMMIT) --build-arg DATE=$(DATE) \
	    -t $(or $(IMAGE),pullchat)/$$target:v$(subst ~,-,$(VERSION)) . || exit 1; \
	  test -z '$(PUSH)' || docker push $(or $(IMAGE),pullchat)/$$target:v$(subst ~,-,$(VERSION)) || exit 1; \
	done

.PHONY: dev
dev: redis-server nginx $(BIN)/air-$(AIR) ## Redis, rpc-server, two http-servers and nginx on DEV_PORT (8080); a changed source file restarts the servers within seconds
	AIR=$(BIN)/air-$(AIR) deploy/dev/stack.sh

.PHONY: dev-test
dev-test: redis-server nginx $(BIN)/air-$(AIR) ## show that make dev serves and follows a change
	AIR=$(BIN)/air-$(AIR) deploy/dev/test.sh
