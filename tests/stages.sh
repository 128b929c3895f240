# The stages of ./dev test, sourced by it. A stage that fails does not stop the others. Each leaves JUnit files in
# build/results/<stage>*.xml; a stage that fails without a failed case in them (a build, a crash) counts as one failure.

results=build/results
stage_names=()
declare -A stage_seconds stage_passed stage_failed

# Sums JUnit files: "passed failed".
tally() {
  "$python" - "$@" <<'EOF'
import sys, xml.etree.ElementTree as tree

passed = failed = 0
for path in sys.argv[1:]:
    for case in tree.parse(path).getroot().iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None or case.find("skipped") is not None or case.get("status") == "fail":
            failed += 1
        else:
            passed += 1
print(passed, failed)
EOF
}

stage() {
  local name=$1 started=$SECONDS ok=1 files passed=0 failed=0
  shift
  say "== $name"
  ( "$@" ) || ok=0
  shopt -s nullglob
  files=("$results/$name"[.-]*xml)
  shopt -u nullglob
  ((${#files[@]})) && read -r passed failed < <(tally "${files[@]}")
  ((ok == 0 && failed == 0)) && failed=1
  stage_names+=("$name")
  stage_seconds[$name]=$((SECONDS - started))
  stage_passed[$name]=$passed
  stage_failed[$name]=$failed
  say "   $passed passed, $failed failed, $((SECONDS - started)) s"
}

pytest_stage() { # NAME ARGUMENT…
  with_module "$python" -m pytest -q --tb=short -p no:cacheprovider --junitxml="$results/$1.xml" "${@:2}"
}

# One XML case for a check that is a command: command_case STAGE CASE COMMAND…
command_case() {
  local stage=$1 name=$2 verdict=''
  shift 2
  "$@" || verdict='<failure/>'
  printf '<testsuite><testcase name="%s">%s</testcase></testsuite>\n' "$name" "$verdict" >"$root/$results/$stage-$name.xml"
  [[ -z $verdict ]]
}

lint_stage() {
  local ok=0
  command_case lint format check_format || ok=1
  command_case lint python check_python || ok=1
  pytest_stage lint tests/tidy_test.py tests/dev_test.py || ok=1
  return $ok
}

ctest_stage() { # NAME PRESET
  build "$2" || return 1
  quietly "$results/$1.log" ctest --test-dir "build/$2" -j "$(jobs_count)" --output-on-failure \
    --output-junit "$root/$results/$1.xml"
}

# Tests of Node's own runner, in this folder. TAP to JUnit: the summary lines carry the counts.
node_tests() { # STAGE FILE…
  local log=$root/$results/$1.log ok=0
  node --test --test-reporter=tap "${@:2}" >"$log" 2>&1 || ok=1
  grep -qE '^# tests [1-9]' "$log" || ok=1
  ((ok)) && grep -E -A 25 '^ *not ok' "$log" | head -n 80
  awk '/^# pass / { p = $3 } /^# fail / { f = $3 }
       END { print "<testsuite>"; while (p-- > 0) print "<testcase/>"
             while (f-- > 0) print "<testcase><failure/></testcase>"; print "</testsuite>" }' \
    "$log" >"$root/$results/$1.xml"
  return $ok
}

javascript_stage() {
  (
    cd tests/client
    quietly "$root/$results/npm.log" npm ci --no-audit --no-fund --prefer-offline || {
      say "npm could not fetch the client libraries of tests/client/package.json: is there a network?"
      exit 1
    }
    node_tests javascript *.test.mjs
  )
}

web_types() { (cd web && npx --no-install tsc --noEmit); }

# The web client: types, unit tests, and headless Chromium before the mock relay and before real servers.
web_stage() {
  [[ -d web/node_modules/playwright-core ]] || {
    say "the packages of web/package-lock.json are not there (see build/web-npm.log)"
    return 1
  }
  local ok=0
  command_case web types web_types || ok=1
  (
    cd web
    { node build.mjs --tests && node build.mjs; } >"$root/$results/web-build.log" || exit 1
    node_tests web ../build/web-test/*.test.mjs test/browser/*.test.mjs
  ) || ok=1
  return $ok
}

# Real servers mostly wait: those that wait longest do it beside the others.
scenarios_stage() {
  local beside=$results/scenarios-links.log ok=0 waiting=(scenarios/nat scenarios/fidelity scenarios/delivery scenarios/absence)
  pytest_stage scenarios-links "${waiting[@]}" "$@" >"$beside" 2>&1 &
  local running=$!
  pytest_stage scenarios scenarios "${waiting[@]/#/--ignore=}" "$@" || ok=1
  wait "$running" || ok=1
  tail -n 40 "$beside"
  return $ok
}

determinism_builds() {
  build clang nostrp2p-sim && build debug nostrp2p-sim && build clang-debug nostrp2p-sim
}

determinism_stage() { determinism_builds && pytest_stage determinism tests/determinism_test.py; }

# Why bare machines cannot boot here; fails if they can.
no_machines() {
  if ((EUID != 0)); then
    say "it takes root"
  elif ! unshare --mount --pid --fork true 2>/dev/null; then
    say "root may not make namespaces here"
  else
    return 1
  fi
}

# Bare machines under systemd. Everything that it starts or mounts ends with it: it has namespaces for that.
machine_stage() {
  local alone=(unshare --mount --propagation private --pid --fork --kill-child --mount-proc)
  (cd tests/client && quietly "$root/$results/npm.log" npm ci --no-audit --no-fund --prefer-offline) || return 1
  "${alone[@]}" "$python" -m pytest -q -s --tb=short -p no:cacheprovider --junitxml="$results/machine.xml" tests/machine/machine_test.py
}

run_stages() {
  local fast='' started=$SECONDS option long=()
  for option in "$@"; do
    case $option in
      --fast) fast=1 ;;
      --long) long=(--nightly) ;;
      *) say "usage: ./dev test [--fast|--long]" >&2 && exit 2 ;;
    esac
  done
  rm -rf "$results"
  mkdir -p "$results"

  stage build build release
  stage lint lint_stage
  stage unit ctest_stage unit release
  stage package pytest_stage package tests/package_test.py
  # Real servers mostly wait: what they leave over compiles what comes last.
  local beside=''
  if [[ -z $fast ]]; then
    (renice -n 19 -p "$BASHPID" >/dev/null && build asan && determinism_builds) >"$results/beside.log" 2>&1 &
    beside=$!
  fi
  stage scenarios scenarios_stage "${long[@]}"
  stage javascript javascript_stage
  stage web web_stage
  if [[ -z $fast ]]; then
    wait "$beside" || true  # if it failed, it does so again, and says why
    stage determinism determinism_stage
    stage sanitizers ctest_stage sanitizers asan
  fi

  if ((${#long[@]})); then
    local why
    if why=$(no_machines); then
      say "== machine: left out, $why"
    else
      setup "${packages_machine[@]}"
      stage machine machine_stage
    fi
  fi

  local name passed=0 failed=0
  printf '\n%-14s %8s %8s %8s\n' stage seconds passed failed
  for name in "${stage_names[@]}"; do
    printf '%-14s %8d %8d %8d\n' "$name" "${stage_seconds[$name]}" "${stage_passed[$name]}" "${stage_failed[$name]}"
    passed=$((passed + stage_passed[$name]))
    failed=$((failed + stage_failed[$name]))
  done
  printf '%-14s %8d\n' total $((SECONDS - started))
  say "$passed passed, $failed failed"
  ((failed == 0))
}
