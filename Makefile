# The words that CI and people share. `make run` and `make test` are the two a newcomer needs.
export CGO_ENABLED = 0
GO       ?= go
TAGS     := servers browser e2e
LDFLAGS  := -s -w
# Half a megabyte of HTTP/2 that plain pages and InfluxDB do without: a gateway's program has 25 MB.
SHIPPED  := -trimpath -tags nethttpomithttp2 -ldflags '$(LDFLAGS)'
PACKAGES := ./...
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: run build check test test-deps race bench fuzz dist deb vuln clean golden

run: build ## build loam and live through a month of a small watershed
	./bin/loam demo

build: ## bin/loam for this machine
	$(GO) build $(SHIPPED) -o bin/loam ./cmd/loam

check: ## the inner loop: no servers, no browser, under a minute
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not gofmt-ed:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet $(PACKAGES)
	$(GO) test $(PACKAGES)

test-deps: ## install what the tests need: brokers, databases and a browser
	scripts/test-deps

test: test-deps ## everything: real Mosquitto, real InfluxDB, real Chromium, kill -9
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'not gofmt-ed:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) mod verify
	$(GO) vet -tags '$(TAGS)' $(PACKAGES)
	$(GO) run $(STATICCHECK) -tags '$(TAGS)' $(PACKAGES)
	$(GO) test -count=1 -timeout 14m -p 2 -tags '$(TAGS)' $(PACKAGES)
	CGO_ENABLED=1 $(GO) test -count=1 -race -short -timeout 10m -p 2 ./sensors/... ./gateway/... ./payouts/...
	GOARCH=arm GOARM=6 $(GO) vet ./cmd/loam

bench: ## measured figures, as ratios within one run where something is compared
	$(GO) test -run '^$$' -bench . -benchtime 1s $(PACKAGES)

FUZZTIME ?= 30s
fuzz: ## every fuzz target for FUZZTIME
	scripts/fuzz $(FUZZTIME)

golden: ## write golden files anew; look at the difference before committing it
	$(GO) test ./gateway/wire ./firmware-notes -update

dist: ## static binaries for the machines loam runs on
	GOARCH=amd64       $(GO) build $(SHIPPED) -o dist/loam-linux-amd64 ./cmd/loam
	GOARCH=arm64       $(GO) build $(SHIPPED) -o dist/loam-linux-arm64 ./cmd/loam
	GOARCH=arm GOARM=7 $(GO) build $(SHIPPED) -o dist/loam-linux-armv7 ./cmd/loam
	GOARCH=arm GOARM=6 $(GO) build $(SHIPPED) -o dist/loam-linux-armv6 ./cmd/loam
	@ls -l dist

deb: dist ## Debian packages; armhf runs on every Pi, the Zero and the 1 included: its program is built for ARMv6
	scripts/deb amd64 dist/loam-linux-amd64 dist
	scripts/deb arm64 dist/loam-linux-arm64 dist
	scripts/deb armhf dist/loam-linux-armv6 dist

vuln: ## known vulnerabilities in what we use; needs the Go vulnerability database
	$(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0 $(PACKAGES)

clean:
	rm -rf bin dist
