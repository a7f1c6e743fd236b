# The one front door. `make help` lists it.
.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
MAKEFLAGS += --no-print-directory

VENV := .venv
PY := $(VENV)/bin/python
# Where tools/setup found a Rust that is new enough.
export PATH := $(CURDIR)/$(VENV)/bin:$(shell cat $(VENV)/rust-path 2>/dev/null):$(PATH)

RUST_SOURCES := $(shell find crates -name '*.rs' -o -name 'Cargo.toml') Cargo.toml Cargo.lock
ENGINE := $(VENV)/engine.built
PYTEST := $(PY) -m pytest -p no:cacheprovider -n 2 --dist worksteal

help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS=$$'\t' read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

# ------------ the two commands of the README ------------

run: $(ENGINE) ## serve DNS on 127.0.0.1:1053 from an embedded default, with a small cluster DNS behind it
	@exec $(VENV)/bin/nodens run --demo

test: $(VENV)/dev.installed $(ENGINE) ## pass the tests (no root, no network; under a minute once built)
	cargo test --workspace --exclude nodens-py --locked -q
	$(PYTEST) -m "not netns and not oracle and not slow and not image and not charts" tests

# ------------ building ------------

$(VENV)/build.installed: requirements/build.txt tools/setup
	tools/setup run

$(VENV)/dev.installed: requirements/dev.txt requirements/build.txt tools/setup
	tools/setup dev

$(ENGINE): $(VENV)/build.installed $(RUST_SOURCES) pyproject.toml
	@echo "building the engine (a minute the first time)"
	maturin develop --release --locked -q
	@# As pip does for a wheel; where the environment forbids byte code, a start would compile every file again.
	$(PY) -m compileall -q python/nodens
	@touch $@

setup: $(VENV)/dev.installed $(ENGINE) ## leave .venv with the commands `nodens` and `node-cache`

build: $(ENGINE) ## build the engine into .venv

wheel: $(VENV)/build.installed ## make dist/nodens-*.whl
	maturin build --release --locked --out dist

lock: ## renew requirements/*.txt from requirements/*.in
	$(PY) -m pip install -q pip-tools
	tools/charts lock
	for set in build dev; do $(PY) -m piptools compile -q --generate-hashes --no-emit-index-url --no-emit-find-links \
		--strip-extras --allow-unsafe -o requirements/$$set.txt requirements/$$set.in; done

# ------------ looking at it ------------

fmt: $(VENV)/dev.installed ## write the one format
	ruff format python tests benches deploy tools
	ruff check --fix-only -q python tests benches deploy tools
	cargo fmt --all

lint: $(VENV)/dev.installed $(ENGINE) ## formats, lints, types, floors, stubs
	ruff format --check python tests benches deploy tools
	ruff check python tests benches deploy tools
	mypy
	lint-imports --no-cache
	$(PY) -m mypy.stubtest nodens._engine --ignore-disjoint-bases
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -q -- -D warnings
	hadolint deploy/Containerfile
	shellcheck tools/setup tools/charts .ci/run deploy/image/build lab/deploy.sh lab/destroy.sh tests/kind/stand-in.sh

netns: $(VENV)/dev.installed $(ENGINE) ## tests on the real kernel, in namespaces of their own (root)
	$(PYTEST) -m netns tests

oracle: $(VENV)/dev.installed $(ENGINE) ## other programs beside us: unbound gives the same answers
	$(PYTEST) -n 0 -m oracle tests

charts: $(VENV)/dev.installed $(ENGINE) ## real helm and kubectl read chart, Kustomize and manifests (x86_64; fetches 60 MB once)
	tools/charts
	$(PYTEST) -m charts tests

manifests: $(VENV)/dev.installed $(ENGINE) ## write what is made: deploy/nodelocaldns.yaml and its copy in lab/, deploy/kustomize, the chart's tables
	nodens manifests --template > deploy/nodelocaldns.yaml
	cp deploy/nodelocaldns.yaml lab/nodelocal-dnscache/nodelocaldns.yaml
	NODENS_GOLDEN=write $(PYTEST) -q -n 0 -m "not charts and not netns" tests/manifests

lesson: $(VENV)/dev.installed $(ENGINE) ## the lesson, every step of it, in a world of its own (root; a minute or two)
	nodens lab verify --world lesson-ci

slow: $(VENV)/dev.installed $(ENGINE) ## the tests that take their time, but for those of `make netns`
	$(PYTEST) -m "slow and not netns" tests

image: $(VENV)/dev.installed $(ENGINE) ## build the image in dist/image without Docker, and run it as the manifest says (root)
	deploy/image/build
	$(PYTEST) -n 0 -m image tests

fuzz: $(VENV)/build.installed ## a short run of every fuzz target (FUZZ_SECONDS=20)
	fuzz/run $${FUZZ_SECONDS:-20}

bench: $(VENV)/dev.installed $(ENGINE) ## the figures of benches/README.md (root; minutes)
	$(PY) benches/run.py

docs: $(VENV)/dev.installed $(ENGINE) ## write what is made: docs/corefile.md, docs/metrics.md, the manifest and the lesson in lab/
	nodens show directives > docs/corefile.md
	nodens show metrics > docs/metrics.md
	$(PY) deploy/grafana/dashboard.py > deploy/grafana/nodens.json
	cp deploy/nodelocaldns.yaml lab/nodelocal-dnscache/nodelocaldns.yaml
	$(PY) tools/lesson_page.py

ci: test lint netns lesson oracle charts slow image fuzz ## all that .ci/run does after installing system packages

clean: ## remove what was built here
	rm -rf $(VENV) target dist fuzz/target

.PHONY: help run test setup build wheel lock fmt lint netns oracle charts manifests lesson slow image fuzz bench docs ci clean
