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
$(BIN)/syft-$(SYFT)/syft: # goreleaser looks for the name syft
	GOBIN=$(dir $@) go install github.com/anchore/syft/cmd/syft@$(SYFT)

.PHONY: package-files
package-files: # what deploy/packages/nfpm.yaml and a release put into packages
	@mkdir -p $(BIN)/package
	CGO_ENABLED=0 GOARCH=$(ARCH) go build -trimpath -buildvcs=false -ldflags='$(LDFLAGS)' -o $(BIN)/package/ ./pullchat ./http-server ./rpc-server
	gzip -9nc deploy/packages/pullchat.1 >$(BIN)/package/pullchat.1.gz
	printf -- '- semver: "%s"\n  date: %s\n  packager: The Pullchat authors <pullchat@localhost.localdomain>\n  changes:\n    - note: "See CHANGELOG.md of the source, commit %s."\n' \
	  '$(VERSION)' '$(DATE)' '$(COMMIT)' >$(BIN)/package/changelog.yaml

.PHONY: deb rpm
deb rpm: package-files $(BIN)/nfpm-$(NFPM) ## a package of this commit in .bin/packages, the same bytes on every machine; VERSION names another version
	@mkdir -p $(BIN)/packages
	SOURCE_DATE_EPOCH=$$(git log -1 --format=%ct) ARCH=$(ARCH) VERSION='$(VERSION)' DATE='$(DATE)' \
	  $(BIN)/nfpm-$(NFPM) package --config deploy/packages/nfpm.yaml --packager $@ --target $(BIN)/packages/

.PHONY: deb-test
deb-test: lintian ## lintian, a second build with the same bytes, and the deb under systemd in a container: install, serve, upgrade, remove
	BIN=$(BIN) deploy/packages/test.sh

.PHONY: lintian
lintian:
	@command -v lintian >/dev/null || { apt-get update -qq && apt-get install -y -qq --no-install-recommends lintian >/dev/null; }
