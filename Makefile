# Every routine task has a target. `make demo` and `make test` install what is missing, as root on Debian 12; only the
# Swift toolchain must already be installed.

SCRIPTS := .ci/run Fuzz/run Fuzz/seeds Tests/EndToEnd/install-tools Tests/EndToEnd/build-image \
  Tests/EndToEnd/build-clients-image Tests/EndToEnd/build-python-image Tests/EndToEnd/build-agreement-image \
  Tests/EndToEnd/image/install Tests/EndToEnd/image/store-rhel Tests/EndToEnd/image/store-debian Tests/EndToEnd/image/store-suse \
  Tests/EndToEnd/image/store-arch Tests/EndToEnd/image/p11-kit-source \
  Tests/EndToEnd/image/update-ca-trust Benchmarks/container/reset Benchmarks/container/bash-function \
  Benchmarks/container/shell-entrypoint
SCRIPTS += Packaging/build Packaging/dist Packaging/musl Packaging/sign Tests/EndToEnd/debian-13-packages Tests/EndToEnd/rhel/layout \
  Tests/EndToEnd/rhel/update-ca-trust-old Tests/EndToEnd/rhel/update-ca-trust-new examples/compose-override

.PHONY: help tools static static-aarch64 faults-binary lint unit e2e images fuzz fuzz-minute test test-all worlds demo bench bench-before dist sign version record-cost clean

help:
	@echo 'make demo           shows the main task with a real proxy and real clients'
	@echo 'make test           runs everything that CI runs'
	@echo 'make worlds         runs random worlds in which plan, check, env and a start must agree, for SECONDS'
	@echo 'make test-all       runs that and the tests that take too long for CI'
	@echo 'make static         builds build/psm-entry, the release binary'
	@echo 'make static-aarch64 builds build/aarch64/psm-entry, the same for 64-bit ARM'
	@echo 'make unit           runs swift build and swift test'
	@echo 'make e2e            runs the tests with containers, proxies and real clients'
	@echo 'make images         builds the images of the tests'
	@echo 'make fuzz           fuzzes each reader of certificates and proxies for ten minutes'
	@echo 'make lint           runs swift format, shellcheck, hadolint, yamllint'
	@echo 'make bench          measures it beside what it replaces, for docs/performance.md (about 3 minutes)'
	@echo 'make bench-before   records the results of COMMIT, for the column beside it'
	@echo 'make record-cost    records the size and work that the tests allow'
	@echo 'make dist           packs the release for both architectures into dist/; the same commit gives the same bytes'
	@echo 'make sign KEY=FILE  signs dist/SHA256SUMS with an SSH or a minisign key'
	@echo 'make version        prints the version in the sources'
	@echo 'make tools          installs what the tests need'
	@echo 'make clean          removes what was built'

tools:
	@Tests/EndToEnd/install-tools

static:
	@Tests/EndToEnd/install-tools build
	Packaging/build x86_64

static-aarch64:
	@Tests/EndToEnd/install-tools build
	Packaging/build aarch64

# The tests' own build, whose child breaks where PSM_ENTRY_TEST_FAULT or PSM_ENTRY_TEST_MALLOC says.
faults-binary:
	@Tests/EndToEnd/install-tools build
	Packaging/build faults

lint: tools
	swift format lint --strict --recursive Sources Tests Package.swift
	.venv/bin/shellcheck $(SCRIPTS)
	.venv/bin/hadolint Dockerfile.example
	.venv/bin/yamllint --strict .yamllint .github .gitlab-ci.yml examples Tests
	.venv-newest/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	.venv-newest/bin/check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml

unit:
	swift build
	swift test

# In two processes; Tests/EndToEnd/conftest.py says which files stay together, and which start first.
RUN_E2E = .venv/bin/pytest Tests/EndToEnd --ignore Tests/EndToEnd/test_tool_faults.py --numprocesses 2 --durations=10

