#include "realnet/certificate_watch.h"

#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <utility>

namespace np2p::real {

CertificateWatch::CertificateWatch(asio::io_context& io, std::string certificate, std::string key, Duration every,
                                   std::function<void(TlsContext)> renewed)
    : certificate_(std::move(certificate)),
      key_(std::move(key)),
      every_(every),
      renewed_(std::move(renewed)),
      seen_(stamp(certificate_), stamp(key_)),
      timer_(io) {}

void CertificateWatch::start() {
  timer_.expires_after(every_);
  timer_.async_wait([this](const SocketError& cancelled) {
    if (cancelled) return;
    look();
    start();
  });
}

void CertificateWatch::stop() {
  timer_.cancel();
}

CertificateWatch::Stamp CertificateWatch::stamp(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return {};
  // The change of the inode, not of the content: a mended permission counts, and a copy that keeps its old date.
  return {found.st_ino, found.st_ctim.tv_sec, found.st_ctim.tv_nsec};
}

void CertificateWatch::look() {
  const std::pair now(stamp(certificate_), stamp(key_));
  if (now == seen_) return;
  seen_ = now;  // taken before the files are read: what is written meanwhile is another change
  auto made = TlsContext::from_files(certificate_, key_);
  if (!made.ok()) {
    spdlog::warn("the changed certificate is not taken up, the former one stays: {}", made.error().reason);
    return;
  }
  renewed_(std::move(made).value());
  spdlog::info("the changed certificate {} is taken up", certificate_);
}

}  // namespace np2p::real
