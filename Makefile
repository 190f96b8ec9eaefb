# Every habit has a name. `make demo` and `make test` install what is missing, as root on Debian 12;
# the Swift toolchain is the one thing they expect to find.

TOOLCHAIN := $(patsubst %/usr/bin/,%,$(dir $(realpath $(shell command -v swift))))
SHIPPED := PSM_ENTRY_STATIC=1 PSM_ENTRY_TOOLCHAIN=$(TOOLCHAIN) swift build -c release \
  --experimental-lto-mode full --product psm-entry
SCRIPTS := .ci/run Fuzz/run Fuzz/seeds Tests/EndToEnd/install-tools Tests/EndToEnd/build-image \
  Tests/EndToEnd/build-clients-image \
  Tests/EndToEnd/image/install Tests/EndToEnd/image/store-rhel Tests/EndToEnd/image/store-debian Tests/EndToEnd/image/store-suse \
  Tests/EndToEnd/image/store-arch Tests/EndToEnd/image/p11-kit-source \
  Tests/EndToEnd/image/update-ca-trust Benchmarks/container/reset Benchmarks/container/bash-function \
  Benchmarks/container/shell-entrypoint
SCRIPTS += Packaging/dist Tests/EndToEnd/debian-13-packages Tests/EndToEnd/rhel/layout \
  Tests/EndToEnd/rhel/update-ca-trust-old Tests/EndToEnd/rhel/update-ca-trust-new examples/compose-override

.PHONY: help tools static faults-binary lint unit e2e fuzz fuzz-minute test test-all worlds demo bench dist version record-cost clean

help:
	@echo 'make demo           the main job in front of your eyes'
	@echo 'make test           everything that CI runs'
	@echo 'make worlds         random worlds in which plan, check, env and a start must agree, for SECONDS'
	@echo 'make test-all       that, and half a million mutants of certificates read by every library (5 minutes more)'
	@echo 'make static         build/psm-entry, the binary that ships'
	@echo 'make unit           swift build and swift test'
	@echo 'make e2e            containers, proxies and real clients'
	@echo 'make fuzz           ten minutes with hostile bytes for each reader of certificates and proxies'
	@echo 'make lint           swift format, shellcheck, hadolint, yamllint'
	@echo 'make bench          measures it beside what it replaces, into docs/performance.md (about 3 minutes)'
	@echo 'make record-cost    write down what size and work the tests allow'
	@echo 'make dist           dist/: tarball, SBOM, sums; the same bytes from the same commit'
	@echo 'make version        the version, as the sources have it'
	@echo 'make tools          install what the tests need'
	@echo 'make clean          remove what was built'

tools:
	@Tests/EndToEnd/install-tools

static:
	@Tests/EndToEnd/install-tools build
	$(SHIPPED) --scratch-path .build-static
	@mkdir -p build
	install -m 755 .build-static/release/psm-entry build/psm-entry

# The tests' own build, whose child breaks where PSM_ENTRY_TEST_FAULT or PSM_ENTRY_TEST_MALLOC says.
faults-binary:
	@Tests/EndToEnd/install-tools build
	$(SHIPPED) --scratch-path .build-faults -Xswiftc -DFAULTS
	@mkdir -p build
	install -m 755 .build-faults/release/psm-entry build/psm-entry-faults

lint: tools
	swift format lint --strict --recursive Sources Tests Package.swift
	.venv/bin/shellcheck $(SCRIPTS)
	.venv/bin/hadolint Dockerfile.example
	.venv/bin/yamllint --strict .yamllint examples Tests

unit:
	swift build
	swift test

e2e: tools static faults-binary
	.venv/bin/pytest Tests/EndToEnd --ignore Tests/EndToEnd/test_tool_faults.py --durations=10

# After a growth that is wanted: writes down what the tests hold the next builds against.
record-cost: tools static
	.venv/bin/python Tests/EndToEnd/cost.py

# SECONDS for each reader of certificates and proxies.
fuzz: tools
	Fuzz/run $(or $(SECONDS),600)

fuzz-minute: tools
	Fuzz/run 60

test: lint unit fuzz-minute e2e

worlds: tools static
	PSM_ENTRY_WORLDS_SECONDS=$(or $(SECONDS),600) .venv/bin/pytest Tests/EndToEnd/test_worlds.py

# What takes longer than CI should: every mutant of a certificate and every collection, read by every library; every
# allocation refused in turn; a sample of the calls of a start and of its tool; two hundred mistyped
# proxies; a thousand rotations under load (20 minutes); two thousand worlds.
test-all: test
	PSM_ENTRY_WORLDS=2000 .venv/bin/pytest Tests/EndToEnd/test_worlds.py
	.venv/bin/pytest Tests/EndToEnd/test_certificate_matrix.py Tests/EndToEnd/test_allocations.py \
	  Tests/EndToEnd/test_tool_faults.py Tests/EndToEnd/test_proxy_values.py Tests/EndToEnd/test_rotation.py --all
	@cat build/certificate-mutants.txt build/certificate-collections.txt

demo:
	@Tests/EndToEnd/install-tools demo
	@$(MAKE) --silent static
	@.venv/bin/python demo/run

bench: tools static
	.venv/bin/pip -qq --disable-pip-version-check install --requirement Benchmarks/requirements.txt
	.venv/bin/python Benchmarks/run

dist: static
	@Tests/EndToEnd/install-tools demo
	Packaging/dist

version:
	@sed -n 's/^let version: StaticString = "\(.*\)"$$/\1/p' Sources/Entry/Commands.swift

clean:
	rm -rf build dist .build .build-static .build-faults
