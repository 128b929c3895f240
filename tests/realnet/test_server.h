// A real server inside the test process, on free loopback ports, with a directory of its own that goes with it; and a
// blocking HTTP client that lets a test see the bytes as they come.
#pragma once

#include "realnet/net/asio.h"

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include "core/crypto/signer.h"
#include "realnet/server.h"

namespace np2p::real::test {

class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "np2p-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

inline Address loopback(std::uint16_t port) {
  return Address::v4(0x7F000001, port);
}

// Options of a server on free loopback ports.
inline ServerOptions loopback_options(const PubKey& owner, const std::string& data_dir) {
  ServerOptions options;
  options.config.owner = owner;
  options.config.listen = loopback(0);
  options.config.dial_loopback = true;
  options.data_dir = data_dir;
  options.api_settings.limits = options.config.limits;
  return options;
}

class RunningServer {
 public:
  explicit RunningServer(ServerOptions options) {
    auto created = Server::create(std::move(options));
    if (!created.ok()) throw std::runtime_error(created.error().reason);
    server_ = std::move(created).value();
    thread_ = std::thread([this] { server_->run(); });
  }
  ~RunningServer() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_->request_stop();
    thread_.join();
  }
  void end() {  // as at the end of the process
    stop();
    server_.reset();
  }
  [[nodiscard]] std::uint16_t port() const { return server_->listen_address().port; }
  [[nodiscard]] std::uint16_t api_port() const { return server_->api_address().port; }
  Server* operator->() { return server_.get(); }

 private:
  std::unique_ptr<Server> server_;
  std::thread thread_;
};

struct HttpResponse {
  int status = 0;
  std::string head;
  std::string body;
  [[nodiscard]] std::string header(std::string name) const {  // lower-case name; empty if not there
    std::string lower = head;
    for (auto& c : lower) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const auto at = lower.find("\r\n" + name + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

// One keep-alive connection. Reading fails the test by an exception after ten seconds.
class HttpClient {
 public:
  explicit HttpClient(std::uint16_t port) : HttpClient(loopback(port)) {}
  explicit HttpClient(const Address& server) : socket_(io_) {
    socket_.connect(to_endpoint(server));
    const timeval limit{10, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }
  void send(std::string_view bytes) { asio::write(socket_, asio::buffer(bytes.data(), bytes.size())); }
  HttpResponse receive(bool with_body = true) {  // HEAD's answer has none, whatever its length is said to be
    HttpResponse response;
    while (in_.find("\r\n\r\n") == std::string::npos) more();
    const auto end = in_.find("\r\n\r\n");
    response.head = in_.substr(0, end + 2);
    in_.erase(0, end + 4);
    response.status = std::stoi(response.head.substr(9, 3));
    const std::size_t length = with_body ? std::stoul("0" + response.header("content-length")) : 0;
    while (in_.size() < length) more();
    response.body = in_.substr(0, length);
    in_.erase(0, length);
    return response;
  }
  HttpResponse request(const std::string& method, const std::string& target, const std::string& body,
                       const std::string& headers = "Content-Type: application/json\r\n") {
    send(format(method, target, body, headers));
    return receive();
  }
  static std::string format(const std::string& method, const std::string& target, const std::string& body,
                            const std::string& headers = "Content-Type: application/json\r\n") {
    const std::string host = headers.find("Host:") == std::string::npos ? "Host: localhost\r\n" : "";
    return method + " " + target + " HTTP/1.1\r\n" + host + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
  }
  // True once the other side has closed; what it still says before is thrown away.
  bool closed() {
    std::array<char, 4096> buffer{};
    ssize_t got = 1;
    while (got > 0) got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    return got == 0 || errno == ECONNRESET;
  }

 private:
  void more() {
    std::array<char, 16384> buffer{};
    // Not through Asio: its blocking read would wait on after the kernel's timeout.
    const auto got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    if (got <= 0) throw std::runtime_error("connection ended");
    in_.append(buffer.data(), static_cast<std::size_t>(got));
  }
  asio::io_context io_;
  tcp::socket socket_;
  std::string in_;
};

}  // namespace np2p::real::test
