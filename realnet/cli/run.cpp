#include <malloc.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "core/event/nip19.h"
#include "realnet/cli/commands.h"
#include "realnet/cli/server_options.h"
#include "realnet/log.h"
#include "realnet/supervisor.h"
#include "web/web_files.h"

namespace np2p::real {

int fail(const Error& why) {
  std::fprintf(stderr, "nostrp2p: %s\n", why.reason.c_str());
  return why.code == ErrorCode::bad_field ? kExitMistake : kExitFailure;
}

namespace {

constexpr std::size_t kLogFileBytes = 5 * 1024 * 1024;

// Standard output takes what was said, or the exit status tells: somebody may have wanted to keep a key.
int flushed(int status) {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return status;
  std::fprintf(stderr, "nostrp2p: cannot write to standard output: %s\n", std::strerror(errno));
  return kExitFailure;
}

Status start_log(const ServerFlags& flags) {
  const std::string format = flags.log_format.value_or("text");
  if (format != "text" && format != "json") {
    return error(ErrorCode::bad_field, "--log-format \"" + format + "\": must be text or json");
  }
  if (flags.log_file) {  // spdlog would make every directory on the way, of a mistyped path too
    const auto directory = std::filesystem::path(*flags.log_file).parent_path();
    std::error_code ignored;
    if (!directory.empty() && !std::filesystem::is_directory(directory, ignored)) {
      return error(ErrorCode::unavailable,
                   "--log-file " + *flags.log_file + ": there is no directory " + directory.string());
    }
  }
  try {
    auto logger = flags.log_file ? spdlog::rotating_logger_st("np2p", *flags.log_file, kLogFileBytes, 1)
                                 : spdlog::stderr_logger_st("np2p");
    logger->set_formatter(log_formatter(format == "json" ? LogFormat::json : LogFormat::text));
    logger->set_level(flags.debug.value_or(false) ? spdlog::level::debug : spdlog::level::info);
    logger->flush_on(spdlog::level::info);
    spdlog::set_default_logger(std::move(logger));
  } catch (const spdlog::spdlog_ex& problem) {
    return error(ErrorCode::unavailable, "cannot write the log file: " + std::string(problem.what()));
  }
  return {};
}

void print_start(const Server& server) {
  const Config& config = server.config();
  std::printf("public key: %s\npublic key (hex): %s\nnode id: %s\nlisten: %s\ndata: %s\napi: %s\n",
              npub(config.owner).c_str(), config.owner.hex().c_str(), server.node_id().hex().c_str(),
              server.listen_address().text().c_str(), server.data_dir().c_str(), server.api_url().c_str());
  std::fflush(stdout);
}

StaticFiles::Map web_client() {
  StaticFiles::Map pages;
  for (const web::File& file : web::files()) {
    pages.emplace(std::string(file.path), StaticFile{file.bytes, file.content_type, file.lasting});
  }
  return pages;
}

}  // namespace

int run_server(const ServerFlags& flags) {
  // Two threads that seldom allocate need no arena each.
  mallopt(M_ARENA_MAX, 1);
  if (Status status = start_log(flags); !status.ok()) return fail(status.error());
  std::unique_ptr<Server> server;
  for (bool first = true; first || server->knows_more(); first = false) {
    std::vector<std::string> warnings;
    auto options = server_options(flags, warnings);
    if (!options.ok()) return fail(options.error());
    for (const auto& warning : warnings) spdlog::warn("{}", warning);
    options->pages = web_client();
    if (!first) {  // at the same place, also if the port was any free one
      options->config.listen = server->listen_address();
      options->api = server->api_address();
      server.reset();  // lets go of ports and data
    }
    auto made = Server::create(std::move(options).value());
    if (!made.ok()) return fail(made.error());
    server = std::move(made).value();
    server->stop_on_signals();
    if (first) print_start(*server);
    // Both ports are open: whoever comes from now on is answered.
    tell_supervisor("READY=1\nSTATUS=listening on " + server->listen_address().text() + ", clients at " +
                    server->api_url());
    server->run();
  }
  spdlog::info("stopped");
  return 0;
}

int run(const std::vector<std::string>& arguments) {
  const auto command = parse_command_line(arguments);
  if (!command.ok()) return fail(command.error());
  struct Runner {
    int operator()(const ServerCommand& server) const { return run_server(server.flags); }
    int operator()(const StatusCommand& status) const { return run_status(status.flags); }
    int operator()(const BindCommand& bind) const { return run_bind(bind.flags); }
    int operator()(const GenkeyCommand& genkey) const { return run_genkey(genkey.flags); }
    int operator()(const ImportFlags& flags) const { return run_import(flags); }
    int operator()(const ExportFlags& flags) const { return run_export(flags); }
    int operator()(const BackupFlags& flags) const { return run_backup(flags); }
    int operator()(const RestoreFlags& flags) const { return run_restore(flags); }
    int operator()(const DeleteFlags& flags) const { return run_delete(flags); }
    int operator()(const BanFlags& flags) const { return run_ban(flags); }
    int operator()(const PostFlags& flags) const { return run_post(flags); }
    int operator()(const TimelineFlags& flags) const { return run_timeline(flags); }
    int operator()(const FollowFlags& flags) const { return run_follow(flags); }
    int operator()(const PrintCommand& print) const {
      std::fputs(print.text.c_str(), stdout);
      return 0;
    }
  };
  return flushed(std::visit(Runner{}, *command));
}

}  // namespace np2p::real
