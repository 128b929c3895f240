// TLS without a socket: bytes from the network go in, plaintext comes out, and the other way round. Whoever owns the
// transport moves the bytes. So links, the API and (later) tunnels share it, and an idle session holds no buffer.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "core/base/bytes.h"
#include "core/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace np2p::real {

class TlsContext {
 public:
  // For links: TLS 1.3 only, a key and a self-signed certificate made now and kept in memory. The certificate proves
  // nothing; the Hello that follows does (net/hello.h).
  static Result<TlsContext> for_links();
  // For the API with -s: certificate chain and key from PEM files, TLS 1.2 or later.
  static Result<TlsContext> from_files(const std::string& certificate, const std::string& key);

  TlsContext(TlsContext&&) noexcept;
  TlsContext& operator=(TlsContext&&) noexcept;
  ~TlsContext();
  [[nodiscard]] ssl_ctx_st* native() const noexcept { return context_; }

 private:
  explicit TlsContext(ssl_ctx_st* context) : context_(context) {}
  ssl_ctx_st* context_;
};

class TlsSession {
 public:
  enum class Side { client, server };
  enum class State { handshaking, open, closed, failed };
  using Exported = std::array<std::uint8_t, 32>;

  TlsSession(const TlsContext& context, Side side);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;

  // A client starts with advance(); afterwards every step is feed(). Plaintext is appended to `plain`.
  State advance();
  State feed(ByteView cipher, ByteVec& plain);
  [[nodiscard]] State state() const noexcept { return state_; }

  void write(ByteView plain);  // only while open
  void close();                // queues close_notify
  // Appends what has to go to the network.
  void take_output(ByteVec& out);
  [[nodiscard]] bool has_output() const noexcept;

  // RFC 8446 7.5: 32 bytes that only the two ends of this very connection know.
  [[nodiscard]] Exported exported() const;

 private:
  void read_plain(ByteVec& plain);
  void note_error(int code);
  ssl_st* ssl_;
  State state_ = State::handshaking;
};

}  // namespace np2p::real
