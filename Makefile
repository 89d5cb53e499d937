# Everything a developer does, one line each. Nothing needs to be installed but Python 3.11 or newer, git and make.
#
# One lock file serves running and testing: the tools of `dev` add 0.1 s to the 1.2 s that uv needs to install the rest, and a
# second file would have to be kept in step. To see what the graph needs at run time: the `dependencies` in pyproject.toml.

UV_VERSION := 0.13.9
# The locked versions were tested with 3.11; newer ones are taken where there is no 3.11. Choose with: make run PYTHON=python3.13
PYTHON := python3.11 python3.12 python3.13 python3 python3.14
IN := .venv/bin
INSTALLED := .venv/.installed
# Words for the server, as in: make run ARGS="serve --help"
ARGS :=
# Words for pytest, as in: make test TESTS="tests/graph -k board"
TESTS :=
WORKERS := auto
# Tests of which `make fuzz` tries more seeds than `make test`, and laws of which it tries more examples.
SEEDED := tests/graph/test_hostile_files.py tests/graph/test_executors.py tests/graph/test_changes_law.py tests/graph/test_live_truth.py tests/graph/test_undo_law.py tests/graph/test_dry_run.py tests/adapters/test_postgres_outages.py
LAWS := tests/domain tests/adapters/test_cost_limits.py tests/adapters/test_rate_limits.py tests/adapters/test_successive_writes.py tests/content/test_icalendar.py tests/content/test_link_targets.py tests/content/test_text_laws.py tests/graph/http/test_connection_limits.py tests/graph/http/test_http_upgrades.py tests/graph/http/test_message_budget.py tests/graph/http/test_rfc6455.py tests/graph/http/test_send_queue.py tests/graph/http/test_trusted_proxies.py tests/graph/test_bad_input.py tests/graph/test_ids.py tests/graph/test_task_filter.py tests/graph/test_task_list.py tests/graph/test_task_tree_law.py tests/graph/test_template.py tests/mail/test_message.py tests/oauth/test_relying_party.py tests/realtime/test_fair_scheduler.py tests/server/test_settings.py
# What `make test` leaves out, as pyproject.toml has it.
NOT_LONG := not long and not chaos and not fuzz and not clients and not attack and not browser
# Of these, nothing is quick; so `make test-fast` does not even import them.
SLOW_FOLDERS := attack benchmarks browser chaos clients fuzz server workers
# Compiled tests are kept, whatever the shell says: to compile them again takes each worker ten seconds of every run.
test test-fast test-long: export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help run install test test-fast test-long test-clients test-browser test-opensearch chaos soak attack fuzz matrix mutants audit isolation-tables bench bench-live bench-collab bench-scale bench-search bench-workers bench-signin bench-gaps check format lock graphiql web-app docs clean

help:       ## list these targets
	@sed -n 's/^\([a-z-]*\): *[a-z$$().A-Z]* *## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

run: $(INSTALLED)        ## start everything on this machine: database, schema, demo data, API on http://127.0.0.1:8000
	@exec $(IN)/python server.py $(ARGS)

install: $(INSTALLED)    ## install the locked requirements into .venv, if they changed
	@true