e2e: tools static static-aarch64 faults-binary
	$(RUN_E2E)

# Builds every image of the tests. An image that exists already costs nothing, and a test builds the image that it
# needs.
images: tools
	@cd Tests/EndToEnd && for image in 'image rhel' 'image debian' 'image suse' 'image arch' 'image debian trixie' \
	  'image rhel trixie' 'python-image' 'python-image bare' 'clients-image bookworm' 'clients-image trixie' \
	  'agreement-image bookworm' 'agreement-image trixie'; do ./build-$$image || exit; done

# After an intended increase: records the limits for the tests of later builds.
record-cost: tools static
	.venv/bin/python Tests/EndToEnd/cost.py

# SECONDS for each reader of certificates and proxies.
fuzz: tools
	Fuzz/run $(or $(SECONDS),600)

fuzz-minute: tools
	Fuzz/run 15

# A build takes one core, and images wait for the network: two run in parallel, each with its output in one piece.
test: tools
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint unit static static-aarch64 faults-binary images
	@$(MAKE) --no-print-directory fuzz-minute
	$(RUN_E2E)

worlds: tools static
	PSM_ENTRY_WORLDS_SECONDS=$(or $(SECONDS),600) .venv/bin/pytest Tests/EndToEnd/test_worlds.py

# Tests that take too long for CI: the binary built from source elsewhere and on Debian 13; every mutant of a
# certificate and every collection, read by every library; every allocation refused in turn; a sample of the system
# calls of a start and of its tool; each newer system call refused alone; two hundred mistyped proxies; a thousand
# rotations under load (20 minutes); two thousand worlds; every client in every trust setting, compared with check (half
# an hour). It also measures the tables of clients, proxies and NO_PROXY, and writes them to their pages.
test-all: test
	PSM_ENTRY_WORLDS=2000 .venv/bin/pytest Tests/EndToEnd/test_worlds.py
	.venv/bin/pytest Tests/EndToEnd/test_certificate_matrix.py Tests/EndToEnd/test_allocations.py \
	  Tests/EndToEnd/test_tool_faults.py Tests/EndToEnd/test_proxy_values.py Tests/EndToEnd/test_sandboxes.py \
	  Tests/EndToEnd/test_rotation.py Tests/EndToEnd/test_dist.py Tests/EndToEnd/test_dockerfile.py --all
	.venv/bin/pytest Tests/EndToEnd/test_proxy_matrix.py Tests/EndToEnd/test_no_proxy_matrix.py --write
	.venv/bin/pytest Tests/EndToEnd/test_clients_agree.py --all --write
	@cat build/certificate-mutants.txt build/certificate-collections.txt

demo:
	@Tests/EndToEnd/install-tools demo
	@$(MAKE) --silent static
	@.venv/bin/python demo/run

BENCHMARK = .venv/bin/pip -qq --disable-pip-version-check install --requirement Benchmarks/requirements.txt && \
  .venv/bin/python Benchmarks/run

bench: tools static
	$(BENCHMARK)

# Measures COMMIT as `bench` does and records the results in Benchmarks/before.json: `bench` shows them beside the new
# ones.
bench-before: tools
	@git worktree remove --force build/before 2>/dev/null || true
	git worktree add --quiet --detach build/before $(COMMIT)
	build/before/Packaging/build x86_64
	$(BENCHMARK) --record build/before/build/psm-entry
	git worktree remove --force build/before

dist: static static-aarch64
	@Tests/EndToEnd/install-tools demo
	Packaging/dist

sign:
	@test -n "$(KEY)" || { echo 'usage: make sign KEY=FILE' >&2; exit 64; }
	Packaging/sign "$(KEY)"

version:
	@sed -n 's/^#define PSM_ENTRY_VERSION "\(.*\)"$$/\1/p' Sources/CBuild/include/CBuild.h

clean:
	rm -rf build dist .build .build-static .build-aarch64 .build-faults
