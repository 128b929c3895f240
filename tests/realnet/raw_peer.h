// A peer that says what a test wants: TCP, then TLS, then any bytes. Blocking, on the library's own TLS session.
#pragma once

#include "realnet/net/asio.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <string>

#include "core/crypto/node_key.h"
#include "realnet/entropy.h"
#include "realnet/net/framing.h"
#include "realnet/net/hello.h"
#include "realnet/net/tls.h"

namespace np2p::real::test {

class RawPeer {
 public:
  explicit RawPeer(std::uint16_t port) : socket_(io_) {
    socket_.connect(tcp::endpoint(asio::ip::address_v4::loopback(), port));
    const timeval limit{10, 0};
    ::setsockopt(socket_.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  }

  void send_raw(ByteView bytes) {
    SocketError ignored;  // a test may well write to a link that is closed already
    asio::write(socket_, asio::buffer(bytes.data(), bytes.size()), ignored);
  }
  bool start_tls() {
    tls_ = std::make_unique<TlsSession>(context_, TlsSession::Side::client);
    tls_->advance();
    while (tls_->state() == TlsSession::State::handshaking) {
      flush();
      if (!more()) return false;
    }
    flush();
    return tls_->state() == TlsSession::State::open;
  }
  void send(ByteView plain) {
    for (; !plain.empty(); plain = plain.subspan(std::min<std::size_t>(plain.size(), 16384))) {
      tls_->write(plain.first(std::min<std::size_t>(plain.size(), 16384)));
    }
    flush();
  }
  void send_hello(SecpNodeKey& key, std::string_view network, Role role = Role::dialler) {
    send_hello_bytes(encode_hello(key, role, network, tls_->exported()));
  }
  void send_hello_bytes(ByteView hello) {
    ByteVec content{static_cast<std::uint8_t>(LinkMessage::hello)};
    content.insert(content.end(), hello.begin(), hello.end());
    ByteVec framed;
    append_message(framed, Stream::link, Traffic::control, content);
    send(framed);
  }
  void send_frame(ByteView payload) {
    SendQueue queue;
    queue.push(Frame(payload), Priority::control, Traffic::control);
    ByteVec framed;
    while (!queue.empty()) queue.fill(framed, framed.size() + kPrefixBytes + kChunkBytes);
    send(framed);
  }
  // Reads until the other side ends; what it said of the link layer's own is in `said`.
  bool closed() {
    while (more()) {
    }
    return ended_;
  }
  // Reads until a message of this type came; false if the link ended before.
  bool hears(LinkMessage type) {
    while (said_.find(static_cast<char>(type)) == std::string::npos) {
      if (!more()) return said_.find(static_cast<char>(type)) != std::string::npos;
    }
    return true;
  }
  [[nodiscard]] TlsSession& tls() { return *tls_; }
  void close() { socket_.close(); }

 private:
  void flush() {
    ByteVec out;
    tls_->take_output(out);
    send_raw(out);
  }
  bool more() {
    std::array<std::uint8_t, 16384> buffer{};
    const auto got = ::recv(socket_.native_handle(), buffer.data(), buffer.size(), 0);
    if (got <= 0) {
      ended_ = got == 0 || errno == ECONNRESET;
      return false;
    }
    if (tls_ == nullptr) return true;
    ByteVec plain;
    tls_->feed(ByteView(buffer).first(static_cast<std::size_t>(got)), plain);
    const Status status = reader_.feed(plain, [this](const Message& message) {
      if (message.stream == Stream::link && !message.bytes.empty()) said_ += static_cast<char>(message.bytes[0]);
      return true;
    });
    return status.ok();
  }

  asio::io_context io_;
  tcp::socket socket_;
  TlsContext context_ = TlsContext::for_links().value();
  std::unique_ptr<TlsSession> tls_;
  FrameReader reader_{Limits{}};
  std::string said_;  // types of the link layer's messages, in order
  bool ended_ = false;
};

}  // namespace np2p::real::test
