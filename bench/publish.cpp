// Publishing to a real server over REST: from the request to the SUCCESS that means "on the disk", on loopback and on
// this disk, with 1 and with 8 connections that each wait for their answer. The server is the program beside this one;
// its wall time counts.
//
// The counters say where the processor's time goes, in microseconds per publish: server (its own code and libraries),
// server_kernel (sockets and disk on its behalf), generator (this program, with its part of the kernel). Everything is
// signed and serialised before the clock runs.
#include <benchmark/benchmark.h>
#include <poll.h>

#include <ctime>
#include <stdexcept>
#include <string>
#include <vector>

#include "bench/server_process.h"
#include "core/crypto/signer.h"
#include "core/event/json.h"

namespace {

using namespace np2p;
using namespace np2p::bench;

// A connection that publishes one event after the other and waits for each answer.
class Connection {
 public:
  Connection() : file_(connect_to(kServerPort + 1)) {
    if (file_ < 0) throw std::runtime_error("the server refuses connections");
  }
  ~Connection() { close(file_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int file() const { return file_; }
  void send_request(const std::string& request) {
    if (write(file_, request.data(), request.size()) != static_cast<ssize_t>(request.size())) {
      throw std::runtime_error("the server closed a connection");
    }
  }
  // True when the answer is complete.
  bool receive() {
    char buffer[4096];
    const ssize_t got = read(file_, buffer, sizeof buffer);
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    answer_.append(buffer, static_cast<std::size_t>(got));
    const auto body = answer_.find("\r\n\r\n");
    if (body == std::string::npos || answer_.find('}', body) == std::string::npos) return false;
    if (answer_.find("SUCCESS", body) == std::string::npos) throw std::runtime_error("refused: " + answer_);
    answer_.clear();
    return true;
  }

 private:
  int file_;
  std::string answer_;
};

class Publisher {
 public:
  Publisher() : signer_(Signer::from_seed(1, 0)), server_(signer_.public_key()) {}

  // Whole requests, each with an event of its own.
  std::vector<std::string> sign(std::size_t count) {
    std::vector<std::string> requests;
    const auto now = static_cast<std::int64_t>(std::time(nullptr));  // as people post
    for (std::size_t i = 0; i < count; ++i) {
      Tags tags;
      tags.add({"t", std::to_string(++serial_)});
      const std::string json = event_json(signer_.sign(1, now, std::move(tags), std::string(200, 'x')));
      requests.push_back(
          "POST /publish HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: " +
          std::to_string(json.size()) + "\r\n\r\n" + json);
    }
    return requests;
  }

  static void publish(std::vector<Connection>& connections, const std::vector<std::string>& requests) {
    std::vector<pollfd> waiting;
    std::size_t sent = 0;
    std::size_t answered = 0;
    for (auto& connection : connections) {
      waiting.push_back({connection.file(), POLLIN, 0});
      connection.send_request(requests[sent++]);
    }
    while (answered < requests.size()) {
      if (poll(waiting.data(), waiting.size(), 30'000) <= 0) throw std::runtime_error("the server does not answer");
      for (std::size_t i = 0; i < waiting.size(); ++i) {
        if (waiting[i].revents == 0 || !connections[i].receive()) continue;
        ++answered;
        if (sent < requests.size()) connections[i].send_request(requests[sent++]);
      }
    }
  }

  [[nodiscard]] const ServerProcess& server() const { return server_; }

 private:
  Signer signer_;
  ServerProcess server_;
  std::uint64_t serial_ = 0;
};

void publish(benchmark::State& state) {
  const auto connections = static_cast<std::size_t>(state.range(0));
  const std::size_t events = 50 * connections;
  PublishingCost cost;
  try {
    Publisher publisher;
    std::vector<Connection> open(connections);
    for (auto _ : state) {
      state.PauseTiming();
      const auto requests = publisher.sign(events);
      cost.begin(publisher.server());
      state.ResumeTiming();
      Publisher::publish(open, requests);
      state.PauseTiming();
      cost.end(publisher.server());
      state.ResumeTiming();
    }
  } catch (const std::exception& failure) {
    state.SkipWithError(failure.what());
  }
  const auto published = static_cast<std::int64_t>(events) * static_cast<std::int64_t>(state.iterations());
  cost.report(state, published);
}
BENCHMARK(publish)->Arg(1)->Arg(8)->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
