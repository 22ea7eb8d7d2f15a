# Lists the tasks.
default:
    @just --list

# Everything that must hold before a change is good; what CI runs.
check:
    scripts/test

# The daemon on simulated providers: no keys, no network.
serve *ARGS:
    cargo run --release -- serve --env development {{ARGS}}

# An incident to watch.
demo *ARGS:
    cargo run --release -- demo {{ARGS}}

# The unit and integration tests alone; CI has the unit tests with `--lib --features otel`.
test *ARGS:
    cargo test --profile ci {{ARGS}}

# Formats the sources.
format:
    cargo fmt

# The lints, as CI wants them.
lint:
    cargo clippy --profile ci --all-targets --features otel -- -D warnings
    cargo clippy --profile ci --lib --bins --examples -- -D warnings

# What lies in deploy/, by the tools of those who read it.
deploy *PART:
    scripts/deploy {{PART}}

# The seed's curl, Python and Node examples by the official packages.
clients:
    scripts/clients

# A real model behind Weighbridge, one of its servers stopped and started again.
real-model:
    scripts/real-model

# The simulator against two servers of a small model under rising load: predicted against measured, about four minutes
real-queue:
    scripts/real-queue

# What each part costs, measured.
bench *ARGS:
    cargo bench {{ARGS}}
