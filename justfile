# Each recipe is one or two commands that also work without just.

# open the dashboard
run *ARGS:
    cargo run --release -- {{ARGS}}

# the tests, as in the README
test:
    cargo test --workspace

# everything that has to pass
check:
    .ci/run

# a report of every lab, small sizes
report *ARGS:
    cargo run --release -- report --quick {{ARGS}}

# what the dashboard costs: first frame, key to frame, bytes
bench-terminal:
    cargo bench --bench terminal
