# The common doings. What they need they install (Debian, root); see scripts/.

RUST = scripts/with-rust

.PHONY: build demo test bench install uninstall fmt lint

build:
	scripts/install-deps build
	$(RUST) cargo build --release

# Boots a real guest through the installed hook, in a world of its own: this host stays untouched.
demo:
	scripts/demo

test:
	scripts/install-deps
	scripts/guest-image
	$(RUST) cargo test --features faults

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
