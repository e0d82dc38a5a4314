# Every target says what it is for: make help
LINT := go tool -modfile=.ci/tools.mod golangci-lint

.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

up: ## the main job: everything in one process, with the twins and sample traffic
	go run ./cmd/millrace up --demo

test: ## all tests
	go test ./...

race: ## tests of the concurrent packages under the race detector
	go test -race -timeout 20m $$(go list ./internal/... ./ingest/... ./source-acumatica/... ./transform/... | grep -v internal/simulate)
	go test -race -short -timeout 20m ./internal/simulate ./sink-acumatica/... ./sink-stripe/...

lint: ## go vet and the linter, pinned in .ci/tools.mod
	go vet ./...
	$(LINT) run ./...

fmt: ## format as the linter wants it
	$(LINT) fmt ./...

bench: ## benchmarks that docs/ quote
	@mkdir -p docs/bench
	go test -run '^$$' -bench . -benchtime 500x ./ingest/webhook ./transform/flows | tee docs/bench/$$(date -u +%F).txt
	go test -run TestOneCustomerFailsAndTheOthersFlow -count 1 -v -timeout 30m ./internal/bus -neighbours 20000 | tee -a docs/bench/$$(date -u +%F).txt

mirror-year: ## a whole year of bookkeeping, mirrored at each version of the endpoint (docs/mirror-year.md)
	for v in 22.200.001 23.200.001 24.200.001; do go run ./cmd/millrace up --demo --scenario mirror --days 365 --endpoint $$v || exit 1; done

bench-twins: ## requests a second of the twins with a million documents, and their memory
	go run ./bench/twins stripe
	go run ./bench/twins acumatica

bench-payout: ## a payout of 10,000 charges through the whole pipeline: time, and memory of the pipeline
	@mkdir -p docs/bench
	go run ./bench/payout | tee docs/bench/$$(date -u +%F)-payout.txt

generate: ## write the generated pages of docs/
	go run ./cmd/millrace errors list --markdown > docs/errors.md
	go run ./cmd/millrace accounting examples --markdown > docs/accounting.md

verify: generate ## generated pages are up to date
	git diff --exit-code docs/

.PHONY: help up test race lint fmt bench bench-twins bench-payout mirror-year generate verify

fuzz: ## every fuzz target for ten seconds
	@for p in $$(grep -rlE '^func Fuzz' --include=*_test.go . | xargs -n1 dirname | sort -u); do \
		for f in $$(grep -rhoE '^func Fuzz[A-Za-z]+' $$p/*_test.go | sed 's/func //'); do \
			go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done

.PHONY: fuzz

kill: ## kill -9 of every service and the broker, five times each, under 8,000 movements of 20 customers
	go test ./e2e -run TestKilledAtRandom -count 1 -v -timeout 90m -kill.customers 20 -kill.events 8000 -kill.each 5

.PHONY: kill

tieout: ## every way to keep the books, under random movements of 20 other seeds each
	go test ./cmd/millrace/internal/tieout -count 1 -tieout.rounds 20 -timeout 90m

.PHONY: tieout
