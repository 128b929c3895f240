// TLS over a connected socket that blocks, for one request of the command line. The socket's own timeouts hold.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/base/result.h"

struct ssl_ctx_st;
struct ssl_st;

namespace np2p::real {

class TlsClient {
 public:
  // The handshake. With `verify` the certificate must be good for that host, by the authorities of this machine. The
  // error says what is wrong in the middle of a sentence.
  static Result<TlsClient> connect(int socket, const std::string& host, bool verify);

  [[nodiscard]] bool write(std::string_view bytes);
  // As recv(): 0 is the end, -1 a failure; errno is EAGAIN after silence.
  std::ptrdiff_t read(std::span<char> into);

 private:
  struct Free {
    void operator()(ssl_ctx_st* context) const noexcept;
    void operator()(ssl_st* session) const noexcept;
  };
  std::unique_ptr<ssl_ctx_st, Free> context_;
  std::unique_ptr<ssl_st, Free> session_;
};

}  // namespace np2p::real