test: $(INSTALLED)       ## run the tests, on all cores
	@$(IN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

test-fast: $(INSTALLED)  ## run the quick tests that need no database or process, of each family of cases the first, and three of each file of the others (95 seconds on two cores)
	@$(IN)/python -m pytest -n $(WORKERS) --dist worksteal --first-cases $(SLOW_FOLDERS:%=--ignore tests/%) -m "$(NOT_LONG) and not slow" $(TESTS)

test-long: $(INSTALLED)  ## run the larger forms of what make test holds in small: processes killed at every point, all seeds, all sizes (10 minutes)
	@$(IN)/python -m pytest -n $(WORKERS) --dist worksteal -m "long and not chaos and not fuzz" $(TESTS)

test-clients: $(INSTALLED) ## drive Apollo, urql, Relay, graphql-ws, graphql-sse and the tools around them against real servers (needs Node)
	@$(IN)/python -m pytest -m "not chaos" tests/clients $(TESTS)

test-browser: $(INSTALLED) ## drive GraphiQL and the application in headless Chromium through all screens, colours and widths (needs Node and Chromium)
	@$(IN)/python -m pytest -m "browser or not browser" tests/browser $(TESTS)

test-opensearch: $(INSTALLED) ## run the tests of searches on a real OpenSearch (needs Java 17 to 21 and Maven, which brings 53 MB once)
	@HIVE_TEST_OPENSEARCH=real $(IN)/python -m pytest tests/search $(TESTS)

chaos: $(INSTALLED)      ## kill servers, workers and Valkey again and again while people write, for minutes
	@$(IN)/python -m pytest -m chaos tests/chaos tests/graph/test_document_bounds.py tests/workers/test_job_processes.py $(TESTS)

soak: $(INSTALLED)       ## kill processes while people work and check what they were answered, on from where the log ends (ARGS="--seconds 28800")
	@$(IN)/python -m benchmarks.soak $(ARGS)

attack: $(INSTALLED)     ## attack a server under a memory cap, kind by kind, while others are timed (10 minutes at most)
	@timeout 600 $(IN)/python -m pytest -m attack -s tests/attack $(TESTS)

fuzz: $(INSTALLED)       ## run 100,000 operations on both executors, 10,000 hostile ones, 100,000 broken updates, 20,000 broken frames, 2,000 injections at each place, 300 polyglots, 200,000 requests of all kinds, and laws on many examples, memory capped
	@ulimit -v 8000000; $(IN)/python -m pytest -n 2 -m fuzz tests/fuzz $(SEEDED) $(TESTS)
	@ulimit -v 8000000; $(IN)/python -m pytest -n 2 -m "slow or not slow" --hypothesis-profile fuzz $(LAWS) $(TESTS)

matrix: $(INSTALLED)     ## run tests/isolation whole: all principals, at all places that take an id, by all transports and side paths (2 minutes)
	@$(IN)/python -m pytest -n $(WORKERS) --dist worksteal -m "long or not long" tests/isolation $(TESTS)

mutants: $(INSTALLED)    ## weaken each rule about rights in turn, and see that the tests notice (10 minutes; ARGS="stores.task" for some)
	@$(IN)/python -m tests.isolation.run_mutants $(ARGS)

audit: $(INSTALLED)      ## ask OSV which locked dependencies, of Python and of npm, have known vulnerabilities (needs the net)
	@$(IN)/python -m tests.dependencies.audit $(ARGS)

isolation-tables: $(INSTALLED) ## write anew the tables of who is shown what, to be read like a change of rights
	@$(IN)/python -m pytest -n0 tests/isolation/test_nodes.py --write-tables

bench: $(INSTALLED)      ## measure ours beside peers in one run (half an hour; needs wrk and Node, and cargo and go for two of them)
	@$(IN)/python benchmarks/run.py $(ARGS)

bench-search: $(INSTALLED) ## measure searches beside ILIKE (10 minutes; ARGS="--tasks 100000 --documents 20000 --comments 200000 --opensearch real")
	@PYTHONPATH=. $(IN)/python benchmarks/search/run.py $(ARGS)

bench-signin: $(INSTALLED) ## measure whether known and unknown accounts take as long, and what 1,000 sign-ins do to others (3 minutes)
	@$(IN)/python -m benchmarks.sign_in_load $(ARGS)

bench-gaps: $(INSTALLED) ## measure whether the time of an answer tells what there is: other teams' ids against nobody's (1 minute)
	@$(IN)/python -m benchmarks.time_gaps $(ARGS)

bench-live: $(INSTALLED) ## measure live subscriptions beside peers (10 minutes; needs cc and Node)
	@$(IN)/python benchmarks/live/run.py $(ARGS)

bench-collab: $(INSTALLED) ## measure writing together beside peers (12 minutes; needs cc and Node)
	@$(IN)/python benchmarks/collaboration/run.py $(ARGS)

bench-scale: $(INSTALLED) ## measure operations in a team of 500 tasks and one of 200,500 (3 minutes; ARGS="--tasks 1000000 --projects 100", "--lists", or "--logs")
	@$(IN)/python benchmarks/scale/run.py $(ARGS)

bench-workers: $(INSTALLED) ## measure what happens after a commit: events a second, memory and delay of a worker (2 minutes)
	@$(IN)/python benchmarks/workers/run.py $(ARGS)

check: $(INSTALLED)      ## check form, types, layers, what is dangerous, and that schema/schema.graphql is what the code says
	$(IN)/ruff format --check .
	$(IN)/ruff check .
	$(IN)/mypy
	$(IN)/lint-imports
	$(IN)/python -m pytest -q tests/architecture/test_security_rules.py
	$(IN)/python server.py schema --check

format: $(INSTALLED)     ## put the code in form and repair what ruff can
	$(IN)/ruff format .
	$(IN)/ruff check --fix .

lock: $(INSTALLED)       ## make requirements.lock anew from pyproject.toml, moving only what must move
	$(IN)/uv pip compile pyproject.toml --extra dev --generate-hashes --no-emit-index-url --universal --python-version 3.11 -o requirements.lock
	$(IN)/uv pip compile docs/site/requirements.in --constraints requirements.lock --generate-hashes --no-emit-index-url --universal --python-version 3.11 -o docs/site/requirements.lock

docs: $(INSTALLED)       ## make the guide a site in build/site; every link is checked
	@VIRTUAL_ENV=.venv $(IN)/uv pip install --quiet --require-hashes -r docs/site/requirements.lock
	@NO_MKDOCS_2_WARNING=1 $(IN)/mkdocs build --quiet --strict
	@echo "The site is build/site/index.html; while writing: NO_MKDOCS_2_WARNING=1 $(IN)/mkdocs serve"

graphiql:   ## test GraphiQL's source and build it (needs Node); the result is committed
	cd gateway/graphiql/source && npm ci && npm test && npm run build

web-app:    ## check the application's source and build it (needs Node); the result is committed
	cd clients && npm ci && cd app && npm run check && npm run build

clean:      ## remove what these targets installed or cached; data stays
	rm -rf ~/.cache/pantherahive/ministack-* ~/.cache/pantherahive/osmem-* ~/.cache/pantherahive/opensearch-*
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path '*/node_modules/*' -prune -exec rm -rf {} +

# The stamp is written last, so an interrupted installation is taken up again.
$(INSTALLED): requirements.lock
	@$(IN)/python -c '' 2>/dev/null && exit; \
	for python in $(PYTHON); do \
	  $$python -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "Making .venv with $$($$python --version)"; exec $$python -m venv --clear .venv; \
	done; \
	echo "PantheraHive needs Python 3.11 or newer with its venv module, but none of these is one: $(PYTHON)."; \
	echo "Install it (on Debian: apt install python3 python3-venv) or name it: make run PYTHON=/path/to/python3"; \
	exit 1
	@$(IN)/uv --version 2>/dev/null | grep -q '^uv $(UV_VERSION)\b' || $(IN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@echo "Installing the locked requirements"
	@VIRTUAL_ENV=.venv $(IN)/uv pip install --quiet --require-hashes -r requirements.lock
	@touch $@
