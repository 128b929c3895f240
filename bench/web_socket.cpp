// Publishing to a real server over WebSockets: from the EVENT to the OK that means "on the disk", on loopback and on
// this disk. web_socket/C/W: C connections, each with W events in flight; wall time counts. The counters are those of
// publish.cpp, and syncs: fdatasync calls per publish, as the server counts them.
#include <benchmark/benchmark.h>
#include <poll.h>

#include <algorithm>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "bench/server_process.h"
#include "core/crypto/signer.h"
#include "core/event/json.h"

namespace {

using namespace np2p;
using namespace np2p::bench;

void write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t wrote = write(file, bytes.data(), bytes.size());
    if (wrote <= 0) throw std::runtime_error("the server closed a connection");
    bytes.remove_prefix(static_cast<std::size_t>(wrote));
  }
}

// A text message as a client sends it (RFC 6455 5.2): masked, here with zeros.
std::string frame(std::string_view text) {
  if (text.size() < 126 || text.size() > 0xFFFF) throw std::runtime_error("no event is that long here");
  std::string out{'\x81', '\xFE', static_cast<char>(text.size() >> 8), static_cast<char>(text.size()), 0, 0, 0, 0};
  return out.append(text);
}

// One WebSocket that keeps so many events in flight.
class Connection {
 public:
  Connection() : file_(connect_to(kServerPort + 1)) {
    if (file_ < 0) throw std::runtime_error("the server refuses connections");
    write_all(file_,
              "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
    while (in_.find("\r\n\r\n") == std::string::npos) fill();
    if (in_.find(" 101 ") == std::string::npos) throw std::runtime_error("no WebSocket: " + in_);
    in_.erase(0, in_.find("\r\n\r\n") + 4);
  }
  ~Connection() { close(file_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] int file() const { return file_; }
  [[nodiscard]] std::size_t in_flight() const { return in_flight_; }
  void add(std::string_view message) {
    out_ += message;
    ++in_flight_;
  }
  void send() {
    write_all(file_, out_);
    out_.clear();
  }
  // How many OKs came.
  std::size_t receive() {
    fill();
    std::size_t answered = 0;
    std::size_t at = 0;
    while (in_.size() - at >= 2) {
      const auto size = static_cast<unsigned char>(in_[at + 1]);
      if (size >= 126) throw std::runtime_error("a long answer");
      if (in_.size() - at < 2u + size) break;
      const std::string_view text(in_.data() + at + 2, size);
      if (text.substr(0, 5) != R"(["OK")" || text.find(",true,") == std::string_view::npos) {
        throw std::runtime_error("refused: " + std::string(text));
      }
      at += 2u + size;
      ++answered;
    }
    in_.erase(0, at);
    in_flight_ -= answered;
    return answered;
  }

 private:
  void fill() {
    char buffer[16384];
    const ssize_t got = read(file_, buffer, sizeof buffer);
    if (got <= 0) throw std::runtime_error("the server closed a connection");
    in_.append(buffer, static_cast<std::size_t>(got));
  }
  int file_;
  std::string in_;
  std::string out_;
  std::size_t in_flight_ = 0;
};

std::vector<std::string> sign(const Signer& signer, std::size_t count, std::uint64_t& serial) {
  std::vector<std::string> messages;
  const auto now = static_cast<std::int64_t>(std::time(nullptr));  // as people post
  for (std::size_t i = 0; i < count; ++i) {
    Tags tags;
    tags.add({"t", std::to_string(++serial)});
    messages.push_back(
        frame("[\"EVENT\"," + event_json(signer.sign(1, now, std::move(tags), std::string(200, 'x'))) + "]"));
  }
  return messages;
}

void publish(std::deque<Connection>& connections, const std::vector<std::string>& messages, std::size_t window) {
  std::vector<pollfd> waiting;
  for (auto& connection : connections) waiting.push_back({connection.file(), POLLIN, 0});
  std::size_t sent = 0;
  std::size_t answered = 0;
  const auto more = [&](Connection& connection) {
    while (connection.in_flight() < window && sent < messages.size()) connection.add(messages[sent++]);
    connection.send();
  };
  for (auto& connection : connections) more(connection);
  while (answered < messages.size()) {
    if (poll(waiting.data(), waiting.size(), 30'000) <= 0) throw std::runtime_error("the server does not answer");
    for (std::size_t i = 0; i < waiting.size(); ++i) {
      if (waiting[i].revents == 0) continue;
      answered += connections[i].receive();
      more(connections[i]);
    }
  }
}

// The server's own count.
double syncs() {
  const int file = connect_to(kServerPort + 1);
  write_all(file, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
  std::string text;
  char buffer[16384];
  for (ssize_t got = 0; (got = read(file, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<std::size_t>(got));
  }
  close(file);
  constexpr std::string_view kName = "\nnp2p_syncs_total ";
  const auto at = text.find(kName);
  if (at == std::string::npos) throw std::runtime_error("the server counts no syncs");
  return std::stod(text.substr(at + kName.size()));
}

void web_socket(benchmark::State& state) {
  const auto window = static_cast<std::size_t>(state.range(1));
  const std::size_t events = 50 * static_cast<std::size_t>(state.range(0)) * std::min<std::size_t>(window, 16);
  PublishingCost cost;
  double synced = 0;
  try {
    const Signer signer = Signer::from_seed(1, 0);
    ServerProcess process(signer.public_key());
    std::deque<Connection> open;
    for (std::int64_t i = 0; i < state.range(0); ++i) open.emplace_back();
    std::uint64_t serial = 0;
    synced = -syncs();
    for (auto _ : state) {
      state.PauseTiming();
      const auto messages = sign(signer, events, serial);
      cost.begin(process);
      state.ResumeTiming();
      publish(open, messages, window);
      state.PauseTiming();
      cost.end(process);
      state.ResumeTiming();
    }
    synced += syncs();
  } catch (const std::exception& failure) {
    state.SkipWithError(failure.what());
  }
  const auto published = static_cast<std::int64_t>(events) * static_cast<std::int64_t>(state.iterations());
  cost.report(state, published);
  state.counters["syncs"] = synced / static_cast<double>(published);
}
BENCHMARK(web_socket)->Args({1, 1})->Args({8, 1})->Args({8, 64})->UseRealTime()->Unit(benchmark::kMillisecond);

}  // namespace
