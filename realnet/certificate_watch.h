// The certificate of -s is renewed every few weeks by whoever gets it; the server takes up the new one by itself.
#pragma once

#include "realnet/net/asio.h"

#include <cstdint>
#include <functional>
#include <string>
#include <tuple>

#include "core/base/time.h"
#include "realnet/net/tls.h"

namespace np2p::real {

class CertificateWatch {
 public:
  // From now on a change of either file counts. `renewed` gets what the files hold after it. While they cannot be used,
  // or do not belong together (one of them is written before the other), the log says so and nothing changes.
  CertificateWatch(asio::io_context& io, std::string certificate, std::string key, Duration every,
                   std::function<void(TlsContext)> renewed);
  void start();
  void stop();

 private:
  // Of a file, through all links: number, and when it was last changed (seconds, nanoseconds). Zeros if it is not
  // there.
  using Stamp = std::tuple<std::uint64_t, std::int64_t, std::int64_t>;
  static Stamp stamp(const std::string& path);
  void look();

  std::string certificate_, key_;
  Duration every_;
  std::function<void(TlsContext)> renewed_;
  std::pair<Stamp, Stamp> seen_;
  asio::steady_timer timer_;
};

}  // namespace np2p::real
