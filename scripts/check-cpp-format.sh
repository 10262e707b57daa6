#!/bin/sh
# The C and C++ sources are formatted as .clang-format says. clang-format is not needed to build, so where it is missing
# this says so and passes.
set -eu
cd "$(dirname "$0")/.."
if ! command -v clang-format >/dev/null 2>&1; then
  echo 'check-cpp-format: clang-format is not installed, C++ formatting was not checked'
  exit 0
fi
find native/src native/doors native/within bench/floor test/support/programs -name '*.cc' -o -name '*.c' -o -name '*.h' | sort | xargs clang-format --dry-run -Werror
