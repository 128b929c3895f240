// Import of 100,000 events from a file into a new database, every one of them verified: nostrp2p's own pipeline, with
// as many threads as there are cores, and with one that verifies. `cpu_s` is what all threads together used. The file
// stays beside this program (bench_import.jsonl), for bench/compare.py, which measures a server on these events.
#include <benchmark/benchmark.h>
#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "bench/signed_events.h"
#include "core/event/json.h"
#include "realnet/import.h"

namespace {

using namespace np2p;

constexpr std::size_t kEvents = 100'000;

std::filesystem::path here() {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path();
}

std::string events_file() {
  const std::string path = (here() / "bench_import.jsonl").string();
  if (std::filesystem::exists(path)) return path;
  std::ofstream out(path + ".part");
  for (const Event& event : bench::signed_events(kEvents)) out << event_json(event) << '\n';
  out.close();
  std::filesystem::rename(path + ".part", path);
  return path;
}

double cpu_seconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

void import(benchmark::State& state) {
  const std::string path = events_file();
  const auto directory = here() / "bench_import.data";
  Limits limits;
  limits.stored_events = 200'000;
  limits.stranger_share_percent = 100;
  double cpu = 0;
  for (auto _ : state) {
    state.PauseTiming();
    std::filesystem::remove_all(directory);
    std::filesystem::create_directory(directory);
    auto store = SqliteStore::open((directory / "import.db").string(), limits);
    const int file = ::open(path.c_str(), O_RDONLY);
    if (!store.ok() || file < 0) std::abort();
    const double before = cpu_seconds();
    state.ResumeTiming();
    const auto counts = real::import_events(
        file, **store, {PubKey{}, limits, 1'800'000'000, static_cast<unsigned>(state.range(0))}, {});
    if (!counts.ok() || counts->stored != kEvents) state.SkipWithError("not everything was stored");
    cpu += cpu_seconds() - before;
    state.PauseTiming();
    ::close(file);
    store->reset();
    state.ResumeTiming();
  }
  std::filesystem::remove_all(directory);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kEvents));
  state.counters["cpu_s"] = cpu / static_cast<double>(state.iterations());
}
BENCHMARK(import)->Arg(0)->Arg(1)->Iterations(1)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
