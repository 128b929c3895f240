// import and export: events as lines of JSON, in strfry's format.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

#include "core/event/json.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/own_data.h"
#include "realnet/clock.h"
#include "realnet/import.h"

namespace np2p::real {

namespace {

constexpr std::uint64_t kShownRefusals = 100;
constexpr int kInterrupted = 130;

std::atomic<bool> interrupted{false};

// What is in stays in; a second signal ends the process at once.
void stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { interrupted.store(true); };
  action.sa_flags = static_cast<int>(SA_RESETHAND);  // and no SA_RESTART: a read that waits comes back
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

std::string counted(const ImportCounts& counts) {
  return std::to_string(counts.stored) + " stored, " + std::to_string(counts.duplicates) + " duplicate, " +
         std::to_string(counts.refused) + " refused";
}

struct InputFile {
  int number = -1;
  std::uint64_t bytes = 0;  // 0: nobody knows
  ~InputFile() {
    if (number > STDIN_FILENO) ::close(number);
  }
};

Result<int> import(const ImportFlags& flags) {
  if (flags.threads < 0 || flags.threads > 256)
    return error(ErrorCode::bad_field, "--threads must be a number up to 256");
  InputFile file;
  file.number = flags.file == "-" ? STDIN_FILENO : ::open(flags.file.c_str(), O_RDONLY | O_CLOEXEC);
  if (file.number < 0) {
    return error(ErrorCode::unavailable, "cannot read " + flags.file + ": " + std::strerror(errno));
  }
  struct stat about {};
  if (::fstat(file.number, &about) == 0 && S_ISREG(about.st_mode))
    file.bytes = static_cast<std::uint64_t>(about.st_size);
  auto data = open_data(flags.data, true);
  if (!data.ok()) return data.error();
  stop_on_signals();
  Progress progress("import");
  std::uint64_t refusals = 0;
  ImportHooks hooks;
  hooks.stop = &interrupted;
  hooks.progress = [&](const ImportCounts& counts) { progress.show(counts.bytes, file.bytes, counted(counts)); };
  hooks.refused = [&](std::uint64_t line, const std::string& reason) {
    if (++refusals > kShownRefusals) return;
    progress.end();
    std::fprintf(stderr, "line %llu: %s\n", static_cast<unsigned long long>(line), reason.c_str());
    if (refusals == kShownRefusals) std::fprintf(stderr, "further refusals are only counted\n");
  };
  const ImportSettings settings{data->owner, data->limits, unix_seconds(wall_now()),
                                static_cast<unsigned>(flags.threads)};
  const auto counts = import_events(file.number, *data->store, settings, hooks);
  progress.end();
  if (!counts.ok()) return counts.error();
  std::printf("%s\n", counted(*counts).c_str());
  for (const auto& [reason, count] : counts->reasons) {
    std::printf("  %llu refused: %s\n", static_cast<unsigned long long>(count), reason.c_str());
  }
  if (counts->evicted > 0) {
    std::printf("  %llu given up for newer ones (see [retention] in the configuration)\n",
                static_cast<unsigned long long>(counts->evicted));
  }
  if (!interrupted.load()) return 0;
  std::fprintf(stderr, "nostrp2p: interrupted; what was stored stays, start again to go on\n");
  return kInterrupted;
}

Status export_to(std::FILE* out, const ExportFlags& flags) {
  Filter filter;
  if (flags.filter) {
    auto parsed = parse_filter_json(*flags.filter);
    if (!parsed.ok()) return error(ErrorCode::bad_field, "--filter: " + parsed.error().reason);
    filter = std::move(parsed).value();
  }
  auto data = open_data(flags.data, false);
  if (!data.ok()) return data.error();
  const auto stamps = data->store->stamps(filter, data->store->stats().events);
  Progress progress("export");
  std::size_t done = 0;
  for (auto stamp = stamps.rbegin(); stamp != stamps.rend(); ++stamp) {  // the oldest first
    const EventPtr event = data->store->get(stamp->id);
    if (event && std::fputs((event_line(event) + "\n").c_str(), out) < 0) break;
    progress.show(++done, stamps.size());
  }
  progress.end();
  if (std::fflush(out) != 0 || std::ferror(out) != 0) {
    return error(ErrorCode::unavailable, std::string("the events cannot be written: ") + std::strerror(errno));
  }
  std::fprintf(stderr, "%zu events\n", done);
  return {};
}

}  // namespace

int run_import(const ImportFlags& flags) {
  const auto outcome = import(flags);
  return outcome.ok() ? *outcome : fail(outcome.error());
}

int run_export(const ExportFlags& flags) {
  std::FILE* out = stdout;
  if (flags.file && *flags.file != "-") {
    const int file = ::open(flags.file->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    out = file < 0 ? nullptr : ::fdopen(file, "w");
    if (out == nullptr) {
      return fail(error(ErrorCode::unavailable, "cannot create " + *flags.file + ": " + std::strerror(errno)));
    }
  }
  const Status status = export_to(out, flags);
  if (out != stdout) {
    std::fclose(out);
    if (!status.ok()) ::unlink(flags.file->c_str());
  }
  return status.ok() ? 0 : fail(status.error());
}

}  // namespace np2p::real
