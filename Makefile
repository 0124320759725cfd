# A thin cover over Meson: `make start` and `make test` are all one needs to know. `make help` lists the rest.
BUILD ?= build
TALLY ?= $(BUILD)/tally
export TALLY
# Warnings are errors in CI only: a compiler unknown to us may warn of more, and must not keep anybody from building.
SETUP := meson setup$(if $(CI), --werror)

.DEFAULT_GOAL := build
.PHONY: help start test build asan fuzz clang check format bench install deb clean

help: ## list these
	@awk -F':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

start: ## set up, build, and show where this machine's time went (DEMO=1: with made-up data)
	@packaging/setup --build
	@[ -e $(BUILD)/build.ninja ] || $(SETUP) $(BUILD)
	@ninja -C $(BUILD) src/cli/tt src/cli/tt-serve bench/generate
	@packaging/start $(BUILD)/src/cli/tt $(if $(DEMO),$(BUILD)/bench/generate)

test: ## set up, build, run all tests
	@packaging/setup --all
	@$(MAKE) --no-print-directory build
	@rm -f $(TALLY)
	@tools/tally $(TALLY) suite $(BUILD); tools/tally $(TALLY) total

build: $(BUILD)/build.ninja ## compile
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@$(SETUP) $(BUILD)

# Builds of their own, which only grow TALLY: `make test` begins it, .ci/run prints its total.
asan: ## run all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@[ -e build-asan/build.ninja ] || $(SETUP) build-asan -Db_sanitize=address,undefined -Dbench=false
	@ninja -C build-asan
	@tools/tally $(TALLY) suite build-asan

clang: ## compile with clang
	@[ -e build-clang/build.ninja ] || CC=clang $(SETUP) build-clang
	@ninja -C build-clang

fuzz: ## run each fuzz target for a while with libFuzzer, from its corpus
	@[ -e build-fuzz/build.ninja ] || CC=clang $(SETUP) build-fuzz -Dfuzz=true -Db_lundef=false -Db_sanitize=address,undefined -Dbench=false
	@ninja -C build-fuzz fuzzers
	@tools/tally $(TALLY) suite build-fuzz --suite libfuzzer

check: ## the layer law and the layout of the source
	@tools/check-layers
	@tools/check-format

format: ## lay the source out
	@tools/check-format --fix

bench: build ## measure what docs/benchmarks.md reports
	@bench/run $(BUILD)

install: build ## install (DESTDIR is honoured)
	@meson install -C $(BUILD)

deb: ## make a Debian package, in build-deb
	@packaging/deb/build

clean: ## remove the build directories
	@rm -rf $(BUILD) build-asan build-clang build-deb build-fuzz
