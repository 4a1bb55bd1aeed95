# What CI runs, in pieces that anyone can run.

# Everything that decides whether a change lands.
ci: fmt clippy doc test msrv conformance bench-compiles

fmt:
    cargo fmt --check

clippy:
    cargo clippy --all-targets --features conformance -- -D warnings

doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --lib

test:
    cargo test
    cargo test --features png --test png

# The declared minimum version must not be below what the dependencies declare.
msrv:
    python3 tools/msrv.py

# The checks by the real tools of other ecosystems, which `tools` installs where they are missing. Ends with
# the table of what each has read: kind, tool, version, files, result.
conformance: tools
    bash tools/conformance.sh

tools:
    bash tools/install.sh

bench-compiles:
    cargo bench --no-run

bench:
    cargo bench

# The reader book in a browser's folder.
book:
    cargo run --release -- build book-example
