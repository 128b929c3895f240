// A server of its own for a benchmark: the program beside it, with a fresh database on this disk, on loopback. With
// NP2P_STRACE=FILE it runs under strace -c, to count its fdatasync calls (bench/compare.py does).
#pragma once

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/base/bytes.h"
#include "core/event/event.h"

namespace np2p::bench {

constexpr std::uint16_t kServerPort = 29310;  // its clients' interface is on the next one

inline int connect_to(std::uint16_t port) {
  const int file = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(file, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return file;
  close(file);
  return -1;
}

// One server process with a fresh database, ended with the object.
class ServerProcess {
 public:
  explicit ServerProcess(const PubKey& owner) {
    const auto build = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    directory_ = build / "bench_server.data";
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directory(directory_);
    std::vector<std::string> words = {
        build / "nostrp2p", "server",     "-l",      "127.0.0.1:" + std::to_string(kServerPort), "-p",
        owner.hex(),        "--data-dir", directory_};
    if (const char* summary = std::getenv("NP2P_STRACE")) {
      const std::vector<std::string> prefix = {"strace", "-f", "-c", "-e", "trace=fdatasync,fsync", "-o", summary};
      words.insert(words.begin(), prefix.begin(), prefix.end());
    }
    process_ = fork();
    if (process_ == 0) {
      setpgid(0, 0);
      if (!std::freopen((directory_ / "log.txt").c_str(), "w", stderr)) _exit(126);
      if (!std::freopen("/dev/null", "w", stdout)) _exit(126);  // ours carries the results
      std::vector<char*> arguments;
      for (auto& word : words) arguments.push_back(word.data());
      arguments.push_back(nullptr);
      execvp(arguments[0], arguments.data());
      _exit(127);
    }
    for (int attempt = 0; attempt < 200; ++attempt) {
      usleep(50'000);
      if (const int file = connect_to(kServerPort + 1); file >= 0) {
        close(file);
        return;
      }
    }
    throw std::runtime_error("the server did not start; see " + (directory_ / "log.txt").string());
  }
  // Processor time so far, in microseconds: in user mode and in the kernel.
  struct Used {
    double user = 0;
    double kernel = 0;
  };
  [[nodiscard]] Used used() const {
    std::ifstream file("/proc/" + std::to_string(process_) + "/stat");
    const std::string line{std::istreambuf_iterator<char>(file), {}};
    std::istringstream fields(line.substr(line.rfind(')') + 1));
    std::string skipped;
    for (int i = 0; i < 11; ++i) fields >> skipped;
    Used used;
    fields >> used.user >> used.kernel;
    const double tick = 1e6 / static_cast<double>(sysconf(_SC_CLK_TCK));
    return {used.user * tick, used.kernel * tick};
  }
  ~ServerProcess() {
    kill(-process_, SIGTERM);  // the whole group: strace itself ends when the server has
    waitpid(process_, nullptr, 0);
    std::filesystem::remove_all(directory_);
  }
  ServerProcess(const ServerProcess&) = delete;
  ServerProcess& operator=(const ServerProcess&) = delete;

 private:
  std::filesystem::path directory_;
  pid_t process_ = -1;
};

// Of this process, its part of the kernel included.
inline double own_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

// What publishing cost the server and this process, of which only the parts between begin() and end() count.
class PublishingCost {
 public:
  void begin(const ServerProcess& server) {
    server_before_ = server.used();
    own_before_ = own_microseconds();
  }
  void end(const ServerProcess& server) {
    const auto after = server.used();
    generator_ += own_microseconds() - own_before_;
    server_.user += after.user - server_before_.user;
    server_.kernel += after.kernel - server_before_.kernel;
  }
  // Counters of microseconds for each of `published` events.
  void report(benchmark::State& state, std::int64_t published) const {
    state.SetItemsProcessed(published);
    const auto each = [&](double total) { return total / static_cast<double>(published); };
    state.counters["server"] = each(server_.user);
    state.counters["server_kernel"] = each(server_.kernel);
    state.counters["generator"] = each(generator_);
  }

 private:
  ServerProcess::Used server_before_;
  ServerProcess::Used server_;
  double own_before_ = 0;
  double generator_ = 0;
};

}  // namespace np2p::bench
