# The common doings. What they need they install (Debian, root); see scripts/.

RUST = scripts/with-rust

.PHONY: build pages deb demo test storm downpour bench install uninstall fmt lint

build:
	scripts/install-deps build
	$(RUST) cargo build --release

# Man pages and completions, in target/pages.
pages:
	scripts/install-deps build
	$(RUST) cargo run --example pages -- target/pages

# The Debian package, in target/debian.
deb:
	scripts/install-deps build package
	$(RUST) scripts/deb release

# Boots a real guest through the installed hook, in a world of its own: this host stays untouched.
demo:
	scripts/demo

# Laws are tried on the same random values each time; `make storm` and `make downpour` try others.
test:
	scripts/install-deps
	scripts/guest-image
	$(RUST) scripts/deb test
	PROPTEST_RNG_SEED=267 $(RUST) cargo test --features faults

# The laws on many new values: PROPTEST_CASES says on how many. And 64 machines at once, many times,
# also beside reloads.
storm:
	scripts/install-deps
	CROWD_ROUNDS=$${CROWD_ROUNDS:-20} $(RUST) cargo test --features faults --test failures crowd_lives
	CROWD_ROUNDS=$${CROWD_ROUNDS:-20} $(RUST) cargo test --features faults --test reload -- \
	    whoever_starts whatever_is_killed
	PROPTEST_CASES=$${PROPTEST_CASES:-2000} PROPTEST_MAX_SHRINK_ITERS=20000 \
	    $(RUST) cargo test --features faults --test laws --test firewall_laws --test domain --test config

# Random packets under random configurations, for real: PROPTEST_CASES says under how many.
downpour:
	scripts/install-deps
	PROPTEST_CASES=$${PROPTEST_CASES:-1000} $(RUST) cargo test --features faults --test evaluator

bench:
	scripts/install-deps
	$(RUST) cargo bench --bench hook

# Honours DESTDIR. Running machines keep what they have.
install:
	scripts/install-deps build run
	$(RUST) cargo build --release
	scripts/install install target/release

uninstall:
	scripts/install uninstall

fmt:
	$(RUST) cargo fmt

lint:
	$(RUST) cargo fmt --check
	$(RUST) cargo clippy --all-targets --all-features -- -D warnings
	$(RUST) cargo clippy --all-targets --no-default-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(RUST) cargo doc --no-deps --document-private-items
